"""Clients of the native protocol: one, and a crowd of many that checks what arrives."""

import asyncio
import collections
import json
import time
import urllib.parse

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from pace import scaled, wait_until_async
from tokens import token


def resume(event_id, path="/ws", **parameters):
    """The path of a client that comes back and has everything up to `event_id`."""
    return query(path, last_event_id=event_id, **parameters)


def query(path, **parameters):
    return path + "?" + urllib.parse.urlencode(parameters)


async def expect_data(client, expected, limit=15):
    """Messages with these data come, nothing else between."""
    for data in expected:
        assert (await client.next(limit))["data"] == data


class Client:
    """One WebSocket client. Open it with Client.open(), close it or use `async with`."""

    def __init__(self, socket):
        self.socket = socket
        self.connected = None

    @classmethod
    async def open(cls, broker, path="/ws", user="42", bearer=True, **options):
        """Connects with a good token of `user` (or `bearer`, or none when it is None) and
        takes the `connected` message."""
        client = await cls.open_silent(broker, path, user, bearer, **options)
        client.connected = await client.next()
        assert client.connected["type"] == "connected", client.connected
        return client

    @classmethod
    async def open_silent(cls, broker, path="/ws", user="42", bearer=True, **options):
        """Connects and leaves the first message to the caller."""
        headers = dict(options.pop("additional_headers", {}))
        if bearer:
            word = token(user) if bearer is True else bearer
            headers["Authorization"] = f"Bearer {word}"
        options = {"compression": None, "ping_interval": None, "proxy": None,
                   "open_timeout": scaled(20), "close_timeout": scaled(5),
                   "max_queue": None} | options
        return cls(await connect(broker.url(path), additional_headers=headers, **options))

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        await self.close()

    @property
    def id(self):
        return self.connected["connection_id"]

    async def send(self, message):
        """Sends a string as it is, everything else as JSON."""
        await self.socket.send(message if isinstance(message, str) else json.dumps(message))

    async def next_text(self, limit=5.0):
        return await asyncio.wait_for(self.socket.recv(), scaled(limit))

    async def next(self, limit=5.0):
        return json.loads(await self.next_text(limit))

    async def take(self, count, limit=5.0):
        """The next `count` messages, the last of which comes within the limit."""
        async def read():
            return [json.loads(await self.socket.recv()) for _ in range(count)]
        return await asyncio.wait_for(read(), scaled(limit))

    async def data(self, count, limit=5.0):
        """`data` of the next messages."""
        return [message["data"] for message in await self.take(count, limit)]

    async def next_of(self, *types, limit=5.0):
        """The next message of one of these types; others on the way are dropped."""
        async def read():
            while True:
                message = json.loads(await self.socket.recv())
                if message["type"] in types:
                    return message
        return await asyncio.wait_for(read(), scaled(limit))

    async def ask(self, message):
        """Sends a message and takes the next one that comes."""
        await self.send(message)
        return await self.next()

    async def expect_nothing(self, seconds=0.25):
        """Nothing arrives for a moment. The moment is not scaled: it proves an absence."""
        try:
            got = await asyncio.wait_for(self.socket.recv(), seconds)
        except asyncio.TimeoutError:
            return
        raise AssertionError(f"not expected: {got}")

    async def is_alive(self):
        """Sends the bare text ping; nothing but the pong may come."""
        await self.send("ping")
        return await self.next_text() == "pong"

    async def close_code(self, limit=10.0):
        """Waits until the broker closes; what comes before is dropped."""
        async def read_on():
            while True:
                await self.socket.recv()

        try:
            await asyncio.wait_for(read_on(), scaled(limit))
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else 1006

    async def close(self):
        await self.socket.close()

    def cut(self):
        """The connection is gone without a word."""
        self.socket.transport.abort()


class Crowd:
    """Many clients at once; each keeps the texts it got after `connected`."""

    def __init__(self):
        self.clients = []
        self.texts = []
        self.arrivals = []
        self.close_codes = []
        self.tasks = []

    @classmethod
    async def open(cls, broker, size, user=lambda index: f"u{index}", path="/ws", parallel=100):
        crowd = cls()
        gate = asyncio.Semaphore(parallel)

        async def open_one(index):
            async with gate:
                return await Client.open(broker, path, user(index))

        crowd.clients = await asyncio.gather(*(open_one(index) for index in range(size)))
        crowd.texts = [[] for _ in crowd.clients]
        crowd.arrivals = [[] for _ in crowd.clients]
        crowd.close_codes = [None] * size
        crowd.tasks = [asyncio.create_task(crowd._listen(index)) for index in range(size)]
        return crowd

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        await self.close()

    async def _listen(self, index):
        socket = self.clients[index].socket
        try:
            async for text in socket:
                self.texts[index].append(text)
                self.arrivals[index].append(time.monotonic())
        except ConnectionClosed:
            pass
        self.close_codes[index] = socket.close_code

    async def wait_for(self, count, limit=20.0):
        """Every client has at least `count` messages, then a moment for too many."""
        await wait_until_async(lambda: min(map(len, self.texts)) >= count,
                               f"{count} messages at each", limit)
        await asyncio.sleep(0.2)

    async def wait_for_close(self, limit=15.0):
        """All are closed; answers how many with which code."""
        await asyncio.wait_for(asyncio.gather(*self.tasks), scaled(limit))
        return collections.Counter(self.close_codes)

    def messages(self, index):
        return [json.loads(text) for text in self.texts[index]]

    async def close(self):
        await asyncio.gather(*(client.close() for client in self.clients))
