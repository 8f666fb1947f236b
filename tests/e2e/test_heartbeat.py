"""The broker pings, and closes what does not answer."""

import time

from client import Client
from pace import scaled
from raw_socket import CLOSE, PING, PONG, TEXT, RawSocket, frame


def heartbeat_broker(start_broker, **more):
    return start_broker(heartbeat_interval="1s", heartbeat_timeout="2s", **more)


def test_a_client_that_does_not_answer_is_closed_4408(start_broker):
    with RawSocket(heartbeat_broker(start_broker)) as raw:
        raw.upgrade()
        began = time.monotonic()
        raw.read_message()
        frames = raw.read_until_close()
        lasted = time.monotonic() - began
    assert frames[-1].code == 4408
    assert [got.opcode for got in frames[:-1]] == [PING] * (len(frames) - 1)
    assert len(frames) >= 2, "it was pinged before"
    assert 1.5 <= lasted <= scaled(5)


async def test_a_client_that_answers_stays(start_broker):
    """The Python library answers pings by itself."""
    async with await Client.open(heartbeat_broker(start_broker)) as client:
        await client.expect_nothing(4.5)
        assert await client.is_alive()


def test_pings_come_in_their_interval(start_broker):
    broker = start_broker(heartbeat_interval="1s", heartbeat_timeout="10s")
    with RawSocket(broker) as raw:
        raw.upgrade()
        raw.read_message()
        began = time.monotonic()
        for _ in range(4):
            got = raw.read_frame()
            assert got.opcode == PING and len(got.payload) <= 125
            raw.send(frame(PONG, got.payload))
        assert 2.5 <= time.monotonic() - began <= scaled(6)


def test_any_frame_of_the_client_counts_as_life(start_broker):
    """It never answers a ping, but it speaks."""
    with RawSocket(heartbeat_broker(start_broker)) as raw:
        raw.upgrade()
        raw.read_message()
        until = time.monotonic() + 4.5
        while time.monotonic() < until:
            raw.send(frame(TEXT, "ping"))
            got = raw.read_frame()
            assert got.opcode != CLOSE
            time.sleep(0.4)


def test_messages_to_the_client_are_no_sign_of_its_life(start_broker, producers):
    broker = heartbeat_broker(start_broker)
    producer = producers(broker)
    with RawSocket(broker) as raw:
        raw.upgrade()
        began = time.monotonic()
        code = None
        while code is None and time.monotonic() - began < scaled(6):
            producer.publish("user:42", "1")
            got = raw.read_frame()
            code = got.code if got.opcode == CLOSE else None
        assert code == 4408


def test_pings_of_many_connections_are_spread(start_broker):
    """60 connections made at once, interval 2 s: their first pings do not come together."""
    broker = start_broker(heartbeat_interval="2s", heartbeat_timeout="10s")
    sockets = [RawSocket(broker) for _ in range(60)]
    for number, raw in enumerate(sockets):
        raw.upgrade(user=f"u{number}")
        raw.read_message()
    arrivals = []
    waiting = list(sockets)
    for raw in sockets:
        raw.socket.setblocking(False)
    until = time.monotonic() + scaled(5)
    while waiting and time.monotonic() < until:
        for raw in list(waiting):
            try:
                if raw.socket.recv(100):
                    arrivals.append(time.monotonic())
                waiting.remove(raw)
            except BlockingIOError:
                pass
        time.sleep(0.01)
    for raw in sockets:
        raw.socket.close()
    assert len(arrivals) == 60
    busiest = max(sum(start <= other < start + 0.2 for other in arrivals) for start in arrivals)
    assert busiest <= 30, f"{busiest} of 60 pings within 0.2 s"


def test_silence_is_closed_on_routes_of_every_kind(start_broker):
    broker = heartbeat_broker(start_broker, shards=2)
    paths = ["/ws", "/ws/trending", "/ws/feed/42"]
    sockets = [RawSocket(broker) for _ in paths]
    for raw, path in zip(sockets, paths):
        raw.upgrade(path)
        raw.read_message()
    for raw in sockets:
        assert raw.read_until_close()[-1].code == 4408
        raw.socket.close()
