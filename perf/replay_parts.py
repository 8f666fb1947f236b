"""The figures of the log: coming back, reading it, and starting with it. See figure_parts.py."""

import signal
import time

from figure_parts import Part, Row, ratio
from partition_parts import PARTS as PARTITION_PARTS
from rig import Reader, RunFailed

MISSED = 10              # messages that each user misses
POLL_S = 0.005
PATIENCE_S = 60
USERS = 50000            # that the entries of a long log are for
WARMUP = 20000           # entries that are read before those that count
HOT = ("--history-memory", "1024m")
COLD = ("--history-memory", "64k")


# ---- resume ----

def resume_values(seen):
    last_s = seen("resume", "last_s") or None  # 0: it never came
    return {"plain_s": seen("resume", "plain_back_s"), "back_s": seen("resume", "back_s"),
            "last_s": last_s, "rate": seen("resume", "messages_per_s"),
            "times": ratio(last_s, seen("resume", "plain_back_s")),
            "retried": seen("resume", "retried"), "cpu_ms": seen("broker", "cpu_ms"),
            "plain_ms": seen("broker", "plain_cpu_ms"), "each_us": seen("broker", "cpu_each_us")}


def bench_resume(rig, broker, conns, redis=None):
    seen = broker.bench("resume", conns, "--missed", str(MISSED), "--spread", "8", redis=redis)
    unrecovered = seen("resume", "unrecovered")
    if unrecovered:
        rig.note_fault(f"{unrecovered:,.0f} were told recovered: false")
    return resume_values(seen)


def measure_resume_embedded(rig, conns):
    with rig.broker(*HOT) as broker:
        return bench_resume(rig, broker, conns)


def measure_resume_hot(rig, conns):
    with rig.redis() as redis, rig.broker("--redis", redis.url, *HOT) as broker:
        return bench_resume(rig, broker, conns, redis.url)


def measure_resume_cold(rig, conns):
    with rig.redis() as redis, rig.broker("--redis", redis.url, *COLD) as broker:
        values = bench_resume(rig, broker, conns, redis.url)
        return values | {"fetched": broker.metric("belfry_router_fetched_total")}


def resume_part(name, title, measure, more_rows=()):
    return Part(
        name, f"cut off, {MISSED} messages missed by each, all back at once; {title}", (20000,),
        measure, [
            Row("plain_s", "nothing missed: all greeted after", "s", 2),
            Row("back_s", "all greeted after", "s", 2),
            Row("last_s", "the last message after", "s", 2),
            Row("times", "last message / nothing missed", "x", 2),
            Row("rate", "messages", "/s"),
            Row("plain_ms", "nothing missed: broker, CPU", "ms"),
            Row("cpu_ms", "broker, CPU", "ms"),
            Row("each_us", "the difference, per message", "us", 2),
            Row("retried", "refused and tried again"),
            *more_rows,
        ],
        "The reference is the same storm by the same clients and the same broker a moment earlier, "
        "with last_event_id and nothing missed.")


# ---- ingest ----

def bare_loop(rig, redis, entries):
    return rig.bench("xread", 1, "--redis", redis.url, "--count", str(entries))


def wait_for(broker, name, value):
    """Until the counter has got so far. When that was."""
    end = time.monotonic() + PATIENCE_S
    while broker.metric(name) < value:
        if time.monotonic() > end:
            raise RunFailed(f"{name} is {broker.metric(name):,} and not {value:,} after "
                            f"{PATIENCE_S} s")
        time.sleep(POLL_S)
    return time.monotonic()


def read_backlog(broker, redis, entries, channel):
    """The broker is stopped, the entries are appended, it goes on: seconds and CPU per entry."""
    before = broker.metric("belfry_router_entries_total")
    broker.child.send_signal(signal.SIGSTOP)
    try:
        redis.fill(entries, lambda _: channel)
        cpu_s = broker.thread_cpu_s("router")
        start_s = time.monotonic()
    finally:
        broker.child.send_signal(signal.SIGCONT)
    end_s = wait_for(broker, "belfry_router_entries_total", before + entries)
    return start_s, end_s - start_s, (broker.thread_cpu_s("router") - cpu_s) / entries * 1e6


def wait_until_received(rig, reader, entries):
    end = time.monotonic() + PATIENCE_S
    while reader.received < entries and time.monotonic() < end:
        time.sleep(POLL_S)
    time.sleep(0.2)  # whatever comes twice
    if reader.received != entries:
        rig.note_fault(f"{reader.received:,} of {entries:,} entries came to the reader")


def ingest_values(rig, redis, entries, seen):
    bare = bare_loop(rig, redis, entries)
    rate, bare_rate = entries / seen["wall_s"], bare("xread", "entries_per_s")
    return {"rate": rate, "bare": bare_rate, "share": ratio(rate, bare_rate),
            "router_us": seen["router_us"], "bare_us": bare("xread", "cpu_each_us"),
            "cpu": ratio(seen["router_us"], bare("xread", "cpu_each_us")),
            "received": seen.get("received"), "handed": seen.get("handed")}


