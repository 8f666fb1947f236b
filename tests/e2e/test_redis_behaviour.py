"""Redis as it really behaves: promoted, emptied, full, slow, loading, half dead."""

import asyncio
import time

import pytest

from client import Client, expect_data, resume
from fake_redis import FakeRedis
from openmetrics import scrape
from pace import wait_until, wait_until_async
from producer import RedisProducer
from resp import RedisError

FUTURE_MS = 3600 * 1000


# ---- promotion ----

@pytest.fixture
def replicated(start_redis, start_proxy):
    """A master with a replica that has everything, and a proxy that leads to the master."""
    master = start_redis()
    replica = start_redis(replica_of=master)
    master.wait_for_replica(replica)
    return master, replica, start_proxy(master.port)


def fail_over(master, replica, proxy):
    """The master dies, the replica takes its place behind the same address."""
    master.kill()
    replica.promote()
    proxy.target = replica.port
    proxy.cut()


async def test_a_promotion_without_loss_is_not_noticed(start_broker, replicated, producers):
    master, replica, proxy = replicated
    broker = start_broker(redis=master.url(port=proxy.port))
    producer = producers(master)
    async with await Client.open(broker) as client:
        ids = [producer.publish("user:42", str(number)) for number in range(10)]
        await client.take(10)
        master.wait_for_replica(replica)
        await asyncio.to_thread(fail_over, master, replica, proxy)
        producer = producers(replica)
        for number in range(10, 20):
            producer.publish("user:42", str(number))
        await expect_data(client, range(10, 20))
        await client.expect_nothing()
    async with await Client.open(broker, resume(ids[4])) as client:
        assert client.connected["recovered"] is True
        assert await client.data(15) == list(range(5, 20))


async def test_a_promoted_replica_with_lower_ids_does_not_silence_the_broker(
        start_broker, replicated, producers):
    """It lacks the newest entries, so its new ids are below the last one that was read: XREAD
    from there would wait for ever."""
    master, replica, proxy = replicated
    broker = start_broker(redis=master.url(port=proxy.port))
    producer = producers(master)
    async with await Client.open(broker) as client:
        common = producer.publish("user:42", '"common"')
        await expect_data(client, ["common"])
        master.wait_for_replica(replica)
        replica.call("REPLICAOF", "NO", "ONE")
        future = f"{int(time.time() * 1000) + FUTURE_MS}-0"
        producer.redis.call("XADD", "belfry:in", future, "to", "user:42", "data", '"will be lost"')
        await expect_data(client, ["will be lost"])
        await asyncio.to_thread(fail_over, master, replica, proxy)
        producer = producers(replica)
        new = [producer.publish("user:42", str(number)) for number in range(5)]
        await expect_data(client, range(5))
        assert new[-1] < future
    async with await Client.open(broker, resume(future)) as client:
        assert client.connected["recovered"] is False, "that entry is lost"
    async with await Client.open(broker, resume(common)) as client:
        assert client.connected["recovered"] is True, "everything after this one is there"
        assert await client.data(5) == list(range(5))


async def test_entries_that_only_the_promoted_replica_has_are_delivered(
        start_broker, replicated, producers):
    """Written there before the broker came, with ids below its position."""
    master, replica, proxy = replicated
    broker = start_broker(redis=master.url(port=proxy.port))
    producer = producers(master)
    async with await Client.open(broker) as client:
        producer.publish("user:42", '"common"')
        await expect_data(client, ["common"])
        master.wait_for_replica(replica)
        replica.call("REPLICAOF", "NO", "ONE")
        future = f"{int(time.time() * 1000) + FUTURE_MS}-0"
        producer.redis.call("XADD", "belfry:in", future, "to", "user:42", "data", '"lost"')
        await expect_data(client, ["lost"])
        other = producers(replica)
        for number in range(5):
            other.publish("user:42", str(number))
        await asyncio.to_thread(fail_over, master, replica, proxy)
        await expect_data(client, range(5))
        other.publish("user:42", '"live"')
        await expect_data(client, ["live"])
        await client.expect_nothing()


async def test_a_loss_is_counted_and_said(start_broker, replicated, producers):
    master, replica, proxy = replicated
    broker = start_broker(redis=master.url(port=proxy.port))
    producer = producers(master)
    async with await Client.open(broker) as client:
        master.wait_for_replica(replica)
        replica.call("REPLICAOF", "NO", "ONE")
        for number in range(7):
            producer.publish("user:42", str(number))
        await expect_data(client, range(7))
        await asyncio.to_thread(fail_over, master, replica, proxy)
        await wait_until_async(lambda: broker.says("lost 7 entries"), "the loss of 7", 15)


