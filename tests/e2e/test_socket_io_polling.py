"""Socket.IO over HTTP long-polling: requests of every kind, and what ends a session."""

import base64
import json
import time

import pytest

from broker import BINARY
from engine_io import POLLING, SEPARATOR, WEBSOCKET, Poller, code_of, request, total
from pace import wait_until
from raw_socket import RawSocket


# ---- requests ----

def test_the_open_packet_tells_all_that_a_client_needs(start_broker):
    broker = start_broker(heartbeat_interval="25s", heartbeat_timeout="45s",
                          max_client_message=100000)
    session = Poller(broker, connect=False)

    assert len(session.sid) == 24
    assert session.open == {"sid": session.sid, "upgrades": ["websocket"], "pingInterval": 25000,
                            "pingTimeout": 20000, "maxPayload": 100000}
    headers = session.head.headers
    assert headers["content-type"] == "text/plain; charset=UTF-8"
    assert headers["cache-control"] == "no-store"
    session.close()


@pytest.mark.parametrize("method, target, status, code", [
    ("GET", "/socket.io/?EIO=4", 400, 0),
    ("GET", "/socket.io/?EIO=4&transport=webtransport", 400, 0),
    ("GET", "/socket.io/", 400, 0),
    ("GET", POLLING + "&sid=unknown", 400, 1),
    ("POST", POLLING + "&sid=AE4gAAAAAeYeKQLx7n9L", 400, 1),
    ("POST", POLLING, 400, 2),
    ("PUT", POLLING, 400, 2),
    ("GET", WEBSOCKET, 400, 3),
    ("GET", "/socket.io/?EIO=3&transport=polling", 400, 5),
    ("GET", "/socket.io/?transport=polling", 400, 5),
])
def test_a_wrong_request_gets_the_code_of_the_reference(broker, method, target, status, code):
    with RawSocket(broker) as raw:
        raw.send(request(method, target, b"4x" if method == "POST" else None))
        head, body = raw.read_http()
        assert (head.status, code_of(body)) == (status, code)
        assert head.headers["content-type"] == "application/json"


def test_a_page_of_another_origin_is_forbidden_or_may_read(start_broker):
    broker = start_broker(allow_origin="https://app.example")

    with RawSocket(broker) as raw:
        raw.send(request("GET", POLLING, headers=("Origin: https://evil.example",)))
        head, body = raw.read_http()
    assert (head.status, code_of(body)) == (403, 4)
    session = Poller(broker, headers=("Origin: https://app.example",))
    assert session.head.headers["access-control-allow-origin"] == "https://app.example"
    assert session.head.headers["access-control-allow-credentials"] == "true"
    question, _ = session.question()
    head = session.post(question, headers=("Origin: https://app.example",))
    assert head.headers["access-control-allow-origin"] == "https://app.example"
    with RawSocket(broker) as raw:
        raw.send(request("OPTIONS", session.target, headers=(
            "Origin: https://app.example", "Access-Control-Request-Method: POST")))
        assert raw.read_head().status == 204
    session.close()


def test_other_methods_for_a_session_are_refused(poller):
    session = poller()
    for method in ("PUT", "DELETE", "HEAD"):
        raw = session.connection()
        raw.send(request(method, session.target))
        assert raw.read_head().status == 400
    question, answer = session.question()
    session.post(question)
    assert session.get() == [answer]


# ---- polls ----

def test_a_session_is_found_from_every_shard(four, poller):
    sessions = [poller() for _ in range(8)]
    for number in range(8):
        for session in sessions:
            question, answer = session.question()
            held = session.begin_get()
            if number % 2:
                time.sleep(0.01)
            session.post(question)
            assert held.read_http()[1] == answer

    assert total(four, "belfry_moves_total") > 50
    assert total(four, "belfry_sessions") == 8


def test_connections_are_counted_out_where_they_were_placed(start_broker):
    broker = start_broker(shards=4, max_connections=60, max_connections_per_ip=50)
    for _ in range(10):
        session = Poller(broker)
        for _ in range(10):
            question, answer = session.question()
            session.post(question)
            assert session.get() == [answer]
        session.close()

    wait_until(lambda: total(broker, "belfry_sockets") == 0, "all sockets are gone")
    assert total(broker, "belfry_moves_total") > 50
    many = [RawSocket(broker) for _ in range(50)]
    for raw in many:
        raw.send(request("GET", "/ws/health"))
    assert [raw.read_head().status for raw in many] == [200] * 50
    for raw in many:
        raw.socket.close()


def shard_of(session):
    """The first byte of a connection id."""
    return base64.urlsafe_b64decode(session.sid)[0]


