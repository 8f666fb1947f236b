"""Server-Sent Events: every notification has an id that an EventSource names by itself when it
comes back, and nothing that may pass makes a browser give up for good."""

import json
import socket
import time

import pytest

from client import Client, query, resume
from event_stream import EventStream
from openmetrics import scrape
from pace import wait_until
from tokens import token


def publish(producer, channel, numbers, **fields):
    return [producer.publish(channel, str(number), **fields) for number in numbers]


def ids(events):
    return [event.id for event in events]


# ---- the answer and the events ----

def test_the_answer_is_an_event_stream_that_no_cache_keeps(broker):
    with EventStream(broker) as stream:
        assert stream.head.headers == {
            "content-type": "text/event-stream", "cache-control": "no-store",
            "x-accel-buffering": "no", "connection": "close"}
        assert stream.next().type == "connected"
        assert len(stream.reader.retries) == 1 and 3000 <= stream.reader.retries[0] <= 4500


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_the_body_ends_with_the_connection_in_http_1_0_and_1_1(pair, version):
    broker, producer = pair
    with EventStream.open(broker, version=version) as stream:
        assert "transfer-encoding" not in stream.head.headers
        assert "content-length" not in stream.head.headers
        sent = publish(producer, "user:42", range(3))
        assert ids(stream.take(3)) == sent


def test_connected_says_what_it_says_over_a_websocket(broker):
    with EventStream.open(broker, user="u7") as stream:
        welcome = stream.welcome
        assert welcome["type"] == "connected" and welcome["user_id"] == "u7"
        assert set(welcome) == {"type", "message", "user_id", "connection_id", "timestamp",
                                "last_event_id", "recovered", "replayed", "unread", "epoch",
                                "heartbeat_interval"}
        assert welcome["heartbeat_interval"] == 15


async def test_an_event_has_id_type_and_the_same_envelope_as_a_websocket(pair):
    broker, producer = pair
    async with await Client.open(broker) as client:
        with EventStream.open(broker) as stream:
            event_id = producer.publish("user:42", '{"code":"123456"}', type="alert",
                                        event="sms.received", id="n1")
            event = stream.next()
            assert (event.id, event.type) == (event_id, "alert")
            assert event.data == await client.next_text()


@pytest.mark.parametrize("data", ['{"a":1,\n "b":2}', '[1,\r\n2]', '[1,\r2,\n\n3]', '"\\n"',
                                  '{"id: 1":"\\nevent: x\\n\\n"}'])
def test_line_breaks_in_the_data_end_nothing(pair, data):
    broker, producer = pair
    before = producer.publish("user:none", "0")
    with EventStream.open(broker) as stream:
        event_id = producer.publish("user:42", data)
        live = stream.next()
        assert live.json()["data"] == json.loads(data)
        assert live.id == event_id
        publish(producer, "user:42", [5])
        assert stream.data(1) == [5]
    with EventStream.open(broker, after=before) as stream:
        assert stream.next() == live, "replayed it is the same text"


def test_an_entry_of_many_line_breaks_still_fits(start_broker, producers):
    """Each of them as a line of its own would make the event seven times as long."""
    broker = start_broker(max_message_size=4096)
    producer = producers(broker)
    data = "[1," + "\n" * 4000 + "2]"
    before = producer.publish("user:none", "0")
    with EventStream.open(broker) as stream:
        producer.publish("user:42", data)
        live = stream.next()
        assert live.json()["data"] == [1, 2] and len(live.data) < 4096 + 512
    with EventStream.open(broker, after=before) as stream:
        assert stream.next() == live


def test_an_entry_for_several_channels_comes_once(pair):
    broker, producer = pair
    with EventStream.open(broker) as stream:
        first = producer.publish(["trending", "announcements", "user:42"], "1")
        second = producer.publish("all", "2")
        assert [(event.id, event.json()["channel"]) for event in stream.take(2)] == \
            [(first, "announcements"), (second, "all")]
        stream.expect_nothing()


