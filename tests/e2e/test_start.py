"""The first moments of a broker: whoever is early is served, or waits, but is not dropped."""

import types

import pytest

from pace import wait_until
from raw_socket import RawSocket, upgrade_request
from redis_server import free_port


def connect_when_possible(port):
    """A connection to a port of 127.0.0.1 as soon as somebody listens there."""
    def connect():
        try:
            return RawSocket(types.SimpleNamespace(host="127.0.0.1", port=port))
        except ConnectionRefusedError:
            return None
    return wait_until(connect, f"somebody listens on port {port}", pause=0)


@pytest.mark.parametrize("shards", [1, 16])
def test_connections_made_while_it_starts_are_served(start_broker, shards):
    """They come as soon as the port is open, before every thread runs."""
    for _ in range(10):
        port = free_port()
        early = []

        def connect():
            for _ in range(16):
                early.append(connect_when_possible(port))
                early[-1].send(upgrade_request())

        broker = start_broker(listen=f"127.0.0.1:{port}", shards=shards, meanwhile=connect)
        for raw in early:
            assert raw.read_head().status == 101
            assert raw.read_message()["type"] == "connected"
            raw.socket.close()
        broker.stop()


@pytest.mark.parametrize("shards", [1, 16])
def test_connections_made_at_the_ready_line_are_served(start_broker, shards):
    for _ in range(5):
        broker = start_broker(shards=shards)
        sockets = [RawSocket(broker) for _ in range(shards)]
        for raw in sockets:
            raw.send(upgrade_request())
        for raw in sockets:
            assert raw.read_head().status == 101
            raw.socket.close()


@pytest.mark.parametrize("shards", [1, 16])
def test_sigterm_at_the_ready_line_ends_it(start_broker, shards):
    for _ in range(10):
        broker = start_broker(shards=shards)
        broker.terminate()
        assert broker.wait_for_exit() == 0


@pytest.mark.parametrize("shards", [1, 4])
def test_a_killed_broker_can_be_started_again_at_once(start_broker, shards):
    """The kernel gives the ports of a killed process back a moment later than the process."""
    broker = start_broker(shards=shards)
    for _ in range(5):
        broker.kill()
        broker = start_broker(shards=shards, listen=f"127.0.0.1:{broker.port}",
                              admin=f"127.0.0.1:{broker.admin_port}")
