"""Public keys: PEM files, JWK sets, issuers; keys that change while connections stay; storms."""

import asyncio
import json
import signal
import time

import jwt
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from broker import run_to_end
from client import Client
from keys import jwk_set, key, secret_jwk
from openmetrics import scrape
from pace import scaled, wait_until
from raw_socket import RawSocket, upgrade_request
from tokens import SECRET, base64url, sign, token, unsigned_token

ASYMMETRIC = ["RS256", "RS384", "RS512", "ES256", "ES384"]


def refusal(broker, bearer, path="/ws"):
    """The code of a refused handshake; None: it was not refused."""
    with RawSocket(broker) as raw:
        raw.send(upgrade_request(path, bearer=bearer))
        head = raw.read_head()
        if head.status == 101:
            return None
        assert head.status == 401
        return json.loads(raw.read(int(head.headers["content-length"])))["error"]


def user_of(broker, bearer, path="/ws", headers=()):
    with RawSocket(broker) as raw:
        raw.upgrade(path, headers=headers, bearer=bearer)
        return raw.read_message()["user_id"]


@pytest.fixture
def write(tmp_path):
    """write(name, text): the path of a file that says so now."""
    def write_file(name, text):
        path = tmp_path / name
        path.write_text(text)
        return str(path)
    return write_file


@pytest.fixture
def start(start_broker):
    """A broker without a secret."""
    def start_it(**settings):
        return start_broker(**({"secret_key": None} | settings))
    return start_it


# ---- algorithms and keys ----

@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
def test_a_secret_in_a_set_verifies_its_algorithm(start, write, algorithm):
    broker = start(jwks_file=write("keys.json", jwk_set(secret_jwk(SECRET, alg=algorithm))))
    assert user_of(broker, token("7", algorithm)) == "7"
    for other in {"HS256", "HS384", "HS512"} - {algorithm}:
        assert refusal(broker, token("7", other)) == "token_algorithm"


@pytest.mark.parametrize("algorithm", ASYMMETRIC)
def test_a_public_key_in_a_pem_file_verifies_its_algorithm(start, write, algorithm):
    broker = start(public_key=write("key.pem", key(algorithm).pem()))
    assert user_of(broker, key(algorithm).token("7")) == "7"
    assert refusal(broker, key(algorithm, "other").token("7")) == "token_signature"
    for other in set(ASYMMETRIC) - {algorithm}:
        if other[:2] != "RS" or algorithm[:2] != "RS":
            assert refusal(broker, key(other).token("7")) == "token_algorithm"


@pytest.mark.parametrize("algorithm", ASYMMETRIC)
def test_a_public_key_in_a_set_verifies_its_algorithm(start, write, algorithm):
    made = key(algorithm).jwk(alg=algorithm, use="sig", kid="k1")
    broker = start(jwks_file=write("keys.json", jwk_set(made)))
    assert user_of(broker, key(algorithm).token("7", headers={"kid": "k1"})) == "7"
    assert user_of(broker, key(algorithm).token("7")) == "7"
    assert refusal(broker, key(algorithm).token("7", headers={"kid": "k2"})) == "token_key"


def test_a_certificate_gives_its_key(start, write):
    broker = start(public_key=write("cert.pem", key("RS256").certificate()))
    assert user_of(broker, key("RS256").token("7")) == "7"


def test_secret_pem_files_and_a_set_together(start_broker, write):
    broker = start_broker(
        public_key=["b=" + write("b.pem", key("ES256", "b").pem()),
                    write("c.pem", key("ES256", "c").pem())],
        jwks_file=write("keys.json", jwk_set(key("RS256").jwk(kid="d"))))
    assert user_of(broker, token("a")) == "a"
    assert user_of(broker, key("ES256", "b").token("b", headers={"kid": "b"})) == "b"
    assert user_of(broker, key("ES256", "c").token("c", headers={"kid": "unknown"})) == "c"
    assert user_of(broker, key("ES256", "c").token("c")) == "c"
    assert user_of(broker, key("RS256").token("d", headers={"kid": "d"})) == "d"
    # a kid names its keys alone
    assert refusal(broker, key("ES256", "c").token("c", headers={"kid": "b"})) == "token_signature"
    assert refusal(broker, key("RS256").token("d", headers={"kid": "b"})) == "token_key"


