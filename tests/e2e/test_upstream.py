"""What clients send on purpose: to others, into the log, and up to the backends."""

import asyncio
import json
import time

import pytest

from client import Client, Crowd, resume
from pace import unix_time, wait_until
from tokens import token

RULES = {"publish": ["chat=claim", "open=any", "*=none"],
         "subscribe": ["chat=claim", "open=any", "typing=claim", "*=claim"]}


def upstream(producer, *types):
    """What lies in belfry:up of these types."""
    return [fields for _, fields in producer.entries("belfry:up") if fields["type"] in types]


@pytest.fixture(params=["embedded", "redis"])
def broker(request, start_broker):
    if request.param == "embedded":
        return start_broker(**RULES)
    redis = request.getfixturevalue("redis")
    broker = start_broker(redis=redis.url(), **RULES)
    broker.wait_until_bridged()
    return broker


# ---- publish ----

async def test_a_client_publishes_where_its_claim_says(broker):
    bearer = token("42", channels=["chat:*"])
    async with (await Client.open(broker, bearer=bearer) as one,
                await Client.open(broker, bearer=token("43", channels=["chat:*"])) as two):
        for client in (one, two):
            await client.ask({"type": "subscribe", "channel": "chat:1"})
        await one.send({"type": "publish", "channel": "chat:1", "event": "said",
                        "data": {"text": "ü"}, "ref": "r"})
        message = await two.next()
        assert (message["channel"], message["event"], message["data"]) == (
            "chat:1", "said", {"text": "ü"})
        assert message["type"] == "notification" and message["event_id"]
        got = [await one.next() for _ in range(2)]
        assert {item["type"] for item in got} == {"ack", "notification"}
        ack, = [item for item in got if item["type"] == "ack"]
        assert ack["ref"] == "r"


async def test_what_a_client_published_is_in_the_log_like_all_else(broker):
    bearer = token("42", channels=["chat:*"])
    async with await Client.open(broker, bearer=bearer) as client:
        position = client.connected["last_event_id"]
        for number in range(5):
            await client.ask({"type": "publish", "channel": "open:1", "data": number, "ref": "r"})
    async with await Client.open(broker, resume(position)) as client:
        answer = await client.ask({"type": "subscribe", "channel": "open:1",
                                   "last_event_id": position})
        assert answer["type"] == "subscribed"
        assert await client.data(5) == list(range(5))


@pytest.mark.parametrize("channel, channels, allowed", [
    ("chat:1", ["chat:*"], True), ("chat:1", ["chat:1"], True), ("chat:1", ["chat:2"], False),
    ("chat:1", None, False), ("open:1", None, True), ("trending", ["trending"], False),
    ("all", None, False), ("user:42", None, False), ("user:43", None, False),
    ("conn:AAAAAAAAAAAAAAAAAAAAISWI", None, False)])
async def test_the_rule_of_a_namespace_decides(broker, channel, channels, allowed):
    async with await Client.open(broker, bearer=token("42", channels=channels)) as client:
        answer = await client.ask({"type": "publish", "channel": channel, "data": 1, "ref": "r"})
        assert answer["ref"] == "r"
        if allowed:
            assert answer["type"] == "ack"
        else:
            assert (answer["type"], answer["code"]) == ("error", "not_allowed")
            await client.expect_nothing()


async def test_by_default_nobody_publishes(start_broker):
    broker = start_broker()
    async with await Client.open(broker, bearer=token("42", channels=["chat:*"])) as client:
        for channel in ("chat:1", "trending", "user:42"):
            answer = await client.ask({"type": "publish", "channel": channel, "data": 1})
            assert (answer["type"], answer["code"]) == ("error", "not_allowed")


@pytest.mark.parametrize("message", [
    {"type": "publish"}, {"type": "publish", "channel": "a b", "data": 1},
    {"type": "publish", "channel": 7, "data": 1},
    {"type": "publish", "channel": "open:1", "event": "x" * 200, "data": 1},
    {"type": "publish", "channel": "open:1", "event": 7, "data": 1},
    {"type": "typing"}, {"type": "typing", "to": ""}, {"type": "typing", "to": [7]},
    {"type": "typing", "to": "a b"}, {"type": "typing", "to": "x" * 300}])
