"""/api beside publishing: who may ask, what is asked wrongly, once for each Idempotency-Key,
hashed keys, and how much one key may publish."""

import concurrent.futures
import hashlib
import json
import pathlib
import subprocess
import sys
import time

import pytest

from broker import API_KEY, REPOSITORY, run_to_end
from client import Client
from openmetrics import scrape
from pace import scaled, wait_until
from producer import HttpProducer
from raw_socket import RawSocket
from tokens import SECRET, token

KEY = {"Authorization": f"Bearer {API_KEY}"}
QUESTIONS = {
    "/api/channels/user:42/history": "GET",
    "/api/users/42/presence": "GET",
    "/api/users/42/unread": "GET",
    "/api/users/42/disconnect": "POST",
    "/api/connections/AAAAAAAAAAAAAAAAAAAAISWI": "GET",
}
GETS = [path for path, method in QUESTIONS.items() if method == "GET"]
# What a question that was put rightly may be answered.
REACHED = (200, 404, 501, 503)


def hashed(key):
    return "sha256:" + hashlib.sha256(key.encode()).hexdigest()


def entry(data, to="user:42"):
    return {"to": [to], "data": data}


def ask(broker, path, method="GET", **headers):
    return broker.ask_admin(path, method=method, headers=KEY | headers)


def remembered(broker):
    """How many values of Idempotency-Key are answered or under way."""
    return scrape(broker).total("belfry_admin_idempotency_keys")


# ---- asking ----

@pytest.mark.parametrize("path", QUESTIONS)
def test_a_question_is_answered_in_json(broker, path):
    answer = ask(broker, path, QUESTIONS[path])
    assert answer.status in REACHED
    assert answer.headers["content-type"].startswith("application/json")
    assert isinstance(answer.json(), dict)


@pytest.mark.parametrize("path", QUESTIONS)
@pytest.mark.parametrize("authorization", [None, "Bearer wrong", f"Basic {API_KEY}",
                                           f"Bearer {token(admin=True)}"],
                         ids=["none", "wrong", "basic", "jwt"])
def test_a_question_without_a_right_key_gets_401(broker, path, authorization):
    headers = {"Authorization": authorization} if authorization else {}
    answer = broker.ask_admin(path, method=QUESTIONS[path], headers=headers)
    assert answer.status == 401 and answer.json()["error"]
    assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("path", QUESTIONS)
def test_without_any_api_key_configured_nobody_may_ask(start_broker, path):
    broker = start_broker(api_key=None)
    for authorization in ("Bearer ", "Bearer x"):
        answer = broker.ask_admin(path, method=QUESTIONS[path],
                                  headers={"Authorization": authorization})
        assert answer.status == 401


@pytest.mark.parametrize("path", QUESTIONS)
def test_another_method_gets_405_and_is_told_which(broker, path):
    for method in {"GET", "POST", "PUT", "DELETE", "HEAD"} - {QUESTIONS[path]}:
        if method == "HEAD" and QUESTIONS[path] == "GET":
            continue
        answer = ask(broker, path, method)
        assert answer.status == 405
        assert QUESTIONS[path] in answer.headers["allow"]


@pytest.mark.parametrize("path", [
    "/api", "/api/", "/api/nope", "/api/channels", "/api/channels/", "/api/channels/a",
    "/api/channels/a/", "/api/channels/a/nope", "/api/channels/a/history/", "/api/channels/history",
    "/api/channels/a/b/history", "/api/users/42", "/api/users/42/nope", "/api/users/4/2/unread",
    "/api/connections", "/api/connections/a/b", "/API/users/42/unread"])
def test_what_is_no_question_gets_404(broker, path):
    assert ask(broker, path).status == 404


@pytest.mark.parametrize("path, field", [
    ("/api/channels//history", "channel"), ("/api/channels/a%20b/history", "channel"),
    ("/api/channels/a,b/history", "channel"), ("/api/channels/%ff/history", "channel"),
    ("/api/channels/%4/history", "channel"), (f"/api/channels/{'x' * 256}/history", "channel"),
    ("/api/channels/a%00/history", "channel"),
    ("/api/channels/a/history?limit=0", "limit"), ("/api/channels/a/history?limit=1001", "limit"),
    ("/api/channels/a/history?limit=-1", "limit"), ("/api/channels/a/history?limit=ten", "limit"),
    ("/api/channels/a/history?limit=", "limit"),
    ("/api/channels/a/history?limit=99999999999999999999", "limit"),
    ("/api/channels/a/history?after=x", "after"), ("/api/channels/a/history?after=", "after"),
    ("/api/channels/a/history?after=1-2-3", "after"),
    ("/api/channels/a/history?after=%zz", "after"),
    ("/api/users//unread", "user"), ("/api/users/a%20b/presence", "user"),
    (f"/api/users/{'x' * 251}/unread", "user"),
    ("/api/connections/", "connection"), ("/api/connections/a%20b", "connection")])
