"""Entries that break a rule go to the dead-letter stream, and nothing stalls behind them."""

import asyncio
import json

import pytest

from client import Client
from openmetrics import scrape
from pace import wait_until

# name: fields of a bad entry, a word that its reason has to contain
BAD_ENTRIES = {
    "no_to": (["data", "1"], "to"),
    "no_data": (["to", "user:42"], "data"),
    "data_is_text": (["to", "user:42", "data", "hello"], "JSON"),
    "data_is_empty": (["to", "user:42", "data", ""], "JSON"),
    "data_is_cut_off": (["to", "user:42", "data", '{"a":'], "JSON"),
    "data_is_two_values": (["to", "user:42", "data", "1 2"], "JSON"),
    "data_is_not_utf8": (["to", "user:42", "data", b'"\xff\xfe"'], "JSON"),
    "data_is_too_deep": (["to", "user:42", "data", "[" * 1000 + "]" * 1000], "JSON"),
    "to_is_empty": (["to", "", "data", "1"], "channel"),
    "to_has_a_space": (["to", "user 42", "data", "1"], "channel"),
    "to_has_a_comma": (["to", "user:42,user:43", "data", "1"], "channel"),
    "to_has_a_newline": (["to", "user:42\n", "data", "1"], "channel"),
    "to_is_too_long": (["to", "x" * 256, "data", "1"], "channel"),
    "to_is_not_utf8": (["to", b"user:\xff", "data", "1"], "channel"),
    "one_of_many_to_is_bad": (["to", "user:42", "to", "a b", "data", "1"], "channel"),
    "too_large": (["to", "user:42", "data", '"' + "x" * 66000 + '"'], "max_message_size"),
    "ttl_is_text": (["to", "user:42", "data", "1", "ttl", "soon"], "ttl"),
    "ts_is_no_time": (["to", "user:42", "data", "1", "ts", "yesterday"], "ts"),
}


def read_dead(producer):
    """Entries of the dead-letter stream, as dictionaries of their fields as text."""
    entries = []
    for _, fields in producer.redis.call("XRANGE", "belfry:dead", "-", "+"):
        pairs = zip(fields[::2], fields[1::2])
        entries.append({name.decode(): value.decode(errors="replace") for name, value in pairs})
    return entries


@pytest.mark.parametrize("name", BAD_ENTRIES)
async def test_a_bad_entry_is_copied_with_its_reason_and_nothing_stalls(
        name, start_broker, redis, producers):
    broker, producer = start_broker(redis=redis.url()), producers(redis)
    fields, word = BAD_ENTRIES[name]
    async with await Client.open(broker) as client:
        producer.add(*fields)
        producer.publish("user:42", '"behind it"')
        assert (await client.next())["data"] == "behind it"
    entry, = wait_until(lambda: read_dead(producer), "the entry in belfry:dead")
    assert word in entry["reason"]
    if name not in ("too_large", "to_is_not_utf8", "data_is_not_utf8", "one_of_many_to_is_bad"):
        for field, value in zip(fields[::2], fields[1::2]):
            assert entry[field] == value, "the entry is copied as it was"


async def test_good_entries_leave_nothing_dead(start_broker, redis, producers):
    broker, producer = start_broker(redis=redis.url()), producers(redis)
    async with await Client.open(broker) as client:
        producer.add("to", "user:42", "data", "1", "colour", "blue", "", "empty name",
                     "x" * 300, "y")
        message = await client.next()
        assert "colour" not in message and message["data"] == 1
        assert not producer.redis.call("EXISTS", "belfry:dead")


async def test_thousand_bad_entries_between_good_ones(start_broker, redis, producers):
    """All are dead, all good ones arrive in order, the log does not drown in lines."""
    broker, producer = start_broker(redis=redis.url()), producers(redis)
    async with await Client.open(broker) as client:
        for number in range(1000):
            producer.redis.send("XADD", "belfry:in", "*", "to", "user:42", "data", "not json")
            if number % 100 == 99:
                producer.redis.send("XADD", "belfry:in", "*", "to", "user:42", "data", number)
        for _ in range(1010):
            producer.redis.reply()
        assert [(await client.next())["data"] for _ in range(10)] == list(range(99, 1000, 100))
    wait_until(lambda: producer.redis.call("XLEN", "belfry:dead") == 1000, "1,000 dead entries")
    assert len([line for line in broker.stdout + broker.stderr if "JSON" in line]) < 20


