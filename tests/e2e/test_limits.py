"""Limits hold, are told in the right words, and give back what was freed."""

import asyncio
import json
import time

import pytest
from websockets.exceptions import InvalidStatus

from client import Client
from pace import scaled
from raw_socket import CLOSE, TEXT, RawSocket, frame, upgrade_request
from tokens import token


async def refused_with(broker, **options):
    with pytest.raises(InvalidStatus) as refusal:
        await Client.open(broker, **options)
    return refusal.value.response


async def open_when_possible(broker, **options):
    """A place was given up; the broker may need a moment to notice."""
    deadline = time.monotonic() + scaled(5)
    while True:
        try:
            return await Client.open(broker, **options)
        except InvalidStatus:
            assert time.monotonic() < deadline, "the place was not given back"
            await asyncio.sleep(0.05)


async def test_max_connections_refuses_with_503_and_retry_after(start_broker):
    broker = start_broker(max_connections=5, shards=2)
    clients = [await Client.open(broker, user=f"u{index}") for index in range(5)]
    response = await refused_with(broker, user="u6")
    assert response.status_code == 503
    assert int(response.headers["retry-after"]) >= 1
    assert all([await client.is_alive() for client in clients])
    await clients.pop().close()
    clients.append(await open_when_possible(broker, user="u7"))
    for client in clients:
        await client.close()


async def test_max_connections_closes_1013_for_clients_that_offer_belfry(start_broker):
    broker = start_broker(max_connections=2)
    clients = [await Client.open(broker, user=f"u{index}") for index in range(2)]
    late = await Client.open_silent(broker, bearer=None,
                                    subprotocols=["belfry", "bearer." + token("u3")])
    assert await late.close_code() == 1013
    for client in clients:
        await client.close()


async def test_max_connections_per_user_refuses_with_429(start_broker):
    broker = start_broker(max_connections_per_user=3, shards=2)
    clients = [await Client.open(broker, user="42") for _ in range(3)]
    response = await refused_with(broker, user="42")
    assert response.status_code == 429
    assert int(response.headers["retry-after"]) >= 1
    async with await Client.open(broker, user="43") as other:
        assert await other.is_alive()
    await clients.pop().close()
    clients.append(await open_when_possible(broker, user="42"))
    for client in clients:
        await client.close()


async def test_max_connections_per_user_closes_4409_for_clients_that_offer_belfry(start_broker):
    broker = start_broker(max_connections_per_user=1)
    async with await Client.open(broker, user="42") as client:
        late = await Client.open_silent(broker, bearer=None,
                                        subprotocols=["belfry", "bearer." + token("42")])
        assert await late.close_code() == 4409
        assert await client.is_alive()


async def test_max_connections_per_ip_refuses(start_broker):
    broker = start_broker(max_connections_per_ip=3)
    clients = [await Client.open(broker, user=f"u{index}") for index in range(3)]
    response = await refused_with(broker, user="u4")
    assert response.status_code in (429, 503)
    assert int(response.headers["retry-after"]) >= 1
    other = await Client.open(broker, user="u5", local_addr=("127.0.0.9", 0))
    assert await other.is_alive()
    await clients.pop().close()
    clients.append(await open_when_possible(broker, user="u6"))
    for client in [*clients, other]:
        await client.close()


@pytest.mark.parametrize("sent", [b"", b"GET /ws HT", b"GET /ws HTTP/1.1\r\nHost: x\r\n"])
def test_a_handshake_that_takes_too_long_is_cut_off(start_broker, sent):
    broker = start_broker(handshake_timeout="1s")
    with RawSocket(broker) as raw:
        raw.send(sent)
        began = time.monotonic()
        rest = b""
        while more := raw.socket.recv(4096):
            rest += more
        assert 0.5 < time.monotonic() - began < scaled(5)
        assert rest == b"" or rest.startswith(b"HTTP/1.1 408 ")


