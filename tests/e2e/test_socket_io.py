"""Unmodified socket.io-client packages, several versions, over WebSockets."""

import contextlib
import json
import threading
import time

import pytest

from openmetrics import scrape
from pace import scaled, wait_until
from socket_io_client import NEWEST, RECOVERING, VERSIONS, SocketIo, needs_node
from tokens import token

pytestmark = needs_node


@pytest.fixture
def connect():
    """connect(port or broker, package, …): a client that is closed at the end."""
    clients = []

    def start(at, package=NEWEST, **options):
        clients.append(SocketIo(getattr(at, "port", at), package, **options))
        return clients[-1]

    yield start
    for client in clients:
        client.close()


# ---- every version ----

@pytest.mark.parametrize("package", VERSIONS)
def test_every_version_connects_hears_and_is_answered(pair, connect, package):
    broker, producer = pair
    client = connect(broker, package)
    assert len(client.next("connect")["id"]) == 24
    assert client.event("unread:count") == [{"count": 0}]
    text = '{"id":"n1","type":"ORDER_CREATED","title":"Order","actionUrl":"/o/1"}'
    event_id = producer.publish("user:42", text, event="notification:new", id="n1")
    assert client.event("notification:new") == [json.loads(text), event_id]
    assert client.event("unread:count") == [{"count": 1}]
    assert client.ask("join", "42") == {"ok": True}
    assert client.ask("join", "43")["error"] == "not_allowed"
    assert client.ask("mark:read", {"notificationId": "n1"}) == {"ok": True}
    assert client.event("notification:read")[0]["id"] == "n1"
    assert client.event("unread:count") == [{"count": 0}]
    producer.publish("user:42", '{"id":"n2"}', event="notification:new", id="n2")
    assert client.ask("mark:all:read", {}) == {"ok": True}
    assert client.ask("notification:delete", {"id": "n2"}) == {"ok": True}
    assert client.event("notification:deleted")[0]["id"] == "n2"
    client.emit("no:such:event", 1)
    assert client.ask("no:such:event")["error"] == "unknown_event"
    client.nothing("disconnect")


@pytest.mark.parametrize("package", VERSIONS)
def test_every_version_is_told_why_it_may_not_connect(broker, connect, package):
    for auth, message in [({}, "Authentication token required"),
                          ({"token": token(lifetime=-100)}, "Invalid authentication token")]:
        client = connect(broker, package, auth=auth)
        error = client.next("connect_error")
        assert error["message"] == message
        assert package == VERSIONS[0] or not error["active"]  # it stays away
        assert error["data"]["code"].startswith("TOKEN_")
        client.nothing("attempt")
    client = connect(broker, package, namespace="/nope")
    assert client.next("connect_error")["message"] == "Invalid namespace"


@pytest.mark.parametrize("package", VERSIONS)
def test_every_version_comes_back_with_a_new_token_when_the_old_one_ends(start_broker, connect,
                                                                         producers, package):
    broker = start_broker()
    client = connect(broker, package, auth=None, tokens=[token(lifetime=2), token(lifetime=300)])
    assert client.next("auth")["calls"] == 1
    client.next("connect")
    assert client.next("disconnect") == {"what": "disconnect", "reason": "transport close",
                                         "active": True}
    assert client.next("auth")["calls"] == 2
    client.next("connect")
    event_id = producers(broker).publish("user:42", "1")
    assert client.event("notification") == [1, event_id]


@pytest.mark.parametrize("package", VERSIONS)
def test_every_version_comes_back_after_a_restart(start_broker, connect, producers, redis,
                                                  start_proxy, package):
    first = start_broker(redis=redis.url())
    first.wait_until_ready()
    proxy = start_proxy(first.port)
    producer = producers(redis)
    client = connect(proxy.port, package)
    client.next("connect")
    one = producer.publish("user:42", "1")
    assert client.event("notification") == [1, one]
    second = start_broker(redis=redis.url(), node="second")
    second.wait_until_ready()
    proxy.target = second.port
    first.terminate()
    assert client.next("disconnect")["reason"] == "transport close"
    two = producer.publish("user:42", "2")
    again = client.next("connect")
    assert again["recovered"] is (package in RECOVERING)
    while (event := client.event("notification"))[0] != 2:
        assert event == [1, one] and package not in RECOVERING  # it was not confirmed yet
    assert event == [2, two]