def test_its_own_address_reaches_it(pair):
    broker, producer = pair
    with EventStream.open(broker) as stream:
        producer.publish("conn:" + stream.welcome["connection_id"], '"you"')
        assert stream.data(1) == ["you"]


def test_what_is_in_no_log_has_no_id_and_leaves_the_position(redis, start_broker, producers):
    broker = start_broker(redis=redis.url())
    broker.wait_until_bridged()
    producer = producers(redis, follower=broker)
    with EventStream.open(broker) as stream:
        position = producer.publish("user:42", "1")
        assert stream.next().id == position
        redis.connect().call("PUBLISH", "ws:user:42", '{"type":"hello","n":1}')
        event = stream.next()
        assert (event.type, event.json()) == ("hello", {"type": "hello", "n": 1})
        assert stream.position == position


# ---- paths and channels ----

@pytest.mark.parametrize("path, channel", [
    ("/sse", "user:42"), ("/sse/notifications", "announcements"),
    ("/sse/notifications/42", "user:42"), ("/sse/trending", "trending"),
    ("/sse/feed/42", "feed:42"), ("/sse/engagement/t1", "engagement:t1"),
    ("/sse/typing/42", "typing:42")])
def test_the_routes_are_those_of_the_websocket(broker, producer, path, channel):
    with EventStream.open(broker, path) as stream:
        producer.publish("user:somebody", "0")
        producer.publish(channel, "1")
        assert stream.next().json()["channel"] == channel


def test_more_channels_come_by_the_query(broker, producer):
    with EventStream.open(broker, query("/sse", channels="trending,engagement:7,user:42,all"),
                          ) as stream:
        for number, channel in enumerate(["trending", "engagement:7", "user:42", "all"]):
            producer.publish(channel, str(number))
        assert stream.data(4) == [0, 1, 2, 3]
        stream.expect_nothing()


def test_a_channel_that_is_not_open_is_refused_by_name(broker):
    with EventStream(broker, "/sse?channels=trending,club:1", status=403) as stream:
        body = json.loads(stream.raw.read(int(stream.head.headers["content-length"])))
        assert (body["error"], body["channel"]) == ("not_allowed", "club:1")
    with EventStream.open(broker, "/sse?channels=club:1",
                          bearer=token("42", channels=["club:*"])):
        pass


@pytest.mark.parametrize("path, status, error", [
    ("/sse?channels=a%20b", 400, "bad_channel"), ("/sse?channels=%zz", 400, "bad_channel"),
    ("/sse?channels=" + ",".join(f"engagement:{n}" for n in range(100)), 400,
     "too_many_subscriptions"),
    ("/sse?device=%00", 400, "bad_device"), ("/sse/notifications/9", 403, "not_allowed"),
    ("/sse/nothing", 404, "not_found"), ("/sse/", 404, "not_found")])
def test_what_is_wrong_with_the_request_has_its_status(broker, path, status, error):
    answer = broker.ask(path, headers={"Authorization": f"Bearer {token('42')}"})
    assert (answer.status, answer.json()["error"]) == (status, error)


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "DELETE"])
def test_other_methods_are_405(broker, method):
    answer = broker.ask("/sse", method=method)
    assert answer.status == 405 and answer.headers["allow"] == "GET"


def test_a_bad_token_is_401_and_final(broker):
    assert broker.ask("/sse").status == 401
    assert broker.ask("/sse?token=x").status == 401
    old = token("42", lifetime=-60)
    answer = broker.ask(query("/sse", token=old))
    assert (answer.status, answer.json()["error"]) == (401, "token_expired")


# ---- coming back ----

@pytest.mark.parametrize("name", ["last_event_id", "lastEventId"])
def test_the_query_names_a_position_when_there_is_no_header(pair, name):
    broker, producer = pair
    sent = publish(producer, "user:42", range(4))
    with EventStream.open(broker, query("/sse", **{name: sent[1]})) as stream:
        assert stream.welcome["recovered"] is True and stream.welcome["replayed"] == 2
        assert ids(stream.take(2)) == sent[2:]
        stream.expect_nothing()


