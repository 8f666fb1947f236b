"""A join of a partition in whose midst something goes wrong: nothing stalls, nothing is lost
silently, and nothing counts as lost that is there."""

import asyncio
import time

import pytest
from websockets.exceptions import InvalidStatus

from client import Client, resume
from ledger import FAILURES
from pace import scaled, wait_until
from partitions import (BASE, COUNT, SETTINGS, TOPICS, USERS, Steady, add, beside, count_of, fill,
                        key_of, name_of, open_user, wait_for_reads)

PAST = 4000  # entries that a partition has when it is joined


class Far:
    """A node with a slow way to Redis, so that a join takes long enough for something to happen
    in its midst; and what everybody has read before."""

    def __init__(self, start_broker, proxy, redis, **settings):
        self.proxy, self.redis = proxy, redis
        self.node = start_broker(redis=redis.url(port=proxy.port), **SETTINGS | settings)
        self.node.wait_until_ready()
        self.channel = USERS[0]
        fill(redis, ["all"], 5, COUNT)
        fill(redis, beside(self.channel, count=COUNT), 3 * PAST, COUNT)
        self.ids = [add(redis, self.channel, number, count=COUNT) for number in range(10)]
        time.sleep(0.3)

    async def begin(self, delay=0.04):
        """Somebody comes who has the first of the ten. A task that gives the client."""
        self.proxy.delay = delay
        opening = asyncio.create_task(self.open())
        await asyncio.sleep(4.5 * delay)
        return opening

    async def open(self):
        client = await Client.open_silent(self.node, resume(self.ids[0]),
                                          user=name_of(self.channel))
        client.connected = await client.next(limit=25)
        return client

    def has_lost(self):
        return count_of(self.node, "epochs_total") > 0

    def lost(self):
        return [count_of(self.node, name) for name in ("epochs_total", "log_lost_total")]


@pytest.fixture
def far(start_broker, start_proxy, redis):
    return Far(start_broker, start_proxy(redis.port), redis)


async def expect_whole(far, opening, redis, may_begin_without=False):
    """The nine that were missed come, then what is new; nothing counts as lost. When Redis was
    away for too long, it may come that `recovered` is false: then they come to who asks again."""
    far.proxy.delay = 0
    client = await opening
    await asyncio.to_thread(far.node.wait_until_ready)
    if may_begin_without and not client.connected["recovered"]:
        await client.expect_nothing(0.3)
        await client.close()
        client = await far.open()
    assert (client.connected["type"], client.connected["recovered"]) == ("connected", True)
    assert await client.data(9, limit=15) == list(range(1, 10))
    add(redis, far.channel, '"new"', count=COUNT)
    assert await client.data(1, limit=15) == ["new"]
    await client.expect_nothing(0.3)
    assert far.lost() == [0, 0]
    await client.close()


async def test_a_join_goes_on_after_its_links_were_cut(far, redis):
    opening = await far.begin()
    for _ in range(3):
        far.proxy.cut()
        await asyncio.sleep(0.25)
    await expect_whole(far, opening, redis)


async def test_a_join_goes_on_after_clients_were_killed(far, redis):
    opening = await far.begin()
    redis.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    await expect_whole(far, opening, redis)


async def test_a_join_goes_on_when_redis_is_restarted(far, redis):
    opening = await far.begin()
    await asyncio.to_thread(redis.kill)
    await asyncio.sleep(0.5)
    await asyncio.to_thread(redis.start)
    await expect_whole(far, opening, redis, may_begin_without=True)


async def test_a_join_goes_on_when_redis_was_frozen(far, redis):
    opening = await far.begin()
    redis.freeze()
    await asyncio.sleep(3)
    redis.thaw()
    await expect_whole(far, opening, redis, may_begin_without=True)


@pytest.mark.heavy
async def test_a_join_goes_on_over_links_that_fell_silent(far, redis):
    opening = await far.begin()
    far.proxy.fall_silent()
    await expect_whole(far, opening, redis, may_begin_without=True)


