"""A client that does not keep up falls behind and catches up from the log: nothing is missing,
nothing comes twice. Only who stays behind for too long is closed."""

import asyncio
import json
import time

import pytest

from client import Client, Crowd, resume
from openmetrics import scrape
from pace import wait_until, wait_until_async
from raw_socket import CLOSE, PING, TEXT, RawSocket, frame

PAD = "x" * 2000


def open_slow(broker, path="/ws", receive_buffer=4096, timeout=20, **more):
    """A client whose socket takes little; it has read `connected`."""
    raw = RawSocket(broker, receive_buffer=receive_buffer, timeout=timeout)
    raw.upgrade(path, **more)
    return raw, raw.read_message()


def flood(producer, channel, start, stop, pad=PAD):
    for first in range(start, stop, 200):
        producer.publish_many([(channel, json.dumps({"n": number, "pad": pad}))
                               for number in range(first, min(stop, first + 200))])


def read_on(raw, count, pause=0.0):
    """The next `count` notifications; pauses after every hundredth."""
    messages = []
    while len(messages) < count:
        got = raw.read_frame()
        if got.opcode == PING:
            continue
        assert got.opcode == TEXT, f"opcode {got.opcode} after {len(messages)}: {got.payload!r}"
        messages.append(got.json())
        if pause and len(messages) % 100 == 0:
            time.sleep(pause)
    return messages


def behind(broker):
    return scrape(broker).total("belfry_fell_behind_total")


# ---- catching up ----

@pytest.mark.heavy
@pytest.mark.parametrize("channel", ["user:slow", "all", "announcements"])
@pytest.mark.parametrize("log", ["embedded", "redis"])
def test_a_slow_reader_catches_up_without_loss(log, channel, start_broker, producers, request):
    """10 MB wait for a client with an outbox of 64 KiB that then reads at its own pace."""
    settings = {"max_outbox_bytes": "64k", "history_memory": "32m"}
    if log == "redis":
        redis = request.getfixturevalue("redis")
        broker, producer = start_broker(redis=redis.url(), **settings), producers(redis)
    else:
        broker = start_broker(**settings)
        producer = producers(broker)
    raw, _ = open_slow(broker, user="slow")
    flood(producer, channel, 0, 5000)
    messages = read_on(raw, 5000, pause=0.01)
    assert [message["data"]["n"] for message in messages] == list(range(5000))
    producer.publish(channel, '{"n":5000}')
    assert raw.read_message()["data"]["n"] == 5000
    assert behind(broker) >= 1
    raw.socket.close()


@pytest.mark.heavy
def test_who_can_never_be_given_the_rest_is_told(start_broker, producers, redis):
    """Redis refuses what is only there: after some seconds the client may resume elsewhere."""
    broker = start_broker(redis=redis.url(), max_outbox_bytes="64k", history_memory="1m",
                          slow_deadline="10m")
    raw, _ = open_slow(broker, user="slow")
    flood(producers(redis), "user:slow", 0, 5000)
    wait_until(lambda: behind(broker) == 1, "it is behind")
    redis.call("ACL", "SETUSER", "default", "-xrange")
    frames = raw.read_until_close()
    assert frames[-1].code == 4410 and len(frames) < 5000
    assert "XRANGE" in broker.output()
    assert scrape(broker).total("belfry_router_fetches_refused_total") >= 1
    raw.socket.close()


@pytest.mark.heavy
def test_catching_up_while_more_comes(start_broker, producers):
    broker = start_broker(max_outbox_bytes="64k")
    producer = producers(broker)
    raw, _ = open_slow(broker, user="slow")
    numbers = []
    for start in range(0, 3000, 500):
        flood(producer, "user:slow", start, start + 500)
        numbers += [message["data"]["n"] for message in read_on(raw, 200)]
    numbers += [message["data"]["n"] for message in read_on(raw, 3000 - len(numbers))]
    assert numbers == list(range(3000))
    raw.socket.close()


@pytest.mark.heavy
def test_the_order_of_the_log_is_kept_across_channels(start_broker, producers):
    """Own messages and those to many, mixed, with others beside that make `all` a shared one."""
    broker = start_broker(max_outbox_bytes="64k", shards=1)
    producer = producers(broker)
    others = [open_slow(broker, user=f"o{number}", receive_buffer=None)[0]
              for number in range(20)]
    raw, _ = open_slow(broker, user="slow")
    channels = ["all", "user:slow", "announcements", "all"]
    ids = []
    for start in range(0, 3000, 100):
        ids += producer.publish_many(
            [(channels[number % 4], json.dumps({"n": number, "pad": PAD}))
             for number in range(start, start + 100)])
    messages = read_on(raw, 3000)
    assert [message["event_id"] for message in messages] == ids
    for one in [raw, *others]:
        one.socket.close()


