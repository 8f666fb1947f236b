"""Tokens that are not taken any more: by user, by id, by time; on every node, until they end."""

import asyncio
import json
import threading
import time
import urllib.parse

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from client import Client, Crowd
from event_stream import EventStream
from pace import scaled, wait_until
from poll_client import PollClient
from raw_socket import RawSocket, upgrade_request
from resp import RedisError
from tokens import token

NOW = int(time.time())


def revoke(broker, **what):
    answer = broker.ask_api("/api/revocations", "POST", json.dumps(what))
    assert answer.status == 200, (answer.status, answer.body)
    return answer.json()


def listed(broker):
    answer = broker.ask_api("/api/revocations").json()
    assert answer["count"] == len(answer["revocations"])
    return {one["id"]: one for one in answer["revocations"]}


def restore(broker, ident):
    return broker.ask_api("/api/revocations/" + urllib.parse.quote(ident, safe=""), "DELETE")


def status(broker, word):
    """What an upgrade with this token is answered with."""
    with RawSocket(broker) as raw:
        raw.send(upgrade_request(bearer=word))
        return raw.read_head().status


def wait_for_status(broker, word, expected, limit=1.0):
    wait_until(lambda: status(broker, word) == expected,
               f"a token is answered with {expected}", limit)


async def opened(broker, *words):
    return [await Client.open(broker, bearer=word) for word in words]


async def expect(clients, closed, limit=2.0):
    """The clients with an index in `closed` are closed with 4401, the others live."""
    for index, client in enumerate(clients):
        if index in closed:
            assert await client.close_code(limit) == 4401, index
        else:
            assert await client.is_alive(), index
            await client.close()


@pytest.fixture(params=["embedded", "redis"])
def node(request, start_broker):
    """A broker with two shards and either log, ready."""
    if request.param == "embedded":
        return start_broker(shards=2)
    broker = start_broker(shards=2, redis=request.getfixturevalue("redis").url())
    broker.wait_until_ready()
    return broker


# ---- the three kinds ----

async def test_a_users_tokens_are_refused_and_its_connections_closed(node):
    words = [token("42"), token("42", jti="a", iat=NOW), token("43"), token("421")]
    clients = await opened(node, *words)
    answer = revoke(node, user="42")
    assert answer["id"] == "user:42" and answer["user"] == "42"
    await expect(clients, {0, 1})
    assert [status(node, word) for word in words] == [401, 401, 101, 101]


async def test_one_token_is_refused_and_its_connections_closed(node):
    words = [token("42", jti="one"), token("42", jti="two"), token("42"), token("43", jti="one")]
    clients = await opened(node, *words)
    assert revoke(node, jti="one")["jti"] == "one"
    await expect(clients, {0, 3})
    assert [status(node, word) for word in words] == [401, 101, 101, 401]


async def test_tokens_of_a_user_from_before_a_time_are_refused(node):
    words = [token("42", iat=NOW - 10), token("42", iat=NOW), token("42", iat=NOW + 1),
             token("42"), token("43", iat=NOW - 10)]
    clients = await opened(node, *words)
    answer = revoke(node, user="42", issued_before=NOW)
    assert answer["id"] == f"before:{NOW}:42" and answer["issued_before"] == NOW
    await expect(clients, {0, 3})
    assert [status(node, word) for word in words] == [401, 101, 101, 401, 101]


async def test_everybodys_tokens_from_before_a_time_are_refused(node):
    words = [token("42", iat=NOW - 1), token("43", iat=NOW - 1), token("44", iat=NOW),
             token("45")]
    clients = await opened(node, *words)
    when = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(NOW))
    assert revoke(node, issued_before=when)["id"] == f"before:{NOW}"
    await expect(clients, {0, 1, 3})
    assert [status(node, word) for word in words] == [401, 401, 101, 401]


# ---- what the client sees ----

