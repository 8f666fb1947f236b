"""What is published while a node joins a partition is not lost, whatever else happens then."""

import asyncio
import time

import pytest

from client import query
from event_stream import EventStream
from pace import scaled
from partitions import (BASE, COUNT, SETTINGS, TOPICS, USERS, Steady, add, beside, check_after,
                        check_equal, check_from, count_of, fill, key_of,
                        name_of, node, nodes, open_user, reads, receive, wait_for_reads)
from poll_client import PollClient
from test_redis_access import acl_rule
from transports import WAYS

PAST = 4000  # entries that a partition has when it is joined


def rates_around(channel, rate=300):
    """It, another channel of its partition, and one that everybody has."""
    return {channel: rate, beside(channel, count=COUNT)[0]: rate, "all": 40}


# ---- the first connection ----

@pytest.mark.parametrize("how", ["beginning", "position", "never here"])
async def test_the_first_connection_of_a_partition_misses_nothing(node, redis, how):
    channel = USERS[0]
    fill(redis, beside(channel, count=COUNT), PAST, COUNT)
    with Steady(redis, rates_around(channel), COUNT) as steady:
        await asyncio.sleep(0.4)
        after = {"beginning": "0-0", "position": steady.ids[channel][-20], "never here": None}[how]
        client = await open_user(node, channel, after)
        since_s = time.monotonic()
        await asyncio.sleep(0.5)
    got = await receive(client, steady.last(channel, "all"))
    assert client.connected["recovered"] is True
    check_after(got, steady, channel, after or "0-0")
    if after:
        check_after(got, steady, "all", after)
    else:
        check_from(got, steady, "all", since_s)
    assert reads(node) == len(BASE) + 1
    await client.close()


@pytest.mark.parametrize("how", ["beginning", "position", "now"])
async def test_the_first_subscriber_of_a_partition_misses_nothing(node, redis, how):
    """What comes before `subscribed` is for its other channels only."""
    channel = TOPICS[1]
    fill(redis, beside(channel, count=COUNT), PAST, COUNT)
    with Steady(redis, rates_around(channel), COUNT) as steady:
        await asyncio.sleep(0.4)
        client = await open_user(node, USERS[0])
        since = {"beginning": "0-0", "position": steady.ids[channel][-20], "now": None}[how]
        await client.send({"type": "subscribe", "channel": channel,
                           **({"last_event_id": since} if since else {})})
        before = []
        while (answer := await client.next())["type"] != "subscribed":
            before.append(answer)
        since_s = time.monotonic()
        await asyncio.sleep(0.5)
    got = before + await receive(client, steady.last(channel, "all"))
    assert not [one for one in before if one["channel"] == channel]
    if since:
        assert answer["recovered"] is True
        check_after(got, steady, channel, since)
    else:
        check_from(got, steady, channel, since_s)
    check_from(got, steady, "all", since_s)
    await client.close()


async def test_from_now_on_brings_nothing_of_the_past(node, redis):
    """A subscribe without a position, to a channel that has had messages long before."""
    for number in range(20):
        add(redis, TOPICS[1], number, count=COUNT)
    await asyncio.sleep(0.3)
    async with await open_user(node, USERS[0]) as client:
        assert (await client.ask({"type": "subscribe", "channel": TOPICS[1]}))["type"] == \
            "subscribed"
        await client.expect_nothing(0.3)
        add(redis, TOPICS[1], '"new"', count=COUNT)
        assert await client.data(1) == ["new"]


