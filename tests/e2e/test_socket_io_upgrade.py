"""From polling to a WebSocket, and real clients that begin with polling."""

import json
import threading
import time

import pytest

from engine_io import POLLING, Poller, code_of, read_text, request, send_text, total
from pace import scaled, wait_until
from producer import HttpProducer
from raw_socket import PING, PONG, RawSocket, close_frame, frame
from socket_io_client import VERSIONS, SocketIo, needs_node
from tokens import token

DEFAULT_TRANSPORTS = ["polling", "websocket"]


# ---- the upgrade ----

def probe(session):
    raw, head = session.upgrade()
    assert head.status == 101
    send_text(raw, "2probe")
    assert read_text(raw) == b"3probe"
    return raw


def test_a_session_goes_over_to_a_websocket(four, poller):
    for _ in range(8):
        session = poller()
        held = session.begin_get()
        time.sleep(0.02)
        raw = probe(session)
        assert held.read_http()[1] == b"6"
        send_text(raw, "5")
        for _ in range(10):
            question, answer = session.question()
            send_text(raw, question)
            assert read_text(raw) == answer
        raw.send(frame(PING, b"x"))
        got = raw.read_frame()
        assert (got.opcode, got.payload) == (PONG, b"x")
        head, body = session.begin_get().read_http()
        assert (head.status, code_of(body)) == (400, 3)
        raw.send(close_frame(1000))
        assert raw.read_frame().code == 1000
        assert raw.is_closed_by_broker()
    assert total(four, "belfry_upgrades_total") == 8
    wait_until(lambda: total(four, "belfry_sessions") == 0, "all are gone")


def test_what_waits_goes_over_in_order(poller):
    session = poller()
    raw = probe(session)
    asked = [session.question() for _ in range(5)]
    for question, _ in asked[:3]:
        session.post(question)
    send_text(raw, "5", *(question for question, _ in asked[3:]))
    assert [read_text(raw) for _ in asked] == [answer for _, answer in asked]


def test_a_poll_in_the_middle_of_an_upgrade_is_answered(poller):
    session = poller()
    raw = probe(session)
    assert session.get() == [b"6"]
    question, answer = session.question()
    session.post(question)
    assert session.get() == [answer]
    send_text(raw, "5")
    question, answer = session.question()
    send_text(raw, question)
    assert read_text(raw) == answer


@pytest.mark.parametrize("texts", [["4x"], ["5"], ["2"], ["2probe", "2probe"], ["2probe", "3"],
                                   ["x" * 100]])
def test_anything_else_closes_a_websocket_that_probes(poller, texts):
    session = poller()
    raw, head = session.upgrade()
    assert head.status == 101
    send_text(raw, *texts)
    assert raw.read_until_close()[-1].code == 1002
    question, answer = session.question()
    session.post(question)
    assert session.get() == [answer]


@pytest.mark.parametrize("is_probed", [False, True])
def test_a_probe_that_is_cut_leaves_the_session_polling(poller, is_probed):
    session = poller()
    raw = probe(session) if is_probed else session.upgrade()[0]
    raw.socket.close()
    time.sleep(0.1)
    question, answer = session.question()
    held = session.begin_get()
    session.post(question)
    assert held.read_http()[1] == answer
    assert probe(session)


def test_one_websocket_at_a_time_probes(poller):
    session = poller()
    raw = probe(session)
    _, head = session.upgrade()
    assert head.status == 400
    send_text(raw, "5")
    question, answer = session.question()
    send_text(raw, question)
    assert read_text(raw) == answer
    assert session.upgrade()[1].status == 400


@pytest.mark.timeout(scaled(60))
def test_a_probe_that_is_never_completed_is_closed(poller):
    session = poller()
    raw, _ = session.upgrade()
    raw.settle(15)
    assert raw.is_closed_by_broker()
    question, answer = session.question()
    session.post(question)
    assert session.get() == [answer]


def test_a_session_ends_with_its_websocket(four, poller):
    session = poller()
    raw = probe(session)
    send_text(raw, "5")
    question, answer = session.question()
    send_text(raw, question)
    assert read_text(raw) == answer
    raw.socket.close()
    wait_until(lambda: total(four, "belfry_sessions") == 0, "the session is gone")
    assert session.is_over()


def test_an_upgraded_client_that_does_not_read_gets_all_later(four, poller, producers):
    session = poller()
    raw, _ = session.upgrade()
    send_text(raw, "2probe", "5")
    assert read_text(raw) == b"3probe"
    producer = producers(four)
    count = 600
    for number in range(count):
        producer.publish("user:42", json.dumps({"n": number, "pad": "x" * 10000}))
    got = []
    while len(got) < count:
        event = json.loads(read_text(raw)[2:])
        if event[0] != "unread:count":
            got.append(event[1]["n"])
    assert got == list(range(count))