async def test_a_refused_client_is_told_why(broker):
    revoke(broker, user="42")
    with RawSocket(broker) as raw:
        raw.send(upgrade_request())
        head, body = raw.read_http()
    assert head.status == 401 and head.headers["www-authenticate"] == "Bearer"
    assert json.loads(body)["error"] == "token_revoked"
    with RawSocket(broker) as raw:
        raw.upgrade(bearer=False, headers=[f"Sec-WebSocket-Protocol: belfry, bearer.{token()}"])
        frame = raw.read_frame()
    assert frame.code == 4401 and frame.payload[2:] == b"token revoked"


async def test_a_new_token_takes_the_place_of_a_revoked_one(broker):
    async with await Client.open(broker, bearer=token(jti="old")) as client:
        answer = await client.ask({"type": "auth", "token": token(jti="new"), "ref": 1})
        assert answer["type"] == "ack"
        await asyncio.to_thread(revoke, broker, jti="old")
        assert await client.is_alive()
        await asyncio.to_thread(revoke, broker, jti="new")
        assert await client.close_code() == 4401


@pytest.mark.parametrize("claims", [{"jti": "bad"}, {"jti": "bad" * 42}, {"iat": NOW - 9}, {}])
async def test_a_revoked_token_is_not_taken_later_either(broker, claims):
    revoke(broker, issued_before=NOW, user="42")
    for jti in ("bad", "bad" * 42):
        revoke(broker, jti=jti)
    good = {"jti": "good", "iat": NOW}
    async with await Client.open(broker, bearer=token(**good)) as client:
        await client.send({"type": "auth", "token": token(**(good | {"iat": None} | claims))})
        assert await client.close_code() == 4401


# ---- other protocols ----

def test_an_event_stream_ends_and_does_not_begin_again(start_broker):
    """401 is final for a browser: nothing else would keep it from asking for ever."""
    page = "https://app.example"
    broker = start_broker(allow_origin=page)
    with EventStream.open(broker) as stream, EventStream.open(broker, user="43") as other:
        revoke(broker, user="42")
        event = stream.next()
        assert event.type == "close" and event.json()["code"] == 4401
        assert stream.rest() == []
        with EventStream(broker, status=401, headers=[f"Origin: {page}"]) as again:
            assert again.head.headers["access-control-allow-origin"] == page
        other.expect_nothing()


def test_a_poll_is_ended_and_the_next_one_refused(broker):
    with PollClient(broker) as client, PollClient(broker, user="43") as other:
        client.poll()
        threading.Timer(0.5, revoke, [broker], {"user": "42"}).start()
        assert client.ask(wait=30)[0].status == 401
        answer, body = client.ask()
        assert answer.status == 401 and json.loads(body)["error"] == "token_revoked"
        assert other.poll() == []


async def socket_io(broker, word):
    """A Socket.IO connection that has sent its CONNECT, and the answer to that."""
    socket = await connect(broker.url("/socket.io/?EIO=4&transport=websocket"), proxy=None)
    assert (await socket.recv()).startswith("0{")
    await socket.send("40" + json.dumps({"token": word}))
    return socket, await socket.recv()


async def test_a_socket_io_client_is_closed_and_not_taken_again(broker):
    socket, answer = await socket_io(broker, token())
    assert answer.startswith("40{")
    await asyncio.to_thread(revoke, broker, user="42")
    with pytest.raises(ConnectionClosed) as closed:
        while True:
            assert not (await socket.recv()).startswith("41")  # it comes back by itself
    assert closed.value.rcvd.code == 4401
    socket, answer = await socket_io(broker, token())
    assert answer.startswith("44{")
    error = json.loads(answer[2:])
    assert error["message"] == "Invalid authentication token"
    assert error["data"]["code"] == "TOKEN_REVOKED"
    await socket.close()


async def test_everybody_is_closed_once_on_all_shards(start_broker):
    broker = start_broker(shards=3)
    crowd = await Crowd.open(broker, 300)
    others = [await Client.open(broker, bearer=token(f"v{n}", iat=NOW)) for n in range(20)]
    await asyncio.to_thread(revoke, broker, issued_before=NOW)
    assert await crowd.wait_for_close() == {4401: 300}
    for client in others:
        assert await client.is_alive()
        await client.close()
    closed = [line for line in broker.ask_admin("/metrics").body.decode().splitlines()
              if line.startswith("belfry_closed_total") and 'reason="revoked"' in line]
    assert sum(float(line.split()[-1]) for line in closed) == 300