async def test_what_breaks_a_rule_gets_an_error(broker, message):
    async with await Client.open(broker) as client:
        answer = await client.ask({**message, "ref": "r"})
        assert (answer["type"], answer["ref"]) == ("error", "r")
        assert answer["code"] in ("bad_field", "bad_channel", "bad_message", "not_allowed")
        assert await client.is_alive()


def large_setup(request, start_broker, log):
    """A broker whose clients may send more than a message may have."""
    settings = {"max_message_size": "1k", "max_client_message": "1m", **RULES}
    if log == "redis":
        settings["redis"] = request.getfixturevalue("redis").url()
    broker = start_broker(**settings)
    broker.wait_until_ready()
    if log == "redis":
        broker.wait_until_bridged()
    return broker


@pytest.mark.parametrize("log", ["embedded", "redis"])
async def test_over_max_message_size_nothing_is_published(request, start_broker, log):
    """Type, event and data count together: what was acknowledged is delivered."""
    broker = large_setup(request, start_broker, log)
    most = 1024 - len("notification") - len("said") - len('""')
    async with await Client.open(broker) as client:
        await client.ask({"type": "subscribe", "channel": "open:1"})
        message = {"type": "publish", "channel": "open:1", "event": "said", "ref": "r"}
        for size in (most + 1, most + 20, 2000):
            answer = await client.ask(message | {"data": "x" * size})
            assert (answer["type"], answer["code"]) == ("error", "too_large"), size
        await client.expect_nothing()
        await client.send(message | {"data": "x" * most})
        assert {one["type"] for one in await client.take(2)} == {"ack", "notification"}


@pytest.mark.parametrize("log", ["embedded", "redis"])
async def test_typing_over_max_message_size_is_refused(request, start_broker, log):
    """Also where so many listen that they share what is sent."""
    broker = large_setup(request, start_broker, log)
    async with await Crowd.open(broker, 20, lambda _: "9", "/ws/typing/9") as crowd:
        async with await Client.open(broker) as client:
            for size in (1024, 100_000, 900_000):
                answer = await client.ask({"type": "typing", "to": "9", "data": "x" * size,
                                           "ref": "r"})
                assert (answer["type"], answer["code"]) == ("error", "too_large"), size
            answer = await client.ask({"type": "typing", "to": "9", "data": 1, "ref": "r"})
            assert answer["type"] == "ack"
        await crowd.wait_for(1)
        assert all(len(texts) == 1 for texts in crowd.texts)


async def test_data_goes_out_byte_for_byte(broker):
    async with await Client.open(broker) as client:
        await client.ask({"type": "subscribe", "channel": "open:1"})
        data = '{ "b":1,"a":[ 1.0 ],"\\u0041":"ü" }'
        await client.send('{"type":"publish","channel":"open:1","data":' + data + "}")
        assert (await client.next_text()).endswith(',"data":' + data + "}")


async def test_while_redis_is_away_publishing_is_refused(start_broker, redis):
    broker = start_broker(redis=redis.url(), **RULES)
    async with await Client.open(broker) as client:
        redis.kill()
        wait_until(lambda: not broker.is_ready(), "it is not ready")
        answer = await client.ask({"type": "publish", "channel": "open:1", "data": 1, "ref": "r"})
        assert (answer["type"], answer["ref"]) == ("error", "r")
        assert answer["code"] in ("log_unavailable", "log_unknown")


# ---- typing ----

async def test_typing_reaches_the_other_one(broker):
    async with (await Client.open(broker, "/ws/typing/user_9", user="user_9") as other,
                await Client.open(broker, user="42") as client):
        answer = await client.ask({"type": "typing", "to": "user_9", "data": {"chat": 7},
                                   "ref": "r"})
        assert (answer["type"], answer["ref"]) == ("ack", "r")
        message = await other.next()
        assert message["type"] == "typing"
        assert message["user_id"] == "42", "who types is told by the broker, not by the client"
        assert message["data"] == {"chat": 7}
        await client.expect_nothing()


async def test_typing_without_data_is_enough(broker):
    async with (await Client.open(broker, "/ws/typing/user_9", user="user_9") as other,
                await Client.open(broker, user="42") as client):
        await client.send({"type": "typing", "to": "user_9"})
        assert (await other.next())["user_id"] == "42"