@pytest.mark.heavy
@pytest.mark.parametrize("package", VERSIONS)
def test_every_version_stays_while_it_is_pinged(start_broker, connect, package):
    broker = start_broker(heartbeat_interval="1s", heartbeat_timeout="2s")
    client = connect(broker, package)
    client.next("connect")
    client.nothing("disconnect", 4.5)
    assert scrape(broker).total("belfry_pings_total") >= 3


# ---- recovery ----

@pytest.mark.parametrize("package", RECOVERING)
def test_a_session_is_recovered_without_events_and_again_and_again(pair, connect, package):
    broker, producer = pair
    client = connect(broker, package)
    first = client.next("connect")
    assert first["recovered"] is False
    for number in range(4):
        if number > 1:
            event_id = producer.publish("user:42", str(number), event="notification:new")
            assert client.event("notification:new") == [number, event_id]
        client.order(cut=True)
        client.next("disconnect")
        assert client.next("connect") == {"what": "connect", "id": first["id"],
                                          "recovered": True}
    client.nothing("event", event="notification:new")


@pytest.mark.parametrize("package", RECOVERING)
def test_what_was_missed_comes_once_and_in_order(pair, connect, start_proxy, package):
    broker, producer = pair
    proxy = start_proxy(broker.port)
    client = connect(proxy.port, package)
    client.next("connect")
    sent = [producer.publish("user:42", "0")]
    assert client.event("notification")[1] == sent[0]
    for turn in range(3):
        proxy.freeze()
        proxy.cut()
        client.next("disconnect")
        sent += [producer.publish(("user:42", "all", "announcements")[number % 3], str(number))
                 for number in range(5)]
        proxy.thaw()
        assert client.next("connect")["recovered"] is True
    got = [client.event("notification")[1] for _ in sent[1:]]
    assert got == sent[1:]
    client.nothing("event", event="notification")


def test_a_session_goes_to_another_node_and_over_a_kill(start_nodes, redis, producers, connect,
                                                       start_proxy):
    nodes = start_nodes(2, redis)
    for node in nodes:
        node.wait_until_ready()
    producer, proxy = producers(redis), start_proxy(nodes[0].port)
    client = connect(proxy.port)
    first = client.next("connect")
    proxy.target = nodes[1].port
    nodes[0].kill()
    client.next("disconnect")
    event_id = producer.publish("user:42", "1")
    assert client.next("connect") == {"what": "connect", "id": first["id"], "recovered": True}
    assert client.event("notification") == [1, event_id]


def test_what_the_log_has_lost_is_told(start_broker, producers, connect, start_proxy):
    broker = start_broker(retention_entries=10)
    producer, proxy = producers(broker), start_proxy(broker.port)
    client = connect(proxy.port)
    first = client.next("connect")
    proxy.freeze()
    proxy.cut()
    client.next("disconnect")
    for number in range(30):
        producer.publish("user:42", str(number))
    proxy.thaw()
    again = client.next("connect")
    assert again["recovered"] is False and again["id"] != first["id"]
    assert [client.event("notification")[0] for _ in range(10)] == list(range(20, 30))
    client.order(cut=True)
    assert client.next("connect") == {"what": "connect", "id": again["id"], "recovered": True}
    client.nothing("event", event="notification")


def test_text_without_a_position_is_not_taken_for_one(start_broker, redis, producers, connect):
    broker = start_broker(redis=redis.url())
    broker.wait_until_ready()
    broker.wait_until_bridged()
    producer = producers(redis)
    client = connect(broker)
    client.next("connect")
    one = producer.publish("user:42", "1")
    assert client.event("notification") == [1, one]
    with contextlib.closing(redis.connect()) as connection:
        connection.call("PUBLISH", "ws:user:42", '{"event":"say","data":"hello"}')
    assert client.event("say") == ["hello", None]
    client.order(cut=True)
    assert client.next("connect")["recovered"] is True
    client.nothing("event", event="notification")


