"""The log spread over several streams: where channels lie, what a node reads of them, and a
producer that appends to many of them all the time."""

import asyncio
import binascii
import collections
import re
import threading
import time

import pytest

from client import Client, resume
from openmetrics import scrape
from pace import wait_until, wait_until_async

PARTITIONS = 4


def partition(channel, count=PARTITIONS):
    """CRC16 of Redis Cluster (XMODEM) over the whole name."""
    return binascii.crc_hqx(channel.encode(), 0) % count


def key_of(channel, count=PARTITIONS):
    return f"belfry:in:{{{partition(channel, count)}}}"


def one_channel_each(form="user:{}", count=PARTITIONS):
    """Names of which each lies in another partition, in the order of the partitions."""
    found = {}
    number = 0
    while len(found) < count:
        found.setdefault(partition(form.format(number), count), form.format(number))
        number += 1
    return [found[index] for index in range(count)]


def beside(channel, form="feed:{}", count=PARTITIONS, size=3):
    """Other names of the same partition."""
    numbers = range(1000 * count * size)
    found = [name for name in map(form.format, numbers)
             if name != channel and partition(name, count) == partition(channel, count)]
    return found[:size]


def add(redis, channel, data, stream=None, count=PARTITIONS, **fields):
    words = [word for pair in fields.items() for word in pair]
    return redis.call("XADD", stream or key_of(channel, count), "*", "to", channel, "data", data,
                      *words).decode()


def fill(redis, channels, size, count=PARTITIONS, pad=100):
    """So many entries of the past, for these channels by turns."""
    link, text = redis.connect(), f'"{"x" * pad}"'
    for start in range(0, size, 500):
        numbers = range(start, min(start + 500, size))
        for number in numbers:
            channel = channels[number % len(channels)]
            link.send("XADD", key_of(channel, count), "*", "to", channel, "data", text)
        for _ in numbers:
            link.reply()
    link.close()


def id_of(text):
    """An event id as numbers, which can be compared."""
    ms, sequence = text.split("-")
    return int(ms), int(sequence)


# ---- nodes that read some of sixteen ----

COUNT = 16
LINGER_S = 1.0
SETTINGS = {"partitions": COUNT, "partition_linger": "1s"}
BASE = {partition(channel, COUNT) for channel in ("all", "announcements")}


def apart(form):
    """One channel in each partition that nobody needs as yet."""
    return [name for name in one_channel_each(form, COUNT) if partition(name, COUNT) not in BASE]


USERS, TOPICS = apart("user:{}"), apart("engagement:{}")


@pytest.fixture
def nodes(start_nodes, redis):
    started = start_nodes(2, redis, **SETTINGS)
    for one in started:
        one.wait_until_ready()
    return started


@pytest.fixture
def node(start_broker, redis):
    started = start_broker(redis=redis.url(), **SETTINGS)
    started.wait_until_ready()
    return started


def name_of(channel):
    return channel.split(":")[1]


async def open_user(node, channel, after=None, **parameters):
    """A connection of the user who has this channel."""
    path = resume(after, **parameters) if after else "/ws"
    return await Client.open(node, path, user=name_of(channel))


# ---- what a node reads ----

def count_of(node, name):
    """A number of the router, by the name of its metric."""
    return int(scrape(node).total(f"belfry_router_{name}"))


def reads(node):
    """How many partitions it reads, as it says itself."""
    return count_of(node, "partitions_read")


def wait_for_reads(node, count, limit=10.0):
    wait_until(lambda: reads(node) == count, f"{count} partitions are read", limit)


class Monitor:
    """What Redis is asked by its clients, as it tells itself."""

    def __init__(self, redis):
        self.link = redis.connect()
        self.link.call("MONITOR")
        self.lines = []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        self.link.socket.settimeout(None)
        try:
            for line in self.link.stream:
                self.lines.append(line.decode(errors="replace"))
        except (OSError, ValueError):
            pass  # closed

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.link.socket.shutdown(2)
        self.link.close()

    def partitions(self):
        """Those that some XREAD has named."""
        return {int(found) for line in self.lines if '"XREAD"' in line
                for found in re.findall(r'"belfry:in:\{(\d+)\}"', line)}


