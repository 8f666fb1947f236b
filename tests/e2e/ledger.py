"""A ledger of every message: who was owed what, and what arrived. See test_ledger.py.

Each channel is numbered from 0 by the one producer, which tries each entry until Redis has
confirmed it, under the same `id`. A receiver is owed each number of each of its channels once, in
order; so what it got must read 0, 1, 2, ... whatever was killed or cut meanwhile.
"""

import asyncio
import collections
import json
import random
import socket
import threading
import time
import zlib

from websockets.exceptions import InvalidHandshake, WebSocketException

from client import Client, query
from producer import RedisProducer

FAILURES = (OSError, WebSocketException, InvalidHandshake, asyncio.TimeoutError, EOFError)


class Producer:
    """Appends in a thread of its own to whatever Redis is the present one."""

    def __init__(self, redis, plan, key_of=lambda channel: "belfry:in"):
        """`plan(tick)`: the (channel, size of padding) that are due. `key_of(channel)`: the
        stream that it is in."""
        self.redis, self.plan, self.key_of = redis, plan, key_of
        self.counts = collections.Counter()  # channel: how many are confirmed
        self.retries = 0
        self._runs = threading.Event()
        self._runs.set()
        self._is_idle = threading.Event()
        self._is_over = False
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self):
        self._thread.start()

    def pause(self):
        """Returns when everything is confirmed and nothing under way."""
        self._runs.clear()
        self._is_idle.wait()

    def resume(self, redis=None):
        self.redis = redis or self.redis
        self._runs.set()

    def finish(self):
        self._is_over = True
        self._thread.join()

    def _run(self):
        link, tick = None, 0
        while not self._is_over:
            if not self._runs.is_set():
                link = None
                self._is_idle.set()
                self._runs.wait()
                self._is_idle.clear()
            batch = self._number(self.plan(tick))
            while batch:
                try:
                    link = link or self._open_link()
                    self._append(link.redis, batch)
                    break
                except Exception:  # pylint: disable=broad-except
                    link = None  # unknown what became of it: the same again, under the same ids
                    self.retries += 1
                    time.sleep(0.02)
            tick += 1
            time.sleep(0.025)

    def _number(self, due):
        batch = []
        for channel, padding in due:
            batch.append((channel, self.counts[channel], padding))
            self.counts[channel] += 1
        return batch

    def _open_link(self):
        """To a Redis that has loaded its file: while it does it refuses the first entries of a
        batch, and may take those behind them."""
        link = RedisProducer(self.redis)
        link.redis.call("PING")
        return link

    def _append(self, link, batch):
        for channel, number, padding in batch:
            link.send("XADD", self.key_of(channel), "*", "to", channel, "id", f"{channel}/{number}",
                      "data", json.dumps({"n": number, "pad": "x" * padding}))
        for _ in batch:
            link.reply()


