"""The figures: for each its parts, what is run for them, the rows of their tables and the aims.

A reference is measured in the same run, as the same machine is faster on some days than on others.
"""

import dataclasses
import typing

HEARTBEAT_S = 30
IDLE_WATCH_S = 30
UNICAST_RATE, UNICAST_S = 1000, 20
BASELINE = 1000          # connections at which memory is looked at first
REFERENCE_CONNS = 1000   # of the floor, where the figure itself has no floor of its own size


@dataclasses.dataclass
class Row:
    """A line of a table. Aims: ("<=" or ">=", number), the one that counts first."""
    key: str
    label: str
    unit: str = ""
    decimals: int = 0
    aims: tuple = ()


@dataclasses.dataclass
class Part:
    """A table: measure(rig, conns) gives the value of each row's key, once per run."""
    name: str
    title: str
    sizes: tuple
    measure: typing.Callable
    rows: list
    remark: str = ""
    of: str = "connections"  # what `sizes` counts
    verdict: str = "all arrived once, in order"


def ratio(a, b):
    return a / b if a is not None and b else None


# ---- broadcast ----

def measure_compare(rig, conns):
    with rig.broker() as broker:
        seen = broker.bench("compare", conns, "--count", "20")
    broker_ms = seen("compare", "broker_last_receiver_p50_ms")
    floor_ms = seen("compare", "floor_last_receiver_p50_ms")
    return {"broker_us": seen("compare", "broker_each_us"),
            "floor_us": seen("compare", "floor_each_us"), "cpu": seen("compare", "ratio"),
            "broker_ms": broker_ms, "floor_ms": floor_ms, "time": ratio(broker_ms, floor_ms)}


COMPARE = Part(
    "compare", "one message at a time, 128 bytes, broker and floor in turns", (10000, 50000),
    measure_compare, [
        Row("broker_us", "broker, CPU per delivery", "us", 3),
        Row("floor_us", "floor, CPU per send", "us", 3),
        Row("cpu", "CPU, broker / floor", "x", 3, (("<=", 1.10),)),
        Row("broker_ms", "broker, time to last receiver p50", "ms", 1),
        Row("floor_ms", "floor, time to last receiver p50", "ms", 1),
        Row("time", "time, broker / floor", "x", 2),
    ])


def measure_plain(rig, conns):
    with rig.broker() as broker:
        seen = broker.bench("broadcast", conns, "--count", "20")
    return {"received": seen("delivery", "received"), "lost": seen("delivery", "lost"),
            "double": seen("delivery", "double"), "reordered": seen("delivery", "reordered"),
            "rate": seen("broadcast", "deliveries_per_s"),
            "last_ms": seen("broadcast", "last_receiver_p50_ms"),
            "cpu_us": seen("broker", "cpu_each_us")}


PLAIN = Part(
    "plain", "a broadcast of 20, one at a time, 128 bytes, and one for warming up",
    (50000, 60000), measure_plain, [
        Row("received", "received"),
        Row("lost", "lost", aims=(("<=", 0),)),
        Row("double", "double", aims=(("<=", 0),)),
        Row("reordered", "reordered", aims=(("<=", 0),)),
        Row("rate", "deliveries", "/s"),
        Row("last_ms", "time to last receiver p50", "ms", 1),
        Row("cpu_us", "broker, CPU per delivery", "us", 3),
    ])


# ---- memory ----

