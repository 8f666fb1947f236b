"""A client of Server-Sent Events made by hand: a socket and a reader that follows the standard
(HTML Living Standard, 9.2.6) to the letter."""

import dataclasses
import json
import socket
import time

from pace import scaled
from raw_socket import RawSocket
from tokens import token


@dataclasses.dataclass
class Event:
    type: str
    data: str
    id: str  # the last event id when it was dispatched

    def json(self):
        return json.loads(self.data)


class Reader:
    """Bytes in, events out; what is not dispatched is kept too: comments and retries."""

    def __init__(self):
        self.last_event_id = ""
        self.comments, self.retries = [], []
        self._rest = b""
        self._data, self._type = [], ""

    def feed(self, raw):
        assert b"\r" not in raw, "this server ends lines with LF"
        *lines, self._rest = (self._rest + raw).split(b"\n")
        return [event for event in map(self._line, lines) if event]

    def _line(self, raw):
        line = raw.decode()
        if not line:
            return self._dispatch()
        if line.startswith(":"):
            self.comments.append(line[1:].strip())
            return None
        name, _, value = line.partition(":")
        value = value[1:] if value.startswith(" ") else value
        if name == "data":
            self._data.append(value)
        elif name == "event":
            self._type = value
        elif name == "id":
            assert "\0" not in value
            self.last_event_id = value
        else:
            assert name == "retry" and value.isdigit(), line
            self.retries.append(int(value))
        return None

    def _dispatch(self):
        data, kind = self._data, self._type
        self._data, self._type = [], ""
        if not data:
            return None
        return Event(kind or "message", "\n".join(data), self.last_event_id)


class EventStream:
    """One stream. EventStream(broker) sends the request and reads the head of the answer."""

    def __init__(self, broker, path="/sse", user="42", *, after=None, version="1.1", headers=(),
                 bearer=True, status=200, kind="text/event-stream", receive_buffer=None):
        self.raw = RawSocket(broker, receive_buffer=receive_buffer)
        lines = [f"GET {path} HTTP/{version}", "Host: belfry.test", "Accept: text/event-stream",
                 "Cache-Control: no-cache", *headers]
        if bearer:
            lines.append(f"Authorization: Bearer {token(user) if bearer is True else bearer}")
        if after is not None:
            lines.append(f"Last-Event-ID: {after}")
        self.raw.send("\r\n".join([*lines, "", ""]).encode())
        self.head = self.raw.read_head()
        assert self.head.status == status, (self.head, self.raw.buffer)
        self.reader = Reader()
        self.waiting = []
        self.has_ended = False
        if status == 200 and kind:
            assert self.head.headers["content-type"].startswith(kind)

    @classmethod
    def open(cls, broker, path="/sse", user="42", **options):
        """A stream that is let in: its event `connected` is taken."""
        stream = cls(broker, path, user, **options)
        stream.connected = stream.next()
        assert stream.connected.type == "connected", stream.connected
        return stream

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    @property
    def welcome(self):
        return self.connected.json()

    @property
    def position(self):
        """What an EventSource would name when it comes back: of all that was read so far."""
        return self.reader.last_event_id

    def _fill(self, limit):
        """Reads once. False: nothing came within the limit, or the stream has ended."""
        raw, self.raw.buffer = self.raw.buffer, b""
        if not raw:
            self.raw.socket.settimeout(limit)
            try:
                raw = self.raw.socket.recv(1 << 18)
            except socket.timeout:
                return False
            self.has_ended = not raw
        self.waiting += self.reader.feed(raw)
        return not self.has_ended

    def collect(self, seconds):
        """What comes within the time, all of it; it stays in `waiting`."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not self.has_ended:
            self._fill(max(deadline - time.monotonic(), 0.001))
        return self.waiting

    def next(self, limit=5.0):
        deadline = time.monotonic() + scaled(limit)
        while not self.waiting:
            left = deadline - time.monotonic()
            assert left > 0, "no event within the limit"
            self._fill(left)
            assert not self.has_ended or self.waiting, "the stream has ended"
        return self.waiting.pop(0)

    def next_of(self, *types, limit=5.0):
        while True:
            event = self.next(limit)
            if event.type in types:
                return event

    def take(self, count, limit=5.0):
        return [self.next(limit) for _ in range(count)]

    def data(self, count, limit=5.0):
        """`data` of the envelopes of the next notifications."""
        return [self.next(limit).json()["data"] for _ in range(count)]

    def expect_nothing(self, seconds=0.25):
        """Nothing but comments arrives for a moment."""
        assert not self.collect(seconds), self.waiting

    def rest(self, limit=10.0):
        """All events up to the end of the stream."""
        deadline = time.monotonic() + scaled(limit)
        while not self.has_ended:
            assert time.monotonic() < deadline, "the stream has not ended"
            self._fill(max(deadline - time.monotonic(), 0.001))
        events, self.waiting = self.waiting, []
        return events

    def close(self):
        self.raw.socket.close()