def test_the_header_counts_more_than_the_query(pair):
    """An EventSource comes back to the URL that it was made with."""
    broker, producer = pair
    sent = publish(producer, "user:42", range(4))
    with EventStream.open(broker, resume(sent[0], "/sse"), after=sent[2]) as stream:
        assert ids(stream.take(1)) == sent[3:]
        stream.expect_nothing()


def test_connected_has_an_id_only_when_naming_it_loses_nothing(pair):
    broker, producer = pair
    sent = publish(producer, "user:42", range(3))
    with EventStream.open(broker, after=sent[0]) as stream:
        assert stream.connected.id == sent[0]
    with EventStream.open(broker, after=sent[2]) as stream:
        assert stream.connected.id == sent[2]
    last = producer.publish("user:9", "0")
    with EventStream.open(broker, after=sent[2]) as stream:
        assert stream.connected.id == last
    with EventStream.open(broker, user="7") as stream:
        assert stream.connected.id == last


def test_a_position_that_is_gone_is_a_gap(redis, start_broker, producers):
    broker = start_broker(redis=redis.url())
    broker.wait_until_ready()
    producer = producers(redis, follower=broker)
    sent = publish(producer, "user:42", range(3))
    broker.terminate()
    broker.wait_for_exit()
    redis.connect().call("XTRIM", "belfry:in", "MAXLEN", "1")
    broker = start_broker(redis=redis.url())
    broker.wait_until_ready()
    with EventStream.open(broker, after=sent[0]) as stream:
        assert stream.welcome["recovered"] is False
        gap = stream.next()
        assert (gap.type, gap.json()["from"]) == ("gap", sent[0])
        assert stream.data(1) == [2]
    with EventStream.open(broker, after=sent[2]) as stream:
        assert stream.welcome["recovered"] is True
        stream.expect_nothing()


def test_naming_a_position_confirms_it(pair):
    """Another connection of the user, which names nothing, gets only what came after it."""
    broker, producer = pair
    with EventStream.open(broker):
        pass
    sent = publish(producer, "user:42", range(5))
    with EventStream.open(broker) as stream:
        assert ids(stream.take(5)) == sent
    with EventStream.open(broker, after=sent[2]) as stream:
        assert ids(stream.take(2)) == sent[3:]
    with EventStream.open(broker) as stream:
        assert ids(stream.take(2)) == sent[3:]
        stream.expect_nothing()


def test_a_device_has_a_cursor_of_its_own(pair):
    broker, producer = pair
    for device in "ab":
        with EventStream.open(broker, "/sse?device=" + device):
            pass
    sent = publish(producer, "user:42", range(2))
    with EventStream.open(broker, "/sse?device=a", after=sent[1]):
        pass
    with EventStream.open(broker, "/sse?device=a") as stream:
        stream.expect_nothing()
    with EventStream.open(broker, "/sse?device=b") as stream:
        assert ids(stream.take(2)) == sent


def test_any_node_replays_what_another_one_has_sent(redis, start_nodes, producers):
    one, two = start_nodes(2, redis)
    one.wait_until_ready()
    two.wait_until_ready()
    producer = producers(redis, follower=two)
    with EventStream.open(one) as stream:
        sent = publish(producer, "user:42", range(5))
        position = stream.take(2)[-1].id
    sent += publish(producer, "user:42", range(5, 8))
    with EventStream.open(two, after=position) as stream:
        assert ids(stream.take(6)) == sent[2:]


# ---- silence ----

def test_a_silent_stream_gets_comments(start_broker):
    broker = start_broker(sse_heartbeat="1s")
    with EventStream.open(broker) as stream:
        wait_until(lambda: stream.expect_nothing(0.2) or len(stream.reader.comments) >= 3,
                   "three comments", limit=8)


def test_the_position_moves_in_silence(pair_of_shards):
    """Nothing of what passes is for this client, and yet it need not ask from the beginning."""
    broker, producer = pair_of_shards
    with EventStream.open(broker) as stream:
        first = producer.publish("user:42", "1")
        assert stream.next().id == first
        last = publish(producer, "user:somebody", range(3))[-1]
        while stream.position != last:
            event = stream.next(limit=8)
            assert event.type == "cursor" and event.json()["last_event_id"] == event.id
        stream.expect_nothing(2.5)
    with EventStream.open(broker, after=last) as stream:
        assert stream.welcome["recovered"] and stream.welcome["replayed"] == 0


