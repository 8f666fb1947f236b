"""Replays, subscribes and questions that meet a broken link, a reload, or each other."""

import asyncio
import json
import threading

from client import Client, resume
from pace import wait_until

PAD = "x" * 1000


def publish_padded(producer, channel, count):
    ids = []
    for start in range(0, count, 500):
        ids += producer.publish_many([(channel, json.dumps({"n": number, "pad": PAD}))
                                      for number in range(start, start + 500)])
    return ids


async def test_a_replay_goes_on_when_redis_was_lost_under_it(start_broker, redis, start_proxy,
                                                             producers):
    """Bodies that are only in Redis are asked for again once it is back."""
    proxy = start_proxy(redis.port)
    broker = start_broker(redis=f"redis://127.0.0.1:{proxy.port}", history_memory="64k",
                          max_outbox_bytes="64k")
    broker.wait_until_ready()
    producer = producers(redis)
    before = producer.publish("user:other", "0")
    ids = publish_padded(producer, "user:42", 8000)
    wait_until(lambda: broker.ask("/ws/health").status == 200 and ids[-1] in
               broker.ask_api("/api/channels/user:42/history?after=" + ids[-2]).body.decode(),
               "all is read")
    client = await Client.open(broker, resume(before), max_queue=4)
    assert client.connected["replayed"] == 8000
    proxy.freeze()
    first = []
    try:
        while True:
            first.append(await client.next(limit=1))
    except (asyncio.TimeoutError, TimeoutError):
        pass
    assert len(first) < 8000
    proxy.cut()
    proxy.thaw()
    rest = await client.take(8000 - len(first), limit=20)
    assert [message["data"]["n"] for message in first + rest] == list(range(8000))
    await client.close()


async def test_hundreds_of_subscribes_at_once_have_a_replay_each(start_broker, producers):
    broker = start_broker(max_subscriptions=1000)
    producer = producers(broker)
    producer.publish_many([(f"engagement:{number}", str(number)) for number in range(900)])
    async with await Client.open(broker) as client:
        await asyncio.gather(*(client.send({"type": "subscribe", "last_event_id": "0-0",
                                            "channel": f"engagement:{number}"})
                               for number in range(900)))
        got = await client.take(1800, limit=20)
        assert [one["data"] for one in got if one["type"] != "subscribed"] == list(range(900))
        assert await client.is_alive()


async def test_a_history_asked_for_while_the_log_is_read_again(start_broker, start_redis,
                                                               producers):
    """The records have other numbers by then: the answer is none, or of this channel."""
    redis = start_redis(appendonly=False)
    broker = start_broker(redis=redis.url(), history_memory="64k")
    broker.wait_until_ready()
    producer = producers(redis)
    publish_padded(producer, "trending", 1000)
    wait_until(lambda: broker.ask_api("/api/channels/trending/history?limit=1").json()["events"],
               "read")
    redis.stop()
    answers = []
    asker = threading.Thread(target=lambda: answers.append(
        broker.ask_api("/api/channels/trending/history?limit=10")))
    asker.start()
    await asyncio.sleep(0.3)
    redis.start()
    redis.call("XADD", "belfry:in", "*", "to", "user:1", "data", "1")
    await asyncio.to_thread(asker.join)
    assert answers and answers[0].status in (200, 503), answers
    broker.wait_until_ready()
    assert broker.is_running()


async def test_a_history_with_a_deleted_entry(start_broker, redis, producers):
    broker = start_broker(redis=redis.url(), history_memory="64k")
    broker.wait_until_ready()
    producer = producers(redis)
    ids = publish_padded(producer, "trending", 1000)
    await asyncio.sleep(0.3)
    redis.call("XDEL", "belfry:in", ids[3])
    answer = broker.ask_api("/api/channels/trending/history?limit=10&after=0-0")
    assert answer.status == 200, answer
    assert [event["event_id"] for event in answer.json()["events"]][:5] == \
        ids[:3] + ids[4:6]
