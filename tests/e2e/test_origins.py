"""Which web pages may connect, and what of the answers they may read."""

import http.client
import json

import pytest

from client import Client
from pace import scaled
from raw_socket import RawSocket, upgrade_request
from tokens import token

PREFLIGHT = ["/sse", "/sse/notifications/42", "/poll", "/poll/trending", "/socket.io/",
             "/socket.io/?EIO=4&transport=polling", "/ws/stats", "/ws/health"]

ATTACKS = [
    "https://evil.example", "http://app.example", "https://app.example.evil",
    "https://evil-app.example", "https://app.example:8443", "https://app.example:80",
    "https://app.example.", "https://app.example@evil.example", "https://evil@app.example",
    "https://app.example/", "https://app.example/..", "https://app.example#",
    "https://app.example?", "https://app.example:", "https://app.example, https://evil.example",
    "https://evil.example https://app.example", "app.example", "//app.example", "", "null", "*",
    "https://*", "https://app.example\\.evil.example", "https://app.example%00.evil.example",
    "https://team.example", "https://evil-team.example", "https://evilteam.example",
    "https://.team.example", "https://a.team.example.evil", "http://a.team.example",
    "https://a.team.example:8443", "https://evil/.team.example", "https://evil#.team.example",
    "https://evil?.team.example", "https://evil:80.team.example", "https://*.team.example",
    "https://a..team.example", "https://" + "a." * 200 + "team.example", "https://app.example\xe9",
]


def upgrade(broker, *origins, host="belfry.test"):
    """The status of an upgrade with these Origin headers and that Host."""
    request = upgrade_request(headers=[f"Origin: {origin}" for origin in origins]).decode("latin-1")
    with RawSocket(broker) as raw:
        raw.send(request.replace("Host: belfry.test", f"Host: {host}").encode("latin-1"))
        return raw.read_head().status


