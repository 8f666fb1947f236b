"""Unread and read: the same at every tab and on every node, because it is in the log."""

import asyncio
import json

import pytest

from client import Client, resume
from pace import unix_time, wait_until

STATE = ("notification_read", "notification_deleted", "unread_count")


async def unread(broker, user="42"):
    async with await Client.open(broker, user=user) as client:
        return client.connected["unread"]


async def expect_unread(broker, count, user="42"):
    """The node has read everything that led to this number, or will in a moment."""
    for _ in range(100):
        if (told := await unread(broker, user)) == count:
            return
        await asyncio.sleep(0.02)
    assert told == count


async def say(client, expected="ack", **message):
    """Sends a command and takes its answer; state messages on the way are given back."""
    await client.send({"ref": "r", **message})
    others = []
    while True:
        got = await client.next()
        if got.get("ref") == "r":
            assert got["type"] == expected, got
            return got, others
        others.append(got)


# ---- unread ----

async def test_connected_tells_how_many_are_unread(pair):
    broker, producer = pair
    assert await unread(broker) == 0
    for number in range(3):
        producer.publish("user:42", str(number))
    producer.publish("user:43", "0")
    producer.publish("all", '"for all is not in the inbox"')
    await expect_unread(broker, 3)
    await expect_unread(broker, 1, "43")


async def test_delivered_is_not_read(pair):
    broker, producer = pair
    async with await Client.open(broker) as client:
        event_id = producer.publish("user:42", "1")
        await client.take(1)
        await client.ask({"type": "ack", "event_id": event_id, "ref": "a"})
    await expect_unread(broker, 1)


async def test_a_namespace_is_an_inbox_if_it_is_configured(start_broker, producers):
    broker = start_broker(inbox=["user=off", "*=off"])
    producers(broker).publish("user:42", "1")
    async with await Client.open(broker) as client:
        assert client.connected.get("unread", 0) == 0
        answer = await client.ask({"type": "mark_all_read", "ref": "r"})
        while answer.get("ref") != "r":
            answer = await client.next()
        assert answer["type"] in ("error", "ack")


async def test_unread_survives_a_restart(start_broker, redis, producers):
    broker, producer = start_broker(redis=redis.url()), producers(redis)
    for number in range(4):
        producer.publish("user:42", str(number), id=f"n{number}")
    async with await Client.open(broker) as client:
        await client.take(4)
        await say(client, type="mark_read", notification_id="n1")
    broker.stop()
    await expect_unread(start_broker(redis=redis.url()), 3)


async def test_what_expired_or_was_superseded_is_not_unread(pair):
    broker, producer = pair
    for number in range(3):
        producer.publish("user:42", str(number), key="k")
    await expect_unread(broker, 1)
    producer.publish("user:42", '"short"', ttl="1")
    producer.publish("user:42", '"long"', ttl="60")
    await expect_unread(broker, 3)
    await asyncio.sleep(1.2)
    await expect_unread(broker, 2)
    assert broker.ask_api("/api/users/42/unread").json()["unread"] == 2


async def test_duplicates_are_counted_once(pair):
    broker, producer = pair
    for _ in range(3):
        producer.publish("user:42", "1", id="n1")
    producer.publish("user:42", "2", id="n2")
    await expect_unread(broker, 2)


# ---- mark_read ----

async def test_mark_read_reaches_every_tab(start_broker, producers):
    broker = start_broker(shards=2)
    producer = producers(broker)
    producer.publish("user:42", "1", id="n1")
    producer.publish("user:42", "2", id="n2")
    tabs = [await Client.open(broker) for _ in range(3)]
    for tab in tabs:
        await tab.take(2)
    await tabs[0].send({"type": "mark_read", "notification_id": "n1", "ref": "r"})
    for tab in tabs:
        message = await tab.next_of("notification_read")
        assert message["data"]["id"] == "n1"
        assert unix_time(message["data"]["read_at"]) > 1600000000
        count = await tab.next_of("unread_count")
        assert count["data"]["count"] == 1
    await expect_unread(broker, 1)
    for tab in tabs:
        await tab.close()


@pytest.mark.parametrize("command", ["mark_read", "delete"])
async def test_what_the_inbox_does_not_have_is_not_found(pair, command):
    """It changes nothing and no tab hears of it, unless a backend has said that there are more."""
    broker, producer = pair
    producer.publish("user:42", "1", id="n1")
    producer.publish("user:43", "1", id="n2")
    async with await Client.open(broker) as client:
        await client.take(1)
        for unknown in ("n2", "1600000000000-0", "x" * 200):
            answer, others = await say(client, "error", type=command, notification_id=unknown)
            assert answer["code"] == "not_found" and not others
        await client.expect_nothing()
        await say(client, type=command, notification_id="n1")
        await say(client, type=command, notification_id="n1")
        producer.publish("user:42", '{"count":5}', type="unread_count")
        while (await client.next_of("unread_count"))["data"]["count"] != 5:
            pass
        await say(client, type=command, notification_id="from before the window")


