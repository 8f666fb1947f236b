"""permessage-deflate (RFC 7692) from clients: every form is understood, and nothing that is sent
can blow up. What clients get is in test_compression.py."""

import asyncio
import json
import os
import pathlib
import struct
import zlib

import pytest
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory

from client import Client
from deflated import (OFFER, RSV1, TAIL, assert_closes, counted, deflate, items, noise, open_raw,
                      text_of)
from openmetrics import scrape
from pace import SLOW, scaled
from raw_socket import (BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, RawSocket, close_frame,
                        frame)


@pytest.fixture
def echo_broker(start_broker):
    return start_broker(debug_echo="on", close_timeout="100ms")


@pytest.fixture
def echo(echo_broker):
    with open_raw(echo_broker, "/echo", bearer=False, timeout=20) as raw:
        yield raw


# ---- what is understood ----

SIZES = [0, 1, 2, 125, 126, 1000, 4095, 4096, 4097, 65535, 65536, 131072, 3 << 20]


@pytest.mark.parametrize("extensions", ["deflate", None])
async def test_messages_of_all_sizes_come_back(echo_broker, extensions):
    async with await Client.open_silent(echo_broker, "/echo", bearer=None, compression=extensions,
                                        max_size=None) as client:
        for size in SIZES:
            for message in ("Grüße " * (size // 8), os.urandom(size), b"\0" * size):
                await client.socket.send(message)
                assert await asyncio.wait_for(client.socket.recv(), scaled(10)) == message
    if extensions:
        assert counted(echo_broker, "inflated") == 3 * len(SIZES)


async def test_clients_may_choose_every_window(echo_broker):
    for server, client_bits in ((None, None), (12, 12), (9, 9), (15, 15), (10, 15)):
        factory = ClientPerMessageDeflateFactory(server_max_window_bits=server,
                                                 client_max_window_bits=client_bits)
        async with await Client.open_silent(echo_broker, "/echo", bearer=None, max_size=None,
                                            extensions=[factory]) as client:
            for size in (1, 100, 5000, 200000):
                message = json.dumps(items(size // 100 + 1))
                await client.socket.send(message)
                assert await asyncio.wait_for(client.socket.recv(), scaled(10)) == message


async def test_commands_may_be_compressed(broker, producer):
    async with await Client.open(broker, compression="deflate") as client:
        answer = await client.ask({"type": "subscribe", "channel": "trending", "ref": "r" * 100})
        assert (answer["type"], answer["ref"]) == ("subscribed", "r" * 100)
        assert await client.is_alive()
        producer.publish("trending", "1")
        assert (await client.next())["data"] == 1
    assert counted(broker, "inflated") >= 2


HELLO = {
    "one block": [b"\xf2\x48\xcd\xc9\xc9\x07\x00"],
    "fragments": [b"\xf2\x48\xcd", b"\xc9\xc9\x07\x00"],
    "not compressed": [b"\x00\x05\x00\xfa\xffHello\x00"],
    "the last block": [b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00"],
    "two blocks": [b"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00"],
    "empty fragments": [b"", b"\xf2\x48\xcd", b"", b"\xc9\xc9\x07\x00", b""],
}


@pytest.mark.parametrize("parts", HELLO.values(), ids=HELLO.keys())
@pytest.mark.parametrize("piece", [1, 1000])
def test_every_form_of_hello_is_understood(echo, parts, piece):
    """RFC 7692 section 7.2.3, with a ping between fragments, also byte by byte."""
    raw = b""
    for index, part in enumerate(parts):
        raw += frame(CONTINUATION if index else TEXT, part, final=index == len(parts) - 1,
                     rsv=0 if index else RSV1)
        if index < len(parts) - 1:
            raw += frame(PING, b"between")
    echo.send_in_pieces(raw, piece)
    for _ in parts[1:]:
        assert echo.read_frame().opcode == PONG
    got = echo.read_frame()
    assert (got.opcode, got.payload) == (TEXT, b"Hello")


def test_a_large_message_in_many_fragments(echo):
    text = json.dumps(items(30000)).encode()
    payload, raw = deflate(text), b""
    for start in range(0, len(payload), 1000):
        raw += frame(CONTINUATION if start else TEXT, payload[start:start + 1000],
                     final=start + 1000 >= len(payload), rsv=0 if start else RSV1)
    echo.send_in_pieces(raw, 777)
    assert text_of(echo.read_frame()) == text


def test_compressed_and_plain_messages_may_take_turns(echo):
    for number in range(20):
        text = f"number {number} ".encode() * 3
        echo.send(frame(TEXT, deflate(text), rsv=RSV1) if number % 2 else frame(TEXT, text))
        assert echo.read_frame().payload == text
    echo.send(frame(TEXT, b"\x00", rsv=RSV1) + frame(BINARY, b"", rsv=RSV1))
    assert [(got.opcode, got.payload) for got in (echo.read_frame(), echo.read_frame())] \
        == [(TEXT, b""), (BINARY, b"")]


MISUSED = {
    "on a ping": frame(PING, b"x", rsv=RSV1),
    "on a pong": frame(PONG, b"x", rsv=RSV1),
    "on a close": frame(CLOSE, struct.pack("!H", 1000), rsv=RSV1),
    "on a continuation": frame(TEXT, b"\xf2\x48", final=False, rsv=RSV1)
    + frame(CONTINUATION, b"\xcd", rsv=RSV1),
    "on a continuation alone": frame(TEXT, b"a", final=False) + frame(CONTINUATION, b"", rsv=RSV1),
    "RSV2": frame(TEXT, b"a", rsv=2),
    "RSV3 beside it": frame(TEXT, b"a", rsv=RSV1 | 1),
}


@pytest.mark.parametrize("bad", MISUSED.values(), ids=MISUSED.keys())
def test_rsv1_elsewhere_is_a_protocol_error(echo, bad):
    echo.send(bad)
    assert_closes(echo, 1002)


def test_rsv1_that_was_not_agreed_on_is_a_protocol_error(start_broker):
    for broker, offer in ((start_broker(), ()), (start_broker(compression="off"), OFFER)):
        with RawSocket(broker) as raw:
            raw.upgrade(headers=offer)
            raw.read_message()
            raw.send(frame(TEXT, deflate(b"ping"), rsv=RSV1))
            assert_closes(raw, 1002)


@pytest.mark.parametrize("bad", [
    b"\xf2\x00\x11\x00\x00", b"\xf2\x48\xcd\xc9", b"Hello", zlib.compress(b"Hello"), b"\x07",
    b"\xf2\x48\xcd\xc9\xc9\x07\x00" + TAIL, b"\x00\x05\x00\xfa\xffH"])
def test_corrupt_data_are_refused(broker, bad):
    """The first one is RFC 7692 section 7.2.3.2: it needs the window of the message before."""
    with open_raw(broker) as raw:
        raw.send(frame(TEXT, deflate(b"ping"), rsv=RSV1))
        assert raw.read_frame().payload == b"pong"
        raw.send(frame(TEXT, bad, rsv=RSV1))
        assert_closes(raw, 1007, "compressed data are corrupt")
    assert counted(broker, "closed") >= 1
    assert scrape(broker).total("belfry_closed_total", reason="corrupt") == 1


@pytest.mark.parametrize("text", [b"\xff", b"ping\xc3", b"\xed\xa0\x80"])
def test_text_is_checked_after_it_was_inflated(broker, text):
    with open_raw(broker) as raw:
        raw.send(frame(TEXT, deflate(text), rsv=RSV1))
        assert_closes(raw, 1007, "text is not UTF-8")


def test_binary_messages_stay_refused(broker):
    with open_raw(broker) as raw:
        raw.send(frame(BINARY, deflate(b"ping"), rsv=RSV1))
        assert_closes(raw, 1003)


# ---- limits ----

def resident_kb(broker):
    """What the process holds alone or its share of, and the most it ever held."""
    status = pathlib.Path(f"/proc/{broker.process.pid}/status").read_text()
    rollup = pathlib.Path(f"/proc/{broker.process.pid}/smaps_rollup").read_text()
    return tuple(int(line.split()[1]) for text, name in ((rollup, "Pss:"), (status, "VmHWM:"))
                 for line in text.splitlines() if line.startswith(name))


def test_a_bomb_is_refused_before_memory_grows(broker):
    """256 MB of zeros in 255 KB, too large as it is, and 60 MB in less than 64 KB."""
    too_large, bomb = deflate(b"\0" * (256 << 20), 9), deflate(b"\0" * (60 << 20), 9)
    assert len(bomb) < 65536 < len(too_large)
    with open_raw(broker) as raw:
        raw.send(frame(TEXT, deflate(b"ping"), rsv=RSV1))
        assert raw.read_frame().payload == b"pong"
    before = resident_kb(broker)[1]
    for payload in [too_large, *[bomb] * 20]:
        with open_raw(broker) as raw:
            half = len(payload) // 2
            raw.send(frame(TEXT, payload[:half], final=False, rsv=RSV1))
            try:
                raw.send(frame(CONTINUATION, payload[half:]))
            except (BrokenPipeError, ConnectionResetError):
                assert payload is too_large
            got = raw.read_frame()
            assert (got.opcode, got.code) == (CLOSE, 1009)
    # A sanitizer keeps for a while what was freed.
    assert resident_kb(broker)[1] - before < (12 << 10) * SLOW


def test_the_largest_message_may_be_compressed_however_badly(start_broker):
    broker = start_broker(max_client_message="16k", compression_level=1)
    text = '{"type":"x","pad":' + noise(20000)[:16384 - 20] + '"}'
    assert len(text) == 16384
    with open_raw(broker) as raw:
        for level in (0, 1, 9):
            payload = deflate(text.encode(), level)
            raw.send(frame(TEXT, payload, rsv=RSV1))
            assert raw.read_frame().json()["code"] == "unknown_type"
        raw.send(frame(TEXT, deflate(text.encode() + b" "), rsv=RSV1))
        assert_closes(raw, 1009)


def test_few_bytes_that_are_much_work_are_spread_over_turns(start_broker):
    """400 messages of 64 KiB in 40 KB: five receives, but 25 MB. Each is answered, in order."""
    broker = start_broker(message_rate=0, message_rate_per_user=0)
    with open_raw(broker, timeout=20) as raw:
        before = counted(broker, "turns")
        burst = b""
        for number in range(400):
            text = json.dumps({"type": "ping", "ref": number}).encode()
            burst += frame(TEXT, deflate(text + b" " * (65536 - len(text)), 9), rsv=RSV1)
            burst += frame(TEXT, json.dumps({"type": "ping", "ref": f"plain {number}"}))
        raw.send(burst)
        for number in range(400):
            assert [raw.read_message()["ref"] for _ in range(2)] == [number, f"plain {number}"]
        assert counted(broker, "turns") - before >= 90
    with open_raw(broker) as raw:
        raw.send(burst + close_frame(1000))
        assert raw.read_until_close()[-1].code == 1000


def test_a_message_of_empty_final_blocks_costs_no_time(echo):
    """32,000 ends of a stream in one message: each of them makes the decoder begin anew."""
    echo.send(frame(TEXT, b"\x03\x00" * 32000 + deflate(b"Hello"), rsv=RSV1))
    assert echo.read_frame().payload == b"Hello"


@pytest.mark.heavy
def test_an_idle_connection_costs_no_more_with_compression(start_broker):
    """The same number of connections on two brokers, each of which has compressed before."""
    costs = []
    for offer in ((), OFFER):
        broker, sockets = start_broker(), []
        with open_raw(broker) as raw:
            raw.send(frame(TEXT, deflate(b"ping"), rsv=RSV1))
            assert raw.read_frame().payload == b"pong"

        def open_more(count):
            for _ in range(count):
                raw = RawSocket(broker)
                raw.upgrade(headers=offer, user=f"u{len(sockets)}")
                raw.read_message()
                if offer:
                    raw.send(frame(TEXT, deflate(b"ping"), rsv=RSV1))
                    assert raw.read_frame().payload == b"pong"
                sockets.append(raw)

        open_more(500)
        before = resident_kb(broker)[0]
        open_more(3000)
        costs.append((resident_kb(broker)[0] - before) * 1024 / 3000)
        for raw in sockets:
            raw.socket.close()
    assert costs[1] - costs[0] < 256, f"{costs} bytes of an idle connection"