def preflight(broker, path="/sse", origin="https://app.example", method="OPTIONS"):
    return broker.ask(path, method=method, headers={
        "Origin": origin, "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "authorization,last-event-id"} if origin else {})


@pytest.fixture
def listed(start_broker):
    return start_broker(allow_origin=["https://app.example", "https://*.team.example"])


async def test_without_a_list_only_pages_of_the_same_host_may_connect(broker):
    own = f"http://{broker.host}:{broker.port}"
    async with await Client.open(broker, origin=own) as client:
        assert await client.is_alive()
    async with await Client.open(broker) as client:
        assert await client.is_alive()
    for origin in ("http://evil.example", f"http://{broker.host}",
                   f"http://localhost:{broker.port}",
                   f"{own}0", f"http://evil.example:{broker.port}", "null", "file://", ""):
        assert upgrade(broker, origin, host=f"{broker.host}:{broker.port}") == 403, origin


@pytest.mark.parametrize("host, origin", [
    ("app.example", "https://app.example"), ("app.example:443", "https://app.example"),
    ("app.example:8443", "https://app.example:8443"), ("APP.example", "http://app.Example"),
    ("app.example", "https://app.example:443"), ("[::1]:8080", "http://[::1]:8080")])
def test_the_same_host_is_recognized_behind_a_proxy_that_speaks_tls(broker, host, origin):
    assert upgrade(broker, origin, host=host) == 101


@pytest.mark.parametrize("host, origin", [
    ("app.example", "https://app.example:8443"), ("app.example:8080", "https://app.example"),
    ("app.example", "https://app.example.evil"), ("app.example", "https://x.app.example"),
    ("x.app.example", "https://app.example"), ("null", "null"),
    ("app.example", "https://app.example@evil"), ("localhost", "capacitor://localhost")])
def test_another_host_or_port_is_another_page(broker, host, origin):
    assert upgrade(broker, origin, host=host) == 403


@pytest.mark.parametrize("origin", [
    "https://app.example", "https://app.example:443", "HTTPS://APP.EXAMPLE",
    "https://a.team.example", "https://a.b.c.team.example", "https://a.team.example:443"])
def test_origins_of_the_list_may_connect_and_read_with_credentials(listed, origin):
    assert upgrade(listed, origin) == 101
    headers = listed.ask("/ws/health", headers={"Origin": origin}).headers
    assert headers["access-control-allow-origin"] == origin
    assert headers["access-control-allow-credentials"] == "true"
    assert headers["vary"] == "Origin"


@pytest.mark.parametrize("origin", ATTACKS)
def test_what_only_looks_like_an_origin_of_the_list_may_not(listed, origin):
    assert upgrade(listed, origin) == 403
    answer = preflight(listed, origin=origin) if origin else None
    if answer:
        assert answer.status == 403
        assert "access-control-allow-origin" not in answer.headers
        answer = listed.ask("/ws/health", headers={"Origin": origin})
        assert answer.status == 200 and "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("path", ["/sse", "/poll?wait=0"])
def test_streams_and_polls_are_for_pages_of_the_list_only(listed, path):
    def ask(origin):
        headers = {"Authorization": f"Bearer {token()}", "Origin": origin} if origin else {
            "Authorization": f"Bearer {token()}"}
        connection = http.client.HTTPConnection(listed.host, listed.port, timeout=scaled(10))
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        connection.close()
        return answer.status, answer.getheader("Access-Control-Allow-Origin")

    assert ask("https://app.example") == (200, "https://app.example")
    assert ask("https://a.team.example") == (200, "https://a.team.example")
    assert ask(None) == (200, None)
    for origin in ("https://evil.example", "https://evil-team.example", "null",
                   "http://app.example"):
        assert ask(origin) == (403, None)


@pytest.mark.parametrize("path", ["/sse", "/poll?wait=0"])
def test_a_page_that_is_allowed_may_read_why_it_was_refused(listed, path):
    answer = listed.ask(path, headers={"Origin": "https://app.example"})
    assert answer.status == 401
    assert answer.headers["access-control-allow-origin"] == "https://app.example"


def test_socket_io_is_for_pages_of_the_list_only(listed):
    path = "/socket.io/?EIO=4&transport=websocket"
    for origin, status in (("https://app.example", 101), ("https://evil.example", 403),
                           ("null", 403)):
        with RawSocket(listed) as raw:
            raw.send(upgrade_request(path, headers=[f"Origin: {origin}"], bearer=False))
            assert raw.read_head().status == status, origin


def test_two_origins_are_none(listed):
    assert upgrade(listed, "https://app.example", "https://app.example") == 403
    assert upgrade(listed, "https://app.example", "https://evil.example") == 403


def test_a_list_is_the_whole_list(listed):
    assert upgrade(listed, f"http://{listed.host}:{listed.port}",
                   host=f"{listed.host}:{listed.port}") == 403


def test_a_star_opens_to_all_pages_but_not_their_cookies(start_broker):
    broker = start_broker(allow_origin=["*", "https://app.example"])
    assert upgrade(broker, "https://anything.example") == 101
    headers = broker.ask("/ws/health", headers={"Origin": "https://anything.example"}).headers
    assert headers["access-control-allow-origin"] == "https://anything.example"
    assert "access-control-allow-credentials" not in headers
    assert headers["vary"] == "Origin"
    headers = broker.ask("/ws/health", headers={"Origin": "https://app.example"}).headers
    assert headers["access-control-allow-credentials"] == "true"


def test_pages_without_an_origin_need_a_word_of_their_own(start_broker):
    assert upgrade(start_broker(allow_origin="*"), "null") == 403
    broker = start_broker(allow_origin="null")
    assert upgrade(broker, "null") == 101
    assert upgrade(broker, "https://null") == 403
    assert upgrade(broker, "https://app.example") == 403


def test_a_refused_page_hears_why_if_it_offers_the_subprotocol(listed):
    headers = ["Origin: https://evil.example", f"Sec-WebSocket-Protocol: belfry, bearer.{token()}"]
    with RawSocket(listed) as raw:
        raw.upgrade(headers=headers, bearer=False)
        assert raw.read_frame().code == 4403


@pytest.mark.parametrize("path", PREFLIGHT)
def test_a_preflight_says_what_is_allowed(listed, path):
    answer = preflight(listed, path)
    assert answer.status == 204 and answer.body == b""
    headers = answer.headers
    assert "content-length" not in headers
    assert headers["access-control-allow-origin"] == "https://app.example"
    assert headers["access-control-allow-credentials"] == "true"
    assert headers["access-control-max-age"] == "600"
    assert headers["vary"] == "Origin"
    methods = {word.strip() for word in headers["access-control-allow-methods"].split(",")}
    assert {"GET", "POST", "OPTIONS"} <= methods
    allowed = {word.strip().lower() for word in headers["access-control-allow-headers"].split(",")}
    assert {"authorization", "last-event-id", "content-type"} <= allowed


def test_a_preflight_of_another_page_is_refused(listed, broker):
    for node, origin in ((listed, "https://evil.example"), (broker, "https://app.example")):
        answer = preflight(node, origin=origin)
        assert answer.status == 403
        assert json.loads(answer.body)["error"] == "origin"
        assert not [name for name in answer.headers if name.startswith("access-control")]


def test_options_without_an_origin_is_no_preflight(listed):
    answer = preflight(listed, origin=None)
    assert answer.status == 204 and "GET" in answer.headers["allow"]
    assert not [name for name in answer.headers if name.startswith("access-control")]


def test_there_is_no_preflight_elsewhere(listed):
    assert preflight(listed, "/ws").status == 405
    assert preflight(listed, "/nothing").status == 404


def test_requests_go_on_after_a_preflight(listed):
    request = ("OPTIONS /poll HTTP/1.1\r\nHost: a\r\nOrigin: https://app.example\r\n\r\n"
               "GET /ws/health HTTP/1.1\r\nHost: a\r\nOrigin: https://app.example\r\n\r\n")
    with RawSocket(listed) as raw:
        raw.send(request.encode())
        assert raw.read_head().status == 204
        assert raw.read_head().status == 200
