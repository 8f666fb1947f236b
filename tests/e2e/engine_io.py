"""Engine.IO by hand: a session that polls, of which every request is the test's own choice."""

import json

from openmetrics import scrape
from raw_socket import KEY, TEXT, RawSocket, frame
from tokens import token

SEPARATOR = b"\x1e"
POLLING = "/socket.io/?EIO=4&transport=polling"
WEBSOCKET = "/socket.io/?EIO=4&transport=websocket"


def request(method, target, body=None, headers=(), version="1.1"):
    """The bytes of a request."""
    lines = [f"{method} {target} HTTP/{version}", "Host: belfry.test", *headers]
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + (body or b"")


def code_of(body):
    """The code of an error, whose body has a message beside it and nothing else."""
    error = json.loads(body)
    assert set(error) == {"code", "message"} and isinstance(error["message"], str), error
    return error["code"]


class Poller:
    """One session. Each request goes over a connection of its own, so that with several shards
    most of them come to another one than the session's, unless a connection is given."""

    def __init__(self, broker, connect=True, user="42", query="", headers=()):
        self.broker = broker
        self.opened = []
        with self.connection() as raw:
            raw.send(request("GET", POLLING + query, headers=headers))
            self.head, body = raw.read_http()
        assert self.head.status == 200, (self.head, body)
        assert body[:1] == b"0" and SEPARATOR not in body, body
        self.open = json.loads(body[1:])
        self.sid = self.open["sid"]
        self.target = f"{POLLING}&sid={self.sid}"
        self.acks = 0
        if connect:
            self.post(b"40" + json.dumps({"token": token(user)}).encode())
            self.joined = self.wait_for(b"40")

    def connection(self, **options):
        self.opened.append(RawSocket(self.broker, **options))
        return self.opened[-1]

    def close(self):
        for raw in self.opened:
            raw.socket.close()

    def begin_get(self, raw=None, **more):
        raw = raw or self.connection()
        raw.send(request("GET", self.target, **more))
        return raw

    def get(self, raw=None, **more):
        """Packets of one answer."""
        raw = self.begin_get(raw, **more)
        head, body = raw.read_http()
        assert head.status == 200, (head, body)
        return body.split(SEPARATOR)

    def begin_post(self, body, raw=None, **more):
        raw = raw or self.connection()
        raw.send(request("POST", self.target, body, **more))
        return raw

    def post(self, body, raw=None, **more):
        head, said = self.begin_post(body, raw, **more).read_http()
        assert (head.status, said) == (200, b"ok"), (head, said)
        return head

    def wait_for(self, start):
        """Polls until a packet begins like this, which it answers; others before it are lost."""
        while True:
            for packet in self.get():
                if packet.startswith(start):
                    return packet

    def question(self):
        """A packet that gets an acknowledgement, and that."""
        self.acks += 1
        return (b'42%d["join","42"]' % self.acks, b'43%d[{"ok":true}]' % self.acks)

    def is_over(self):
        """The session is closed, or unknown by now."""
        with self.connection() as raw:
            raw.send(request("GET", self.target))
            head, body = raw.read_http()
        return body == b"1" if head.status == 200 else (head.status, code_of(body)) == (400, 1)

    def upgrade(self, **more):
        """A WebSocket for this session that is yet to probe, and the head of the answer."""
        raw = self.connection()
        raw.send(request("GET", f"{WEBSOCKET}&sid={self.sid}", headers=(
            "Upgrade: websocket", "Connection: Upgrade", f"Sec-WebSocket-Key: {KEY}",
            "Sec-WebSocket-Version: 13"), **more))
        head = raw.read_head()
        return raw, head


def send_text(raw, *texts):
    """One frame each, in one write."""
    raw.send(b"".join(frame(TEXT, text) for text in texts))


def read_text(raw):
    got = raw.read_frame()
    assert got.opcode == TEXT, got
    return got.payload


def total(broker, name, **labels):
    """A metric of all shards."""
    return scrape(broker).total(name, **labels)
