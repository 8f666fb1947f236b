"""The figures of a log in partitions: what a node pays for those that nobody needs there, and how
long the first one waits who needs another. See figure_parts.py."""

import contextlib
import signal
import time

from figure_parts import Part, Row, ratio
from rig import Reader, RunFailed, partition

PARTITIONS = 16
PATIENCE_S = 60
POLL_S = 0.05            # each look costs processor time, too
QUIET_S = 0.3            # after which nothing more comes
CHANNELS_OF_EACH = 256   # partition, where entries are spread over all of them
USERS_OF_EACH = 64       # channels of the partition that is joined
LINGER = ("--partition-linger", "1h")


def wait_until(is_true, what):
    end = time.monotonic() + PATIENCE_S
    while not is_true():
        if time.monotonic() > end:
            raise RunFailed(f"not within {PATIENCE_S} s: {what}")
        time.sleep(POLL_S)


def wait_ready(broker):
    wait_until(lambda: broker.get("/readyz")[0] == 200, "/readyz is 200")


def users_of(index, size):
    """So many users of one partition."""
    found, number = [], 0
    while len(found) < size:
        if partition(f"user:u{number}", PARTITIONS) == index:
            found.append(f"u{number}")
        number += 1
    return found


NEEDED_BY_ALL = {partition(channel, PARTITIONS) for channel in ("all", "announcements")}
OTHERS = [index for index in range(PARTITIONS) if index not in NEEDED_BY_ALL]
USERS = [users_of(index, CHANNELS_OF_EACH) for index in range(PARTITIONS)]
SUBSCRIBED = OTHERS[:2]  # the partitions of two subscribers, the first users there


# ---- a node that needs few of them ----

def channel_of(at):
    """Of an entry: each partition in its turn, and in it one of many channels."""
    return "user:" + USERS[at % PARTITIONS][at // PARTITIONS % CHANNELS_OF_EACH]


def owed(partitions, entries):
    """How many of the entries the node has to read."""
    if partitions == 1:
        return entries
    return sum(len(range(index, entries, PARTITIONS))
               for index in NEEDED_BY_ALL.union(SUBSCRIBED))


def read_held(broker, redis, entries, partitions):
    """The broker is stopped, the entries are appended, it goes on until it has read its part."""
    before = broker.metric("belfry_router_entries_total")
    broker.child.send_signal(signal.SIGSTOP)
    try:
        redis.fill(entries, channel_of, partitions)
        all_s, router_s = broker.cpu_s(), broker.thread_cpu_s("router")
    finally:
        broker.child.send_signal(signal.SIGCONT)
    count = owed(partitions, entries)
    wait_until(lambda: broker.metric("belfry_router_entries_total") >= before + count,
               f"{count:,} entries are read")
    time.sleep(QUIET_S)
    return {"all_us": (broker.cpu_s() - all_s) / entries * 1e6,
            "router_us": (broker.thread_cpu_s("router") - router_s) / entries * 1e6,
            "read": broker.metric("belfry_router_entries_total") - before}


def read_spread(rig, entries, partitions):
    """Microseconds of processor time for each entry of the fleet: all threads', the router's."""
    words = ("--partitions", str(partitions), *LINGER)
    with rig.redis() as redis, rig.broker("--redis", redis.url, *words) as broker, \
            contextlib.ExitStack() as stack:
        wait_ready(broker)
        readers = [stack.enter_context(Reader(broker, USERS[index][0])) for index in SUBSCRIBED]
        values = read_held(broker, redis, entries, partitions)
        for index, reader in zip(SUBSCRIBED, readers):
            expected = len(range(index, entries, PARTITIONS * CHANNELS_OF_EACH))
            if reader.received != expected:
                rig.note_fault(f"{reader.received:,} of {expected:,} entries came to a reader")
        return values


def measure_spread(rig, entries):
    one, many = read_spread(rig, entries, 1), read_spread(rig, entries, PARTITIONS)
    return {"one_us": one["all_us"], "many_us": many["all_us"],
            "cpu": ratio(many["all_us"], one["all_us"]),
            "one_router_us": one["router_us"], "many_router_us": many["router_us"],
            "router": ratio(many["router_us"], one["router_us"]),
            "one_read": one["read"], "many_read": many["read"]}


SPREAD = Part(
    "spread", f"of the fleet, evenly over {PARTITIONS} partitions; subscribers in two of them",
    (300000,), measure_spread, [
        Row("many_us", f"{PARTITIONS} partitions: broker, CPU per entry", "us", 3),
        Row("one_us", "1 partition: broker, CPU per entry", "us", 3),
        Row("cpu", f"CPU, {PARTITIONS} / 1", "x", 3),
        Row("many_router_us", f"{PARTITIONS} partitions: router thread", "us", 3),
        Row("one_router_us", "1 partition: router thread", "us", 3),
        Row("router", f"router, {PARTITIONS} / 1", "x", 3),
        Row("many_read", f"{PARTITIONS} partitions: entries that it read"),
        Row("one_read", "1 partition: entries that it read"),
    ],
    "Per entry of the fleet, read by this node or not. 128 bytes of data each, for 4,096 users. "
    "The node reads the partitions of its two subscribers, and those of all and announcements, "
    "which every node reads. It is held by SIGSTOP while they are appended; the same entries to "
    "the same channels with one partition, in the same run.",
    of="entries", verdict="every entry came that was owed")


# ---- the first who needs another ----

def seconds_to_greet(broker, user):
    began_s = time.monotonic()
    reader = Reader(broker, user)
    seconds = time.monotonic() - began_s
    with reader:
        pass
    return seconds


def measure_join(rig, entries):
    """The first one of a partition, and, once it is read, the next one."""
    index = OTHERS[0]
    users = USERS[index]
    with rig.redis() as redis:
        redis.fill(entries, lambda at: f"user:{users[at % USERS_OF_EACH]}", PARTITIONS)
        bare = rig.bench("xread", 1, "--redis", redis.url, "--count", str(entries),
                         "--stream", f"belfry:in:{{{index}}}")
        words = ("--partitions", str(PARTITIONS), *LINGER)
        with rig.broker("--redis", redis.url, *words) as broker:
            wait_ready(broker)
            known, cpu_s = broker.metric("belfry_router_history_records"), broker.cpu_s()
            first_s = seconds_to_greet(broker, users[-1])
            cpu_s = broker.cpu_s() - cpu_s
            known = broker.metric("belfry_router_history_records") - known
            next_s = seconds_to_greet(broker, users[-2])
    if known < entries:
        rig.note_fault(f"{known:,} of {entries:,} entries can be replayed")
    return {"first_ms": first_s * 1e3, "next_ms": next_s * 1e3, "cpu_ms": cpu_s * 1e3,
            "records": known, "bare_ms": bare("xread", "wall_s") * 1e3,
            "times": ratio(first_s, bare("xread", "wall_s"))}


JOIN = Part(
    "join", "in a partition that is not read; somebody comes who needs it", (100000,),
    measure_join, [
        Row("first_ms", "from connect to connected, the first one", "ms", 1),
        Row("next_ms", "the same, the next one", "ms", 1),
        Row("bare_ms", "bare XREAD loop of hiredis over it", "ms", 1),
        Row("times", "first one / bare loop", "x", 2),
        Row("cpu_ms", "broker, CPU meanwhile", "ms", 1),
        Row("records", "entries that can be replayed then, more than before"),
    ],
    "Both are users without messages of their own: nothing is replayed. The connection waits until "
    "the window of its partition is read.",
    of="entries", verdict="it was greeted")


PARTS = [SPREAD, JOIN]
