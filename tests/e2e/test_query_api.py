"""What backends and operators ask over HTTP: history, unread, connections; and disconnect."""

import pytest

from client import Client
from pace import wait_until


def history(broker, channel, query=""):
    """The messages of the answer, oldest first."""
    answer = broker.ask_api(f"/api/channels/{channel}/history{query}")
    assert answer.status == 200, answer
    lists = [value for value in answer.json().values() if isinstance(value, list)]
    assert len(lists) == 1, answer
    return lists[0]


def wait_for_history(broker, channel, count):
    return wait_until(lambda: len(found := history(broker, channel)) == count and found or
                      (count == 0 and not found), f"{count} messages in the history")


# ---- history ----

async def test_the_history_has_the_messages_as_they_went_out(pair):
    broker, producer = pair
    async with await Client.open(broker) as client:
        for number in range(5):
            producer.publish("user:42", str(number), event="e.x", id=f"n{number}")
        got = await client.take(5)
    assert wait_for_history(broker, "user:42", 5) == got


async def test_after_and_limit_page_through_it(pair):
    broker, producer = pair
    ids = [producer.publish("trending", str(number)) for number in range(25)]
    wait_for_history(broker, "trending", 25)
    seen, after = [], ""
    while True:
        page = history(broker, "trending", f"?limit=10{after}")
        if not page:
            break
        assert len(page) <= 10
        seen += [message["event_id"] for message in page]
        after = "&after=" + seen[-1]
    assert seen == ids


async def test_the_default_limit_is_100_and_the_most_1000(pair):
    broker, producer = pair
    producer.publish_many([("trending", str(number)) for number in range(1000)])
    producer.publish_many([("trending", str(number)) for number in range(1000, 1100)])
    wait_until(lambda: len(history(broker, "trending", "?limit=1000")) == 1000, "all are read")
    assert [one["data"] for one in history(broker, "trending")] == list(range(100))


async def test_other_channels_are_not_in_it(pair):
    broker, producer = pair
    producer.publish("user:42", "1")
    producer.publish(["user:43", "user:42"], "2")
    producer.publish("all", "3")
    assert [one["data"] for one in wait_for_history(broker, "user:42", 2)] == [1, 2]
    assert {one["channel"] for one in history(broker, "user:42")} == {"user:42"}


def test_a_channel_without_messages_has_an_empty_history(pair):
    broker, _ = pair
    assert history(broker, "nobody:1") == []


async def test_superseded_and_expired_ones_are_not_in_it(pair):
    broker, producer = pair
    for number in range(3):
        producer.publish("trending", str(number), key="k")
    producer.publish("trending", '"end"')
    assert [one["data"] for one in wait_for_history(broker, "trending", 2)] == [2, "end"]


def test_names_are_percent_decoded(pair):
    broker, producer = pair
    producer.publish("room:ü/1", "1")
    wait_for_history(broker, "room:%C3%BC%2F1", 1)


async def test_bodies_that_left_the_memory_come_from_redis(start_broker, redis, producers):
    broker, producer = start_broker(redis=redis.url(), history_memory="64k"), producers(redis)
    for number in range(100):
        producer.publish("trending", f'{{"n":{number},"pad":"{"x" * 5000}"}}')
    found = wait_for_history(broker, "trending", 100)
    assert [one["data"]["n"] for one in found] == list(range(100))


# ---- unread ----

async def test_unread_is_what_connected_tells(pair):
    broker, producer = pair
    for number in range(3):
        producer.publish("user:42", str(number), id=f"n{number}")

    def unread(user="42"):
        answer = broker.ask_api(f"/api/users/{user}/unread")
        assert answer.status == 200
        numbers = [value for value in answer.json().values() if isinstance(value, int)]
        assert len(numbers) == 1, answer
        return numbers[0]
    wait_until(lambda: unread() == 3, "3 are unread")
    assert unread("43") == 0
    async with await Client.open(broker) as client:
        assert client.connected["unread"] == 3
        await client.send({"type": "mark_read", "notification_id": "n1"})
        await client.next_of("notification_read")
    wait_until(lambda: unread() == 2, "2 are unread")


# ---- connections ----

async def test_a_connection_is_found_by_its_id(pair):
    broker, _ = pair
    async with await Client.open(broker, "/ws?device=phone") as client:
        def find():
            answer = broker.ask_api("/api/connections/" + client.id)
            return answer.status == 200 and answer.json()
        found = wait_until(find, "the connection is found")
        assert (found["connection_id"], found["user_id"], found["device"]) == (
            client.id, "42", "phone")
        assert found["node"] and found["since"]
    wait_until(lambda: broker.ask_api("/api/connections/" + client.id).status == 404,
               "it is gone")