@pytest.mark.heavy
def test_nothing_is_lost_or_doubled_while_it_reconnects_under_load(start_nodes, redis, producers,
                                                                   connect, start_proxy):
    nodes = start_nodes(2, redis)
    for node in nodes:
        node.wait_until_ready()
    proxy = start_proxy(nodes[0].port)
    producer = producers(redis)
    clients = [connect(proxy.port, package) for package in RECOVERING]
    for client in clients:
        client.next("connect")
    sent = []

    def publish():
        for start in range(0, 1500, 10):
            sent.extend(producer.publish_many(
                [(("user:42", "all")[number % 2], str(number))
                 for number in range(start, start + 10)]))
            time.sleep(0.02)

    publishing = threading.Thread(target=publish)
    publishing.start()
    for turn in range(8):
        time.sleep(0.3)
        proxy.target = nodes[turn % 2].port
        proxy.cut()
    publishing.join()
    for client in clients:
        got = [client.event("notification", limit=20)[1] for _ in sent]
        assert got == sent
        client.nothing("event", event="notification")


# ---- how it ends ----

def test_a_drain_spreads_the_closes_and_clients_come_back(start_broker, connect, redis, producers,
                                                          start_proxy):
    old = start_broker(redis=redis.url(), drain_window="1s")
    old.wait_until_ready()
    proxy = start_proxy(old.port)
    clients = [connect(proxy.port, user=f"u{number}") for number in range(4)]
    for client in clients:
        client.next("connect")
    new = start_broker(redis=redis.url(), node="new")
    new.wait_until_ready()
    proxy.target = new.port
    old.terminate()
    for client in clients:
        assert client.next("disconnect")["reason"] == "transport close"
        assert client.next("connect")["recovered"] is True
    old.wait_for_exit()


def test_whom_the_backend_disconnects_stays_away(broker, connect, producer):
    client = connect(broker)
    client.next("connect")
    producer.publish("user:42", "{}", type="belfry.disconnect")
    assert client.next("disconnect") == {"what": "disconnect", "reason": "io server disconnect",
                                         "active": False}
    client.nothing("attempt", 0.6)


def test_a_client_may_leave_and_connect_again(broker, connect):
    client = connect(broker)
    first = client.next("connect")
    client.order(disconnect=True)
    assert client.next("disconnect")["reason"] == "io client disconnect"
    wait_until(lambda: scrape(broker).total("belfry_connections") == 0, "it left")
    client.order(connect=True)
    assert client.next("connect")["id"] == first["id"]


def test_a_killed_client_is_reaped_in_time(start_broker, connect):
    broker = start_broker(heartbeat_interval="1s", heartbeat_timeout="2s")
    client = connect(broker)
    client.next("connect")
    client.process.send_signal(19)  # SIGSTOP
    began = time.monotonic()
    wait_until(lambda: scrape(broker).total("belfry_connections") == 0, "reaped", limit=6)
    assert time.monotonic() - began < scaled(4)
    client.process.send_signal(18)


# ---- namespaces, binary ----

def test_configured_namespaces_are_served(start_broker, producers, connect):
    broker = start_broker(namespace="/admin")
    producer = producers(broker)
    admin = connect(broker, namespace="/admin", user="1")
    root = connect(broker, user="2")
    for client in (admin, root):
        client.next("connect")
    event_id = producer.publish("all", "1", event="alert")
    for client in (admin, root):
        assert client.event("alert") == [1, event_id]
    assert admin.ask("join", "1") == {"ok": True}
    admin.order(cut=True)
    assert admin.next("connect")["recovered"] is True
    admin.nothing("event", event="alert")


@pytest.mark.parametrize("package", [VERSIONS[0], NEWEST])
def test_binary_is_refused_and_the_session_stays(broker, producer, connect, package):
    client = connect(broker, package)
    client.next("connect")
    assert client.ask("image", {"_bytes": "00ff"})["error"] == "binary"
    client.emit("image", {"_bytes": "00ff"})
    assert client.ask("join", "42") == {"ok": True}
    event_id = producer.publish("user:42", "1")
    assert client.event("notification") == [1, event_id]


def test_the_query_may_carry_the_token(broker, connect):
    client = connect(broker, auth={}, query=f"?token={token('7')}")
    client.next("connect")
    assert client.ask("join", 7) == {"ok": True}
