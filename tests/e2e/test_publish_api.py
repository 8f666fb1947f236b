"""POST /api/publish: what is taken, what is refused and how, and HTTP as it is spoken."""

import json
import socket

import pytest

from broker import API_KEY
from client import Client
from openmetrics import scrape
from producer import HttpProducer
from raw_socket import RawSocket


def publish_request(body, *headers, key=API_KEY, content_type="application/json"):
    if not isinstance(body, bytes):
        body = json.dumps(body).encode()
    lines = ["POST /api/publish HTTP/1.1", "Host: a", f"Authorization: Bearer {key}",
             f"Content-Type: {content_type}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def entry(data, to="user:42"):
    return {"to": [to], "data": data}


# ---- taken ----

async def test_a_single_object_is_answered_with_its_event_id(broker, producer):
    async with await Client.open(broker) as client:
        answer = producer.post(entry(1))
        assert answer.status == 200
        assert answer.headers["content-type"].startswith("application/json")
        assert list(answer.json()) == ["event_id"]
        assert (await client.next())["event_id"] == answer.json()["event_id"]


async def test_an_array_is_answered_in_order(broker, producer):
    async with await Client.open(broker) as client:
        answer = producer.post([entry(number) for number in range(50)])
        assert answer.status == 200
        ids = [result["event_id"] for result in answer.json()["results"]]
        got = [await client.next() for _ in range(50)]
    assert [message["data"] for message in got] == list(range(50))
    assert [message["event_id"] for message in got] == ids


@pytest.mark.parametrize("separator, end", [("\n", ""), ("\n", "\n"), ("\r\n", "\r\n"),
                                            ("\n\n", "\n")])
async def test_ndjson_is_answered_in_order(broker, producer, separator, end):
    lines = [json.dumps(entry(number)) for number in range(20)]
    async with await Client.open(broker) as client:
        answer = producer.post(separator.join(lines) + end, Content_Type="application/x-ndjson")
        assert answer.status == 200
        ids = [result["event_id"] for result in answer.json()["results"]]
        got = [await client.next() for _ in range(20)]
    assert [message["data"] for message in got] == list(range(20))
    assert [message["event_id"] for message in got] == ids


async def test_bad_ones_among_good_ones_are_named_and_the_good_ones_delivered(broker, producer):
    async with await Client.open(broker) as client:
        answer = producer.post([entry(1), {"to": ["user:42"]}, entry(2), {"data": 3}, 5, entry(4)])
        assert answer.status in (200, 207)
        results = answer.json()["results"]
        assert [("event_id" in result) for result in results] == [
            True, False, True, False, False, True]
        for index, word in ((1, "data"), (3, "to")):
            assert word in results[index]["error"] and results[index]["code"]
        assert [(await client.next())["data"] for _ in range(3)] == [1, 2, 4]


async def test_to_may_be_a_single_string(broker, producer):
    async with await Client.open(broker) as client:
        assert producer.post({"to": "user:42", "data": 1}).status == 200
        assert (await client.next())["data"] == 1


async def test_an_empty_array_is_taken_as_nothing(broker, producer):
    assert producer.post([]).status in (200, 400)


@pytest.mark.parametrize("content_type", ["application/json; charset=utf-8", "Application/JSON",
                                          "application/json;charset=UTF-8"])
def test_content_types_may_have_parameters_and_any_case(producer, content_type):
    assert producer.post(entry(1), Content_Type=content_type).status == 200


async def test_white_space_in_the_body_is_fine_and_data_keeps_its_own(broker, producer):
    body = ' \n{ "to" : [ "user:42" ] ,\t"data" : { "a" :  1 } , "ttl" : 60 }\r\n '
    async with await Client.open(broker) as client:
        assert producer.post(body).status == 200
        assert (await client.next_text()).endswith('"data":{ "a" :  1 }}')


DEEPEST = "[" * 64 + "]" * 64


async def test_data_may_be_nested_as_deep_as_in_the_log(broker, producer):
    """What stands around it in the request does not count."""
    async with await Client.open(broker) as client:
        one = '{"to":"user:42","data":' + DEEPEST + "}"
        producer.post(one)
        producer.post(f"[{one}]")
        producer.post(one, Content_Type="application/x-ndjson")
        for _ in range(3):
            assert (await client.next_text()).endswith(f'"data":{DEEPEST}}}')


def test_a_line_with_data_that_is_too_deep_costs_only_its_own_entry(producer):
    good, bad = ('{"to":"a","data":%s}' % data for data in ("1", f"[{DEEPEST}]"))
    answer = producer.post(bad)
    assert answer.status == 400 and answer.json()["code"] == "bad_entry", answer
    answer = producer.post(f"{bad}\n{good}", Content_Type="application/x-ndjson")
    assert answer.status == 200, answer
    wrong, right = answer.json()["results"]
    assert wrong["code"] == "bad_entry" and "data" in wrong["error"]
    assert "event_id" in right


def test_every_api_key_of_several_is_taken(start_broker):
    keys = ["the-first-key-of-two", "the-second-key-of-two"]
    broker = start_broker(api_key=keys)
    for key in keys:
        producer = HttpProducer(broker, api_key=key)
        assert producer.post(entry(1)).status == 200
        producer.close()


# ---- refused ----

# name: body, the field that the answer has to name
BAD_BODIES = {
    "no_to": ({"data": 1}, "to"), "no_data": ({"to": ["user:42"]}, "data"),
    "to_is_empty": ({"to": [], "data": 1}, "to"), "to_is_number": ({"to": 5, "data": 1}, "to"),
    "to_has_number": ({"to": [5], "data": 1}, "to"),
    "to_is_no_channel": ({"to": ["a b"], "data": 1}, "to"),
    "to_is_empty_text": ({"to": [""], "data": 1}, "to"),
    "to_is_too_long": ({"to": ["x" * 256], "data": 1}, "to"),
    "type_is_number": ({"to": ["a"], "data": 1, "type": 5}, "type"),
    "event_is_list": ({"to": ["a"], "data": 1, "event": []}, "event"),
    "id_is_object": ({"to": ["a"], "data": 1, "id": {}}, "id"),
    "ttl_is_negative": ({"to": ["a"], "data": 1, "ttl": -1}, "ttl"),
    "ttl_is_text": ({"to": ["a"], "data": 1, "ttl": "soon"}, "ttl"),
    "key_is_number": ({"to": ["a"], "data": 1, "key": 1.5}, "key"),
    "ts_is_no_time": ({"to": ["a"], "data": 1, "ts": "yesterday"}, "ts"),
    "traceparent_is_rubbish": ({"to": ["a"], "data": 1, "traceparent": "x"}, "traceparent"),
}


@pytest.mark.parametrize("name", BAD_BODIES)
def test_a_bad_field_gets_400_and_is_named(producer, name):
    body, field = BAD_BODIES[name]
    answer = producer.post(body)
    assert answer.status == 400
    assert answer.headers["content-type"].startswith("application/json")
    told = answer.json()
    assert told["error"] and field in json.dumps(told)


@pytest.mark.parametrize("body", ["", "{", "nope", '{"to":["a"],"data":}', '"text"', "5", "null",
                                  '{"to":["a"],"data":1}}', b'{"to":["a"],"data":"\xff"}',
                                  '{"to":["a"],"data":' + "[" * 1000 + "]" * 1000 + "}"])
def test_a_body_that_is_not_json_of_the_right_kind_gets_400(producer, body):
    assert producer.post(body).status == 400


def test_a_refused_entry_is_counted_as_that_and_is_no_dead_letter(broker, producer):
    """Its producer hears of it; the log, and what watches over it, does not."""
    for body in (entry(1, to="a b"), [entry("x" * 70000), 5, entry(1)]):
        producer.post(body)
    counters = scrape(broker)
    assert counters.total("belfry_router_refused_total") == 3
    assert counters.total("belfry_router_dead_letters_total") == 0
    assert "dead" not in broker.output()


@pytest.mark.parametrize("authorization", [None, "Bearer wrong", "Bearer", f"Basic {API_KEY}",
                                           f"Bearer {API_KEY}x", f"Bearer {API_KEY[:-1]}", API_KEY])
def test_a_missing_or_wrong_key_gets_401(broker, authorization):
    headers = {"Content-Type": "application/json"}
    if authorization is not None:
        headers["Authorization"] = authorization
    answer = broker.ask_admin("/api/publish", method="POST", body='{"to":["a"],"data":1}',
                              headers=headers)
    assert answer.status == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert answer.json()["error"]


def test_without_any_api_key_configured_nobody_may_publish(start_broker):
    broker = start_broker(api_key=None)
    for key in ("", "x", API_KEY):
        answer = broker.ask_admin("/api/publish", method="POST", body='{"to":["a"],"data":1}',
                                  headers={"Authorization": f"Bearer {key}",
                                           "Content-Type": "application/json"})
        assert answer.status in (401, 403, 404)


def test_a_clients_token_does_not_open_the_api(broker):
    from tokens import token
    answer = broker.ask_admin("/api/publish", method="POST", body='{"to":["a"],"data":1}',
                              headers={"Authorization": f"Bearer {token(admin=True)}",
                                       "Content-Type": "application/json"})
    assert answer.status == 401


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", "multipart/form-data",
                                          "application/x-www-form-urlencoded", "application/jsonx"])