def test_dead_entries_that_cannot_be_copied_do_not_flood_the_log(start_broker, redis, producers):
    redis.call("SET", "belfry:dead", "a string")
    broker, producer = start_broker(redis=redis.url()), producers(redis)
    broker.wait_until_ready()
    for _ in range(1000):
        producer.redis.send("XADD", "belfry:in", "*", "to", "user:42", "data", "not json")
    for _ in range(1000):
        producer.redis.reply()

    def refused():
        return scrape(broker).total("belfry_router_log_refused_total") >= 1000
    wait_until(refused, "every refusal is counted")
    lines = [line for line in broker.output().splitlines() if "WRONGTYPE" in line]
    assert 1 <= len(lines) < 10, lines[:20]
    assert "belfry:dead" in lines[0]


def test_the_log_names_the_trace_of_a_dead_entry(start_broker, redis, producers):
    """And nothing else that the producer wrote."""
    broker, producer = start_broker(redis=redis.url()), producers(redis)
    broker.wait_until_ready()
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    producer.add("to", "user:42", "data", "secret", "traceparent", trace)
    producer.add("to", "user:42", "data", "1", "traceparent", "sneaky\n" + trace)
    wait_until(lambda: len(read_dead(producer)) == 2, "both are dead")
    assert f"trace {trace}" in broker.output()
    assert "secret" not in broker.output() and "sneaky" not in broker.output()


async def test_a_dead_entry_after_a_quiet_while_is_copied(start_broker, redis, producers):
    """Nothing was written for longer than the link's patience: that is no silence of Redis."""
    broker, producer = start_broker(redis=redis.url()), producers(redis)
    broker.wait_until_ready()
    await asyncio.sleep(5.5)
    producer.add("to", "user:42", "data", "not json")
    entry, = wait_until(lambda: read_dead(producer), "the entry in belfry:dead")
    assert entry["reason"] == "data is not JSON"
    assert scrape(broker).total("belfry_router_log_failures_total") == 0, broker.output()


async def test_max_message_size_counts_exactly(start_broker, redis, producers):
    broker = start_broker(redis=redis.url(), max_message_size=1024)
    producer = producers(redis)
    async with await Client.open(broker) as client:
        producer.publish("user:42", json.dumps("a" * 2000))
        producer.publish("user:42", json.dumps("b" * 900))
        assert (await client.next())["data"] == "b" * 900
    entry, = wait_until(lambda: read_dead(producer), "the entry in belfry:dead")
    assert "max_message_size" in entry["reason"]


async def test_the_stream_may_have_another_name(start_broker, redis, producers):
    broker = start_broker(redis=redis.url(), stream="app:events")
    producer = producers(redis, stream="app:events")
    async with await Client.open(broker) as client:
        producers(redis).publish("user:42", '"wrong stream"')
        producer.publish("user:42", '"right stream"')
        assert (await client.next())["data"] == "right stream"


async def test_a_stream_key_of_another_type_is_said_and_survived(start_broker, redis, producers):
    producer = producers(redis)
    producer.redis.call("SET", "belfry:in", "a string")
    broker = start_broker(redis=redis.url())
    async with await Client.open(broker) as client:
        wait_until(lambda: "WRONGTYPE" in broker.output(), "WRONGTYPE in the log")
        assert broker.ask_admin("/readyz").status == 503
        producer.redis.call("DEL", "belfry:in")

        def is_ready():
            return broker.ask_admin("/readyz").status == 200
        wait_until(is_ready, "ready after the key is gone", limit=10)
        producer.publish("user:42", '"repaired"')
        assert (await client.next())["data"] == "repaired"


async def test_entries_added_with_maxlen_and_own_ids_arrive(start_broker, redis, producers):
    broker, producer = start_broker(redis=redis.url()), producers(redis)
    async with await Client.open(broker) as client:
        for number in range(30):
            event_id = f"99999999999{number:02}-7"
            producer.redis.call("XADD", "belfry:in", "MAXLEN", "~", "10", event_id,
                                "to", "user:42", "data", number)
            message = await client.next()
            assert (message["data"], message["event_id"]) == (number, event_id)
