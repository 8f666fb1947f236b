"""What a client of the native protocol reads: `connected`, then notifications."""

import asyncio
import json
import re
import time

import pytest

from client import Client
from pace import unix_time
from raw_socket import RawSocket

EVENT_ID = re.compile(r"^\d{13}-\d+$")
TIMESTAMP = re.compile(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")


async def test_connected_comes_first_with_its_fields(broker):
    async with await Client.open_silent(broker, "/ws/notifications") as client:
        first = await client.next()
    assert first["type"] == "connected"
    assert first["message"] == "WebSocket connected successfully"
    assert first["user_id"] == "42"
    assert first["connection_id"]
    assert TIMESTAMP.match(first["timestamp"])
    assert re.match(r"^\d+-\d+$", first["last_event_id"])
    assert first["heartbeat_interval"] == 30


async def test_connected_tells_the_heartbeat_that_was_configured(start_broker):
    broker = start_broker(heartbeat_interval="7s", heartbeat_timeout="20s")
    async with await Client.open(broker) as client:
        assert client.connected["heartbeat_interval"] == 7


async def test_connected_timestamp_is_now(broker):
    before = time.time()
    async with await Client.open(broker) as client:
        told = unix_time(client.connected["timestamp"])
        assert before - 0.1 <= told <= time.time() + 0.1


async def test_every_connection_has_another_id(broker):
    clients = await asyncio.gather(*(Client.open(broker) for _ in range(50)))
    assert len({client.id for client in clients}) == 50
    await asyncio.gather(*(client.close() for client in clients))


async def test_connected_comes_before_a_message_published_meanwhile(broker, producer):
    """Connections are made while messages go out: never one before `connected`."""
    def publish():
        for number in range(200):
            producer.publish("all", str(number))
            time.sleep(0.002)

    publishing = asyncio.create_task(asyncio.to_thread(publish))
    while not publishing.done():
        async with await Client.open_silent(broker) as client:
            assert (await client.next())["type"] == "connected"
    await publishing


async def test_notification_has_all_fields_in_order(broker, producer):
    async with await Client.open(broker) as client:
        event_id = producer.publish("user:42", '{"code":"123456"}', type="notification",
                                    event="sms.received", id="notif_123")
        text = await client.next_text()
    message = json.loads(text)
    assert list(message) == ["type", "event", "event_id", "channel", "timestamp", "id", "data"]
    assert TIMESTAMP.match(message.pop("timestamp"))
    assert message == {"type": "notification", "event": "sms.received", "event_id": event_id,
                       "channel": "user:42", "id": "notif_123", "data": {"code": "123456"}}


async def test_what_the_producer_left_out_is_left_out(broker, producer):
    async with await Client.open(broker) as client:
        producer.publish("user:42", "1")
        message = await client.next()
    assert list(message) == ["type", "event_id", "channel", "timestamp", "data"]
    assert message["type"] == "notification"
    assert EVENT_ID.match(message["event_id"])


async def test_timestamp_is_the_time_part_of_the_event_id(broker, producer):
    async with await Client.open(broker) as client:
        event_id = producer.publish("user:42", "1")
        told = unix_time((await client.next())["timestamp"])
    assert round(told * 1000) == int(event_id.split("-")[0])


@pytest.mark.parametrize("ts", ["2026-01-25T10:30:00.000Z", "2026-01-25T10:30:00Z",
                                "2026-01-25T10:30:00.123456+02:00"])
async def test_timestamp_is_the_producers_when_it_gives_one(broker, producer, ts):
    async with await Client.open(broker) as client:
        producer.publish("user:42", "1", ts=ts)
        assert (await client.next())["timestamp"] == ts


async def test_key_and_trace_are_handed_through(broker, producer):
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    async with await Client.open(broker) as client:
        producer.publish("user:42", "1", key="presence", traceparent=trace)
        message = await client.next()
    assert message["key"] == "presence"
    assert message["trace"] == trace


@pytest.mark.parametrize("data", [
    "null", "true", "0", "-1.5e+300", '""', '"text"', "[]", "{}", "[1,2,[3,{}]]",
    '{"b":1,"a":2,"b":3}', '{ "spaced" : [ 1 , 2 ] }', '{"n":12345678901234567890.10}',
    '"\\u0041\\n\\/\\ud83d\\ude00"', '"ünïcödé 日本語 😀"', '{"ключ":"значение"}',
    '{"html":"<script>\\"</script>"}', '"\\u2028\\u2029 \u2028 \u2029"'])
@pytest.mark.parametrize("log", ["embedded", "redis"])
async def test_data_is_byte_for_byte_what_the_producer_gave(log, data, start_broker, request,
                                                            producers):
    if log == "redis":
        redis = request.getfixturevalue("redis")
        broker = start_broker(redis=redis.url())
        producer = producers(redis)
    else:
        broker = start_broker()
        producer = producers(broker)
    async with await Client.open(broker) as client:
        producer.publish("user:42", data)
        text = await client.next_text()
    assert text.endswith(',"data":' + data + "}")


async def test_unicode_in_every_field_survives(broker, producer):
    user = "müller-日本"
    async with await Client.open(broker, user=user) as client:
        assert client.connected["user_id"] == user
        producer.publish("user:" + user, "1", event="événement", id="номер-1", key="ключ")
        message = await client.next()
    assert message["channel"] == "user:" + user
    assert (message["event"], message["id"], message["key"]) == ("événement", "номер-1", "ключ")


async def test_quotes_and_backslashes_in_fields_stay_json(broker, producer):
    user = 'o"br\\ien'
    async with await Client.open(broker, user=user) as client:
        producer.publish("user:" + user, "1", event='say "hi"', id="a\\b")
        message = await client.next()
    assert (message["channel"], message["event"], message["id"]) == (
        "user:" + user, 'say "hi"', "a\\b")


async def test_types_other_than_notification_go_through(broker, producer):
    async with await Client.open(broker) as client:
        producer.publish("user:42", "1", type="unread_count")
        assert (await client.next())["type"] == "unread_count"


@pytest.mark.parametrize("size", [0, 1, 100, 125, 126, 127, 1000, 4096, 65000])
async def test_every_size_of_frame_arrives(broker, producer, size):
    data = json.dumps("x" * size)
    async with await Client.open(broker) as client:
        producer.publish("user:42", data)
        assert (await client.next())["data"] == "x" * size


def test_messages_are_single_unmasked_text_frames(broker, producer):
    with RawSocket(broker) as raw:
        raw.upgrade()
        frames = [raw.read_frame()]
        for size in (10, 100, 1000, 60000):
            producer.publish("user:42", '"' + "x" * size + '"')
            frames.append(raw.read_frame())
    assert all(got.final and got.opcode == 1 and got.rsv == 0 for got in frames)


async def test_event_ids_grow(broker, producer):
    async with await Client.open(broker) as client:
        published = [producer.publish("user:42", str(number)) for number in range(300)]
        received = [(await client.next())["event_id"] for _ in published]
    parts = [tuple(map(int, event_id.split("-"))) for event_id in published]
    assert parts == sorted(set(parts))
    assert received == published


async def test_what_was_published_before_is_not_sent_to_a_new_connection(broker, producer):
    producer.publish("all", '"before"')
    async with await Client.open(broker, user="fresh") as client:
        producer.publish("all", '"after"')
        assert (await client.next())["data"] == "after"


async def test_last_event_id_of_connected_is_the_logs(broker, producer):
    event_id = producer.publish("user:42", "1")
    async with await Client.open(broker, user="another") as client:
        assert client.connected["last_event_id"] == event_id