async def test_typing_is_not_kept(broker):
    async with await Client.open(broker, user="42") as client:
        position = client.connected["last_event_id"]
        await client.ask({"type": "typing", "to": "user_9", "data": 1, "ref": "r"})
    await asyncio.sleep(0.3)  # over Pub/Sub it comes a moment after its answer
    async with await Client.open(broker, resume(position, "/ws/typing/user_9"),
                                 user="user_9") as other:
        await other.expect_nothing()


async def test_typing_reaches_another_node(start_nodes, redis):
    nodes = start_nodes(2, redis)
    for node in nodes:
        node.wait_until_bridged()
    async with (await Client.open(nodes[0], "/ws/typing/user_9", user="user_9") as other,
                await Client.open(nodes[1], user="42") as client):
        await client.send({"type": "typing", "to": "user_9", "data": 1})
        message = await other.next()
        assert (message["type"], message["user_id"]) == ("typing", "42")


# ---- up ----

async def test_what_clients_send_is_told_to_the_backends(start_broker, redis, producers):
    broker = start_broker(redis=redis.url(), presence="off", **RULES)
    producer = producers(redis)
    producer.publish("user:42", "1", id="n1")
    producer.publish("user:42", "2", id="n2")
    async with await Client.open(broker) as client:
        await client.take(2)
        for message in ({"type": "mark_read", "notification_id": "n1"},
                        {"type": "delete", "notification_id": "n2"},
                        {"type": "mark_all_read"},
                        {"type": "typing", "to": "user_9", "data": {"chat": 7}},
                        {"type": "publish", "channel": "open:1", "data": {"x": 1}}):
            await client.send({**message, "ref": "r"})
            while (await client.next()).get("ref") != "r":
                pass
    types = ["mark_read", "delete", "mark_all_read", "typing", "publish"]
    wait_until(lambda: len(upstream(producer, *types)) == 5, "five entries in belfry:up")
    entries = upstream(producer, *types)
    assert [fields["type"] for fields in entries] == types
    for fields in entries:
        assert set(fields) == {"user", "connection_id", "type", "data", "ts"}
        assert (fields["user"], fields["connection_id"]) == ("42", client.id)
        assert abs(unix_time(fields["ts"]) - time.time()) < 10
        json.loads(fields["data"])
    assert json.loads(entries[0]["data"])["id"] == "n1"
    assert json.loads(entries[1]["data"])["id"] == "n2"
    assert "user_9" in entries[3]["data"] and '{"chat":7}' in entries[3]["data"].replace(" ", "")
    assert '{"x":1}' in entries[4]["data"].replace(" ", "")


async def test_of_a_publication_the_backends_learn_the_channel(start_broker, redis, producers):
    """Without it they could not know what was said to whom."""
    broker, producer = start_broker(redis=redis.url(), **RULES), producers(redis)
    async with await Client.open(broker) as client:
        await client.ask({"type": "publish", "channel": "open:77", "event": "said", "data": 1,
                          "ref": "r"})
    wait_until(lambda: upstream(producer, "publish"), "it is in belfry:up")
    assert "open:77" in upstream(producer, "publish")[0]["data"]


async def test_consumer_groups_read_it(start_broker, redis, producers):
    broker, producer = start_broker(redis=redis.url(), **RULES), producers(redis)
    producer.redis.call("XGROUP", "CREATE", "belfry:up", "backend", "$", "MKSTREAM")
    async with await Client.open(broker) as client:
        await client.ask({"type": "publish", "channel": "open:1", "data": 1, "ref": "r"})

    def read():
        return producer.redis.call("XREADGROUP", "GROUP", "backend", "b1", "STREAMS", "belfry:up",
                                   ">")
    wait_until(read, "the group has got something")


async def test_it_can_be_switched_off(start_broker, redis):
    broker = start_broker(redis=redis.url(), upstream="off", presence="off", **RULES)
    async with await Client.open(broker) as client:
        answer = await client.ask({"type": "publish", "channel": "open:1", "data": 1, "ref": "r"})
        assert answer["type"] == "ack"
    assert redis.call("EXISTS", "belfry:up") == 0