@pytest.fixture(params=["embedded", "redis"])
def pair_of_shards(request, start_broker, producers):
    """Two shards and short heartbeats: one of the two hears nothing of most messages."""
    if request.param == "embedded":
        broker = start_broker(shards=2, sse_heartbeat="1s")
        return broker, producers(broker)
    redis = request.getfixturevalue("redis")
    broker = start_broker(shards=2, sse_heartbeat="1s", redis=redis.url())
    broker.wait_until_ready()
    return broker, producers(redis, follower=broker)


def test_a_client_that_left_is_noticed(broker):
    def connections():
        return scrape(broker).total("belfry_connections")

    streams = [EventStream.open(broker) for _ in range(3)]
    assert connections() == 3
    streams[0].close()
    streams[1].raw.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    streams[1].close()
    wait_until(lambda: connections() == 1, "two are gone")
    streams[2].close()
    wait_until(lambda: connections() == 0, "all are gone")


def test_what_a_client_sends_behind_its_request_is_dropped(broker, producer):
    with EventStream.open(broker) as stream:
        stream.raw.send(b"GET /ws/health HTTP/1.1\r\nHost: h\r\n\r\n" + b"x" * 100000)
        producer.publish("user:42", "1")
        assert stream.data(1) == [1]


# ---- nothing that passes is final ----

def read_goodbye(broker, **options):
    """What a stream says that ends at once: its retry and its event."""
    with EventStream(broker, **options) as stream:
        events = stream.rest()
        assert [event.type for event in events] == ["close"]
        assert events[0].id == ""
        assert events[0].json()["reconnect_in_ms"] == stream.reader.retries[-1]
        return stream.reader.retries[-1], events[0].json()


def test_a_full_node_answers_200_with_a_time_to_come_back(start_broker):
    broker = start_broker(max_connections=1)
    with EventStream.open(broker):
        goodbyes = [read_goodbye(broker) for _ in range(4)]
    assert all(5000 <= retry <= 7500 for retry, _ in goodbyes)
    assert len({retry for retry, _ in goodbyes}) > 1, "not all at the same moment"
    assert {event["code"] for _, event in goodbyes} == {1013}
    wait_until(lambda: scrape(broker).total("belfry_connections") == 0, "it is gone")
    with EventStream.open(broker):
        pass


def test_too_many_of_a_user_are_told_likewise(start_broker):
    broker = start_broker(max_connections_per_user=1)
    with EventStream.open(broker):
        retry, event = read_goodbye(broker)
        assert event["code"] == 4409 and 15000 <= retry <= 22500
        with EventStream.open(broker, user="other"):
            pass


def test_too_many_of_an_address_are_told_likewise(start_broker):
    broker = start_broker(max_connections_per_ip=1)
    with EventStream.open(broker):
        assert read_goodbye(broker)[1]["code"] == 1013


def test_a_drain_spreads_the_ends_and_the_times_to_come_back(start_broker, producers):
    broker = start_broker(drain_window="1s")
    producer = producers(broker)
    streams = [EventStream.open(broker) for _ in range(10)]
    sent = producer.publish("user:42", "1")
    for stream in streams:
        assert stream.next().id == sent
    broker.terminate()
    retries = set()
    for stream in streams:
        events = stream.rest()
        assert [event.type for event in events] == ["going_away", "close"]
        assert events[0].json()["reconnect_in_ms"] == stream.reader.retries[-1] < 1000
        assert events[1].json()["code"] == 1001
        assert stream.position == sent
        retries.add(stream.reader.retries[-1])
    assert len(retries) > 5
    assert broker.wait_for_exit() == 0


