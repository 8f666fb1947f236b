"""What applications PUBLISH on Redis reaches the clients as it is, and is never replayed."""

import asyncio
import json

import pytest

from client import Client, resume
from pace import wait_until


class Publisher:
    def __init__(self, redis):
        self.redis = redis.connect()

    def publish(self, channel, payload):
        text = payload if isinstance(payload, (str, bytes)) else json.dumps(payload)
        return self.redis.call("PUBLISH", channel, text)


@pytest.fixture
def bridge(start_broker, redis):
    """A broker that listens, and a publisher."""
    broker, publisher = start_broker(redis=redis.url()), Publisher(redis)
    broker.wait_until_bridged()
    yield broker, publisher
    publisher.redis.close()


async def test_a_broadcast_reaches_everybody(bridge):
    broker, publisher = bridge
    clients = [await Client.open(broker, user=f"u{number}") for number in range(5)]
    publisher.publish("ws:broadcast", {"type": "announcement", "text": "hello"})
    for client in clients:
        assert await client.next() == {"type": "announcement", "text": "hello"}
        await client.close()


async def test_a_users_message_reaches_all_tabs_and_nobody_else(bridge):
    broker, publisher = bridge
    tabs = [await Client.open(broker, user="42") for _ in range(2)]
    async with await Client.open(broker, user="43") as other:
        publisher.publish("ws:user:42", {"n": 1})
        for tab in tabs:
            assert await tab.next() == {"n": 1}
            await tab.close()
        await other.expect_nothing()


async def test_a_connections_message_reaches_that_one(bridge):
    broker, publisher = bridge
    async with await Client.open(broker) as one, await Client.open(broker) as two:
        publisher.publish("ws:connection:" + one.id, {"n": 1})
        assert await one.next() == {"n": 1}
        await two.expect_nothing()


async def test_a_channels_message_reaches_its_subscribers(bridge):
    broker, publisher = bridge
    async with (await Client.open(broker, "/ws/trending") as subscriber,
                await Client.open(broker) as other):
        publisher.publish("ws:channel:trending", {"n": 1})
        assert await subscriber.next() == {"n": 1}
        await other.expect_nothing()


@pytest.mark.parametrize("text", [
    "{}", '{"b":1,"a":2,"b":3}', '{ "spaced" : [ 1 , 2 ] }', '{"n":12345678901234567890.10}',
    '{"\\u0041":"\\ud83d\\ude00"}', '{"ü":"日本語 😀"}', '{"type":"connected","event_id":"1-0"}',
    '{"line":"\\u2028"}', ' {"blank":"before"}'])
async def test_the_text_goes_out_as_it_is(bridge, text):
    broker, publisher = bridge
    async with await Client.open(broker) as client:
        publisher.publish("ws:user:42", text)
        assert await client.next_text() == text


@pytest.mark.parametrize("bad", ["", "hello", "[1]", "1", '"text"', "null", '{"a":', "{}{}",
                                 b'{"a":"\xff"}'])
async def test_what_is_not_an_object_is_not_delivered(bridge, bad):
    broker, publisher = bridge
    async with await Client.open(broker) as client:
        publisher.publish("ws:user:42", bad)
        publisher.publish("ws:user:42", {"end": 1})
        assert await client.next() == {"end": 1}


@pytest.mark.parametrize("channel", ["ws:user:", "ws:user:a b", "ws:channel:", "ws:channel:a,b",
                                     "ws:connection:", "ws:other:42", "ws:", "ws:user",
                                     "ws:user:" + "x" * 600, "xws:broadcast"])
async def test_a_name_that_addresses_nobody_stalls_nothing(bridge, channel):
    broker, publisher = bridge
    async with await Client.open(broker) as client:
        publisher.publish(channel, {"n": 1})
        publisher.publish("ws:user:42", {"end": 1})
        assert await client.next() == {"end": 1}


async def test_over_max_message_size_it_is_not_delivered(start_broker, redis):
    broker, publisher = start_broker(redis=redis.url(), max_message_size=1024), Publisher(redis)
    broker.wait_until_bridged()
    async with await Client.open(broker) as client:
        publisher.publish("ws:user:42", {"pad": "x" * 2000})
        publisher.publish("ws:user:42", {"pad": "x" * 900})
        assert len((await client.next())["pad"]) == 900
    publisher.redis.close()


async def test_the_order_of_publishing_is_kept(bridge):
    broker, publisher = bridge
    names = ["ws:broadcast", "ws:user:42", "ws:channel:announcements"]
    async with await Client.open(broker) as client:
        for number in range(300):
            publisher.redis.send("PUBLISH", names[number % 3], json.dumps({"n": number}))
        for _ in range(300):
            publisher.redis.reply()
        assert [message["n"] for message in await client.take(300)] == list(range(300))


async def test_nothing_of_it_is_replayed(bridge, producers, redis):
    broker, publisher = bridge
    producer = producers(redis)
    before = producer.publish("user:42", "0")
    publisher.publish("ws:user:42", {"n": 1})
    publisher.publish("ws:broadcast", {"n": 2})
    async with await Client.open(broker, resume(before)) as client:
        assert (client.connected["recovered"], client.connected["replayed"]) == (True, 0)
        await client.expect_nothing()


async def test_both_ways_in_do_not_disturb_each_other(bridge, producers, redis):
    broker, publisher = bridge
    producer = producers(redis)
    async with await Client.open(broker) as client:
        for number in range(100):
            publisher.publish("ws:user:42", {"n": number})
            producer.publish("user:42", str(number))
        got = await client.take(200)
    assert [message["n"] for message in got if "n" in message] == list(range(100))
    assert [message["data"] for message in got if "data" in message] == list(range(100))


async def test_every_node_hears_it(start_nodes, redis):
    nodes, publisher = start_nodes(2, redis), Publisher(redis)
    for node in nodes:
        node.wait_until_bridged()
    clients = [await Client.open(node) for node in nodes]
    publisher.publish("ws:user:42", {"n": 1})
    for client in clients:
        assert await client.next() == {"n": 1}
        await client.close()
    publisher.redis.close()


async def test_it_listens_again_after_redis_was_away(bridge, redis):
    broker, _ = bridge
    async with await Client.open(broker) as client:
        await asyncio.to_thread(redis.kill)
        await asyncio.to_thread(redis.start)
        await asyncio.to_thread(broker.wait_until_bridged)
        again = Publisher(redis)
        again.publish("ws:user:42", {"n": 1})
        assert await client.next() == {"n": 1}
        again.redis.close()


async def test_health_tells_whether_it_listens(bridge, redis):
    broker, _ = bridge

    def listens():
        return broker.ask("/ws/health").json()["redis"]["pubsub_connected"]
    wait_until(listens, "pubsub_connected is true")
    await asyncio.to_thread(redis.kill)
    await asyncio.to_thread(wait_until, lambda: not listens(), "pubsub_connected is false")


async def test_it_can_be_switched_off(start_broker, redis):
    broker, publisher = start_broker(redis=redis.url(), pubsub="off"), Publisher(redis)
    broker.wait_until_ready()
    async with await Client.open(broker) as client:
        assert publisher.publish("ws:broadcast", {"n": 1}) == 0
        await client.expect_nothing()
    publisher.redis.close()
