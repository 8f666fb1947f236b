"""What a producer may ask of an entry: to end (`ttl`), to replace older ones of its `key`, and to
come once, known by its `id`."""

import asyncio

from client import Client, resume
from openmetrics import scrape
from pace import wait_until


async def waiting(broker, user="42"):
    async with await Client.open(broker, user=user) as client:
        got = await client.data(client.connected["replayed"])
        await client.expect_nothing()
        return got


# ---- ttl ----

async def test_within_its_ttl_an_entry_is_delivered_live_and_replayed(pair):
    broker, producer = pair
    async with await Client.open(broker, user="43") as client:
        producer.publish(["user:42", "user:43"], '"lives"', ttl="60")
        assert await client.data(1) == ["lives"]
    assert await waiting(broker) == ["lives"]


async def test_after_its_ttl_an_entry_is_not_replayed(pair):
    broker, producer = pair
    before = producer.publish("user:42", "0")
    producer.publish("user:42", '"short"', ttl="1")
    producer.publish("user:42", '"long"', ttl="60")
    producer.publish("user:42", '"for ever"', ttl="0")
    await asyncio.sleep(1.2)
    async with await Client.open(broker, resume(before)) as client:
        assert (client.connected["recovered"], client.connected["replayed"]) == (True, 2)
        assert await client.data(2) == ["long", "for ever"]
        await client.expect_nothing()


async def test_an_entry_whose_ttl_was_over_when_it_was_read_is_not_delivered(
        start_broker, redis, producers):
    broker, producer = start_broker(redis=redis.url()), producers(redis)
    async with await Client.open(broker) as client:
        broker.wait_until_ready()
        producer.redis.call("XADD", "belfry:in", "1600000000000-0", "to", "user:42", "data", "1",
                            "ttl", "60")
        producer.publish("user:42", '"end"')
        assert await client.data(1) == ["end"]
    assert scrape(broker).total("belfry_router_expired_total") == 1


async def test_what_expired_unread_is_folded_all_the_same(start_broker, redis, producers):
    """A node that starts after it ended knows its id and its key, like one that was there."""
    producer = producers(redis)
    early = start_broker(redis=redis.url())
    early.wait_until_ready()
    producer.publish("user:42", '"older"', key="k")
    producer.publish("user:42", '"short"', id="n1", key="k", ttl="1")
    await asyncio.sleep(1.2)
    late = start_broker(redis=redis.url())
    late.wait_until_ready()
    for broker in (early, late):
        assert broker.ask_api("/api/users/42/unread").json()["unread"] == 0
    clients = [await Client.open(broker, user="42") for broker in (early, late)]
    producer.publish("user:42", '"a double"', id="n1")
    producer.publish("user:42", '"end"')
    for client in clients:
        assert await client.data(1) == ["end"]
        await client.close()


# ---- key ----

async def test_of_a_key_the_newest_only_is_replayed(pair):
    broker, producer = pair
    before = producer.publish("user:42", '"before"')
    for number in range(5):
        producer.publish("user:42", str(number), key="score")
        producer.publish("user:42", str(number * 10), key="other")
    producer.publish("user:42", '"without"')
    async with await Client.open(broker, resume(before)) as client:
        assert (client.connected["recovered"], client.connected["replayed"]) == (True, 3)
        assert await client.data(3) == [4, 40, "without"]
        await client.expect_nothing()


async def test_of_a_key_everything_is_delivered_live(pair):
    broker, producer = pair
    async with await Client.open(broker) as client:
        for number in range(10):
            producer.publish("user:42", str(number), key="score")
        assert await client.data(10) == list(range(10))


async def test_a_key_collapses_in_the_queue_of_a_user_who_was_away(pair):
    broker, producer = pair
    for number in range(5):
        producer.publish("user:42", str(number), key="score")
    assert await waiting(broker) == [4]


async def test_a_key_is_of_its_channel(pair):
    broker, producer = pair
    before = producer.publish("user:43", "0")
    producer.publish("user:42", '"mine"', key="k")
    producer.publish("all", '"of all"', key="k")
    producer.publish("user:43", '"of 43"', key="k")
    async with await Client.open(broker, resume(before)) as client:
        assert await client.data(2) == ["mine", "of all"]
        await client.expect_nothing()


async def test_a_key_collapses_from_the_position_on_whatever_was_seen_before(pair):
    """A client that has seen an older one of the key gets the newest, once."""
    broker, producer = pair
    async with await Client.open(broker) as client:
        ids = [producer.publish("user:42", str(number), key="k") for number in range(3)]
        await client.take(3)
    newest = producer.publish("user:42", "3", key="k")
    async with await Client.open(broker, resume(ids[1])) as client:
        assert [message["event_id"] for message in await client.take(1)] == [newest]
        await client.expect_nothing()
    async with await Client.open(broker, resume(newest)) as client:
        await client.expect_nothing()


