"""Socket.IO sessions that come back with their pid and offset, packet by packet."""

import pytest

from socket_io_client import Packets


# ---- coming back ----

def back(packets, *more):
    """The auth object of a client that comes back, after the offset if there is one."""
    return {"pid": packets.connect["pid"]} | ({"offset": more[0]} if more else {})


def test_a_session_without_events_comes_back_again_and_again(pair):
    broker, producer = pair
    with Packets.joined(broker) as first:
        first.event()
    sent = [producer.publish("user:42", str(number)) for number in range(3)]
    for _ in range(3):
        with Packets.joined(broker, auth=back(first)) as packets:
            assert packets.connect == first.connect
            assert packets.event() == ["unread:count", {"count": 3}]
            assert [packets.event() for _ in sent] == [
                ["notification", number, event_id] for number, event_id in enumerate(sent)]
            assert packets.is_silent(0.1)


def test_a_session_comes_back_after_its_offset(pair):
    broker, producer = pair
    with Packets.joined(broker) as first:
        first.event()
        sent = [producer.publish("user:42", str(number)) for number in range(2)]
    for gone in range(2):
        with Packets.joined(broker, auth=back(first, sent[gone])) as packets:
            assert packets.connect == first.connect
            packets.event()
            for number in range(gone + 1, 2):
                assert packets.event() == ["notification", number, sent[number]]
            assert packets.is_silent(0.1)
    with Packets.joined(broker, auth=back(first, sent[1])) as packets:
        packets.event()
        live = producer.publish("announcements", '"live"')
        assert packets.event() == ["notification", "live", live]


def test_an_offset_before_the_session_began_does_not_count(broker, producer):
    """The client keeps the offset of the session before."""
    old = producer.publish("user:42", "1")
    producer.publish("user:42", "2")
    with Packets.joined(broker) as first:
        for _ in range(3):
            first.event()
        first.say('421["ack","%s"]' % producer.publish("user:42", "3"))
        first.ack(1)
    with Packets.joined(broker) as second:  # by the cursor: nothing is left
        second.event()
        assert second.is_silent(0.1)
    with Packets.joined(broker, auth=back(second, old)) as packets:
        assert packets.connect == second.connect
        packets.event()
        assert packets.is_silent()


def test_an_offset_is_an_acknowledgement(broker, producer):
    with Packets.joined(broker) as first:
        first.event()
        event_id = producer.publish("user:42", "1")
        producer.publish("user:42", "2")
    with Packets.joined(broker, auth=back(first, event_id)) as packets:
        packets.event()
        assert packets.event()[1] == 2
    with Packets.joined(broker) as packets:
        packets.event()
        assert packets.event()[1] == 2


@pytest.mark.parametrize("wrong", ["other user", "cut", "changed", "nonsense", "number"])
def test_a_pid_that_is_not_one_begins_anew(broker, producer, wrong):
    with Packets.joined(broker, "7" if wrong == "other user" else "42") as first:
        first.event()
    producer.publish("user:42", "1")
    pid = first.connect["pid"]
    pid = {"cut": pid[:-1], "changed": ("A" if pid[30] != "A" else "B").join(
        [pid[:30], pid[31:]]), "nonsense": "x y", "number": 5}.get(wrong, pid)
    with Packets.joined(broker, auth={"pid": pid, "offset": "99999999999999-0"}) as packets:
        assert packets.connect["pid"] != first.connect["pid"]
        assert packets.connect["sid"] == packets.opened["sid"]
        packets.event()
        assert packets.event()[1] == 1


def test_when_the_log_no_longer_reaches_back_the_session_is_new(start_broker, producers):
    broker = start_broker(retention_entries=10)
    producer = producers(broker)
    with Packets.joined(broker) as first:
        first.event()
        for number in range(30):
            last = producer.publish("user:42", str(number))
    with Packets.joined(broker, auth=back(first)) as second:
        assert second.connect["pid"] != first.connect["pid"]
        second.event()
        got = [second.event()[1] for _ in range(10)]
        assert got == list(range(20, 30))
    with Packets.joined(broker, auth=back(second, last)) as third:
        assert third.connect == second.connect


def test_another_node_takes_the_session_up_and_so_does_a_new_process(start_nodes, start_broker,
                                                                     redis, producers):
    nodes = start_nodes(2, redis)
    for node in nodes:
        node.wait_until_ready()
    producer = producers(redis)
    with Packets.joined(nodes[0]) as first:
        first.event()
        one = producer.publish("user:42", "1")
        assert first.event()[1] == 1
    two = producer.publish("user:42", "2")
    with Packets.joined(nodes[1], auth=back(first, one)) as packets:
        assert packets.connect == first.connect
        packets.event()
        assert packets.event() == ["notification", 2, two]
    nodes[0].kill()
    again = start_broker(redis=redis.url(), node="again")
    again.wait_until_ready()
    with Packets.joined(again, auth=back(first, one)) as packets:
        assert packets.connect == first.connect
        packets.event()
        assert packets.event() == ["notification", 2, two]


def test_on_the_same_node_its_own_channel_comes_back_too(broker, producer):
    with Packets.joined(broker) as first:
        first.event()
    sid = first.connect["sid"]
    producer.publish(f"conn:{sid}", '"missed"')
    with Packets.joined(broker, auth=back(first)) as packets:
        packets.event()
        assert packets.event()[1] == "missed"
        producer.publish(f"conn:{sid}", '"live"')
        assert packets.event()[1] == "live"
