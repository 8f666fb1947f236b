"""What Socket.IO clients hear and may say, packet by packet."""

import contextlib
import json

import pytest

from openmetrics import scrape
from socket_io_client import Packets


# ---- events to clients ----

def test_messages_are_events_with_their_position_as_the_last_element(pair):
    broker, producer = pair
    with Packets.joined(broker) as packets:
        assert packets.event() == ["unread:count", {"count": 0}]
        first = producer.publish("user:42", '{"a": [1, "x"]}', event="notification:new")
        assert packets.hear() == f'42["notification:new",{{"a": [1, "x"]}},"{first}"]'
        assert packets.event() == ["unread:count", {"count": 1}]
        second = producer.publish("user:42", '"text"', type="alarm")
        assert packets.event() == ["alarm", "text", second]
        assert packets.event() == ["unread:count", {"count": 2}]
        third = producer.publish("announcements", "null")
        assert packets.event() == ["notification", None, third]
        many = producer.publish(["all", "user:42"], "[]", event='a"b\\c')
        assert packets.event() == ['a"b\\c', [], many]


@pytest.mark.parametrize("name", ["connect", "connect_error", "disconnect", "disconnecting",
                                  "newListener", "removeListener"])
def test_names_that_clients_refuse_are_made_others(broker, producer, name):
    with Packets.joined(broker) as packets:
        packets.event()
        event_id = producer.publish("all", "1", event=name)
        assert packets.event() == [f"event:{name}", 1, event_id]


def test_pubsub_messages_have_no_position(start_broker, redis):
    broker = start_broker(redis=redis.url())
    broker.wait_until_ready()
    broker.wait_until_bridged()
    with Packets.joined(broker) as packets, contextlib.closing(redis.connect()) as connection:
        packets.event()
        for text, event in [
                ('{"type":"notification","event":"trend","data":{"x":1}}', ["trend", {"x": 1}]),
                ('{"type":"feed_update","data":[1]}', ["feed_update", [1]]),
                ('{"hello":"you"}', ["message", {"hello": "you"}]),
                ('{"type":"say","data":"text"}', ["say", "text", None])]:
            connection.call("PUBLISH", "ws:user:42", text)
            assert packets.event() == event


def test_typing_says_who(start_broker):
    broker = start_broker()
    with Packets.joined(broker, "9") as nine, Packets.joined(broker) as packets:
        nine.event(), packets.event()
        nine.say('421["subscribe","typing:9"]')
        assert nine.ack(1) == {"ok": True}
        packets.say('422["typing",{"to":"9","data":{"room":1}}]')
        assert packets.ack(2) == {"ok": True}
        name, message = nine.event()
        assert (name, message["user_id"], message["data"]) == ("typing", "42", {"room": 1})


# ---- events from clients ----

def test_marks_come_back_as_events_to_all(pair):
    broker, producer = pair
    producer.publish("user:42", "1", id="n1")
    producer.publish("user:42", "2", id="n2")
    three = producer.publish("user:42", "3")
    with Packets.joined(broker) as packets, Packets.joined(broker) as other:
        for one in (packets, other):
            assert one.event() == ["unread:count", {"count": 3}]
            for number in (1, 2, 3):
                assert one.event()[:2] == ["notification", number]
        packets.say('421["mark:read",{"notificationId":"n1"}]')
        name, data, _ = other.event()
        assert (name, data["id"]) == ("notification:read", "n1")
        assert other.event() == ["unread:count", {"count": 2}]
        assert packets.ack(1) == {"ok": True}
        packets.say(f'422["notification:delete",{{"id":"{three}"}}]')
        assert packets.ack(2) == {"ok": True}
        name, data, _ = other.event()
        assert (name, data["id"]) == ("notification:deleted", three)
        assert other.event() == ["unread:count", {"count": 1}]
        packets.say('423["mark:all:read",{}]')
        assert packets.ack(3) == {"ok": True}
        name, data, _ = other.event()
        assert (name, data["all"]) == ("notification:read", True)
        assert other.event() == ["unread:count", {"count": 0}]