def test_algorithm_limits_what_keys_are_used_for(start, write):
    broker = start(algorithm="RS512", public_key=write("key.pem", key("RS256").pem()))
    assert refusal(broker, key("RS256").token()) == "token_algorithm"
    assert user_of(broker, key("RS256").token("7", algorithm="RS512")) == "7"


@pytest.mark.parametrize("place", ["query", "subprotocol", "cookie"])
def test_such_a_token_may_be_anywhere(start, write, place):
    broker = start(public_key=write("key.pem", key().pem()), token_cookie="session")
    made = key().token("7")
    path = f"/ws?token={made}" if place == "query" else "/ws"
    headers = {"subprotocol": [f"Sec-WebSocket-Protocol: belfry, bearer.{made}"],
               "cookie": [f"Cookie: a=b; session={made}"]}.get(place, ())
    assert user_of(broker, False, path, headers) == "7"


# ---- attacks ----

def signed_with_the_public_key():
    """HMAC with the text of the PEM file, which everybody knows, as its secret."""
    return sign({"alg": "HS256"}, {"sub": "42", "admin": True}, key("RS256").pem())


def with_a_key_of_its_own(**header):
    return key("ES256", "evil").token(headers=header)


def in_der():
    """What ECDSA gives elsewhere, instead of two numbers side by side."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    text = ".".join(base64url(json.dumps(part).encode())
                    for part in ({"alg": "ES256"}, {"sub": "42"}))
    return text + "." + base64url(key().private.sign(text.encode(), ec.ECDSA(hashes.SHA256())))


def with_signature(raw):
    return key().token().rsplit(".", 1)[0] + "." + base64url(raw)


def with_claims_twice():
    raw = b'{"sub":"42","sub":"1","exp":9999999999}'
    header = base64url(b'{"alg":"ES256"}')
    signer = jwt.algorithms.get_default_algorithms()["ES256"]
    text = header + "." + base64url(raw)
    return text + "." + base64url(signer.sign(text.encode(), key().private))


ATTACKS = {
    "hmac_with_the_public_key": (signed_with_the_public_key, "token_algorithm"),
    "alg_none": (unsigned_token, "token_algorithm"),
    "alg_None": (lambda: unsigned_token(alg="None"), "token_algorithm"),
    "alg_nOnE": (lambda: unsigned_token(alg="nOnE"), "token_algorithm"),
    "alg_of_another_key": (lambda: key("RS256", "evil").token(), "token_signature"),
    "jwk_inside": (lambda: with_a_key_of_its_own(jwk=key("ES256", "evil").jwk()),
                   "token_signature"),
    "jku_inside": (lambda: with_a_key_of_its_own(jku="http://127.0.0.1:1/keys"),
                   "token_signature"),
    "crit": (lambda: key().token(headers={"crit": ["exp"]}), "token_malformed"),
    "claims_twice": (with_claims_twice, "token_malformed"),
    "signature_in_der": (in_der, "token_signature"),
    "signature_zero": (lambda: with_signature(bytes(64)), "token_signature"),
    "signature_all_ones": (lambda: with_signature(b"\xff" * 64), "token_signature"),
    "signature_empty": (lambda: with_signature(b""), "token_signature"),
    "signature_too_long": (lambda: key().token() + "AAAA", "token_signature"),
    "exp_twice_as_text": (lambda: key().token(exp="9999999999"), "token_malformed"),
    "exp_over": (lambda: key().token(lifetime=-60), "token_expired"),
    "nbf_ahead": (lambda: key().token(nbf=int(time.time()) + 120), "token_not_yet_valid"),
    "no_user": (lambda: key().token(user=None), "token_subject"),
}


@pytest.mark.parametrize("name", ATTACKS)
def test_attack_is_refused(start, write, name):
    broker = start(public_key=[write("rsa.pem", key("RS256").pem()),
                               write("ec.pem", key("ES256").pem())])
    make, code = ATTACKS[name]
    assert refusal(broker, make()) == code
    assert refusal(broker, key().token()) is None


# ---- issuers, audience, leeway, names of claims ----

def test_issuer_is_one_of_those_configured(start, write):
    broker = start(public_key=write("key.pem", key().pem()), issuer=["https://a.example", "b"])
    for good in ("https://a.example", "b"):
        assert user_of(broker, key().token("7", iss=good)) == "7"
    for bad in (None, "c", "https://a.example/"):
        assert refusal(broker, key().token(iss=bad)) == "token_issuer"


def test_audience_is_or_has_one_of_those_configured(start_broker):
    broker = start_broker(audience="belfry,mobile")
    for good in ("belfry", ["x", "mobile"]):
        assert user_of(broker, token("7", aud=good)) == "7"
    for bad in (None, "x", ["x", "y"], [], {"belfry": 1}):
        assert refusal(broker, token(aud=bad)) == "token_audience"


def test_leeway_is_as_configured(start_broker):
    broker = start_broker(token_leeway="2m")
    assert user_of(broker, token("7", lifetime=-100)) == "7"
    assert refusal(broker, token(lifetime=-130)) == "token_expired"
    strict = start_broker(token_leeway=0)
    assert refusal(strict, token(lifetime=-2)) == "token_expired"


async def test_claims_have_the_names_configured(start_broker):
    broker = start_broker(claim_user="uid", claim_channels="rooms", claim_admin="root",
                          subscribe="*=claim")
    made = token("nobody", uid="7", rooms=["news:*"])
    async with await Client.open(broker, bearer=made) as client:
        assert client.connected["user_id"] == "7"
        answer = await client.ask({"type": "subscribe", "channel": "news:1"})
        assert answer["type"] == "subscribed"
        answer = await client.ask({"type": "subscribe", "channel": "other:1"})
        assert answer["type"] == "error"
    assert refusal(broker, token("7")) == "token_subject"


# ---- keys that change ----

def log_has(broker, text):
    wait_until(lambda: text in broker.output(), f"the log says {text!r}", limit=5)


def reload(broker):
    broker.process.send_signal(signal.SIGHUP)


async def test_a_set_is_read_again_at_sighup_and_connections_stay(start, write):
    old = key("ES256", "old").jwk(kid="2025")
    new = key("ES256", "new").jwk(kid="2026")
    path = write("keys.json", jwk_set(old))
    broker = start(jwks_file=path, shards=2)
    with_old = key("ES256", "old").token("7", headers={"kid": "2025"})
    with_new = key("ES256", "new").token("7", headers={"kid": "2026"})
    async with await Client.open(broker, bearer=with_old) as client:
        assert refusal(broker, with_new) == "token_key"
        write("keys.json", jwk_set(old, new))
        reload(broker)
        log_has(broker, "2 keys for tokens are in use now")
        assert refusal(broker, with_new) is None and refusal(broker, with_old) is None
        write("keys.json", jwk_set(new))
        reload(broker)
        log_has(broker, "1 keys for tokens are in use now")
        # also not from what was verified before
        for _ in range(4):
            assert refusal(broker, with_old) == "token_key"
            assert refusal(broker, with_new) is None
        assert await client.is_alive()
        answer = await client.ask({"type": "auth", "token": with_old})
        assert (answer["type"], answer["code"]) == ("error", "token_key")
        assert (await client.ask({"type": "auth", "token": with_new}))["type"] != "error"


@pytest.mark.parametrize("broken", ["{", "{}", '{"keys":[{"kty":"oct"}]}', None])
def test_a_broken_set_keeps_the_old_keys(start, write, tmp_path, broken):
    broker = start(jwks_file=write("keys.json", jwk_set(key().jwk())))
    if broken is None:
        (tmp_path / "keys.json").unlink()
    else:
        write("keys.json", broken)
    reload(broker)
    log_has(broker, "the keys for tokens stay as they were")
    assert "keys.json" in broker.output() and "SIGHUP" in broker.output()
    assert user_of(broker, key().token("7")) == "7"
    write("keys.json", jwk_set(key("ES256", "next").jwk()))
    reload(broker)
    log_has(broker, "1 keys for tokens are in use now")
    assert user_of(broker, key("ES256", "next").token("7")) == "7"
    assert refusal(broker, key().token()) == "token_signature"


def test_secret_issuer_and_audience_are_read_again_from_the_file(start, write):
    def configure(secret, issuer):
        return write("belfry.conf", f"secret_key = {secret}\nissuer = {issuer}\n")

    broker = start(words=["-c", configure("s" * 40, "a")])
    assert user_of(broker, token("7", secret="s" * 40, iss="a")) == "7"
    configure("t" * 40, "b")
    reload(broker)
    log_has(broker, "1 keys for tokens are in use now")
    assert refusal(broker, token("7", secret="s" * 40, iss="b")) == "token_signature"
    assert refusal(broker, token("7", secret="t" * 40, iss="a")) == "token_issuer"
    assert user_of(broker, token("7", secret="t" * 40, iss="b")) == "7"
    configure("u" * 40, "b\nno_such_key = 1")
    reload(broker)
    log_has(broker, "no_such_key")
    log_has(broker, "the keys for tokens stay as they were")
    assert user_of(broker, token("7", secret="t" * 40, iss="b")) == "7"


def test_sighup_many_times_under_load(start, write):
    broker = start(jwks_file=write("keys.json", jwk_set(key().jwk())), shards=2)
    made = key().token("7")
    for number in range(20):
        reload(broker)
        assert user_of(broker, made) == "7"
        assert refusal(broker, key("ES256", "evil").token()) == "token_signature"
        if number % 5 == 0:
            time.sleep(0.05)


# ---- mistakes ----

@pytest.mark.parametrize("text, reason", [
    ("hello", "no line with BEGIN PUBLIC KEY"),
    ("-----BEGIN PRIVATE KEY-----\nMAAA\n-----END PRIVATE KEY-----\n", "private key"),
])
def test_check_reads_key_files_and_says_what_is_wrong(write, text, reason):
    path = write("key.pem", text)
    done = run_to_end("--public-key", path, "--check")
    assert done.returncode == 64
    assert path in done.stderr + done.stdout and reason in done.stderr + done.stdout


def test_check_names_the_key_of_a_set(write):
    path = write("keys.json", jwk_set(key().jwk(), key("RS256").jwk(e="AQ")))
    done = run_to_end("--jwks-file", path, "--check")
    assert done.returncode == 64
    assert f"{path}: key 2 is an RSA key with an exponent" in done.stderr + done.stdout
    fine = run_to_end("--jwks-file", write("keys.json", jwk_set(key().jwk())), "--check")
    assert fine.returncode == 0


# ---- storms ----

def counted(broker, name):
    return scrape(broker).total(f"belfry_{name}_total")


async def open_all(broker, tokens, limit=30):
    return await asyncio.wait_for(
        asyncio.gather(*(Client.open(broker, bearer=made) for made in tokens)), scaled(limit))


async def close_all(clients):
    await asyncio.gather(*(client.close() for client in clients))


@pytest.mark.parametrize("shards", [1, 2])
async def test_clients_that_come_again_cost_no_second_verification(start, write, shards):
    broker = start(public_key=write("key.pem", key().pem()), shards=shards)
    made = [key().token(f"u{number}") for number in range(60)]
    clients = await open_all(broker, made)
    assert {client.connected["user_id"] for client in clients} == {f"u{n}" for n in range(60)}
    await close_all(clients)
    verified = counted(broker, "token_verified")
    assert verified == 60
    for _ in range(3):
        await close_all(await open_all(broker, made))
    assert counted(broker, "token_verified") == verified
    assert counted(broker, "token_cache_hits") == 180


async def test_a_storm_of_tokens_does_not_stop_messages(start, write, producers):
    broker = start(public_key=write("key.pem", key("ES384").pem()),
                   jwks_file=write("keys.json", jwk_set(secret_jwk(SECRET, alg="HS256"))))
    producer = producers(broker)
    made = [key("ES384").token(f"u{number}") for number in range(150)]
    async with await Client.open(broker, user="live") as client:
        storm = asyncio.ensure_future(open_all(broker, made))
        for number in range(50):
            producer.publish("user:live", str(number))
            assert (await client.next(limit=5))["data"] == number
        await close_all(await storm)
    assert counted(broker, "token_waits") > 0
    # no turn has verified more than one
    assert scrape(broker).total("belfry_turn_max_ns") < 1e9 * scaled(0.1)


async def test_new_tokens_of_many_connections_wait_their_turn(start, write):
    broker = start(public_key=write("key.pem", key("ES384").pem()))
    users = [f"u{number}" for number in range(40)]
    clients = await open_all(broker, [key("ES384").token(user) for user in users])
    fresh = [key("ES384").token(user, lifetime=7200) for user in users]
    for client, made in zip(clients, fresh):
        # what follows the token is looked at after it, in order
        await client.send({"type": "auth", "token": made, "ref": 1})
        await client.send({"type": "ping", "ref": 2})
    for client in clients:
        assert (await client.next(limit=20))["ref"] == 1
        assert (await client.next(limit=20))["ref"] == 2
    assert counted(broker, "token_waits") > 0
    await close_all(clients)


def test_tokens_and_what_follows_them_in_one_piece_keep_their_order(start, write):
    from raw_socket import TEXT, frame
    broker = start(public_key=write("key.pem", key("ES384").pem()))
    with RawSocket(broker) as raw:
        raw.upgrade(bearer=key("ES384").token())
        raw.read_message()
        pieces = b""
        for number in range(6):
            made = key("ES384").token(lifetime=3600 + number)
            pieces += frame(TEXT, json.dumps({"type": "auth", "token": made, "ref": 2 * number}))
            pieces += frame(TEXT, json.dumps({"type": "ping", "ref": 2 * number + 1}))
        raw.send(pieces + frame(TEXT, json.dumps({"type": "ping", "ref": 99}))[:9])
        assert [raw.read_message()["ref"] for _ in range(12)] == list(range(12))
        assert counted(broker, "token_waits") >= 5


async def test_tokens_of_socket_io_wait_their_turn_too(start, write):
    broker = start(public_key=write("key.pem", key("ES384").pem()))
    url = broker.url("/socket.io/?EIO=4&transport=websocket")

    async def join(number):
        async with connect(url) as socket:
            assert (await socket.recv())[0] == "0"
            made = key("ES384").token(f"u{number}")
            await socket.send("40" + json.dumps({"token": made}))
            while (packet := await socket.recv()) == "2":
                pass
            assert packet.startswith("40{")

    await asyncio.wait_for(asyncio.gather(*(join(number) for number in range(40))), scaled(30))
    assert counted(broker, "token_waits") > 0


async def test_an_expensive_bad_token_is_refused_all_the_same(start, write):
    broker = start(public_key=write("key.pem", key("ES384").pem()))
    bad = key("ES384", "evil").token()

    async def knock():
        with pytest.raises(InvalidStatus) as refused:
            await Client.open(broker, bearer=bad)
        assert refused.value.response.status_code == 401

    await asyncio.gather(*(knock() for _ in range(30)))
    async with await Client.open(broker, bearer=key("ES384").token()) as client:
        assert await client.is_alive()
