"""Long polling: plain requests whose answers are enough to miss nothing, whatever stands between
client and server."""

import http.client
import json
import socket
import threading
import time

import pytest

from broker import read_answer
from client import Client, query
from event_stream import EventStream
from openmetrics import scrape
from pace import scaled, wait_until
from poll_client import PollClient
from raw_socket import RawSocket
from tokens import token


def publish(producer, channel, numbers, **fields):
    return [producer.publish(channel, str(number), **fields) for number in numbers]


def ids(events):
    return [event["event_id"] for event in events]


def request(path, version="1.1", headers=(), user="42", method="GET"):
    return "\r\n".join([f"{method} {path} HTTP/{version}", "Host: belfry.test",
                        f"Authorization: Bearer {token(user)}", *headers, "", ""]).encode()


def later(seconds, call):
    """Calls it in another thread, in a while."""
    timer = threading.Timer(seconds, call)
    timer.start()
    return timer


# ---- the answer ----

def test_an_answer_has_the_events_and_the_position_after_them(pair):
    broker, producer = pair
    with PollClient(broker) as client:
        assert client.poll() == []
        sent = publish(producer, "user:42", range(3), event="sms.received")
        events = client.poll()
        assert ids(events) == sent
        assert events[0] == {"type": "notification", "event": "sms.received",
                             "event_id": sent[0], "channel": "user:42",
                             "timestamp": events[0]["timestamp"], "data": 0}
        assert client.answer["last_event_id"] >= sent[-1]
        assert client.answer["recovered"] is True and client.answer["unread"] == 3
        assert client.poll() == []


async def test_an_event_is_the_same_text_as_over_a_websocket(pair):
    broker, producer = pair
    async with await Client.open(broker) as socket_client:
        with PollClient(broker) as client:
            client.poll()
            producer.publish("user:42", '{ "b":1,\n"a":[ 1.0 ], "ü":"\\u0041" }', id="n1", key="k")
            _, body = client.ask()
            text = await socket_client.next_text()
            assert body.decode().startswith('{"events":[' + text + "],")


def test_no_cache_keeps_an_answer_and_it_has_no_etag(broker):
    answer = broker.ask("/poll?wait=0", headers={"Authorization": f"Bearer {token()}",
                                                 "If-None-Match": "*",
                                                 "If-Modified-Since":
                                                     "Sat, 01 Jan 2050 00:00:00 GMT"})
    assert answer.status == 200
    assert set(answer.headers) == {"content-type", "content-length", "cache-control"}
    assert answer.headers["cache-control"] == "no-store"


def test_without_wait_it_answers_at_once(pair):
    broker, _ = pair
    with PollClient(broker) as client:
        began = time.monotonic()
        for _ in range(20):
            assert client.poll(wait=0) == []
        assert time.monotonic() - began < scaled(4)


def test_a_wait_ends_with_the_first_event(pair):
    broker, producer = pair
    with PollClient(broker) as client:
        client.poll()
        timer = later(0.5, lambda: publish(producer, "user:42", [7]))
        began = time.monotonic()
        assert [event["data"] for event in client.poll(wait=20)] == [7]
        assert 0.4 < time.monotonic() - began < scaled(5)
        timer.join()


def test_a_wait_that_brings_nothing_is_over_in_its_time(broker):
    with PollClient(broker) as client:
        began = time.monotonic()
        assert client.poll(wait=2) == []
        assert 1.9 < time.monotonic() - began < 2.6 * scaled(1)


def test_what_comes_together_is_answered_together(pair):
    broker, producer = pair
    with PollClient(broker) as client:
        client.poll()
        later(0.3, lambda: producer.publish_many([("user:42", str(n)) for n in range(50)]))
        got = client.poll(wait=10)
        answers = 1
        while len(got) < 50:
            got += client.poll(wait=10)
            answers += 1
        assert [event["data"] for event in got] == list(range(50))
        assert answers <= 5


