"""Tokens: where they are taken from, which are refused and how, and what happens at their end."""

import asyncio
import base64
import json
import time

import pytest
from websockets.exceptions import InvalidStatus

import tokens
from client import Client
from raw_socket import RawSocket, upgrade_request
from tokens import token, unsigned_token


def ask_upgrade(broker, path="/ws", headers=(), bearer=False):
    """An opening handshake by hand: its head, and the body when it was refused."""
    with RawSocket(broker) as raw:
        raw.send(upgrade_request(path, headers=headers, bearer=bearer))
        head = raw.read_head()
        body = b""
        if head.status != 101:
            body = raw.read(int(head.headers["content-length"]))
        return head, body


def user_of(broker, path="/ws", headers=(), bearer=False):
    """The user that a handshake was taken for."""
    with RawSocket(broker) as raw:
        raw.upgrade(path, headers=headers, bearer=bearer)
        return raw.read_message()["user_id"]


def subprotocols(*words):
    return ["Sec-WebSocket-Protocol: " + ", ".join(words)]


# ---- where a token is taken from ----

def test_token_in_the_authorization_header(broker):
    assert user_of(broker, bearer=token("7")) == "7"


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_scheme_bearer_is_taken_in_any_case(broker, scheme):
    assert user_of(broker, headers=[f"Authorization: {scheme} {token('7')}"]) == "7"


@pytest.mark.parametrize("path", ["/ws?token={}", "/ws/notifications?a=b&token={}&c=d"])
def test_token_in_the_query(broker, path):
    assert user_of(broker, path.format(token("7"))) == "7"


def test_token_in_the_query_may_be_percent_encoded(broker):
    encoded = token("7").replace(".", "%2E").replace("e", "%65", 1)
    assert user_of(broker, "/ws?token=" + encoded) == "7"


def test_token_in_the_subprotocol_pair(broker):
    with RawSocket(broker) as raw:
        head = raw.upgrade(headers=subprotocols("belfry", "bearer." + token("7")), bearer=False)
        assert head.headers["sec-websocket-protocol"] == "belfry"
        assert raw.read_message()["user_id"] == "7"


def test_token_in_the_cookie_that_is_configured(start_broker):
    broker = start_broker(token_cookie="session_token")
    cookie = f"Cookie: theme=dark; session_token={token('7')}; x=y"
    assert user_of(broker, headers=[cookie]) == "7"


def test_no_cookie_is_read_unless_it_is_configured(broker):
    head, _ = ask_upgrade(broker, headers=[f"Cookie: token={token()}"])
    assert head.status == 401


def test_places_are_read_in_the_order_of_the_contract(start_broker):
    broker = start_broker(token_cookie="jwt")
    header = f"Authorization: Bearer {token('header')}"
    query = f"/ws?token={token('query')}"
    protocol, = subprotocols("belfry", "bearer." + token("protocol"))
    cookie = f"Cookie: jwt={token('cookie')}"
    assert user_of(broker, query, [header, protocol, cookie]) == "header"
    assert user_of(broker, query, [protocol, cookie]) == "query"
    assert user_of(broker, "/ws", [protocol, cookie]) == "protocol"
    assert user_of(broker, "/ws", [cookie]) == "cookie"


def test_a_bad_token_in_an_earlier_place_is_not_rescued_by_a_later_one(broker):
    head, _ = ask_upgrade(broker, f"/ws?token={token()}", ["Authorization: Bearer rubbish"])
    assert head.status == 401


@pytest.mark.parametrize("claims, user", [
    ({"sub": "a", "user_id": "b", "userId": "c"}, "a"),
    ({"user_id": "b", "userId": "c"}, "b"),
    ({"userId": "c"}, "c"),
    ({"user_id": 17}, "17")])
def test_the_user_is_sub_else_user_id_else_userId(broker, claims, user):
    payload = {"exp": int(time.time()) + 60} | claims
    assert user_of(broker, bearer=tokens.sign({"alg": "HS256"}, payload)) == user


