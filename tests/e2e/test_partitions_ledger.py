"""A ledger of every message over many partitions, which two nodes join and leave all the time
while users move between them."""

import asyncio
import time

import pytest

from ledger import Producer, Receiver, Stage
from pace import scaled, wait_until_async
from partitions import COUNT, SETTINGS, count_of, key_of
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