async def test_a_join_over_a_slow_way_to_redis_comes_to_an_end(start_broker, start_proxy, redis):
    """A question and its answer take a quarter of a second, while others are live."""
    proxy = start_proxy(redis.port)
    node = start_broker(redis=redis.url(port=proxy.port), **SETTINGS)
    node.wait_until_ready()
    add(redis, USERS[0], "1", count=COUNT)
    proxy.delay = 0.13
    with Steady(redis, {"all": 20}, COUNT):
        async with await open_user(node, USERS[0]) as client:
            message = await client.next()
            assert (message["channel"], message["data"]) == (USERS[0], 1)


async def test_who_waits_for_longer_than_a_handshake_may_try_again(start_broker, start_proxy,
                                                                   redis):
    """The join goes on meanwhile."""
    proxy = start_proxy(redis.port)
    node = start_broker(redis=redis.url(port=proxy.port), handshake_timeout="1s", **SETTINGS)
    node.wait_until_ready()
    fill(redis, beside(USERS[0], count=COUNT), 3 * PAST, COUNT, pad=10)
    add(redis, USERS[0], "1", count=COUNT)
    proxy.delay, tries = 0.04, 0
    while tries < 15:
        try:
            async with await open_user(node, USERS[0]) as client:
                assert await client.data(1) == [1]
            break
        except FAILURES:
            tries += 1
    assert 0 < tries < 15


async def test_a_subscriber_that_goes_on_without_a_partition_gets_what_is_new(far, redis):
    """Likewise with a connection that is there already."""
    async with await open_user(far.node, USERS[1]) as client:
        far.proxy.freeze()
        far.proxy.cut()
        answer = await client.ask({"type": "subscribe", "channel": TOPICS[2]})
        assert answer["type"] == "subscribed"
        for number in range(10):
            add(redis, TOPICS[2], number, count=COUNT)
        far.proxy.thaw()
        assert await client.data(10, limit=20) == list(range(10))
        await client.expect_nothing(0.3)


@pytest.mark.parametrize("command, pause", [
    ("FLUSHALL", 0.0), ("FLUSHALL", 0.2), ("FLUSHALL", 0.4), ("FLUSHALL", 0.8), ("DEL", 0.4),
    ("DEL", 0.8)])
async def test_a_log_that_is_wiped_during_a_join_stalls_nothing(far, redis, command, pause):
    """What was missed is gone: it came before the end of the join, or `recovered` is false."""
    opening = await far.begin()
    await asyncio.sleep(pause)
    redis.call(*{"DEL": ["DEL", key_of(far.channel, COUNT)]}.get(command, [command]))
    far.proxy.delay = 0
    client = await opening
    add(redis, far.channel, '"new"', count=COUNT)
    add(redis, "all", '"for all"', count=COUNT)
    got = []
    while not {"new", "for all"} <= set(got):
        got.append((await client.next(limit=20))["data"])
    rest = [one for one in got if one not in ("new", "for all")]
    assert rest == (list(range(1, 10)) if client.connected["recovered"] else [])
    await client.close()
    await asyncio.to_thread(wait_until, far.has_lost, "the loss is known")
    async with await open_user(far.node, far.channel, far.ids[5]) as again:
        assert again.connected["recovered"] is False


async def test_a_promotion_during_a_join_loses_nothing(start_broker, start_redis, start_proxy):
    master = start_redis()
    replica = start_redis(replica_of=master)
    proxy = start_proxy(master.port)
    far = Far(start_broker, proxy, master)
    await asyncio.to_thread(master.wait_for_replica, replica)
    opening = await far.begin()
    await asyncio.to_thread(master.kill)
    await asyncio.to_thread(replica.promote)
    proxy.target = replica.port
    proxy.cut()
    await expect_whole(far, opening, replica, may_begin_without=True)


async def test_a_client_that_leaves_during_its_join_leaves_nothing(far, redis):
    opening = await far.begin()
    opening.cancel()
    far.proxy.delay = 0
    await asyncio.to_thread(wait_for_reads, far.node, len(BASE), limit=20)
    async with await open_user(far.node, far.channel, far.ids[4]) as client:
        assert await client.data(5) == [5, 6, 7, 8, 9]
    assert far.lost() == [0, 0]