def test_a_token_without_exp_is_good(broker):
    assert user_of(broker, bearer=token("7", lifetime=None)) == "7"


@pytest.mark.parametrize("claims", [{"lifetime": -20}, {"nbf": int(time.time()) + 20}])
def test_clocks_may_differ_by_less_than_30_seconds(broker, claims):
    assert user_of(broker, bearer=token("7", **claims)) == "7"


# ---- algorithms ----

@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
def test_the_algorithm_that_is_configured_is_taken_and_no_other(start_broker, algorithm):
    broker = start_broker(algorithm=algorithm)
    assert user_of(broker, bearer=token("7", algorithm)) == "7"
    for other in {"HS256", "HS384", "HS512"} - {algorithm}:
        head, _ = ask_upgrade(broker, bearer=token("7", other))
        assert head.status == 401


# ---- refused ----

def flip_last(text):
    """Another last character: other bits of the signature, not only its padding."""
    return text[:-2] + ("A" if text[-2] != "A" else "B") + text[-1]


def payload_swapped():
    head, _, signature = token("42").split(".")
    _, payload, _ = token("admin", admin=True).split(".")
    return f"{head}.{payload}.{signature}"


BAD_TOKENS = {
    "empty": lambda: "",
    "no_dots": lambda: "rubbish",
    "two_parts": lambda: token().rsplit(".", 1)[0],
    "four_parts": lambda: token() + ".x",
    "not_base64": lambda: "!!!.???.***",
    "padded": lambda: token() + "=",
    "header_is_not_json": lambda: tokens.sign(b"{nope", {"sub": "42"}),
    "payload_is_not_json": lambda: tokens.sign({"alg": "HS256"}, b"{nope"),
    "payload_is_an_array": lambda: tokens.sign({"alg": "HS256"}, ["42"]),
    "expired": lambda: token(lifetime=-60),
    "expired_long_ago": lambda: token(lifetime=-10**6),
    "not_yet_valid": lambda: token(nbf=int(time.time()) + 120),
    "exp_is_text": lambda: token(exp="tomorrow"),
    "other_secret": lambda: token(secret="another secret that is also long enough, isn't it?"),
    "signature_changed": lambda: flip_last(token()),
    "signature_empty": lambda: token().rsplit(".", 1)[0] + ".",
    "signature_short": lambda: token()[:-8],
    "payload_swapped": payload_swapped,
    "alg_none": unsigned_token,
    "alg_None": lambda: unsigned_token(alg="None"),
    "alg_none_with_signature": lambda: unsigned_token(signature=token().rsplit(".", 1)[1]),
    "alg_missing": lambda: tokens.sign({"typ": "JWT"}, {"sub": "42"}),
    "alg_rs256": lambda: tokens.sign({"alg": "RS256"}, {"sub": "42"}),
    "alg_lies_hs512": lambda: tokens.sign({"alg": "HS512"}, {"sub": "42"}, algorithm="HS256"),
    "crit": lambda: tokens.sign({"alg": "HS256", "crit": ["exp"]}, {"sub": "42"}),
    "no_user": lambda: tokens.sign({"alg": "HS256"}, {"name": "x"}),
    "user_empty": lambda: token(""),
    "user_with_comma": lambda: token("4,2"),
    "user_with_newline": lambda: token("4\n2"),
    "user_too_long": lambda: token("x" * 300),
    "too_large": lambda: token(padding="x" * 9000),
}


@pytest.fixture(params=BAD_TOKENS)
def bad_token(request):
    return BAD_TOKENS[request.param]()


def test_a_bad_token_gets_401_with_a_json_body(broker, bad_token):
    head, body = ask_upgrade(broker, bearer=False,
                             headers=[f"Authorization: Bearer {bad_token}"])
    assert head.status in ((401, 431) if len(bad_token) > 8192 else (401,))
    assert head.headers["content-type"].startswith("application/json")
    assert json.loads(body)["error"]
    if head.status == 401:
        assert head.headers["www-authenticate"].startswith("Bearer")
    for part in bad_token.split("."):
        if len(part) > 8:
            assert part.encode() not in body, "a token is not echoed"
            assert part not in broker.output(), "a token is not logged"


