"""permessage-deflate (RFC 7692): who offers it gets large notifications compressed, once for all,
and may compress what it sends; nothing else changes, and nothing that is sent can blow up."""

import asyncio
import base64
import json
import os
import pathlib
import random
import shutil
import struct
import subprocess
import zlib

import pytest
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory

import chromium
from client import Client, resume
from openmetrics import scrape
from pace import scaled, wait_until
from raw_socket import (BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, RawSocket, close_frame, frame,
                        upgrade_request)
from tokens import token

PMD = "permessage-deflate"
AGREED = PMD + "; server_no_context_takeover; client_no_context_takeover"
OFFER = ("Sec-WebSocket-Extensions: " + PMD,)
RSV1 = 4
TAIL = b"\x00\x00\xff\xff"
HERE = pathlib.Path(__file__).parent

needs_chromium = pytest.mark.skipif(not chromium.find(), reason="no Chromium is installed")
needs_ws = pytest.mark.skipif(
    not shutil.which("node") or not (HERE / "node_modules" / "ws").is_dir(),
    reason="node or its package ws is not installed: tools/setup --test")


def deflate(data, level=6, bits=-15):
    """The payload of a compressed message."""
    coder = zlib.compressobj(level, zlib.DEFLATED, bits)
    return (coder.compress(data) + coder.flush(zlib.Z_SYNC_FLUSH))[:-4]


def inflate(payload, bits=-15):
    return zlib.decompressobj(bits).decompress(payload + TAIL)


def text_of(got, bits=-15):
    """The text of a frame, compressed or not."""
    assert got.opcode == TEXT and got.final and got.rsv in (0, RSV1)
    return inflate(got.payload, bits) if got.rsv else got.payload


def items(count, seed=1):
    """Data as notifications have them: they repeat names and differ in values."""
    pick = random.Random(seed)
    return [{"id": pick.randrange(1 << 30), "name": pick.choice("abcdefgh") * 5,
             "text": "Anna mentioned you in a comment", "read": False} for _ in range(count)]


def noise(size, seed=1):
    """JSON text that hardly shrinks."""
    raw = random.Random(seed).randbytes(size)
    return json.dumps(base64.b85encode(raw).decode()[:size])


def counted(broker, name):
    return scrape(broker).total(f"belfry_{name}_total")


def open_raw(broker, path="/ws", offer=OFFER, **more):
    """A connection by hand that has agreed on compression; it has read `connected`."""
    raw = RawSocket(broker, **{key: more.pop(key) for key in ("receive_buffer", "timeout")
                               if key in more})
    head = raw.upgrade(path, headers=offer, **more)
    assert head.headers["sec-websocket-extensions"].startswith(AGREED)
    if path == "/ws":
        assert raw.read_message()["type"] == "connected"
    return raw


@pytest.fixture
def echo_broker(start_broker):
    return start_broker(debug_echo="on", close_timeout="100ms")


@pytest.fixture
def echo(echo_broker):
    with open_raw(echo_broker, "/echo", bearer=False, timeout=20) as raw:
        yield raw


def assert_closes(raw, code, reason=None):
    got = raw.read_frame()
    assert (got.opcode, got.code) == (CLOSE, code), (got.opcode, got.payload[:100])
    assert reason is None or got.payload[2:].decode() == reason
    assert raw.is_closed_by_broker()


# ---- what is agreed on ----

def answer_to(broker, lines, **more):
    with RawSocket(broker) as raw:
        raw.send(upgrade_request(headers=["Sec-WebSocket-Extensions: " + line for line in lines],
                                 **more))
        head = raw.read_head()
    return head.status, head.headers.get("sec-websocket-extensions")