async def test_mark_read_is_acknowledged_with_its_ref(pair):
    broker, producer = pair
    producer.publish("user:42", "1", id="n1")
    async with await Client.open(broker) as client:
        await client.take(1)
        answer, _ = await say(client, type="mark_read", notification_id="n1")
        assert answer["ref"] == "r"
    await expect_unread(broker, 0)


async def test_a_notification_without_an_id_is_named_by_its_event_id(pair):
    broker, producer = pair
    event_id = producer.publish("user:42", "1")
    async with await Client.open(broker) as client:
        await client.take(1)
        await say(client, type="mark_read", notification_id=event_id)
    await expect_unread(broker, 0)


async def test_reading_twice_counts_once(pair):
    broker, producer = pair
    for number in range(3):
        producer.publish("user:42", str(number), id=f"n{number}")
    async with await Client.open(broker) as client:
        await client.take(3)
        for _ in range(2):
            await client.send({"type": "mark_read", "notification_id": "n1", "ref": "r"})
            while (await client.next()).get("ref") != "r":
                pass
    await expect_unread(broker, 2)


async def test_marking_what_is_not_in_the_inbox_changes_nobodys(pair):
    """It may be older than the window, so the log may take it; what others have stays."""
    broker, producer = pair
    producer.publish("user:43", "1", id="theirs")
    producer.publish("user:42", "1", id="mine")
    async with await Client.open(broker) as client:
        await client.take(1)
        for name in ("nothing", "theirs", "1600000000000-0"):
            await client.send({"type": "mark_read", "notification_id": name, "ref": name})
            answer = await client.next_of("ack", "error")
            assert answer["ref"] == name
        assert await unread(broker, "43") == 1
    await expect_unread(broker, 1)
    await expect_unread(broker, 1, "43")


@pytest.mark.parametrize("kind", ["mark_read", "delete"])
@pytest.mark.parametrize("wrong", [None, "", {}, [], "x" * 300])
async def test_a_name_that_is_none_gets_an_error(broker, kind, wrong):
    async with await Client.open(broker) as client:
        answer = await client.ask({"type": kind, "notification_id": wrong, "ref": "r"})
        assert (answer["type"], answer["ref"]) == ("error", "r")
        assert await client.is_alive()


# ---- mark_all_read, delete ----

async def test_mark_all_read_empties_the_count(pair):
    broker, producer = pair
    for number in range(5):
        producer.publish("user:42", str(number))
    async with await Client.open(broker) as one, await Client.open(broker) as two:
        await one.take(5)
        await two.take(5)
        await one.send({"type": "mark_all_read", "ref": "r"})
        for tab in (one, two):
            assert (await tab.next_of("unread_count"))["data"]["count"] == 0
        producer.publish("user:42", '"new"')
        assert (await two.next_of("notification"))["data"] == "new"
    await expect_unread(broker, 1)


async def test_delete_takes_it_out_of_the_count_and_of_the_queue(pair):
    broker, producer = pair
    before = producer.publish("user:other", "0")
    for number in range(3):
        producer.publish("user:42", str(number), id=f"n{number}")
    async with await Client.open(broker) as one, await Client.open(broker) as two:
        await one.take(3)
        await two.take(3)
        await one.send({"type": "delete", "notification_id": "n1", "ref": "r"})
        for tab in (one, two):
            message = await tab.next_of("notification_deleted")
            assert message["data"]["id"] == "n1"
    await expect_unread(broker, 2)
    async with await Client.open(broker, resume(before)) as client:
        got = await client.take(client.connected["replayed"])
        assert [message["data"] for message in got if message["type"] not in STATE] == [0, 2]


async def test_deleting_what_was_read_changes_no_count(pair):
    broker, producer = pair
    for number in range(2):
        producer.publish("user:42", str(number), id=f"n{number}")
    async with await Client.open(broker) as client:
        await client.take(2)
        await say(client, type="mark_read", notification_id="n0")
        await say(client, type="delete", notification_id="n0")
    await expect_unread(broker, 1)


