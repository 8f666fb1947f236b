"""A user who names no position gets what was not confirmed before, on whatever node; the cursor
moves with an ack, or with the pong to a ping that was sent behind the message."""

import asyncio
import time

import pytest

from client import Client, query
from pace import wait_until, wait_until_async
from raw_socket import PING, PONG, TEXT, RawSocket, frame


@pytest.fixture
def pair_settings():
    """Without pings: the first comes at any time, and its pong confirms."""
    return {"heartbeat_interval": 0}


async def ack(client, event_id):
    answer = await client.ask({"type": "ack", "event_id": event_id, "ref": "a"})
    assert (answer["type"], answer["ref"]) == ("ack", "a")


async def drained(broker, user="42", path="/ws", limit=0.3):
    """What a new connection of the user gets before it falls silent; nothing is confirmed."""
    async with await Client.open(broker, path, user=user) as client:
        got = await client.data(client.connected["replayed"])
        await client.expect_nothing(limit)
        return got


# ---- what waits ----

async def test_a_user_who_was_never_seen_gets_what_waits(pair):
    broker, producer = pair
    for number in range(5):
        producer.publish("user:42", str(number))
    producer.publish("all", '"for those who were there"')
    async with await Client.open(broker) as client:
        assert client.connected["replayed"] == 5
        assert await client.data(5) == list(range(5))
        await client.expect_nothing()
        producer.publish("user:42", '"live"')
        assert await client.data(1) == ["live"]


async def test_what_waits_is_what_is_within_the_retention(start_broker, producers):
    broker = start_broker(retention="1s")
    producer = producers(broker)
    producer.publish("user:42", '"old"')
    await asyncio.sleep(1.3)
    producer.publish("user:42", '"new"')
    assert await drained(broker) == ["new"]


async def test_what_was_not_confirmed_comes_again(pair):
    broker, producer = pair
    for number in range(3):
        producer.publish("user:42", str(number))
    for _ in range(3):
        assert await drained(broker) == [0, 1, 2]


async def test_other_users_are_other_queues(pair):
    broker, producer = pair
    producer.publish(["user:42", "user:43"], '"both"')
    producer.publish("user:43", '"43"')
    assert await drained(broker, "42") == ["both"]
    assert await drained(broker, "43") == ["both", "43"]
    assert await drained(broker, "44") == []


async def test_shared_channels_are_replayed_from_the_cursor_on(pair):
    """For a user who was here before, what came to all is missed like everything else."""
    broker, producer = pair
    async with await Client.open(broker) as client:
        producer.publish("user:42", "0")
        await ack(client, (await client.next())["event_id"])
    producer.publish("all", "1")
    producer.publish("user:42", "2")
    producer.publish("announcements", "3")
    assert await drained(broker) == [1, 2, 3]


async def test_a_user_who_had_nothing_to_confirm_was_here_all_the_same(pair):
    broker, producer = pair
    async with await Client.open(broker) as client:
        await client.expect_nothing()
    producer.publish("all", '"meanwhile"')
    assert await drained(broker) == ["meanwhile"]


async def test_other_routes_leave_the_queue_alone(pair):
    """A connection without user:{id} confirms nothing of it."""
    broker, producer = pair
    producer.publish("user:42", '"waits"')
    async with await Client.open(broker, "/ws/trending") as client:
        event_id = producer.publish("trending", '"now"')
        assert (await client.next())["data"] == "now"
        await client.ask({"type": "ack", "event_id": event_id, "ref": "a"})
    assert await drained(broker) == ["waits"]


# ---- ack ----

async def test_an_ack_moves_the_cursor(pair):
    broker, producer = pair
    async with await Client.open(broker) as client:
        ids = [producer.publish("user:42", str(number)) for number in range(6)]
        await client.take(6)
        await ack(client, ids[2])
    assert await drained(broker) == [3, 4, 5]
    async with await Client.open(broker) as client:
        await client.take(3)
        await ack(client, ids[5])
    assert await drained(broker) == []


async def test_an_ack_without_a_ref_counts_too(pair):
    broker, producer = pair
    async with await Client.open(broker) as client:
        event_id = producer.publish("user:42", "1")
        await client.take(1)
        await client.send({"type": "ack", "event_id": event_id})
        assert await client.is_alive()
    assert await drained(broker) == []


async def test_an_older_ack_does_not_move_it_back(pair):
    broker, producer = pair
    async with await Client.open(broker) as client:
        ids = [producer.publish("user:42", str(number)) for number in range(4)]
        await client.take(4)
        await ack(client, ids[3])
        await ack(client, ids[0])
    assert await drained(broker) == []