@pytest.mark.parametrize("packet,answer", [
    ('["join","42"]', True), ('["join",42]', True), ('["join","user:42"]', True),
    ('["join",{"userId":"42"}]', True), ('["join"]', True),
    ('["join","43"]', "not_allowed"), ('["join","user:43"]', "not_allowed"),
    ('["join",[1]]', "bad_channel"), ('["join","a b"]', "bad_channel"),
    ('["subscribe","trending"]', True), ('["subscribe",{"channel":"trending"}]', True),
    ('["subscribe",{"channel":"secret"}]', "not_allowed"), ('["subscribe"]', "bad_channel"),
    ('["leave","announcements"]', True), ('["leave","all"]', "not_allowed"),
    ('["leave","trending"]', "not_subscribed"),
    ('["mark:read",{"notificationId":"none"}]', "not_found"), ('["mark:read",{}]', "bad_field"),
    ('["mark:read"]', "bad_field"), ('["notification:delete",{"id":5}]', "not_found"),
    ('["publish",{"channel":"trending","data":1}]', "not_allowed"),
    ('["typing",{}]', "bad_field"), ('["ack","x"]', "bad_field"), ('["ack","1-0"]', True),
    ('["auth",{"token":"x"}]', "token_malformed"), ('["no:such:event",1]', "unknown_event"),
    ('[5]', "unknown_event"), ('["join","43",{"type":"ack"}]', "not_allowed"),
    ('["subscribe",{"type":"mark_all_read","ref":9,"channel":"trending"}]', True),
])
def test_each_event_is_acknowledged(broker, packet, answer):
    with Packets.joined(broker) as packets:
        packets.event()
        packets.say("4277" + packet)
        value = packets.ack(77)
        if answer is True:
            assert value == {"ok": True}
        else:
            assert (value["ok"], value["error"]) == (False, answer)
            assert value["message"]


def test_without_an_id_a_refusal_is_an_event_and_an_unknown_event_is_nothing(broker):
    with Packets.joined(broker) as packets:
        packets.event()
        packets.say('42["no:such:event"]')
        packets.say('42["join","43"]')
        name, value = packets.event()
        assert (name, value["error"]) == ("error", "not_allowed")
        assert packets.is_silent()
        assert scrape(broker).total("belfry_events_unknown_total") == 1


def test_publishing_reaches_others_where_it_is_allowed(start_broker):
    broker = start_broker(publish="room=any", subscribe="room=any")
    with Packets.joined(broker, "9") as nine, Packets.joined(broker) as packets:
        nine.event(), packets.event()
        nine.say('421["subscribe","room:1"]')
        assert nine.ack(1) == {"ok": True}
        packets.say('422["publish",{"channel":"room:1","event":"said","data":{"x":1}}]')
        assert nine.event()[:2] == ["said", {"x": 1}]
        assert packets.ack(2) == {"ok": True}
        nine.say('423["leave","room:1"]')
        assert nine.ack(3) == {"ok": True}
        packets.say('424["publish",{"channel":"room:1","data":2}]')
        assert packets.ack(4) == {"ok": True}
        assert nine.is_silent()


def test_a_subscription_may_name_a_position(start_broker, producers):
    broker = start_broker(subscribe="room=any")
    producer = producers(broker)
    first, second = producer.publish("room:1", "1"), producer.publish("room:1", "2")
    with Packets.joined(broker) as packets:
        packets.event()
        packets.say(json.dumps({"channel": "room:1", "last_event_id": first})
                    .join(['421["subscribe",', "]"]))
        assert packets.ack(1) == {"ok": True, "recovered": True, "replayed": 1}
        assert packets.event() == ["notification", 2, second]


def test_acknowledgements_of_clients_are_taken(broker):
    with Packets.joined(broker) as packets:
        packets.event()
        packets.say('431[{"any":"thing"}]')
        packets.say("432[]")
        packets.say('423["join","42"]')
        assert packets.ack(3) == {"ok": True}


def test_unknown_events_go_up_where_the_route_says_so(start_broker, redis, producers):
    """The route is /ws, as for the channels of a Socket.IO connection."""
    broker = start_broker(redis=redis.url(), presence="off", upstream_unknown="/ws=on")
    producer = producers(redis)
    broker.wait_until_ready()
    with Packets.joined(broker) as packets:
        packets.event()
        packets.say('421["cursor:moved",{ "x":1.0},2]')
        assert packets.ack(1) == {"ok": True}
        packets.say('422["bare"]')
        assert packets.ack(2) == {"ok": True}
        packets.say('423["' + "x" * 129 + '",1]')
        assert packets.ack(3)["error"] == "unknown_event"
    told = [(fields["user"], fields["type"], fields["data"])
            for _, fields in producer.entries("belfry:up")]
    assert told == [("42", "cursor:moved", '{ "x":1.0}'), ("42", "bare", "null")]
