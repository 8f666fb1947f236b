"""The way to a Redis: by password, with the least rights, by the word of a Sentinel."""

import asyncio
import pathlib
import re
import time

import pytest

from broker import REPOSITORY
from client import Client, expect_data, resume
from openmetrics import scrape
from pace import wait_until
from producer import RedisProducer
from resp import RedisError, Resp


# ---- passwords ----

def test_a_wrong_password_is_said_and_not_printed(start_broker, start_redis):
    redis = start_redis(password="right-password")
    broker = start_broker(redis=redis.url(password="wrong-password"))
    wait_until(lambda: "WRONGPASS" in broker.output(), "WRONGPASS in the log")
    assert not broker.is_ready() and "wrong-password" not in broker.output()


async def test_a_password_that_changes_meanwhile(start_broker, start_redis):
    redis = start_redis(password="old")
    broker = start_broker(redis=redis.url())
    broker.wait_until_ready()
    async with await Client.open(broker) as client:
        control = redis.connect()
        control.call("CONFIG", "SET", "requirepass", "new")
        control.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        await asyncio.to_thread(wait_until, lambda: not broker.is_ready(), "it is not ready", 10)
        assert await client.is_alive()
        control.call("CONFIG", "SET", "requirepass", "old")
        await asyncio.to_thread(broker.wait_until_ready)
        control.call("XADD", "belfry:in", "*", "to", "user:42", "data", "1")
        await expect_data(client, [1])
        control.close()


# ---- Sentinel ----

@pytest.mark.heavy
async def test_sentinel_tells_where_the_master_is(start_broker, start_redis, start_sentinel):
    master = start_redis()
    replica = start_redis(replica_of=master)
    master.wait_for_replica(replica)
    sentinel = start_sentinel("belfry-master", master)
    wait_until(sentinel.knows_replica, "the Sentinel knows the replica", limit=15)
    broker = start_broker(redis=sentinel.url())
    broker.wait_until_ready()
    async with await Client.open(broker) as client:
        producer = RedisProducer(master)
        ids = [producer.publish("user:42", str(number)) for number in range(5)]
        await expect_data(client, range(5))
        master.wait_for_replica(replica)
        producer.close()
        await asyncio.to_thread(master.kill)
        await asyncio.to_thread(wait_until, lambda: sentinel.master_port() == replica.port,
                        "the Sentinel has promoted the replica", 20)
        producer = RedisProducer(replica)

        def publish():
            try:
                return producer.publish("user:42", "5")
            except RedisError:  # READONLY for a moment
                return None
        await asyncio.to_thread(wait_until, publish, "the new master takes entries", 10)
        await expect_data(client, [5], limit=15)
        producer.close()
    async with await Client.open(broker, resume(ids[0])) as client:
        assert client.connected["recovered"] is True
        assert await client.data(5) == [1, 2, 3, 4, 5]


def test_a_sentinel_that_is_not_there_is_waited_for(start_broker, start_redis, start_sentinel):
    """The first of two addresses is wrong; the second one answers."""
    master = start_redis()
    sentinel = start_sentinel("belfry-master", master)
    url = sentinel.url().replace("://", "://127.0.0.1:1,")
    start_broker(redis=url).wait_until_ready()


def test_sentinels_that_do_not_answer_are_counted_and_said(start_broker):
    """Each of them once, not at every try."""
    broker = start_broker(redis="redis+sentinel://127.0.0.1:1,127.0.0.1:2/belfry-master/0")

    def failures():
        return scrape(broker).total("belfry_router_sentinel_failures_total") >= 4
    wait_until(failures, "it has asked four times", limit=10)
    for port in (1, 2):
        lines = [line for line in broker.output().splitlines() if f"127.0.0.1:{port} " in line]
        assert len(lines) == 1 and "refused" in lines[0], broker.output()
    assert not broker.is_ready()


def test_a_sentinel_that_knows_no_such_master_says_it_once(start_broker, start_redis,
                                                           start_sentinel):
    sentinel = start_sentinel("belfry-master", start_redis())
    broker = start_broker(redis=sentinel.url().replace("belfry-master", "another"))

    def failures():
        return scrape(broker).total("belfry_router_sentinel_failures_total") >= 3
    wait_until(failures, "it has asked three times", limit=10)
    assert sum("does not know the master" in line for line in broker.output().splitlines()) == 1


# ---- least rights ----

def acl_rule():
    """The rule that deploy/redis.md recommends, with a password."""
    text = pathlib.Path(REPOSITORY, "deploy", "redis.md").read_text(encoding="utf-8")
    rule = re.search(r"^ACL SETUSER belfry (reset on >PASSWORD ~.+)$", text, re.MULTILINE).group(1)
    return rule.replace("PASSWORD", "secret-of-belfry").split()