@pytest.mark.heavy
async def test_slow_readers_do_not_delay_quick_ones(start_broker, producers):
    broker = start_broker(max_outbox_bytes="64k", shards=1)
    producer = producers(broker)
    slow = [open_slow(broker, user=f"slow{number}")[0] for number in range(10)]
    quick = await Crowd.open(broker, 10)
    delays = []
    for start in range(0, 2000, 100):
        published = time.monotonic()
        await asyncio.to_thread(flood, producer, "all", start, start + 100)
        await wait_until_async(lambda: min(map(len, quick.texts)) >= start + 100,
                               f"{start + 100} messages at the quick ones")
        delays.append(time.monotonic() - published)
    assert sorted(delays)[len(delays) // 2] < 0.5, delays
    for raw in slow:
        messages = await asyncio.to_thread(read_on, raw, 2000)
        assert [message["data"]["n"] for message in messages] == list(range(2000))
        raw.socket.close()
    await quick.close()


@pytest.mark.heavy
def test_commands_are_answered_while_catching_up(start_broker, producers):
    broker = start_broker(max_outbox_bytes="64k")
    producer = producers(broker)
    raw, _ = open_slow(broker, user="slow")
    flood(producer, "user:slow", 0, 1000)
    raw.send(frame(TEXT, '{"type":"subscribe","channel":"trending","ref":"s"}'))
    raw.send(frame(TEXT, '{"type":"ping","ref":"p"}'))
    numbers, answers = [], []
    while len(numbers) < 1000 or len(answers) < 2:
        message = raw.read_message()
        if "ref" in message:
            answers.append((message["type"], message["ref"]))
        else:
            numbers.append(message["data"]["n"])
    assert numbers == list(range(1000))
    assert sorted(answers) == [("pong", "p"), ("subscribed", "s")]
    producer.publish("trending", '{"n":"t"}')
    assert raw.read_message()["data"]["n"] == "t"
    raw.socket.close()


@pytest.mark.heavy
def test_a_reader_of_a_replay_that_is_slow_gets_all_of_it(start_broker, producers):
    """A replay does not fill the memory, and what comes meanwhile follows it."""
    broker = start_broker(max_outbox_bytes="64k")
    producer = producers(broker)
    flood(producer, "user:slow", 0, 3000)
    raw, connected = open_slow(broker, user="slow")
    assert connected["replayed"] == 3000
    flood(producer, "user:slow", 3000, 4000)
    messages = read_on(raw, 4000, pause=0.01)
    assert [message["data"]["n"] for message in messages] == list(range(4000))
    raw.socket.close()


@pytest.mark.heavy
def test_a_client_that_is_behind_while_redis_restarts(start_broker, redis, producers):
    broker = start_broker(redis=redis.url(), max_outbox_bytes="64k", history_memory="64k")
    producer = producers(redis)
    raw, _ = open_slow(broker, user="slow")
    flood(producer, "user:slow", 0, 2000)
    messages = read_on(raw, 30)
    redis.kill()
    redis.start()
    flood(producers(redis), "user:slow", 2000, 2200)
    messages += read_on(raw, 2170)
    assert [message["data"]["n"] for message in messages] == list(range(2200))
    raw.socket.close()


# ---- the end of patience ----

@pytest.mark.heavy
def test_who_stays_behind_is_closed_4410_and_may_resume(start_broker, producers):
    broker = start_broker(max_outbox_bytes="64k", slow_deadline="2s", close_timeout="30s")
    producer = producers(broker)
    raw, _ = open_slow(broker, user="slow")
    flood(producer, "user:slow", 0, 3000)
    began = time.monotonic()
    wait_until(lambda: scrape(broker).total("belfry_closed_total", reason="slow") == 1,
               "closed as slow", limit=8)
    assert time.monotonic() - began >= 1.0
    numbers, last, code = [], None, None
    while code is None:
        got = raw.read_frame()
        if got.opcode == CLOSE:
            code = got.code
        elif got.opcode == TEXT:
            message = got.json()
            numbers.append(message["data"]["n"])
            last = message["event_id"]
    raw.socket.close()
    assert code == 4410
    assert numbers == list(range(len(numbers))) and 0 < len(numbers) < 3000
    again, connected = open_slow(broker, resume(last), user="slow")
    assert connected["recovered"] is True
    messages = read_on(again, 3000 - len(numbers))
    assert [message["data"]["n"] for message in messages] == list(range(len(numbers), 3000))
    again.socket.close()


@pytest.mark.heavy
def test_who_catches_up_in_time_is_not_closed(start_broker, producers):
    """Behind again and again, but never for long."""
    broker = start_broker(max_outbox_bytes="64k", slow_deadline="2s")
    producer = producers(broker)
    raw, _ = open_slow(broker, user="slow")
    for start in range(0, 1500, 300):
        flood(producer, "user:slow", start, start + 300)
        time.sleep(0.8)
        messages = read_on(raw, 300)
        assert [message["data"]["n"] for message in messages] == list(range(start, start + 300))
    assert scrape(broker).total("belfry_closed_total", reason="slow") == 0
    raw.socket.close()


@pytest.mark.heavy
def test_who_is_behind_what_the_log_has_is_closed_4410(start_broker, producers):
    """Trimmed away while it was behind: it hears of it instead of a gap."""
    broker = start_broker(max_outbox_bytes="64k", retention_entries=100, close_timeout="30s")
    producer = producers(broker)
    raw, _ = open_slow(broker, user="slow")
    flood(producer, "user:slow", 0, 3000)
    numbers, code = [], None
    while code is None:
        got = raw.read_frame()
        if got.opcode == CLOSE:
            code = got.code
        elif got.opcode == TEXT:
            numbers.append(got.json()["data"]["n"])
    assert code == 4410
    assert numbers == list(range(len(numbers)))
    raw.socket.close()


# ---- what may be lost ----

@pytest.mark.heavy
def test_what_is_ephemeral_is_dropped_and_counted(start_broker, redis):
    """Pub/Sub has no log to catch up from: the client stays, the surplus goes."""
    broker = start_broker(redis=redis.url(), max_outbox_bytes="64k")
    broker.wait_until_bridged()
    raw, _ = open_slow(broker, user="slow")
    publisher = redis.connect()
    for number in range(2000):
        publisher.send("PUBLISH", "ws:user:slow", json.dumps({"n": number, "pad": PAD}))
    for _ in range(2000):
        publisher.reply()
    wait_until(lambda: scrape(broker).total("belfry_ephemeral_dropped_total") > 0,
               "some were dropped")
    publisher.call("XADD", "belfry:in", "*", "to", "user:slow", "data", '"kept"')
    publisher.close()
    numbers = []
    while True:
        message = raw.read_message()
        if message.get("data") == "kept":
            break
        numbers.append(message["n"])
    assert numbers == sorted(set(numbers)) and 0 < len(numbers) < 2000
    raw.socket.close()


def read_mixed(raw, last):
    """How many messages of no log came, up to the one of the log whose data is `last`."""
    ephemeral = 0
    while True:
        message = raw.read_message()
        if message.get("data") == last:
            return ephemeral
        ephemeral += "n" in message


@pytest.mark.heavy
@pytest.mark.parametrize("channel, others", [("user:slow", 0), ("all", 0), ("all", 20)])
def test_all_that_is_dropped_is_counted(start_broker, redis, channel, others):
    """Also what comes while a client is behind; alone, and where many share what is sent."""
    broker = start_broker(redis=redis.url(), max_outbox_bytes="64k")
    broker.wait_until_bridged()
    quick = [open_slow(broker, user=f"q{number}", receive_buffer=None)[0]
             for number in range(others)]
    raw, _ = open_slow(broker, user="slow")
    publisher = redis.connect()
    for number in range(1500):
        publisher.send("XADD", "belfry:in", "*", "to", channel, "data", json.dumps(PAD))
        publisher.send("PUBLISH", f"ws:channel:{channel}", json.dumps({"n": number, "pad": PAD}))
    for _ in range(3000):
        publisher.reply()
    wait_until(lambda: behind(broker) >= 1, "it fell behind")
    wait_until(lambda: scrape(broker).total("belfry_router_bridged_total") == 1500, "all are here")
    publisher.call("XADD", "belfry:in", "*", "to", channel, "data", '"end"')
    publisher.close()
    got = [read_mixed(one, "end") for one in [raw, *quick]]
    wait_until(lambda: scrape(broker).total("belfry_behind") == 0, "nobody is behind")
    dropped = scrape(broker).total("belfry_ephemeral_dropped_total")
    assert got[0] < 1500 and dropped == 1500 * len(got) - sum(got)
    for one in [raw, *quick]:
        one.socket.close()


@pytest.mark.heavy
async def test_falling_behind_takes_no_memory(start_broker, producers):
    """30 clients, 10 MB for each: bounded by the outbox, whatever waits in the log."""
    broker = start_broker(max_outbox_bytes="64k", history_memory="16m")
    producer = producers(broker)
    slow = [open_slow(broker, user=f"slow{number}")[0] for number in range(30)]
    async with await Client.open(broker, user="quick") as quick:
        before = resident_bytes(broker)
        for start in range(0, 5000, 500):
            await asyncio.to_thread(flood, producer, "all", start, start + 500)
            await quick.take(500)
        assert resident_bytes(broker) - before < 64 << 20
    for raw in slow:
        raw.socket.close()


def resident_bytes(broker):
    with open(f"/proc/{broker.process.pid}/statm", encoding="ascii") as statm:
        return int(statm.read().split()[1]) * 4096