def test_a_bad_token_in_the_query_gets_401(broker, bad_token):
    escaped = "".join(f"%{byte:02X}" if byte in b"!?*=" else chr(byte)
                      for byte in bad_token.encode())
    head, _ = ask_upgrade(broker, f"/ws?token={escaped}")
    assert head.status in ((401, 414, 431) if len(bad_token) > 8192 else (401,))


def test_no_token_at_all_gets_401(broker):
    head, body = ask_upgrade(broker)
    assert head.status == 401
    assert head.headers["www-authenticate"].startswith("Bearer")
    assert json.loads(body)["error"]


@pytest.mark.parametrize("value", ["Basic dXNlcjpwYXNz", "Bearer", "Bearer ", "bearer"])
def test_authorization_of_another_kind_gets_401(broker, value):
    head, _ = ask_upgrade(broker, headers=[f"Authorization: {value}"])
    assert head.status == 401


@pytest.mark.parametrize("name", ["expired", "other_secret", "alg_none", "no_dots", "two_parts",
                                  "not_yet_valid", "no_user"])
async def test_a_client_that_offers_belfry_gets_101_and_close_4401(broker, name):
    client = await Client.open_silent(
        broker, bearer=None, subprotocols=["belfry", "bearer." + BAD_TOKENS[name]()])
    assert client.socket.subprotocol == "belfry"
    assert await client.close_code() == 4401


async def test_belfry_offered_without_any_token_gets_close_4401(broker):
    client = await Client.open_silent(broker, bearer=None, subprotocols=["belfry"])
    assert await client.close_code() == 4401


async def test_belfry_offered_with_a_bad_token_elsewhere_gets_close_4401(broker):
    client = await Client.open_silent(broker, f"/ws?token={token(lifetime=-60)}", bearer=None,
                                      subprotocols=["belfry"])
    assert await client.close_code() == 4401


def test_nothing_is_told_before_the_close_of_a_refused_client(broker, producer):
    with RawSocket(broker) as raw:
        raw.upgrade(headers=subprotocols("belfry", "bearer." + token(lifetime=-60)), bearer=False)
        producer.publish(["user:42", "all"], '"secret"')
        close, = raw.read_until_close()
        assert close.code == 4401


async def test_another_subprotocol_is_not_selected(broker):
    async with await Client.open(broker, subprotocols=["chat", "soap"]) as client:
        assert client.socket.subprotocol is None
        assert await client.is_alive()


async def test_a_good_token_after_many_bad_ones_is_good(broker):
    for _ in range(100):
        with pytest.raises(InvalidStatus):
            await Client.open(broker, bearer=token(secret="x" * 64))
    async with await Client.open(broker) as client:
        assert await client.is_alive()


# ---- the end of a token while connected ----

def ends_in(seconds, user="42"):
    """A token that is refused from now + seconds on, the leeway of 30 s counted in."""
    return token(user, lifetime=seconds - 30)


async def test_a_token_that_ends_is_told_and_then_closes_4401(start_broker):
    broker = start_broker(token_grace="1s")
    client = await Client.open(broker, bearer=ends_in(2))
    message = await client.next(limit=6)
    told = time.monotonic()
    assert (message["type"], message["code"]) == ("error", "token_expired")
    assert await client.close_code() == 4401
    assert 0.5 <= time.monotonic() - told


async def test_the_end_of_a_token_is_told_before_when_configured(start_broker):
    broker = start_broker(token_grace="1s", token_warning="2s")
    client = await Client.open(broker, bearer=token(lifetime=4))
    opened = time.monotonic()
    message = await client.next(limit=4)
    assert (message["type"], message["code"]) == ("error", "token_expiring")
    assert time.monotonic() - opened < 3.5
    # once for each token
    assert (await client.ask({"type": "auth", "token": token(lifetime=5)}))["type"] != "error"
    assert (await client.next(limit=6))["code"] == "token_expiring"
    assert (await client.next(limit=6))["code"] == "token_expired"
    assert await client.close_code() == 4401


