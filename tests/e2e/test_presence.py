"""Who is online: asked over HTTP, kept in Redis, told in belfry:up."""

import asyncio
import json
import time

import pytest

from client import Client, query
from pace import unix_time, wait_until

EVENTS = ("presence.online", "presence.offline")


def presence(broker, user="42"):
    answer = broker.ask_api(f"/api/users/{user}/presence")
    assert answer.status == 200, answer
    return answer.json()


def is_online(broker, user="42"):
    return presence(broker, user)["online"]


def events(producer, user="42"):
    """Types of the presence events of a user, in order."""
    return [fields["type"] for _, fields in producer.entries("belfry:up")
            if fields["user"] == user and fields["type"] in EVENTS]


@pytest.fixture(params=["embedded", "redis"])
def broker(request, start_broker):
    """A broker whose users are offline as soon as they are gone."""
    if request.param == "embedded":
        return start_broker(presence_linger="0")
    redis = request.getfixturevalue("redis")
    broker = start_broker(presence_linger="0", redis=redis.url())
    broker.wait_until_ready()
    return broker


# ---- asked ----

async def test_a_user_is_online_while_it_has_a_connection(broker):
    assert presence(broker) == {"user_id": "42", "online": False, "connections": []}
    async with await Client.open(broker):
        wait_until(lambda: is_online(broker), "42 is online")
        async with await Client.open(broker):
            assert not is_online(broker, "43")
        wait_until(lambda: len(presence(broker)["connections"]) == 1, "one connection is left")
        assert is_online(broker)
    wait_until(lambda: not is_online(broker), "42 is offline")


async def test_the_answer_names_the_connections(broker):
    async with (await Client.open(broker) as one,
                await Client.open(broker, query("/ws", device="phone")) as two):
        wait_until(lambda: len(presence(broker)["connections"]) == 2, "two connections")
        told = {item["connection_id"]: item for item in presence(broker)["connections"]}
        assert set(told) == {one.id, two.id}
        assert (told[one.id]["device"], told[two.id]["device"]) == (None, "phone")
        for item in told.values():
            assert item["node"]
            assert abs(unix_time(item["since"]) - time.time()) < 10


async def test_every_kind_of_connection_counts(broker):
    """Also one without user:{id} of its own."""
    async with await Client.open(broker, "/ws/trending"):
        wait_until(lambda: is_online(broker), "42 is online")


async def test_a_connection_that_is_cut_off_counts_no_more(broker):
    client = await Client.open(broker)
    wait_until(lambda: is_online(broker), "42 is online")
    client.cut()
    await asyncio.sleep(0.05)  # the loop is to carry it out
    wait_until(lambda: not is_online(broker), "42 is offline")


async def test_strange_names_are_asked_percent_encoded(broker):
    async with await Client.open(broker, user='o"br/ien ü'.replace(" ", "_")) as client:
        user = client.connected["user_id"]
        path = "o%22br%2Fien_%C3%BC"
        wait_until(lambda: is_online(broker, path), "it is online")
        assert presence(broker, path)["user_id"] == user


# ---- in Redis ----

async def test_each_connection_is_a_key_that_ends_by_itself(start_broker, redis):
    broker = start_broker(redis=redis.url(), node="n1", presence_ttl="5s", presence_linger="0")
    async with await Client.open(broker, query("/ws", device="phone")) as client:
        key = "belfry:conn:" + client.id
        wait_until(lambda: redis.call("EXISTS", key), "the key is there")
        record = json.loads(redis.call("GET", key))
        assert (record["user"], record["node"], record["device"]) == ("42", "n1", "phone")
        assert unix_time(record["since"]) > 1600000000
        assert 0 < redis.call("PTTL", key) <= 5000
        await asyncio.sleep(3.5)
        assert redis.call("PTTL", key) > 2000, "it is written again while it lasts"
    wait_until(lambda: not redis.call("EXISTS", key), "the key is gone")


async def test_any_node_tells_of_all(start_nodes, redis):
    nodes = start_nodes(3, redis, presence_linger="0")
    clients = [await Client.open(node) for node in nodes]
    for node in nodes:
        wait_until(lambda node=node: len(presence(node)["connections"]) == 3, "three connections")
        assert {item["node"] for item in presence(node)["connections"]} == {
            "node-0", "node-1", "node-2"}
    for client in clients:
        await client.close()
    for node in nodes:
        wait_until(lambda node=node: not is_online(node), "offline on every node")


async def test_presence_comes_back_after_redis_lost_it(start_broker, redis):
    broker = start_broker(redis=redis.url(), presence_ttl="3s", presence_linger="0")
    async with await Client.open(broker):
        wait_until(lambda: is_online(broker), "42 is online")
        redis.call("FLUSHALL")
        wait_until(lambda: is_online(broker), "42 is online again", limit=6)


async def test_presence_comes_back_after_redis_was_away(start_broker, redis):
    broker = start_broker(redis=redis.url(), presence_linger="0")
    async with await Client.open(broker):
        await asyncio.to_thread(redis.kill)
        async with await Client.open(broker, user="late"):
            await asyncio.to_thread(redis.start)
            await asyncio.to_thread(broker.wait_until_ready)
            for user in ("42", "late"):
                await asyncio.to_thread(wait_until, lambda user=user: is_online(broker, user),
                                        f"{user} is online", 10)


# ---- told ----

