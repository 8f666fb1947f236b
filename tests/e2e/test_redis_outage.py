"""Redis goes away and comes back: connections stay, nothing is lost, publishers are told."""

import asyncio
import json
import time

import pytest

from broker import API_KEY
from client import Client, Crowd
from pace import wait_until
from partitions import key_of
from producer import RedisProducer

PUBLISH = {"Authorization": f"Bearer {API_KEY}", "Content-Type": "application/json"}


def readiness(broker):
    return broker.ask_admin("/readyz").status


def wait_until_ready(broker, limit=15):
    wait_until(lambda: readiness(broker) == 200, "/readyz says 200", limit)


def publish_over_http(broker, data):
    return broker.ask_admin("/api/publish", method="POST", headers=PUBLISH,
                            body=json.dumps({"to": ["all"], "data": data}))


async def test_connections_stay_and_nothing_is_lost_while_redis_is_restarted(
        start_broker, redis, producers):
    broker = start_broker(shards=2, redis=redis.url())
    producer = producers(redis)
    crowd = await Crowd.open(broker, 40)
    producer.publish("all", "0")
    await crowd.wait_for(1)
    await asyncio.to_thread(redis.kill)
    await asyncio.to_thread(wait_until, lambda: readiness(broker) == 503, "/readyz says 503")
    late = await Client.open(broker, user="late")
    assert await late.is_alive()
    await asyncio.to_thread(redis.start)
    again = producers(redis)
    for number in range(1, 101):
        again.publish("all", str(number))
    await crowd.wait_for(101, limit=20)
    await asyncio.to_thread(wait_until_ready, broker)
    for index in range(40):
        assert [message["data"] for message in crowd.messages(index)] == list(range(101))
    assert [(await late.next())["data"] for _ in range(100)] == list(range(1, 101))
    await late.close()
    await crowd.close()


async def test_three_restarts_in_a_row(start_broker, redis):
    broker = start_broker(redis=redis.url())
    async with await Client.open(broker) as client:
        for number in range(3):
            await asyncio.to_thread(redis.kill)
            await asyncio.to_thread(redis.start)
            producer = RedisProducer(redis)
            producer.publish("user:42", str(number))
            producer.close()
            assert (await client.next(limit=15))["data"] == number
        await client.expect_nothing()


async def test_messages_published_all_through_the_outage_arrive_once_in_order(
        start_broker, redis):
    """A producer that tries again until XADD was answered, twice killed in between. An entry
    whose answer was lost may be in the log twice: what counts is the log."""
    broker = start_broker(redis=redis.url())
    async with await Client.open(broker) as client:
        producing = asyncio.create_task(asyncio.to_thread(produce_stubbornly, redis, 200))
        for _ in range(2):
            await asyncio.sleep(0.4)
            await asyncio.to_thread(redis.kill)
            await asyncio.sleep(0.2)
            await asyncio.to_thread(redis.start)
        await producing
        log = redis.connect()
        expected = [entry_id.decode() for entry_id, _ in log.call("XRANGE", "belfry:in", "-", "+")]
        log.close()
        assert len(expected) >= 200
        got = [(await client.next(limit=15))["event_id"] for _ in expected]
        assert got == expected
        await client.expect_nothing()


def produce_stubbornly(redis, count):
    producer, number = None, 0
    while number < count:
        try:
            producer = producer or RedisProducer(redis)
            producer.publish("user:42", str(number))
            number += 1
            time.sleep(0.005)
        except Exception:  # pylint: disable=broad-except
            producer = None
            time.sleep(0.02)


def test_publishing_answers_503_with_retry_after_while_redis_is_away(start_broker, redis):
    broker = start_broker(redis=redis.url())
    assert publish_over_http(broker, 1).status == 200
    redis.kill()
    answer = wait_until(lambda: (answer := publish_over_http(broker, 2)).status == 503 and answer,
                        "publishing answers 503")
    assert int(answer.headers["retry-after"]) >= 1
    assert answer.json()["error"]
    redis.start()
    wait_until_ready(broker)
    assert publish_over_http(broker, 3).status == 200
    log = redis.connect()
    data = [fields[fields.index(b"data") + 1]
            for _, fields in log.call("XRANGE", "belfry:in", "-", "+")]
    log.close()
    assert data == [b"1", b"3"], "what was answered 503 was not taken"


async def test_http_publishing_goes_through_redis(start_broker, redis, producers):
    broker = start_broker(redis=redis.url())
    assert broker.log_kind == "redis"
    async with await Client.open(broker) as client:
        event_id = producers(broker).publish("user:42", '{"a":1}', event="e.x", id="n1")
        message = await client.next()
    assert (message["event_id"], message["event"], message["id"]) == (event_id, "e.x", "n1")
    log = redis.connect()
    (entry_id, fields), = log.call("XRANGE", "belfry:in", "-", "+")
    log.close()
    assert entry_id.decode() == event_id
    pairs = dict(zip(fields[::2], fields[1::2]))
    assert pairs[b"to"] == b"user:42" and pairs[b"data"] == b'{"a":1}'
    assert pairs[b"event"] == b"e.x" and pairs[b"id"] == b"n1"