async def test_entries_without_history_are_lost_as_well(start_broker, replicated, producers):
    """A position at one of them is of a log that is gone. What both logs have comes once."""
    master, replica, proxy = replicated
    broker = start_broker(redis=master.url(port=proxy.port), history=["live=off", "*=on"],
                          subscribe=["live=any"])
    producer = producers(master)
    async with await Client.open(broker) as client:
        epoch = client.connected["epoch"]
        await client.ask({"type": "subscribe", "channel": "live:1"})
        for number in range(5):
            producer.publish("live:1", str(number))
        common = producer.publish("user:42", "5")
        await expect_data(client, range(6))
        master.wait_for_replica(replica)
        replica.call("REPLICAOF", "NO", "ONE")
        future = f"{int(time.time() * 1000) + FUTURE_MS}-0"
        producer.redis.call("XADD", "belfry:in", future, "to", "live:1", "data", '"lost"')
        await expect_data(client, ["lost"])
        await asyncio.to_thread(fail_over, master, replica, proxy)
        await wait_until_async(lambda: broker.says("lost 1 entries"), "the loss of 1", 15)
        producer = producers(replica)
        producer.publish("live:1", "6")
        assert producer.publish("user:42", "7") < future
        await expect_data(client, [6, 7])
        await client.expect_nothing()
    async with await Client.open(broker, resume(future)) as client:
        assert client.connected["recovered"] is False
        assert client.connected["epoch"] != epoch
    async with await Client.open(broker, resume(common)) as client:
        assert client.connected["recovered"] is True
        assert await client.data(1) == [7]


async def test_two_nodes_agree_on_a_loss(start_broker, replicated, producers):
    master, replica, proxy = replicated
    nodes = [start_broker(redis=master.url(port=proxy.port), node=f"n{number}")
             for number in range(2)]
    producer = producers(master)
    clients = [await Client.open(node, user=f"u{number}") for number, node in enumerate(nodes)]
    common = producer.publish("all", '"common"')
    for client in clients:
        await expect_data(client, ["common"])
    master.wait_for_replica(replica)
    replica.call("REPLICAOF", "NO", "ONE")
    lost = producer.publish("all", '"lost"')
    for client in clients:
        await expect_data(client, ["lost"])
    await asyncio.to_thread(fail_over, master, replica, proxy)
    producers(replica).publish("all", '"new"')
    for client in clients:
        await expect_data(client, ["new"])
        await client.close()
    await asyncio.sleep(1)
    for node in nodes:
        for last, recovered in ((lost, False), (common, True)):
            async with await Client.open(node, resume(last)) as client:
                assert client.connected["recovered"] is recovered, (last, node.output()[-2000:])


async def test_a_node_that_was_not_there_at_the_loss_knows_of_it(start_broker, replicated,
                                                                producers):
    master, replica, proxy = replicated
    broker = start_broker(redis=master.url(port=proxy.port), node="n1")
    producer = producers(master)
    async with await Client.open(broker) as client:
        producer.publish("user:42", '"common"')
        await expect_data(client, ["common"])
        master.wait_for_replica(replica)
        replica.call("REPLICAOF", "NO", "ONE")
        lost = producer.publish("user:42", '"lost"')
        await expect_data(client, ["lost"])
        await asyncio.to_thread(fail_over, master, replica, proxy)
        producers(replica).publish("user:42", '"new"')
        await expect_data(client, ["new"])
    await asyncio.sleep(1)
    late = start_broker(redis=replica.url(), node="n2")
    async with await Client.open(late, resume(lost)) as client:
        assert client.connected["recovered"] is False


# ---- restarts ----

async def test_a_restart_with_its_file_is_not_noticed(start_broker, redis, producers):
    broker = start_broker(redis=redis.url())
    async with await Client.open(broker) as client:
        ids = [producers(redis).publish("user:42", str(number)) for number in range(5)]
        await expect_data(client, range(5))
        await asyncio.to_thread(redis.kill)
        await asyncio.to_thread(redis.start)
        producers(redis).publish("user:42", "5")
        await expect_data(client, [5])
        await client.expect_nothing()
    async with await Client.open(broker, resume(ids[0])) as client:
        assert client.connected["recovered"] is True
        assert await client.data(5) == [1, 2, 3, 4, 5]