# ---- real clients ----

def publish_slowly(broker, count, pause, user="42"):
    """Numbers from 0 on, in a thread."""
    def run():
        producer = HttpProducer(broker)
        for number in range(count):
            producer.publish(f"user:{user}", json.dumps({"n": number}), event="count")
            time.sleep(pause)
        producer.close()
    thread = threading.Thread(target=run)
    thread.start()
    return thread


@needs_node
@pytest.mark.parametrize("package", VERSIONS)
def test_an_unmodified_client_polls_and_goes_over(four, package):
    client = SocketIo(four.port, package, transports=DEFAULT_TRANSPORTS)
    client.next("connect")
    wait_until(lambda: total(four, "belfry_upgrades_total") == 1, "it has gone over")
    assert client.ask("join", "42") == {"ok": True}
    client.close()


@needs_node
@pytest.mark.parametrize("package", VERSIONS)
def test_an_unmodified_client_may_only_poll(four, package):
    client = SocketIo(four.port, package, transports=["polling"])
    client.next("connect")
    thread = publish_slowly(four, 100, 0.003)
    got = [client.event("count")[0]["n"] for _ in range(100)]
    thread.join()
    assert got == list(range(100))
    assert client.ask("join", "42") == {"ok": True}
    assert total(four, "belfry_upgrades_total") == 0
    client.close()


@needs_node
def test_an_upgrade_under_load_loses_and_doubles_nothing(four):
    count = 400
    thread = publish_slowly(four, count, 0.005)
    clients = []
    for number in range(8):
        clients.append(SocketIo(four.port, VERSIONS[number % len(VERSIONS)],
                                transports=DEFAULT_TRANSPORTS))
        time.sleep(0.1)
    for client in clients:
        got = [client.event("count", limit=30)[0]["n"] for _ in range(count)]
        assert got == list(range(count))
    thread.join()
    wait_until(lambda: total(four, "belfry_upgrades_total") == len(clients), "all have gone over")
    for client in clients:
        client.close()


@needs_node
@pytest.mark.parametrize("transports", [["polling"], DEFAULT_TRANSPORTS])
def test_a_client_that_is_cut_recovers_by_itself(four, transports):
    client = SocketIo(four.port, transports=transports)
    client.next("connect")
    thread = publish_slowly(four, 300, 0.004)
    got = []
    for number in range(300):
        got.append(client.event("count", limit=30)[0]["n"])
        if number % 60 == 30:
            client.order(cut=True)
    thread.join()
    assert got == list(range(300))
    assert client.next("connect", recovered=True)
    client.close()


@needs_node
@pytest.mark.parametrize("transports", [["polling"], DEFAULT_TRANSPORTS])
def test_a_drain_closes_the_transport_and_the_client_comes_back(start_broker, transports):
    broker = start_broker(shards=2, drain_window="0s")
    client = SocketIo(broker.port, transports=transports)
    client.next("connect")
    if len(transports) > 1:
        wait_until(lambda: total(broker, "belfry_upgrades_total") == 1, "it has gone over")
    else:
        time.sleep(0.3)
    broker.terminate()
    gone = client.next("disconnect")
    assert gone["reason"] in ("transport close", "transport error") and gone["active"] is not False
    assert client.next("attempt")
    broker.wait_for_exit()
    client.close()


@needs_node
def test_a_token_that_ends_closes_the_transport(four):
    client = SocketIo(four.port, auth=None, tokens=[token("42", lifetime=3), token("42")],
                      transports=["polling"])
    client.next("connect")
    assert client.next("disconnect")["reason"] == "transport close"
    client.next("connect")
    client.close()


@needs_node
def test_a_node_that_does_not_know_the_session_is_recovered_at(start_nodes, redis, producers):
    """A poll comes to another node: it is told to begin again, and misses nothing."""
    one, other = start_nodes(2, redis, shards=2)
    producer = producers(redis, follower=other)
    client = SocketIo(one.port, transports=["polling"])
    client.next("connect")
    producer.publish("user:42", '{"n":0}', event="count")
    assert client.event("count")[0] == {"n": 0}
    with RawSocket(other) as raw:
        raw.send(request("GET", POLLING + "&sid=" + Poller(one).sid))
        head, body = raw.read_http()
        assert (head.status, code_of(body)) == (400, 1)
    client.close()