async def partitions_of_reads(redis, count):
    """The partitions that are named by the XREADs of a moment in which every reader reads."""
    with Monitor(redis) as monitor:
        for _ in range(8):
            add(redis, "all", '"tick"', count=count)
            await asyncio.sleep(0.05)
        await wait_until_async(monitor.partitions, "some XREAD")
        return monitor.partitions()


# ---- a producer that does not stop ----

class Steady:
    """Appends numbers from 0 on to each channel at its rate, in a thread, until it is left."""

    def __init__(self, redis, rates, count):
        """`rates`: channel: entries a second."""
        self.redis, self.rates, self.count = redis, rates, count
        self.ids = {channel: [] for channel in rates}
        self.sent_s = {channel: [] for channel in rates}  # when each was about to be sent
        self.got_s = {channel: [] for channel in rates}   # when each was confirmed
        self.failure = None
        self._is_over = False
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._is_over = True
        self._thread.join()
        if self.failure:
            raise self.failure

    def last(self, *channels):
        """The newest id of each channel."""
        return {channel: self.ids[channel][-1] for channel in channels or self.ids}

    def _run(self):
        try:
            link = self.redis.connect()
            began_s = time.monotonic()
            while not self._is_over:
                self._append(link, time.monotonic() - began_s)
                time.sleep(0.004)
            link.close()
        except Exception as failure:  # pylint: disable=broad-except
            self.failure = failure

    def _append(self, link, seconds):
        due, counts = [], collections.Counter()
        for channel, rate in self.rates.items():
            missing = 1 + int(seconds * rate) - len(self.ids[channel])
            due += [channel] * missing
        for channel in due:
            self.sent_s[channel].append(time.monotonic())
            number = len(self.ids[channel]) + counts[channel]
            counts[channel] += 1
            link.send("XADD", key_of(channel, self.count), "*", "to", channel, "data", number)
        for channel in due:
            self.ids[channel].append(link.reply().decode())
            self.got_s[channel].append(time.monotonic())


async def receive(client, ends, limit=15.0):
    """Messages until the last one of each channel has come, and none after that. `ends`: channel:
    its last id."""
    got, left = [], dict(ends)
    while left:
        message = await client.next(limit)
        if "channel" not in message or "event_id" not in message:
            continue
        got.append(message)
        if left.get(message["channel"]) == message["event_id"]:
            del left[message["channel"]]
    await client.expect_nothing(0.2)
    return got


def check_after(got, steady, channel, after):
    """All of the channel after the position came, once, in order. What has this very id in another
    partition may have come again: a position does not say which of those the client has."""
    mine = [one["event_id"] for one in got
            if one["channel"] == channel and one["event_id"] != after]
    owed = [one for one in steady.ids[channel] if id_of(one) > id_of(after)]
    check_equal(mine, owed, channel)


def check_from(got, steady, channel, since_s):
    """All of the channel that was published after that time came, once, in order, and of what was
    there before only the newest."""
    mine = [one["event_id"] for one in got if one["channel"] == channel]
    owed = steady.ids[channel][len(steady.ids[channel]) - len(mine):]
    check_equal(mine, owed, channel)
    first = len(steady.ids[channel]) - len(mine)
    missed = [sent_s for sent_s in steady.sent_s[channel][:first] if sent_s > since_s]
    assert not missed, f"{channel}: {len(missed)} that were published afterwards did not come"


def check_equal(got, owed, channel):
    if got == owed:
        return
    at = next((i for i, (a, b) in enumerate(zip(got, owed)) if a != b), min(len(got), len(owed)))
    raise AssertionError(
        f"{channel}: {len(got)} came and {len(owed)} were owed; {len(set(owed) - set(got))} lost, "
        f"{len(got) - len(set(got))} doubled; from {at}: {got[at:at + 4]}, owed {owed[at:at + 4]}")