async def test_state_changes_are_no_unread_messages(pair):
    """They are entries in the same channel, but nobody has to read them."""
    broker, producer = pair
    producer.publish("user:42", "1", id="n1")
    async with await Client.open(broker) as client:
        await client.take(1)
        await say(client, type="mark_read", notification_id="n1")
    await expect_unread(broker, 0)


# ---- the log ----

async def test_what_clients_change_is_in_the_log_for_the_backend(start_broker, redis, producers):
    broker, producer = start_broker(redis=redis.url()), producers(redis)
    for number in range(3):
        producer.publish("user:42", str(number), id=f"n{number}")
    async with await Client.open(broker) as client:
        await client.take(3)
        await say(client, type="mark_read", notification_id="n0")
        await say(client, type="delete", notification_id="n1")
        await say(client, type="mark_all_read")
    changes = [fields for _, fields in producer.entries()][3:]
    assert [fields["type"] for fields in changes] == [
        "notification_read", "notification_deleted", "notification_read"]
    assert {fields["to"] for fields in changes} == {"user:42"}
    assert json.loads(changes[0]["data"])["id"] == "n0"
    assert json.loads(changes[1]["data"])["id"] == "n1"


async def test_a_backend_may_mark_read_through_the_log(pair):
    broker, producer = pair
    producer.publish("user:42", "1", id="n1")
    async with await Client.open(broker) as client:
        await client.take(1)
        producer.publish("user:42", '{"id":"n1","read_at":"2026-01-25T10:30:00.000Z"}',
                         type="notification_read")
        assert (await client.next_of("notification_read"))["data"]["id"] == "n1"
        assert (await client.next_of("unread_count"))["data"]["count"] == 0
    await expect_unread(broker, 0)


async def test_a_backend_that_reads_for_several_users_has_each_told(pair):
    broker, producer = pair
    producer.publish(["user:42", "user:43"], "1", id="n1")
    async with await Client.open(broker) as one, await Client.open(broker, user="43") as two:
        clients = {"42": one, "43": two}
        for client in clients.values():
            await client.take(client.connected["replayed"])
        producer.publish(["user:42", "user:43"], '{"id":"n1"}', type="notification_read")
        for user, client in clients.items():
            got = await client.take(2)
            assert [message["type"] for message in got] == ["notification_read", "unread_count"]
            assert (got[1]["channel"], got[1]["data"]) == ("user:" + user, {"count": 0})


async def test_a_backend_sets_the_base_of_the_count(pair):
    """For what is unread from before the window, or from before this broker."""
    broker, producer = pair
    producer.publish("user:42", "1", id="n1")
    async with await Client.open(broker) as client:
        await client.take(1)
        producer.publish("user:42", '{"count":17}', type="unread_count")
        assert (await client.next_of("unread_count"))["data"]["count"] == 17
    await expect_unread(broker, 17)
    producer.publish("user:42", "2", id="n2")
    await expect_unread(broker, 18)


async def test_two_nodes_agree(start_nodes, redis, producers):
    nodes, producer = start_nodes(2, redis), producers(redis)
    tabs = [await Client.open(node) for node in nodes]
    for number in range(4):
        producer.publish("user:42", str(number), id=f"n{number}")
    for tab in tabs:
        await tab.take(4)
    await tabs[0].send({"type": "mark_read", "notification_id": "n0"})
    await tabs[1].send({"type": "delete", "notification_id": "n1"})
    for tab in tabs:
        got = {(await tab.next_of("notification_read", "notification_deleted"))["data"]["id"]
               for _ in range(2)}
        assert got == {"n0", "n1"}
        await tab.close()
    for node in nodes:
        await expect_unread(node, 2)


async def test_clients_that_were_away_hear_of_the_changes(pair):
    broker, producer = pair
    event_id = producer.publish("user:42", "1", id="n1")
    async with await Client.open(broker) as client:
        await client.take(1)
        await say(client, type="mark_read", notification_id="n1")
    async with await Client.open(broker, resume(event_id)) as client:
        message = await client.next_of("notification_read")
        assert message["data"]["id"] == "n1"
        assert client.connected["unread"] == 0


async def test_without_redis_changes_are_refused_while_it_is_away(start_broker, redis, producers):
    broker, producer = start_broker(redis=redis.url()), producers(redis)
    producer.publish("user:42", "1", id="n1")
    async with await Client.open(broker) as client:
        await client.take(1)
        await asyncio.to_thread(redis.kill)
        await asyncio.to_thread(wait_until, lambda: not broker.is_ready(), "it is not ready")
        answer, _ = await say(client, "error", type="mark_read", notification_id="n1")
        assert answer["code"] in ("log_unavailable", "log_unknown")
        assert await client.is_alive()
