"""Paths, the channels they give, and who may take them."""

import pytest

from client import Client
from raw_socket import RawSocket, upgrade_request
from tokens import token

CHANNELS = {
    "/ws": ["user:42", "announcements"],
    "/ws/notifications": ["user:42", "announcements"],
    "/ws/notifications/42": ["user:42"],
    "/ws/trending": ["trending"],
    "/ws/feed/42": ["feed:42"],
    "/ws/engagement/t1": ["engagement:t1"],
    "/ws/typing/42": ["typing:42"],
}

OWN_PATHS = ["/ws/notifications/{}", "/ws/feed/{}", "/ws/typing/{}"]


def refusal(broker, path, method="GET", upgrade=True, **more):
    """Status, headers and body of what a request gets instead of an upgrade."""
    request = upgrade_request(path, **more).replace(b"GET ", method.encode() + b" ", 1)
    if not upgrade:
        request = f"{method} {path} HTTP/1.1\r\nHost: b\r\nContent-Length: 0\r\n\r\n".encode()
    with RawSocket(broker) as raw:
        raw.send(request)
        head = raw.read_head()
        body = b"" if method == "HEAD" else raw.read(int(head.headers.get("content-length", 0)))
        return head.status, head.headers, body


@pytest.mark.parametrize("path", CHANNELS)
async def test_a_path_gives_its_channels_and_no_others(broker, producer, path):
    everything = sorted({channel for some in CHANNELS.values() for channel in some})
    async with await Client.open(broker, path) as client:
        for channel in everything:
            producer.publish(channel, "1")
        producer.publish("conn:" + client.id, "1")
        producer.publish("all", "1")
        got = [await client.next() for _ in range(len(CHANNELS[path]) + 2)]
        await client.expect_nothing(0.1)
    assert sorted(message["channel"] for message in got) == sorted(
        CHANNELS[path] + ["all", "conn:" + client.id])


@pytest.mark.parametrize("path", OWN_PATHS)
def test_another_users_path_gets_403(broker, path):
    status, headers, body = refusal(broker, path.format("43"), user="42")
    assert status == 403
    assert headers["content-type"].startswith("application/json") and body.startswith(b"{")


@pytest.mark.parametrize("path", OWN_PATHS)
async def test_another_users_path_closes_4403_for_clients_that_offer_belfry(broker, path):
    client = await Client.open_silent(broker, path.format("43"), bearer=None,
                                      subprotocols=["belfry", "bearer." + token("42")])
    assert await client.close_code() == 4403


@pytest.mark.parametrize("path", OWN_PATHS)
async def test_an_admin_may_take_another_users_path(broker, producer, path):
    async with await Client.open(broker, path.format("43"),
                                 bearer=token("root", admin=True)) as client:
        assert client.connected["user_id"] == "root"
        channel = path.format("43").removeprefix("/ws/").replace("/", ":").replace(
            "notifications", "user")
        producer.publish(channel, '"seen"')
        assert (await client.next())["data"] == "seen"


@pytest.mark.parametrize("admin", [False, None, "true", 1, "yes"])
def test_only_the_boolean_admin_makes_an_admin(broker, admin):
    status, _, _ = refusal(broker, "/ws/feed/43", bearer=token("42", admin=admin))
    assert status == 403


async def test_a_percent_encoded_user_in_the_path_is_that_user(broker, producer):
    async with await Client.open(broker, "/ws/notifications/m%C3%BCller",
                                 user="müller") as client:
        producer.publish("user:müller", "1")
        assert (await client.next())["data"] == 1


@pytest.mark.parametrize("path", ["/", "/nope", "/ws/", "/ws/nope", "/ws/feed", "/ws/feed/",
                                  "/ws/feed/42/more", "/ws/engagement/", "/WS", "//ws", "/wsx",
                                  "/ws/../ws", "/ws/%2e%2e/ws", "/echo", "/api/publish",
                                  "/metrics", "/healthz/"])
def test_an_unknown_path_gets_404(broker, path):
    assert refusal(broker, path)[0] == 404
    assert refusal(broker, path, upgrade=False)[0] == 404


@pytest.mark.parametrize("name", ["a%2Cb", "a%20b", "%00", "%0A", "x" * 256])
def test_a_path_that_makes_no_channel_name_is_refused(broker, name):
    assert refusal(broker, "/ws/engagement/" + name)[0] in (400, 404)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "HEAD", "PATCH", "BREW"])
@pytest.mark.parametrize("upgrade", [True, False])
def test_a_wrong_method_gets_405(broker, method, upgrade):
    status, headers, _ = refusal(broker, "/ws", method, upgrade)
    if method == "HEAD" and not upgrade:
        assert status in (405, 426)
    else:
        assert status == 405
        assert "GET" in headers["allow"]


def test_a_plain_get_on_a_websocket_path_gets_426(broker):
    for path in CHANNELS:
        status, headers, _ = refusal(broker, path, upgrade=False)
        assert status == 426
        assert headers["upgrade"].lower() == "websocket"


@pytest.mark.parametrize("version", ["12", "8", "0", "14", "x"])
def test_another_websocket_version_gets_426_and_hears_which(broker, version):
    status, headers, _ = refusal(broker, "/ws", version=version)
    assert status == 426
    assert headers["sec-websocket-version"] == "13"


@pytest.mark.parametrize("key", ["", "short", "not base64 at all!!!", "A" * 24 + "=="])
def test_a_broken_key_gets_400(broker, key):
    assert refusal(broker, "/ws", key=key)[0] == 400


@pytest.mark.parametrize("cut", [b"Connection: Upgrade\r\n", b"Upgrade: websocket\r\n",
                                 b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
                                 b"Sec-WebSocket-Version: 13\r\n"])
def test_an_incomplete_upgrade_is_refused(broker, cut):
    with RawSocket(broker) as raw:
        raw.send(upgrade_request().replace(cut, b""))
        assert raw.read_head().status in (400, 426)


@pytest.mark.parametrize("headers", [
    ["Connection: keep-alive, Upgrade"], ["connection: upgrade"], ["CONNECTION: UPGRADE, close"]])
def test_the_upgrade_is_recognized_in_any_case_and_in_lists(broker, headers):
    request = upgrade_request(headers=headers).replace(b"Connection: Upgrade\r\n", b"", 1)
    with RawSocket(broker) as raw:
        raw.send(request.replace(b"Upgrade: websocket", b"Upgrade: WebSocket"))
        assert raw.read_head().status == 101


async def test_only_origins_that_are_allowed_may_connect(start_broker):
    broker = start_broker(allow_origin=["https://app.example", "https://other.example"])
    for origin in ("https://app.example", "https://other.example"):
        async with await Client.open(broker, origin=origin) as client:
            assert await client.is_alive()
    for origin in ("https://evil.example", "http://app.example", "https://app.example.evil"):
        status, _, _ = refusal(broker, "/ws", headers=[f"Origin: {origin}"])
        assert status == 403
    async with await Client.open(broker) as client:
        assert await client.is_alive()
