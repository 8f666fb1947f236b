"""Server-Sent Events: every notification has an id that an EventSource names by itself when it comes
back, and nothing that may pass makes a browser give up for good."""

import json
import shutil
import signal
import socket
import subprocess
import threading
import time
import urllib.parse

import pytest

import chromium
from broker import REPOSITORY
from client import Client, query, resume
from event_stream import EventStream
from openmetrics import scrape
from pace import scaled, wait_until
from raw_socket import RawSocket
from tokens import token

NODE_MODULES = REPOSITORY / "tests" / "e2e" / "node_modules"

needs_node = pytest.mark.skipif(
    not shutil.which("node") or not (NODE_MODULES / "eventsource").exists(),
    reason="node or its packages are not installed: npm ci in tests/e2e")
needs_chromium = pytest.mark.skipif(not chromium.find(), reason="no Chromium is installed")


def publish(producer, channel, numbers, **fields):
    return [producer.publish(channel, str(number), **fields) for number in numbers]


def ids(events):
    return [event.id for event in events]


# ---- the answer and the events ----

def test_the_answer_is_an_event_stream_that_no_cache_keeps(broker):
    with EventStream(broker) as stream:
        assert stream.head.headers == {
            "content-type": "text/event-stream", "cache-control": "no-store",
            "x-accel-buffering": "no", "connection": "close"}
        assert stream.next().type == "connected"
        assert len(stream.reader.retries) == 1 and 3000 <= stream.reader.retries[0] <= 4500


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_the_body_ends_with_the_connection_in_http_1_0_and_1_1(pair, version):
    broker, producer = pair
    with EventStream.open(broker, version=version) as stream:
        assert "transfer-encoding" not in stream.head.headers
        assert "content-length" not in stream.head.headers
        sent = publish(producer, "user:42", range(3))
        assert ids(stream.take(3)) == sent


def test_connected_says_what_it_says_over_a_websocket(broker):
    with EventStream.open(broker, user="u7") as stream:
        welcome = stream.welcome
        assert welcome["type"] == "connected" and welcome["user_id"] == "u7"
        assert set(welcome) == {"type", "message", "user_id", "connection_id", "timestamp",
                                "last_event_id", "recovered", "replayed", "unread", "epoch",
                                "heartbeat_interval"}
        assert welcome["heartbeat_interval"] == 15


async def test_an_event_has_id_type_and_the_same_envelope_as_a_websocket(pair):
    broker, producer = pair
    async with await Client.open(broker) as client:
        with EventStream.open(broker) as stream:
            event_id = producer.publish("user:42", '{"code":"123456"}', type="alert",
                                        event="sms.received", id="n1")
            event = stream.next()
            assert (event.id, event.type) == (event_id, "alert")
            assert event.data == await client.next_text()


@pytest.mark.parametrize("data", ['{"a":1,\n "b":2}', '[1,\r\n2]', '[1,\r2,\n\n3]', '"\\n"',
                                  '{"id: 1":"\\nevent: x\\n\\n"}'])
def test_line_breaks_in_the_data_end_nothing(pair, data):
    broker, producer = pair
    before = producer.publish("user:none", "0")
    with EventStream.open(broker) as stream:
        event_id = producer.publish("user:42", data)
        live = stream.next()
        assert live.json()["data"] == json.loads(data)
        assert live.id == event_id
        publish(producer, "user:42", [5])
        assert stream.data(1) == [5]
    with EventStream.open(broker, after=before) as stream:
        assert stream.next() == live, "replayed it is the same text"


def test_an_entry_of_many_line_breaks_still_fits(start_broker, producers):
    """Each of them as a line of its own would make the event seven times as long."""
    broker = start_broker(max_message_size=4096)
    producer = producers(broker)
    data = "[1," + "\n" * 4000 + "2]"
    before = producer.publish("user:none", "0")
    with EventStream.open(broker) as stream:
        producer.publish("user:42", data)
        live = stream.next()
        assert live.json()["data"] == [1, 2] and len(live.data) < 4096 + 512
    with EventStream.open(broker, after=before) as stream:
        assert stream.next() == live


