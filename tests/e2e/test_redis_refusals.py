"""A Redis whose links are good and that does not do what it is told: what it refuses, and what it
is slow with, is counted and said."""

import asyncio

import pytest

from client import Client, expect_data
from fake_redis import FakeRedis
from openmetrics import scrape
from pace import wait_until, wait_until_async


def commands_of(redis):
    """How many commands it has carried out, or refused."""
    lines = redis.call("INFO", "commandstats").decode().split("\r\n")
    return sum(int(part.split("=")[1]) for line in lines for part in line.split(":")[-1].split(",")
               if part.startswith(("calls=", "rejected_calls=")))


@pytest.mark.parametrize("key, value, word", [
    ("maxmemory", "1", "OOM"), ("min-replicas-to-write", "1", "NOREPLICAS")])
async def test_what_redis_refuses_is_counted_and_said(key, value, word, start_broker, redis,
                                                      producers):
    """Its links are good, so nothing else would tell the operator: neither publications nor what
    the node writes by itself go in."""
    broker = start_broker(redis=redis.url())
    broker.wait_until_ready()
    producers(redis).publish("user:42", "1", id="n1")
    async with await Client.open(broker) as client:
        await expect_data(client, [1])
        redis.call("CONFIG", "SET", key, value)
        for _ in range(20):
            assert producers(broker).post({"to": ["user:42"], "data": 1}).status == 503
        answer = await client.ask({"type": "mark_read", "notification_id": "n1", "ref": "r"})
        assert (answer["type"], answer["code"]) == ("error", "log_refused")
        await wait_until_async(lambda: broker.says(word), "it is said")
        assert scrape(broker).total("belfry_router_log_refused_total") >= 21
        assert sum(word in line for line in broker.output().splitlines()) <= 3
        assert broker.is_ready(), "it can be read"


@pytest.mark.parametrize("harm", ["rights", "type"])
async def test_a_cursor_that_is_refused_keeps_nobody_out(harm, start_broker, redis, producers):
    """It is as if Redis were away for it: after a second without an answer the client is in."""
    url = redis.url()
    if harm == "rights":
        redis.call("ACL", "SETUSER", "belfry", "on", ">secret", "~*", "&*", "+@all", "-hget")
        url = f"redis://belfry:secret@127.0.0.1:{redis.port}/0"
    else:
        redis.call("SET", "belfry:cursor:42", "a string")
    broker = start_broker(redis=url)
    broker.wait_until_ready()
    asked = commands_of(redis)
    async with await Client.open(broker, open_timeout=4) as client:
        assert client.connected["recovered"] is False
        assert commands_of(redis) - asked < 300, "it does not ask as fast as it can"
        await wait_until_async(lambda: broker.says("NOPERM", "WRONGTYPE"), "it is said")
        producers(redis).publish("user:42", "1")
        await expect_data(client, [1])


async def test_a_redis_that_takes_seconds_is_counted_and_said(start_broker, redis, producers):
    """Shorter than what makes a link a dead one: clients and producers wait, that is all."""
    broker = start_broker(redis=redis.url())
    broker.wait_until_ready()
    producer = producers(redis)
    async with await Client.open(broker) as client:
        redis.freeze()
        await asyncio.sleep(2.5)
        assert await client.is_alive() and broker.is_ready()
        redis.thaw()
        producer.publish("user:42", "1")
        await expect_data(client, [1])
    assert broker.says("Redis is slow")
    metrics = scrape(broker)
    assert metrics.total("belfry_router_redis_slow_total") == 1
    assert metrics.total("belfry_router_log_failures_total") == 0


def test_a_redis_that_loads_for_long_is_said_once(start_broker, producers):
    """Each link hears it at another command. It takes nothing, so publishing is told that it is
    away, not that it refuses."""
    def reply(word):
        if word == b"CLIENT":
            return b"+OK\r\n"
        return b"-LOADING Redis is loading the dataset in memory\r\n"
    fake = FakeRedis(reply)
    broker = start_broker(redis=f"redis://127.0.0.1:{fake.port}/0")
    wait_until(lambda: fake.commands >= 40, "all links have tried some times", limit=20)
    assert sum("LOADING" in line for line in broker.output().splitlines()) == 1, broker.output()
    answer = producers(broker).post({"to": ["user:42"], "data": 1})
    assert (answer.status, answer.json()["code"]) == (503, "log_unavailable")
    fake.close()


async def test_what_redis_repeats_of_a_command_is_not_logged(start_broker, start_redis):
    """Of one that it does not know: words of clients are among it."""
    redis = start_redis(words=["--rename-command", "PUBLISH", ""])
    broker = start_broker(redis=redis.url())
    broker.wait_until_ready()
    async with await Client.open(broker) as client:
        await client.ask({"type": "typing", "to": "9", "data": "secret words", "ref": "r"})
        await wait_until_async(lambda: broker.says("unknown command 'PUBLISH'"), "it is said")
    assert "args" not in broker.output() and "secret" not in broker.output()