async def test_many_revocations_at_once(node):
    """Each finds its connections, whatever others are being looked for."""
    clients = await opened(node, *(token(f"u{n}", jti=f"t{n}") for n in range(60)))
    for n in range(0, 60, 2):
        what = {"user": f"u{n}"} if n % 4 else {"jti": f"t{n}"}
        await asyncio.to_thread(revoke, node, **what)
    await expect(clients, set(range(0, 60, 2)))


async def test_more_users_at_once_than_are_looked_for_at_once(start_broker, redis):
    """The first and the last of 9,999; and one of whom nothing is said."""
    broker = start_broker(redis=redis.url(), shards=2)
    broker.wait_until_ready()
    clients = await opened(broker, *(token(f"u{n}") for n in (0, 0, 1, 9_998, 9_998, 9_999)))
    until = (int(time.time()) + 600) * 1000
    words = [word for n in range(9_999) for word in (str(until + n), f"user:u{n}")]
    redis.call("ZADD", "belfry:revoked", *words)
    await expect(clients, set(range(5)))


# ---- their end ----

async def test_revocations_end_by_themselves(node):
    answer = revoke(node, user="42", ttl=1)
    assert answer["id"] in listed(node) and status(node, token()) == 401
    await asyncio.to_thread(wait_for_status, node, token(), 101, 3)
    assert listed(node) == {}


async def test_revocations_can_be_taken_back(node):
    for what in ({"user": "42"}, {"jti": "a/b c"}, {"issued_before": NOW, "user": "43"}):
        revoke(node, **what)
    assert set(listed(node)) == {"user:42", "jti:a/b c", f"before:{NOW}:43"}
    assert restore(node, "user:42").status == 200
    assert restore(node, "user:42").status == 404
    assert node.ask_api("/api/revocations/jti/a%2Fb%20c", "DELETE").json() == {"deleted": True}
    assert node.ask_api(f"/api/revocations/before/{NOW}/43", "DELETE").status == 200
    assert listed(node) == {}
    assert [status(node, token()), status(node, token("43")),
            status(node, token(jti="a/b c"))] == [101, 101, 101]


async def test_a_second_one_sets_a_new_end(node):
    revoke(node, user="42", ttl=1)
    revoke(node, user="42", ttl=600)
    await asyncio.sleep(1.5)
    assert status(node, token()) == 401
    revoke(node, user="42", ttl=1)
    await asyncio.to_thread(wait_for_status, node, token(), 101, 3)


def test_the_default_is_a_day(broker):
    until = revoke(broker, user="42")["until"]
    seconds = time.mktime(time.strptime(until[:19], "%Y-%m-%dT%H:%M:%S")) - time.timezone
    assert abs(seconds - time.time() - 86400) < 60


# ---- the API ----

@pytest.mark.parametrize("body, word", [
    ("", "JSON"), ("[]", "object"), ("{}", "user"), ('{"user":"42","jti":"a"}', "user"),
    ('{"usr":"42","issued_before":1}', "only"), ('{"user":""}', "user"),
    ('{"user":"42","ttl":0}', "ttl"), ('{"issued_before":1769337000000}', "issued_before"),
    ('{"issued_before":"yesterday"}', "issued_before"), ('{"jti":"' + "x" * 129 + '"}', "jti")])
def test_what_is_not_understood_is_refused(broker, body, word):
    answer = broker.ask_api("/api/revocations", "POST", body)
    assert answer.status == 400 and answer.json()["error"] == "bad_revocation"
    assert word in answer.json()["message"]
    assert listed(broker) == {}


@pytest.mark.parametrize("path", ["nonsense", "user:", "user:a%20b", "before:x", "%ff%zz",
                                  "jti:" + "x" * 129, "x" * 1000])
def test_what_is_no_id_is_refused(broker, path):
    assert broker.ask_api(f"/api/revocations/{path}", "DELETE").status == 400


