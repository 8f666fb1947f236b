"""Socket.IO packet by packet over a WebSocket: how a session begins, lives and ends."""

import json
import socket
import time

import pytest
import websockets.exceptions

from openmetrics import scrape
from pace import scaled, wait_until
from raw_socket import KEY, TEXT, frame
from socket_io_client import Packets
from tokens import token, unsigned_token


# ---- the request ----

@pytest.mark.parametrize("query,status,body", [
    ("EIO=4", 400, {"code": 0, "message": "Transport unknown"}),
    ("EIO=4&transport=carrier-pigeon", 400, {"code": 0, "message": "Transport unknown"}),
    ("EIO=3&transport=polling", 400, {"code": 5, "message": "Unsupported protocol version"}),
    ("transport=polling", 400, {"code": 5, "message": "Unsupported protocol version"}),
    ("EIO=3&transport=websocket", 400, {"code": 5, "message": "Unsupported protocol version"}),
    ("EIO=4&transport=websocket", 400, {"code": 3, "message": "Bad request"}),
])
def test_a_request_that_is_none_is_told_why(broker, query, status, body):
    answer = broker.ask(f"/socket.io/?{query}")
    assert (answer.status, answer.json()) == (status, body)


def test_the_handshake_is_a_get(broker):
    answer = broker.ask("/socket.io/?EIO=4&transport=websocket", method="PUT")
    assert (answer.status, answer.json()["code"]) == (400, 2)


def test_a_page_of_a_foreign_origin_is_refused(start_broker):
    broker = start_broker(allow_origin="https://app.example")
    with pytest.raises(websockets.exceptions.InvalidStatus) as refused:
        Packets(broker, origin="https://evil.example")
    assert refused.value.response.status_code == 403
    assert json.loads(refused.value.response.body) == {"code": 4, "message": "Forbidden"}
    Packets(broker, origin="https://app.example").close()


@pytest.mark.parametrize("path", ["/socket.io", "/socket.io/"])
def test_the_open_packet_says_what_the_configuration_says(start_broker, path):
    broker = start_broker(heartbeat_interval="25s", heartbeat_timeout="45s",
                          max_client_message="100k")
    with Packets(broker) as packets:
        sid = packets.opened.pop("sid")
        assert len(sid) == 24
        assert packets.opened == {"upgrades": [], "pingInterval": 25000, "pingTimeout": 20000,
                                  "maxPayload": 102400}


def test_who_never_joins_is_cut(start_broker):
    broker = start_broker(handshake_timeout="300ms")
    began = time.monotonic()
    packets = Packets(broker)
    packets.code()
    assert 0.25 < time.monotonic() - began < scaled(3)
    assert scrape(broker).total("belfry_closed_total", reason="handshake_timeout") == 1
    assert scrape(broker).total("belfry_connections") == 0


# ---- joining ----

def test_connect_answers_with_sid_and_pid_and_then_the_count(broker, producer):
    producer.publish("user:42", "1")
    with Packets.joined(broker) as packets:
        assert packets.connect["sid"] == packets.opened["sid"]
        assert set(packets.connect) == {"sid", "pid"}
        assert packets.event() == ["unread:count", {"count": 1}]
        assert packets.event()[:2] == ["notification", 1]


@pytest.mark.parametrize("auth,message,code", [
    ("", "Authentication token required", "TOKEN_MISSING"),
    ("{}", "Authentication token required", "TOKEN_MISSING"),
    ('{"token":""}', "Authentication token required", "TOKEN_MISSING"),
    ('{"token":null}', "Authentication token required", "TOKEN_MISSING"),
    ('{"token":7}', "Authentication token required", "TOKEN_MISSING"),
    ('{"token":"x"}', "Invalid authentication token", "TOKEN_MALFORMED"),
    (json.dumps({"token": token(secret="another one, as long as the first")}),
     "Invalid authentication token", "TOKEN_SIGNATURE"),
    (json.dumps({"token": token(lifetime=-5)}), "Invalid authentication token", "TOKEN_EXPIRED"),
    (json.dumps({"token": token(lifetime=-500)}), "Invalid authentication token",
     "TOKEN_EXPIRED"),
    (json.dumps({"token": unsigned_token()}), "Invalid authentication token",
     "TOKEN_ALGORITHM"),
], ids=[str(number) for number in range(10)])
def test_without_a_good_token_there_is_a_connect_error(broker, auth, message, code):
    with Packets(broker) as packets:
        packets.say("40" + auth)
        assert json.loads(packets.expect("44")) == {"message": message, "data": {"code": code}}
        packets.say("40" + json.dumps({"token": token()}))  # the transport is still there
        assert json.loads(packets.expect("40"))["sid"] == packets.opened["sid"]


