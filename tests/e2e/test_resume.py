"""A client that comes back names the last thing it has seen, and gets what lies between: all of
it, in order, once; or it is told that this cannot be had."""

import asyncio
import json

import pytest

from client import Client, resume
from pace import wait_until
from tokens import token

def publish(producer, channel, numbers):
    return [producer.publish(channel, str(number)) for number in numbers]


def number_of(event_id):
    return tuple(map(int, event_id.split("-")))


# ---- what was missed ----

@pytest.mark.parametrize("way", ["query", "header"])
async def test_what_was_missed_is_replayed_then_live_goes_on(pair, way):
    broker, producer = pair
    async with await Client.open(broker) as client:
        first = publish(producer, "user:42", range(3))
        await client.take(3)
    missed = publish(producer, "user:42", range(3, 13))
    if way == "query":
        client = await Client.open(broker, resume(first[-1]))
    else:
        client = await Client.open(broker, additional_headers={"Last-Event-ID": first[-1]})
    assert (client.connected["recovered"], client.connected["replayed"]) == (True, 10)
    live = publish(producer, "user:42", range(13, 16))
    got = await client.take(13)
    assert [message["event_id"] for message in got] == missed + live
    assert [message["data"] for message in got] == list(range(3, 16))
    await client.expect_nothing()
    await client.close()


async def test_the_query_counts_more_than_the_header(pair):
    broker, producer = pair
    ids = publish(producer, "user:42", range(4))
    async with await Client.open(broker, resume(ids[2]),
                                 additional_headers={"Last-Event-ID": ids[0]}) as client:
        assert await client.data(1) == [3]
        await client.expect_nothing()


async def test_a_replayed_message_is_the_same_text_as_the_live_one(pair):
    broker, producer = pair
    fields = {"type": "notification", "event": "sms.received", "id": "n1", "key": "k",
              "ts": "2026-01-25T10:30:00Z",
              "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"}
    before = producer.publish("user:other", "0")
    async with await Client.open(broker) as client:
        producer.publish("user:42", '{ "b":1, "a":[ 1.0 ], "ü":"\\u0041" }', **fields)
        live = await client.next_text()
    async with await Client.open(broker, resume(before)) as client:
        assert await client.next_text() == live


async def test_nothing_missed_is_recovered_with_nothing_replayed(pair):
    broker, producer = pair
    last = publish(producer, "user:42", range(3))[-1]
    async with await Client.open(broker, resume(last)) as client:
        assert (client.connected["recovered"], client.connected["replayed"]) == (True, 0)
        await client.expect_nothing()
        producer.publish("user:42", '"live"')
        assert await client.data(1) == ["live"]


async def test_a_position_between_entries_counts(pair):
    """It need not be the id of an entry of this client's channels, or of any."""
    broker, producer = pair
    ids = publish(producer, "user:42", [1])
    strange = publish(producer, "user:43", range(5))[-1]
    publish(producer, "user:42", [2])
    for last in (strange, f"{number_of(ids[0])[0]}-{number_of(ids[0])[1] + 999999}"):
        async with await Client.open(broker, resume(last)) as client:
            assert client.connected["recovered"] is True
            assert (await client.data(1))[0] == 2
            await client.expect_nothing()


async def test_the_last_event_id_of_connected_is_a_position_to_resume_from(pair):
    """A client to which nothing was sent yet takes that of `connected`."""
    broker, producer = pair
    publish(producer, "user:42", [1])
    async with await Client.open(broker, user="fresh") as client:
        position = client.connected["last_event_id"]
    publish(producer, "user:fresh", [2, 3])
    async with await Client.open(broker, resume(position), user="fresh") as client:
        assert await client.data(2) == [2, 3]
        await client.expect_nothing()


@pytest.mark.parametrize("wrong", ["", "nonsense", "-1-0", "1-2-3", "99999999999999999999999-0",
                                   "1.5", "$", "%00"])