async def test_a_restart_without_a_file_is_a_new_log(start_broker, start_redis, producers):
    redis = start_redis(appendonly=False)
    broker = start_broker(redis=redis.url())
    async with await Client.open(broker) as client:
        ids = [producers(redis).publish("user:42", str(number)) for number in range(5)]
        await expect_data(client, range(5))
        await asyncio.to_thread(redis.kill)
        await asyncio.to_thread(redis.start)
        producers(redis).publish("user:42", '"new"')
        await expect_data(client, ["new"])
    for last in ids:
        async with await Client.open(broker, resume(last)) as client:
            assert client.connected["recovered"] is False, last


async def test_killed_connections_are_made_anew(start_broker, redis, producers):
    broker, producer = start_broker(redis=redis.url()), producers(redis)
    async with await Client.open(broker) as client:
        for number in range(30):
            producer.publish("user:42", str(number))
            if number % 5 == 2:
                producer.redis.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
                producer.redis.call("CLIENT", "KILL", "TYPE", "pubsub", "SKIPME", "yes")
        await expect_data(client, range(30))
        await client.expect_nothing()


# ---- refusals ----

async def test_a_redis_that_is_loading_is_waited_for(start_broker, start_redis, producers):
    fake = FakeRedis(b"-LOADING Redis is loading the dataset in memory\r\n")
    redis = start_redis(start=False)
    redis.port = fake.port
    broker = start_broker(redis=redis.url())
    wait_until(lambda: broker.says("LOADING"), "LOADING in the log")
    assert not broker.is_ready() and broker.ask_admin("/healthz").status == 200
    async with await Client.open(broker) as client:
        assert await client.is_alive()
        fake.close()
        await asyncio.to_thread(redis.start)
        await asyncio.to_thread(broker.wait_until_ready)
        producers(redis).publish("user:42", '"loaded"')
        await expect_data(client, ["loaded"])


@pytest.mark.parametrize("reply", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"+PONG\r\n", b"\x00" * 64,
                                   b"*1000000000\r\n", b"$-1\r\n", b"-ERR unknown command\r\n",
                                   b":1\r\n", b"*-1\r\n", b"%1\r\n+a\r\n+b\r\n"])
async def test_something_else_than_a_redis_is_survived(start_broker, reply):
    fake = FakeRedis(reply)
    broker = start_broker(redis=f"redis://127.0.0.1:{fake.port}/0")
    wait_until(lambda: fake.commands >= 2, "it has tried")
    async with await Client.open(broker) as client:
        assert await client.is_alive()
    assert broker.ask_admin("/healthz").status == 200
    fake.close()


async def test_a_read_only_replica_serves_readers(start_broker, start_redis, producers):
    master = start_redis()
    replica = start_redis(replica_of=master)
    master.wait_for_replica(replica)
    broker = start_broker(redis=replica.url())
    wait_until(lambda: broker.says("replica"), "that it is a replica")
    async with await Client.open(broker) as client:
        event_id = producers(master).publish("user:42", "1")
        await expect_data(client, [1])
        answer = producers(broker).post({"to": ["user:42"], "data": 2})
        assert answer.status == 503 and "READONLY" in answer.body.decode()
        await client.expect_nothing()
    async with await Client.open(broker, resume(event_id)) as client:
        assert client.connected["recovered"] is True


async def test_a_full_redis_refuses_and_recovers(start_broker, redis, producers):
    """noeviction: what is there stays, what is new is refused, and that is said."""
    broker, producer = start_broker(redis=redis.url()), producers(redis)
    broker.wait_until_ready()
    ids = [producer.publish("user:42", str(number)) for number in range(5)]
    redis.call("CONFIG", "SET", "maxmemory", "1")
    async with await Client.open(broker, resume(ids[1])) as client:
        assert client.connected["recovered"] is True
        await expect_data(client, [2, 3, 4])
        answer = producers(broker).post({"to": ["user:42"], "data": "refused"})
        assert answer.status == 503 and "OOM" in answer.body.decode()
        assert int(answer.headers["retry-after"]) >= 1
        with pytest.raises(RedisError):
            producer.publish("user:42", '"refused, too"')
        redis.call("CONFIG", "SET", "maxmemory", "0")
        producer.publish("user:42", '"room again"')
        await expect_data(client, ["room again"])
        assert producers(broker).post({"to": ["user:42"], "data": "http"}).status == 200
        await expect_data(client, ["http"])


@pytest.mark.parametrize("policy, warned", [("allkeys-lru", True), ("volatile-ttl", True),
                                            ("noeviction", False)])
def test_a_policy_that_may_evict_the_log_is_warned_of(start_broker, redis, policy, warned):
    redis.call("CONFIG", "SET", "maxmemory-policy", policy)
    broker = start_broker(redis=redis.url())
    broker.wait_until_ready()
    if warned:
        wait_until(lambda: "noeviction" in broker.output(), "a warning")
    else:
        time.sleep(0.7)
        assert "noeviction" not in broker.output()