@pytest.mark.parametrize("parameters, status", [
    ("wait=61", 200), ("wait=x", 400), ("wait=-1", 400), ("wait=1.5", 400), ("wait=", 400),
    ("limit=0", 400), ("limit=x", 400), ("limit=5000", 200), ("channels=a%20b", 400),
    ("device=%00", 400)])
def test_parameters_have_bounds(broker, producer, parameters, status):
    """Over the most is the most; what is no number is refused."""
    producer.publish("user:42", "1")  # so that a long wait is over at once
    answer = broker.ask("/poll?" + parameters, headers={"Authorization": f"Bearer {token()}"})
    assert answer.status == status, answer
    if status == 400:
        assert set(answer.json()) == {"error", "message"}


def test_a_limit_divides_what_there_is(pair):
    broker, producer = pair
    with PollClient(broker, limit=3) as client:
        client.poll()
        sent = publish(producer, "user:42", range(8))
        got = []
        for count in (3, 3, 2, 0):
            events = client.poll()
            assert len(events) == count
            got += ids(events)
        assert got == sent


@pytest.mark.parametrize("path, channel", [
    ("/poll", "user:42"), ("/poll/notifications", "announcements"),
    ("/poll/notifications/42", "user:42"), ("/poll/trending", "trending"),
    ("/poll/feed/42", "feed:42"), ("/poll/engagement/t1", "engagement:t1"),
    ("/poll/typing/42", "typing:42")])
def test_the_routes_are_those_of_the_websocket(start_broker, producers, path, channel):
    broker = start_broker(history="*=on")
    producer = producers(broker)
    with PollClient(broker, path) as client:
        client.position = producer.publish("user:somebody", "0")
        producer.publish(channel, "1")
        assert [event["channel"] for event in client.poll()] == [channel]


def test_more_channels_come_by_the_query_or_are_refused_by_name(pair):
    broker, producer = pair
    with PollClient(broker, channels="trending,engagement:7,all") as client:
        client.position = producer.publish("user:somebody", "0")
        for number, channel in enumerate(["trending", "engagement:7", "all", "user:42"]):
            producer.publish(channel, str(number))
        assert client.data() == [0, 1, 2, 3]
    with PollClient(broker, channels="trending,club:1") as client:
        answer, body = client.ask()
        assert answer.status == 403
        assert json.loads(body)["channel"] == "club:1"


@pytest.mark.parametrize("method", ["HEAD", "POST", "DELETE"])
def test_other_methods_are_405(broker, method):
    answer = broker.ask("/poll", method=method)
    assert answer.status == 405 and answer.headers["allow"] == "GET"


@pytest.mark.parametrize("path, headers, status, error", [
    ("/poll", {}, 401, "token_missing"), ("/poll?token=x", {}, 401, "token_malformed"),
    ("/poll/notifications/9", {"Authorization": "Bearer " + token()}, 403, "not_allowed"),
    ("/poll/nothing", {}, 404, "not_found"), ("/poll/", {}, 404, "not_found")])
def test_refusals_are_json(broker, path, headers, status, error):
    answer = broker.ask(path, headers=headers)
    assert (answer.status, answer.json()["error"]) == (status, error)
    assert answer.headers["content-type"] == "application/json"


# ---- HTTP ----

def test_a_connection_is_kept_for_the_next_poll(broker):
    with PollClient(broker) as client:
        client.poll()
        first = client.connection.sock
        for _ in range(3):
            client.poll()
        assert client.connection.sock is first


def test_it_is_closed_when_the_client_says_so(broker):
    with RawSocket(broker) as raw:
        raw.send(request("/poll?wait=0", headers=["Connection: close"]))
        head, body = raw.read_http()
        assert head.headers["connection"] == "close" and json.loads(body)["events"] == []
        assert raw.is_closed_by_broker()