def test_another_content_type_gets_415(producer, content_type):
    assert producer.post(entry(1), Content_Type=content_type).status == 415


async def test_data_over_max_message_size_gets_413_and_is_not_delivered(broker, producer):
    async with await Client.open(broker) as client:
        assert producer.post(entry("x" * 70000)).status == 413
        producer.publish("user:42", '"small"')
        assert (await client.next())["data"] == "small"


def test_an_announced_body_without_bound_gets_413_before_it_is_sent(broker):
    with RawSocket(broker, admin=True) as raw:
        raw.send(publish_request(b"").replace(b"Content-Length: 0", b"Content-Length: 99999999999"))
        assert raw.read_head().status == 413


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_another_method_gets_405(broker, method):
    answer = broker.ask_admin("/api/publish", method=method,
                              headers={"Authorization": f"Bearer {API_KEY}"})
    assert answer.status == 405 and "POST" in answer.headers["allow"]


def test_a_chunked_body_is_refused_or_read_but_never_misread(broker):
    chunk = b'{"to":["a"],"data":1}'
    with RawSocket(broker, admin=True) as raw:
        raw.send(publish_request(b"").replace(b"Content-Length: 0", b"Transfer-Encoding: chunked")
                 + b"%x\r\n%s\r\n0\r\n\r\n" % (len(chunk), chunk))
        head, _ = raw.read_http()
        assert head.status in (200, 400, 411, 501)
        if head.status != 200:
            assert raw.is_closed_by_broker()


