"""A node reads only the partitions that somebody needs: which, what it answers about the others,
and that it leaves them again. What comes while it joins one: test_partitions_joined.py."""

import asyncio
import contextlib
import json
import time

import pytest

from client import Client
from pace import scaled, wait_until
from partitions import (BASE, COUNT, LINGER_S, SETTINGS, TOPICS, USERS, Steady, add, beside,
                        count_of, fill, id_of, key_of, name_of, node, nodes,
                        one_channel_each, open_user, partition, partitions_of_reads, reads,
                        wait_for_reads)


def publish(redis, channel, data, **fields):
    return add(redis, channel, data, count=COUNT, **fields)


# ---- which are read ----

async def test_without_connections_only_what_everybody_needs_is_read(node, redis):
    for channel in USERS:
        publish(redis, channel, "0")
    assert await partitions_of_reads(redis, COUNT) == BASE
    assert reads(node) == len(BASE)


async def test_a_partition_is_read_when_somebody_needs_it(node, redis):
    """A user, a route's channel, a channel that was subscribed to."""
    async with await open_user(node, USERS[0]) as client:
        assert await partitions_of_reads(redis, COUNT) == BASE | {partition(USERS[0], COUNT)}
        await client.send({"type": "subscribe", "channel": TOPICS[1]})
        await client.next_of("subscribed")
        needed = BASE | {partition(USERS[0], COUNT), partition(TOPICS[1], COUNT)}
        assert await partitions_of_reads(redis, COUNT) == needed
        async with await Client.open(node, "/ws/engagement/" + name_of(TOPICS[2]),
                                     user=name_of(USERS[0])):
            needed.add(partition(TOPICS[2], COUNT))
            assert await partitions_of_reads(redis, COUNT) == needed
            assert reads(node) == len(needed)
    assert count_of(node, "partition_joins_total") == 3


async def test_each_node_reads_what_its_own_connections_need(nodes, redis):
    async with await open_user(nodes[0], USERS[0]), await open_user(nodes[1], USERS[1]), \
            await open_user(nodes[1], USERS[2]):
        assert [reads(one) for one in nodes] == [len(BASE) + 1, len(BASE) + 2]


async def test_all_are_read_when_all_are_needed(node, redis):
    async with contextlib.AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(await open_user(node, channel))
                   for channel in USERS]
        assert await partitions_of_reads(redis, COUNT) == set(range(COUNT))
        for channel, client in zip(USERS, clients):
            event_id = publish(redis, channel, "1")
            while (message := await client.next())["channel"] == "all":
                pass
            assert message["event_id"] == event_id


async def test_users_of_one_partition_join_it_once(node, redis):
    names = [USERS[0], *beside(USERS[0], "user:{}", COUNT, size=8)]
    clients = await asyncio.gather(*(open_user(node, name) for name in names))
    assert count_of(node, "partition_joins_total") == 1
    for name, client in zip(names, clients):
        publish(redis, name, json.dumps(name))
        assert await client.data(1) == [name]
        await client.close()


async def test_many_partitions_are_joined_at_once(start_broker, redis):
    """1,024 of them, and a user in each of 200; each gets what waits for it."""
    count = 1024
    node = start_broker(redis=redis.url(), **SETTINGS | {"partitions": count})
    node.wait_until_ready()
    names = one_channel_each(count=count)[:200]
    for name in names:
        add(redis, name, json.dumps(name), count=count)
    clients = await asyncio.gather(*(open_user(node, name) for name in names))
    for name, client in zip(names, clients):
        assert await client.data(1) == [name]
    needed = {partition(name, count) for name in [*names, "all", "announcements"]}
    assert reads(node) == len(needed)
    for client in clients:
        client.cut()


# ---- connections are reached without a partition of their own ----

async def test_a_connection_is_reached_without_another_partition(nodes, redis, producers):
    """Ids are such that conn:{id} lies where `all` does."""
    async with contextlib.AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(await open_user(nodes[turn % 2], USERS[0]))
                   for turn in range(6)]
        for turn, client in enumerate(clients):
            conn = "conn:" + client.id
            assert partition(conn, 1 << 14) == partition("all", 1 << 14)
            publish(redis, conn, '"by Redis"')
            producers(nodes[1 - turn % 2]).publish(conn, '"by the other node"')
            assert await client.data(2) == ["by Redis", "by the other node"]
        for client in clients:
            await client.expect_nothing(0.1)
        assert [reads(one) for one in nodes] == [len(BASE) + 1] * 2