async def test_a_position_that_cannot_be_read_does_not_keep_a_client_out(broker, wrong):
    async with await Client.open(broker, "/ws?last_event_id=" + wrong) as client:
        assert await client.is_alive()


async def test_a_position_without_its_second_part_is_its_first_one(pair):
    broker, producer = pair
    last = publish(producer, "user:42", [1])[0]
    milliseconds = number_of(last)[0] - 1
    async with await Client.open(broker, resume(str(milliseconds))) as client:
        assert await client.data(1) == [1]


# ---- channels ----

async def test_many_channels_come_in_the_order_of_the_log(pair):
    broker, producer = pair
    before = producer.publish("user:other", "0")
    channels = ["user:42", "all", "announcements"]
    entries = [(channels[number % 3], str(number)) for number in range(60)]
    ids = producer.publish_many(entries)
    async with await Client.open(broker, resume(before)) as client:
        assert client.connected["replayed"] == 60
        got = await client.take(60)
    assert [message["event_id"] for message in got] == ids
    assert [message["channel"] for message in got] == [channel for channel, _ in entries]


async def test_an_entry_for_many_is_replayed_once_under_the_first_channel(pair):
    broker, producer = pair
    before = producer.publish("user:other", "0")
    producer.publish(["user:43", "all", "user:42", "announcements"], '"many"')
    producer.publish(["user:43", "user:42"], '"two"')
    async with await Client.open(broker, resume(before)) as client:
        assert client.connected["replayed"] == 2
        got = await client.take(2)
        assert [(one["channel"], one["data"]) for one in got] == [("all", "many"),
                                                                 ("user:42", "two")]
        await client.expect_nothing()


async def test_others_messages_are_not_replayed(pair):
    broker, producer = pair
    before = producer.publish("user:42", "0")
    for channel in ("user:43", "trending", "feed:42", "conn:AAAAAAAAAAAAAAAAAAAAISWI"):
        producer.publish(channel, '"not mine"')
    async with await Client.open(broker, resume(before)) as client:
        assert client.connected["replayed"] == 0
        await client.expect_nothing()


@pytest.mark.parametrize("path, channel", [("/ws/trending", "trending"),
                                           ("/ws/feed/42", "feed:42"),
                                           ("/ws/engagement/t1", "engagement:t1")])
async def test_the_channels_of_a_route_are_replayed(pair, path, channel):
    broker, producer = pair
    before = producer.publish(channel, "0")
    ids = publish(producer, channel, range(1, 6))
    async with await Client.open(broker, resume(before, path)) as client:
        assert [message["event_id"] for message in await client.take(5)] == ids


async def test_a_namespace_without_history_is_live_only(start_broker, producers):
    broker = start_broker(history=["trending=off", "*=on"])
    producer = producers(broker)
    before = producer.publish("all", "0")
    producer.publish("trending", '"gone"')
    producer.publish("all", '"kept"')
    async with await Client.open(broker, resume(before, "/ws/trending")) as client:
        assert await client.data(1) == ["kept"]
        producer.publish("trending", '"live"')
        assert await client.data(1) == ["live"]


async def test_typing_is_not_replayed_unless_it_is_configured(pair):
    broker, producer = pair
    before = producer.publish("all", "0")
    producer.publish("typing:42", '"was typing"')
    async with await Client.open(broker, resume(before, "/ws/typing/42")) as client:
        await client.expect_nothing()


# ---- subscribe ----

async def test_subscribe_with_a_position_replays_that_channel(pair):
    broker, producer = pair
    ids = publish(producer, "trending", range(10))
    publish(producer, "engagement:1", range(100, 105))
    async with await Client.open(broker, user="fresh") as client:
        answer = await client.ask({"type": "subscribe", "channel": "trending",
                                   "last_event_id": ids[3], "ref": "r"})
        assert (answer["type"], answer["channel"], answer["ref"]) == (
            "subscribed", "trending", "r")
        assert (answer["recovered"], answer["replayed"]) == (True, 6)
        ids += publish(producer, "trending", range(10, 15))
        got = await client.take(11)
        assert [message["event_id"] for message in got] == ids[4:]
        await client.expect_nothing()


