"""Who gets a message: users, single connections, and entries for many."""

import asyncio
import binascii
import itertools

import pytest

from client import Client, Crowd


async def assert_next(clients, data):
    for client in clients:
        assert (await client.next())["data"] == data


async def test_both_tabs_of_a_user_get_it_and_another_user_does_not(start_broker, producers):
    broker = start_broker(shards=2)
    producer = producers(broker)
    tabs = [await Client.open(broker, user="42") for _ in range(2)]
    other = await Client.open(broker, user="43")
    producer.publish("user:42", '"for 42"')
    producer.publish("user:43", '"for 43"')
    await assert_next(tabs, "for 42")
    await assert_next([other], "for 43")
    for client in [*tabs, other]:
        await client.expect_nothing()
        await client.close()


@pytest.mark.parametrize("other", ["4", "421", "user:42", " 42".strip() + "x", "42:1"])
async def test_users_with_similar_names_are_different(broker, producer, other):
    async with (await Client.open(broker, user="42") as mine,
                await Client.open(broker, user=other) as theirs):
        producer.publish("user:42", '"mine"')
        producer.publish("user:" + other, '"theirs"')
        await assert_next([mine], "mine")
        await assert_next([theirs], "theirs")
        await mine.expect_nothing()


async def test_a_connection_is_reached_by_its_id_and_no_other_is(start_broker, producers):
    broker = start_broker(shards=2)
    producer = producers(broker)
    clients = [await Client.open(broker, user="42") for _ in range(4)]
    for number, client in enumerate(clients):
        producer.publish("conn:" + client.id, str(number))
    for number, client in enumerate(clients):
        message = await client.next()
        assert message["data"] == number
        assert message["channel"] == "conn:" + client.id
        await client.expect_nothing(0.1)
        await client.close()


async def test_its_channel_is_in_the_partition_of_all(broker):
    """For every number of partitions: the CRC16 that they are chosen by is the same."""
    crowd = [await Client.open(broker) for _ in range(10)]
    assert len({client.id for client in crowd}) == 10
    for client in crowd:
        assert binascii.crc_hqx(b"conn:" + client.id.encode(), 0) == binascii.crc_hqx(b"all", 0)
        await client.close()


async def test_a_connection_that_is_gone_is_not_mistaken_for_its_successor(broker, producer):
    gone = await Client.open(broker, user="42")
    await gone.close()
    async with await Client.open(broker, user="42") as client:
        producer.publish("conn:" + gone.id, '"lost"')
        producer.publish("user:42", '"kept"')
        await assert_next([client], "kept")


async def test_one_entry_reaches_many_users(start_broker, producers):
    broker = start_broker(shards=2)
    crowd = await Crowd.open(broker, 20)
    event_id = producers(broker).publish([f"user:u{index}" for index in range(10)], '"many"')
    await asyncio.sleep(0.5)
    for index in range(10):
        message, = crowd.messages(index)
        assert message["event_id"] == event_id
        assert message["channel"] == f"user:u{index}"
    assert all(not crowd.texts[index] for index in range(10, 20))
    await crowd.close()


async def test_a_connection_reached_by_two_channels_of_an_entry_gets_it_once(broker, producer):
    """Also through a repeated channel, its own id and `all`."""
    async with await Client.open(broker) as client:
        channels = ["user:42", "conn:" + client.id, "announcements", "all", "user:42"]
        for size in range(2, len(channels) + 1):
            for some in itertools.combinations(channels, size):
                event_id = producer.publish(list(some), '"once"')
                message = await client.next()
                assert message["event_id"] == event_id
                assert message["channel"] in some
        await client.expect_nothing()


async def test_a_user_listed_among_strangers_gets_it(broker, producer):
    async with await Client.open(broker) as client:
        producer.publish(["user:1", "feed:2", "user:42", "nobody:here"], '"found"')
        message = await client.next()
        assert (message["data"], message["channel"]) == ("found", "user:42")


@pytest.mark.heavy
@pytest.mark.parametrize("log", ["embedded", "redis"])
async def test_an_entry_for_5000_users_reaches_each_of_them_once(log, start_broker, producers,
                                                                 request):
    if log == "redis":
        redis = request.getfixturevalue("redis")
        broker, producer = start_broker(shards=2, redis=redis.url()), producers(redis)
    else:
        broker = start_broker(shards=2)
        producer = producers(broker)
    crowd = await Crowd.open(broker, 250, user=lambda index: f"u{index * 20}")
    outsider = await Client.open(broker, user="outsider")
    producer.publish([f"user:u{number}" for number in range(5000)], '"five thousand"')
    await crowd.wait_for(1)
    for index in range(250):
        message, = crowd.messages(index)
        assert message["channel"] == f"user:u{index * 20}"
    await outsider.expect_nothing(0.1)
    await outsider.close()
    await crowd.close()


async def test_messages_for_nobody_are_taken_and_do_no_harm(broker, producer):
    for number in range(100):
        producer.publish(f"user:absent{number}", "1")
    async with await Client.open(broker) as client:
        producer.publish("user:42", '"present"')
        await assert_next([client], "present")


async def test_a_user_who_comes_back_is_reached_again(broker, producer):
    for number in range(20):
        async with await Client.open(broker) as client:
            producer.publish("user:42", str(number))
            message = await client.next()
            assert message["data"] == number
            await client.send({"type": "ack", "event_id": message["event_id"]})