def test_a_bad_parameter_gets_400_and_is_named(broker, path, field):
    answer = ask(broker, path)
    assert answer.status == 400
    assert answer.json()["error"] == "bad_parameter" and field in answer.json()["message"]


@pytest.mark.parametrize("path", [
    "/api/channels/feed%3A42/history", "/api/channels/a+b/history", "/api/channels/a%2Fb/history",
    "/api/channels/%E2%82%AC/history", f"/api/channels/{'x' * 255}/history",
    "/api/channels/a/history?limit=1", "/api/channels/a/history?limit=1000",
    "/api/channels/a/history?after=0-0&limit=10", "/api/channels/a/history?after=1769337000000-0",
    "/api/channels/a/history?after=1769337000000", "/api/channels/a/history?after=1%2D2",
    "/api/channels/a/history?limit=5&more=x", f"/api/users/{'x' * 250}/unread",
    "/api/users/a+b@example.com/presence", "/api/users/unread/unread"])
def test_what_is_put_rightly_reaches_its_answer(broker, path):
    assert ask(broker, path).status in REACHED


@pytest.mark.parametrize("path", GETS)
def test_head_gets_what_get_gets_without_the_body(broker, path):
    request = f"HEAD {path} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {API_KEY}\r\n\r\n"
    with RawSocket(broker, admin=True) as raw:
        for _ in range(2):
            raw.send(request.encode())
            head = raw.read_head()
            assert head.status == ask(broker, path).status
            assert int(head.headers["content-length"]) > 0
        raw.send(b"HEAD /nope HTTP/1.1\r\nHost: a\r\n\r\n")
        assert raw.read_head().status == 404
        assert raw.is_closed_by_broker()


def test_questions_and_publications_are_answered_in_order_on_one_connection(broker):
    body = json.dumps(entry(1)).encode()
    question = f"GET /api/users/42/unread HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {API_KEY}"
    publication = (f"POST /api/publish HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {API_KEY}\r\n"
                   f"Content-Type: application/json\r\nContent-Length: {len(body)}")
    wrong = question.replace("/users/42", "/users/4%202")
    with RawSocket(broker, admin=True) as raw:
        for _ in range(20):
            raw.send(f"{question}\r\n\r\n{publication}\r\n\r\n".encode() + body
                     + f"{wrong}\r\n\r\n{question}\r\n\r\n".encode())
            statuses = [raw.read_http()[0].status for _ in range(4)]
            assert statuses[1:3] == [200, 400]
            assert statuses[0] in REACHED and statuses[3] in REACHED


def test_many_questions_at_once_are_all_answered(broker):
    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda number: ask(broker, f"/api/users/{number}/unread"),
                                range(500)))
    assert all(answer.status in REACHED for answer in answers)


# ---- Idempotency-Key ----

async def test_the_same_request_again_is_taken_once_and_answered_alike(broker, producer):
    async with await Client.open(broker) as client:
        first = producer.post(entry("once"), Idempotency_Key="order-1")
        again = [producer.post(entry("once"), Idempotency_Key="order-1") for _ in range(3)]
        assert first.status == 200 and "event_id" in first.json()
        assert all((one.status, one.body) == (200, first.body) for one in again)
        assert "idempotent-replayed" not in first.headers
        assert all(one.headers["idempotent-replayed"] == "true" for one in again)
        producer.publish("user:42", '"next"')
        assert [(await client.next())["data"] for _ in range(2)] == ["once", "next"]


async def test_a_batch_is_taken_once(broker, producer):
    lines = "\n".join(json.dumps(entry(number)) for number in range(1000))
    async with await Client.open(broker) as client:
        answers = [producer.post(lines, Content_Type="application/x-ndjson", Idempotency_Key="b")
                   for _ in range(2)]
        assert answers[0].status == 200 and answers[0].body == answers[1].body
        assert len(answers[0].json()["results"]) == 1000
        producer.publish("user:42", '"next"')
        assert [(await client.next())["data"] for _ in range(1001)] == [*range(1000), "next"]