async def test_subscribe_without_a_position_begins_now(pair):
    broker, producer = pair
    publish(producer, "trending", range(10))
    async with await Client.open(broker, user="fresh") as client:
        answer = await client.ask({"type": "subscribe", "channel": "trending"})
        assert answer["type"] == "subscribed" and "replayed" not in answer
        await client.expect_nothing()


async def test_subscribe_with_a_position_that_is_gone_says_so(start_broker, producers):
    broker = start_broker(retention_entries=5)
    producer = producers(broker)
    ids = publish(producer, "trending", range(20))
    async with await Client.open(broker, user="fresh") as client:
        answer = await client.ask({"type": "subscribe", "channel": "trending",
                                   "last_event_id": ids[2]})
        assert (answer["type"], answer["recovered"]) == ("subscribed", False)
        publish(producer, "trending", [99])
        while (await client.next())["data"] != 99:
            pass


async def test_several_subscriptions_with_positions_at_once(pair):
    broker, producer = pair
    bearer = token("42", channels=["room:*"])
    entries = [(f"room:{number % 5}", str(number)) for number in range(50)]
    ids = producer.publish_many(entries)
    async with await Client.open(broker, bearer=bearer) as client:
        for room in range(5):
            await client.send({"type": "subscribe", "channel": f"room:{room}",
                               "last_event_id": ids[4]})
        got = await client.take(50)
        assert sum(message["type"] == "subscribed" for message in got) == 5
        for room in range(5):
            numbers = [message["data"] for message in got
                       if message["channel"] == f"room:{room}" and "data" in message]
            assert numbers == list(range(5 + room, 50, 5))


# ---- while messages keep coming ----