@pytest.mark.parametrize("kind", WAYS, ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("how", ["position", "never here"])
async def test_every_way_to_receive_joins_a_partition(node, redis, kind, how):
    channel, neighbour = USERS[0], beside(USERS[0], count=COUNT)[0]
    fill(redis, [neighbour], PAST, COUNT)
    with Steady(redis, {channel: 200, neighbour: 200}, COUNT) as steady:
        await asyncio.sleep(0.3)
        after = steady.ids[channel][-10] if how == "position" else None
        way = await kind.open(node, name_of(channel), after)
        await asyncio.sleep(0.3)
    owed = steady.ids[channel]
    owed = owed[owed.index(after) + 1:] if after else owed
    got = [(await way.next())[0] for _ in owed]
    assert way.recovered and got == owed
    with pytest.raises(asyncio.TimeoutError):
        await way.next(limit=0.3)
    way.cut()


async def test_streams_and_polls_join_for_channels_that_they_name(node, redis):
    first = add(redis, TOPICS[1], "0", count=COUNT)
    add(redis, TOPICS[1], "1", count=COUNT)
    with EventStream.open(node, query("/sse", channels=TOPICS[1]), name_of(USERS[0]),
                          after=first) as stream:
        assert stream.data(1) == [1]
    with PollClient(node, position=first, user=name_of(USERS[1]), channels=TOPICS[2]) as poll:
        assert poll.data() == []
        add(redis, TOPICS[2], "2", count=COUNT)
        assert poll.data_until(1) == [2]


async def test_all_partitions_are_joined_at_once_under_load(node, redis):
    """Two connections each: one that was never here, one that names a position."""
    fill(redis, [beside(channel, count=COUNT)[0] for channel in USERS], 2 * PAST, COUNT)
    with Steady(redis, dict.fromkeys([*USERS, "all"], 25), COUNT) as steady:
        await asyncio.sleep(0.4)
        after = {channel: steady.ids[channel][3] for channel in USERS}
        opened = await asyncio.gather(
            *(open_user(node, channel) for channel in USERS),
            *(open_user(node, channel, after[channel]) for channel in USERS))
        since_s = time.monotonic()
        await asyncio.sleep(0.4)
    for client, channel in zip(opened, USERS * 2):
        is_new = client in opened[:len(USERS)]
        got = await receive(client, steady.last(channel, "all"))
        check_after(got, steady, channel, "0-0" if is_new else after[channel])
        if is_new:
            check_from(got, steady, "all", since_s)
        else:
            check_after(got, steady, "all", after[channel])
        client.cut()
    assert count_of(node, "partition_joins_total") == len(USERS)


async def test_others_wait_for_no_join(node, redis, start_proxy, start_broker):
    """A partition takes long to be read: everybody else gets what is new meanwhile."""
    proxy = start_proxy(redis.port)
    far = start_broker(redis=redis.url(port=proxy.port), **SETTINGS)
    far.wait_until_ready()
    fill(redis, beside(USERS[0], count=COUNT), 2 * PAST, COUNT, pad=1000)
    async with await open_user(far, USERS[1]) as client:
        proxy.delay = 0.02
        joining = asyncio.create_task(open_user(far, USERS[0]))
        while not joining.done():
            began_s = time.monotonic()
            add(redis, USERS[1], "1", count=COUNT)
            assert await client.data(1) == [1]
            assert time.monotonic() - began_s < scaled(1)
        await (await joining).close()


async def history_by_pages(node, channel):
    """Event ids of all of it, 200 at a time."""
    found, after = [], ""
    while True:
        answer = await asyncio.to_thread(
            node.ask_api, f"/api/channels/{channel}/history?limit=200{after}")
        assert answer.status == 200, answer
        page = [one["event_id"] for one in answer.json()["events"]]
        if not page:
            return found
        found += page
        after = "&after=" + page[-1]


async def test_a_long_replay_goes_on_while_others_join(start_broker, redis):
    """The index is made anew each time; bodies have to be fetched, and the reader is slow."""
    node = start_broker(redis=redis.url(), history_memory="64k", max_outbox_bytes="64k",
                        **SETTINGS)
    node.wait_until_ready()
    channel, size, got = USERS[0], 6000, []
    fill(redis, [channel], size, COUNT, pad=1000)
    client = await open_user(node, channel, "0-0")
    assert client.connected["replayed"] == size

    async def come_and_go():
        for turn in range(30):
            await (await open_user(node, USERS[1 + turn % 10])).close()
            await asyncio.sleep(0.05)

    async def read_slowly():
        while len(got) < size:
            got.append((await client.next())["event_id"])
            if len(got) % 20 == 0:
                await asyncio.sleep(0.008)
    _, _, pages = await asyncio.gather(come_and_go(), read_slowly(),
                                       history_by_pages(node, channel))
    owed = [event_id.decode() for event_id, _ in
            redis.call("XRANGE", key_of(channel, COUNT), "-", "+")]
    check_equal(got, owed, channel)
    check_equal(pages, owed, channel)
    await client.close()


# ---- positions of another node ----

async def test_a_position_later_than_what_the_other_node_has_read_is_good(nodes, redis):
    """To and fro, each time with what the other one has sent a moment ago."""
    for channel in USERS[:3]:
        add(redis, channel, "-1", count=COUNT)
        last = None
        for turn in range(6):
            async with await open_user(nodes[turn % 2], channel, last) as client:
                if last:
                    assert client.connected["recovered"] is True
                    assert client.connected["replayed"] == 0
                else:
                    assert await client.data(1) == [-1]
                add(redis, channel, turn, count=COUNT)
                message = await client.next()
                assert message["data"] == turn
                last = message["event_id"]


async def test_a_position_in_a_partition_that_the_node_never_reads_is_good(nodes, redis):
    """The client has it of a channel that it does not hold any more."""
    last = None
    for turn in range(4):
        async with await open_user(nodes[0], USERS[0], last) as client:
            await client.ask({"type": "subscribe", "channel": TOPICS[1]})
            last = add(redis, TOPICS[1], turn, count=COUNT)
            assert await client.data(1) == [turn]
        async with await open_user(nodes[1], USERS[0], last) as client:
            assert client.connected["recovered"] is True
            last = add(redis, USERS[0], turn, count=COUNT)
            assert await client.data(1) == [turn]


async def test_the_position_of_connected_is_good_at_the_other_node(nodes, redis):
    """Of a client that has seen no message yet."""
    for turn, channel in enumerate(USERS[:4]):
        async with await open_user(nodes[turn % 2], channel) as client:
            last = client.connected["last_event_id"]
        add(redis, channel, "1", count=COUNT)
        async with await open_user(nodes[1 - turn % 2], channel, last) as client:
            assert client.connected["recovered"] is True
            assert await client.data(1) == [1]


async def test_a_position_that_no_node_has_given_is_not_recovered(node, redis):
    ms = int(redis.call("TIME")[0]) * 1000 + 3600000
    began_s = time.monotonic()
    async with await open_user(node, USERS[0], f"{ms}-0") as client:
        assert time.monotonic() - began_s < scaled(4)
        assert client.connected["recovered"] is False
        add(redis, USERS[0], "1", count=COUNT)
        assert await client.data(1) == [1]


async def test_a_trimmed_partition_is_told_to_who_misses_something(node, redis):
    channel = USERS[0]
    ids = [add(redis, channel, number, count=COUNT) for number in range(10)]
    redis.call("XTRIM", key_of(channel, COUNT), "MAXLEN", "5")
    async with await open_user(node, channel, ids[2]) as client:
        assert client.connected["recovered"] is False
    async with await open_user(node, channel, ids[5]) as client:
        assert client.connected["recovered"] is True
        assert await client.data(4) == [6, 7, 8, 9]


# ---- rights ----

def url_of_belfry(redis, *without):
    redis.call("ACL", "SETUSER", "belfry", *[word for word in acl_rule() if word not in without])
    redis.call("ACL", "LOG", "RESET")
    return f"redis://belfry:secret-of-belfry@127.0.0.1:{redis.port}/0"


def refusals(redis):
    return [dict(zip(entry[::2], entry[1::2])) for entry in redis.call("ACL", "LOG")]


async def join_each(node, redis, channels):
    """Seconds that each join took; what is in it comes, and what is new."""
    seconds = []
    for channel in channels:
        add(redis, channel, '"old"', count=COUNT)
        began_s = time.monotonic()
        async with await open_user(node, channel) as client:
            seconds.append(time.monotonic() - began_s)
            add(redis, channel, '"new"', count=COUNT)
            assert await client.data(2) == ["old", "new"]
    return seconds


async def test_the_recommended_rights_are_enough_to_join(start_broker, redis):
    node = start_broker(redis=url_of_belfry(redis), **SETTINGS)
    node.wait_until_bridged()
    seconds = await join_each(node, redis, USERS[:6])
    assert max(seconds) < scaled(0.5), seconds
    await asyncio.to_thread(wait_for_reads, node, len(BASE))
    assert not refusals(redis)


async def test_without_the_right_to_unblock_a_join_waits_for_the_read(start_broker, redis):
    """It ends by itself after two seconds."""
    node = start_broker(redis=url_of_belfry(redis, "+client|unblock"), **SETTINGS)
    node.wait_until_bridged()
    seconds = await join_each(node, redis, USERS[:4])
    assert max(seconds) < scaled(3), seconds
    assert {one[b"object"] for one in refusals(redis)} <= {b"client|unblock"}
    assert count_of(node, "log_failures_total") == 0