async def test_an_id_that_is_taken_up_is_reached_too(nodes, redis, producers):
    client = await open_user(nodes[0], USERS[0])
    last = publish(redis, USERS[0], "0")
    assert await client.data(1) == [0]
    await client.close()
    publish(redis, "conn:" + client.id, '"meanwhile"')
    await asyncio.sleep(0.3)
    async with await open_user(nodes[1], USERS[0], last, connection_id=client.id) as again:
        assert again.id == client.id
        assert await again.data(1) == ["meanwhile"]
        producers(nodes[0]).publish("conn:" + client.id, '"now"')
        assert await again.data(1) == ["now"]


async def test_publishing_needs_no_partition(nodes, producers):
    """At a node that reads none of them; an entry for all of them comes to each once."""
    async with contextlib.AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(await open_user(nodes[0], channel))
                   for channel in USERS]
        producers(nodes[1]).publish(USERS, '"for you all"')
        for channel in USERS:
            producers(nodes[1]).publish(channel, json.dumps(channel))
        for channel, client in zip(USERS, clients):
            assert await client.data(2) == ["for you all", channel]
            await client.expect_nothing(0.05)
    assert reads(nodes[1]) == len(BASE)


# ---- questions about others ----

def history(node, channel):
    answer = node.ask_api(f"/api/channels/{channel}/history")
    assert answer.status == 200, answer
    return [one["data"] for one in answer.json()["events"]]


def unread(node, channel):
    answer = node.ask_api(f"/api/users/{name_of(channel)}/unread")
    assert answer.status == 200, answer
    return answer.json()["unread"]


def test_the_history_of_what_is_not_read_is_right(node, redis):
    for number in range(5):
        for channel in USERS[:4]:
            publish(redis, channel, json.dumps(f"{channel} {number}"))
    assert reads(node) == len(BASE)
    for channel in USERS[:4]:
        assert history(node, channel) == [f"{channel} {number}" for number in range(5)]
    assert history(node, USERS[5]) == []
    wait_for_reads(node, len(BASE))


def test_the_unread_count_of_what_is_not_read_is_right(node, redis):
    for number in range(5):
        for channel in USERS[:4]:
            publish(redis, channel, number, id=f"n{number}")
    for size, channel in enumerate(USERS[:4]):
        for number in range(size):
            publish(redis, channel, json.dumps({"id": f"n{number}"}), type="notification_read")
    assert [unread(node, channel) for channel in USERS[:5]] == [5, 4, 3, 2, 0]


async def test_questions_about_all_partitions_at_once(node, redis):
    fill(redis, USERS, 5000, COUNT)
    for channel in USERS:
        publish(redis, channel, json.dumps(channel))
    answers = await asyncio.gather(*(asyncio.to_thread(unread, node, channel)
                                     for channel in USERS * 2))
    sizes = [len(range(at, 5000, len(USERS))) + 1 for at in range(len(USERS))]
    assert answers == sizes * 2
    assert count_of(node, "partition_joins_total") == len(USERS)


async def test_a_question_sees_what_was_published_before_it(node, redis):
    """Over HTTP one has the id of an entry before it can ask: the answer has it, whether the
    partition is read already or is joined for the question."""
    with Steady(redis, dict.fromkeys(USERS[:4], 100), COUNT) as steady:
        await asyncio.sleep(0.3)
        for channel in USERS[:4] * 2:
            owed = len(steady.ids[channel])
            answer = await asyncio.to_thread(unread, node, channel)
            assert owed - 20 <= answer <= len(steady.ids[channel]) + 20
            await asyncio.sleep(0.1)


async def test_read_and_deleted_is_known_where_the_partition_was_not_read(nodes, redis):
    channel = USERS[0]
    for number in range(5):
        publish(redis, channel, number, id=f"n{number}")
    await asyncio.sleep(0.1)
    async with await open_user(nodes[0], channel) as client:
        assert client.connected["unread"] == 5
        await client.take(5)
        await client.send({"type": "mark_read", "notification_id": "n1"})
        await client.next_of("notification_read")
        await client.send({"type": "delete", "notification_id": "n2"})
        await client.next_of("notification_deleted")
    assert unread(nodes[1], channel) == 3
    async with await open_user(nodes[1], channel) as client:
        assert client.connected["unread"] == 3
        await client.send({"type": "mark_all_read"})
        await client.next_of("unread_count")
    wait_for_reads(nodes[0], len(BASE))
    assert unread(nodes[0], channel) == 0


