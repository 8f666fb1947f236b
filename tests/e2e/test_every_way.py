"""One user, every way to receive, one position: nothing is missing, doubled or out of order."""

import asyncio
import json
import random

import pytest

from openmetrics import scrape
from pace import scaled
from producer import HttpProducer, RedisProducer
from transports import WAYS, Compressed, Native, Polling, SocketIo, SocketIoPolling, Stream

MESSAGES = 300


async def publish(producer, count, pause=0.004, user="42"):
    """Numbers from 0 on, of changing size."""
    for number in range(count):
        padding = "x" * random.choice([0, 10, 300, 3000])
        text = json.dumps({"n": number, "pad": padding})
        await asyncio.to_thread(producer.publish, f"user:{user}", text)
        await asyncio.sleep(pause * random.random())


async def stay(way, count, got):
    """Receives with one connection until all are there."""
    while len(got) < count:
        _, data = await way.next(limit=30)
        got.append(data["n"])


async def wander(brokers, ways, count, got, position, user="42"):
    """Receives some, is cut, and goes on with another way, maybe at another node."""
    while len(got) < count:
        kind = random.choice(ways)
        way = await kind.open(random.choice(brokers), user, position)
        assert way.recovered, (kind, position)
        try:
            for _ in range(random.randrange(1, 40)):
                if len(got) == count:
                    break
                event_id, data = await way.next(limit=30)
                got.append(data["n"])
                position = event_id
        finally:
            way.cut()


@pytest.mark.timeout(scaled(120))
async def test_a_user_gets_everything_once_by_all_ways_at_once(start_broker):
    broker = start_broker(shards=2)
    ways = [await kind.open(broker, "42", None) for kind in WAYS for _ in range(3)]
    got = [[] for _ in ways]
    producer = HttpProducer(broker)
    receivers = [stay(way, MESSAGES, mine) for way, mine in zip(ways, got)]

    await asyncio.gather(publish(producer, MESSAGES), *receivers)
    for way, mine in zip(ways, got):
        assert mine == list(range(MESSAGES)), (type(way).__name__, mine)
        way.cut()


@pytest.mark.timeout(scaled(120))
async def test_a_client_that_changes_its_way_misses_nothing(start_broker):
    broker = start_broker(shards=3)
    producer = HttpProducer(broker)
    got = [[] for _ in range(6)]
    first = producer.publish("user:42", '{"n":-1}')

    await asyncio.gather(publish(producer, MESSAGES),
                         *(wander([broker], WAYS, MESSAGES, mine, first) for mine in got))
    for mine in got:
        assert mine == list(range(MESSAGES)), mine


@pytest.mark.timeout(scaled(120))
async def test_it_may_go_to_another_node_too(start_broker, redis):
    brokers = [start_broker(redis=redis.url(), node=name, shards=2) for name in "ab"]
    producer = RedisProducer(redis)
    got = [[] for _ in range(4)]
    first = producer.publish("user:42", '{"n":-1}')

    await asyncio.gather(publish(producer, MESSAGES),
                         *(wander(brokers, WAYS, MESSAGES, mine, first) for mine in got))
    for mine in got:
        assert mine == list(range(MESSAGES)), mine


@pytest.mark.timeout(scaled(60))
async def test_a_message_is_written_once_for_each_encoding_and_shard(start_broker):
    """Whatever the number of receivers: 4 encodings on 2 shards are at most 8 for a channel."""
    broker = start_broker(shards=2)
    kinds = (Native, Compressed, Stream, SocketIo)
    ways = [await kind.open(broker, str(number), None)
            for kind in kinds for number in range(40)]
    before = scrape(broker).total("belfry_encoded_total")
    producer = HttpProducer(broker)

    for number in range(10):
        producer.publish("all", json.dumps({"n": number, "pad": "x" * 5000}))
    got = [[] for _ in ways]
    await asyncio.gather(*(stay(way, 10, mine) for way, mine in zip(ways, got)))
    assert all(mine == list(range(10)) for mine in got)
    assert scrape(broker).total("belfry_encoded_total") - before <= 10 * 2 * len(kinds)
    for way in ways:
        way.cut()


async def first_unconfirmed(broker):
    """Number of the first message that the user has not confirmed; None: there is none."""
    other = await Native.open(broker, "42", None)
    try:
        return (await other.next(limit=0.5))[1]["n"]
    except asyncio.TimeoutError:
        return None
    finally:
        other.cut()


@pytest.mark.timeout(scaled(60))
@pytest.mark.parametrize("kind", [Polling, Stream])
async def test_what_one_way_names_does_not_come_by_another(start_broker, kind):
    """All share one cursor, and a stream or a poll that names a position confirms it."""
    broker = start_broker()
    producer = HttpProducer(broker)
    ids = [producer.publish("user:42", json.dumps({"n": number})) for number in range(4)]

    for number, event_id in enumerate(ids):
        (await kind.open(broker, "42", event_id)).cut()
        expected = number + 1 if number < 3 else None
        for _ in range(20):
            if await first_unconfirmed(broker) == expected:
                break
            await asyncio.sleep(0.1)
        else:
            pytest.fail(f"{kind.__name__} does not confirm the position that it names")
