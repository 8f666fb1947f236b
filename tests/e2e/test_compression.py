"""permessage-deflate (RFC 7692): who offers it gets large notifications compressed, once for all,
and nothing else changes. What clients send is in test_compression_inbound.py."""

import asyncio
import json
import pathlib
import shutil
import subprocess

import pytest

import chromium
from client import Client, resume
from deflated import (AGREED, OFFER, PMD, RSV1, assert_closes, counted, deflate, items, noise,
                      open_raw, text_of)
from pace import scaled, wait_until
from raw_socket import PING, TEXT, RawSocket, close_frame, frame, upgrade_request
from tokens import token

HERE = pathlib.Path(__file__).parent

needs_chromium = pytest.mark.skipif(not chromium.find(), reason="no Chromium is installed")
needs_ws = pytest.mark.skipif(
    not shutil.which("node") or not (HERE / "node_modules" / "ws").is_dir(),
    reason="node or its package ws is not installed: tools/setup --test")


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