# ---- the way to it ----

async def test_a_slow_redis_makes_slow_not_wrong(start_broker, start_proxy, redis, producers):
    proxy = start_proxy(redis.port)
    proxy.delay = 0.1
    broker = start_broker(redis=redis.url(port=proxy.port))
    broker.wait_until_ready()
    producer = producers(redis)
    async with await Client.open(broker) as client:
        ids = [producer.publish("user:42", str(number)) for number in range(200)]
        await expect_data(client, range(200))
        began = time.monotonic()
        for _ in range(20):
            assert await client.is_alive()
        assert time.monotonic() - began < 0.5, "clients are not slow"
        assert producers(broker).publish("user:42", "200")
        await expect_data(client, [200])
    async with await Client.open(broker, resume(ids[99])) as client:
        assert await client.data(101) == list(range(100, 201))


async def test_cut_links_lose_nothing(start_broker, start_proxy, redis, producers):
    proxy = start_proxy(redis.port)
    broker = start_broker(redis=redis.url(port=proxy.port))
    broker.wait_until_ready()
    producer = producers(redis)
    async with await Client.open(broker) as client:
        for number in range(100):
            producer.publish("user:42", str(number))
            if number % 20 == 10:
                proxy.cut()
                await asyncio.sleep(0.1)
        await expect_data(client, range(100))
        await client.expect_nothing()


@pytest.mark.heavy
async def test_a_half_open_link_is_noticed(start_broker, start_proxy, redis, producers):
    """The peer is gone without a word; nothing but time tells."""
    proxy = start_proxy(redis.port)
    broker = start_broker(redis=redis.url(port=proxy.port))
    broker.wait_until_ready()
    producer = producers(redis)
    async with await Client.open(broker) as client:
        producer.publish("user:42", "0")
        await expect_data(client, [0])
        proxy.fall_silent()
        began = time.monotonic()
        for number in range(1, 20):
            producer.publish("user:42", str(number))
        await expect_data(client, range(1, 20), limit=20)
        assert time.monotonic() - began < 12
        await asyncio.to_thread(broker.wait_until_ready)

        def bridge():  # for Redis the old link is still there, and listens
            return redis.call("PUBLISH", "ws:user:42", '{"type":"bridge"}') >= 2
        await asyncio.to_thread(wait_until, bridge, "Pub/Sub has a listener", 10)
        assert (await client.next_of("bridge", limit=15))["type"] == "bridge"


async def test_publishing_over_a_link_that_is_frozen_ends(start_broker, start_proxy, redis):
    """The producer is told that nobody knows, after a bounded time."""
    proxy = start_proxy(redis.port)
    broker = start_broker(redis=redis.url(port=proxy.port))
    broker.wait_until_ready()
    proxy.freeze()
    began = time.monotonic()
    answer = broker.ask_api("/api/publish", method="POST", body='{"to":["all"],"data":1}',
                            Content_Type="application/json")
    assert answer.status == 503 and time.monotonic() - began < 9
    assert answer.json()["code"] in ("log_unknown", "log_unavailable")
    proxy.thaw()
    broker.wait_until_ready()


async def test_new_clients_while_the_link_is_frozen(start_broker, start_proxy, redis, producers):
    """Their cursors cannot be had: they are let in, and nothing is taken for confirmed."""
    proxy = start_proxy(redis.port)
    broker = start_broker(redis=redis.url(port=proxy.port))
    broker.wait_until_ready()
    producers(redis).publish("user:42", '"waits"')
    await asyncio.sleep(0.3)
    proxy.freeze()
    async with await Client.open(broker) as client:
        assert await client.is_alive() or client.connected
    proxy.thaw()
    await asyncio.to_thread(broker.wait_until_ready)
    async with await Client.open(broker) as client:
        assert await client.data(1) == ["waits"]


async def test_a_busy_log_is_not_taken_for_another_one(start_broker, redis):
    """What is read while Redis is asked for its newest id is newer than the answer."""
    broker = start_broker(redis=redis.url(), shards=2)
    producer = RedisProducer(redis)
    clients = [await Client.open(broker) for _ in range(4)]

    async def publish():
        until = time.monotonic() + 5
        while time.monotonic() < until:
            await asyncio.to_thread(producer.publish_many, [("user:42", '{"n":1}')] * 20)
    await publish()
    assert scrape(broker).total("belfry_router_log_reloads_total") == 0
    assert not broker.says("read again")
    for client in clients:
        await client.close()