def test_an_entry_for_several_channels_comes_once(pair):
    broker, producer = pair
    with EventStream.open(broker) as stream:
        first = producer.publish(["trending", "announcements", "user:42"], "1")
        second = producer.publish("all", "2")
        assert [(event.id, event.json()["channel"]) for event in stream.take(2)] == \
            [(first, "announcements"), (second, "all")]
        stream.expect_nothing()


def test_its_own_address_reaches_it(pair):
    broker, producer = pair
    with EventStream.open(broker) as stream:
        producer.publish("conn:" + stream.welcome["connection_id"], '"you"')
        assert stream.data(1) == ["you"]


def test_what_is_in_no_log_has_no_id_and_leaves_the_position(redis, start_broker, producers):
    broker = start_broker(redis=redis.url())
    broker.wait_until_bridged()
    producer = producers(redis, follower=broker)
    with EventStream.open(broker) as stream:
        position = producer.publish("user:42", "1")
        assert stream.next().id == position
        redis.connect().call("PUBLISH", "ws:user:42", '{"type":"hello","n":1}')
        event = stream.next()
        assert (event.type, event.json()) == ("hello", {"type": "hello", "n": 1})
        assert stream.position == position


# ---- paths and channels ----

@pytest.mark.parametrize("path, channel", [
    ("/sse", "user:42"), ("/sse/notifications", "announcements"),
    ("/sse/notifications/42", "user:42"), ("/sse/trending", "trending"),
    ("/sse/feed/42", "feed:42"), ("/sse/engagement/t1", "engagement:t1"),
    ("/sse/typing/42", "typing:42")])
def test_the_routes_are_those_of_the_websocket(broker, producer, path, channel):
    with EventStream.open(broker, path) as stream:
        producer.publish("user:somebody", "0")
        producer.publish(channel, "1")
        assert stream.next().json()["channel"] == channel


def test_more_channels_come_by_the_query(broker, producer):
    with EventStream.open(broker, query("/sse", channels="trending,engagement:7,user:42,all"),
                          ) as stream:
        for number, channel in enumerate(["trending", "engagement:7", "user:42", "all"]):
            producer.publish(channel, str(number))
        assert stream.data(4) == [0, 1, 2, 3]
        stream.expect_nothing()


def test_a_channel_that_is_not_open_is_refused_by_name(broker):
    with EventStream(broker, "/sse?channels=trending,club:1", status=403) as stream:
        body = json.loads(stream.raw.read(int(stream.head.headers["content-length"])))
        assert (body["error"], body["channel"]) == ("not_allowed", "club:1")
    with EventStream.open(broker, "/sse?channels=club:1",
                          bearer=token("42", channels=["club:*"])):
        pass


@pytest.mark.parametrize("path, status, error", [
    ("/sse?channels=a%20b", 400, "bad_channel"), ("/sse?channels=%zz", 400, "bad_channel"),
    ("/sse?channels=" + ",".join(f"engagement:{n}" for n in range(100)), 400,
     "too_many_subscriptions"),
    ("/sse?device=%00", 400, "bad_device"), ("/sse/notifications/9", 403, "not_allowed"),
    ("/sse/nothing", 404, "not_found"), ("/sse/", 404, "not_found")])
def test_what_is_wrong_with_the_request_has_its_status(broker, path, status, error):
    answer = broker.ask(path, headers={"Authorization": f"Bearer {token('42')}"})
    assert (answer.status, answer.json()["error"]) == (status, error)


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "DELETE"])
def test_other_methods_are_405(broker, method):
    answer = broker.ask("/sse", method=method)
    assert answer.status == 405 and answer.headers["allow"] == "GET"


def test_a_bad_token_is_401_and_final(broker):
    assert broker.ask("/sse").status == 401
    assert broker.ask("/sse?token=x").status == 401
    old = token("42", lifetime=-60)
    answer = broker.ask(query("/sse", token=old))
    assert (answer.status, answer.json()["error"]) == (401, "token_expired")


# ---- pages of other origins ----

ORIGIN = "https://app.example"