async def test_a_new_token_in_time_keeps_the_connection(start_broker, producers):
    broker = start_broker(token_grace="1s")
    producer = producers(broker)
    async with await Client.open(broker, bearer=ends_in(2)) as client:
        assert (await client.next(limit=6))["code"] == "token_expired"
        answer = await client.ask({"type": "auth", "token": token(), "ref": "r1"})
        assert answer["type"] != "error" and answer["ref"] == "r1"
        await client.expect_nothing(2.5)
        producer.publish("user:42", '"still here"')
        assert (await client.next())["data"] == "still here"


async def test_a_new_token_before_the_end_prevents_the_warning(start_broker):
    broker = start_broker(token_grace="1s")
    async with await Client.open(broker, bearer=ends_in(2)) as client:
        assert (await client.ask({"type": "auth", "token": token()}))["type"] != "error"
        await client.expect_nothing(3)
        assert await client.is_alive()


@pytest.mark.parametrize("name", ["other_secret", "expired", "alg_none", "no_dots"])
async def test_a_bad_new_token_is_an_error_and_does_not_save_the_connection(start_broker, name):
    broker = start_broker(token_grace="1s")
    client = await Client.open(broker, bearer=ends_in(2))
    answer = await client.ask({"type": "auth", "token": BAD_TOKENS[name](), "ref": 5})
    assert (answer["type"], answer["ref"]) == ("error", 5)
    assert (await client.next(limit=6))["code"] == "token_expired"
    assert await client.close_code() == 4401


async def test_a_new_token_of_another_user_is_refused(broker, producer):
    async with await Client.open(broker, user="42") as client:
        assert (await client.ask({"type": "auth", "token": token("43")}))["type"] == "error"
        producer.publish("user:43", '"theirs"')
        producer.publish("user:42", '"mine"')
        assert (await client.next())["data"] == "mine"


async def test_messages_still_come_during_the_grace_period(start_broker, producers):
    broker = start_broker(token_grace="20s")
    producer = producers(broker)
    async with await Client.open(broker, bearer=ends_in(1)) as client:
        assert (await client.next(limit=6))["code"] == "token_expired"
        producer.publish("user:42", "1")
        assert (await client.next())["data"] == 1


# ---- without tokens ----

async def test_auth_none_needs_no_token(start_broker, producers):
    broker = start_broker(auth="none", secret_key=None)
    async with await Client.open(broker, bearer=None) as client:
        assert client.connected["user_id"]
        producers(broker).publish("all", "1")
        assert (await client.next())["data"] == 1


def test_hundred_handshakes_at_once_with_good_and_bad_tokens_do_not_mix(start_broker):
    broker = start_broker(shards=2)

    async def one(index):
        if index % 2:
            with pytest.raises(InvalidStatus):
                await Client.open(broker, bearer=token(f"u{index}", secret="y" * 64))
            return
        async with await Client.open(broker, user=f"u{index}") as client:
            assert client.connected["user_id"] == f"u{index}"

    async def all_of_them():
        await asyncio.gather(*(one(index) for index in range(100)))

    asyncio.run(all_of_them())


def test_base64_with_standard_alphabet_is_refused(broker):
    """A token whose signature has - or _ does not pass with + or / in their place."""
    for number in range(100):
        good = token(f"u{number}")
        signature = good.rsplit(".", 1)[1]
        if "-" in signature or "_" in signature:
            bad = good.rsplit(".", 1)[0] + "." + signature.replace("-", "+").replace("_", "/")
            assert len(base64.urlsafe_b64decode(signature + "=")) == 32
            assert ask_upgrade(broker, bearer=bad)[0].status == 401
            return
    raise AssertionError("no such signature among 100")