@pytest.mark.parametrize("where", ["query", "header", "cookie", "bearer"])
def test_the_token_of_the_request_counts_where_auth_has_none(start_broker, where):
    broker = start_broker(token_cookie="session")
    options = {"query": {"query": f"EIO=4&transport=websocket&token={token('7')}"},
               "header": {"additional_headers": {"Authorization": f"Bearer {token('7')}"}},
               "cookie": {"additional_headers": {"Cookie": f"a=b; session={token('7')}"}},
               "bearer": {}}[where]
    with Packets(broker, **options) as packets:
        packets.say('40{"token":"Bearer %s"}' % token("7") if where == "bearer" else "40")
        packets.expect("40")
        packets.event()
        packets.say('421["join","7"]')
        assert packets.ack(1) == {"ok": True}


def test_the_auth_object_counts_before_the_request(broker):
    with Packets.joined(broker, "9", query=f"EIO=4&transport=websocket&token={token('7')}") as one:
        one.event()
        one.say('421["join","9"]')
        assert one.ack(1) == {"ok": True}


def test_namespaces_are_those_of_the_configuration(start_broker, producers):
    broker = start_broker(namespace=["/admin", "/a.b-c/d"])
    producer = producers(broker)
    for user, name in [("8", "/admin"), ("9", "/a.b-c/d")]:
        with Packets(broker) as packets:
            packets.say(f"40{name}," + json.dumps({"token": token(user)}))
            packets.expect(f"40{name},")
            assert packets.hear() == f'42{name},["unread:count",{{"count":0}}]'
            producer.publish("all", "5", event="x")
            assert packets.hear().startswith(f'42{name},["x",5,')
            packets.say(f'42{name},12["join",{user}]')
            assert packets.hear() == f'43{name},12[{{"ok":true}}]'
    with Packets(broker) as packets:
        packets.say("40/nope," + json.dumps({"token": token()}))
        assert packets.hear() == '44/nope,{"message":"Invalid namespace"}'


def test_a_second_namespace_on_a_connection_is_refused_with_words(start_broker):
    broker = start_broker(namespace="/admin")
    with Packets.joined(broker) as packets:
        packets.event()
        packets.say("40/admin," + json.dumps({"token": token()}))
        refusal = json.loads(packets.expect("44/admin,"))
        assert refusal["data"] == {"code": "NAMESPACE_LIMIT"}
        packets.say('421["join","42"]')
        assert packets.ack(1) == {"ok": True}


def test_over_max_connections_per_user_there_is_a_connect_error(start_broker):
    broker = start_broker(max_connections_per_user=1)
    with Packets.joined(broker), Packets(broker) as second:
        second.say("40" + json.dumps({"token": token()}))
        assert json.loads(second.expect("44"))["data"] == {"code": "TOO_MANY_CONNECTIONS"}
        assert second.code() == 4409


# ---- what breaks the protocol ----

@pytest.mark.parametrize("packet", [
    "", "x", "4", "49", "2", "5", "0", "42", "42{}", '42[', '42["a"', "42[]", "42[null]",
    '42["connect"]', '42["disconnecting",1]', "43{}", "44", '45["a"]', '45-["a"]', '4511-["a"]',
    '40', '42/other,["a"]', '4299999999999999999999["a"]', '41{}', '42["a"]trailing'])
