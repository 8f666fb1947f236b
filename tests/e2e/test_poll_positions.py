"""What a poll's position promises: nothing is lost between two polls, nor on another node, nor when
the client was connected in another way before."""

import random
import threading
import time

from client import Client, resume
from event_stream import EventStream
from poll_client import PollClient


def publish(producer, channel, numbers, **fields):
    return [producer.publish(channel, str(number), **fields) for number in numbers]


def ids(events):
    return [event["event_id"] for event in events]



def test_a_named_position_is_confirmed(pair):
    """Whoever names nothing gets what the user has not confirmed."""
    broker, producer = pair
    with PollClient(broker) as client:
        client.poll()
    sent = publish(producer, "user:42", range(4))
    with PollClient(broker, position=sent[1]) as client:
        assert ids(client.poll()) == sent[2:]
        with PollClient(broker) as other:
            assert ids(other.poll()) == sent[2:]
        client.poll()
        with PollClient(broker) as other:
            assert other.poll() == []


def test_nothing_is_lost_between_two_polls(pair):
    """An answer that never arrived is asked for again with the same position."""
    broker, producer = pair
    with PollClient(broker) as client:
        client.poll()
        position = client.position
        sent = publish(producer, "user:42", range(3))
        client.poll()
        client.position = position
        assert ids(client.poll()) == sent
        sent = publish(producer, "user:42", range(3, 6))
        time.sleep(0.5)
        assert ids(client.poll()) == sent


def test_the_position_moves_in_silence(redis, start_broker, producers):
    broker = start_broker(shards=2, redis=redis.url())
    broker.wait_until_ready()
    producer = producers(redis, follower=broker)
    with PollClient(broker) as client:
        client.poll()
        last = publish(producer, "user:somebody", range(3))[-1]
        assert client.poll() == []
        assert client.position == last


def test_a_position_that_is_gone_is_told(redis, start_broker, producers):
    broker = start_broker(redis=redis.url())
    broker.wait_until_ready()
    sent = publish(producers(redis, follower=broker), "user:42", range(3))
    broker.terminate()
    broker.wait_for_exit()
    redis.connect().call("XTRIM", "belfry:in", "MAXLEN", "1")
    broker = start_broker(redis=redis.url())
    broker.wait_until_ready()
    with PollClient(broker, position=sent[0]) as client:
        assert client.data() == [2] and client.answer["recovered"] is False
        assert client.poll() == [] and client.answer["recovered"] is True


def test_a_long_absence_comes_in_several_answers(pair):
    broker, producer = pair
    with PollClient(broker) as client:
        client.poll()
        for start in range(0, 1500, 500):
            producer.publish_many([("user:42", str(n)) for n in range(start, start + 500)])
        assert client.data_until(1500, polls=60) == list(range(1500))
        assert client.poll() == []


def test_polls_of_one_user_on_two_nodes_miss_nothing(redis, start_nodes, producers):
    nodes = start_nodes(2, redis)
    for node in nodes:
        node.wait_until_ready()
    producer = producers(redis)
    sent, got = [], []
    with PollClient(nodes[0]) as client:
        client.poll()
        for step in range(30):
            sent += publish(producer, "user:42", [step])
            if step % 3 == 0:
                client.move_to(nodes[step % 2])
            got += client.data(wait=5)
        while len(got) < 30:
            got += client.data(wait=5)
        assert got == list(range(30))


async def test_a_client_moves_between_all_transports_and_nodes(redis, start_nodes, producers):
    """Under load, at random, and each event comes once, in order."""
    nodes = start_nodes(2, redis, shards=2)
    for node in nodes:
        node.wait_until_ready()
    producer = producers(redis)
    total = 400
    with PollClient(nodes[0]) as client:
        client.poll()
        position = client.position
    load = threading.Thread(target=lambda: [
        (producer.publish("user:42" if n % 4 else "announcements", str(n)), time.sleep(0.005))
        for n in range(total)])
    load.start()
    chance, got, moves = random.Random(4), [], {"ws": 0, "sse": 0, "poll": 0}
    while len(got) < total:
        node, how = chance.choice(nodes), chance.choice(["ws", "sse", "poll"])
        events = await take_some(node, how, position, min(chance.randrange(1, 20),
                                                          total - len(got)))
        moves[how] += 1
        got += events
        position = events[-1]["event_id"] if events else position
    load.join()
    assert [event["data"] for event in got] == list(range(total))
    assert min(moves.values()) > 0


async def take_some(node, how, position, count):
    """Some events after the position, of those that come: exactly `count`, or what a poll has."""
    if how == "ws":
        async with await Client.open(node, resume(position)) as client:
            return await client.take(count)
    if how == "sse":
        with EventStream.open(node, after=position) as stream:
            return [event.json() for event in
                    [stream.next_of("notification") for _ in range(count)]]
    with PollClient(node, position=position, limit=count) as client:
        return client.poll(wait=5)


def test_after_a_reset_of_the_log_a_client_is_told_once_and_goes_on(redis, start_broker, producers):
    broker = start_broker(redis=redis.url())
    broker.wait_until_ready()
    producer = producers(redis, follower=broker)
    with PollClient(broker) as client:
        client.poll()
        publish(producer, "user:42", range(3))
        assert client.data() == [0, 1, 2]
        redis.connect().call("DEL", "belfry:in")
        publish(producers(redis), "user:somebody", [0])
        recovered = []
        for _ in range(6):
            client.poll(wait=1)
            recovered.append(client.answer["recovered"])
        assert recovered[-3:] == [True] * 3 and recovered.count(False) <= 2, recovered
        publish(producers(redis), "user:42", range(3, 5))
        assert client.data_until(2) == [3, 4]
        assert client.answer["recovered"] is True


def test_after_a_reset_of_the_log_a_stream_has_one_gap(redis, start_broker, producers):
    broker = start_broker(redis=redis.url(), sse_heartbeat="1s")
    broker.wait_until_ready()
    producer = producers(redis, follower=broker)
    with EventStream.open(broker) as stream:
        position = publish(producer, "user:42", range(3))[-1]
        stream.take(3)
    redis.connect().call("DEL", "belfry:in")
    later = producers(redis)
    time.sleep(1.5)
    publish(later, "user:somebody", [0])
    gaps = 0
    for _ in range(4):
        with EventStream.open(broker, after=position) as stream:
            gaps += sum(event.type == "gap" for event in stream.collect(2.5))
            position = stream.position or position
    assert gaps <= 1


async def test_a_poll_takes_up_the_identity_of_a_connection(pair):
    """Again and again, each time for the length of the request."""
    broker, producer = pair
    async with await Client.open(broker) as client:
        identity, position = client.id, client.connected["last_event_id"]
    sent = publish(producer, "conn:" + identity, range(2))
    with PollClient(broker, position=position, connection_id=identity) as poll:
        assert ids(poll.poll()) == sent
        for number in range(2, 5):
            sent = publish(producer, "conn:" + identity, [number])
            assert ids(poll.poll(wait=5)) == sent