@pytest.mark.parametrize("path", ["/sse", "/poll?wait=0"])
@pytest.mark.parametrize("bearer, status", [(token("42"), 200), ("x", 401)])
def test_a_listed_origin_may_read_every_answer(start_broker, path, bearer, status):
    broker = start_broker(allow_origin=ORIGIN)
    with EventStream(broker, path, headers=["Origin: " + ORIGIN], bearer=bearer,
                     status=status, kind=None) as stream:
        assert stream.head.headers["access-control-allow-origin"] == ORIGIN
        assert stream.head.headers["access-control-allow-credentials"] == "true"
        assert stream.head.headers["vary"] == "Origin"


@pytest.mark.parametrize("path", ["/sse", "/poll?wait=0"])
def test_a_channel_that_is_refused_can_be_read_by_a_listed_origin(start_broker, path):
    broker = start_broker(allow_origin=ORIGIN)
    answer = broker.ask(path + ("&" if "?" in path else "?") + "channels=club:1", headers={
        "Origin": ORIGIN, "Authorization": "Bearer " + token()})
    assert answer.status == 403
    assert answer.headers["access-control-allow-origin"] == ORIGIN


def test_a_full_node_can_be_read_by_a_listed_origin(start_broker):
    broker = start_broker(allow_origin=ORIGIN, max_connections=1)
    with EventStream.open(broker):
        with EventStream(broker, headers=["Origin: " + ORIGIN]) as stream:
            assert stream.head.headers["access-control-allow-origin"] == ORIGIN
            assert stream.next().type == "close"
        answer = broker.ask("/poll", headers={"Origin": ORIGIN,
                                              "Authorization": "Bearer " + token()})
        assert answer.status == 503
        assert answer.headers["access-control-allow-origin"] == ORIGIN