def test_what_is_no_packet_ends_the_transport(broker, packet):
    with Packets.joined(broker) as packets:
        packets.event()
        packets.say(packet)
        assert packets.code() == 1002
    Packets.joined(broker).close()


def test_an_event_before_connect_ends_the_transport(broker):
    with Packets(broker) as packets:
        packets.say('42["join","42"]')
        assert packets.code() == 1002


def test_binary_events_are_refused_and_the_session_goes_on(broker):
    with Packets.joined(broker) as packets:
        packets.event()
        packets.say('452-7["img",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]')
        packets.say(b"\x01\x02")
        packets.say(b"\x00" * 5000)
        value = packets.ack(7)
        assert (value["ok"], value["error"]) == (False, "binary")
        packets.say('451-["img",{"_placeholder":true,"num":0}]')
        packets.say(b"x")
        packets.say('461-3[{"_placeholder":true,"num":0}]')
        packets.say(b"y")
        packets.say('450-8["img"]')
        assert packets.ack(8)["error"] == "binary"
        packets.say('429["join","42"]')
        assert packets.ack(9) == {"ok": True}


@pytest.mark.parametrize("packets_in_turn", [[b"x"], ['451-["a"]', '42["join","42"]'],
                                             ['451-["a"]', b"x", b"y"]])
def test_attachments_out_of_place_end_the_transport(broker, packets_in_turn):
    with Packets.joined(broker) as packets:
        packets.event()
        for packet in packets_in_turn:
            packets.say(packet)
        assert packets.code() == 1002


def test_a_packet_over_max_client_message_is_too_large(start_broker):
    broker = start_broker(max_client_message=1000)
    with Packets.joined(broker) as packets:
        packets.event()
        packets.say('421["no:such",%s]' % json.dumps("x" * 980))
        assert packets.ack(1)["error"] == "unknown_event"
        packets.say('421["no:such",%s]' % json.dumps("x" * 1000))
        assert packets.code() == 1009


# ---- heartbeat, end ----

def test_the_server_pings_and_a_silent_client_is_closed(start_broker):
    broker = start_broker(heartbeat_interval="1s", heartbeat_timeout="3s")
    with Packets.joined(broker) as quick, Packets.joined(broker, "7") as silent:
        assert quick.opened["pingInterval"] + quick.opened["pingTimeout"] == 3000
        quick.event()
        began = time.monotonic()
        while time.monotonic() - began < 5:
            quick.expect("2")
            quick.say("3")
        assert silent.code() == 4408


def test_a_stopped_client_is_reaped_in_time(start_broker):
    broker = start_broker(heartbeat_interval="1s", heartbeat_timeout="2s")
    with Packets.joined(broker) as packets:
        packets.event()
        began = time.monotonic()
        wait_until(lambda: scrape(broker).total("belfry_connections") == 0, "reaped", limit=6)
        assert time.monotonic() - began < scaled(3.5)


def test_a_pong_confirms_what_went_before_its_ping(start_broker, producers):
    broker = start_broker(heartbeat_interval="1s", heartbeat_timeout="60s")
    producer = producers(broker)
    with Packets.joined(broker) as packets:
        packets.event()
        producer.publish("user:42", "1")
        packets.event(), packets.event()
        packets.expect("2")
        packets.say("3")
        packets.say('421["join","42"]')
        packets.ack(1)
    with Packets.joined(broker) as packets:  # without a position: what the cursor says
        assert packets.event() == ["unread:count", {"count": 1}]
        assert packets.is_silent()
        producer.publish("user:42", "2")
        assert packets.event()[1] == 2
    with Packets.joined(broker) as packets:  # no pong came after it
        assert packets.event() == ["unread:count", {"count": 2}]
        assert packets.event()[1] == 2


def test_a_late_pong_confirms_only_its_own_ping(start_broker, producers):
    broker = start_broker(heartbeat_interval="1s", heartbeat_timeout="60s")
    producer = producers(broker)
    with Packets.joined(broker) as packets:
        packets.event()
        packets.expect("2")
        producer.publish("user:42", "1")
        packets.event(), packets.event()
        packets.expect("2")
        packets.say("3")  # to the first one
        packets.say('421["join","42"]')
        packets.ack(1)
    with Packets.joined(broker) as packets:
        packets.event()
        assert packets.event()[1] == 1