@pytest.mark.parametrize("lines, agreed", [
    ([PMD], AGREED),
    ([PMD + "; client_max_window_bits"], AGREED),
    ([PMD + "; client_max_window_bits=9"], AGREED),
    ([PMD + "; server_max_window_bits=12; client_max_window_bits=12"],
     AGREED + "; server_max_window_bits=12"),
    ([PMD + '; server_max_window_bits="15"'], AGREED + "; server_max_window_bits=15"),
    ([PMD + "; server_max_window_bits=8"], AGREED + "; server_max_window_bits=8"),
    ([PMD + "; server_max_window_bits=10, " + PMD], AGREED),
    (["x-webkit-deflate-frame, " + PMD], AGREED),
    (["foo; bar", PMD + "; surprise", PMD], AGREED),
    (["foo; bar=baz"], None),
    ([PMD + "; server_max_window_bits=16"], None),
    ([PMD + "; server_max_window_bits=08"], None),
    ([PMD + "; server_no_context_takeover; server_no_context_takeover"], None),
    ([PMD + "; surprise"], None),
    ([""], None),
])
def test_an_offer_is_answered_with_what_the_rfc_allows(broker, lines, agreed):
    assert answer_to(broker, lines) == (101, agreed)


@pytest.mark.parametrize("line", [PMD + ";", PMD + "; a=", PMD + '; a="b', PMD + " foo", "=", '"'])
def test_extensions_against_their_grammar_end_the_handshake(broker, line):
    assert answer_to(broker, [line]) == (400, None)
    assert answer_to(broker, [PMD, line]) == (400, None)


def test_no_compression_without_an_offer_or_where_it_is_off(start_broker):
    assert answer_to(start_broker(), []) == (101, None)
    assert answer_to(start_broker(compression="off"), [PMD]) == (101, None)


def test_a_refusal_after_the_upgrade_agrees_on_nothing(broker):
    with RawSocket(broker) as raw:
        head = raw.upgrade(headers=[*OFFER, "Sec-WebSocket-Protocol: belfry"], bearer="wrong")
        assert "sec-websocket-extensions" not in head.headers
        assert_closes(raw, 4401)


# ---- notifications ----

def test_large_notifications_are_compressed_and_small_ones_are_not(broker, producer):
    with open_raw(broker) as raw, RawSocket(broker) as plain:
        plain.upgrade()
        plain.read_message()
        for count in (1, 5, 20, 100, 400):
            producer.publish("user:42", json.dumps(items(count)))
            got, same = raw.read_frame(), plain.read_frame()
            assert same.rsv == 0 and got.final
            assert text_of(got) == same.payload
            assert got.rsv == (RSV1 if len(same.payload) >= 1024 else 0)
            assert len(got.payload) < len(same.payload) / 2 or not got.rsv
    assert counted(broker, "compressed") == 3
    assert counted(broker, "compressed_bytes_in") > 3 * counted(broker, "compressed_bytes_out")


def test_what_does_not_shrink_goes_out_as_it_is(start_broker, producers):
    broker = start_broker(compression_threshold="0")
    producer = producers(broker)
    with open_raw(broker) as raw:
        head = len(json.dumps({"type": "notification"}))
        for data in ("1", noise(10), noise(5000)):
            producer.publish("user:42", data)
            got = raw.read_frame()
            assert json.loads(text_of(got))["data"] == json.loads(data)
            assert len(got.payload) < head + 200 + len(data)


def test_answers_pings_and_closes_are_not_compressed(start_broker):
    broker = start_broker(compression_threshold="0", heartbeat_interval="1s")
    with open_raw(broker) as raw:
        raw.send(frame(TEXT, json.dumps({"type": "ping", "ref": "x" * 100})))
        pong, ping = raw.read_frame(), raw.read_frame()
        assert (pong.rsv, pong.json()["ref"]) == (0, "x" * 100)
        assert (ping.opcode, ping.rsv) == (PING, 0)
        raw.send(close_frame(1000))
        assert raw.read_until_close()[-1].rsv == 0