def test_another_body_under_the_same_key_gets_422(producer):
    assert producer.post(entry(1), Idempotency_Key="k").status == 200
    other = producer.post(entry(2), Idempotency_Key="k")
    assert other.status == 422 and other.json()["error"] == "idempotency_mismatch"
    lines = producer.post(entry(1), Idempotency_Key="k", Content_Type="application/x-ndjson")
    assert lines.status == 422
    assert producer.post(entry(1), Idempotency_Key="k").status == 200


def test_another_key_or_none_is_another_request(producer):
    answers = [producer.post(entry(1), Idempotency_Key=key) for key in ("a", "b", "A", "a b")]
    answers += [producer.post(entry(1)) for _ in range(2)]
    assert len({answer.json()["event_id"] for answer in answers}) == 6


def test_each_api_key_has_names_of_its_own(start_broker, producers):
    keys = ["the-first-key-of-two", "the-second-key-of-two"]
    broker = start_broker(api_key=keys)
    answers = [producers(broker, api_key=key).post(entry(1), Idempotency_Key="same")
               for key in keys]
    assert [answer.status for answer in answers] == [200, 200]
    assert answers[0].body != answers[1].body


def test_a_judgement_is_remembered_too(producer):
    answers = [producer.post({"to": ["user:42"]}, Idempotency_Key="k") for _ in range(2)]
    assert answers[0].status == answers[1].status == 400
    assert answers[0].body == answers[1].body
    assert producer.post(entry(1), Idempotency_Key="k").status == 422


def test_a_body_that_was_not_read_leaves_the_key_free(producer):
    assert producer.post("{", Idempotency_Key="k").status == 400
    assert producer.post(entry(1), Idempotency_Key="k").status == 200


@pytest.mark.parametrize("key", ["", "x" * 256, "a\tb", "\u00e4"])
def test_a_bad_idempotency_key_gets_400_and_is_named(producer, key):
    answer = producer.post(entry(1), Idempotency_Key=key.encode("latin-1"))
    assert answer.status == 400 and "Idempotency-Key" in answer.json()["message"]


@pytest.mark.parametrize("key", ["x", "x" * 255, '"8e03978e-40d5-43e8-bc93-6894a57f9324"', "a b~!"])
def test_every_printable_idempotency_key_is_taken(producer, key):
    assert producer.post(entry(1), Idempotency_Key=key).status == 200


def test_two_idempotency_keys_in_one_request_get_400(broker):
    body = json.dumps(entry(1)).encode()
    with RawSocket(broker, admin=True) as raw:
        raw.send((f"POST /api/publish HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {API_KEY}\r\n"
                  f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
                  "Idempotency-Key: a\r\nIdempotency-Key: a\r\n\r\n").encode() + body)
        assert raw.read_http()[0].status == 400


def test_the_same_request_at_once_on_many_connections_is_taken_once(broker, producers):
    many = [producers(broker) for _ in range(20)]
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda one: one.post(entry(1), Idempotency_Key="k"), many))
    assert {answer.status for answer in answers} <= {200, 409}
    assert len({answer.body for answer in answers if answer.status == 200}) == 1


def test_while_the_first_is_under_way_the_second_is_told_to_wait(start_broker, redis, producers):
    broker = start_broker(redis=redis.url())
    first, second = producers(broker), producers(broker)
    assert first.post(entry(0)).status == 200
    redis.freeze()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        under_way = pool.submit(first.post, entry(1), Idempotency_Key="k")
        wait_until(lambda: remembered(broker) == 1, "the first is under way")
        busy = second.post(entry(1), Idempotency_Key="k")
        redis.thaw()
        answer = under_way.result(timeout=scaled(20))
    assert busy.status == 409 and busy.json()["error"] == "in_progress"
    assert int(busy.headers["retry-after"]) >= 1
    assert answer.status == 200
    assert second.post(entry(1), Idempotency_Key="k").body == answer.body
    assert redis.connect().call("XLEN", "belfry:in") == 2


def test_what_was_not_taken_is_not_remembered(start_broker, redis, producers):
    broker = start_broker(redis=redis.url())
    producer = producers(broker)
    assert producer.post(entry(0)).status == 200
    redis.kill()
    wait_until(lambda: broker.ask_admin("/readyz").status == 503, "/readyz says 503")
    refused = producer.post(entry(1), Idempotency_Key="k")
    assert refused.status == 503 and int(refused.headers["retry-after"]) >= 1
    redis.start()
    wait_until(lambda: broker.ask_admin("/readyz").status == 200, "/readyz says 200", limit=15)
    taken = producer.post(entry(1), Idempotency_Key="k")
    assert taken.status == 200 and "event_id" in taken.json()


