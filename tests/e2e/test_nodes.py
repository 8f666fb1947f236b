"""Three brokers on one Redis: each serves everybody, and all tell the same."""

import asyncio
import contextlib

import pytest

from client import Client, Crowd, resume
from pace import wait_until, wait_until_async


@pytest.fixture
def nodes(start_nodes, redis):
    started = start_nodes(3, redis, shards=1)
    for node in started:
        node.wait_until_ready()
    return started


async def test_all_deliver_the_same_in_the_same_order(nodes, redis, producers):
    producer = producers(redis)
    clients = [await Client.open(node) for node in nodes for _ in range(2)]
    channels = ["user:42", "all", "announcements"]
    ids = producer.publish_many([(channels[number % 3], str(number)) for number in range(300)])
    for client in clients:
        assert [message["event_id"] for message in await client.take(300)] == ids
        await client.close()


async def test_publishing_at_any_node_reaches_all(nodes, producers):
    clients = [await Client.open(node) for node in nodes]
    for number, node in enumerate(nodes):
        event_id = producers(node).publish("all", str(number))
        for client in clients:
            message = await client.next()
            assert (message["data"], message["event_id"]) == (number, event_id)
    for client in clients:
        await client.close()


async def test_a_client_wanders_from_node_to_node(nodes, redis, producers):
    """Each time it resumes at another one, while messages keep coming."""
    producer = producers(redis)
    count, got = 1500, []
    last = producer.publish("user:42", "-1")

    def publish():
        for start in range(0, count, 10):
            producer.publish_many([("user:42", str(number))
                                   for number in range(start, start + 10)])
    publishing = asyncio.create_task(asyncio.to_thread(publish))
    for turn in range(15):
        client = await Client.open(nodes[turn % 3], resume(last))
        assert client.connected["recovered"] is True
        for message in await client.take(50, limit=10):
            got.append(message["data"])
            last = message["event_id"]
        client.cut()
    async with await Client.open(nodes[0], resume(last)) as client:
        got += await client.data(count - len(got), limit=10)
    await publishing
    assert got == list(range(count))


async def test_a_node_that_is_behind_waits_for_the_position(start_broker, start_proxy, redis,
                                                           producers):
    """The client has seen at one node what the other one has not read yet."""
    proxy = start_proxy(redis.port)
    quick = start_broker(redis=redis.url(), node="quick")
    late = start_broker(redis=redis.url(port=proxy.port), node="late")
    late.wait_until_ready()
    producer = producers(redis)
    proxy.delay = 0.15
    for number in range(5):
        async with await Client.open(quick, user=f"u{number}") as client:
            producer.publish(f"user:u{number}", "0")
            last = (await client.next())["event_id"]
        async with await Client.open(late, resume(last), user=f"u{number}") as client:
            assert client.connected["recovered"] is True
            producer.publish(f"user:u{number}", "1")
            assert await client.data(1) == [1]


async def test_a_connection_is_reached_from_every_node(nodes, redis, producers):
    async with await Client.open(nodes[0]) as one, await Client.open(nodes[1]) as two:
        for node in nodes:
            producers(node).publish("conn:" + one.id, '"one"')
            assert await one.data(1) == ["one"]
        await two.expect_nothing()


async def test_a_confirmation_at_one_node_is_not_taken_back_at_another(nodes, redis, producers):
    """Two tabs of a user: what the one has confirmed the other, which is slower, does not undo."""
    def stored():
        return (redis.call("HGET", "belfry:cursor:42", "") or b"").decode()

    producer = producers(redis)
    async with await Client.open(nodes[0]) as quick, await Client.open(nodes[1]) as slow:
        ids = producer.publish_many([("user:42", str(number)) for number in range(10)])
        for client in (quick, slow):
            await client.take(10)
        await quick.ask({"type": "ack", "event_id": ids[9], "ref": "r"})
        await wait_until_async(lambda: stored() == ids[9], "the newest is stored")
        await slow.ask({"type": "ack", "event_id": ids[4], "ref": "r"})
        await asyncio.sleep(1.5)
        assert stored() == ids[9]
        await slow.ask({"type": "ack", "event_id": ids[8], "ref": "r"})
        last = producer.publish("user:42", "10")
        await slow.take(1)
        await slow.ask({"type": "ack", "event_id": last, "ref": "r"})
        await wait_until_async(lambda: stored() == last, "what is newer is stored")
    async with await Client.open(nodes[2]) as client:
        assert client.connected["replayed"] == 0