async def test_coming_and_going_is_told_in_the_stream(start_broker, redis, producers):
    broker = start_broker(redis=redis.url(), node="n1", presence_linger="0")
    producer = producers(redis)
    async with await Client.open(broker, query("/ws", device="phone")) as client:
        wait_until(lambda: events(producer) == ["presence.online"], "42 is told online")
    wait_until(lambda: events(producer) == list(EVENTS), "42 is told offline")
    online, offline = [fields for _, fields in producer.entries("belfry:up")]
    for fields in (online, offline):
        assert set(fields) == {"user", "connection_id", "type", "data", "ts"}
        assert fields["connection_id"] == client.id
        assert abs(unix_time(fields["ts"]) - time.time()) < 10
        assert json.loads(fields["data"])["node"] == "n1"
    assert json.loads(online["data"])["device"] == "phone"


async def test_a_reload_of_the_page_is_neither(start_broker, redis, producers):
    """Within the linger a user stays online."""
    broker = start_broker(redis=redis.url(), presence_linger="2s")
    producer = producers(redis)
    for _ in range(5):
        async with await Client.open(broker) as client:
            assert await client.is_alive()
        assert is_online(broker)
    assert events(producer) == ["presence.online"]
    wait_until(lambda: events(producer) == list(EVENTS), "42 is told offline", limit=8)
    assert not is_online(broker)


async def test_a_second_tab_is_no_event(start_broker, redis, producers):
    broker = start_broker(redis=redis.url(), presence_linger="0")
    producer = producers(redis)
    async with await Client.open(broker):
        for _ in range(3):
            async with await Client.open(broker) as tab:
                assert await tab.is_alive()
        wait_until(lambda: events(producer) == ["presence.online"], "42 is told online")
    wait_until(lambda: events(producer) == list(EVENTS), "42 is told offline")


async def test_a_user_on_two_nodes_is_one(start_nodes, redis, producers):
    nodes = start_nodes(2, redis, presence_linger="0")
    producer = producers(redis)
    one = await Client.open(nodes[0])
    wait_until(lambda: events(producer) == ["presence.online"], "42 is told online")
    two = await Client.open(nodes[1])
    wait_until(lambda: len(presence(nodes[0])["connections"]) == 2, "both are known")
    await one.close()
    await asyncio.sleep(1)
    assert events(producer) == ["presence.online"] and is_online(nodes[0])
    await two.close()
    wait_until(lambda: events(producer) == list(EVENTS), "42 is told offline")


@pytest.mark.heavy
async def test_a_dead_nodes_users_go_offline(start_nodes, redis, producers):
    """kill -9: nobody says good-bye; another node notices when nothing is refreshed."""
    nodes = start_nodes(2, redis, presence_ttl="3s", presence_linger="0")
    producer = producers(redis)
    lost = [await Client.open(nodes[0], user=f"u{number}") for number in range(20)]
    async with await Client.open(nodes[1], user="u0") as stays:
        wait_until(lambda: all(is_online(nodes[1], f"u{number}") for number in range(20)),
                   "all are online")
        nodes[0].kill()
        for number in range(1, 20):
            wait_until(lambda: events(producer, f"u{number}") == list(EVENTS),
                       f"u{number} is told offline", limit=10)
            assert not is_online(nodes[1], f"u{number}")
        assert is_online(nodes[1], "u0") and await stays.is_alive()
    assert presence(nodes[1], "u0")["online"] is False or events(producer, "u0")
    for client in lost:
        client.cut()


async def test_nodes_of_one_name_do_not_end_each_others_linger(start_broker, redis, producers):
    """As on one machine, where all have its name. A user who moves between them lingers in full."""
    nodes = [start_broker(redis=redis.url(), presence_linger="2s") for _ in range(2)]
    producer = producers(redis)
    for node in nodes:
        node.wait_until_ready()
    one = await Client.open(nodes[0])
    wait_until(lambda: is_online(nodes[0]), "42 is online")
    await one.close()
    await asyncio.sleep(0.5)
    two = await Client.open(nodes[1])
    await asyncio.sleep(1)
    await two.close()
    await asyncio.sleep(1)  # the linger of the first node is over, that of the second is not
    assert is_online(nodes[0])
    async with await Client.open(nodes[0]):
        await asyncio.sleep(2)
        assert events(producer) == ["presence.online"]
    wait_until(lambda: events(producer) == list(EVENTS), "42 is told offline", limit=8)


async def test_users_of_a_node_that_stops_linger_no_longer_than_others(start_nodes, redis,
                                                                       producers):
    """It says good-bye, so nobody has to wait for presence_ttl. Who moves on is not told of."""
    nodes = start_nodes(2, redis, presence_ttl="8s", presence_linger="1s")
    producer = producers(redis)
    await asyncio.sleep(8.5)  # before that a node sweeps nobody: others may have yet to come
    crowd = [await Client.open(nodes[0], user=f"u{number}") for number in range(10)]
    async with await Client.open(nodes[1], user="u0"):
        wait_until(lambda: all(is_online(nodes[1], f"u{number}") for number in range(10)),
                   "all are online")
        nodes[0].terminate()
        await asyncio.to_thread(nodes[0].wait_for_exit)
        async with await Client.open(nodes[1], user="u1"):
            for number in range(2, 10):
                wait_until(lambda: events(producer, f"u{number}") == list(EVENTS),
                           f"u{number} is told offline", limit=4)
                assert not is_online(nodes[1], f"u{number}")
            await asyncio.sleep(1)
            for user in ("u0", "u1"):
                assert is_online(nodes[1], user)
                assert events(producer, user) == ["presence.online"]
    for client in crowd:
        client.cut()


async def test_it_can_be_switched_off(start_broker, redis):
    broker = start_broker(redis=redis.url(), presence="off")
    async with await Client.open(broker) as client:
        await asyncio.sleep(0.3)
        assert redis.call("KEYS", "belfry:conn:*") == []
        assert redis.call("EXISTS", "belfry:up") == 0
        assert await client.is_alive()
