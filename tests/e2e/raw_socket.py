"""A WebSocket client made by hand: every byte on the wire is the test's own choice."""

import base64
import dataclasses
import hashlib
import json
import os
import socket
import struct

from pace import scaled
from tokens import token

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = base64.b64encode(
    hashlib.sha1((KEY + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()).decode()


@dataclasses.dataclass
class Head:
    """Status line and headers of an answer; names in lower case."""
    status: int
    headers: dict


@dataclasses.dataclass
class Frame:
    final: bool
    opcode: int
    payload: bytes
    rsv: int = 0

    @property
    def code(self):
        """Code of a close frame; 1005 when it has none."""
        return struct.unpack("!H", self.payload[:2])[0] if self.payload else 1005

    def json(self):
        return json.loads(self.payload)


def frame(opcode, payload=b"", final=True, rsv=0, mask=None, masked=True, size=None):
    """One frame of a client. `size` lies about the payload's size."""
    if isinstance(payload, str):
        payload = payload.encode()
    size = len(payload) if size is None else size
    head = bytes([(0x80 if final else 0) | rsv << 4 | opcode])
    mask_bit = 0x80 if masked else 0
    if size < 126:
        head += bytes([mask_bit | size])
    elif size < 65536:
        head += bytes([mask_bit | 126]) + struct.pack("!H", size)
    else:
        head += bytes([mask_bit | 127]) + struct.pack("!Q", size)
    if not masked:
        return head + payload
    mask = os.urandom(4) if mask is None else mask
    return head + mask + apply_mask(payload, mask)


def apply_mask(payload, mask):
    pad = (mask * (len(payload) // 4 + 1))[:len(payload)]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(pad, "big")
            ).to_bytes(len(payload), "big")


def close_frame(code=None, reason=""):
    body = b"" if code is None else struct.pack("!H", code) + reason.encode()
    return frame(CLOSE, body)


def upgrade_request(path="/ws", user="42", headers=(), key=KEY, version="13", bearer=True):
    """The bytes of an opening handshake. `bearer` True: a good token of `user` in
    Authorization; False: none; a string: that token."""
    lines = [f"GET {path} HTTP/1.1", "Host: belfry.test", "Upgrade: websocket",
             "Connection: Upgrade", f"Sec-WebSocket-Key: {key}",
             f"Sec-WebSocket-Version: {version}"]
    if bearer:
        lines.append(f"Authorization: Bearer {token(user) if bearer is True else bearer}")
    return "\r\n".join([*lines, *headers, "", ""]).encode()


class RawSocket:
    """A TCP connection to the broker with a buffer for what was read too far."""

    def __init__(self, broker, admin=False, receive_buffer=None, timeout=10, source=None,
                 proxied=False):
        """`source`: the address to come from; `proxied`: to the first address of listen_proxy."""
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.settimeout(scaled(timeout))
        if source:
            self.socket.bind((source, 0))
        self.socket.connect((broker.admin_host, broker.admin_port) if admin
                            else broker.proxied if proxied else (broker.host, broker.port))
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, raw):
        self.socket.sendall(raw)

    def send_in_pieces(self, raw, size=1):
        for start in range(0, len(raw), size):
            self.socket.sendall(raw[start:start + size])

    def _fill(self):
        more = self.socket.recv(1 << 18)
        if not more:
            raise EOFError(f"closed by the broker; unread before: {self.buffer[:200]!r}")
        self.buffer += more

    def read(self, size):
        if size > 1 << 16:
            return self._read_large(size)
        while len(self.buffer) < size:
            self._fill()
        taken, self.buffer = self.buffer[:size], self.buffer[size:]
        return taken

    def _read_large(self, size):
        taken = bytearray(self.buffer)
        while len(taken) < size:
            more = self.socket.recv(1 << 20)
            if not more:
                raise EOFError("closed by the broker inside of a frame")
            taken += more
        self.buffer = bytes(taken[size:])
        return bytes(taken[:size])

    def read_head(self):
        while b"\r\n\r\n" not in self.buffer:
            self._fill()
        raw, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        status, *lines = raw.decode("latin-1").split("\r\n")
        headers = {}
        for line in lines:
            name, value = line.split(":", 1)
            headers[name.lower()] = value.strip()
        return Head(int(status.split(" ")[1]), headers)

    def read_http(self):
        """A whole answer: its head and its body by Content-Length."""
        head = self.read_head()
        return head, self.read(int(head.headers.get("content-length", 0)))

    def upgrade(self, path="/ws", **more):
        """The opening handshake, which has to succeed."""
        self.send(upgrade_request(path, **more))
        head = self.read_head()
        assert head.status == 101, (head, self.buffer)
        assert head.headers["sec-websocket-accept"] == ACCEPT
        return head

    def read_frame(self):
        first, second = self.read(2)
        assert not second & 0x80, "a server must not mask (RFC 6455 section 5.1)"
        size = second & 0x7F
        if size == 126:
            size = struct.unpack("!H", self.read(2))[0]
        elif size == 127:
            size = struct.unpack("!Q", self.read(8))[0]
        return Frame(bool(first & 0x80), first & 0x0F, self.read(size), first >> 4 & 7)

    def read_message(self):
        """The next JSON message; pings of the broker are answered on the way."""
        while True:
            got = self.read_frame()
            if got.opcode == PING:
                self.send(frame(PONG, got.payload))
            elif got.opcode == TEXT:
                return got.json()
            else:
                assert got.opcode != CLOSE, f"closed: {got.code} {got.payload[2:]!r}"

    def read_until_close(self):
        """Frames up to the close frame, which is the last; then the broker closes TCP."""
        frames = []
        while not frames or frames[-1].opcode != CLOSE:
            frames.append(self.read_frame())
        return frames

    def is_closed_by_broker(self):
        """Waits for the end of the TCP connection; False when data or nothing comes."""
        try:
            return self.buffer == b"" and self.socket.recv(1) == b""
        except ConnectionResetError:
            return True
        except socket.timeout:
            return False

    def settle(self, timeout):
        """Another time limit for what follows."""
        self.socket.settimeout(scaled(timeout))
