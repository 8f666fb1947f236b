"""The demonstration page in a real browser, and the headers it is served with."""

import re

import pytest

import chromium
from client import Client
from pace import wait_until
from tokens import token

needs_chromium = pytest.mark.skipif(not chromium.find(), reason="no Chromium is installed")

STATE = "document.getElementById('state')?.dataset.state"


def row(event_id):
    return f"document.querySelector('[data-event-id=\"{event_id}\"]')?.innerText"


def text(element):
    return f"document.getElementById('{element}').textContent"


@pytest.fixture
def open_page(tmp_path):
    """open_page(broker, fragment): the demonstration page in a browser of its own."""
    directories = []

    async def open_it(broker, fragment):
        directories.append(tmp_path / f"chromium-{len(directories)}")
        directories[-1].mkdir()
        browser = chromium.Chromium(directories[-1], broker.url("/", "http") + fragment)
        await browser.attach()
        return browser

    return open_it


def test_the_page_is_only_there_with_demo_on(start_broker):
    assert start_broker().ask("/").status == 404
    answer = start_broker(demo="on").ask("/")
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert b"<!doctype html>" in answer.body


def test_the_page_has_a_strict_content_security_policy(start_broker):
    answer = start_broker(demo="on").ask("/")
    policy = dict((part.split()[0], part.split()[1:])
                  for part in answer.headers["content-security-policy"].split(";") if part.strip())
    assert policy["default-src"] == ["'none'"]
    assert policy["script-src"] == ["'unsafe-inline'"]
    assert "'unsafe-eval'" not in answer.headers["content-security-policy"]
    assert "*" not in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_the_page_loads_nothing_from_elsewhere(start_broker):
    page = start_broker(demo="on").ask("/").body.decode()
    assert not re.findall(r"""(?:src|href)=["']?(?!data:)(?!#)[^"'> ]""", page)
    assert "@import" not in page


@needs_chromium
async def test_the_page_shows_what_is_published_meanwhile(start_broker, producers, open_page):
    broker = start_broker(demo="on")
    producer = producers(broker)
    browser = await open_page(broker, "#token=" + token("alice"))
    try:
        await browser.wait_for(STATE + " === 'open'")
        assert await browser.evaluate(text("user")) == "alice"
        event_id = producer.publish("user:alice", '{"text":"<b>Grüße</b> 😀"}', event="demo.hello")
        shown = await browser.wait_for(row(event_id))
        assert "<b>Grüße</b> 😀" in shown and "demo.hello" in shown and "user:alice" in shown
        assert re.search(r"\d+ ms", shown)
        last = None
        for number in range(50):
            last = producer.publish("announcements", str(number))
        await browser.wait_for(row(last))
        assert await browser.evaluate(text("count")) == "51"
        assert await browser.evaluate(
            "[...document.querySelectorAll('#notifications li pre')].slice(0, 50)"
            ".map((pre) => +pre.textContent).every((n, i) => n === 49 - i)")
        curl = await browser.evaluate(text("curl"))
        assert "user:alice" in curl and "API_KEY" in curl
        for event in browser.events:
            if event["method"] in ("Runtime.exceptionThrown", "Log.entryAdded"):
                raise AssertionError(event)
            if event["method"] in ("Network.requestWillBeSent", "Network.webSocketCreated"):
                url = event["params"].get("url") or event["params"]["request"]["url"]
                assert "eyJ" not in url.split("#")[0], "the token is in no URL that is asked for"
    finally:
        await browser.close()


@needs_chromium
async def test_the_page_tells_of_a_refused_token_and_takes_another(start_broker, open_page):
    broker = start_broker(demo="on")
    browser = await open_page(broker, "#token=" + token("alice", lifetime=-60))
    try:
        await browser.wait_for(STATE + " === 'closed' && " + text("state") + ".includes('4401')")
        await browser.evaluate(f"document.getElementById('token').value = '{token('bob')}'; "
                               "document.querySelector('#form button').click()")
        await browser.wait_for(STATE + " === 'open'")
        assert await browser.evaluate(text("user")) == "bob"
        await browser.evaluate("document.getElementById('stop').click()")
        await browser.wait_for(STATE + " === 'closed'")
        wait_until(lambda: broker.ask("/ws/stats").json()["total_connections"] == 0,
                   "the broker knows of no connection")
    finally:
        await browser.close()


@needs_chromium
async def test_the_page_connects_again_after_the_broker_was_restarted(start_broker, producers,
                                                                      open_page):
    first = start_broker(demo="on")
    browser = await open_page(first, "#token=" + token("alice"))
    try:
        await browser.wait_for(STATE + " === 'open'")
        first.terminate()
        assert first.wait_for_exit() == 0
        await browser.wait_for(STATE + " === 'waiting'")
        second = start_broker(demo="on", listen=f"127.0.0.1:{first.port}")
        await browser.wait_for(STATE + " === 'open'", limit=20)
        event_id = producers(second).publish("user:alice", '"back again"')
        assert "back again" in await browser.wait_for(row(event_id))
    finally:
        await browser.close()


async def test_the_page_does_not_take_the_place_of_the_websocket_routes(start_broker):
    broker = start_broker(demo="on")
    async with await Client.open(broker) as client:
        assert await client.is_alive()
    assert broker.ask("/nope").status == 404
    assert broker.ask("/", method="POST").status == 405
