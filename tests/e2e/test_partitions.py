"""The log spread over several streams: each channel has one of them, by CRC16."""

import asyncio
import binascii
import contextlib
import json
import time

import pytest

from client import Client, resume
from openmetrics import scrape
from pace import scaled, wait_until
from partitions import PARTITIONS, add, key_of, one_channel_each, partition


@pytest.fixture
def broker(start_broker, redis):
    broker = start_broker(redis=redis.url(), partitions=PARTITIONS)
    broker.wait_until_ready()
    return broker


def test_the_crc_is_the_one_of_redis_cluster():
    """The test vector of its specification."""
    assert binascii.crc_hqx(b"123456789", 0) == 0x31C3


async def test_entries_arrive_from_every_partition(broker, redis):
    for channel in one_channel_each():
        async with await Client.open(broker, user=channel.split(":")[1]) as client:
            event_id = add(redis, channel, '"here"')
            message = await client.next()
            assert (message["channel"], message["data"], message["event_id"]) == (
                channel, "here", event_id)


async def test_http_publications_land_in_the_right_key(broker, redis, producers):
    producer = producers(broker)
    for channel in [*one_channel_each(), "all", "trending", "müller:日本"]:
        event_id = producer.publish(channel, '"x"')
        newest = redis.call("XREVRANGE", key_of(channel), "+", "-", "COUNT", "1")
        assert newest[0][0].decode() == event_id, channel
    assert redis.call("EXISTS", "belfry:in") == 0


async def test_what_clients_change_lands_in_the_right_key(broker, redis):
    for channel in one_channel_each():
        add(redis, channel, "1", id="n1")
        async with await Client.open(broker, user=channel.split(":")[1]) as client:
            await client.take(1)
            await client.send({"type": "mark_read", "notification_id": "n1"})
            await client.next_of("notification_read")
        fields = redis.call("XREVRANGE", key_of(channel), "+", "-", "COUNT", "1")[0][1]
        assert b"notification_read" in fields


async def test_an_entry_for_channels_of_several_partitions_reaches_all(broker, producers):
    """Over HTTP the broker sees to it that each channel's log has it."""
    channels = one_channel_each()
    async with contextlib.AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(
            await Client.open(broker, user=channel.split(":")[1])) for channel in channels]
        producers(broker).publish(channels, '"for all of you"')
        for client in clients:
            assert await client.data(1) == ["for all of you"]
            await client.expect_nothing(0.1)


async def test_the_order_of_each_channel_is_kept(broker, redis):
    """One connection with a channel in every partition."""
    channels = ["user:42", "all", "announcements", "trending", "engagement:1", "engagement:2"]
    assert len({partition(channel) for channel in channels}) >= 3
    log = redis.connect()
    async with await Client.open(broker) as client:
        for channel in channels[3:]:
            await client.ask({"type": "subscribe", "channel": channel})
        for number in range(300):
            for channel in channels:
                log.send("XADD", key_of(channel), "*", "to", channel, "data", number)
        for _ in range(300 * len(channels)):
            log.reply()
        got = await client.take(300 * len(channels), limit=15)
    log.close()
    for channel in channels:
        assert [one["data"] for one in got if one["channel"] == channel] == list(range(300))


async def test_resuming_over_partitions_misses_nothing(broker, redis):
    """Each entry a moment after the one before, so that ids tell what was earlier."""
    channels = ["user:42", "all", "announcements"]
    last = add(redis, "user:42", "-1")
    await asyncio.sleep(0.005)
    for number in range(30):
        add(redis, channels[number % 3], number)
        await asyncio.sleep(0.003)
    await asyncio.sleep(0.3)  # the broker has read it by then
    async with await Client.open(broker, resume(last)) as client:
        assert (client.connected["recovered"], client.connected["replayed"]) == (True, 30)
        got = await client.take(30)
        assert sorted(message["data"] for message in got) == list(range(30))
        add(redis, "all", '"live"')
        assert await client.data(1) == ["live"]


@pytest.mark.heavy
async def test_coming_back_at_full_rate_over_partitions(broker, redis):
    """The client names one position for all of its channels, and misses nothing. Two streams may
    give the same id, and a position does not say which of those entries were got: so of one id,
    and of no other, entries may come once more."""
    channels = ["user:42", "all", "announcements"]
    count, got, again = 1500, {}, []
    last = add(redis, "user:42", "-1")
    log = redis.connect()

    def publish():
        for start in range(0, count, 15):
            for number in range(start, start + 15):
                channel = channels[number % 3]
                log.send("XADD", key_of(channel), "*", "to", channel, "data", number)
            for _ in range(15):
                log.reply()

    def take(message, since):
        entry = (message["channel"], message["data"])
        if entry in got:
            again.append((message["event_id"], since))
        got.setdefault(entry, message["event_id"])
    publishing = asyncio.create_task(asyncio.to_thread(publish))
    for _ in range(10):
        since = last
        client = await Client.open(broker, resume(since))
        for message in await client.take(50, limit=10):
            take(message, since)
            last = message["event_id"]
        client.cut()
    async with await Client.open(broker, resume(last)) as client:
        while len(got) < count:
            take(await client.next(), last)
        await client.expect_nothing()
    await publishing
    log.close()
    assert all(event_id == since for event_id, since in again), "something came twice"
    assert len(again) <= 10 * (len(channels) - 1)
    for channel_number, channel in enumerate(channels):
        numbers = [data for name, data in got if name == channel]
        assert numbers == list(range(channel_number, count, 3))