@pytest.mark.parametrize("headers", [[], ["Connection: keep-alive"]])
def test_an_http_1_0_proxy_gets_a_length_and_an_end(pair, headers):
    broker, producer = pair
    with RawSocket(broker) as raw:
        raw.send(request("/poll?wait=20", version="1.0", headers=headers))
        wait_until(lambda: scrape(broker).total("belfry_connections") == 1, "it waits")
        event_id = producer.publish("user:42", "1")
        head, body = raw.read_http()
        assert head.status == 200 and head.headers["connection"] == "close"
        assert "transfer-encoding" not in head.headers
        assert ids(json.loads(body)["events"]) == [event_id]
        assert raw.is_closed_by_broker()


def test_pipelined_polls_are_answered_one_after_the_other(pair):
    broker, producer = pair
    sent = publish(producer, "user:42", range(3))
    with RawSocket(broker) as raw:
        raw.send(request("/poll?wait=0&last_event_id=" + sent[0]) + request("/ws/health") +
                 request("/poll?wait=30&last_event_id=" + sent[2]) +
                 request("/poll?wait=0&last_event_id=" + sent[1]))
        assert ids(json.loads(raw.read_http()[1])["events"]) == sent[1:]
        assert json.loads(raw.read_http()[1])["status"] == "healthy"
        raw.settle(0.3)
        with pytest.raises(socket.timeout):
            raw.read_http()
        raw.settle(10)
        sent += publish(producer, "user:42", [3])
        assert ids(json.loads(raw.read_http()[1])["events"]) == sent[3:]
        assert ids(json.loads(raw.read_http()[1])["events"]) == sent[2:]


def test_a_request_in_pieces_is_one_request(broker):
    with RawSocket(broker) as raw:
        for _ in range(2):
            raw.send_in_pieces(request("/poll?wait=0"), 7)
            assert raw.read_http()[0].status == 200


def test_a_client_that_says_no_more_is_answered_at_once(broker):
    """Its end of the connection is shut down; it may well still read."""
    with RawSocket(broker) as raw:
        raw.send(request("/poll?wait=50"))
        wait_until(lambda: scrape(broker).total("belfry_connections") == 1, "it waits")
        raw.socket.shutdown(socket.SHUT_WR)
        head, body = raw.read_http()
        assert head.status == 200 and json.loads(body)["events"] == []
        assert raw.is_closed_by_broker()
    with RawSocket(broker) as raw:
        raw.send(request("/poll?wait=50"))
        raw.socket.shutdown(socket.SHUT_WR)
        assert raw.read_http()[0].status == 200


def test_a_client_that_left_is_noticed(broker):
    raw = RawSocket(broker)
    raw.send(request("/poll?wait=50"))
    wait_until(lambda: scrape(broker).total("belfry_connections") == 1, "it waits")
    raw.socket.close()
    wait_until(lambda: scrape(broker).total("belfry_connections") == 0, "it is gone")


@pytest.mark.heavy
def test_a_client_that_reads_nothing_of_large_answers_harms_nobody(pair):
    broker, producer = pair
    filler = json.dumps("x" * 30000)
    producer.publish_many([("user:42", filler)] * 20)
    with RawSocket(broker, receive_buffer=4096) as raw:
        raw.send(request("/poll?wait=0&last_event_id=0-1") * 40)
        with PollClient(broker, user="9") as client:
            publish(producer, "user:9", [1])
            assert client.data(wait=5) == [1]
        for _ in range(40):
            assert json.loads(raw.read_http()[1])["events"]


# ---- limits, tokens, ends ----

def test_only_a_waiting_poll_counts_as_a_connection(start_broker, producers):
    broker = start_broker(max_connections_per_user=1)
    producer = producers(broker)
    with PollClient(broker) as one, PollClient(broker) as two:
        for client in (one, two) * 5:
            client.poll()
        waiting = threading.Thread(target=lambda: one.poll(wait=20))
        waiting.start()
        wait_until(lambda: scrape(broker).total("belfry_connections") == 1, "one waits")
        answer, body = two.ask()
        assert answer.status == 429 and json.loads(body)["error"] == "too_many_connections"
        assert int(answer.getheader("Retry-After")) > 0
        publish(producer, "user:42", [1])
        waiting.join()
        two.connection.close()
        assert two.data() == [1]