@pytest.mark.parametrize("bits", [12, 13, 15])
def test_the_window_that_was_asked_for_is_enough(broker, producer, bits):
    offer = (f"Sec-WebSocket-Extensions: {PMD}; server_max_window_bits={bits}",)
    with open_raw(broker, offer=offer) as raw:
        for seed in range(20):
            producer.publish("user:42", json.dumps(items(500, seed)))
            got = raw.read_frame()
            assert got.rsv == RSV1
            assert json.loads(text_of(got, -bits))["data"] == items(500, seed)


@pytest.mark.parametrize("bits", [8, 9, 11])
def test_a_client_with_a_smaller_window_gets_plain_frames(broker, producer, bits):
    offer = (f"Sec-WebSocket-Extensions: {PMD}; server_max_window_bits={bits}",)
    with open_raw(broker, offer=offer) as raw:
        producer.publish("user:42", json.dumps(items(100)))
        got = raw.read_frame()
        assert got.rsv == 0 and got.json()["data"] == items(100)
        raw.send(frame(TEXT, deflate(b"ping"), rsv=RSV1))
        assert raw.read_frame().payload == b"pong"


@pytest.mark.parametrize("level", [1, 6, 9])
async def test_every_size_arrives_at_a_client_that_compresses(start_broker, producers, level):
    broker = start_broker(compression_level=level, compression_threshold="1")
    producer = producers(broker)
    async with await Client.open(broker, compression="deflate") as client:
        assert "permessage-deflate" in client.socket.response.headers["Sec-WebSocket-Extensions"]
        for size in (0, 1, 100, 125, 126, 127, 900, 1000, 1100, 4096, 30000, 65000):
            for data in ('"' + "x" * size + '"', noise(size, size)):
                producer.publish("user:42", data)
                assert (await client.next())["data"] == json.loads(data)


@pytest.mark.parametrize("shards", [1, 2])
async def test_a_notification_is_compressed_once_for_all(start_broker, producers, shards):
    """60 connections, of which 40 compress, on a tape; one shard writes it once for each."""
    broker = start_broker(shards=shards)
    producer = producers(broker)
    crowd = await asyncio.gather(*(
        Client.open(broker, user=f"u{number}", compression="deflate" if number % 3 else None)
        for number in range(60)))
    before = counted(broker, "compressed"), counted(broker, "encoded")
    for number in range(10):
        producer.publish("all", json.dumps(items(100, number)))
    for client in crowd:
        assert await client.data(10) == [items(100, number) for number in range(10)]
    assert counted(broker, "compressed") - before[0] <= 10 * shards
    assert counted(broker, "encoded") - before[1] <= 20 * shards
    assert counted(broker, "deliveries") == 600
    await asyncio.gather(*(client.close() for client in crowd))


async def test_one_message_for_many_users_is_the_same_for_each(broker, producer):
    """The name of the channel is all that differs; a user in two of them gets the first."""
    names = [f"u{number}" for number in range(30)] + ["u\"2'\\", "ü" * 60]
    crowd = [await Client.open(broker, user=name, compression="deflate") for name in names]
    plain = [await Client.open(broker, user=name) for name in names]
    data = items(200)
    producer.publish([f"user:{name}" for name in names] + ["announcements"], json.dumps(data))
    for name, one, other in zip(names, crowd, plain):
        message = await one.next()
        assert (message["channel"], message["data"]) == (f"user:{name}", data)
        assert message == await other.next()
    assert counted(broker, "compressed") == len(names)
    assert counted(broker, "compressed_bytes_in") > 3 * counted(broker, "compressed_bytes_out")
    for client in crowd + plain:
        await client.expect_nothing(0.01)
        await client.close()


async def test_what_was_missed_comes_before_what_is_new(broker, producer):
    async with await Client.open(broker, compression="deflate") as client:
        first = producer.publish("user:42", json.dumps(items(50, 0)))
        await client.next()
        client.cut()
    for number in range(1, 30):
        producer.publish("user:42", json.dumps(items(50, number)))
    async with await Client.open(broker, resume(first), compression="deflate") as client:
        assert client.connected["recovered"] and client.connected["replayed"] == 29
        for number in range(30, 40):
            producer.publish("user:42", json.dumps(items(50, number)))
        assert await client.data(39) == [items(50, number) for number in range(1, 40)]
        await client.expect_nothing()


