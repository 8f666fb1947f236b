"""Cursors in Redis only move forward: Redis itself compares, whichever node writes last."""

import asyncio
import pathlib
import re

import pytest

from broker import REPOSITORY
from client import Client
from pace import wait_until_async


def script():
    """The text that nodes give to EVAL."""
    text = pathlib.Path(REPOSITORY, "src/router/cursor_redis.c").read_text(encoding="utf-8")
    lines = re.search(r"char script\[\] =\n(.*?);\n", text, re.DOTALL).group(1)
    return "\n".join(re.findall(r'"(.*)\\n"', lines))


def stored(redis, device=""):
    return (redis.call("HGET", "belfry:cursor:42", device) or b"").decode()


# ---- the script ----

FULL = 2**64 - 1


@pytest.mark.parametrize("there, new, is_written", [
    (None, "5-0", True),
    ("5-0", "5-0", True),
    ("5-0", "6-0", True),
    ("6-0", "5-0", False),
    ("9-0", "10-0", True),
    ("10-0", "9-0", False),
    ("5-9", "5-10", True),
    ("5-10", "5-9", False),
    ("5-10", "6-9", True),
    ("6-9", "5-10", False),
    ("0-1", "0-0", False),
    ("0-0", "0-1", True),
    # what a double cannot tell apart
    (f"{2**53}-0", f"{2**53 + 1}-0", True),
    (f"{2**53 + 1}-0", f"{2**53}-0", False),
    (f"7-{2**53}", f"7-{2**53 + 1}", True),
    (f"7-{2**53 + 1}", f"7-{2**53}", False),
    (f"{FULL - 1}-{FULL}", f"{FULL}-{FULL - 1}", True),
    (f"{FULL}-{FULL}", f"{FULL}-{FULL - 1}", False),
    (f"{FULL}-{FULL - 1}", f"{FULL}-{FULL}", True),
    # what somebody has written by hand
    ("007-010", "7-9", False),
    ("007-010", "7-11", True),
    ("7", "7-0", True),
    ("7", "6-5", False),
    ("nonsense", "1-0", True),
    ("", "1-0", True),
    ("-", "0-1", True),
])
def test_the_script_compares_both_numbers_exactly(redis, there, new, is_written):
    if there is not None:
        redis.call("HSET", "k", "phone", there)
    answers = redis.call("EVAL", script(), 1, "k", 60000, "phone", new)
    assert answers == [1 if is_written else there.encode()]
    assert redis.call("HGET", "k", "phone").decode() == (new if is_written else there)
    assert (redis.call("PTTL", "k") > 0) is is_written


def test_the_script_answers_for_each_cursor(redis):
    """One that Redis refuses keeps none of the others."""
    redis.call("SET", "text", "no hash")
    redis.call("HSET", "later", "", "9-0")
    answers = redis.call("EVAL", script(), 5, "one", "text", "later", "one", "two", 60000,
                         "", "1-0", "", "2-0", "", "3-0", "tv", "4-0", "tv", "5-0")
    assert answers == [1, 0, b"9-0", 1, 1]
    assert redis.call("HGETALL", "one") == [b"", b"1-0", b"tv", b"4-0"]
    assert redis.call("HGETALL", "two") == [b"tv", b"5-0"]
    assert redis.call("GET", "text") == b"no hash"


def test_a_full_redis_answers_for_each_cursor(redis):
    redis.call("CONFIG", "SET", "maxmemory", "1")
    assert redis.call("EVAL", script(), 2, "a", "b", 60000, "", "1-0", "", "2-0") == [0, 0]


# ---- two nodes ----

@pytest.fixture
def two(start_broker, start_proxy, redis):
    """A node near to Redis, one that is far from it, and the proxy between."""
    proxy = start_proxy(redis.port)
    near = start_broker(redis=redis.url(), node="near")
    far = start_broker(redis=redis.url(port=proxy.port), node="far")
    for node in (near, far):
        node.wait_until_ready()
    return near, far, proxy


async def ten_to_both(near, far, producer):
    clients = [await Client.open(node) for node in (near, far)]
    ids = producer.publish_many([("user:42", str(number)) for number in range(10)])
    for client in clients:
        await client.take(10)
    return *clients, ids


async def cursor_command(monitor):
    """The next one that is about the cursor of the user."""
    while "belfry:cursor:42" not in await asyncio.to_thread(monitor.reply):
        pass


async def test_a_write_that_was_begun_before_does_not_put_it_back(two, redis, producers):
    """What the far node does after it has seen the cursor comes when the near one has moved it."""
    near, far, proxy = two
    at_near, at_far, ids = await ten_to_both(near, far, producers(redis))
    monitor = redis.connect()
    monitor.call("MONITOR")
    proxy.delay = 0.3  # the answer to that command is on its way so long
    await at_far.ask({"type": "ack", "event_id": ids[4], "ref": "r"})
    await cursor_command(monitor)
    proxy.freeze()
    await asyncio.sleep(0.6)
    await at_near.ask({"type": "ack", "event_id": ids[9], "ref": "r"})
    await wait_until_async(lambda: stored(redis) == ids[9], "the later one is stored")
    proxy.thaw()
    for _ in range(20):
        await asyncio.sleep(0.1)
        assert stored(redis) == ids[9]
    for one in (monitor, proxy):
        one.close()
    await at_near.close()
    await at_far.close()


async def test_a_write_that_comes_late_does_not_put_it_back(two, redis, producers):
    near, far, proxy = two
    at_near, at_far, ids = await ten_to_both(near, far, producers(redis))
    proxy.freeze()
    await at_far.ask({"type": "ack", "event_id": ids[4], "ref": "r"})
    await asyncio.sleep(1.2)  # it was written, as far as that node knows
    await at_near.ask({"type": "ack", "event_id": ids[9], "ref": "r"})
    await wait_until_async(lambda: stored(redis) == ids[9], "the later one is stored")
    proxy.thaw()
    for _ in range(10):
        await asyncio.sleep(0.1)
        assert stored(redis) == ids[9]
    await at_far.ask({"type": "ack", "event_id": ids[8], "ref": "r"})
    await asyncio.sleep(1.5)
    assert stored(redis) == ids[9]
    await at_near.close()
    await at_far.close()


# ---- a Redis without scripts ----

async def test_where_there_are_no_scripts_nodes_compare(start_redis, start_broker, producers):
    redis = start_redis(words=["--rename-command", "EVAL", ""])
    near, far = (start_broker(redis=redis.url(), node=name) for name in ("near", "far"))
    for node in (near, far):
        node.wait_until_ready()
    at_near, at_far, ids = await ten_to_both(near, far, producers(redis))
    for client, event_id in ((at_near, ids[9]), (at_far, ids[4]), (at_near, ids[3])):
        await client.ask({"type": "ack", "event_id": event_id, "ref": "r"})
        await wait_until_async(lambda: stored(redis) == ids[9], "the newest is stored")
        await asyncio.sleep(1.2)
    assert stored(redis) == ids[9]
    for node in (near, far):
        assert node.output().count("Redis refuses EVAL (ERR unknown command 'EVAL')") == 1
        assert "local function" not in node.output()
    await at_near.close()
    await at_far.close()