async def test_a_broker_started_without_redis_connects_when_it_comes(start_broker, start_redis,
                                                                    producers):
    redis = start_redis(start=False)
    broker = start_broker(redis=redis.url())
    assert readiness(broker) == 503
    assert broker.ask_admin("/healthz").status == 200
    async with await Client.open(broker) as client:
        assert "unread" not in client.connected, "nobody knows yet"
        assert await client.is_alive()
        await asyncio.to_thread(redis.start)
        await asyncio.to_thread(wait_until_ready, broker)
        producers(redis).publish("user:42", '"at last"')
        assert (await client.next())["data"] == "at last"


@pytest.mark.parametrize("partitions", [1, 4])
async def test_who_is_let_in_before_redis_has_answered_gets_what_is_new(
        start_broker, start_proxy, redis, partitions):
    """The first link hangs for longer than a client waits. What is published from `connected` on
    is for it."""
    proxy = start_proxy(redis.port)
    proxy.freeze()
    broker = start_broker(redis=redis.url(port=proxy.port), partitions=partitions)
    async with await Client.open(broker) as client:
        await asyncio.sleep(0.1)
        key = "belfry:in" if partitions == 1 else key_of("user:42")
        for number in range(10):
            redis.call("XADD", key, "*", "to", "user:42", "data", number)
        proxy.thaw()
        assert await client.data(10) == list(range(10))
        await client.expect_nothing()


async def test_a_frozen_redis_does_not_freeze_the_clients(start_broker, redis, producers):
    broker = start_broker(redis=redis.url())
    producer = producers(redis)
    async with await Client.open(broker) as client:
        redis.freeze()
        for _ in range(10):
            assert await client.is_alive()
            await asyncio.sleep(0.1)
        async with await Client.open(broker, user="43") as other:
            assert await other.is_alive()
        redis.thaw()
        producer.publish("user:42", '"thawed"')
        assert (await client.next(limit=20))["data"] == "thawed"


def test_health_tells_about_redis(start_broker, redis):
    broker = start_broker(redis=redis.url())
    wait_until_ready(broker)
    assert broker.ask("/ws/health").json()["redis"]["connected"] is True
    redis.kill()
    wait_until(lambda: broker.ask("/ws/health").json()["redis"]["connected"] is False,
               "/ws/health says that Redis is away")


async def test_password_and_database_of_the_url_are_used(start_broker, start_redis, producers):
    redis = start_redis(password="p@ss:word/1")
    url = redis.url(database=5, password="p%40ss%3Aword%2F1")
    broker = start_broker(redis=url)
    async with await Client.open(broker) as client:
        await asyncio.to_thread(wait_until_ready, broker)
        producers(redis, database=0).publish("user:42", '"wrong database"')
        producers(redis, database=5).publish("user:42", '"right database"')
        assert (await client.next())["data"] == "right database"
    assert "p@ss" not in broker.output() and "p%40ss" not in broker.output()


async def test_a_redis_user_with_password_is_used(start_broker, redis, producers):
    admin = redis.connect()
    admin.call("ACL", "SETUSER", "belfry", "on", ">sesame-open", "~*", "&*", "+@all")
    admin.close()
    broker = start_broker(redis=f"redis://belfry:sesame-open@127.0.0.1:{redis.port}/0")
    async with await Client.open(broker) as client:
        await asyncio.to_thread(wait_until_ready, broker)
        producers(redis).publish("user:42", "1")
        assert (await client.next())["data"] == 1


@pytest.mark.parametrize("given", ["wrong-password-x", None])
def test_a_refused_login_is_said_clearly_and_tried_again(start_broker, start_redis, given):
    redis = start_redis(password="right")
    broker = start_broker(redis=redis.url(password=given))
    word = "WRONGPASS" if given else "NOAUTH"
    wait_until(lambda: word in broker.output(), f"{word} in the log")
    assert readiness(broker) == 503
    assert "wrong-password-x" not in broker.output(), "a password is not logged"
    client = redis.connect()
    client.call("CONFIG", "SET", "requirepass", given or "")
    client.close()
    wait_until_ready(broker)


async def test_two_nodes_on_one_redis_deliver_the_same(start_broker, redis, producers):
    nodes = [start_broker(redis=redis.url(), shards=1 + number) for number in range(2)]
    clients = [await Client.open(node) for node in nodes]
    producer = producers(redis)
    ids = [producer.publish("user:42", str(number)) for number in range(50)]
    for client in clients:
        assert [(await client.next())["event_id"] for _ in ids] == ids
        await client.close()


async def test_entries_from_before_the_start_are_not_sent_to_fresh_users(
        start_broker, redis, producers):
    producer = producers(redis)
    producer.publish("all", '"old"')
    broker = start_broker(redis=redis.url())
    async with await Client.open(broker, user="fresh") as client:
        await asyncio.to_thread(wait_until_ready, broker)
        producer.publish("all", '"new"')
        assert (await client.next())["data"] == "new"


async def test_a_large_backlog_after_an_outage_is_read_to_the_end(start_broker, redis, producers):
    broker = start_broker(redis=redis.url())
    async with await Client.open(broker) as client:
        await asyncio.to_thread(wait_until_ready, broker)
        await asyncio.to_thread(redis.kill)
        await asyncio.to_thread(redis.start)
        count = 3000
        producers(redis).publish_many([("user:42", str(number)) for number in range(count)])
        got = [(await client.next(limit=15))["data"] for _ in range(count)]
        assert got == list(range(count))