def test_a_shard_without_a_free_slot_is_told_of(start_broker, tmp_path, monkeypatch):
    few = tmp_path / "few"
    few.write_text(f'#!/bin/sh\nulimit -n 128\nexec {BINARY} "$@"\n')
    few.chmod(0o755)
    monkeypatch.setattr("broker.BINARY", str(few))
    broker = start_broker(shards=2, heartbeat_interval=0, handshake_timeout="60s")
    sessions, idle = [], []
    while len({shard_of(session) for session in sessions}) < 2:
        sessions.append(Poller(broker))
        idle.append(RawSocket(broker))  # so that the next session goes to the other shard
    for one in sessions + idle:
        one.close()
    time.sleep(0.5)  # some may only now be accepted
    wait_until(lambda: total(broker, "belfry_sockets") == 0, "all sockets are gone")

    idle = []
    for count in 100, 100, 2 * 128 - 1 - 200:  # the acceptor has no more than 128 slots, too
        idle += [RawSocket(broker) for _ in range(count)]
        wait_until(lambda: total(broker, "belfry_sockets") == len(idle), "all are taken", limit=20)
    free = 0 if total(broker, "belfry_sockets", shard=0) < 128 else 1
    there = next(session for session in sessions if shard_of(session) != free)
    here = next(session for session in sessions if shard_of(session) == free)
    raw = there.begin_get()
    assert raw.read_http()[0].status == 503
    assert raw.is_closed_by_broker()
    question, answer = here.question()
    here.post(question, idle[0])
    assert here.get(idle[0]) == [answer]
    for raw in idle:
        raw.socket.close()


def test_one_connection_serves_sessions_of_all_shards(poller):
    sessions = [poller() for _ in range(8)]
    one = sessions[0].connection()
    for _ in range(5):
        for session in sessions:
            question, answer = session.question()
            session.post(question, one)
            assert session.get(one) == [answer]


def test_requests_may_be_sent_ahead_of_answers(poller):
    session = poller()
    (first, got_first), (second, got_second), (third, got_third) = (
        session.question() for _ in range(3))
    get = request("GET", session.target)
    raw = session.connection()
    raw.send(get + request("POST", session.target, first + SEPARATOR + second) + get)
    # The GET is answered by what the POST behind it brings only when that comes another way.
    other, got_other = session.question()
    session.post(other)

    bodies = [raw.read_http()[1] for _ in range(3)]
    assert bodies == [got_other, b"ok", got_first + SEPARATOR + got_second]
    raw.send(request("POST", session.target, third) + get + request("GET", "/ws/health"))
    assert [raw.read_http()[1] for _ in range(2)] == [b"ok", got_third]
    assert raw.read_http()[0].status == 200


def test_a_body_may_come_in_pieces(poller):
    session = poller()
    questions, answers = zip(*(session.question() for _ in range(200)))
    raw_request = request("POST", session.target, SEPARATOR.join(questions))
    for size in (1, 100, 1000):
        raw = session.connection()
        raw.send_in_pieces(raw_request, size)
        assert raw.read_http()[1] == b"ok"
        assert session.get() == list(answers)


def test_a_client_that_asks_before_it_sends_is_told_to(poller):
    session = poller()
    question, answer = session.question()
    raw = session.connection()
    whole = request("POST", session.target, question, headers=("Expect: 100-continue",))
    head, body = whole[:-len(question)], whole[-len(question):]
    raw.send(head)
    assert raw.read_head().status == 100
    raw.send(body)
    assert raw.read_http()[1] == b"ok"
    assert session.get() == [answer]


def test_http_1_0_is_spoken(poller):
    session = poller()
    question, answer = session.question()
    raw = session.begin_post(question, version="1.0")
    assert raw.read_http()[1] == b"ok"
    assert raw.is_closed_by_broker()
    raw = session.connection()
    raw.send(request("GET", session.target, version="1.0", headers=("Connection: keep-alive",)))
    head, body = raw.read_http()
    assert (body, head.headers["connection"]) == (answer, "keep-alive")
    raw.send(request("GET", "/ws/health"))
    assert raw.read_head().status == 200


def test_a_connection_ends_with_its_answer_when_asked_to(poller):
    session = poller()
    question, answer = session.question()
    session.post(question)
    raw = session.begin_get(headers=("Connection: close",))
    head, body = raw.read_http()
    assert (body, head.headers["connection"]) == (answer, "close")
    assert raw.is_closed_by_broker()


