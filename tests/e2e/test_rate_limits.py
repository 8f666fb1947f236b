"""Who sends too much is slowed, told, then closed; nobody else notices."""

import asyncio
import contextlib
import json
import time

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from client import Client
from engine_io import Poller
from openmetrics import scrape
from pace import scaled, wait_until
from raw_socket import CLOSE, PING, PONG, TEXT, RawSocket, frame, upgrade_request
from tokens import token


def pings(count, first=0):
    return [json.dumps({"type": "ping", "ref": number}) for number in range(first, first + count)]


async def send_all(client, messages):
    for message in messages:
        await client.send(message)


# ---- messages of one connection ----

async def test_ten_seconds_worth_may_come_at_once(start_broker):
    broker = start_broker(message_rate=20)
    async with await Client.open(broker) as client:
        await send_all(client, pings(200))
        answers = await client.take(200)
        assert [(one["type"], one["ref"]) for one in answers] == [
            ("pong", number) for number in range(200)]


async def test_the_first_message_too_many_is_told_with_its_ref(start_broker):
    broker = start_broker(message_rate=2)
    async with await Client.open(broker) as client:
        await send_all(client, pings(30))
        answers = await client.take(21)
        assert {one["type"] for one in answers[:20]} == {"pong"}
        assert (answers[20]["type"], answers[20]["code"]) == ("error", "rate_limited")
        assert answers[20]["ref"] == 20


async def test_what_waits_is_read_later_and_nothing_of_it_is_lost(start_broker):
    """Slowed, not dropped: all but the message that was refused are answered, in order."""
    broker = start_broker(message_rate=50)
    async with await Client.open(broker) as client:
        began = time.monotonic()
        await send_all(client, pings(600))
        answers = await client.take(600, limit=15)
        took = time.monotonic() - began
    assert [one["ref"] for one in answers] == list(range(600))
    refused = [one["ref"] for one in answers if one["type"] == "error"]
    assert 1 <= len(refused) <= 4 and refused[0] >= 500
    assert took > 0.9
    assert scrape(broker).total("belfry_slowed_total") == len(refused)


async def test_who_goes_on_is_closed_with_4429(start_broker):
    broker = start_broker(message_rate=10)
    client = await Client.open(broker)
    told, began = 0, time.monotonic()
    with pytest.raises(ConnectionClosed) as closed:
        sending = asyncio.create_task(send_all(client, pings(100000)))
        try:
            async with asyncio.timeout(scaled(20)):
                while True:
                    told += (await client.next())["type"] == "error"
        finally:
            sending.cancel()
    assert closed.value.rcvd.code == 4429
    assert told == 5
    assert 4 < time.monotonic() - began < scaled(10)
    assert scrape(broker).total("belfry_closed_total", reason="rate") == 1


async def test_others_do_not_notice(start_broker, producers):
    broker = start_broker(message_rate=10, shards=1)
    producer = producers(broker)
    noisy, quiet = await Client.open(broker, user="1"), await Client.open(broker, user="2")
    sending = asyncio.create_task(send_all(noisy, pings(50000)))
    for number in range(30):
        producer.publish("user:2", str(number))
        assert (await quiet.next(limit=1))["data"] == number
        assert await quiet.is_alive()
        await asyncio.sleep(0.05)
    sending.cancel()
    await quiet.close()


async def test_who_was_slowed_still_receives(start_broker, producers):
    broker = start_broker(message_rate=1)
    producer = producers(broker)
    async with await Client.open(broker) as client:
        await send_all(client, pings(11))
        await client.take(11)
        producer.publish("user:42", '"now"')
        assert (await client.next(limit=1))["data"] == "now"


async def test_who_calms_down_is_forgiven(start_broker):
    """Two pauses, then a pace within the limit: never closed."""
    broker = start_broker(message_rate=10)
    async with await Client.open(broker) as client:
        await send_all(client, pings(115))
        await client.take(115, limit=10)
        for number in range(20):
            await asyncio.sleep(0.1)
            assert (await client.ask({"type": "ping", "ref": number}))["type"] == "pong"


@pytest.mark.parametrize("opcode", [PING, PONG])
def test_control_frames_count(start_broker, opcode):
    broker = start_broker(message_rate=10)
    with RawSocket(broker) as raw:
        raw.upgrade()
        raw.read_message()
        raw.send(frame(opcode, b"x", mask=b"\0\0\0\0") * 20000)
        frames = raw.read_until_close()
        assert frames[-1].code == 4429
        told = [one.json() for one in frames if one.opcode == TEXT]
        assert [one["code"] for one in told] == ["rate_limited"] * 5
        assert sum(one.opcode == PONG for one in frames) <= (160 if opcode == PING else 0)


def test_a_flood_in_the_middle_of_a_message_loses_nothing_of_it(start_broker):
    """Pings between the pieces of a message are over the limit; the message arrives whole."""
    broker = start_broker(message_rate=2)
    with RawSocket(broker) as raw:
        raw.upgrade()
        raw.read_message()
        raw.send(frame(TEXT, '{"type":"ping",', final=False) + frame(PING, b"x") * 21
                 + frame(0, '"ref":7}') + frame(CLOSE))
        frames = raw.read_until_close()
        texts = [one.json() for one in frames if one.opcode == TEXT]
        assert [one["type"] for one in texts] == ["error", "pong"]
        assert texts[1]["ref"] == 7


