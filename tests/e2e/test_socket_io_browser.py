"""An unmodified socket.io-client in a browser, in a page of another origin."""

import json

import pytest

import chromium
from broker import REPOSITORY
from pace import scaled
from producer import HttpProducer
from tokens import token

BUNDLE = REPOSITORY / "tests/e2e/node_modules/socket.io-client-48/dist/socket.io.min.js"

pytestmark = [
    pytest.mark.skipif(not chromium.find(), reason="no Chromium is installed"),
    pytest.mark.skipif(not BUNDLE.exists(), reason="npm ci was not run in tests/e2e"),
    pytest.mark.timeout(scaled(90)),
]

# Keeps what comes; `options` are added to those of the client.
OPEN = """
  window.got = [];
  window.socket = io(%s, Object.assign({auth: {token: %s}, withCredentials: true}, %s));
  socket.on("order.moved", (data) => got.push(data.n));
  socket.on("unread:count", ({count}) => { window.unread = count; });
  true;
"""


async def open_page(tmp_path, page, broker, **options):
    browser = chromium.Chromium(tmp_path, page.url("/ws/health", "http"))
    await browser.attach()
    await browser.wait_for("location.protocol == 'http:' && document.readyState == 'complete'")
    await browser.evaluate(BUNDLE.read_text() + "; true")
    await browser.evaluate(OPEN % (json.dumps(broker.url("", "http")), json.dumps(token()),
                                   json.dumps(options)))
    await browser.wait_for("socket.connected")
    return browser


def publish(producer, numbers):
    for number in numbers:
        producer.publish("user:42", json.dumps({"n": number}), event="order.moved")


async def test_it_begins_with_polls_goes_over_and_misses_nothing_when_it_is_cut(
        start_broker, start_proxy, tmp_path):
    page = start_broker()
    broker = start_broker(allow_origin=f"http://127.0.0.1:{page.port}", shards=3)
    proxy, producer = start_proxy(broker.port), HttpProducer(broker)
    broker.port, port = proxy.port, broker.port
    browser = await open_page(tmp_path, page, broker)
    broker.port = port
    try:
        publish(producer, range(5))
        await browser.wait_for("socket.io.engine.transport.name == 'websocket'")
        publish(producer, range(5, 10))
        await browser.wait_for("got.length == 10")
        assert await browser.evaluate("unread") == 10
        identity = await browser.evaluate("socket.id")
        proxy.cut()
        publish(producer, range(10, 15))
        await browser.wait_for("got.length == 15", limit=20)
        assert await browser.evaluate("got") == list(range(15))
        assert await browser.evaluate("socket.recovered && socket.id") == identity
        answer = await browser.evaluate("socket.timeout(5000).emitWithAck('mark:all:read')")
        assert answer == {"ok": True}
        await browser.wait_for("unread == 0")
    finally:
        await browser.close()


async def test_it_works_with_polls_alone(start_broker, tmp_path):
    page = start_broker()
    broker = start_broker(allow_origin=f"http://127.0.0.1:{page.port}", shards=3)
    browser = await open_page(tmp_path, page, broker, transports=["polling"])
    try:
        publish(HttpProducer(broker), range(20))
        await browser.wait_for("got.length == 20")
        assert await browser.evaluate("got") == list(range(20))
        assert await browser.evaluate("socket.io.engine.transport.name") == "polling"
    finally:
        await browser.close()