# ---- id ----

async def test_a_second_entry_with_the_same_id_is_dropped_and_counted(pair):
    broker, producer = pair
    async with await Client.open(broker) as client:
        producer.publish("user:42", '"first"', id="n1")
        for _ in range(3):
            producer.publish("user:42", '"again"', id="n1")
        producer.publish("user:42", '"another"', id="n2")
        assert await client.data(2) == ["first", "another"]
        await client.expect_nothing()
    assert await waiting(broker) == ["first", "another"]
    assert scrape(broker).total("belfry_router_duplicates_total") == 3


async def test_the_same_id_in_another_channel_is_another_notification(pair):
    broker, producer = pair
    async with await Client.open(broker) as client:
        producer.publish("user:42", '"own"', id="n1")
        producer.publish("all", '"all"', id="n1")
        assert await client.data(2) == ["own", "all"]
        await client.expect_nothing()


async def test_of_many_channels_only_the_new_ones_get_it(pair):
    """A producer that tries again with one more recipient."""
    broker, producer = pair
    async with (await Client.open(broker, user="42") as one,
                await Client.open(broker, user="43") as two):
        producer.publish("user:42", "1", id="n1")
        producer.publish(["user:42", "user:43"], "1", id="n1")
        producer.publish("all", '"end"')
        assert await one.data(2) == [1, "end"]
        assert await two.data(2) == [1, "end"]


async def test_entries_without_an_id_are_never_the_same(pair):
    broker, producer = pair
    async with await Client.open(broker) as client:
        for _ in range(3):
            producer.publish("user:42", '"same"')
        assert await client.data(3) == ["same"] * 3


async def test_after_the_dedupe_window_an_id_may_come_again(start_broker, producers):
    broker = start_broker(dedupe_window="1s")
    producer = producers(broker)
    async with await Client.open(broker) as client:
        producer.publish("user:42", "1", id="n1")
        await asyncio.sleep(1.2)
        producer.publish("user:42", "2", id="n1")
        assert await client.data(2) == [1, 2]


async def test_ids_are_known_after_a_restart(start_broker, redis, producers):
    """The window is read back from the log."""
    producer = producers(redis)
    producer.publish("user:42", "1", id="n1")
    broker = start_broker(redis=redis.url())
    async with await Client.open(broker) as client:
        assert await client.data(1) == [1]
        producer.publish("user:42", "2", id="n1")
        producer.publish("user:42", '"end"')
        assert await client.data(1) == ["end"]


async def test_two_nodes_drop_the_same_one(start_nodes, redis, producers):
    nodes, producer = start_nodes(2, redis), producers(redis)
    clients = [await Client.open(node) for node in nodes]
    for number in range(20):
        producer.publish("user:42", str(number), id=f"n{number // 2}")
    producer.publish("user:42", '"end"')
    for client in clients:
        assert await client.data(11) == [*range(0, 20, 2), "end"]
        await client.close()


# ---- trace ----

async def test_the_log_says_when_a_trace_goes_out(start_broker, producers):
    """At the level debug; by default the envelope alone has it."""
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    for level in ("debug", "info"):
        broker = start_broker(log_level=level)
        async with await Client.open(broker) as client:
            event_id = producers(broker).publish("user:42", "1", traceparent=trace)
            assert (await client.next())["trace"] == trace
        line = f"{event_id} goes out; trace {trace}"
        if level == "debug":
            wait_until(lambda: line in broker.output(), "the line")  # pylint: disable=W0640
        else:
            assert trace not in broker.output()


# ---- dead letters ----

async def test_dead_letters_are_skipped_in_a_replay(start_broker, redis, producers):
    broker = start_broker(redis=redis.url())
    producer = producers(redis, follower=broker)
    before = producer.publish("user:42", "0")
    producer.publish("user:42", "1")
    producer.add("to", "user:42", "data", "not JSON")
    producer.publish("user:42", "2")
    async with await Client.open(broker, resume(before)) as client:
        assert (client.connected["recovered"], client.connected["replayed"]) == (True, 2)
        assert await client.data(2) == [1, 2]
    wait_until(lambda: len(producer.entries("belfry:dead")) == 1, "the dead letter")


def test_dead_letters_of_before_the_start_are_not_copied_again(start_broker, redis, producers):
    producer = producers(redis)
    producer.add("to", "user:42", "data", "not JSON")
    for _ in range(2):
        broker = start_broker(redis=redis.url())
        broker.wait_until_ready()
        wait_until(lambda: scrape(broker).total("belfry_router_entries_total") >= 1, "it was read")
        broker.stop()
    assert len(producer.entries("belfry:dead")) <= 1