@pytest.mark.parametrize("partitions", [1, 4])
async def test_the_recommended_acl_rule_is_enough(start_broker, redis, producers, partitions):
    """Everything works, and Redis had nothing to refuse."""
    redis.call("ACL", "SETUSER", "belfry", *acl_rule())
    redis.call("ACL", "LOG", "RESET")
    url = f"redis://belfry:secret-of-belfry@127.0.0.1:{redis.port}/0"
    broker = start_broker(redis=url, partitions=partitions, publish="open=any",
                          subscribe=["open=any", "*=claim"], history_memory="64k",
                          presence_ttl="3s", presence_linger="0")
    broker.wait_until_bridged()
    producer = producers(broker)
    async with await Client.open(broker, user="43") as other:
        ids = [producer.publish("user:42", f'{{"n":{number},"pad":"{"x" * 4000}"}}',
                                id=f"n{number}") for number in range(50)]
        async with await Client.open(broker, resume(ids[0])) as client:
            assert len(await client.take(49)) == 49
            await client.ask({"type": "ack", "event_id": ids[9], "ref": "a"})
            for message in ({"type": "mark_read", "notification_id": "n1"},
                            {"type": "mark_all_read"}, {"type": "typing", "to": "43"},
                            {"type": "subscribe", "channel": "open:1"},
                            {"type": "publish", "channel": "open:1", "data": 1}):
                await client.send({**message, "ref": "r"})
                while (answer := await client.next()).get("ref") != "r":
                    pass
                assert answer["type"] != "error", (message, answer)
            redis.call("PUBLISH", "ws:user:42", '{"type":"bridge"}')
            await client.next_of("bridge")
            for path in ("/api/users/42/presence", "/api/users/42/unread",
                         "/api/connections/" + client.id, "/api/channels/user:42/history"):
                assert broker.ask_api(path).status == 200, path
        assert await other.is_alive()
    key = "belfry:in" if partitions == 1 else "belfry:in:{0}"
    redis.call("XADD", key, "*", "to", "user:42", "data", "not JSON")
    wait_until(lambda: redis.call("XLEN", "belfry:dead") == 1, "the dead letter")
    assert 200 <= broker.ask_api("/api/users/43/disconnect", method="POST").status < 300
    redis.call("ZADD", "belfry:revoked", "1", "user:41")
    for body in ('{"user":"44"}', '{"jti":"x"}'):
        assert broker.ask_api("/api/revocations", "POST", body).status == 200
    assert broker.ask_api("/api/revocations/user:44", "DELETE").status == 200
    time.sleep(2)  # cursors are written, presence is refreshed and swept
    assert broker.is_ready()
    assert redis.call("ZRANGE", "belfry:revoked", "0", "-1") == [b"jti:x"]
    refused = [dict(zip(entry[::2], entry[1::2])) for entry in redis.call("ACL", "LOG")]
    assert not refused, refused


def test_the_recommended_acl_rule_is_not_more_than_enough(redis):
    redis.call("ACL", "SETUSER", "belfry", *acl_rule())
    client = Resp(redis.port, "secret-of-belfry", user="belfry")
    for words in (["FLUSHALL"], ["KEYS", "*"], ["CONFIG", "GET", "*"], ["EVALSHA", "0" * 40, "0"],
                  ["SET", "other", "1"], ["GET", "other"], ["DEL", "other"],
                  ["XTRIM", "belfry:in", "MAXLEN", "0"], ["ACL", "LIST"], ["SHUTDOWN"],
                  ["SUBSCRIBE", "other"], ["PUBLISH", "other", "1"], ["REPLICAOF", "NO", "ONE"],
                  ["SCRIPT", "FLUSH"], ["FUNCTION", "LIST"]):
        with pytest.raises(RedisError, match="NOPERM"):
            client.call(*words)
    for call in ("'FLUSHALL'", "'KEYS', '*'", "'GET', 'other'", "'HSET', 'other', 'a', 'b'"):
        with pytest.raises(RedisError, match="user executing the script can't"):
            client.call("EVAL", f"return redis.call({call})", "0")
    client.close()


async def test_without_the_right_to_run_scripts_cursors_are_compared(start_broker, redis,
                                                                     producers):
    redis.call("ACL", "SETUSER", "belfry", *acl_rule(), "-eval")
    broker = start_broker(redis=f"redis://belfry:secret-of-belfry@127.0.0.1:{redis.port}/0")
    broker.wait_until_ready()
    producer = producers(redis)

    def stored():
        return (redis.call("HGET", "belfry:cursor:42", "") or b"").decode()
    async with await Client.open(broker) as client:
        for number in range(3):
            event_id = producer.publish("user:42", str(number))
            await expect_data(client, [number])
            await client.ask({"type": "ack", "event_id": event_id, "ref": "a"})
            await asyncio.to_thread(wait_until, lambda: stored() == event_id, "it is stored")
        redis.call("HSET", "belfry:cursor:42", "", "9999999999999-0")
        event_id = producer.publish("user:42", "3")
        await expect_data(client, [3])
        await client.ask({"type": "ack", "event_id": event_id, "ref": "a"})
        await asyncio.sleep(1.5)
        assert stored() == "9999999999999-0"
    assert broker.output().count("Redis refuses EVAL (NOPERM") == 1