async def test_a_connection_without_its_users_channel_may_mark_as_read(nodes, redis):
    """The route gives it another channel; what it says is for the user's."""
    channel = USERS[0]
    for number in range(3):
        publish(redis, channel, number, id=f"n{number}")
    async with await Client.open(nodes[0], "/ws/trending", user=name_of(channel)) as client:
        await client.ask({"type": "mark_read", "notification_id": "n1", "ref": "r"})
    wait_until(lambda: unread(nodes[1], channel) == 2, "two are unread at the other node")
    assert unread(nodes[0], channel) == 2


async def test_presence_needs_no_partition(nodes, redis):
    async with await open_user(nodes[0], USERS[0]) as client:
        def found():
            answer = nodes[1].ask_api(f"/api/users/{name_of(USERS[0])}/presence")
            assert answer.status == 200, answer
            return [one["connection_id"] for one in answer.json()["connections"]]
        wait_until(lambda: found() == [client.id], "it is seen from the other node")
    assert reads(nodes[1]) == len(BASE)


# ---- disconnect, and what an entry may say ----

async def test_disconnect_reaches_a_connection_at_another_node(nodes):
    client = await open_user(nodes[0], USERS[0])
    answer = nodes[1].ask_api(f"/api/users/{name_of(USERS[0])}/disconnect", "POST")
    assert answer.status == 200, answer
    assert await client.close_code() == 4403
    assert reads(nodes[1]) == len(BASE)


async def test_an_old_disconnect_closes_nothing_when_its_partition_is_joined(nodes, redis):
    for channel in USERS[:3]:
        publish(redis, channel, '"before"')
        nodes[1].ask_api(f"/api/users/{name_of(channel)}/disconnect", "POST")
        publish(redis, channel, '"behind"')
        await asyncio.sleep(0.3)
        async with await open_user(nodes[0], channel) as client:
            assert await client.data(2) == ["before", "behind"]
            publish(redis, channel, '"live"')
            assert await client.data(1) == ["live"]
            assert await client.is_alive()


async def test_a_ttl_that_is_over_is_over_in_a_partition_joined_late(node, redis):
    publish(redis, USERS[0], '"short"', ttl="1")
    publish(redis, USERS[0], '"long"', ttl="60")
    await asyncio.sleep(1.2)
    async with await open_user(node, USERS[0]) as client:
        assert await client.data(1) == ["long"]
        assert client.connected["unread"] == 1
        await client.expect_nothing()


async def test_only_the_newest_of_a_key_comes_from_a_partition_joined_late(node, redis):
    for number in range(4):
        publish(redis, USERS[0], number, key="k")
        publish(redis, USERS[0], json.dumps(f"other {number}"), key=f"k{number}")
    async with await open_user(node, USERS[0]) as client:
        assert await client.data(5) == ["other 0", "other 1", "other 2", 3, "other 3"]


async def test_an_id_is_taken_once_whenever_its_partition_is_read(node, redis):
    """The second one before the join, after it, after it was left, and when it is there again."""
    channel = USERS[0]
    publish(redis, channel, "0", id="n")
    publish(redis, channel, "1", id="n")
    async with await open_user(node, channel) as client:
        assert await client.data(1) == [0]
        publish(redis, channel, "2", id="n")
        last = publish(redis, channel, '"mark"')
        assert await client.data(1) == ["mark"]
    await asyncio.to_thread(wait_for_reads, node, len(BASE))
    publish(redis, channel, "3", id="n")
    async with await open_user(node, channel, last) as client:
        publish(redis, channel, "4", id="n")
        publish(redis, channel, '"end"')
        assert await client.data(1) == ["end"]
    assert unread(node, channel) == 3


# ---- left again ----

async def test_a_partition_is_left_when_nobody_needs_it_and_joined_again(node, redis):
    channel = USERS[0]
    async with await open_user(node, channel) as client:
        last = publish(redis, channel, "0")
        assert await client.data(1) == [0]
    left_s = time.monotonic()
    records = count_of(node, "history_records")
    await asyncio.to_thread(wait_for_reads, node, len(BASE))
    assert time.monotonic() - left_s > 0.8 * LINGER_S
    assert count_of(node, "partition_leaves_total") == 1
    assert count_of(node, "history_records") == records - 1, "its entries are out of the index"
    for number in range(1, 4):
        publish(redis, channel, number)
    assert await partitions_of_reads(redis, COUNT) == BASE
    async with await open_user(node, channel, last) as client:
        assert client.connected["recovered"] is True
        got = [one for one in await client.take(11) if one["channel"] == channel]
        assert [one["data"] for one in got] == [1, 2, 3]
    assert count_of(node, "partition_joins_total") == 2


