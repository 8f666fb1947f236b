"""Compressed messages made by hand, data that shrinks and data that does not."""

import base64
import json
import random
import zlib

from openmetrics import scrape
from raw_socket import CLOSE, TEXT, RawSocket

PMD = "permessage-deflate"
AGREED = PMD + "; server_no_context_takeover; client_no_context_takeover"
OFFER = ("Sec-WebSocket-Extensions: " + PMD,)
RSV1 = 4
TAIL = b"\x00\x00\xff\xff"


def deflate(data, level=6, bits=-15):
    """The payload of a compressed message."""
    coder = zlib.compressobj(level, zlib.DEFLATED, bits)
    return (coder.compress(data) + coder.flush(zlib.Z_SYNC_FLUSH))[:-4]


def inflate(payload, bits=-15):
    return zlib.decompressobj(bits).decompress(payload + TAIL)


def text_of(got, bits=-15):
    """The text of a frame, compressed or not."""
    assert got.opcode == TEXT and got.final and got.rsv in (0, RSV1)
    return inflate(got.payload, bits) if got.rsv else got.payload


def items(count, seed=1):
    """Data as notifications have them: they repeat names and differ in values."""
    pick = random.Random(seed)
    return [{"id": pick.randrange(1 << 30), "name": pick.choice("abcdefgh") * 5,
             "text": "Anna mentioned you in a comment", "read": False} for _ in range(count)]


def noise(size, seed=1):
    """JSON text that hardly shrinks."""
    raw = random.Random(seed).randbytes(size)
    return json.dumps(base64.b85encode(raw).decode()[:size])


def counted(broker, name):
    return scrape(broker).total(f"belfry_{name}_total")


def open_raw(broker, path="/ws", offer=OFFER, **more):
    """A connection by hand that has agreed on compression; it has read `connected`."""
    raw = RawSocket(broker, **{key: more.pop(key) for key in ("receive_buffer", "timeout")
                               if key in more})
    head = raw.upgrade(path, headers=offer, **more)
    assert head.headers["sec-websocket-extensions"].startswith(AGREED)
    if path == "/ws":
        assert raw.read_message()["type"] == "connected"
    return raw


def assert_closes(raw, code, reason=None):
    got = raw.read_frame()
    assert (got.opcode, got.code) == (CLOSE, code), (got.opcode, got.payload[:100])
    assert reason is None or got.payload[2:].decode() == reason
    assert raw.is_closed_by_broker()
