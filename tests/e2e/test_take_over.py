"""A client that was cut off takes up the connection id that it had, if nobody else may have it."""

import asyncio

import pytest

from client import Client, query, resume

UNKNOWN = "AAAAAAAAAAAAAAAAAAAAISWI"  # its last four letters are right


async def test_a_cut_off_connection_is_taken_up_with_its_id(pair):
    """What was sent to conn:{id} meanwhile arrives, and what is sent to it later, too."""
    broker, producer = pair
    client = await Client.open(broker)
    last = producer.publish("conn:" + client.id, "0")
    await client.take(1)
    client.cut()
    await asyncio.sleep(0.1)
    producer.publish("conn:" + client.id, "1")
    producer.publish("user:42", "2")
    path = resume(last, connection_id=client.id)
    async with await Client.open(broker, path) as again:
        assert again.id == client.id
        assert again.connected["recovered"] is True
        got = await again.take(2)
        assert [message["data"] for message in got] == [1, 2]
        assert got[0]["channel"] == "conn:" + client.id
        producer.publish("conn:" + client.id, "3")
        assert await again.data(1) == [3]
        await again.expect_nothing()


async def test_a_connection_is_taken_up_twice_in_a_row(pair):
    broker, producer = pair
    client = await Client.open(broker)
    name, last = client.id, producer.publish("conn:" + client.id, "0")
    client.cut()
    for number in range(1, 4):
        await asyncio.sleep(0.1)
        last_sent = producer.publish("conn:" + name, str(number))
        again = await Client.open(broker, resume(last, connection_id=name))
        assert again.id == name
        assert await again.data(1) == [number]
        last = last_sent
        again.cut()


async def test_another_users_connection_cannot_be_taken_up(pair):
    broker, producer = pair
    client = await Client.open(broker, user="43")
    last = producer.publish("conn:" + client.id, "0")
    client.cut()
    await asyncio.sleep(0.1)
    producer.publish("conn:" + client.id, '"private"')
    async with await Client.open(broker, resume(last, connection_id=client.id),
                                 user="42") as thief:
        assert thief.id != client.id
        producer.publish("conn:" + client.id, '"private"')
        await thief.expect_nothing()


@pytest.mark.parametrize("name", ["", "x", UNKNOWN, UNKNOWN[:-4], UNKNOWN[:-1] + "J", "a b",
                                  "x" * 500])
async def test_an_unknown_connection_id_gives_a_new_one(broker, producer, name):
    last = producer.publish("user:42", "0")
    producer.publish("user:42", "1")
    path = query("/ws", last_event_id=last, connection_id=name)
    async with await Client.open(broker, path) as client:
        assert client.id != name
        assert await client.data(1) == [1], "the rest is resumed all the same"


async def test_after_the_resume_window_there_is_a_new_id(start_broker, producers):
    broker = start_broker(resume_window="1s")
    producer = producers(broker)
    client = await Client.open(broker)
    last = producer.publish("conn:" + client.id, "0")
    client.cut()
    await asyncio.sleep(1.6)
    async with await Client.open(broker, resume(last, connection_id=client.id)) as again:
        assert again.id != client.id


# ---- at another node ----

@pytest.fixture
def nodes(start_nodes, redis):
    started = start_nodes(2, redis)
    for node in started:
        node.wait_until_ready()
    return started


async def test_a_connection_is_taken_up_at_another_node(nodes, redis, producers):
    """And back again: what was sent to conn:{id} meanwhile arrives, and what is sent later."""
    producer = producers(redis)
    client = await Client.open(nodes[0])
    name, last = client.id, producer.publish("conn:" + client.id, "0")
    await client.take(1)
    client.cut()
    for number in range(1, 5):
        await asyncio.sleep(0.1)
        producer.publish("conn:" + name, str(number))
        client = await Client.open(nodes[number % 2], resume(last, connection_id=name))
        assert (client.id, client.connected["recovered"]) == (name, True)
        assert await client.data(1) == [number]
        last = producer.publish("conn:" + name, '"live"')
        assert await client.data(1) == ["live"]
        await client.expect_nothing()
        presence = nodes[0].ask_api("/api/users/42/presence").json()["connections"]
        assert [one["connection_id"] for one in presence] == [name]
        client.cut()


async def test_an_id_is_given_once(nodes, redis, producers):
    """To the first who comes; not while the connection is there, and not to another user."""
    last = producers(redis).publish("user:42", "0")
    client = await Client.open(nodes[0])
    path = resume(last, connection_id=client.id)
    async with await Client.open(nodes[1], path) as early:
        assert early.id != client.id, "it has not ended"
    client.cut()
    await asyncio.sleep(0.1)
    async with await Client.open(nodes[1], path, user="43") as thief:
        assert thief.id != client.id
    crowd = await asyncio.gather(*(Client.open(nodes[number % 2], path) for number in range(6)))
    assert [one.id for one in crowd].count(client.id) == 1
    for one in crowd:
        await one.close()


async def test_a_node_that_stops_leaves_its_connections_to_others(nodes, redis, producers):
    last = producers(redis).publish("user:42", "0")
    clients = [await Client.open(nodes[0]) for _ in range(5)]
    nodes[0].stop()
    for client in clients:
        async with await Client.open(nodes[1], resume(last, connection_id=client.id)) as again:
            assert again.id == client.id


async def test_with_the_resume_window_its_key_ends(start_nodes, redis, producers):
    nodes = start_nodes(2, redis, resume_window="1s")
    last = producers(redis).publish("user:42", "0")
    client = await Client.open(nodes[0])
    client.cut()
    await asyncio.sleep(1.6)
    async with await Client.open(nodes[1], resume(last, connection_id=client.id)) as again:
        assert again.id != client.id