def test_a_producer_that_hung_up_gets_its_answer_when_it_comes_back(broker, producer):
    body = json.dumps(entry(1)).encode()
    with RawSocket(broker, admin=True) as raw:
        raw.send((f"POST /api/publish HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {API_KEY}\r\n"
                  f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
                  "Idempotency-Key: gone\r\n\r\n").encode() + body)
    wait_until(lambda: remembered(broker) == 1, "it was taken")
    assert producer.post(entry(1), Idempotency_Key="gone").headers["idempotent-replayed"] == "true"


# ---- hashed keys ----

def test_a_hashed_key_opens_the_api_and_its_hash_does_not(start_broker):
    broker = start_broker(api_key=[hashed("the-hashed-key-of-two"), "the-plain-key-of-two"])
    for key, status in (("the-hashed-key-of-two", 200), ("the-plain-key-of-two", 200),
                        (hashed("the-hashed-key-of-two"), 401),
                        (hashed("the-hashed-key-of-two")[7:], 401),
                        (hashed("the-plain-key-of-two"), 401), ("the-hashed-key-of-tw", 401)):
        producer = HttpProducer(broker, api_key=key)
        assert producer.post(entry(1)).status == status
        producer.close()
    assert "the-" not in broker.output()


def test_the_tool_prints_what_the_configuration_takes(start_broker):
    printed = subprocess.run([sys.executable, pathlib.Path(REPOSITORY) / "tools" / "token",
                              "--hash-key", "-"], input="my-own-key-0123456789\n", text=True,
                             capture_output=True, check=True).stdout
    assert printed == hashed("my-own-key-0123456789") + "\n"
    broker = start_broker(api_key=printed.strip())
    answer = broker.ask_admin("/api/users/42/unread",
                              headers={"Authorization": "Bearer my-own-key-0123456789"})
    assert answer.status in REACHED


@pytest.mark.parametrize("key", ["sha256:", "sha256:" + "0" * 63, "sha256:" + "0" * 65,
                                 "sha256:" + "g" * 64])
def test_a_malformed_hash_is_refused_at_the_start_and_not_shown(key):
    for words in (("--check",), ()):
        result = run_to_end(*words, "--secret-key", SECRET, "--api-key", key)
        assert result.returncode == 64
        assert "api-key" in result.stderr and "64 hexadecimal digits" in result.stderr
        assert key not in result.stdout + result.stderr or key == "sha256:"


def test_a_hashed_key_passes_the_check(tmp_path):
    result = run_to_end("--check", "--secret-key", SECRET, "--api-key", hashed("x"))
    assert result.returncode == 0, result.stderr


# ---- publish_rate ----

def test_over_publish_rate_gets_429_and_passes_after_retry_after(start_broker, producers):
    broker = start_broker(publish_rate=20)
    producer = producers(broker)
    assert producer.post([entry(number) for number in range(20)]).status == 200
    refused = producer.post([entry(number) for number in range(20)])
    assert refused.status == 429 and refused.json()["error"] == "rate_limited"
    assert refused.headers.get("connection") != "close"
    time.sleep(int(refused.headers["retry-after"]))
    assert producer.post([entry(number) for number in range(20)]).status == 200


def test_a_large_batch_passes_and_is_paid_for_afterwards(start_broker, producers):
    producer = producers(start_broker(publish_rate=10))
    assert producer.post([entry(number) for number in range(100)]).status == 200
    refused = producer.post(entry(1))
    assert refused.status == 429 and 8 <= int(refused.headers["retry-after"]) <= 10


def test_each_api_key_has_a_rate_of_its_own(start_broker, producers):
    keys = ["the-first-key-of-two", "the-second-key-of-two"]
    broker = start_broker(api_key=keys, publish_rate=5)
    first, second = (producers(broker, api_key=key) for key in keys)
    assert first.post([entry(number) for number in range(5)]).status == 200
    assert first.post([entry(number) for number in range(5)]).status == 429
    assert second.post([entry(number) for number in range(5)]).status == 200


def test_what_is_answered_from_memory_costs_nothing(start_broker, producers):
    producer = producers(start_broker(publish_rate=1))
    answers = [producer.post(entry(1), Idempotency_Key="k") for _ in range(10)]
    assert {answer.status for answer in answers} == {200}
    refused = producer.post(entry(2), Idempotency_Key="later")
    assert refused.status == 429
    time.sleep(int(refused.headers["retry-after"]))
    assert producer.post(entry(2), Idempotency_Key="later").status == 200


def test_without_publish_rate_nothing_is_refused(producer):
    for number in range(20):
        assert producer.post([entry(number)] * 100).status == 200
