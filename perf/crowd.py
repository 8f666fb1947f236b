"""Many clients of several kinds in one process: opened in batches, read by one epoll.

A kind is how a connection is opened and by what is seen that it is ready. What comes later is
only counted: one arrival for each connection and message, one message at a time.
"""

import base64
import os
import select
import socket
import time

from rig import RunFailed

BATCH = 200          # connections that are being opened at a time
PATIENCE_S = 30


def upgrade(path, *more):
    key = base64.b64encode(os.urandom(16)).decode()
    return request(path, "Upgrade: websocket", "Connection: Upgrade",
                   "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {key}", *more)


def request(path, *headers, method="GET", body=b""):
    lines = [f"{method} {path} HTTP/1.1", "Host: perf", *headers]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def masked(text):
    """A text frame of a client; the mask is zero."""
    size = len(text)
    head = bytes([0x81, 0x80 | size]) if size < 126 else \
        bytes([0x81, 0x80 | 126]) + size.to_bytes(2, "big")
    return head + bytes(4) + text


class Kind:
    """Steps of opening: what to send, and the bytes after which the next step comes."""

    def __init__(self, name, *steps):
        self.name, self.steps = name, steps


ENGINE = "/socket.io/?EIO=4"
NATIVE = Kind("native", (lambda token, _: upgrade(f"/ws?token={token}"),
                         b'"type":"connected"'))
DEFLATE = Kind("deflate", (lambda token, _: upgrade(
    f"/ws?token={token}", "Sec-WebSocket-Extensions: permessage-deflate"),
    b'"type":"connected"'))
STREAM = Kind("stream", (lambda token, _: request(f"/sse?token={token}"), b'"type":"connected"'))
SOCKET_IO = Kind(
    "socket_io", (lambda token, _: upgrade(f"{ENGINE}&transport=websocket"), b'0{"sid"'),
    (lambda token, _: masked(b'40{"token":"%s"}' % token.encode()), b'40{"sid"'))
POLL = Kind("poll", (lambda token, _: request(f"/poll?token={token}&last_event_id=0-1&wait=60"),
                     None))


def session_of(seen):
    return seen.split(b'"sid":"')[1].split(b'"')[0].decode()


SOCKET_IO_POLL = Kind(
    "socket_io_poll",
    (lambda token, _: request(f"{ENGINE}&transport=polling"), b'0{"sid"'),
    (lambda token, seen: request(
        f"{ENGINE}&transport=polling&sid={session_of(seen)}", "Content-Type: text/plain",
        method="POST", body=b'40{"token":"%s"}' % token.encode()), b"ok"),
    (lambda _, seen: request(f"{ENGINE}&transport=polling&sid={session_of(seen)}"),
     b'40{"sid"'),
    (lambda _, seen: request(f"{ENGINE}&transport=polling&sid={session_of(seen)}"), None))


class Crowd:
    """Use `with`: everything is closed at the end."""

    def __init__(self, broker):
        self.broker, self.sockets, self.poll = broker, {}, select.epoll()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for one in self.sockets.values():
            one.close()
        self.poll.close()

    def __len__(self):
        return len(self.sockets)

    def open(self, kinds, count):
        """So many more of these kinds, each of a user of its own. Shards take turns, too: the kinds
        of a shard are to change."""
        first = len(self)
        for begin in range(first, first + count, BATCH):
            numbers = range(begin, min(begin + BATCH, first + count))
            self._open_batch([(number, kinds[(number // len(kinds) + number) % len(kinds)])
                              for number in numbers])

    def _open_batch(self, batch):
        clients = []
        for number, kind in batch:
            one = socket.create_connection(("127.0.0.1", self.broker.port), PATIENCE_S)
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            clients.append((one, kind, self.broker.token(f"u{number}"), bytearray()))
        for step in range(max(len(kind.steps) for _, kind, _, _ in clients)):
            active = [client for client in clients if step < len(client[1].steps)]
            for one, kind, token, seen in active:
                one.sendall(kind.steps[step][0](token, bytes(seen)))
            for one, kind, _, seen in active:
                read_until(one, seen, kind.steps[step][1])
        for one, _, _, _ in clients:
            one.setblocking(False)
            self.sockets[one.fileno()] = one
            self.poll.register(one.fileno(), select.EPOLLIN)

    def arrivals(self):
        """Waits until something has come to each. Seconds since the call, for the last one."""
        missing, start_s = set(self.sockets), time.monotonic()
        while missing:
            events = self.poll.poll(PATIENCE_S, 4096)
            now_s = time.monotonic()
            if not events:
                raise RunFailed(f"nothing came to {len(missing)} of {len(self)} connections")
            for fd, _ in events:
                if not self.sockets[fd].recv(1 << 16):
                    raise RunFailed("the broker closed a connection")
                missing.discard(fd)
        return now_s - start_s


def read_until(one, seen, mark):
    start = len(seen)
    while mark is not None and mark not in seen[start:]:
        got = one.recv(1 << 14)
        if not got:
            raise RunFailed(f"a connection was refused: {bytes(seen[-300:])!r}")
        seen += got