def test_a_client_that_is_slowed_may_still_close(start_broker):
    broker = start_broker(message_rate=1)
    with RawSocket(broker) as raw:
        raw.upgrade()
        raw.read_message()
        raw.send(frame(TEXT, "ping") * 11 + frame(CLOSE, b"\x03\xe8"))
        assert raw.read_until_close()[-1].code == 1000


def test_a_drain_ends_who_is_slowed(start_broker):
    broker = start_broker(message_rate=1)
    with RawSocket(broker) as raw:
        raw.upgrade()
        raw.read_message()
        raw.send(frame(TEXT, "ping") * 12 + frame(CLOSE, b"\x03\xe8"))
        for _ in range(11):
            raw.read_frame()
        broker.terminate()
        assert raw.read_until_close()[-1].code == 1001


async def test_zero_is_no_limit(start_broker):
    broker = start_broker(message_rate=0, message_rate_per_user=0)
    async with await Client.open(broker) as client:
        await send_all(client, pings(30000))
        assert {one["type"] for one in await client.take(30000, limit=20)} == {"pong"}


async def test_by_default_five_thousand_messages_at_once_are_fine(broker):
    async with await Client.open(broker) as client:
        await send_all(client, pings(5000))
        assert {one["type"] for one in await client.take(5000)} == {"pong"}


# ---- messages of one user ----

async def test_all_connections_of_a_user_share_a_limit(start_broker):
    broker = start_broker(message_rate_per_user=5, message_rate=0, shards=3)
    tabs = [await Client.open(broker) for _ in range(6)]
    other = await Client.open(broker, user="43")
    for tab in tabs:
        await send_all(tab, pings(10))
    types = [one["type"] for tab in tabs[:5] for one in await tab.take(10)]
    refused = [await tabs[5].next()]
    assert types.count("pong") + types.count("error") == 50
    assert 50 <= types.count("pong") + types.count("error") + len(refused)
    assert types.count("pong") <= 55
    assert "error" in types or refused[0]["type"] == "error"
    assert await other.is_alive()
    for client in [*tabs, other]:
        await client.close()


# ---- handshakes ----

def handshake(broker, user="42", **more):
    with RawSocket(broker, **more.pop("socket", {})) as raw:
        raw.send(upgrade_request(user=user, **more))
        return raw.read_head()


def handshakes(broker, count, **more):
    return [handshake(broker, **more) for _ in range(count)]


def statuses(heads):
    return [head.status for head in heads]


def test_handshakes_over_the_rate_get_503(start_broker):
    broker = start_broker(handshake_rate=10, shards=3)
    heads = handshakes(broker, 30)
    refused = [head for head in heads if head.status == 503]
    assert statuses(heads)[:10] == [101] * 10
    assert len(refused) >= 10 and set(statuses(heads)) == {101, 503}
    waits = {int(head.headers["retry-after"]) for head in refused}
    assert waits <= set(range(5, 11)) and len(waits) > 1
    assert scrape(broker).total("belfry_handshakes_limited_total") == len(refused)
    wait_until(lambda: handshake(broker).status == 101, "there is room again")


def test_handshakes_of_one_address_over_the_rate_get_429(start_broker):
    broker = start_broker(handshake_rate_per_ip=5, shards=3)
    heads = handshakes(broker, 20)
    refused = [head for head in heads if head.status == 429]
    assert statuses(heads)[:5] == [101] * 5
    assert len(refused) >= 10 and set(statuses(heads)) == {101, 429}
    waits = {int(head.headers["retry-after"]) for head in refused}
    assert waits <= set(range(10, 21)) and len(waits) > 1
    assert statuses(handshakes(broker, 5, socket={"source": "127.0.0.9"})) == [101] * 5


def test_handshakes_are_counted_by_the_address_behind_a_proxy(start_broker):
    broker = start_broker(handshake_rate_per_ip=5, trusted_proxy="127.0.0.1")
    for client in "192.0.2.1", "192.0.2.2", "2001:db8::1":
        heads = handshakes(broker, 12, headers=[f"X-Forwarded-For: {client}"])
        assert statuses(heads)[:5] == [101] * 5 and 429 in statuses(heads)


def test_bad_tokens_count_too(start_broker):
    broker = start_broker(handshake_rate_per_ip=5)
    found = statuses(handshakes(broker, 20, bearer="not.a.token"))
    assert found[:5] == [401] * 5 and 429 in found


def test_pages_are_no_handshakes(start_broker):
    broker = start_broker(handshake_rate=1, handshake_rate_per_ip=1)
    assert {broker.ask("/ws/health").status for _ in range(20)} == {200}


@pytest.mark.parametrize("limit, code", [("handshake_rate", 1013),
                                         ("handshake_rate_per_ip", 4429)])