def test_the_api_wants_a_key_and_the_right_method(broker):
    assert broker.ask_admin("/api/revocations").status == 401
    assert broker.ask_admin("/api/revocations", method="POST", body="{}").status == 401
    assert broker.ask_admin("/api/revocations/user:42", method="DELETE").status == 401
    assert broker.ask_api("/api/revocations", "PUT").status == 405
    answer = broker.ask_api("/api/revocations/user:42")
    assert answer.status == 405 and answer.headers["allow"] == "DELETE"
    assert broker.ask("/api/revocations").status == 404


def test_their_number_is_bounded(start_broker, redis):
    broker = start_broker(redis=redis.url())
    broker.wait_until_ready()
    until = (int(time.time()) + 600) * 1000
    words = [word for n in range(9_999) for word in (str(until), f"jti:{n}")]
    redis.call("ZADD", "belfry:revoked", *words)
    wait_until(lambda: len(listed(broker)) == 9_999, "all are known", 3)
    revoke(broker, user="42")
    answer = broker.ask_api("/api/revocations", "POST", '{"user":"43"}')
    assert answer.status == 409 and answer.json()["error"] == "full"
    revoke(broker, user="42", ttl=60)
    assert restore(broker, "jti:17").status == 200
    revoke(broker, user="43")
    assert [status(broker, token("43")), status(broker, token("44", jti="9998"))] == [401, 401]


# ---- nodes ----

async def test_every_node_hears_of_it_within_a_second(start_nodes, redis):
    first, second = start_nodes(2, redis, shards=2)
    second.wait_until_ready()
    first.wait_until_ready()
    here, there, other = [await Client.open(node, bearer=token(user, jti=jti))
                          for node, user, jti in ((first, "42", "a"), (second, "42", "b"),
                                                  (second, "43", "c"))]
    await asyncio.to_thread(revoke, first, user="42")
    begun = time.monotonic()
    assert await there.close_code() == 4401
    assert time.monotonic() - begun < scaled(1)
    assert await here.close_code() == 4401
    assert status(second, token()) == 401
    assert await other.is_alive()
    await asyncio.to_thread(revoke, second, jti="c")
    assert await other.close_code() == 4401
    assert set(listed(second)) == {"user:42", "jti:c"}
    await asyncio.to_thread(wait_for_status, first, token("43", jti="c"), 401)
    assert restore(second, "user:42").status == 200
    assert status(second, token()) == 101
    await asyncio.to_thread(wait_for_status, first, token(), 101)


async def test_one_that_takes_the_place_of_another_is_heard_of(start_nodes, redis):
    """The number of revocations stays the same."""
    first, second = start_nodes(2, redis)
    first.wait_until_ready()
    second.wait_until_ready()
    revoke(first, user="1")
    wait_for_status(second, token("1"), 401)
    for number in range(1, 6):
        restore(first, f"user:{number}")
        revoke(first, user=str(number + 1))
        wait_for_status(second, token(str(number + 1)), 401)
        assert status(second, token(str(number))) == 101


async def test_a_backend_may_write_to_redis_itself(start_broker, redis):
    broker = start_broker(redis=redis.url())
    broker.wait_until_ready()
    until = (int(time.time()) + 600) * 1000
    async with await Client.open(broker, bearer=token(jti="a")) as client:
        redis.call("ZADD", "belfry:revoked", str(until), "jti:a")
        assert await client.close_code(1.5) == 4401
    redis.call("ZADD", "belfry:revoked", "+inf", "user:43", str(until), "nonsense", "1", "user:44",
               "1.7e300", "user:45")
    await asyncio.to_thread(wait_for_status, broker, token("43"), 401)
    assert [status(broker, token(user)) for user in ("44", "45")] == [101, 401]
    redis.call("ZREM", "belfry:revoked", "user:43")
    await asyncio.to_thread(wait_for_status, broker, token("43"), 101)
    assert set(listed(broker)) == {"jti:a", "user:45"}


async def test_a_node_that_starts_knows_them_before_it_is_ready(start_nodes, redis):
    first, = start_nodes(1, redis)
    first.wait_until_ready()
    revoke(first, user="42")
    first.kill()
    second, = start_nodes(1, redis)
    second.wait_until_ready()
    assert status(second, token()) == 401
    assert set(listed(second)) == {"user:42"}