def measure_memory(rig, conns):
    baseline = min(BASELINE, conns // 10)
    with rig.broker() as broker:
        seen = broker.bench("hold", conns, "--baseline", str(baseline), "--seconds", "1")
    return {"pss": seen("broker", "pss_per_connection"), "pss_mib": seen("broker", "pss_mib"),
            "kernel": seen("kernel", "unreclaimable_half_bytes"),
            "pair": seen("kernel", "slab_pair_bytes"), "tcp": seen("kernel", "tcp_pair_bytes")}


MEMORY = Part(
    "memory", "idle connections, each of a user of its own, with its subscriptions", (50000,),
    measure_memory, [
        Row("pss", "broker, PSS per connection", "bytes", 1, (("<=", 640), ("<=", 448))),
        Row("pss_mib", "broker, PSS of all", "MiB", 1),
        Row("kernel", "kernel, per connection", "bytes", 1),
        Row("pair", "kernel, slab of both ends", "bytes", 1),
        Row("tcp", "kernel, queued data of both ends", "bytes", 1),
    ],
    f"PSS is the difference to {BASELINE:,} connections, or to a tenth where that is less, by the "
    "connections in between. Kernel per connection: half of the unreclaimable slab of both ends.")


# ---- coalescing ----

def measure_coalescing(rig, conns):
    with rig.broker() as broker:
        one = broker.bench("broadcast", conns, "--window", "1", "--count", "40")
        # Others than before: those would be given again what they have not confirmed.
        many = broker.bench("broadcast", conns, "--window", "16", "--count", "320",
                            "--user-prefix", "v")
    one_rate, many_rate = (one("broadcast", "deliveries_per_s"),
                           many("broadcast", "deliveries_per_s"))
    return {"one": one_rate, "many": many_rate, "gain": ratio(many_rate, one_rate),
            "one_us": one("broker", "cpu_each_us"), "many_us": many("broker", "cpu_each_us")}


COALESCING = Part(
    "coalescing", "16 messages in flight and one at a time, by the same broker", (10000,),
    measure_coalescing, [
        Row("one", "deliveries, one at a time", "/s"),
        Row("many", "deliveries, 16 in flight", "/s"),
        Row("gain", "16 in flight / one at a time", "x", 2, ((">=", 10),)),
        Row("one_us", "broker, CPU per delivery, one at a time", "us", 3),
        Row("many_us", "broker, CPU per delivery, 16 in flight", "us", 3),
    ])


# ---- unicast ----

def measure_floor(rig, conns):
    """CPU per send of the bare send loop, in us."""
    return rig.bench("floor", conns, "--count", "20")("floor", "cpu_each_us")


def unicast_values(rig, seen):
    paced = rig.bench("floor", 1, "--senders", "1", "--count", "2000", "--interval-ms", "1",
                      "--reap", "1", "--reap-us", "0")
    values = {key: seen("delivery", f"latency_{key}_us")
              for key in ("p50", "p90", "p99", "p99_9", "max")}
    values = {key: None if us is None else us / 1000 for key, us in values.items()}
    bare_ms = {key: ratio(paced("floor", f"latency_{key}_us"), 1000) for key in ("p50", "p99")}
    values["late_ms"] = ratio(seen("unicast", "publisher_late_us"), 1000)
    cpu_us, floor_us = seen("broker", "cpu_each_us"), measure_floor(rig, REFERENCE_CONNS)
    return values | {"bare_p50": bare_ms["p50"], "bare_p99": bare_ms["p99"],
                     "times": ratio(values["p50"], bare_ms["p50"]),
                     "cpu_us": cpu_us, "floor_us": floor_us, "cpu": ratio(cpu_us, floor_us),
                     "paced_us": paced("floor", "cpu_each_us")}


def measure_unicast_http(rig, conns):
    with rig.broker() as broker:
        seen = broker.bench("unicast", conns, "--rate", str(UNICAST_RATE),
                            "--seconds", str(UNICAST_S))
    return unicast_values(rig, seen)


def measure_unicast_redis(rig, conns):
    with rig.redis() as redis, rig.broker("--redis", redis.url) as broker:
        seen = broker.bench("unicast", conns, "--rate", str(UNICAST_RATE),
                            "--seconds", str(UNICAST_S), redis=redis.url)
    return unicast_values(rig, seen)


def unicast_part(name, title, measure, p99_ms):
    return Part(
        name, title, (50000,), measure, [
            Row("p50", "published to received p50", "ms", 3),
            Row("p90", "published to received p90", "ms", 3),
            Row("p99", "published to received p99", "ms", 3, (("<=", p99_ms),)),
            Row("p99_9", "published to received p99.9", "ms", 3),
            Row("max", "published to received, at most", "ms", 3),
            Row("late_ms", "publisher behind its time, at most", "ms", 3),
            Row("bare_p50", "bare send to one socket p50", "ms", 3),
            Row("bare_p99", "bare send to one socket p99", "ms", 3),
            Row("times", "p50, broker / bare send", "x", 2),
            Row("cpu_us", "broker, CPU per message", "us", 1),
            Row("floor_us", "floor, CPU per send, a burst", "us", 3),
            Row("cpu", "CPU, broker / floor", "x", 1),
            Row("paced_us", "floor, CPU per send, one a millisecond", "us", 1),
        ],
        f"{UNICAST_RATE:,} messages a second for {UNICAST_S} s, each to a random user. References: "
        "the floor in the same run, without a broker and without the idle connections: a burst to "
        f"each of {REFERENCE_CONNS:,} sockets for CPU; one send a millisecond to one socket for "
        "latency. CPU of Redis is not in it.")


# ---- handshakes ----

def measure_handshakes(rig, conns):
    with rig.broker() as broker:
        seen = broker.bench("storm", conns)
    raw = rig.bench("floor", conns, "--count", "1")
    rate = seen("connections", "handshakes_per_s")
    raw_rate = ratio(raw("floor", "connections"), raw("floor", "opening_s"))
    return {"rate": rate, "raw": raw_rate, "share": ratio(rate, raw_rate),
            "p50": seen("connections", "handshake_p50_ms"),
            "p99": seen("connections", "handshake_p99_ms"),
            "back_s": seen("storm", "back_s"), "storm_rate": seen("storm", "handshakes_per_s"),
            "again_p50": seen("connections", "handshake_again_p50_ms"),
            "again_p99": seen("connections", "handshake_again_p99_ms"),
            "retried": seen("storm", "retried"), "cpu_us": seen("broker", "cpu_each_us")}


HANDSHAKES = Part(
    "handshakes", "with an HS256 token, subscriptions and `connected`", (50000,),
    measure_handshakes, [
        Row("rate", "handshakes", "/s", 0, ((">=", 20000), (">=", 30000))),
        Row("raw", "floor: raw TCP connections", "/s"),
        Row("share", "broker / floor", "x", 2),
        Row("p50", "handshake p50", "ms", 1),
        Row("p99", "handshake p99", "ms", 1),
        Row("back_s", "storm: all cut at once, all back after", "s", 2),
        Row("storm_rate", "storm: that is", "/s"),
        Row("again_p50", "storm: handshake p50", "ms", 1),
        Row("again_p99", "storm: handshake p99", "ms", 1),
        Row("retried", "storm: refused and tried again"),
        Row("cpu_us", "storm: broker, CPU per connection", "us", 1),
    ])


# ---- idle ----

def measure_idle(rig, conns):
    with rig.broker("--heartbeat-interval", f"{HEARTBEAT_S}s") as broker:
        seen = broker.bench("hold", conns, "--seconds", str(IDLE_WATCH_S))
    floor_us = measure_floor(rig, REFERENCE_CONNS)
    percent, pings_per_s = seen("idle", "core_percent"), conns / HEARTBEAT_S
    floor_percent = pings_per_s * floor_us / 1e4 if floor_us else None
    return {"percent": percent, "pings": pings_per_s, "floor_us": floor_us,
            "floor_percent": floor_percent, "times": ratio(percent, floor_percent),
            "answered": seen("delivery", "pings")}


IDLE = Part(
    "idle", f"idle connections with a heartbeat of {HEARTBEAT_S} s", (50000,), measure_idle, [
        Row("percent", f"broker, CPU of one core, over {IDLE_WATCH_S} s", "%", 3, (("<=", 2),)),
        Row("pings", "pings sent, by the heartbeat", "/s"),
        Row("floor_us", "floor, CPU per send", "us", 3),
        Row("floor_percent", "so many sends of the floor, of one core", "%", 3),
        Row("times", "broker / floor", "x", 2),
        Row("answered", "pings answered, in all"),
    ],
    f"The floor only sends, in a burst to each of {REFERENCE_CONNS:,} sockets; the broker is also "
    "given the answers.")


FIGURES = {
    "broadcast": [COMPARE, PLAIN],
    "memory": [MEMORY],
    "coalescing": [COALESCING],
    "unicast": [unicast_part("http", "by HTTP, embedded log", measure_unicast_http, 0.3),
                unicast_part("redis", "by XADD through Redis", measure_unicast_redis, 0.6)],
    "handshakes": [HANDSHAKES],
    "idle": [IDLE],
}