async def test_clients_that_offer_belfry_are_told_by_a_close(start_broker, limit, code):
    broker = start_broker(**{limit: 1})
    offer = {"bearer": None, "subprotocols": ["belfry", "bearer." + token("42")]}
    clients = [await Client.open_silent(broker, **offer) for _ in range(4)]
    codes = []
    for client in clients[1:]:
        with contextlib.suppress(asyncio.TimeoutError):  # a second was over: this one was taken
            codes.append(await client.close_code(limit=2))
    assert codes and set(codes) == {code}
    await clients[0].close()


async def test_refused_handshakes_leave_nothing_behind(start_broker):
    broker = start_broker(handshake_rate=1)
    for _ in range(20):
        try:
            await (await Client.open(broker)).close()
        except InvalidStatus as refusal:
            assert refusal.response.status_code == 503
    wait_until(lambda: scrape(broker).total("belfry_sockets") == 0, "no socket is left")


def get(broker, path):
    with RawSocket(broker) as raw:
        raw.send(f"GET {path}?token={token('42')}&wait=0 HTTP/1.1\r\nHost: h\r\n\r\n".encode())
        head = raw.read_head()
        return head, raw.read(int(head.headers["content-length"])) \
            if "content-length" in head.headers else raw.buffer


def test_polls_are_handshakes(start_broker):
    broker = start_broker(handshake_rate_per_ip=5)
    heads = [get(broker, "/poll")[0] for _ in range(15)]
    assert statuses(heads)[:5] == [200] * 5 and set(statuses(heads)) == {200, 429}
    assert {int(head.headers["retry-after"]) for head in heads if head.status == 429} \
        <= set(range(10, 21))


def test_event_streams_are_told_when_to_come_back(start_broker):
    """A browser gives up for good at any other status than 200."""
    broker = start_broker(handshake_rate=5)
    answers = [get(broker, "/sse") for _ in range(15)]
    assert {head.status for head, _ in answers} == {200}
    assert scrape(broker).total("belfry_handshakes_limited_total") >= 5


# ---- Socket.IO ----

def join_socket_io(raw):
    raw.upgrade("/socket.io/?EIO=4&transport=websocket", bearer=False)
    assert raw.read_frame().payload.startswith(b"0{")
    raw.send(frame(TEXT, "40" + json.dumps({"token": token("42")})))
    while not (packet := raw.read_frame().payload).startswith(b"40"):
        assert not packet.startswith(b"44"), packet


def packets_until_close(raw):
    """The packets that came, and the code of the close frame."""
    frames = raw.read_until_close()
    return [one.payload for one in frames if one.opcode == TEXT], frames[-1].code


def test_socket_io_events_are_told_in_the_acknowledgement_and_as_an_event(start_broker):
    broker = start_broker(message_rate=10)
    with RawSocket(broker) as raw:
        join_socket_io(raw)
        raw.send(frame(TEXT, '427["no such event"]') * 20000)
        packets, code = packets_until_close(raw)
    told = [json.loads(one[2:]) for one in packets if one.startswith(b"42")
            and b"rate_limited" in one]
    acks = [one for one in packets if one.startswith(b"437[") and b"rate_limited" in one]
    assert code == 4429
    assert len(told) == len(acks) == 5
    assert {name for name, _ in told} == {"error"}


@pytest.mark.parametrize("packet, rate", [("3", 10), ("6", 10), ('42["x"]', 10),
                                          ('40{"token":"bad"}', 1)])
def test_every_packet_of_engine_io_counts(start_broker, packet, rate):
    """Also those of a client that tries one token after another: with 1 a second the rate ends it
    before its sixteenth token does."""
    broker = start_broker(message_rate=rate)
    with RawSocket(broker) as raw:
        if packet.startswith("40"):
            raw.upgrade("/socket.io/?EIO=4&transport=websocket", bearer=False)
        else:
            join_socket_io(raw)
        raw.send(frame(TEXT, packet) * 5000)
        assert packets_until_close(raw)[1] == 4429
    assert scrape(broker).total("belfry_slowed_total") == 5


@pytest.mark.parametrize("opcode", [PING, PONG])
def test_a_flood_on_a_websocket_that_probes_ends_only_that(start_broker, opcode):
    broker = start_broker(message_rate=1)
    session = Poller(broker)
    for _ in range(3):
        raw, head = session.upgrade()
        assert head.status == 101
        raw.send(frame(opcode, b"x") * 8)
        raw.send(frame(opcode, b"x") * 8)
        assert raw.read_until_close()[-1].code == 4429
    question, answer = session.question()
    session.post(question)
    assert session.wait_for(b"43") == answer
    session.close()


def test_who_has_not_said_who_it_is_takes_from_no_users_share(start_broker):
    """Clients that are yet to join are not one user, whose flood would keep out all others."""
    broker = start_broker(message_rate_per_user=2, message_rate=1000)
    with RawSocket(broker) as flood, RawSocket(broker) as other:
        flood.upgrade("/socket.io/?EIO=4&transport=websocket", bearer=False)
        assert flood.read_frame().payload.startswith(b"0{")
        flood.send(frame(PING, b"x") * 500)
        assert flood.read_frame().opcode == PONG
        join_socket_io(other)
