"""Requests that are malformed, split, pipelined, or never finished."""

import asyncio
import json
import socket
import struct
import time

import pytest

from client import Client
from raw_socket import CLOSE, TEXT, RawSocket, close_frame, frame, upgrade_request

HEALTH = b"GET /ws/health HTTP/1.1\r\nHost: a\r\n\r\n"

MALFORMED = {
    "no_http": b"hello\r\n\r\n", "tls": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "no_version": b"GET /ws\r\n\r\n", "bad_version": b"GET /ws HTTP/x.y\r\n\r\n",
    "lower_case_http": b"GET /ws http/1.1\r\nHost: a\r\n\r\n",
    "two_spaces": b"GET  /ws HTTP/1.1\r\nHost: a\r\n\r\n",
    "no_slash": b"GET ws HTTP/1.1\r\nHost: a\r\n\r\n",
    "absolute": b"GET http://a/ws HTTP/1.1\r\nHost: a\r\n\r\n",
    "star": b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
    "connect": b"CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n",
    "bare_lf": b"GET /ws HTTP/1.1\nHost: a\n\n",
    "bare_cr": b"GET /ws HTTP/1.1\rHost: a\r\r\n\r\n",
    "folded": b"GET /ws HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\n\r\n",
    "space_before_colon": b"GET /ws HTTP/1.1\r\nHost : a\r\n\r\n",
    "no_colon": b"GET /ws HTTP/1.1\r\nHost a\r\n\r\n",
    "empty_name": b"GET /ws HTTP/1.1\r\n: a\r\n\r\n",
    "nul_in_value": b"GET /ws HTTP/1.1\r\nHost: a\0b\r\n\r\n",
    "control_in_path": b"GET /w\x01s HTTP/1.1\r\nHost: a\r\n\r\n",
    "high_byte_in_path": b"GET /ws\xff HTTP/1.1\r\nHost: a\r\n\r\n",
    "method_with_colon": b"GE:T /ws HTTP/1.1\r\nHost: a\r\n\r\n",
    "two_lengths": HEALTH[:-2] + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
    "negative_length": HEALTH[:-2] + b"Content-Length: -1\r\n\r\n",
    "length_is_text": HEALTH[:-2] + b"Content-Length: x\r\n\r\n",
}


@pytest.mark.parametrize("admin", [False, True], ids=["public", "admin"])
@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_http_gets_an_error_and_is_closed(broker, name, admin):
    with RawSocket(broker, admin=admin) as raw:
        raw.send(MALFORMED[name])
        if name == "tls":
            raw.socket.shutdown(socket.SHUT_WR)
        try:
            head = raw.read_head()
        except (EOFError, ConnectionError):
            return  # closed without a word is an answer too
        assert 400 <= head.status < 600, head
        assert head.status not in (500, 502)
        raw.read(int(head.headers.get("content-length", 0)))
        assert raw.is_closed_by_broker()
    assert broker.ask("/ws/health").status == 200