async def test_a_connection_of_another_node_is_found(start_nodes, redis):
    nodes = start_nodes(2, redis)
    async with await Client.open(nodes[0]) as client:
        def find():
            answer = nodes[1].ask_api("/api/connections/" + client.id)
            return answer.status == 200 and answer.json()
        assert wait_until(find, "the connection is found")["node"] == "node-0"


@pytest.mark.parametrize("name", ["AAAAAAAAAAAAAAAAAAAAISWI", "x"])
def test_an_unknown_connection_gets_404(broker, name):
    assert broker.ask_api("/api/connections/" + name).status == 404


# ---- disconnect ----

async def test_disconnect_closes_all_connections_of_the_user(pair):
    broker, _ = pair
    tabs = [await Client.open(broker) for _ in range(3)]
    async with await Client.open(broker, user="43") as other:
        answer = broker.ask_api("/api/users/42/disconnect", method="POST")
        assert 200 <= answer.status < 300, answer
        codes = {await tab.close_code() for tab in tabs}
        assert len(codes) == 1 and codes < set(range(1000, 5000)), codes
        assert await other.is_alive()
    async with await Client.open(broker) as again:
        await again.expect_nothing()
        assert await again.is_alive(), "it may come back: its token is good"


async def test_disconnect_reaches_every_node(start_nodes, redis):
    nodes = start_nodes(3, redis)
    tabs = [await Client.open(node) for node in nodes]
    answer = nodes[0].ask_api("/api/users/42/disconnect", method="POST")
    assert 200 <= answer.status < 300, answer
    for tab in tabs:
        assert await tab.close_code() != 1006


async def test_disconnect_finds_each_of_the_user_and_nobody_else(start_broker):
    """On all shards, after others of the user and of other users have come and gone."""
    broker = start_broker(shards=4)
    tabs = [(number % 6, await Client.open(broker, user=f"u{number % 6}"))
            for number in range(60)]
    for number in (0, 3, 9, 30, 31, 57, 59):
        await tabs[number][1].close()
    tabs = [tab for number, tab in enumerate(tabs) if number not in (0, 3, 9, 30, 31, 57, 59)]
    tabs += [(user, await Client.open(broker, user=f"u{user}")) for user in (3, 4, 3, 5, 3)]
    for gone in (3, 5):
        broker.ask_api(f"/api/users/u{gone}/disconnect", method="POST")
        for user, client in tabs:
            if user == gone:
                assert await client.close_code() == 4403
        tabs = [tab for tab in tabs if tab[0] != gone]
    for _, client in tabs:
        assert await client.is_alive()
        await client.close()


async def test_disconnect_is_no_message(pair):
    """It is in the log, but nobody is sent it, now or later, and it is not unread."""
    broker, producer = pair
    broker.ask_api("/api/users/42/disconnect", method="POST")
    producer.publish("user:42", '"real"')
    async with await Client.open(broker) as client:
        assert await client.data(1) == ["real"]
        assert client.connected["unread"] == 1
        await client.expect_nothing()


def test_disconnecting_nobody_is_fine(broker):
    assert 200 <= broker.ask_api("/api/users/nobody/disconnect", method="POST").status < 300


# ---- the door ----

PATHS = [("GET", "/api/channels/trending/history"), ("GET", "/api/users/42/presence"),
         ("GET", "/api/users/42/unread"), ("POST", "/api/users/42/disconnect"),
         ("GET", "/api/connections/AAAAAAAAAAAAAAAAAAAAISWI")]


@pytest.mark.parametrize("method, path", PATHS)
def test_nothing_is_told_without_the_key(broker, method, path):
    assert broker.ask_admin(path, method=method).status == 401
    wrong = {"Authorization": "Bearer wrong"}
    assert broker.ask_admin(path, method=method, headers=wrong).status == 401
    assert broker.ask(path, method=method).status == 404, "it is not on the public listener"


def test_while_redis_is_away_answers_still_come(start_broker, redis):
    """From what the node knows, or 503: but soon."""
    broker = start_broker(redis=redis.url())
    broker.wait_until_ready()
    redis.kill()
    for method, path in PATHS:
        answer = broker.ask_api(path, method=method)
        assert answer.status in (200, 202, 404, 503), (path, answer)