@pytest.mark.parametrize("path", ["/sse", "/poll"])
def test_another_origin_is_refused(start_broker, path):
    broker = start_broker(allow_origin=ORIGIN)
    answer = broker.ask(path, headers={"Origin": "https://evil.example",
                                       "Authorization": "Bearer " + token()})
    assert (answer.status, answer.json()["error"]) == (403, "origin")
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("path", ["/sse", "/sse/trending", "/poll"])
def test_a_preflight_is_answered(start_broker, path):
    broker = start_broker(allow_origin=ORIGIN)
    answer = broker.ask(path, method="OPTIONS", headers={
        "Origin": ORIGIN, "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "last-event-id"})
    assert answer.status == 204
    assert answer.headers["access-control-allow-origin"] == ORIGIN


# ---- coming back ----

@pytest.mark.parametrize("name", ["last_event_id", "lastEventId"])
def test_the_query_names_a_position_when_there_is_no_header(pair, name):
    broker, producer = pair
    sent = publish(producer, "user:42", range(4))
    with EventStream.open(broker, query("/sse", **{name: sent[1]})) as stream:
        assert stream.welcome["recovered"] is True and stream.welcome["replayed"] == 2
        assert ids(stream.take(2)) == sent[2:]
        stream.expect_nothing()


def test_the_header_counts_more_than_the_query(pair):
    """An EventSource comes back to the URL that it was made with."""
    broker, producer = pair
    sent = publish(producer, "user:42", range(4))
    with EventStream.open(broker, resume(sent[0], "/sse"), after=sent[2]) as stream:
        assert ids(stream.take(1)) == sent[3:]
        stream.expect_nothing()


def test_connected_has_an_id_only_when_naming_it_loses_nothing(pair):
    broker, producer = pair
    sent = publish(producer, "user:42", range(3))
    with EventStream.open(broker, after=sent[0]) as stream:
        assert stream.connected.id == sent[0]
    with EventStream.open(broker, after=sent[2]) as stream:
        assert stream.connected.id == sent[2]
    last = producer.publish("user:9", "0")
    with EventStream.open(broker, after=sent[2]) as stream:
        assert stream.connected.id == last
    with EventStream.open(broker, user="7") as stream:
        assert stream.connected.id == last


def test_a_position_that_is_gone_is_a_gap(redis, start_broker, producers):
    broker = start_broker(redis=redis.url())
    broker.wait_until_ready()
    producer = producers(redis, follower=broker)
    sent = publish(producer, "user:42", range(3))
    broker.terminate()
    broker.wait_for_exit()
    redis.connect().call("XTRIM", "belfry:in", "MAXLEN", "1")
    broker = start_broker(redis=redis.url())
    broker.wait_until_ready()
    with EventStream.open(broker, after=sent[0]) as stream:
        assert stream.welcome["recovered"] is False
        gap = stream.next()
        assert (gap.type, gap.json()["from"]) == ("gap", sent[0])
        assert stream.data(1) == [2]
    with EventStream.open(broker, after=sent[2]) as stream:
        assert stream.welcome["recovered"] is True
        stream.expect_nothing()


def test_naming_a_position_confirms_it(pair):
    """Another connection of the user, which names nothing, gets only what came after it."""
    broker, producer = pair
    with EventStream.open(broker):
        pass
    sent = publish(producer, "user:42", range(5))
    with EventStream.open(broker) as stream:
        assert ids(stream.take(5)) == sent
    with EventStream.open(broker, after=sent[2]) as stream:
        assert ids(stream.take(2)) == sent[3:]
    with EventStream.open(broker) as stream:
        assert ids(stream.take(2)) == sent[3:]
        stream.expect_nothing()


def test_a_device_has_a_cursor_of_its_own(pair):
    broker, producer = pair
    for device in "ab":
        with EventStream.open(broker, "/sse?device=" + device):
            pass
    sent = publish(producer, "user:42", range(2))
    with EventStream.open(broker, "/sse?device=a", after=sent[1]):
        pass
    with EventStream.open(broker, "/sse?device=a") as stream:
        stream.expect_nothing()
    with EventStream.open(broker, "/sse?device=b") as stream:
        assert ids(stream.take(2)) == sent


def test_any_node_replays_what_another_one_has_sent(redis, start_nodes, producers):
    one, two = start_nodes(2, redis)
    one.wait_until_ready()
    two.wait_until_ready()
    producer = producers(redis, follower=two)
    with EventStream.open(one) as stream:
        sent = publish(producer, "user:42", range(5))
        position = stream.take(2)[-1].id
    sent += publish(producer, "user:42", range(5, 8))
    with EventStream.open(two, after=position) as stream:
        assert ids(stream.take(6)) == sent[2:]


# ---- silence ----

def test_a_silent_stream_gets_comments(start_broker):
    broker = start_broker(sse_heartbeat="1s")
    with EventStream.open(broker) as stream:
        wait_until(lambda: stream.expect_nothing(0.2) or len(stream.reader.comments) >= 3,
                   "three comments", limit=8)


def test_the_position_moves_in_silence(pair_of_shards):
    """Nothing of what passes is for this client, and yet it need not ask from the beginning."""
    broker, producer = pair_of_shards
    with EventStream.open(broker) as stream:
        first = producer.publish("user:42", "1")
        assert stream.next().id == first
        last = publish(producer, "user:somebody", range(3))[-1]
        while stream.position != last:
            event = stream.next(limit=8)
            assert event.type == "cursor" and event.json()["last_event_id"] == event.id
        stream.expect_nothing(2.5)
    with EventStream.open(broker, after=last) as stream:
        assert stream.welcome["recovered"] and stream.welcome["replayed"] == 0


@pytest.fixture(params=["embedded", "redis"])
def pair_of_shards(request, start_broker, producers):
    """Two shards and short heartbeats: one of the two hears nothing of most messages."""
    if request.param == "embedded":
        broker = start_broker(shards=2, sse_heartbeat="1s")
        return broker, producers(broker)
    redis = request.getfixturevalue("redis")
    broker = start_broker(shards=2, sse_heartbeat="1s", redis=redis.url())
    broker.wait_until_ready()
    return broker, producers(redis, follower=broker)


def test_a_client_that_left_is_noticed(broker):
    def connections():
        return scrape(broker).total("belfry_connections")

    streams = [EventStream.open(broker) for _ in range(3)]
    assert connections() == 3
    streams[0].close()
    streams[1].raw.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    streams[1].close()
    wait_until(lambda: connections() == 1, "two are gone")
    streams[2].close()
    wait_until(lambda: connections() == 0, "all are gone")


def test_what_a_client_sends_behind_its_request_is_dropped(broker, producer):
    with EventStream.open(broker) as stream:
        stream.raw.send(b"GET /ws/health HTTP/1.1\r\nHost: h\r\n\r\n" + b"x" * 100000)
        producer.publish("user:42", "1")
        assert stream.data(1) == [1]


# ---- nothing that passes is final ----

def read_goodbye(broker, **options):
    """What a stream says that ends at once: its retry and its event."""
    with EventStream(broker, **options) as stream:
        events = stream.rest()
        assert [event.type for event in events] == ["close"]
        assert events[0].id == ""
        assert events[0].json()["reconnect_in_ms"] == stream.reader.retries[-1]
        return stream.reader.retries[-1], events[0].json()


def test_a_full_node_answers_200_with_a_time_to_come_back(start_broker):
    broker = start_broker(max_connections=1)
    with EventStream.open(broker):
        goodbyes = [read_goodbye(broker) for _ in range(4)]
    assert all(5000 <= retry <= 7500 for retry, _ in goodbyes)
    assert len({retry for retry, _ in goodbyes}) > 1, "not all at the same moment"
    assert {event["code"] for _, event in goodbyes} == {1013}
    wait_until(lambda: scrape(broker).total("belfry_connections") == 0, "it is gone")
    with EventStream.open(broker):
        pass


def test_too_many_of_a_user_are_told_likewise(start_broker):
    broker = start_broker(max_connections_per_user=1)
    with EventStream.open(broker):
        retry, event = read_goodbye(broker)
        assert event["code"] == 4409 and 15000 <= retry <= 22500
        with EventStream.open(broker, user="other"):
            pass


def test_too_many_of_an_address_are_told_likewise(start_broker):
    broker = start_broker(max_connections_per_ip=1)
    with EventStream.open(broker):
        assert read_goodbye(broker)[1]["code"] == 1013


def test_a_drain_spreads_the_ends_and_the_times_to_come_back(start_broker, producers):
    broker = start_broker(drain_window="1s")
    producer = producers(broker)
    streams = [EventStream.open(broker) for _ in range(10)]
    sent = producer.publish("user:42", "1")
    for stream in streams:
        assert stream.next().id == sent
    broker.terminate()
    retries = set()
    for stream in streams:
        events = stream.rest()
        assert [event.type for event in events] == ["going_away", "close"]
        assert events[0].json()["reconnect_in_ms"] == stream.reader.retries[-1] < 1000
        assert events[1].json()["code"] == 1001
        assert stream.position == sent
        retries.add(stream.reader.retries[-1])
    assert len(retries) > 5
    assert broker.wait_for_exit() == 0


def test_an_expired_token_is_told_then_the_stream_ends_and_then_it_is_401(start_broker):
    broker = start_broker(token_grace="1s")
    old = token("42", lifetime=-28)  # within the leeway of 30 s
    with EventStream.open(broker, query("/sse", token=old), bearer=False) as stream:
        expired, close = stream.rest(limit=8)
        assert (expired.type, expired.json()["code"]) == ("token_expired", "token_expired")
        assert (close.type, close.json()["code"]) == ("close", 4401)
    wait_until(lambda: broker.ask(query("/sse", token=old)).status == 401, "401", limit=8,
               pause=0.5)


def test_a_backend_closes_streams_and_says_so(pair):
    broker, producer = pair
    with EventStream.open(broker) as stream:
        producer.publish("user:42", "1")
        producer.publish("user:42", "{}", type="belfry.disconnect")
        events = stream.rest()
        assert events[0].json()["data"] == 1
        assert (events[-1].type, events[-1].json()["code"]) == ("close", 4403)


# ---- slow streams ----

@pytest.mark.heavy
def test_a_slow_stream_misses_nothing(pair):
    broker, producer = pair
    filler = "x" * 20000
    with EventStream.open(broker, receive_buffer=4096) as stream:
        sent = []
        for start in range(0, 400, 50):
            sent += producer.publish_many(
                [("user:42", json.dumps([number, filler])) for number in range(start, start + 50)])
        wait_until(lambda: scrape(broker).total("belfry_fell_behind_total") > 0, "it fell behind")
        got = [stream.next(limit=20) for _ in sent]
        assert ids(got) == sent
        assert [event.json()["data"][0] for event in got] == list(range(400))
        assert [producer.publish("user:42", '"live"')] == ids(stream.take(1))


@pytest.mark.heavy
def test_many_streams_of_one_channel_are_encoded_once(start_broker, producers):
    """Beside them WebSockets: the message is written once for each encoding."""
    broker = start_broker()
    producer = producers(broker)
    streams = [EventStream.open(broker, "/sse/trending", user=f"u{n}") for n in range(40)]
    before = scrape(broker).total("belfry_encoded_total")
    sent = publish(producer, "trending", range(30))
    for stream in streams:
        assert ids(stream.take(30)) == sent
    assert scrape(broker).total("belfry_encoded_total") - before == 30
    for stream in streams:
        stream.close()


# ---- real clients ----

class NodeEventSource:
    """tests/e2e/event_source.mjs: a package of the npm registry in a process of its own."""

    def __init__(self, package, url, *types):
        self.process = subprocess.Popen(
            ["node", str(REPOSITORY / "tests/e2e/event_source.mjs"), package, url,
             "notification", *types],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.said = []
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self.said.append(json.loads(line))

    def events(self, kind="notification"):
        return [said for said in self.said if said["what"] == "event" and said["type"] == kind]

    def wait_for(self, count, kind="notification", limit=10):
        wait_until(lambda: len(self.events(kind)) >= count, f"{count} {kind}: {self.said}", limit)
        return self.events(kind)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=scaled(10))


def stream_url(broker, **parameters):
    return broker.url(query("/sse", token=token("42"), **parameters), "http")


@needs_node
@pytest.mark.parametrize("package", ["eventsource-1", "eventsource-2", "eventsource-3",
                                     "eventsource"])
def test_an_unmodified_eventsource_misses_nothing(start_broker, producers, start_proxy, package):
    broker = start_broker(sse_retry="200ms")
    producer, proxy = producers(broker), start_proxy(broker.port)
    url = f"http://127.0.0.1:{proxy.port}" + query("/sse", token=token("42"))
    with NodeEventSource(package, url) as source:
        source.wait_for(1, "connected")
        sent = publish(producer, "user:42", range(3))
        source.wait_for(3)
        proxy.cut()
        sent += publish(producer, "user:42", range(3, 6))
        source.wait_for(2, "connected")
        sent += publish(producer, "user:42", range(6, 9))
        got = source.wait_for(9)
        time.sleep(0.2)
        assert [event["id"] for event in source.events()] == sent
        assert [json.loads(event["data"])["data"] for event in got] == list(range(9))


@needs_node
def test_an_unmodified_eventsource_outlives_an_overload(start_broker):
    broker = start_broker(max_connections=1)
    with EventStream.open(broker) as stream:
        with NodeEventSource("eventsource", stream_url(broker)) as source:
            source.wait_for(1, "close")
            assert source.process.poll() is None
            stream.close()
            source.wait_for(1, "connected", limit=12)


@needs_node
def test_an_unmodified_eventsource_gives_up_on_a_bad_token(broker):
    with NodeEventSource("eventsource", broker.url("/sse?token=x", "http")) as source:
        assert source.process.wait(timeout=scaled(10)) == 0
        wait_until(lambda: source.said, "it said why")
        assert source.said[-1] == {"what": "error", "state": 2, "status": 401}


PAGE = """
window.seen = []; window.opened = 0;
const source = window.source = new EventSource(%s);
source.onopen = () => window.opened++;
for (const type of ["connected", "notification", "cursor", "gap", "close", "going_away"])
  source.addEventListener(type, (event) =>
    window.seen.push([event.type, event.lastEventId, JSON.parse(event.data)]));
"""


async def open_in(browser):
    """An EventSource for user 42 in the page, which is there by then."""
    await browser.wait_for("location.protocol == 'http:' && document.readyState == 'complete'")
    await browser.evaluate(PAGE % json.dumps(query("/sse", token=token("42"))))


def seen(kind):
    return f"window.seen.filter(([type]) => type == '{kind}')"


@needs_chromium
async def test_a_browser_misses_nothing_when_its_node_is_cut_off_and_when_it_restarts(
        start_redis, start_broker, producers, start_proxy, tmp_path):
    redis = start_redis()
    settings = {"redis": redis.url(), "demo": "on", "sse_retry": "200ms"}
    one, two = (start_broker(**settings, node=name) for name in ("one", "two"))
    one.wait_until_ready()
    two.wait_until_ready()
    producer, proxy = producers(redis, follower=two), start_proxy(one.port)
    browser = chromium.Chromium(tmp_path, f"http://127.0.0.1:{proxy.port}/")
    try:
        await browser.attach()
        await open_in(browser)
        await browser.wait_for(seen("connected") + ".length == 1")
        sent = publish(producer, "user:42", range(3))
        await browser.wait_for(seen("notification") + ".length == 3")
        proxy.cut()
        sent += publish(producer, "user:42", range(3, 6))
        await browser.wait_for(seen("notification") + ".length == 6")
        proxy.target = two.port
        one.terminate()
        sent += publish(producer, "user:42", range(6, 9))
        await browser.wait_for(seen("notification") + ".length == 9", limit=20)
        got = await browser.evaluate(seen("notification") + ".map(([, id, message]) => "
                                     "[id, message.data])")
        assert got == [[event_id, number] for number, event_id in enumerate(sent)]
        assert await browser.evaluate(seen("gap") + ".length") == 0
    finally:
        await browser.close()


@needs_chromium
async def test_a_page_of_another_origin_receives_with_its_cookie(start_broker, producers,
                                                                   tmp_path):
    """The token is in a cookie, which an EventSource sends with credentials."""
    page = start_broker()
    origin = f"http://127.0.0.1:{page.port}"
    broker = start_broker(token_cookie="session", allow_origin=origin, sse_retry="200ms")
    producer = producers(broker)
    browser = chromium.Chromium(tmp_path, origin + "/ws/health")
    try:
        await browser.attach()
        await browser.wait_for("location.protocol == 'http:' && document.readyState == 'complete'")
        await browser.evaluate(f"document.cookie = 'session={token()}; path=/'")
        target = json.dumps(broker.url("/sse", "http"))
        await browser.evaluate(PAGE % (target + ", {withCredentials: true}"))
        await browser.wait_for(seen("connected") + ".length == 1")
        producer.publish("user:42", "1")
        await browser.wait_for(seen("notification") + ".length == 1")
    finally:
        await browser.close()


@pytest.mark.heavy
@needs_chromium
async def test_a_browser_comes_back_at_its_time_when_there_was_no_place(start_broker, tmp_path):
    broker = start_broker(max_connections_per_user=1, demo="on")
    browser = chromium.Chromium(tmp_path, broker.url("/", "http"))
    try:
        await browser.attach()
        with EventStream.open(broker):
            await open_in(browser)
            await browser.wait_for(seen("close") + ".length == 1 && source.readyState == 0")
        await browser.wait_for(seen("connected") + ".length == 1", limit=30)
    finally:
        await browser.close()


# ---- between transports ----

async def test_a_client_moves_between_websocket_and_stream_and_misses_nothing(pair):
    broker, producer = pair
    position, sent, got = None, [], []
    for step in range(6):
        sent += publish(producer, "user:42", range(2))
        if step % 2:
            path = resume(position, "/ws")
            async with await Client.open(broker, path) as client:
                sent += publish(producer, "user:42", range(2))
                got += [message["event_id"] for message in await client.take(4)]
        else:
            with EventStream.open(broker, after=position) as stream:
                sent += publish(producer, "user:42", range(2))
                got += ids(stream.take(4))
        position = got[-1]
    assert got == sent