def test_http_2_prior_knowledge_is_refused(broker):
    with RawSocket(broker) as raw:
        raw.send(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        assert raw.read_head().status in (400, 405, 505)


@pytest.mark.parametrize("version, status", [(b"HTTP/0.9", 505), (b"HTTP/2.0", 505),
                                             (b"HTTP/3.0", 505), (b"HTTP/1.0", 200)])
def test_other_versions_of_http(broker, version, status):
    with RawSocket(broker) as raw:
        raw.send(HEALTH.replace(b"HTTP/1.1", version))
        assert raw.read_head().status in (status, 400 if status == 505 else status)


def test_http_1_0_is_not_kept_open(broker):
    with RawSocket(broker) as raw:
        raw.send(HEALTH.replace(b"HTTP/1.1", b"HTTP/1.0"))
        head, _ = raw.read_http()
        assert head.status == 200
        assert raw.is_closed_by_broker()


@pytest.mark.parametrize("admin, path", [(False, b"/ws/health"), (False, b"/ws/stats"),
                                         (True, b"/healthz"), (True, b"/metrics")])
def test_pipelined_requests_are_all_answered(broker, admin, path):
    with RawSocket(broker, admin=admin) as raw:
        raw.send(HEALTH.replace(b"/ws/health", path) * 20)
        for _ in range(20):
            head, body = raw.read_http()
            assert head.status == 200 and body


def test_one_connection_may_ask_again_and_again(broker):
    with RawSocket(broker) as raw:
        for _ in range(100):
            raw.send(HEALTH)
            head, body = raw.read_http()
            assert head.status == 200
            assert json.loads(body)["status"] == "healthy"


def test_an_upgrade_may_follow_plain_requests_on_the_same_connection(broker):
    with RawSocket(broker) as raw:
        raw.send(HEALTH + upgrade_request())
        head, _ = raw.read_http()
        assert head.status == 200
        assert raw.read_head().status == 101
        assert raw.read_message()["type"] == "connected"


def test_a_handshake_byte_by_byte_works(broker):
    with RawSocket(broker) as raw:
        raw.send_in_pieces(upgrade_request() + frame(TEXT, "ping"))
        assert raw.read_head().status == 101
        assert raw.read_message()["type"] == "connected"
        assert raw.read_frame().payload == b"pong"


def test_a_handshake_split_at_every_point_works(broker):
    request = upgrade_request() + frame(TEXT, "ping")
    for cut in range(1, len(request)):
        with RawSocket(broker) as raw:
            raw.send(request[:cut])
            raw.send(request[cut:])
            assert raw.read_head().status == 101
            assert raw.read_message()["type"] == "connected"
            assert raw.read_frame().payload == b"pong"


async def test_200_half_open_sockets_disturb_nobody(start_broker, producers):
    broker = start_broker(shards=2)
    sockets = [RawSocket(broker) for _ in range(200)]
    for number, raw in enumerate(sockets):
        raw.send(upgrade_request()[:number])
    async with await Client.open(broker) as client:
        producers(broker).publish("user:42", '"through"')
        assert (await client.next())["data"] == "through"
        assert broker.ask("/ws/stats").json()["total_connections"] == 1
    for raw in sockets:
        raw.socket.close()
    async with await Client.open(broker, user="43") as client:
        assert await client.is_alive()


def reset(raw):
    """Closes with RST instead of FIN."""
    raw.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    raw.socket.close()


async def test_resets_at_every_stage_do_no_harm(start_broker, producers):
    broker = start_broker(shards=2)
    producer = producers(broker)
    request = upgrade_request(user="victim")
    for number in range(150):
        raw = RawSocket(broker)
        stage = number % 5
        if stage == 1:
            raw.send(request[:100])
        elif stage >= 2:
            raw.send(request)
        if stage == 3:
            raw.read_head()
        if stage == 4:
            raw.read_head()
            raw.read_message()
            producer.publish("user:victim", "1")
        reset(raw)
    crowd = [await Client.open(broker, user=f"u{index}") for index in range(10)]
    producer.publish("all", '"whole"')
    for client in crowd:
        assert (await client.next())["data"] == "whole"
        await client.close()


async def test_a_connection_slot_that_is_used_again_gets_nothing_of_its_past(broker, producer):
    """Users come and go as fast as possible while both are being written to."""
    def write():
        for number in range(300):
            producer.publish(f"user:u{number % 2}", f'"u{number % 2}"')
            time.sleep(0.005)

    writing = asyncio.create_task(asyncio.to_thread(write))
    turn = 0
    while not writing.done():
        user = f"u{turn % 2}"
        client = await Client.open(broker, user=user)
        try:
            message = await asyncio.wait_for(client.socket.recv(), 0.02)
            assert json.loads(message)["data"] == user
        except asyncio.TimeoutError:
            pass
        client.socket.transport.abort()
        turn += 1
    await writing


@pytest.mark.parametrize("body", [b"x" * 10, b"GET /ws/stats HTTP/1.1\r\nHost: a\r\n\r\n"])
def test_a_body_of_a_get_is_never_read_as_a_request(broker, body):
    with RawSocket(broker) as raw:
        raw.send(HEALTH[:-2] + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        head, first = raw.read_http()
        if head.status == 200:
            assert b"healthy" in first
        raw.settle(0.5)
        try:
            rest = raw.buffer + raw.socket.recv(4096)
        except (socket.timeout, ConnectionError):
            rest = raw.buffer
        assert b"operational" not in rest


def test_frames_sent_before_the_answer_of_a_refused_handshake_are_ignored(broker):
    with RawSocket(broker) as raw:
        raw.send(upgrade_request(bearer=False) + frame(TEXT, "ping") * 10 + close_frame(1000))
        head, _ = raw.read_http()
        assert head.status == 401
        assert raw.is_closed_by_broker()


@pytest.mark.heavy
async def test_connections_come_and_go_by_the_thousand(start_broker):
    broker = start_broker(shards=2)

    def churn():
        for number in range(1500):
            with RawSocket(broker) as raw:
                raw.upgrade(user=f"u{number % 7}")
                raw.read_message()
                raw.send(close_frame(1000))
                got = raw.read_frame()
                assert (got.opcode, got.code) == (CLOSE, 1000)

    await asyncio.gather(asyncio.to_thread(churn), asyncio.to_thread(churn))
    async with await Client.open(broker) as client:
        assert await client.is_alive()
        assert broker.ask("/ws/stats").json()["total_connections"] == 1