async def test_who_goes_on_without_a_partition_gets_what_is_new(far, redis):
    """Redis is away for longer than somebody waits who needs a partition: `recovered` is false,
    and all that is published from then on comes, as soon as Redis is there."""
    opening = await far.begin()
    far.proxy.freeze()
    far.proxy.cut()
    client = await opening
    assert client.connected["recovered"] is False
    for number in range(10, 20):
        add(redis, far.channel, number, count=COUNT)
    far.proxy.delay = 0
    far.proxy.thaw()
    got = await client.data(10, limit=20)
    assert got == list(range(10, 20))
    for number in range(20, 30):
        add(redis, far.channel, number, count=COUNT)
    assert await client.data(10) == list(range(20, 30))
    await client.expect_nothing(0.3)
    assert far.lost() == [0, 0]
    await client.close()


async def test_a_disconnect_during_a_join_closes_who_waits(far, start_broker, redis):
    """It is in the log behind the beginning of the connection, which never gets through."""
    near = start_broker(redis=redis.url(), node="near", **SETTINGS)
    near.wait_until_ready()
    opening = await far.begin()
    answer = await asyncio.to_thread(
        near.ask_api, f"/api/users/{name_of(far.channel)}/disconnect", "POST")
    assert answer.status == 200
    far.proxy.delay = 0
    try:
        client = await opening
    except FAILURES:
        return  # before it had an answer
    assert await client.close_code() == 4403


# ---- a node that dies ----

async def test_a_node_that_is_killed_during_a_join_loses_nothing(far, start_broker, redis):
    near = start_broker(redis=redis.url(), node="near", **SETTINGS)
    near.wait_until_ready()
    async with await open_user(near, far.channel, far.ids[0]) as witness:
        assert [one["data"] for one in await witness.take(9)] == list(range(1, 10))
        opening = await far.begin()
        far.node.kill()
        with pytest.raises(FAILURES):
            await opening
        add(redis, far.channel, "10", count=COUNT)
        assert await witness.data(1) == [10]
        again = await asyncio.to_thread(start_broker, redis=redis.url(), node="again", **SETTINGS)
        async with await open_user(again, far.channel, far.ids[0]) as client:
            assert client.connected["recovered"] is True
            assert await client.data(10) == list(range(1, 11))


async def test_a_node_stops_during_a_join(far):
    """SIGTERM: it leaves with 0, whoever waits."""
    opening = await far.begin()
    far.node.terminate()
    assert await asyncio.to_thread(far.node.wait_for_exit) == 0
    opening.cancel()


# ---- what cannot be read ----

@pytest.mark.parametrize("path", [f"/api/users/{name_of(USERS[0])}/unread",
                                  f"/api/channels/{USERS[0]}/history"])
def test_a_question_that_needs_a_partition_ends_soon_while_redis_is_away(start_broker, redis,
                                                                         path):
    node = start_broker(redis=redis.url(), **SETTINGS)
    node.wait_until_ready()
    redis.kill()
    wait_until(lambda: not node.is_ready(), "it is not ready")
    began_s = time.monotonic()
    assert node.ask_api(path).status == 503
    assert time.monotonic() - began_s < scaled(5)


async def test_a_key_that_is_no_stream_is_said(start_broker, redis):
    """Nobody is let in who needs it, and an operator has to see why."""
    node = start_broker(redis=redis.url(), handshake_timeout="2s", **SETTINGS)
    node.wait_until_ready()
    redis.call("SET", key_of(USERS[0], COUNT), "x")
    with pytest.raises(InvalidStatus) as refused:
        await open_user(node, USERS[0])
    assert refused.value.response.status_code == 503
    await asyncio.to_thread(wait_until, lambda: "WRONGTYPE" in node.output(), "WRONGTYPE")
    redis.call("DEL", key_of(USERS[0], COUNT))
    async with await open_user(node, USERS[0]) as client:
        add(redis, USERS[0], "1", count=COUNT)
        assert await client.data(1) == [1]