class Receiver:
    """A client that comes and goes. Knows what it got, by channel."""

    def __init__(self, stage, user, path="/ws", topic=None, is_slow=False, uses_cursor=False):
        self.stage, self.user, self.path = stage, user, path
        self.topic = topic  # a channel that it subscribes to after each connect
        self.is_slow, self.uses_cursor = is_slow, uses_cursor
        self.channels = stage.channels_of(self)
        self.got = {channel: [] for channel in self.channels}
        self.seen = set()  # channels and event ids, of one that uses a cursor
        self.last = self.last_of_topic = None
        self.named = None  # the position that it came with
        self.connects = 0
        self.is_gathering = True
        self.tally = stage.tally

    # ---- what counts ----

    def is_complete(self, counts):
        return all(len(self.got[channel]) >= counts[channel] for channel in self.channels)

    def account(self, counts):
        """Adds to the tally what is wrong with what it got."""
        for channel in self.channels:
            got = self.got[channel]
            self.tally["owed"] += counts[channel]
            self.tally["lost"] += len(set(range(counts[channel])) - set(got))
            self.tally["doubled"] += len(got) - len(set(got))
            self.tally["out of order"] += sum(a > b for a, b in zip(got, got[1:]))

    def complaint(self, counts):
        """The first thing that is wrong, for people."""
        for channel in self.channels:
            got, want = self.got[channel], list(range(counts[channel]))
            if got != want:
                at = next((i for i, (a, b) in enumerate(zip(got, want)) if a != b),
                          min(len(got), len(want)))
                return (f"{self.user} {self.path} slow={self.is_slow} cursor={self.uses_cursor} "
                        f"{channel}: {len(got)} of {len(want)}, from {at}: {got[at:at + 5]}")
        return None

    # ---- life ----

    async def live(self):
        while self.is_gathering:
            try:
                await self._one_connection()
            except FAILURES:
                self.connects += 1  # the next one may be better
                self.tally["failed connects"] += 1
            await asyncio.sleep(self.stage.absence())

    async def _connect(self):
        """A client that is in step with the log, or None when it was told that it is not."""
        parameters = {}
        is_first = self.last is None
        self.named = self.last
        if not is_first and not self.uses_cursor:
            parameters["last_event_id"] = self.last
        options = {"open_timeout": 8, "close_timeout": 1}
        if self.is_slow:
            options |= {"sock": self._small_socket(), "max_queue": 2}
        client = await Client.open(self.stage.some_node(self), query(self.path, **parameters),
                                   user=self.user, **options)
        self.connects += 1
        self.tally["connects"] += 1
        self.tally["replayed"] += client.connected["replayed"]
        if is_first:
            self.last = self.last_of_topic = client.connected["last_event_id"]
        elif not client.connected["recovered"]:
            self.tally["told not recovered"] += 1
            client.cut()  # it could fetch its state anew; this one tries again a little later
            return None
        if self.topic and not await self._subscribe(client):
            self.tally["told not recovered"] += 1
            client.cut()
            return None
        return client

    def _small_socket(self):
        node = self.stage.some_node(self)
        one = socket.socket()
        one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        one.settimeout(2)
        one.connect((node.host, node.port))
        one.setblocking(False)
        return one

    async def _subscribe(self, client):
        await client.send({"type": "subscribe", "channel": self.topic, "ref": "s",
                           "last_event_id": self.last_of_topic})
        while True:
            message = await client.next(10)
            if message.get("ref") == "s":
                return message["type"] == "subscribed" and message.get("recovered", True)
            self._take(message)

    async def _one_connection(self):
        client = await self._connect()
        if client is None:
            return
        until = time.monotonic() + self.stage.lifetime()
        try:
            while self.is_gathering and time.monotonic() < until:
                try:
                    text = await asyncio.wait_for(client.socket.recv(), 0.5)
                except asyncio.TimeoutError:
                    continue
                self._take(json.loads(text))
                if self.is_slow and self.stage.random.random() < 0.02 * self.stage.roughness:
                    await asyncio.sleep(self.stage.random.uniform(0.5, 3))
                if self.uses_cursor and self.stage.random.random() < 0.3:
                    await client.send({"type": "ack", "event_id": self.last})
        except WebSocketException:
            self.tally[f"closed {client.socket.close_code}"] += 1
        if self.stage.random.random() < 0.5:
            client.cut()
        else:
            await client.close()
        if self.uses_cursor:
            await self._take_rest(client)

    async def _take_rest(self, client):
        """What the library had when the connection ended: it may have been behind it that it
        answered a ping by itself, which confirms it all."""
        try:
            while True:
                self._take(json.loads(await asyncio.wait_for(client.socket.recv(), 5)))
        except WebSocketException:
            pass

    def _take(self, message):
        channel = message.get("channel")
        if channel not in self.got or "data" not in message:
            return
        entry = (channel, message["event_id"])
        if self.uses_cursor:
            if entry in self.seen:  # not confirmed yet: it is sent again
                self.tally["repeated for want of an ack"] += 1
                return
            self.seen.add(entry)
        elif message["event_id"] == self.named and message["data"]["n"] in self.got[channel][-9:]:
            self.tally["repeated for the same id in two partitions"] += 1
            return
        self.tally["received"] += 1
        self.got[channel].append(message["data"]["n"])
        if channel == self.topic:
            self.last_of_topic = message["event_id"]
        else:
            self.last = message["event_id"]


class Stage:
    """The nodes that clients find, and what they have in common."""

    def __init__(self, seed):
        self.random = random.Random(seed)
        self.tally = collections.Counter()
        self.nodes = []
        self.roughness = 1.0  # 0: nobody cuts or dawdles any more

    def some_node(self, receiver):
        """Another one for each connect, by turns."""
        at = (zlib.crc32(receiver.user.encode()) + receiver.connects) % len(self.nodes)
        return self.nodes[at]

    def lifetime(self):
        """Seconds of a connection; the last one lasts."""
        return self.random.expovariate(1 / 6) + 0.5 if self.roughness else 1000

    def absence(self):
        """Seconds between two connections."""
        return self.random.uniform(0.05, 0.6)

    @staticmethod
    def channels_of(receiver):
        own = [f"user:{receiver.user}", "announcements"]
        if receiver.path.startswith("/ws/engagement/"):
            own = ["engagement:" + receiver.path.rsplit("/", 1)[1]]
        return [*own, "all", *([receiver.topic] if receiver.topic else [])]