@pytest.mark.parametrize("event_id", ["9999999999999-0", "18446744073709551615-0", "0-0"])
async def test_an_ack_of_what_was_never_sent_confirms_nothing_to_come(pair, event_id):
    broker, producer = pair
    async with await Client.open(broker) as client:
        producer.publish("user:42", "0")
        await client.take(1)
        await client.ask({"type": "ack", "event_id": event_id, "ref": "a"})
        assert await client.is_alive()
    producer.publish("user:42", "1")
    got = await drained(broker)
    assert got[-1] == 1


@pytest.mark.parametrize("wrong", [None, "", "nonsense", 7, {}])
async def test_an_ack_that_cannot_be_read_gets_an_error(broker, wrong):
    async with await Client.open(broker) as client:
        answer = await client.ask({"type": "ack", "event_id": wrong, "ref": "a"})
        assert (answer["type"], answer["ref"]) == ("error", "a")
        assert await client.is_alive()


async def test_with_a_position_the_cursor_does_not_count(pair):
    broker, producer = pair
    ids = [producer.publish("user:42", str(number)) for number in range(4)]
    async with await Client.open(broker) as client:
        await client.take(4)
        await ack(client, ids[3])
    async with await Client.open(broker, query("/ws", last_event_id=ids[1])) as client:
        assert await client.data(2) == [2, 3]


# ---- pong ----

def answer_pings(raw, until_data):
    """Reads until `until_data` arrived and a ping behind it was answered."""
    seen = False
    while True:
        got = raw.read_frame()
        if got.opcode == PING:
            raw.send(frame(PONG, got.payload))
            if seen:
                raw.send(frame(TEXT, "ping"))
            continue
        if got.payload == b"pong":
            return  # the broker has read the pong, too
        message = got.json()
        seen = seen or message.get("data") == until_data


def test_a_pong_confirms_what_was_sent_before_its_ping(start_broker, producers):
    """So unmodified clients are confirmed, too."""
    broker = start_broker(heartbeat_interval="1s", heartbeat_timeout="10s")
    producer = producers(broker)
    with RawSocket(broker) as raw:
        raw.upgrade()
        raw.read_message()
        for number in range(3):
            producer.publish("user:42", str(number))
        answer_pings(raw, 2)
    with RawSocket(broker) as raw:
        raw.upgrade()
        assert raw.read_message()["replayed"] == 0


def test_without_a_pong_nothing_is_confirmed(start_broker, producers):
    """The ping comes and is not answered, although the client reads everything."""
    broker = start_broker(heartbeat_interval="1s", heartbeat_timeout="10s")
    producer = producers(broker)
    with RawSocket(broker) as raw:
        raw.upgrade()
        raw.read_message()
        producer.publish("user:42", "1")
        opcodes = [raw.read_frame().opcode for _ in range(3)]
        assert PING in opcodes
    with RawSocket(broker) as raw:
        raw.upgrade()
        assert raw.read_message()["replayed"] == 1


def test_a_pong_does_not_confirm_what_came_behind_its_ping(start_broker, producers):
    broker = start_broker(heartbeat_interval="1s", heartbeat_timeout="10s")
    producer = producers(broker)
    with RawSocket(broker) as raw:
        raw.upgrade()
        raw.read_message()
        got = raw.read_frame()
        assert got.opcode == PING
        producer.publish("user:42", '"behind the ping"')
        assert raw.read_message()["data"] == "behind the ping"
        raw.send(frame(PONG, got.payload))
        raw.send(frame(TEXT, "ping"))
        assert raw.read_frame().payload == b"pong"
    with RawSocket(broker) as raw:
        raw.upgrade()
        assert raw.read_message()["replayed"] == 1


def test_an_unasked_pong_confirms_nothing(start_broker, producers):
    broker = start_broker()
    producer = producers(broker)
    with RawSocket(broker) as raw:
        raw.upgrade()
        raw.read_message()
        producer.publish("user:42", "1")
        raw.read_message()
        raw.send(frame(PONG, b"") + frame(TEXT, "ping"))
        assert raw.read_frame().payload == b"pong"
    with RawSocket(broker) as raw:
        raw.upgrade()
        assert raw.read_message()["replayed"] == 1


async def test_an_unmodified_client_is_confirmed_by_its_library(start_broker, producers):
    broker = start_broker(heartbeat_interval="1s", heartbeat_timeout="10s")
    producer = producers(broker)
    async with await Client.open(broker) as client:
        producer.publish("user:42", "1")
        await client.take(1)
        await client.expect_nothing(2.5)
    assert await drained(broker) == []


# ---- devices ----

