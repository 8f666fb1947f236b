"""Everything at once, and a ledger of every message: nothing is lost, doubled or out of order.

Two nodes on one Redis with a replica, a producer, and hundreds of clients that come and go, name
their position or rely on their cursor, read slowly or are cut off, while nodes and Redis are
killed, links cut and left half open, and the replica takes over.
"""

import asyncio
import time

import pytest

from ledger import Producer, Receiver, Stage
from pace import scaled, wait_until_async
from partitions import key_of

SETTINGS = {"shards": 1, "max_outbox_bytes": "64k", "slow_deadline": "2s",
            "subscribe": "trending=any"}
SLOW = 10


def users_of(size):
    return [f"slow{number}" for number in range(SLOW)] + [f"u{number}"
                                                          for number in range(SLOW, size)]


def plan_for(size):
    """What is due at a tick, 40 of which make a second: about 2,500 deliveries in all."""
    users = users_of(size)

    def plan(tick):
        due = [(f"user:{users[(tick * 7 + number) % size]}", 20) for number in range(4)]
        every = {"all": 8 * size // 300, "announcements": 40, "trending": 8}
        due += [(channel, 50) for channel, ticks in every.items() if tick % ticks == 0]
        if tick % 4 == 0:
            due.append((f"engagement:t{tick // 4 % 6}", 50))
        if tick % 20 == 0:  # a burst that the slow one cannot take at once
            due += [(f"user:slow{tick // 20 % SLOW}", 8000)] * 40
        return due
    return plan


def cast(stage, size):
    """Every kind of client, in the proportions of a real crowd."""
    receivers = []
    for number, user in enumerate(users_of(size)):
        if number < SLOW:
            receivers.append(Receiver(stage, user, is_slow=True))
        elif number % 5 == 0:
            receivers.append(Receiver(stage, user, path=f"/ws/engagement/t{number % 6}"))
        elif number % 5 == 1:
            receivers.append(Receiver(stage, user, topic="trending"))
        else:
            receivers.append(Receiver(stage, user, uses_cursor=number % 10 == 2))
    return receivers


class Faults:
    """What goes wrong, one after the other."""

    def __init__(self, stage, start_broker, master, replica, proxy, settings):
        self.stage, self.start_broker, self.proxy = stage, start_broker, proxy
        self.redis, self.replica, self.settings = master, replica, settings
        self.names = [f"node-{number}" for number in range(2)]
        stage.nodes = [self._start_node(name) for name in self.names]

    def _start_node(self, name, listen="127.0.0.1:0"):
        return self.start_broker(redis=self.redis.url(port=self.proxy.port), node=name,
                                 listen=listen, **self.settings)

    async def kill_node(self, at, rest=0.3):
        node = self.stage.nodes[at]
        node.kill()
        await asyncio.sleep(rest)
        self.stage.nodes[at] = await asyncio.to_thread(
            self._start_node, self.names[at], f"127.0.0.1:{node.port}")

    async def kill_redis(self, rest=0.4):
        await asyncio.to_thread(self.redis.kill)
        await asyncio.sleep(rest)
        await asyncio.to_thread(self.redis.start)

    async def cut_links(self):
        for _ in range(3):
            self.proxy.cut()
            await asyncio.sleep(0.3)

    async def half_open_links(self):
        self.proxy.fall_silent()
        await asyncio.sleep(8)

    async def promote(self, producer):
        """A planned change of the master: what was confirmed is on both."""
        await asyncio.to_thread(producer.pause)
        await asyncio.to_thread(self.redis.wait_for_replica, self.replica)
        await asyncio.to_thread(self.redis.kill)
        await asyncio.to_thread(self.replica.promote)
        self.proxy.target = self.replica.port
        self.proxy.cut()
        self.redis = self.replica
        producer.resume(self.replica)

    async def all_of_them(self, producer):
        await asyncio.sleep(2)
        await self.kill_node(0)
        await asyncio.sleep(2)
        await self.kill_redis()
        await asyncio.sleep(2)
        await self.cut_links()
        await self.half_open_links()
        await asyncio.gather(self.kill_redis(), self.kill_node(1))
        await asyncio.sleep(3)
        await self.promote(producer)
        await asyncio.sleep(3)
        await self.kill_node(0)
        await asyncio.sleep(2)


@pytest.mark.timeout(scaled(90))
@pytest.mark.parametrize("size, partitions", [
    (300, 1), pytest.param(1000, 1, marks=pytest.mark.heavy),
    pytest.param(300, 16, marks=pytest.mark.heavy)])
async def test_nothing_is_lost_doubled_or_out_of_order(size, partitions, start_broker,
                                                       start_redis, start_proxy, record_property):
    began = time.monotonic()
    master = start_redis()
    replica = start_redis(replica_of=master)
    stage = Stage(seed=size)
    settings = SETTINGS | {"partitions": partitions, "partition_linger": "1s"}
    faults = Faults(stage, start_broker, master, replica, start_proxy(master.port), settings)
    for node in stage.nodes:
        node.wait_until_ready()
    receivers = cast(stage, size)
    lives = [asyncio.create_task(receiver.live()) for receiver in receivers]
    await wait_until_async(lambda: all(receiver.last for receiver in receivers),
                           "everybody was there once", limit=20)
    await asyncio.sleep(1.5)  # cursors are written once a second
    producer = Producer(master, plan_for(size), stream_of(partitions))
    producer.start()
    await faults.all_of_them(producer)
    await asyncio.to_thread(producer.finish)
    stage.roughness = 0.0
    try:
        await wait_until_async(lambda: all(one.is_complete(producer.counts) for one in receivers),
                               "everybody has everything", limit=25)
        await asyncio.sleep(1)  # for what comes too often
    except AssertionError:
        pass  # the ledger says what is missing
    for receiver in receivers:
        receiver.is_gathering = False
    await asyncio.gather(*lives)
    complaints = settle(receivers, producer)
    record_property("summary",
                    summary(size, stage.tally, producer, time.monotonic() - began))
    assert not complaints, "\n".join(complaints[:20])
    assert stage.tally["owed"] > 10 * size


def stream_of(partitions):
    return lambda channel: key_of(channel, partitions) if partitions > 1 else "belfry:in"


def settle(receivers, producer):
    for receiver in receivers:
        receiver.account(producer.counts)
    return [complaint for receiver in receivers
            if (complaint := receiver.complaint(producer.counts))]


def summary(size, tally, producer, seconds):
    """The ledger's last line; pytest prints it at its end, and so does tools/test."""
    wrong = ", ".join(f"{tally[name]} {name}" for name in ("lost", "doubled", "out of order"))
    ends = ", ".join(f"{count} {name}" for name, count in sorted(tally.items())
                     if name.startswith("closed") or name.startswith("told")
                     or name.startswith("repeated"))
    return (f"ledger: {size} clients, {sum(producer.counts.values())} messages, "
            f"{tally['owed']} owed: {wrong}; {tally['connects']} connects, "
            f"{tally['replayed']} replayed, {producer.retries} retries of the producer"
            f"{'; ' + ends if ends else ''}; {seconds:.0f} s")