async def test_the_death_of_a_node_is_nothing_to_the_others(nodes, redis, producers):
    producer = producers(redis)
    crowds = [await Crowd.open(node, 20) for node in nodes]
    first = producer.publish_many([("all", str(number)) for number in range(50)])
    for crowd in crowds:
        await crowd.wait_for(50)
    nodes[0].kill()
    rest = producer.publish_many([("all", str(number)) for number in range(50, 100)])
    for crowd in crowds[1:]:
        await crowd.wait_for(100)
        for index in range(20):
            assert [one["event_id"] for one in crowd.messages(index)] == first + rest
        await crowd.close()
    orphans = [await Client.open(nodes[1 + number % 2], resume(first[-1]), user=f"u{number}")
               for number in range(20)]
    for client in orphans:
        assert [one["event_id"] for one in await client.take(50)] == rest
        await client.close()


async def test_a_node_that_joins_late_knows_the_window(nodes, start_broker, redis, producers):
    producer = producers(redis)
    ids = [producer.publish("user:42", str(number), id=f"n{number}") for number in range(10)]
    late = start_broker(redis=redis.url(), node="late")
    async with await Client.open(late, resume(ids[2])) as client:
        assert (client.connected["recovered"], client.connected["replayed"]) == (True, 7)
        assert client.connected["unread"] == 10
        assert await client.data(7) == list(range(3, 10))


async def test_a_restart_of_all_nodes_loses_nothing(nodes, start_nodes, redis, producers):
    producer = producers(redis)
    async with await Client.open(nodes[0]) as client:
        last = producer.publish("user:42", "0")
        await client.take(1)
    for node in nodes:
        node.stop()
    ids = [producer.publish("user:42", str(number)) for number in range(1, 6)]
    for node in start_nodes(3, redis):
        async with await Client.open(node, resume(last)) as client:
            assert client.connected["recovered"] is True
            assert [one["event_id"] for one in await client.take(5)] == ids


async def test_only_one_node_is_cut_off_from_redis(start_broker, start_proxy, redis, producers):
    """Its clients stay and get everything when the link is back; those of the other notice
    nothing."""
    proxy = start_proxy(redis.port)
    cut_off = start_broker(redis=redis.url(port=proxy.port), node="cut-off")
    healthy = start_broker(redis=redis.url(), node="healthy")
    cut_off.wait_until_ready()
    producer = producers(redis)
    async with await Client.open(cut_off) as one, await Client.open(healthy) as two:
        proxy.freeze()
        proxy.cut()
        wait_until(lambda: not cut_off.is_ready(), "the one is not ready", limit=15)
        ids = [producer.publish("user:42", str(number)) for number in range(20)]
        assert [message["event_id"] for message in await two.take(20)] == ids
        assert healthy.is_ready() and await one.is_alive()
        proxy.thaw()
        assert [message["event_id"] for message in await one.take(20, limit=15)] == ids


@pytest.mark.heavy
async def test_nodes_come_and_go_under_load(start_nodes, start_broker, redis, producers):
    """One node after the other is killed and replaced; clients at the others see no gap."""
    nodes = start_nodes(3, redis)
    producer = producers(redis)
    async with contextlib.AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(await Client.open(nodes[0], user=f"u{number}"))
                   for number in range(10)]
        count = 3000

        def publish():
            for start in range(0, count, 10):
                producer.publish_many([("all", str(number))
                                       for number in range(start, start + 10)])
        publishing = asyncio.create_task(asyncio.to_thread(publish))
        for turn in range(4):
            await asyncio.sleep(0.2)
            victim = nodes[1 + turn % 2]
            victim.kill()
            nodes[1 + turn % 2] = await asyncio.to_thread(
                start_broker, redis=redis.url(), node=f"node-{1 + turn % 2}")
        await publishing
        for client in clients:
            assert await client.data(count, limit=20) == list(range(count))
    await wait_until_async(lambda: all(node.is_ready() for node in nodes), "all are ready")