def test_a_full_node_says_when_to_come_back(start_broker):
    broker = start_broker(max_connections=1)
    with EventStream.open(broker):
        answer = broker.ask("/poll?wait=0", headers={"Authorization": f"Bearer {token()}"})
        assert answer.status == 503 and int(answer.headers["retry-after"]) > 0


def test_presence_does_not_flap_between_polls(redis, start_broker):
    broker = start_broker(redis=redis.url(), presence_linger="2s")
    broker.wait_until_ready()
    connection = redis.connect()

    def told():
        return [entry[1][entry[1].index(b"type") + 1]
                for entry in connection.call("XRANGE", "belfry:up", "-", "+")]

    with PollClient(broker) as client:
        for _ in range(6):
            client.poll(wait=1)
        wait_until(lambda: told() == [b"presence.online"], "the user is online")
    wait_until(lambda: told() == [b"presence.online", b"presence.offline"], "and offline", limit=8)


def test_a_token_that_ends_while_a_poll_waits_ends_the_wait(broker):
    old = token("42", lifetime=-28)  # within the leeway of 30 s
    began = time.monotonic()
    assert broker.ask(query("/poll", token=old, wait=50)).status == 200
    assert time.monotonic() - began < scaled(10)
    wait_until(lambda: broker.ask(query("/poll", token=old, wait=0)).status == 401, "401", limit=8,
               pause=0.5)


def test_a_drain_answers_polls_that_wait(start_broker):
    broker = start_broker(drain_window="1s")
    answers = []

    def poll():
        connection = http.client.HTTPConnection(broker.host, broker.port, timeout=scaled(30))
        connection.request("GET", "/poll?wait=50",
                           headers={"Authorization": f"Bearer {token()}"})
        answers.append(read_answer(connection))
        connection.close()

    threads = [threading.Thread(target=poll) for _ in range(8)]
    for thread in threads:
        thread.start()
    wait_until(lambda: scrape(broker).total("belfry_connections") == 8, "all wait")
    broker.terminate()
    for thread in threads:
        thread.join()
    assert [answer.status for answer in answers] == [200] * 8
    assert all(answer.headers["connection"] == "close" for answer in answers)
    assert all(answer.json()["last_event_id"] for answer in answers)
    assert broker.wait_for_exit() == 0


def test_without_a_drain_window_polls_are_answered_too(broker):
    with RawSocket(broker) as raw:
        raw.send(request("/poll?wait=50"))
        wait_until(lambda: scrape(broker).total("belfry_connections") == 1, "it waits")
        broker.terminate()
        head, body = raw.read_http()
        assert head.status == 200 and json.loads(body)["events"] == []


def test_a_backend_that_disconnects_a_user_ends_its_poll(pair):
    broker, producer = pair
    with RawSocket(broker) as raw:
        raw.send(request("/poll?wait=50"))
        wait_until(lambda: scrape(broker).total("belfry_connections") == 1, "it waits")
        producer.publish("user:42", "{}", type="belfry.disconnect")
        head, body = raw.read_http()
        assert head.status == 403 and json.loads(body)["error"] == "closed"


@pytest.mark.heavy
def test_many_polls_wait_and_all_get_what_is_for_all(pair):
    broker, producer = pair
    raws = [RawSocket(broker) for _ in range(60)]
    try:
        for number, raw in enumerate(raws):
            raw.send(request("/poll/trending?wait=50", user=f"u{number}"))
        wait_until(lambda: scrape(broker).total("belfry_connections") == 60, "all wait")
        event_id = producer.publish("trending", "1")
        for raw in raws:
            assert ids(json.loads(raw.read_http()[1])["events"]) == [event_id]
        assert scrape(broker).total("belfry_connections") == 0
    finally:
        for raw in raws:
            raw.socket.close()