async def test_the_offline_queue_works_over_partitions(broker, redis):
    for channel in one_channel_each():
        ids = [add(redis, channel, number) for number in range(5)]
        await asyncio.sleep(0.3)  # the broker has read it by then
        user = channel.split(":")[1]
        async with await Client.open(broker, user=user) as client:
            assert await client.data(5) == list(range(5))
            await client.ask({"type": "ack", "event_id": ids[2], "ref": "a"})
        async with await Client.open(broker, user=user) as client:
            assert await client.data(2) == [3, 4]


async def test_dead_letters_of_all_partitions_that_are_read(broker, redis):
    async with contextlib.AsyncExitStack() as stack:
        for channel in one_channel_each():
            await stack.enter_async_context(
                await Client.open(broker, user=channel.split(":")[1]))
        for channel in one_channel_each():
            redis.call("XADD", key_of(channel), "*", "to", channel, "data", "not JSON")
        wait_until(lambda: redis.call("XLEN", "belfry:dead") == PARTITIONS, "four dead letters")


async def test_two_nodes_with_partitions(start_nodes, redis, producers):
    nodes = start_nodes(2, redis, partitions=PARTITIONS)
    clients = [await Client.open(node) for node in nodes]
    for number in range(20):
        producers(nodes[number % 2]).publish("user:42", str(number))
    for client in clients:
        assert await client.data(20) == list(range(20))
        await client.close()


async def test_many_partitions(start_broker, redis):
    broker = start_broker(redis=redis.url(), partitions=1024)
    broker.wait_until_ready()
    async with await Client.open(broker) as client:
        for number in range(20):
            add(redis, "user:42", number, stream=key_of("user:42", 1024))
        add(redis, "all", '"all"', stream=key_of("all", 1024))
        assert sorted(map(json.dumps, await client.data(21))) == sorted(
            map(json.dumps, [*range(20), "all"]))


async def test_another_name_of_the_stream_names_all_keys(start_broker, redis):
    broker = start_broker(redis=redis.url(), partitions=2, stream="app:events")
    broker.wait_until_ready()
    async with await Client.open(broker) as client:
        add(redis, "user:42", "1", stream=f"app:events:{{{partition('user:42', 2)}}}")
        assert await client.data(1) == [1]