async def test_a_partition_in_use_is_not_left(node, redis):
    async with await open_user(node, USERS[0]) as client:
        await asyncio.sleep(3 * LINGER_S)
        assert reads(node) == len(BASE) + 1
        publish(redis, USERS[0], "1")
        assert await client.data(1) == [1]
    assert count_of(node, "partition_leaves_total") == 0


async def test_who_is_back_within_the_linger_finds_it_read(node, redis):
    for _ in range(8):
        async with await open_user(node, USERS[0]):
            pass
        await asyncio.sleep(0.4 * LINGER_S)
    assert count_of(node, "partition_joins_total") == 1


async def test_a_channel_that_was_left_can_be_subscribed_to_again(node, redis):
    topic = TOPICS[1]
    async with await open_user(node, USERS[0]) as client:
        await client.ask({"type": "subscribe", "channel": topic})
        last = publish(redis, topic, "0")
        assert await client.data(1) == [0]
        await client.ask({"type": "unsubscribe", "channel": topic})
        await asyncio.to_thread(wait_for_reads, node, len(BASE) + 1)
        for number in range(1, 4):
            publish(redis, topic, number)
        answer = await client.ask({"type": "subscribe", "channel": topic, "last_event_id": last})
        assert (answer["type"], answer["recovered"], answer["replayed"]) == ("subscribed", True, 3)
        assert await client.data(3) == [1, 2, 3]
        publish(redis, topic, "4")
        assert await client.data(1) == [4]


@pytest.mark.timeout(scaled(90))
async def test_leaving_and_joining_by_turns_loses_nothing(node, redis):
    """Each comes back at about the time at which its partition is left."""
    channels = USERS[:6]

    async def come_and_go(at, channel, steady, got):
        last = None
        for turn in range(8):
            client = await open_user(node, channel, last)
            assert turn == 0 or client.connected["recovered"] is True
            for message in await client.take(20, limit=10):
                if (message["channel"], message["event_id"]) not in got:
                    got[message["channel"], message["event_id"]] = message
                else:
                    assert message["event_id"] == last
                last = message["event_id"]
            client.cut()
            await asyncio.sleep(LINGER_S * (0.8 + 0.1 * ((at + turn) % 6)))
        return last

    async def check(at, channel, steady):
        got = {}
        last = await come_and_go(at, channel, steady, got)
        mine = [one for name, one in got if name == channel]
        assert mine == [one for one in steady.ids[channel] if id_of(one) <= id_of(last)]

    rates = dict.fromkeys(channels, 100) | {"all": 5}
    with Steady(redis, rates, COUNT) as steady:
        await asyncio.gather(*(check(at, channel, steady) for at, channel in enumerate(channels)))
    assert count_of(node, "partition_leaves_total") > 5


async def test_a_linger_that_is_asked_about_again_and_again(node, redis):
    """Each question keeps its partition for a while."""
    for _ in range(8):
        unread(node, USERS[0])
        await asyncio.sleep(0.4 * LINGER_S)
    assert count_of(node, "partition_joins_total") == 1
    await asyncio.to_thread(wait_for_reads, node, len(BASE))


async def test_cursors_outlive_the_partition(node, redis):
    """What was confirmed before it was left does not come again, and the rest does."""
    channel = USERS[0]
    ids = [publish(redis, channel, number) for number in range(5)]
    async with await open_user(node, channel) as client:
        assert await client.data(5) == list(range(5))
        await client.ask({"type": "ack", "event_id": ids[2], "ref": "a"})
    await asyncio.to_thread(wait_for_reads, node, len(BASE))
    publish(redis, channel, "5")
    async with await open_user(node, channel) as client:
        assert client.connected["recovered"] is True
        assert await client.data(3) == [3, 4, 5]


async def test_dead_letters_of_a_partition_are_buried_once(nodes, redis):
    """By a node that is there when they come; not again by one that joins later."""
    channel = USERS[0]
    async with await open_user(nodes[0], channel) as client:
        redis.call("XADD", key_of(channel, COUNT), "*", "to", channel, "data", "not JSON")
        publish(redis, channel, "1")
        assert await client.data(1) == [1]
        await asyncio.to_thread(wait_until, lambda: redis.call("XLEN", "belfry:dead") == 1, "one")
        async with await open_user(nodes[1], channel) as other:
            assert await other.data(1) == [1]
            await asyncio.sleep(0.3)
    assert redis.call("XLEN", "belfry:dead") == 1