async def test_what_has_ended_leaves_redis(start_broker, redis):
    long_ago = (int(time.time()) - 3600) * 1000
    redis.call("ZADD", "belfry:revoked", str(long_ago), "user:41", str(long_ago), "jti:x")
    broker = start_broker(redis=redis.url())
    broker.wait_until_ready()
    revoke(broker, user="42")
    wait_until(lambda: redis.call("ZRANGE", "belfry:revoked", "0", "-1") == [b"user:42"],
               "only what counts is there", 3)


# ---- when things go wrong ----

async def test_what_is_known_counts_while_redis_is_away(start_broker, redis):
    broker = start_broker(redis=redis.url())
    broker.wait_until_ready()
    revoke(broker, user="42")
    other = await Client.open(broker, bearer=token("43"))
    await asyncio.to_thread(redis.kill)
    await asyncio.to_thread(wait_until, lambda: not broker.is_ready(), "it is not ready")
    assert status(broker, token()) == 401
    answer = broker.ask_api("/api/revocations", "POST", '{"user":"43"}')
    assert answer.status == 503 and "retry-after" in answer.headers
    assert restore(broker, "user:42").status == 503
    assert await other.is_alive()
    await asyncio.to_thread(redis.start)
    await asyncio.to_thread(broker.wait_until_ready)
    assert status(broker, token()) == 401
    await asyncio.to_thread(revoke, broker, user="43")
    assert await other.close_code() == 4401


async def test_what_was_revoked_while_a_node_was_cut_off_is_heard_of(
        start_broker, start_proxy, redis):
    proxy = start_proxy(redis.port)
    broker = start_broker(redis=f"redis://127.0.0.1:{proxy.port}")
    broker.wait_until_ready()
    client = await Client.open(broker)
    proxy.freeze()
    proxy.cut()
    until = (int(time.time()) + 600) * 1000
    redis.call("ZADD", "belfry:revoked", str(until), "user:42")
    assert await client.is_alive()
    proxy.thaw()
    assert await client.close_code(15) == 4401
    assert status(broker, token()) == 401


async def test_a_key_of_another_type_is_said_and_harms_nothing(start_broker, redis):
    redis.call("SET", "belfry:revoked", "x")
    broker = start_broker(redis=redis.url())
    broker.wait_until_ready()
    assert status(broker, token()) == 101
    wait_until(lambda: "does not tell what is revoked" in broker.output(), "it is said")
    assert broker.ask_api("/api/revocations", "POST", '{"user":"42"}').status == 503
    assert broker.ask_api("/api/revocations").status == 503
    redis.call("DEL", "belfry:revoked")
    wait_until(lambda: broker.ask_api("/api/revocations").status == 200, "it is read", 3)
    revoke(broker, user="42")
    assert status(broker, token()) == 401
    with pytest.raises(RedisError):
        redis.call("GET", "belfry:revoked")


@pytest.mark.parametrize("end", ["stop", "kill"])
@pytest.mark.parametrize("fsync", ["always", "second"])
async def test_they_survive_a_restart_in_the_logs_file(start_broker, tmp_path, end, fsync):
    settings = {"log_file": str(tmp_path / "belfry.log"), "log_fsync": fsync}
    broker = start_broker(**settings)
    for what in ({"user": "42"}, {"jti": "a\nb"}, {"issued_before": NOW, "user": "43"},
                 {"user": "44"}, {"user": "45", "ttl": 1}):
        revoke(broker, **what)
    restore(broker, "user:44")
    before = listed(broker)
    await asyncio.sleep(1.2)
    getattr(broker, end)()
    broker = start_broker(**settings)
    before.pop("user:45")
    assert listed(broker) == before and len(before) == 3
    words = [token(), token("46", jti="a\nb"), token("43"), token("43", iat=NOW), token("44"),
             token("45")]
    assert [status(broker, word) for word in words] == [401, 401, 401, 101, 101, 101]