def measure_ingest_lane(rig, entries):
    with rig.redis() as redis:
        with rig.broker("--redis", redis.url) as broker, Reader(broker, "reader") as reader:
            redis.fill(WARMUP, lambda _: "user:reader")
            wait_until_received(rig, reader, WARMUP)
            handed = broker.metric("belfry_router_handed_out_total")
            start_s, wall_s, router_us = read_backlog(broker, redis, entries, "user:reader")
            wait_until_received(rig, reader, WARMUP + entries)
            seen = {"wall_s": wall_s, "router_us": router_us,
                    "received": entries / (reader.last_s - start_s),
                    "handed": broker.metric("belfry_router_handed_out_total") - handed}
        return ingest_values(rig, redis, entries, seen)


def measure_ingest_nobody(rig, entries):
    with rig.redis() as redis:
        with rig.broker("--redis", redis.url) as broker:
            redis.fill(WARMUP, lambda _: "user:nobody")
            wait_for(broker, "belfry_router_entries_total", WARMUP)
            _, wall_s, router_us = read_backlog(broker, redis, entries, "user:nobody")
            seen = {"wall_s": wall_s, "router_us": router_us}
        return ingest_values(rig, redis, entries, seen)


def ingest_part(name, title, measure, aims=(), more_rows=()):
    return Part(
        name, f"a backlog is read; {title}", (300000,), measure, [
            Row("rate", "broker, entries read", "/s"),
            Row("bare", "bare XREAD loop of hiredis", "/s"),
            Row("share", "broker / bare loop", "x", 2, aims),
            Row("router_us", "router thread, CPU per entry", "us", 2),
            Row("bare_us", "bare loop, CPU per entry", "us", 2),
            Row("cpu", "CPU, router / bare loop", "x", 2),
            *more_rows,
        ],
        "128 bytes of data each. The broker is held by SIGSTOP while they are appended, so that "
        "no producer takes processor time while it reads; then the bare loop reads the same "
        "entries from the same Redis. It frees each reply and does nothing else.",
        of="entries", verdict="every entry was read")


# ---- start ----

def wait_ready(broker):
    end = time.monotonic() + PATIENCE_S
    while broker.get("/readyz")[0] != 200:
        if time.monotonic() > end:
            raise RunFailed(f"/readyz is not 200 after {PATIENCE_S} s")
        time.sleep(POLL_S)
    return time.monotonic() - broker.started_s


def measure_start(rig, entries):
    with rig.redis() as redis:
        redis.fill(entries, lambda number: f"user:{number % USERS}")
        with rig.broker("--redis", redis.url) as broker:
            ready_s = wait_ready(broker)
            router_us = broker.thread_cpu_s("router") / entries * 1e6
            records = broker.metric("belfry_router_history_records")
            index = broker.metric("belfry_router_history_bytes")
            pss_mib = broker.pss_mib()
        if records < entries:
            rig.note_fault(f"{records:,} of {entries:,} entries can be replayed")
        bare = bare_loop(rig, redis, entries)
    return {"ready_s": ready_s, "bare_s": bare("xread", "wall_s"),
            "times": ratio(ready_s, bare("xread", "wall_s")), "records": records,
            "router_us": router_us, "bare_us": bare("xread", "cpu_each_us"), "pss": pss_mib,
            "index": ratio(index, records)}


START = Part(
    "start", f"of {USERS:,} users in Redis; a broker starts and reads them back", (1000000,),
    measure_start, [
        Row("ready_s", "from exec to /readyz 200", "s", 2),
        Row("bare_s", "bare XREAD loop of hiredis", "s", 2),
        Row("times", "broker / bare loop", "x", 2),
        Row("router_us", "router thread, CPU per entry", "us", 2),
        Row("bare_us", "bare loop, CPU per entry", "us", 2),
        Row("records", "entries that can be replayed then"),
        Row("index", "index, per entry", "bytes", 1),
        Row("pss", "broker, PSS then", "MiB", 1),
    ], of="entries", verdict="every entry can be replayed")


FETCHED = (Row("fetched", "bodies fetched from Redis"),)
LANE = (Row("received", "until a client had them all", "/s"),
        Row("handed", "deliveries on the shard's lane"))
FIGURES = {
    "resume": [resume_part("embedded", "embedded log", measure_resume_embedded),
               resume_part("hot", "Redis, bodies in memory", measure_resume_hot),
               resume_part("cold", "Redis, bodies fetched again", measure_resume_cold, FETCHED)],
    "ingest": [ingest_part("lane", "all for one client", measure_ingest_lane, ((">=", 0.7),),
                           LANE),
               ingest_part("nobody", "nobody is there", measure_ingest_nobody)],
    "start": [START],
    "partitions": PARTITION_PARTS,
}
