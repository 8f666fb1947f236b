"""Defects that were found once: each of these failed before its repair."""

import asyncio
import json
import threading
import time

import pytest

from client import Client, Crowd
from raw_socket import CLOSE, PING, TEXT, RawSocket, frame, upgrade_request

PLAIN_GET = b"GET /ws/health HTTP/1.1\r\nHost: belfry.test\r\n\r\n"


def command(**members):
    return frame(TEXT, json.dumps(members))


def test_each_of_several_subscriptions_at_once_is_answered(start_broker):
    """The answer to the first one joined the others, too, which then got none."""
    broker = start_broker(subscribe="*=any")
    with RawSocket(broker) as raw:
        raw.upgrade()
        raw.read_message()
        raw.send(b"".join(command(type="subscribe", channel=f"c{number}", ref=number)
                          for number in range(5)))
        answers = [raw.read_message() for _ in range(5)]
    assert answers == [{"type": "subscribed", "channel": f"c{number}", "ref": number}
                       for number in range(5)]


@pytest.mark.parametrize("before", [1, 2, 3, 40])
def test_an_upgrade_behind_pipelined_requests(broker, before):
    """The 101 answer left with theirs, before the router had said yes: the broker aborted."""
    for _ in range(10):
        with RawSocket(broker) as raw:
            raw.send(PLAIN_GET * before + upgrade_request())
            for _ in range(before):
                assert raw.read_http()[0].status == 200
            assert raw.read_head().status == 101
            assert raw.read_message()["type"] == "connected"
            raw.send(frame(TEXT, "ping"))
            assert raw.read_frame().payload == b"pong"


@pytest.mark.parametrize("before", [1, 3])
def test_a_refusal_behind_pipelined_requests(start_broker, before):
    """Answers that still waited were thrown away together with the 101 answer."""
    broker = start_broker(max_connections_per_user=1)
    with RawSocket(broker) as first:
        first.upgrade()
        for _ in range(10):
            with RawSocket(broker) as raw:
                raw.send(PLAIN_GET * before + upgrade_request())
                statuses = [raw.read_http()[0].status for _ in range(before + 1)]
            assert statuses == [200] * before + [429]


async def test_entries_from_before_the_first_link_to_redis_arrive(start_broker, start_redis,
                                                                  producers):
    """A broker that found no Redis at its start began at the newest entry when it came, and
    did not say that it could not be reached."""
    redis = start_redis(start=False)
    broker = start_broker(redis=redis.url())
    async with await Client.open(broker) as client:
        await asyncio.sleep(2)  # the next attempts are a second and more apart by now
        assert "cannot be used" in broker.output()
        await asyncio.to_thread(redis.start)
        producer = producers(redis)
        for number in range(20):
            producer.publish("all", str(number))
        assert [(await client.next())["data"] for _ in range(20)] == list(range(20))


@pytest.mark.heavy
def test_a_storm_of_subscriptions_while_entries_are_read(start_broker, redis, producers):
    """Answers to subscriptions took the room on the lane that entries under way were promised:
    the broker aborted."""
    broker = start_broker(redis=redis.url(), subscribe="*=any")
    storm = [RawSocket(broker) for _ in range(128)]
    for number, raw in enumerate(storm):
        raw.upgrade(user=f"u{number}")
        threading.Thread(target=drain, args=(raw,), daemon=True).start()
    words = [b"".join(command(type=word, channel=f"c{number}") for number in range(95))
             for word in ("subscribe", "unsubscribe")]
    producer = producers(redis)
    for _ in range(6):
        for word in words:
            for raw in storm:
                send_if_open(raw, word)
            producer.publish_many([("all", "1")] * 300)
            time.sleep(0.1)
    for raw in storm:
        raw.socket.close()
    with RawSocket(broker) as raw:
        raw.upgrade()
        raw.read_message()
        producer.publish("all", '"after"')
        while raw.read_message()["data"] != "after":
            pass


def drain(raw):
    try:
        while raw.socket.recv(1 << 16):
            pass
    except OSError:
        pass


def send_if_open(raw, sent):
    try:
        raw.send(sent)
    except OSError:
        pass  # it was too slow and was closed


async def test_messages_to_many_keep_a_connection_from_being_idle(start_broker, producers):
    """What came over a channel with many members did not count as a message."""
    broker = start_broker(idle_timeout="1s")
    producer = producers(broker)
    crowd = await Crowd.open(broker, 20)
    for number in range(10):
        producer.publish("all", str(number))
        await asyncio.sleep(0.3)
    assert crowd.close_codes == [None] * 20
    for index in range(20):
        assert [message["data"] for message in crowd.messages(index)] == list(range(10))
    assert dict(await crowd.wait_for_close()) == {1000: 20}


@pytest.mark.heavy
def test_a_slow_reader_that_reads_on_is_not_taken_for_dead(start_broker, producers):
    """The broker does not read from a connection that does not take its bytes, so it did not
    hear it either, and closed it with 4408 although it took more all the time."""
    broker = start_broker(heartbeat_interval="1s", heartbeat_timeout="2s",
                          max_outbox_bytes="32m")
    producer = producers(broker)
    raw = RawSocket(broker, receive_buffer=4096)
    raw.upgrade()
    for number in range(300):
        producer.publish("user:42", json.dumps({"n": number, "pad": "x" * 60000}))
    numbers = []
    while len(numbers) < 300:
        got = raw.read_frame()
        assert got.opcode != CLOSE, f"{got.code} after {len(numbers)} messages"
        if got.opcode == PING or got.json()["type"] == "connected":
            continue
        numbers.append(got.json()["data"]["n"])
        time.sleep(0.02)  # 6 seconds in all
    assert numbers == list(range(300))
    while got.opcode != CLOSE:
        got = raw.read_frame()
    assert got.code == 4408, "it reads no more and says nothing"
    raw.socket.close()
