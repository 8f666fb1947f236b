"""Unmodified EventSources, of the npm registry and of a browser, and pages of other origins."""

import json
import shutil
import signal
import subprocess
import threading
import time

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


# ---- pages of other origins ----

ORIGIN = "https://app.example"


@pytest.mark.parametrize("path", ["/sse", "/poll?wait=0"])
@pytest.mark.parametrize("is_known, status", [(True, 200), (False, 401)])
def test_a_listed_origin_may_read_every_answer(start_broker, path, is_known, status):
    broker = start_broker(allow_origin=ORIGIN)
    bearer = token("42") if is_known else "x"
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


# ---- revoked tokens ----

def revoke(broker, **what):
    assert broker.ask_api("/api/revocations", "POST", json.dumps(what)).status == 200


def test_a_revoked_token_ends_streams_and_polls_and_is_401_then(broker):
    word = token("42", jti="one")
    with EventStream.open(broker, bearer=word) as stream, RawSocket(broker) as poll:
        poll.send(f"GET /poll?wait=50&token={word} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
        wait_until(lambda: scrape(broker).total("belfry_connections") == 2, "both are there")
        revoke(broker, jti="one")
        close = stream.rest()[-1]
        assert (close.type, close.json()["code"]) == ("close", 4401)
        assert poll.read_http()[0].status == 401
    for path in ("/sse", "/poll?wait=0"):
        answer = broker.ask(path, headers={"Authorization": "Bearer " + word})
        assert (answer.status, answer.json()["error"]) == (401, "token_revoked")
    with EventStream.open(broker, bearer=token("42", jti="two")):
        pass


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
