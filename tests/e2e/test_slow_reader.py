"""One client stops reading: nobody else notices, and it gets everything when it reads on."""

import asyncio
import json
import time

import pytest

from client import Client, Crowd
from pace import wait_until_async
from raw_socket import CLOSE, PING, TEXT, RawSocket

COUNT = 5000
PAD = "x" * 500


def read_to_the_end(raw, count):
    """Numbers that a slow reader got, and how it ended: a close code, or None when it got all."""
    numbers = []
    while len(numbers) < count:
        try:
            got = raw.read_frame()
        except (EOFError, ConnectionError):
            return numbers, "cut off"
        if got.opcode == CLOSE:
            return numbers, got.code
        if got.opcode == PING:
            continue
        assert got.opcode == TEXT
        message = got.json()
        if message["type"] != "connected":
            numbers.append(message["data"]["n"])
    return numbers, None


@pytest.mark.heavy
@pytest.mark.parametrize("channel", ["all", "user:slow"])
async def test_a_slow_reader_delays_nobody_and_loses_nothing(start_broker, producers, channel):
    broker = start_broker(shards=1, close_timeout="60s")
    producer = producers(broker)
    others = await Crowd.open(broker, 10, user=lambda index: "slow")
    slow = RawSocket(broker, receive_buffer=65536, timeout=20)
    slow.upgrade(user="slow")
    delays = []
    for start in range(0, COUNT, 100):
        entries = [(channel, json.dumps({"n": number, "pad": PAD}))
                   for number in range(start, start + 100)]
        published = time.monotonic()
        await asyncio.to_thread(producer.publish_many, entries)
        await wait_until_async(lambda: min(map(len, others.texts)) >= start + 100,
                               f"{start + 100} messages at the others")
        delays.append(time.monotonic() - published)
    for index in range(10):
        assert [message["data"]["n"] for message in others.messages(index)] == list(range(COUNT))
    assert sorted(delays)[len(delays) // 2] < 0.5, delays
    numbers, end = await asyncio.to_thread(read_to_the_end, slow, COUNT)
    slow.socket.close()
    assert numbers == list(range(len(numbers))), "a gap, or out of order"
    assert end is None, f"{end} after {len(numbers)} messages"
    await others.close()


@pytest.mark.heavy
async def test_a_reader_that_never_reads_is_cut_off(start_broker, producers):
    """It does not hear why, but its place is given back."""
    broker = start_broker(slow_deadline="1s", close_timeout="200ms")
    producer = producers(broker)
    slow = RawSocket(broker, receive_buffer=4096)
    slow.upgrade()
    for _ in range(40):
        producer.publish("user:42", '"' + "x" * 60000 + '"')
    await wait_until_async(lambda: broker.ask("/ws/stats").json()["total_connections"] == 0,
                           "the slow reader is gone")
    slow.socket.close()


@pytest.mark.heavy
async def test_many_slow_readers_do_not_take_the_memory(start_broker, producers):
    """30 clients that do not read, 10 MB for each of them: the process stays small."""
    broker = start_broker(shards=1)
    producer = producers(broker)
    slow = [RawSocket(broker, receive_buffer=4096) for _ in range(30)]
    for number, raw in enumerate(slow):
        raw.upgrade(user=f"slow{number}")
    before = resident_bytes(broker)
    async with await Client.open(broker, user="quick") as quick:
        for _ in range(200):
            await asyncio.to_thread(producer.publish, "all", '"' + "x" * 50000 + '"')
            assert len((await quick.next())["data"]) == 50000
        assert resident_bytes(broker) - before < 120 << 20
    for raw in slow:
        raw.socket.close()


def resident_bytes(broker):
    with open(f"/proc/{broker.process.pid}/statm", encoding="ascii") as statm:
        return int(statm.read().split()[1]) * 4096


async def test_a_client_that_pauses_a_little_gets_everything(broker, producer):
    """Less than what may wait for one connection: no close, no gap."""
    slow = RawSocket(broker, receive_buffer=4096)
    slow.upgrade()
    for number in range(100):
        producer.publish("user:42", json.dumps({"n": number, "pad": PAD}))
    await asyncio.sleep(0.5)
    numbers, end = await asyncio.to_thread(read_to_the_end, slow, 100)
    assert (numbers, end) == (list(range(100)), None)
    producer.publish("user:42", '{"n":100}')
    assert slow.read_message()["data"]["n"] == 100
    slow.socket.close()