async def test_each_device_has_its_own_cursor(pair):
    broker, producer = pair
    ids = [producer.publish("user:42", str(number)) for number in range(3)]
    async with await Client.open(broker, "/ws?device=phone") as phone:
        await phone.take(3)
        await ack(phone, ids[2])
    assert await drained(broker, path="/ws?device=phone") == []
    assert await drained(broker, path="/ws?device=laptop") == [0, 1, 2]
    assert await drained(broker) == [0, 1, 2]


async def test_an_ack_without_a_device_leaves_devices_alone(pair):
    broker, producer = pair
    ids = [producer.publish("user:42", str(number)) for number in range(3)]
    async with await Client.open(broker) as client:
        await client.take(3)
        await ack(client, ids[1])
    assert await drained(broker, path="/ws?device=phone") == [0, 1, 2]
    assert await drained(broker) == [2]


async def test_cursors_are_in_redis_where_the_contract_says(start_broker, redis, producers):
    broker = start_broker(redis=redis.url())
    producer = producers(redis, follower=broker)
    ids = [producer.publish("user:42", str(number)) for number in range(3)]
    for device, event_id in (("", ids[0]), ("phone", ids[2])):
        path = query("/ws", device=device) if device else "/ws"
        async with await Client.open(broker, path) as client:
            await client.take(3)
            await ack(client, event_id)

    def cursor(device):
        value = producer.redis.call("HGET", "belfry:cursor:42", device)
        return value and value.decode()
    wait_until(lambda: (cursor(""), cursor("phone")) == (ids[0], ids[2]), "both cursors")


# ---- what cursors survive ----

async def test_cursors_survive_a_restart_of_the_broker(start_broker, redis, producers):
    broker, producer = start_broker(redis=redis.url()), producers(redis)
    async with await Client.open(broker) as client:
        ids = [producer.publish("user:42", str(number)) for number in range(4)]
        await client.take(4)
        await ack(client, ids[1])
    broker.stop()
    producer.publish("user:42", "4")
    assert await drained(start_broker(redis=redis.url())) == [2, 3, 4]


async def test_cursors_survive_a_killed_broker_after_a_moment(start_broker, redis, producers):
    """They are written once a second; what was not written yet comes again."""
    broker, producer = start_broker(redis=redis.url()), producers(redis)
    async with await Client.open(broker) as client:
        ids = [producer.publish("user:42", str(number)) for number in range(4)]
        await client.take(4)
        await ack(client, ids[1])
        await wait_until_async(
            lambda: producer.redis.call("HGET", "belfry:cursor:42", "") == ids[1].encode(),
            "the cursor is in Redis")
    broker.kill()
    assert await drained(start_broker(redis=redis.url())) == [2, 3]


async def test_any_node_serves_any_users_queue(start_nodes, redis, producers):
    nodes, producer = start_nodes(2, redis), producers(redis)
    async with await Client.open(nodes[0]) as client:
        ids = [producer.publish("user:42", str(number)) for number in range(4)]
        await client.take(4)
        await ack(client, ids[2])
        await wait_until_async(
            lambda: producer.redis.call("HGET", "belfry:cursor:42", "") == ids[2].encode(),
            "the cursor is in Redis")
    assert await drained(nodes[1]) == [3]


async def test_in_memory_cursors_last_as_long_as_the_process(broker, producer):
    async with await Client.open(broker) as client:
        ids = [producer.publish("user:42", str(number)) for number in range(4)]
        await client.take(4)
        await ack(client, ids[1])
    for number in range(50):  # others come and go
        async with await Client.open(broker, user=f"u{number}") as other:
            assert await other.is_alive()
    assert await drained(broker) == [2, 3]


async def test_with_a_log_file_queue_and_cursor_survive_kill_9(start_broker, producers, tmp_path):
    settings = {"log_file": str(tmp_path / "belfry.log"), "log_fsync": "always"}
    broker = start_broker(**settings)
    producer = producers(broker)
    async with await Client.open(broker) as client:
        ids = [producer.publish("user:42", str(number)) for number in range(4)]
        await client.take(4)
        await ack(client, ids[1])
        await client.expect_nothing(1.5)  # cursors are written once a second
    producer.publish("user:42", "4")
    broker.kill()
    assert await drained(start_broker(**settings)) == [2, 3, 4]


@pytest.mark.heavy
async def test_a_long_queue_is_delivered_to_the_end(pair):
    broker, producer = pair
    count = 20000
    for start in range(0, count, 1000):
        producer.publish_many([("user:42", str(number)) for number in range(start, start + 1000)])
    began = time.monotonic()
    async with await Client.open(broker) as client:
        assert client.connected["replayed"] == count
        assert await client.data(count, limit=20) == list(range(count))
    assert time.monotonic() - began < 20
