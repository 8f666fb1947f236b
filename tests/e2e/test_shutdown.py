"""SIGTERM: every client is told, the process leaves with 0 in time."""

import asyncio
import signal
import socket
import time

import pytest

from client import Client, Crowd
from raw_socket import CLOSE, TEXT, RawSocket, frame, upgrade_request


async def test_every_client_gets_1001_and_the_exit_code_is_0(start_broker):
    broker = start_broker(shards=2)
    crowd = await Crowd.open(broker, 50)
    broker.terminate()
    assert await crowd.wait_for_close() == {1001: 50}
    assert await asyncio.to_thread(broker.wait_for_exit) == 0


@pytest.mark.heavy
async def test_thousand_clients_get_1001(start_broker):
    broker = start_broker(shards=4)
    crowd = await Crowd.open(broker, 1000)
    began = time.monotonic()
    broker.terminate()
    assert await crowd.wait_for_close() == {1001: 1000}
    assert await asyncio.to_thread(broker.wait_for_exit) == 0
    assert time.monotonic() - began < 15


async def test_what_was_published_before_arrives_before_the_close(start_broker, producers):
    broker = start_broker(shards=2)
    crowd = await Crowd.open(broker, 30)
    producers(broker).publish_many([("all", str(number)) for number in range(100)])
    broker.terminate()
    assert await crowd.wait_for_close() == {1001: 30}
    for index in range(30):
        assert [message["data"] for message in crowd.messages(index)] == list(range(100))


async def test_a_drain_spreads_the_closes_and_says_when_to_come_back(start_broker):
    broker = start_broker(shards=1, drain_window="2s")
    crowd = await Crowd.open(broker, 40)
    began = time.monotonic()
    broker.terminate()
    assert await crowd.wait_for_close() == {1001: 40}
    assert await asyncio.to_thread(broker.wait_for_exit) == 0
    assert 1 < time.monotonic() - began < 15
    waits = []
    for index in range(40):
        messages = crowd.messages(index)
        assert [message["type"] for message in messages] == ["going_away"]
        waits.append(messages[0]["reconnect_in_ms"])
    assert all(0 <= wait < 2000 for wait in waits) and len(set(waits)) > 20


def test_new_connections_are_refused_after_sigterm(start_broker):
    broker = start_broker(drain_window="2s")
    with RawSocket(broker) as raw:
        raw.upgrade()
        raw.read_message()
        broker.terminate()
        until = time.monotonic() + 5
        while time.monotonic() < until:
            try:
                with RawSocket(broker) as late:
                    late.send(upgrade_request())
                    status = late.read_head().status
                    assert status in (101, 503)
                    if status == 503:
                        break
            except (ConnectionError, EOFError):
                break
            time.sleep(0.05)
        else:
            raise AssertionError("still accepted 5 s after SIGTERM")
    assert broker.wait_for_exit() == 0


def test_a_client_that_does_not_answer_the_close_does_not_hold_it_up(start_broker):
    broker = start_broker(close_timeout="500ms")
    with RawSocket(broker) as raw, RawSocket(broker) as half_open:
        raw.upgrade()
        half_open.send(b"GET /ws HT")
        began = time.monotonic()
        broker.terminate()
        assert broker.wait_for_exit() == 0
        assert time.monotonic() - began < 8
        assert raw.read_until_close()[-1].code == 1001


def test_a_client_that_does_not_read_does_not_hold_it_up(start_broker, producers):
    broker = start_broker(close_timeout="500ms")
    producer = producers(broker)
    with RawSocket(broker, receive_buffer=4096) as raw:
        raw.upgrade()
        for _ in range(40):
            producer.publish("user:42", '"' + "x" * 60000 + '"')
        broker.terminate()
        assert broker.wait_for_exit() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_idle_broker_leaves_at_once(start_broker, number):
    broker = start_broker(shards=3)
    began = time.monotonic()
    broker.expects_exit = True
    broker.process.send_signal(number)
    assert broker.wait_for_exit() == 0
    assert time.monotonic() - began < 3


def test_a_second_sigterm_ends_it_at_once_or_does_no_harm(start_broker):
    broker = start_broker(drain_window="60s")
    broker.exit_codes = {0, -signal.SIGTERM}
    with RawSocket(broker) as raw:
        raw.upgrade()
        broker.terminate()
        time.sleep(0.2)
        broker.terminate()
        broker.stop()


def test_sigterm_while_redis_is_away(start_broker, redis):
    broker = start_broker(redis=redis.url())
    redis.kill()
    time.sleep(0.3)
    broker.terminate()
    assert broker.wait_for_exit() == 0


def test_sigterm_while_clients_stream_in(start_broker):
    """Clients that send without end do not keep it from closing them."""
    broker = start_broker(debug_echo="on", close_timeout="1s")
    with RawSocket(broker) as raw:
        raw.upgrade("/echo", bearer=False)
        raw.settle(0.2)
        broker.terminate()
        frames = []
        until = time.monotonic() + 8
        while time.monotonic() < until:
            try:
                raw.send(frame(TEXT, "more"))
                frames.append(raw.read_frame())
            except socket.timeout:
                continue
            except (OSError, EOFError):
                break
        assert frames[-1].opcode == CLOSE and frames[-1].code == 1001
    assert broker.wait_for_exit() == 0


async def test_the_ports_are_free_again_afterwards(start_broker):
    first = start_broker()
    async with await Client.open(first):
        first.terminate()
        assert await asyncio.to_thread(first.wait_for_exit) == 0
    second = start_broker(listen=f"127.0.0.1:{first.port}",
                          admin=f"127.0.0.1:{first.admin_port}")
    async with await Client.open(second) as client:
        assert await client.is_alive()