def test_much_goes_out_in_several_answers_and_in_order(four, poller, producers):
    session = poller()
    producer = producers(four)
    for number in range(60):
        producer.publish("user:42", json.dumps({"n": number, "pad": "x" * 10000}))
    got, answers = [], 0
    while len(got) < 60:
        packets = session.get()
        assert sum(map(len, packets)) < 300000
        events = [json.loads(packet[2:]) for packet in packets if packet.startswith(b"42")]
        got += [event[1]["n"] for event in events if event[0] != "unread:count"]
        answers += 1
    assert got == list(range(60)) and answers > 1


# ---- what ends a session ----

def test_two_gets_at_a_time_end_the_session(poller):
    session = poller()
    first, second = session.begin_get(), session.connection()
    time.sleep(0.1)
    session.begin_get(second)
    assert second.read_head().status == 400
    assert first.read_http()[1] == b"1"
    assert session.is_over()


def test_two_posts_at_a_time_end_the_session(poller):
    session = poller()
    question, _ = session.question()
    first = session.connection()
    first.send(request("POST", session.target, question)[:-3])
    time.sleep(0.1)
    second = session.begin_post(question)
    assert second.read_head().status == 400
    assert session.is_over()
    assert first.read_head().status == 400


@pytest.mark.parametrize("body, headers", [
    (b"4\x01\x02", ("Content-Type: application/octet-stream",)),
    (b"", ()), (b"4\xff\xfe", ()), (b"2", ()), (b"9", ()), (b"4", ()), (b"5", ()),
    (b"3" + SEPARATOR, ()), (b"42[", ()),
])
def test_what_is_no_packet_ends_the_session(poller, body, headers):
    session = poller()
    raw = session.begin_post(body, headers=headers)
    assert raw.read_head().status in (200, 400)
    assert session.is_over()


def test_a_body_over_max_payload_is_refused(start_broker):
    broker = start_broker(shards=2, max_client_message=5000)
    session = Poller(broker)
    raw = session.connection()
    raw.send(request("POST", session.target, b"4" * 5001)[:-4000])
    head = raw.read_head()
    assert head.status == 413
    session.close()
    session = Poller(broker)
    text = b'421["' + b"x" * (5000 - 7) + b'"]'
    assert len(text) == 5000
    session.post(text)
    assert b"unknown_event" in session.wait_for(b"431")
    session.close()


def test_a_client_that_goes_away_in_a_poll_is_gone(four, poller):
    session = poller()
    raw = session.begin_get()
    time.sleep(0.2)
    raw.socket.close()
    wait_until(lambda: total(four, "belfry_sessions") == 0, "the session is gone")
    assert session.is_over()


def test_a_client_that_goes_away_in_a_body_is_gone(four, poller):
    session = poller()
    raw = session.connection()
    raw.send(request("POST", session.target, b"42" + b"x" * 100)[:-50])
    time.sleep(0.1)
    raw.socket.close()
    wait_until(lambda: total(four, "belfry_sessions") == 0, "the session is gone")


def test_the_close_packet_ends_the_session(four, poller):
    session = poller()
    held = session.begin_get()
    time.sleep(0.1)
    session.post(b"1")
    assert held.read_http()[1] == b"1"
    wait_until(lambda: total(four, "belfry_sessions") == 0, "the session is gone")
    assert session.is_over()


def test_who_does_not_poll_is_gone_after_interval_and_timeout(start_broker):
    broker = start_broker(shards=2, heartbeat_interval="1s", heartbeat_timeout="2s")
    session = Poller(broker)
    wait_until(lambda: total(broker, "belfry_sessions") == 0, "the session is gone", limit=5)
    assert total(broker, "belfry_closed_total", reason="heartbeat") == 1
    session.close()


def test_who_answers_pings_stays(start_broker):
    broker = start_broker(shards=2, heartbeat_interval="1s", heartbeat_timeout="2s")
    session = Poller(broker)
    for _ in range(5):
        assert session.get() == [b"2"]
        session.post(b"3")
    session.close()


def test_who_never_connects_is_gone_after_the_handshake_timeout(start_broker):
    broker = start_broker(handshake_timeout="500ms")
    session = Poller(broker, connect=False)
    wait_until(lambda: total(broker, "belfry_sessions") == 0, "the session is gone", limit=5)
    session.close()


def test_a_sid_of_another_node_is_unknown(start_broker):
    one, other = start_broker(), start_broker()
    session = Poller(one)
    with RawSocket(other) as raw:
        raw.send(request("GET", session.target))
        head, body = raw.read_http()
    assert (head.status, code_of(body)) == (400, 1)
    session.close()


def test_sessions_are_bounded(four, poller):
    sessions = [poller(connect=False) for _ in range(100)]
    assert total(four, "belfry_sessions") == 100
    for session in sessions:
        session.post(b"1")
    wait_until(lambda: total(four, "belfry_sessions") == 0, "all are gone")
