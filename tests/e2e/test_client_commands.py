"""What a client may say on its connection, and what it is answered."""

import asyncio
import json

import pytest

from client import Client
from tokens import token


# ---- ping and pong ----

async def test_the_bare_text_ping_is_answered_by_the_bare_text_pong(broker):
    async with await Client.open(broker) as client:
        for _ in range(3):
            await client.send("ping")
            assert await client.next_text() == "pong"


async def test_the_json_ping_is_answered_with_a_timestamp(broker):
    async with await Client.open(broker) as client:
        answer = await client.ask({"type": "ping"})
    assert answer["type"] == "pong" and answer["timestamp"]
    assert "ref" not in answer


async def test_websocket_pings_are_answered(broker):
    async with await Client.open(broker) as client:
        for payload in (b"", b"x", b"y" * 125):
            await asyncio.wait_for(await client.socket.ping(payload), 5)


@pytest.mark.parametrize("ref", ["r1", "", "with \"quotes\" and \\", "ünïcode", 7, -1.5, 0])
async def test_ref_is_echoed(broker, ref):
    async with await Client.open(broker) as client:
        assert (await client.ask({"type": "ping", "ref": ref}))["ref"] == ref
        assert (await client.ask({"type": "nonsense", "ref": ref}))["ref"] == ref
        answer = await client.ask({"type": "subscribe", "channel": "trending", "ref": ref})
        assert answer["type"] == "subscribed" and answer["ref"] == ref


async def test_pongs_are_taken_silently(broker):
    async with await Client.open(broker) as client:
        await client.send("pong")
        await client.send({"type": "pong"})
        assert await client.is_alive()


async def test_hundred_pings_at_once_get_hundred_pongs(broker):
    async with await Client.open(broker) as client:
        for number in range(100):
            await client.send({"type": "ping", "ref": number})
        assert [(await client.next())["ref"] for _ in range(100)] == list(range(100))


# ---- not understood ----

NOT_UNDERSTOOD = {
    "empty": "", "no_json": "hello", "cut_off": '{"type":"ping"', "two_values": "{}{}",
    "array": '["ping"]', "number": "1", "string": '"ping"', "null": "null",
    "no_type": '{"ref":"r"}', "type_is_number": '{"type":1}', "type_is_null": '{"type":null}',
    "unknown_type": '{"type":"nonsense"}', "type_in_capitals": '{"type":"PING"}',
    "upper_case_text": "PING", "with_newline": "ping\n",
    "subscribe_nothing": '{"type":"subscribe"}',
    "subscribe_number": '{"type":"subscribe","channel":5}',
    "subscribe_empty": '{"type":"subscribe","channel":""}',
    "subscribe_space": '{"type":"subscribe","channel":"a b"}',
    "subscribe_comma": '{"type":"subscribe","channel":"a,b"}',
    "subscribe_control": '{"type":"subscribe","channel":"a\\u0000b"}',
    "subscribe_long": json.dumps({"type": "subscribe", "channel": "x" * 256}),
    "auth_nothing": '{"type":"auth"}', "deep": "[" * 2000 + "]" * 2000,
}


@pytest.mark.parametrize("name", NOT_UNDERSTOOD)
async def test_what_is_not_understood_gets_an_error_and_the_connection_stays(broker, name):
    async with await Client.open(broker) as client:
        answer = await client.ask(NOT_UNDERSTOOD[name])
        assert answer["type"] == "error"
        assert answer["code"] and answer["message"]
        assert await client.is_alive()


async def test_binary_messages_get_an_error_or_close_1003(broker):
    client = await Client.open(broker)
    await client.socket.send(b"\x00\x01")
    try:
        assert (await client.next())["type"] == "error"
        assert await client.is_alive()
    except Exception:  # pylint: disable=broad-except
        assert await client.close_code() == 1003
    await client.close()


async def test_a_ref_that_is_too_long_is_not_echoed(broker):
    async with await Client.open(broker) as client:
        answer = await client.ask({"type": "ping", "ref": "x" * 2000})
        assert answer["type"] in ("pong", "error") and "ref" not in answer


# ---- subscribe ----

async def test_subscribing_to_an_open_channel(broker, producer):
    async with await Client.open(broker) as client:
        producer.publish("trending", '"too early"')
        assert await client.ask({"type": "subscribe", "channel": "trending"}) == {
            "type": "subscribed", "channel": "trending"}
        producer.publish("trending", '"now"')
        message = await client.next()
        assert (message["channel"], message["data"]) == ("trending", "now")
        assert await client.ask({"type": "unsubscribe", "channel": "trending"}) == {
            "type": "unsubscribed", "channel": "trending"}
        producer.publish("trending", '"too late"')
        producer.publish("user:42", '"end"')
        assert (await client.next())["data"] == "end"


async def test_subscribing_twice_delivers_once(broker, producer):
    async with await Client.open(broker, "/ws/trending") as client:
        for _ in range(2):
            answer = await client.ask({"type": "subscribe", "channel": "trending"})
            assert answer["type"] == "subscribed"
        producer.publish("trending", "1")
        assert (await client.next())["data"] == 1
        await client.expect_nothing()
        await client.ask({"type": "unsubscribe", "channel": "trending"})
        producer.publish("trending", "2")
        await client.expect_nothing()


