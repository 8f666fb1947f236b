"""A broadcast reaches every connection once and in order, whatever the shards and the log."""

import asyncio
import json
import time

import pytest

from client import Client, Crowd


@pytest.fixture(params=["embedded", "redis"])
def log(request):
    return request.param


@pytest.fixture
def tier(log, start_broker, producers, request):
    """tier(shards) -> broker and producer over the log of this round."""
    def start(shards):
        if log == "redis":
            redis = request.getfixturevalue("redis")
            return start_broker(shards=shards, redis=redis.url()), producers(redis)
        broker = start_broker(shards=shards)
        return broker, producers(broker)
    return start


@pytest.mark.heavy
@pytest.mark.parametrize("shards", [1, 4])
async def test_every_connection_gets_a_broadcast_once_and_in_order(tier, shards):
    broker, producer = tier(shards)
    assert broker.shards == shards
    crowd = await Crowd.open(broker, 1000)
    published = []
    for number in range(20):
        channel = ("all", "announcements")[number % 2]
        published.append(await asyncio.to_thread(producer.publish, channel, str(number)))
    await crowd.wait_for(20)
    for index in range(1000):
        assert [message["event_id"] for message in crowd.messages(index)] == published
        assert [message["data"] for message in crowd.messages(index)] == list(range(20))
    await crowd.close()


@pytest.mark.heavy
@pytest.mark.parametrize("shards", [1, 4])
async def test_a_burst_is_neither_lost_nor_doubled_nor_reordered(tier, shards):
    """1,000 messages to `all` and to users, as fast as they go, at 50 connections."""
    broker, producer = tier(shards)
    crowd = await Crowd.open(broker, 50)
    entries = []
    for number in range(1000):
        channel = "all" if number % 2 else f"user:u{number // 2 % 50}"
        entries.append((channel, str(number)))
    await asyncio.to_thread(producer.publish_many, entries)
    await crowd.wait_for(510)
    for index in range(50):
        got = crowd.messages(index)
        assert [m["data"] for m in got if m["channel"] == "all"] == list(range(1, 1000, 2))
        assert [m["data"] for m in got if m["channel"] == f"user:u{index}"] == [
            number for number in range(0, 1000, 2) if number // 2 % 50 == index]
        assert len(got) == 510
    await crowd.close()


async def test_a_small_crowd_gets_a_broadcast_on_every_shard(tier):
    broker, producer = tier(3)
    crowd = await Crowd.open(broker, 30)
    stats = broker.ask("/ws/stats").json()
    assert stats["total_connections"] == 30
    published = [producer.publish("all", json.dumps({"n": number})) for number in range(10)]
    await crowd.wait_for(10)
    for index in range(30):
        assert [message["event_id"] for message in crowd.messages(index)] == published
    await crowd.close()


async def test_who_leaves_and_who_comes_does_not_disturb_the_others(broker, producer):
    """200 messages while other connections of the same channels come and go."""
    steady = await Crowd.open(broker, 5)

    published = asyncio.Event()

    async def come_and_go():
        while not published.is_set():
            async with await Client.open(broker, user="u0"):
                pass

    def publish():
        for number in range(200):
            producer.publish(["all", "user:u0"][number % 2], str(number))
            time.sleep(0.005)

    noise = [asyncio.create_task(come_and_go()) for _ in range(4)]
    await asyncio.to_thread(publish)
    published.set()
    await asyncio.gather(*noise)
    await steady.wait_for(100)
    assert [message["data"] for message in steady.messages(0)] == list(range(200))
    for index in range(1, 5):
        assert [message["data"] for message in steady.messages(index)] == list(range(0, 200, 2))
    await steady.close()