@pytest.mark.heavy
@pytest.mark.parametrize("channel", ["user:42", "all"])
async def test_coming_back_at_full_rate_leaves_no_gap_and_no_double(pair, channel):
    """Twenty times the client is cut off in the middle of the flow and takes it up again."""
    broker, producer = pair
    count, got = 4000, []
    last = producer.publish(channel, "-1")
    publishing = asyncio.create_task(asyncio.to_thread(publish_in_parts, producer, channel, count))
    for _ in range(20):
        client = await Client.open(broker, resume(last))
        assert client.connected["recovered"] is True
        for message in await client.take(count // 40, limit=15):
            got.append(message["data"])
            last = message["event_id"]
        client.cut()
    async with await Client.open(broker, resume(last)) as client:
        got += await client.data(count - len(got), limit=15)
        await client.expect_nothing()
    await publishing
    assert got == list(range(count))


def publish_in_parts(producer, channel, count):
    for start in range(0, count, 20):
        producer.publish_many([(channel, str(number)) for number in range(start, start + 20)])


@pytest.mark.heavy
async def test_a_long_replay_while_live_messages_come(pair):
    broker, producer = pair
    before = producer.publish("all", "-1")
    producer.publish_many([("user:42", str(number)) for number in range(1000)])
    producer.publish_many([("all", str(number)) for number in range(1000, 2000)])
    publishing = asyncio.create_task(asyncio.to_thread(
        producer.publish_many, [("user:42", str(number)) for number in range(2000, 3000)]))
    async with await Client.open(broker, resume(before)) as client:
        assert client.connected["recovered"] is True and client.connected["replayed"] >= 2000
        assert await client.data(3000, limit=20) == list(range(3000))
        await publishing
        await client.expect_nothing()


@pytest.mark.heavy
async def test_fifty_clients_come_back_at_once(start_broker, redis, producers):
    broker = start_broker(redis=redis.url(), shards=2)
    producer = producers(redis, follower=broker)
    before = producer.publish("all", "-1")
    producer.publish_many([("all", str(number)) for number in range(500)])
    clients = await asyncio.gather(*(Client.open(broker, resume(before), user=f"u{number}")
                                     for number in range(50)))
    producer.publish("all", "500")
    for client in clients:
        assert await client.data(501, limit=20) == list(range(501))
        await client.close()


# ---- what cannot be had ----

async def test_a_trimmed_log_is_told(start_broker, redis, producers):
    broker = start_broker(redis=redis.url())
    producer = producers(redis, follower=broker)
    ids = publish(producer, "user:42", range(20))
    producer.redis.call("XTRIM", "belfry:in", "MAXLEN", "5")
    told = True
    for _ in range(100):  # the broker looks at the stream twice a second
        client = await Client.open(broker, resume(ids[3]))
        told = client.connected["recovered"]
        await client.close()
        if not told:
            break
        await asyncio.sleep(0.05)
    assert told is False, "5 seconds later it is still promised"
    async with await Client.open(broker, resume(ids[15])) as client:
        assert client.connected["recovered"] is True
        assert await client.data(4) == [16, 17, 18, 19]


async def test_a_log_that_was_trimmed_before_the_start_is_told(start_broker, redis, producers):
    producer = producers(redis)
    ids = publish(producer, "user:42", range(20))
    producer.redis.call("XTRIM", "belfry:in", "MAXLEN", "5")
    broker = start_broker(redis=redis.url())
    broker.wait_until_ready()
    for last, recovered in ((ids[0], False), (ids[13], False), (ids[15], True), (ids[19], True)):
        async with await Client.open(broker, resume(last)) as client:
            assert client.connected["recovered"] is recovered, last


@pytest.mark.parametrize("wipe", [["FLUSHALL"], ["DEL", "belfry:in"]])
async def test_a_log_that_was_wiped_is_told_and_works_on(start_broker, redis, producers, wipe):
    broker, producer = start_broker(redis=redis.url()), producers(redis)
    ids = publish(producer, "user:42", range(5))
    async with await Client.open(broker, resume(ids[0])) as client:
        assert await client.data(4) == [1, 2, 3, 4]
        producer.redis.call(*wipe)
        await asyncio.sleep(1.2)
        producer.publish("user:42", '"anew"')
        assert await client.data(1) == ["anew"]
    for last in (ids[0], ids[4]):
        async with await Client.open(broker, resume(last)) as client:
            assert client.connected["recovered"] is False


async def test_a_position_from_the_future_is_not_recovered(pair):
    """The log does not reach it: it is of another log."""
    broker, producer = pair
    ids = publish(producer, "user:42", range(3))
    future = f"{number_of(ids[-1])[0] + 3600000}-0"
    async with await Client.open(broker, resume(future)) as client:
        assert client.connected["recovered"] is False
        producer.publish("user:42", '"live"')
        message = await client.next()
        assert message["data"] == "live", "what comes now is below that id, and comes all the same"


@pytest.mark.parametrize("limit", [{"retention_entries": 10}, {"history_memory": "64k"}])
async def test_the_bounds_of_the_history_are_told(start_broker, producers, limit):
    broker = start_broker(**limit)
    producer = producers(broker)
    pad = "x" * 10000
    ids = [producer.publish("user:42", json.dumps({"n": number, "pad": pad}))
           for number in range(30)]
    async with await Client.open(broker, resume(ids[0])) as client:
        assert client.connected["recovered"] is False
    async with await Client.open(broker, resume(ids[27])) as client:
        assert client.connected["recovered"] is True
        assert [data["n"] for data in await client.data(2)] == [28, 29]


async def test_bodies_that_left_the_memory_come_from_redis(start_broker, redis, producers):
    broker = start_broker(redis=redis.url(), history_memory="64k")
    producer = producers(redis, follower=broker)
    pad = "x" * 5000
    before = producer.publish("user:42", "0")
    ids = [producer.publish("user:42", json.dumps({"n": number, "pad": pad}))
           for number in range(200)]
    async with await Client.open(broker, resume(before)) as client:
        assert (client.connected["recovered"], client.connected["replayed"]) == (True, 200)
        got = await client.take(200, limit=15)
        assert [message["event_id"] for message in got] == ids
        assert [message["data"]["n"] for message in got] == list(range(200))


async def test_entries_that_were_deleted_one_by_one_leave_the_others(start_broker, redis,
                                                                    producers):
    """XDEL is a producer's own doing: nothing stalls, what is left comes in order."""
    broker = start_broker(redis=redis.url(), history_memory="64k")
    producer = producers(redis, follower=broker)
    before = producer.publish("user:42", "0")
    ids = [producer.publish("user:42", json.dumps({"n": number, "pad": "x" * 5000}))
           for number in range(50)]
    producer.redis.call("XDEL", "belfry:in", *ids[5:10])
    async with await Client.open(broker, resume(before)) as client:
        producer.publish("user:42", '{"n":50}')
        got = []
        while not got or got[-1] != 50:
            got.append((await client.next())["data"]["n"])
    assert got == [*range(5), *range(10, 51)]


async def test_more_than_the_replay_limit_is_not_replayed(start_broker, producers):
    broker = start_broker(replay_limit=10)
    producer = producers(broker)
    ids = publish(producer, "user:42", range(20))
    async with await Client.open(broker, resume(ids[3])) as client:
        assert (client.connected["recovered"], client.connected["replayed"]) == (False, 0)
        producer.publish("user:42", '"live"')
        assert await client.data(1) == ["live"]
    async with await Client.open(broker, resume(ids[15])) as client:
        assert client.connected["recovered"] is True
        assert await client.data(5) == [16, 17, 18, 19, "live"]


async def test_the_retention_ends_what_can_be_replayed(start_broker, producers):
    broker = start_broker(retention="1s")
    producer = producers(broker)
    old = publish(producer, "user:42", range(3))
    await asyncio.sleep(1.3)
    new = publish(producer, "user:42", range(3, 6))
    async with await Client.open(broker, resume(old[0])) as client:
        assert client.connected["recovered"] is False
    async with await Client.open(broker, resume(new[0])) as client:
        assert client.connected["recovered"] is True
        assert await client.data(2) == [4, 5]


async def test_a_restarted_broker_replays_what_redis_has(start_broker, redis, producers):
    broker, producer = start_broker(redis=redis.url()), producers(redis)
    ids = publish(producer, "user:42", range(5))
    broker.kill()
    ids += publish(producer, "user:42", range(5, 10))
    broker = start_broker(redis=redis.url())
    async with await Client.open(broker, resume(ids[1])) as client:
        assert (client.connected["recovered"], client.connected["replayed"]) == (True, 8)
        assert [message["event_id"] for message in await client.take(8)] == ids[2:]


async def test_a_position_of_another_embedded_log_is_not_recovered(start_broker, producers):
    """In memory nothing outlives the process: the client must hear of it."""
    broker = start_broker()
    ids = publish(producers(broker), "user:42", range(3))
    broker.kill()
    broker = start_broker()
    async with await Client.open(broker, resume(ids[1])) as client:
        assert client.connected["recovered"] is False


async def test_the_counters_tell_of_replays(start_broker, producers):
    broker = start_broker()
    producer = producers(broker)
    ids = publish(producer, "user:42", range(8))
    async with await Client.open(broker, resume(ids[0])) as client:
        await client.take(7)

    def replayed():
        metrics = broker.ask_admin("/metrics").body.decode()
        return any("replayed_total" in line and line.endswith(" 7")
                   for line in metrics.splitlines())
    wait_until(replayed, "a counter of 7 replayed messages")