# ---- HTTP ----

def test_a_connection_is_kept_for_many_requests(broker, producer):
    for number in range(200):
        assert producer.post(entry(number)).status == 200
    assert producer.connection.sock is not None, "it was one connection all the time"


def test_pipelined_requests_are_answered_in_order(broker):
    with RawSocket(broker, admin=True) as raw:
        raw.send(b"".join(publish_request(entry(number)) for number in range(50)))
        ids = []
        for _ in range(50):
            head, body = raw.read_http()
            assert head.status == 200
            ids.append(json.loads(body)["event_id"])
    parts = [tuple(map(int, event_id.split("-"))) for event_id in ids]
    assert parts == sorted(set(parts))


def test_pipelined_requests_of_different_kinds_keep_their_order(broker):
    with RawSocket(broker, admin=True) as raw:
        raw.send(publish_request(entry(1)) + b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
                 + publish_request({"data": 1}) + b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n")
        first, second, third = (raw.read_http() for _ in range(3))
        assert first[0].status == 200 and b"event_id" in first[1]
        assert second[0].status == 200 and b"event_id" not in second[1]
        assert third[0].status == 400
        try:
            head, body = raw.read_http()
            assert head.status == 200 and body.endswith(b"# EOF\n")
        except (EOFError, ConnectionError):
            assert third[0].headers.get("connection") == "close"


def test_a_request_byte_by_byte_is_answered(broker):
    with RawSocket(broker, admin=True) as raw:
        raw.send_in_pieces(publish_request(entry("slowly")))
        head, body = raw.read_http()
        assert head.status == 200 and b"event_id" in body


def test_a_request_split_at_every_point_is_answered(broker):
    request = publish_request(entry(1))
    with RawSocket(broker, admin=True) as raw:
        for cut in range(1, len(request)):
            raw.send(request[:cut])
            raw.send(request[cut:])
            head, _ = raw.read_http()
            assert head.status == 200


def test_connection_close_is_honoured(broker):
    with RawSocket(broker, admin=True) as raw:
        raw.send(publish_request(entry(1), "Connection: close"))
        head, _ = raw.read_http()
        assert head.status == 200 and head.headers["connection"] == "close"
        assert raw.is_closed_by_broker()


def test_expect_100_continue_does_not_hang(broker):
    request = publish_request(entry(1), "Expect: 100-continue")
    head_end = request.index(b"\r\n\r\n") + 4
    with RawSocket(broker, admin=True) as raw:
        raw.send(request[:head_end])
        raw.settle(1)
        try:
            assert raw.read_head().status in (100, 417)
        except socket.timeout:
            pass
        raw.settle(10)
        raw.send(request[head_end:])
        assert raw.read_head().status in (200, 417)


def test_many_producers_at_once_are_all_served(broker):
    producers = [HttpProducer(broker) for _ in range(50)]
    ids = set()
    for _ in range(10):
        for producer in producers:
            producer.connection.request("POST", "/api/publish", json.dumps(entry(1)),
                                        producer.headers)
        for producer in producers:
            answer = producer.connection.getresponse()
            ids.add(json.loads(answer.read())["event_id"])
    for producer in producers:
        producer.close()
    assert len(ids) == 500


@pytest.mark.heavy
async def test_a_thousand_objects_in_one_request(broker, producer):
    async with await Client.open(broker) as client:
        ids = producer.publish_many([("user:42", str(number)) for number in range(1000)])
        got = [await client.next() for _ in range(1000)]
    assert [message["event_id"] for message in got] == ids
    assert [message["data"] for message in got] == list(range(1000))


async def test_what_it_appends_does_not_trim_the_window(start_broker, redis, producers):
    """Of a larger window than most have; marks of clients are appended like publications."""
    redis.call("CONFIG", "SET", "slowlog-log-slower-than", "0")
    for entries, expected in ((5000000, b"5000000"), (10, b"1000000")):
        redis.call("SLOWLOG", "RESET")
        broker = start_broker(redis=redis.url(), retention_entries=entries)
        broker.wait_until_ready()
        async with await Client.open(broker) as client:
            producers(broker).publish("user:42", "1", id="n1")
            await client.next()
            await client.ask({"type": "mark_read", "notification_id": "n1"})
        added = [entry[3] for entry in redis.call("SLOWLOG", "GET", "1000")
                 if entry[3][:2] == [b"XADD", b"belfry:in"]]
        assert [words[2:5] for words in added] == [[b"MAXLEN", b"~", expected]] * 2
        broker.stop()
        redis.call("DEL", "belfry:in")