@pytest.mark.parametrize("channel", ["user:42", "all"])
def test_a_slow_reader_catches_up_in_order(start_broker, producers, channel):
    """It falls behind with compressed frames half sent, and catches up with plain ones."""
    broker = start_broker(max_outbox_bytes="64k", max_message_size="16k")
    producer = producers(broker)
    with open_raw(broker, receive_buffer=4096, timeout=20) as raw:
        for first in range(0, 800, 100):
            producer.publish_many([(channel, '{"n":%d,"pad":%s}' % (n, noise(9000, n)))
                                   for n in range(first, first + 100)])
        wait_until(lambda: counted(broker, "fell_behind") > 0, "it falls behind")
        kinds, seen = set(), []
        while len(seen) < 800:
            got = raw.read_frame()
            if got.opcode != PING:
                kinds.add(got.rsv)
                seen.append(json.loads(text_of(got))["data"]["n"])
    assert seen == list(range(800))
    assert kinds == {0, RSV1}


# ---- from clients ----

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
    assert resident_kb(broker)[1] - before < 4096


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
    assert costs[1] - costs[0] < 64, f"{costs} bytes of an idle connection"


# ---- unmodified clients ----

CHROMIUM = """new Promise((done) => {
  const seen = [], socket = new WebSocket(%s);
  socket.onmessage = (event) => {
    const message = JSON.parse(event.data);
    seen.push(message.type);
    if (message.type === "connected")
      socket.send(JSON.stringify({type: "ping", ref: "x".repeat(100), pad: "y".repeat(5000)}));
    if (message.type === "notification") {
      done({seen, extensions: socket.extensions, data: message.data});
      socket.close();
    }
  };
  socket.onclose = (event) => done({seen, code: event.code, reason: event.reason});
})"""


@needs_chromium
async def test_a_browser_compresses_without_being_told(start_broker, producers, tmp_path):
    broker = start_broker(demo="on")
    producer = producers(broker)
    browser = chromium.Chromium(tmp_path, broker.url("/", "http"))
    try:
        await browser.attach()
        await browser.wait_for("document.readyState === 'complete' && location.host")
        url = broker.url("/ws?token=" + token("7"))
        answer = asyncio.create_task(browser.evaluate(CHROMIUM % json.dumps(url)))
        await asyncio.to_thread(wait_until, lambda: counted(broker, "inflated") > 0,
                                "the browser sends a compressed message")
        producer.publish("user:7", json.dumps(items(300)))
        got = await answer
        assert got["data"] == items(300), got
        assert got["seen"] == ["connected", "pong", "notification"]
        assert got["extensions"].startswith(PMD)
        assert counted(broker, "compressed") == 1
    finally:
        await browser.close()


@needs_ws
@pytest.mark.parametrize("options", ["true", "false", "{serverMaxWindowBits: 12}",
                                     "{clientMaxWindowBits: 9, serverMaxWindowBits: 9}"])
def test_the_ws_package_of_node_both_ways(start_broker, producers, options):
    broker = start_broker(debug_echo="on")
    program = """
      import WebSocket from "ws";
      const socket = new WebSocket(process.argv[1], {perMessageDeflate: %s});
      const texts = [10, 2000, 60000, 300000].map((size) => "Grüße, ".repeat(size / 7));
      socket.on("open", () => socket.send(texts[0]));
      socket.on("message", (text) => {
        if (String(text) !== texts.shift()) throw new Error("another text");
        if (texts.length > 0) return socket.send(texts[0]);
        console.log(JSON.stringify(socket.extensions));
        socket.close();
      });""" % options
    done = subprocess.run(["node", "--input-type=module", "-e", program, broker.url("/echo")],
                          cwd=HERE, capture_output=True, text=True, timeout=scaled(20), check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == ("" if options == "false" else PMD)
    assert counted(broker, "inflated") == (0 if options == "false" else 3)