def test_a_token_that_ends_closes_the_transport(start_broker):
    broker = start_broker(token_grace="10s")
    packets = Packets(broker)
    packets.say("40" + json.dumps({"token": token(lifetime=2)}))
    packets.expect("40")
    packets.event()
    assert packets.code() == 4401  # nothing else was said: no packet 41


def test_a_new_token_keeps_the_session(start_broker):
    broker = start_broker()
    with Packets(broker) as packets:
        packets.say("40" + json.dumps({"token": token(lifetime=2)}))
        packets.expect("40")
        packets.event()
        packets.say('421["auth",%s]' % json.dumps({"token": token()}))
        assert packets.ack(1) == {"ok": True}
        assert packets.is_silent(3)


def test_a_drain_closes_the_transport(start_broker):
    broker = start_broker()
    packets = Packets.joined(broker)
    packets.event()
    broker.terminate()
    with pytest.raises(websockets.exceptions.ConnectionClosed) as closed:
        packets.hear()
    assert closed.value.rcvd.code == 1001


def test_whom_the_backend_disconnects_is_told_to_stay_away(broker, producer):
    with Packets.joined(broker) as packets:
        packets.event()
        producer.publish("user:42", "{}", type="belfry.disconnect")
        assert packets.hear() == "41"
        assert packets.code() == 4403


@pytest.mark.parametrize("packet", ["41", "1"])
def test_a_client_may_leave(broker, packet):
    with Packets.joined(broker) as packets:
        packets.event()
        packets.say(packet)
        wait_until(lambda: scrape(broker).total("belfry_connections") == 0, "it left")


# ---- many ----

def test_a_message_is_written_once_for_all_sessions(start_broker, producers):
    broker = start_broker(namespace="/admin")
    producer = producers(broker)
    sessions = [Packets.joined(broker, f"u{number}") for number in range(40)]
    before = scrape(broker).total("belfry_encoded_total")
    sent = [producer.publish("all", str(number)) for number in range(10)]
    for session in sessions:
        session.event()
        assert [session.event() for _ in sent] == [["notification", number, event_id]
                                                   for number, event_id in enumerate(sent)]
        session.close()
    assert scrape(broker).total("belfry_encoded_total") - before == 10


def test_a_slow_session_misses_nothing(pair):
    broker, producer = pair
    with Packets.joined(broker) as packets:
        packets.event()
        filler = "x" * 20000
        sent = []
        for start in range(0, 300, 50):
            sent += producer.publish_many([("user:42", json.dumps([number, filler]))
                                           for number in range(start, start + 50)])
        time.sleep(0.5)
        got = []
        while len(got) < len(sent):
            event = packets.event(limit=20)
            if event[0] == "notification":
                got.append(event[2])
        assert got == sent


def test_bytes_may_come_one_by_one(broker):
    request = (f"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\n"
               f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
               f"Sec-WebSocket-Key: {KEY}\r\n\r\n").encode()
    heard = b""
    with socket.create_connection((broker.host, broker.port), timeout=scaled(10)) as raw:
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in request + frame(TEXT, "40/nope,") + frame(TEXT, "40"):
            raw.sendall(bytes([byte]))
        while b"Authentication token required" not in heard:
            heard += raw.recv(4096)
    assert b'0{"sid":' in heard and b'44/nope,{"message":"Invalid namespace"}' in heard


def test_packets_may_follow_the_request_at_once(broker):
    with socket.create_connection((broker.host, broker.port), timeout=scaled(10)) as raw:
        raw.sendall((f"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\n"
                     f"Upgrade: websocket\r\nConnection: Upgrade\r\n"
                     f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n\r\n").encode()
                    + frame(TEXT, "40" + json.dumps({"token": token()}))
                    + frame(TEXT, "40/other,"))
        heard = b""
        while b"unread:count" not in heard:
            heard += raw.recv(4096)
    assert heard.index(b"44/other,") < heard.index(b'40{"sid"')