def test_an_expired_token_is_told_then_the_stream_ends_and_then_it_is_401(start_broker):
    broker = start_broker(token_grace="1s")
    old = token("42", lifetime=-28)  # within the leeway of 30 s
    with EventStream.open(broker, query("/sse", token=old), bearer=False) as stream:
        expired, close = stream.rest(limit=8)
        assert (expired.type, expired.json()["code"]) == ("token_expired", "token_expired")
        assert (close.type, close.json()["code"]) == ("close", 4401)
    wait_until(lambda: broker.ask(query("/sse", token=old)).status == 401, "401", limit=8,
               pause=0.5)


def test_a_backend_closes_streams_and_says_so(pair):
    broker, producer = pair
    with EventStream.open(broker) as stream:
        producer.publish("user:42", "1")
        producer.publish("user:42", "{}", type="belfry.disconnect")
        events = stream.rest()
        assert events[0].json()["data"] == 1
        assert (events[-1].type, events[-1].json()["code"]) == ("close", 4403)


# ---- slow streams ----

@pytest.mark.heavy
def test_a_slow_stream_misses_nothing(pair):
    broker, producer = pair
    filler = "x" * 20000
    with EventStream.open(broker, receive_buffer=4096) as stream:
        sent = []
        for start in range(0, 400, 50):
            sent += producer.publish_many(
                [("user:42", json.dumps([number, filler])) for number in range(start, start + 50)])
        wait_until(lambda: scrape(broker).total("belfry_fell_behind_total") > 0, "it fell behind")
        got = [stream.next(limit=20) for _ in sent]
        assert ids(got) == sent
        assert [event.json()["data"][0] for event in got] == list(range(400))
        assert [producer.publish("user:42", '"live"')] == ids(stream.take(1))


@pytest.mark.heavy
def test_many_streams_of_one_channel_are_encoded_once(start_broker, producers):
    """Beside them WebSockets: the message is written once for each encoding."""
    broker = start_broker()
    producer = producers(broker)
    streams = [EventStream.open(broker, "/sse/trending", user=f"u{n}") for n in range(40)]
    before = scrape(broker).total("belfry_encoded_total")
    sent = publish(producer, "trending", range(30))
    for stream in streams:
        assert ids(stream.take(30)) == sent
    assert scrape(broker).total("belfry_encoded_total") - before == 30
    for stream in streams:
        stream.close()


# ---- what arrived, without a word of the client ----

def unconfirmed(broker, **options):
    """What a connection gets that names nothing."""
    with EventStream.open(broker, **options) as stream:
        return stream.welcome["replayed"]


def test_what_tcp_has_acknowledged_is_confirmed(start_broker, producers):
    broker = start_broker(sse_heartbeat="1s")
    producer = producers(broker)
    with EventStream.open(broker) as stream:
        sent = publish(producer, "user:42", range(5))
        assert ids(stream.take(5)) == sent
        assert unconfirmed(broker) == 5, "not at once"
        wait_until(lambda: unconfirmed(broker) == 0, "it is confirmed", limit=8, pause=0.3)
        sent = publish(producer, "user:42", range(2))
        assert ids([stream.next_of("notification") for _ in range(2)]) == sent
        wait_until(lambda: unconfirmed(broker) == 0, "this, too", limit=8, pause=0.3)


def test_what_a_client_does_not_take_is_not_confirmed(start_broker, producers):
    """It is in the kernel's buffers here and there, or behind."""
    broker = start_broker(sse_heartbeat="1s")
    producer = producers(broker)
    filler = json.dumps("x" * 60000)
    with EventStream.open(broker, receive_buffer=4096):
        producer.publish_many([("user:42", filler)] * 20)
        wait_until(lambda: unconfirmed(broker, user="42") == 20, "all are there")
        time.sleep(4)
        assert unconfirmed(broker) == 20


def test_with_sse_confirm_off_only_the_client_confirms(start_broker, producers):
    broker = start_broker(sse_heartbeat="1s", sse_confirm="off")
    producer = producers(broker)
    with EventStream.open(broker) as stream:
        sent = publish(producer, "user:42", range(5))
        assert ids(stream.take(5)) == sent
        time.sleep(4)
        assert unconfirmed(broker) == 5