async def test_a_new_start_reads_the_window_of_all_partitions(start_broker, redis):
    """Far more than one read brings, most of it in one stream."""
    channels = ["user:42", "all", "announcements"]
    first = add(redis, "user:42", "-1")
    await asyncio.sleep(0.005)
    log, sent = redis.connect(), []
    for number in range(3000):
        channel = channels[0 if number % 10 else number // 10 % 3]
        log.send("XADD", key_of(channel), "*", "to", channel, "data", number)
        sent.append((channel, number))
    for _ in sent:
        log.reply()
    log.close()
    broker = start_broker(redis=redis.url(), partitions=PARTITIONS, replay_limit=10000)
    broker.wait_until_ready()
    async with await Client.open(broker, resume(first)) as client:
        assert (client.connected["recovered"], client.connected["replayed"]) == (True, 3000)
        got = [(one["channel"], one["data"]) for one in await client.take(3000, limit=15)]
    assert sorted(got) == sorted(sent)
    for channel in channels:
        assert [one for one in got if one[0] == channel] == [
            one for one in sent if one[0] == channel]


async def test_old_bodies_are_fetched_from_their_own_stream(start_broker, redis):
    """The same id in every stream, and none of the bodies in memory any more."""
    channels = ["user:42", "all", "announcements"]
    broker = start_broker(redis=redis.url(), partitions=PARTITIONS, history_memory="64k")
    broker.wait_until_ready()
    last = add(redis, "user:42", "-1")
    await asyncio.sleep(0.005)
    ms = int(redis.call("TIME")[0]) * 1000 + 1000
    for number in range(5):
        for channel in channels:
            redis.call("XADD", key_of(channel), f"{ms}-{number}", "to", channel, "data",
                       json.dumps(f"{channel} {number}"))
    await asyncio.sleep(1.2)
    for number in range(200):
        add(redis, "engagement:1", json.dumps("x" * 1000))
    await asyncio.sleep(0.2)
    async with await Client.open(broker, resume(last)) as client:
        assert client.connected["recovered"] is True
        assert await client.data(15) == [
            f"{channel} {number}" for number in range(5)
            for channel in sorted(channels, key=partition)]


@pytest.mark.parametrize("wipe", [["FLUSHALL"], ["DEL", key_of("user:42")]])
async def test_a_partition_that_was_wiped_is_told(broker, redis, wipe):
    ids = []
    for number in range(5):
        ids.append(add(redis, "user:42", number))
        add(redis, "all", number)
        await asyncio.sleep(0.003)
    async with await Client.open(broker, resume(ids[0])) as client:
        await client.take(9)
        redis.call(*wipe)
        await asyncio.sleep(3)
        add(redis, "user:42", '"anew"')
        assert await client.data(1) == ["anew"]
    async with await Client.open(broker, resume(ids[4])) as client:
        assert client.connected["recovered"] is False


async def test_a_log_that_is_read_again_brings_nothing_twice(broker, redis):
    """Redis has another replication id. The same event id in several partitions, as most entries
    of a busy millisecond have: each is known by itself."""
    channels = ["user:42", "all", "announcements"]
    assert len({partition(channel) for channel in channels}) == 3
    async with await Client.open(broker) as client:
        ms = int(redis.call("TIME")[0]) * 1000 - 1000
        for number in range(10):
            for channel in channels:
                redis.call("XADD", key_of(channel), f"{ms + number}-0", "to", channel,
                           "data", number)
        await client.take(30)
        await asyncio.to_thread(redis.kill)
        await asyncio.to_thread(redis.start)
        await asyncio.to_thread(
            wait_until, lambda: scrape(broker).total("belfry_router_log_reloads_total") > 0
            and broker.is_ready(), "the log was read again", 15)
        for channel in channels:
            add(redis, channel, '"new"')
        assert await client.data(3) == ["new"] * 3
        await client.expect_nothing()
    assert scrape(broker).total("belfry_router_log_lost_total") == 0


async def test_who_misses_what_was_in_a_wiped_partition_is_told(broker, redis):
    """The client's position is of a channel whose partition is still there: that says nothing of
    what came after it in the one that is gone."""
    positions = []
    async with await Client.open(broker) as client:
        for number in range(6):
            add(redis, "user:42", number)
            await asyncio.sleep(0.005)
            positions.append(add(redis, "all", number))
            await asyncio.sleep(0.005)
        await client.take(12)
    redis.call("DEL", key_of("user:42"))
    wait_until(lambda: scrape(broker).total("belfry_router_epochs_total") == 1, "a new epoch")
    async with await Client.open(broker, resume(positions[2])) as client:
        await client.next()
        assert client.connected["recovered"] is False


async def test_what_was_wiped_is_missed_beside_the_same_ids_of_others(broker, redis):
    """The ids of what is gone are all there, in another stream."""
    ms = int(redis.call("TIME")[0]) * 1000 - 5000
    ids = [f"{ms + number}-0" for number in range(5)]
    for one in ids:
        for channel in ("user:42", "all"):
            redis.call("XADD", key_of(channel), one, "to", channel, "data", "1")
    async with await Client.open(broker, resume(ids[0])) as client:
        await client.take(8)
        redis.call("DEL", key_of("user:42"))
        await asyncio.sleep(3)
    async with await Client.open(broker, resume(ids[4])) as client:
        assert client.connected["recovered"] is False


async def test_an_id_from_the_future_stops_no_other_stream(broker, redis):
    """As after a clock that was set back: what is before it is late, and comes all the same."""
    ms = int(redis.call("TIME")[0]) * 1000
    async with await Client.open(broker) as client:
        redis.call("XADD", key_of("all"), f"{ms + 3600000}-0", "to", "all", "data", '"future"')
        assert await client.data(1) == ["future"]
        for number in range(50):
            add(redis, "user:42", number)
        assert await client.data(50) == list(range(50))
        add(redis, "all", '"more"')
        assert await client.data(1) == ["more"]


async def test_a_redis_that_was_away_is_read_on(broker, redis):
    """Nothing is missed, and nothing comes twice."""
    channels = ["user:42", "all", "announcements"]
    async with await Client.open(broker) as client:
        for number in range(30):
            add(redis, channels[number % 3], number)
        assert sorted(await client.data(30)) == list(range(30))
        redis.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        for number in range(30, 60):
            add(redis, channels[number % 3], number)
        assert sorted(await client.data(30)) == list(range(30, 60))
        await client.expect_nothing()


async def test_while_redis_is_away_nothing_is_said_of_a_partition_that_is_not_read(broker, redis):
    """A question gets 503 before its asker gives up, and a client no count."""
    always = {partition("all"), partition("announcements")}
    user = next(name for name in one_channel_each() if partition(name) not in always)
    add(redis, user, 1)
    redis.kill()
    wait_until(lambda: not broker.is_ready(), "it has noticed")
    began = time.monotonic()
    for path in (f"/api/channels/{user}/history", f"/api/users/{user[5:]}/unread"):
        answer = broker.ask_api(path)
        assert answer.status == 503 and answer.headers["retry-after"], answer
        assert answer.json()["error"] == "log_unavailable"
    assert time.monotonic() - began < scaled(5)
    async with await Client.open(broker, user=user[5:]) as client:
        assert client.connected["recovered"] is False
        assert "unread" not in client.connected
