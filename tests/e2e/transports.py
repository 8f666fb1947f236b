"""One receiver per way to receive, all with the same face, for tests that move between them.

`await Way.open(broker, user, position)` connects; `position` None: from the user's cursor.
`await way.next()` answers (event id, data) of the next notification; `way.recovered` says whether
nothing was missing when it connected; `way.cut()` ends it without a word.
"""

import asyncio
import json
import urllib.parse

from websockets.asyncio.client import connect

from pace import scaled
from tokens import token


def query(path, position, user, **more):
    words = {"token": token(user), "last_event_id": position, **more}
    return path + "?" + urllib.parse.urlencode(
        {name: word for name, word in words.items() if word is not None})


class Way:
    """What is common. Notifications are those of the type `notification`."""

    def __init__(self):
        self.recovered = True

    async def next(self, limit=10.0):
        return await asyncio.wait_for(self._next(), scaled(limit))

    async def _next(self):
        raise NotImplementedError

    def cut(self):
        raise NotImplementedError


class Native(Way):
    """JSON over WebSocket."""
    COMPRESSION = None

    @classmethod
    async def open(cls, broker, user, position):
        way = cls()
        way.socket = await connect(broker.url(query("/ws", position, user)), proxy=None,
                                   compression=cls.COMPRESSION, ping_interval=None,
                                   open_timeout=scaled(20), max_queue=None)
        connected = json.loads(await way.socket.recv())
        assert connected["type"] == "connected", connected
        way.recovered = connected["recovered"]
        return way

    async def _next(self):
        while True:
            message = json.loads(await self.socket.recv())
            if message["type"] == "notification":
                return message["event_id"], message["data"]

    def cut(self):
        self.socket.transport.abort()


class Compressed(Native):
    """The same with permessage-deflate."""
    COMPRESSION = "deflate"


class HttpWay(Way):
    """HTTP by hand, one connection."""

    async def dial(self, broker):
        self.broker = broker
        self.reader, self.writer = await asyncio.open_connection(broker.host, broker.port,
                                                                 limit=1 << 24)

    def ask(self, method, target, body=b"", **headers):
        lines = [f"{method} {target} HTTP/1.1", f"Host: {self.broker.host}:{self.broker.port}",
                 f"Content-Length: {len(body)}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        self.writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    async def head(self):
        """Status and headers of an answer."""
        text = (await self.reader.readuntil(b"\r\n\r\n")).decode()
        status, *lines = text.split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines if line)
        return int(status.split()[1]), {name.lower(): value for name, value in headers.items()}

    async def answer(self):
        status, headers = await self.head()
        body = await self.reader.readexactly(int(headers["content-length"]))
        assert status == 200, (status, body)
        return body

    def cut(self):
        self.writer.transport.abort()


class Stream(HttpWay):
    """Server-Sent Events."""

    @classmethod
    async def open(cls, broker, user, position):
        way = cls()
        await way.dial(broker)
        headers = {"Accept": "text/event-stream"}
        if position:
            headers["Last_Event_ID"] = position
        way.ask("GET", query("/sse", None, user), **headers)
        status, headers = await way.head()
        assert status == 200 and headers["content-type"].startswith("text/event-stream")
        connected = await way.event_of("connected")
        way.recovered = json.loads(connected["data"])["recovered"]
        return way

    async def event_of(self, kind):
        while True:
            fields = {}
            block = await self.reader.readuntil(b"\n\n")
            for line in block.decode().split("\n"):
                name, _, value = line.partition(": ")
                fields[name] = fields[name] + "\n" + value if name in fields else value
            if fields.get("event") == kind:
                return fields

    async def _next(self):
        event = await self.event_of("notification")
        message = json.loads(event["data"])
        assert event["id"] == message["event_id"], event
        return event["id"], message["data"]


class Polling(HttpWay):
    """Long polling."""

    @classmethod
    async def open(cls, broker, user, position):
        way = cls()
        await way.dial(broker)
        way.user, way.position, way.events = user, position, []
        await way.poll(wait=0)
        return way

    async def poll(self, wait):
        self.ask("GET", query("/poll", self.position, self.user, wait=wait))
        answer = json.loads(await self.answer())
        self.recovered = self.recovered and answer["recovered"]
        self.position = answer["last_event_id"]
        self.events += [event for event in answer["events"] if event["type"] == "notification"]

    async def _next(self):
        while not self.events:
            await self.poll(wait=20)
        event = self.events.pop(0)
        return event["event_id"], event["data"]


class SocketIo(Way):
    """Socket.IO over WebSocket, by hand; the real client has tests of its own."""

    @classmethod
    async def open(cls, broker, user, position):
        way = cls()
        path = query("/socket.io/", position, user, EIO=4, transport="websocket")
        way.socket = await connect(broker.url(path), proxy=None, compression=None,
                                   ping_interval=None, open_timeout=scaled(20), max_queue=None)
        assert (await way.socket.recv()).startswith("0")
        await way.socket.send("40" + json.dumps({"token": token(user)}))
        way.events = []
        await way.until_connected()
        return way

    async def until_connected(self):
        while not (text := await self.packet()).startswith("40"):
            self.take(text)

    async def packet(self):
        return await self.socket.recv()

    async def say(self, text):
        await self.socket.send(text)

    def take(self, text):
        if text.startswith("42"):
            name, *arguments = json.loads(text[2:])
            if name == "notification":
                self.events.append((arguments[1], arguments[0]))

    async def _next(self):
        while not self.events:
            text = await self.packet()
            if text == "2":
                await self.say("3")
            self.take(text)
        return self.events.pop(0)

    def cut(self):
        self.socket.transport.abort()


class SocketIoPolling(SocketIo, HttpWay):
    """Socket.IO over HTTP polling, by hand."""

    @classmethod
    async def open(cls, broker, user, position):
        way = cls()
        await way.dial(broker)
        way.target = query("/socket.io/", position, user, EIO=4, transport="polling")
        way.events, way.packets, way.must_read = [], [], False
        way.ask("GET", way.target)
        opened = await way.answer()
        way.target += "&sid=" + json.loads(opened[1:])["sid"]
        await way.say("40" + json.dumps({"token": token(user)}))
        await way.until_connected()
        return way

    async def packet(self):
        while not self.packets:
            self.ask("GET", self.target)
            self.packets = (await self.answer()).decode().split("\x1e")
        return self.packets.pop(0)

    async def say(self, text):
        self.ask("POST", self.target, text.encode(), Content_Type="text/plain;charset=UTF-8")
        assert await self.answer() == b"ok"

    def cut(self):
        HttpWay.cut(self)


WAYS = (Native, Compressed, Stream, Polling, SocketIo, SocketIoPolling)