def test_dripping_bytes_does_not_prolong_the_handshake(start_broker):
    broker = start_broker(handshake_timeout="1s")
    with RawSocket(broker) as raw:
        began = time.monotonic()
        with pytest.raises(OSError):
            for byte in upgrade_request() * 100:
                raw.send(bytes([byte]))
                time.sleep(0.1)
                raw.socket.setblocking(False)
                try:
                    if raw.socket.recv(4096) == b"":
                        raise ConnectionResetError
                except BlockingIOError:
                    pass
                raw.socket.setblocking(True)
        assert time.monotonic() - began < scaled(6)


def test_a_connection_that_made_it_outlives_the_handshake_timeout(start_broker):
    broker = start_broker(handshake_timeout="1s")
    with RawSocket(broker) as raw:
        raw.upgrade()
        raw.read_message()
        time.sleep(1.5)
        raw.send(frame(TEXT, "ping"))
        assert raw.read_frame().payload == b"pong"


@pytest.mark.parametrize("headers", [["X-Long: " + "x" * 20000],
                                     [f"X-{number}: {'y' * 100}" for number in range(300)],
                                     ["X" * 20000 + ": v"]])
def test_too_many_header_bytes_get_431(broker, headers):
    with RawSocket(broker) as raw:
        raw.send(upgrade_request(headers=headers))
        assert raw.read_head().status == 431


def test_header_bytes_without_end_get_431(broker):
    with RawSocket(broker) as raw:
        raw.send(b"GET /ws HTTP/1.1\r\nHost: x\r\nX-Endless: ")
        try:
            for _ in range(1000):
                raw.send(b"x" * 1024)
        except OSError:
            pass
        try:
            assert raw.read_head().status == 431
        except (ConnectionResetError, EOFError):
            pass  # cut off while still sending: the answer may be lost on the way


def test_many_ordinary_headers_are_fine(broker):
    with RawSocket(broker) as raw:
        raw.upgrade(headers=[f"X-Header-{number}: value {number}" for number in range(40)])


@pytest.mark.parametrize("size, is_refused", [(1000, False), (1001, True), (100000, True)])
def test_a_message_over_max_client_message_closes_1009(start_broker, size, is_refused):
    broker = start_broker(max_client_message=1000)
    message = json.dumps({"type": "ping", "ref": 1, "pad": ""})
    message = message[:-2] + "x" * (size - len(message)) + '"}'
    with RawSocket(broker) as raw:
        raw.upgrade()
        raw.read_message()
        raw.send(frame(TEXT, message))
        if is_refused:
            assert raw.read_until_close()[-1].code == 1009
        else:
            assert raw.read_message()["type"] == "pong"


def test_a_message_in_fragments_over_max_client_message_closes_1009(start_broker):
    broker = start_broker(max_client_message=1000)
    with RawSocket(broker) as raw:
        raw.upgrade()
        raw.read_message()
        raw.send(frame(TEXT, "x" * 600, final=False) + frame(0, "x" * 600))
        close, = raw.read_until_close()
        assert close.code == 1009


def test_a_huge_announced_size_closes_1009_before_the_payload_comes(broker):
    with RawSocket(broker) as raw:
        raw.upgrade()
        raw.read_message()
        raw.send(frame(TEXT, b"", size=1 << 40))
        close = raw.read_frame()
        assert close.opcode == CLOSE and close.code == 1009


def test_a_closed_connection_frees_its_place_whatever_way_it_went(start_broker):
    """Closed properly, dropped, reset, refused: none is counted afterwards."""
    broker = start_broker(max_connections=20)
    for number in range(60):
        with RawSocket(broker) as raw:
            if number % 4 == 0:
                raw.send(upgrade_request(bearer=False))
                assert raw.read_head().status == 401
                continue
            raw.upgrade(user=f"u{number}")
            if number % 4 == 1:
                raw.read_message()
                raw.send(frame(CLOSE, b"\x03\xe8"))
                raw.read_until_close()

    async def all_places_are_free():
        clients = [await open_when_possible(broker, user=f"v{index}") for index in range(19)]
        for client in clients:
            await client.close()

    asyncio.run(all_places_are_free())