async def test_nothing_is_missed_after_subscribed_was_answered(broker, producer):
    """From the answer on everything arrives, in order, however fast it is published."""
    async with await Client.open(broker) as client:
        for round_number in range(20):
            await client.ask({"type": "subscribe", "channel": "trending"})
            for number in range(5):
                producer.publish("trending", str(round_number * 5 + number))
            got = [(await client.next())["data"] for _ in range(5)]
            assert got == [round_number * 5 + number for number in range(5)]
            await client.ask({"type": "unsubscribe", "channel": "trending"})


async def test_the_claim_channels_allows_what_it_lists(broker, producer):
    bearer = token("42", channels=["orders:7", "room:*"])
    async with await Client.open(broker, bearer=bearer) as client:
        for channel in ("orders:7", "room:1", "room:a:b", "room:"):
            answer = await client.ask({"type": "subscribe", "channel": channel})
            assert answer == {"type": "subscribed", "channel": channel}
            producer.publish(channel, '"in"')
            assert (await client.next())["channel"] == channel
        for channel in ("orders:8", "orders:71", "orders:", "room", "rooms:1", "Room:1"):
            answer = await client.ask({"type": "subscribe", "channel": channel, "ref": "r"})
            assert (answer["type"], answer["code"], answer["ref"]) == ("error", "not_allowed", "r")


@pytest.mark.parametrize("channel", ["user:43", "feed:43", "typing:43", "conn:abc",
                                     "admin:notifications", "orders:7", "nothing"])
async def test_what_nobody_allowed_is_refused(broker, producer, channel):
    async with await Client.open(broker) as client:
        answer = await client.ask({"type": "subscribe", "channel": channel})
        assert (answer["type"], answer["code"]) == ("error", "not_allowed")
        producer.publish(channel, '"secret"')
        producer.publish("user:42", '"end"')
        assert (await client.next())["data"] == "end"


@pytest.mark.parametrize("rule, outcome", [("any", "subscribed"), ("none", "error")])
async def test_the_rule_of_a_namespace_decides(start_broker, rule, outcome):
    broker = start_broker(subscribe=[f"room={rule}", "*=claim"])
    async with await Client.open(broker, bearer=token("42", channels=["lobby"])) as client:
        answer = await client.ask({"type": "subscribe", "channel": "room:1"})
        assert answer["type"] == outcome
        answer = await client.ask({"type": "subscribe", "channel": "lobby"})
        assert answer["type"] == "subscribed"
        answer = await client.ask({"type": "subscribe", "channel": "trending"})
        assert answer["code"] == "not_allowed"


async def test_another_connections_channel_is_refused(broker, producer):
    async with (await Client.open(broker, user="43") as other,
                await Client.open(broker, user="42") as client):
        answer = await client.ask({"type": "subscribe", "channel": "conn:" + other.id})
        assert answer["code"] == "not_allowed"
        producer.publish("conn:" + other.id, '"private"')
        assert (await other.next())["data"] == "private"
        await client.expect_nothing()


async def test_more_than_max_subscriptions_are_refused(start_broker):
    broker = start_broker(max_subscriptions=10)
    async with await Client.open(broker, bearer=token("42", channels=["room:*"])) as client:
        answers = [await client.ask({"type": "subscribe", "channel": f"room:{number}"})
                   for number in range(12)]
        types = [answer["type"] for answer in answers]
        assert types[:5] == ["subscribed"] * 5 and types[-1] == "error"
        assert sorted(types, reverse=True) == types, "refused only when it is full"
        assert answers[-1]["code"] == "too_many_subscriptions"
        await client.ask({"type": "unsubscribe", "channel": "room:0"})
        answer = await client.ask({"type": "subscribe", "channel": "room:99"})
        assert answer["type"] == "subscribed"


async def test_unsubscribing_what_was_not_subscribed_is_answered(broker):
    async with await Client.open(broker) as client:
        answer = await client.ask({"type": "unsubscribe", "channel": "trending"})
        assert answer["type"] in ("unsubscribed", "error")
        assert await client.is_alive()


async def test_thousand_subscriptions_come_and_go(broker, producer):
    async with await Client.open(broker, bearer=token("42", channels=["room:*"])) as client:
        for number in range(1000):
            for kind in ("subscribe", "unsubscribe"):
                answer = await client.ask({"type": kind, "channel": f"room:{number}"})
                assert answer == {"type": kind + "d", "channel": f"room:{number}"}
        producer.publish("room:500", "1")
        await client.expect_nothing(0.1)


async def test_subscribers_that_vanish_leave_the_others_alone(start_broker, producers):
    broker = start_broker(shards=2)
    producer = producers(broker)
    clients = [await Client.open(broker, "/ws/trending") for _ in range(40)]
    for client in clients[::2]:
        client.socket.transport.abort()
    await asyncio.sleep(0.1)
    producer.publish("trending", '"rest"')
    for client in clients[1::2]:
        assert (await client.next())["data"] == "rest"
        await client.close()


async def test_an_ack_is_taken(broker, producer):
    """Without a ref nothing needs to be answered; the connection goes on."""
    async with await Client.open(broker) as client:
        event_id = producer.publish("user:42", "1")
        await client.next()
        answer = await client.ask({"type": "ack", "event_id": event_id, "ref": "a"})
        assert answer["ref"] == "a"
        assert await client.is_alive()
