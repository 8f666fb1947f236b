"""The figures of the ways to receive. See figure_parts.py."""

import http.client
import json
import random
import time

from crowd import (Crowd, DEFLATE, NATIVE, POLL, SOCKET_IO, SOCKET_IO_POLL, STREAM)
from figure_parts import Part, Row, ratio

MIXED = (NATIVE, DEFLATE, STREAM, SOCKET_IO)
ROUNDS, WARMUP = 20, 3
BASELINE_SHARE = 10      # memory is looked at first at a tenth of the connections
SETTLE_S = 2


# ---- one broadcast to all kinds ----

def order(number):
    """About 1.2 KB of JSON as it is in notifications."""
    text = f"An order of yours has moved on to step {number}, see what is new there. "
    return {"n": number, "title": text, "message": text * 15}


def publish(broker, data):
    body = json.dumps({"to": ["all"], "event": "order.moved", "data": data})
    link = http.client.HTTPConnection(broker.admin, timeout=10)
    try:
        link.request("POST", "/api/publish", body,
                     {"Authorization": f"Bearer {broker.api_key}",
                      "Content-Type": "application/json"})
        answer = link.getresponse()
        if answer.status != 200:
            raise OSError(f"publishing: {answer.status} {answer.read()[:200]!r}")
        answer.read()
    finally:
        link.close()


def broadcast(rig, kinds, conns, data_of=order):
    """Median time to the last, CPU of the broker per delivery, writings per message, bytes."""
    with rig.broker() as broker, Crowd(broker) as crowd:
        crowd.open(kinds, conns)
        times = []
        for number in range(WARMUP + ROUNDS):
            if number == WARMUP:
                cpu_s, encoded = broker.cpu_s(), broker.metric("belfry_encoded_total")
                out = broker.metric("belfry_bytes_out_total")
            publish(broker, data_of(number))
            times.append(crowd.arrivals())
            time.sleep(0.02)
        times = sorted(times[WARMUP:])
        return {"last_ms": times[len(times) // 2] * 1000,
                "each_us": (broker.cpu_s() - cpu_s) / ROUNDS / conns * 1e6,
                "encoded": (broker.metric("belfry_encoded_total") - encoded) / ROUNDS,
                "bytes": (broker.metric("belfry_bytes_out_total") - out) / ROUNDS / conns}


def measure_mixed(rig, conns):
    plain, mixed = broadcast(rig, (NATIVE,), conns), broadcast(rig, MIXED, conns)
    return {"plain_ms": plain["last_ms"], "mixed_ms": mixed["last_ms"],
            "time": ratio(mixed["last_ms"], plain["last_ms"]),
            "plain_us": plain["each_us"], "mixed_us": mixed["each_us"],
            "cpu": ratio(mixed["each_us"], plain["each_us"]),
            "plain_encoded": plain["encoded"], "encoded": mixed["encoded"],
            "most": rig.shards * len(MIXED),
            "plain_bytes": plain["bytes"], "bytes": mixed["bytes"]}


MIXED_PART = Part(
    "mixed", "a broadcast of about 1.2 KB, one at a time; a quarter each of WebSocket, WebSocket "
    "with compression, event stream, Socket.IO", (10000,), measure_mixed, [
        Row("plain_ms", "WebSockets only, time to last receiver p50", "ms", 1),
        Row("mixed_ms", "mixed, time to last receiver p50", "ms", 1),
        Row("time", "time, mixed / WebSockets only", "x", 2),
        Row("plain_us", "WebSockets only, broker CPU per delivery", "us", 2),
        Row("mixed_us", "mixed, broker CPU per delivery", "us", 2),
        Row("cpu", "CPU, mixed / WebSockets only", "x", 2),
        Row("plain_encoded", "WebSockets only, times it was written", "", 1),
        Row("encoded", "mixed, times it was written", "", 1),
        Row("most", "shards x encodings: it may be written as often"),
        Row("plain_bytes", "WebSockets only, bytes for each receiver"),
        Row("bytes", "mixed, bytes for each receiver"),
    ], "The clients are one Python process on the same processors.",
    verdict="each message came to every connection")


# ---- compression ----

WORDS = ("Anna order shipped comment mentioned you in release invoice payment failed build passed "
         "Oskar liked your photo meeting moved to tomorrow changed price of").split()


def items(number):
    """About 4 KB: a list of things that differ in their numbers, names and texts."""
    pick = random.Random(number)
    return [{"id": pick.randrange(1 << 30), "actor": {"id": pick.randrange(10 ** 6),
                                                      "name": pick.choice(WORDS)},
             "text": " ".join(pick.choices(WORDS, k=8)), "read": pick.random() < 0.25,
             "url": f"/items/{pick.randrange(1 << 32):08x}"} for _ in range(25)]


def measure_compression(rig, conns):
    plain = broadcast(rig, (NATIVE,), conns, items)
    small = broadcast(rig, (DEFLATE,), conns, items)
    return {"plain_bytes": plain["bytes"], "bytes": small["bytes"],
            "gain": ratio(plain["bytes"], small["bytes"]),
            "plain_us": plain["each_us"], "us": small["each_us"],
            "cpu": ratio(small["each_us"], plain["each_us"]), "encoded": small["encoded"]}


COMPRESSION_PART = Part(
    "compression", "a broadcast of about 4 KB of JSON, one at a time, to WebSockets that take it "
    "compressed, and to such that do not", (10000,), measure_compression, [
        Row("plain_bytes", "as it is, bytes for each receiver"),
        Row("bytes", "compressed, bytes for each receiver"),
        Row("gain", "bytes, as it is / compressed", "x", 2),
        Row("plain_us", "as it is, broker CPU per delivery", "us", 2),
        Row("us", "compressed, broker CPU per delivery", "us", 2),
        Row("cpu", "CPU, compressed / as it is", "x", 2),
        Row("encoded", "times it was compressed", "", 1),
    ], "The clients are one Python process on the same processors; they inflate nothing.",
    verdict="each message came to every connection")


# ---- memory ----

def settled(broker):
    time.sleep(SETTLE_S)
    return broker.pss_mib() * 1024 * 1024


def memory_of(rig, kind, conns):
    with rig.broker() as broker, Crowd(broker) as crowd:
        crowd.open((kind,), conns // BASELINE_SHARE)
        before = settled(broker)
        crowd.open((kind,), conns - len(crowd))
        return (settled(broker) - before) / (conns - conns // BASELINE_SHARE)


KINDS = (NATIVE, DEFLATE, STREAM, SOCKET_IO, POLL, SOCKET_IO_POLL)
NAMES = {"native": "WebSocket", "deflate": "WebSocket with compression",
         "stream": "event stream", "socket_io": "Socket.IO over WebSocket",
         "poll": "long poll that waits", "socket_io_poll": "Socket.IO poll that waits"}


def measure_memory(rig, conns):
    return {kind.name: memory_of(rig, kind, conns) for kind in KINDS}


MEMORY_PART = Part(
    "memory", "idle connections, each of a user of its own", (10000,), measure_memory,
    [Row(kind.name, f"{NAMES[kind.name]}, PSS each", "bytes", 1) for kind in KINDS],
    "PSS of the broker, the difference to a tenth of the connections, by the connections in "
    "between; user space only.", verdict="all were opened")

FIGURES = {"mixed": [MIXED_PART], "compression": [COMPRESSION_PART], "memory": [MEMORY_PART]}
