"""A ledger of every message over many partitions, which two nodes join and leave all the time
while users move between them."""

import asyncio
import json
import random
import time

import pytest

from client import Client
from ledger import Producer, Receiver, Stage
from pace import scaled, wait_until_async
from partitions import (COUNT, SETTINGS, Steady, beside, check_equal, count_of, key_of,
                        one_channel_each)
from test_ledger import settle, summary

SIZE = 48
SECONDS = 20
ROOMS = 8  # engagement:t0 and so on


class Wandering(Stage):
    """Short visits, and absences about as long as a partition lingers."""

    def lifetime(self):
        return self.random.expovariate(1 / 1.5) + 0.3 if self.roughness else 1000

    def absence(self):
        return self.random.uniform(0.05, 2.5) if self.roughness else 0.1


def plan(tick):
    """What is due at a tick, 40 of which make a second: most of it in bursts."""
    due = [(f"user:u{(tick * 7 + number) % SIZE}", 20) for number in range(6)]
    due += [(f"engagement:t{tick % ROOMS}", 50)] * 2
    every = {"all": 10, "announcements": 15, "trending": 8}
    due += [(channel, 50) for channel, ticks in every.items() if tick % ticks == 0]
    if tick % 20 == 0:
        due += [(f"user:u{tick // 20 % SIZE}", 500)] * 60
    return due


def cast(stage):
    """Those who name a position, those who rely on their cursor, those in a room, those who
    subscribe; by turns."""
    for number in range(SIZE):
        user, room = f"u{number}", f"engagement:t{number % ROOMS}"
        yield [lambda: Receiver(stage, user),
               lambda: Receiver(stage, user, uses_cursor=True),
               lambda: Receiver(stage, user, path="/ws/engagement/" + room.split(":")[1]),
               lambda: Receiver(stage, user, topic=room),
               lambda: Receiver(stage, user, topic="trending")][number % 5]()


@pytest.mark.timeout(scaled(90))
@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.heavy)])
async def test_nothing_is_lost_where_partitions_are_joined_and_left(seed, start_nodes, redis,
                                                                    capsys):
    began_s = time.monotonic()
    stage = Wandering(seed)
    stage.nodes = start_nodes(2, redis, **SETTINGS)
    for node in stage.nodes:
        node.wait_until_ready()
    receivers = list(cast(stage))
    lives = [asyncio.create_task(receiver.live()) for receiver in receivers]
    await wait_until_async(lambda: all(receiver.last for receiver in receivers),
                           "everybody was there once", limit=20)
    await asyncio.sleep(1.5)  # cursors are written once a second
    producer = Producer(redis, plan, lambda channel: key_of(channel, COUNT))
    producer.start()
    await asyncio.sleep(SECONDS)
    await asyncio.to_thread(producer.finish)
    stage.roughness = 0.0
    try:
        await wait_until_async(lambda: all(one.is_complete(producer.counts) for one in receivers),
                               "everybody has everything", limit=20)
        await asyncio.sleep(1)  # for what comes too often
    except AssertionError:
        pass  # the ledger says what is missing
    joins = [count_of(node, "partition_joins_total") for node in stage.nodes]
    for receiver in receivers:
        receiver.is_gathering = False
    await asyncio.gather(*lives)
    complaints = settle(receivers, producer)
    with capsys.disabled():
        print("\n" + summary(SIZE, stage.tally, producer, time.monotonic() - began_s)
              + f"; {' and '.join(map(str, joins))} joins")
    assert not complaints, "\n".join(complaints[:20])
    assert stage.tally["told not recovered"] == 0, "nothing was ever missing"
    assert min(joins) > COUNT, "partitions were left and joined again"


# ---- one connection, many channels ----

class Roamer:
    """A client that subscribes to channels and leaves them, by chance, now at this node and now
    at that one, and each time names what it has of the channel."""

    def __init__(self, nodes, user, topics, seed):
        self.nodes, self.user, self.topics = nodes, user, topics
        self.random = random.Random(seed)
        self.got = {topic: [] for topic in topics}
        self.last = dict.fromkeys(topics, "0-0")
        self.held = set()
        self.unrecovered = []
        self.client = None

    async def live(self, until_s):
        while time.monotonic() < until_s:
            self.held = set()
            self.client = await Client.open(self.random.choice(self.nodes), user=self.user)
            for _ in range(self.random.randrange(3, 15)):
                await self.change(self.random.choice(self.topics))
                await self.listen(self.random.uniform(0, 0.15))
            self.client.cut()

    async def end(self, ends):
        """Everything that is owed up to the end of each channel."""
        self.held = set()
        self.client = await Client.open(self.random.choice(self.nodes), user=self.user)
        for topic in self.topics:
            await self.change(topic)
        async with asyncio.timeout(scaled(15)):
            while any(self.last[topic] != ends[topic] for topic in self.topics):
                self.take(await self.client.next(15))
        await self.client.close()

    async def change(self, topic):
        if topic in self.held:
            await self.client.send({"type": "unsubscribe", "channel": topic, "ref": topic})
        else:
            await self.client.send({"type": "subscribe", "channel": topic, "ref": topic,
                                    "last_event_id": self.last[topic]})
        while (answer := await self.client.next(15)).get("ref") != topic:
            self.take(answer)
        assert answer["type"] in ("subscribed", "unsubscribed"), answer
        self.held ^= {topic}
        if not answer.get("recovered", True):
            self.unrecovered.append((topic, self.last[topic], answer))

    async def listen(self, seconds):
        until_s = time.monotonic() + seconds
        while (left := until_s - time.monotonic()) > 0:
            try:
                self.take(json.loads(await asyncio.wait_for(self.client.socket.recv(), left)))
            except asyncio.TimeoutError:
                return

    def take(self, message):
        channel = message.get("channel")
        if channel in self.got and "event_id" in message:
            self.got[channel].append(message["event_id"])
            self.last[channel] = message["event_id"]


@pytest.mark.timeout(scaled(90))
async def test_subscribing_and_leaving_by_chance_loses_nothing(start_nodes, redis):
    """Two channels in each partition, all of them busy all the time."""
    nodes = start_nodes(2, redis, **SETTINGS)
    for node in nodes:
        node.wait_until_ready()
    topics = [name for topic in one_channel_each("engagement:{}", COUNT)
              for name in (topic, *beside(topic, "trending:{}", COUNT, size=1))]
    roamers = [Roamer(nodes, f"r{seed}", random.Random(seed).sample(topics, 12), seed)
               for seed in range(12)]
    with Steady(redis, dict.fromkeys(topics, 15), COUNT) as steady:
        until_s = time.monotonic() + 12
        await asyncio.gather(*(one.live(until_s) for one in roamers))
    await asyncio.gather(*(one.end(steady.last()) for one in roamers))
    for one in roamers:
        for topic in one.topics:
            check_equal(one.got[topic], steady.ids[topic], topic)
        assert not one.unrecovered
