"""The Redis protocol (RESP 2) in a few lines: commands out, replies in."""

import socket


class RedisError(Exception):
    """An error reply of the server."""


class Resp:
    def __init__(self, port, password=None, database=0, timeout=10, user=None):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self.stream = self.socket.makefile("rb")
        if password is not None:
            self.call("AUTH", *([user] if user else []), password)
        if database:
            self.call("SELECT", database)

    def send(self, *words):
        """Sends one command without waiting for its reply; take that with reply()."""
        raw = [word if isinstance(word, bytes) else str(word).encode() for word in words]
        parts = [b"*%d\r\n" % len(raw)]
        parts += [b"$%d\r\n%s\r\n" % (len(word), word) for word in raw]
        self.socket.sendall(b"".join(parts))

    def reply(self):
        answer = self._read()
        if isinstance(answer, RedisError):
            raise answer
        return answer

    def call(self, *words):
        self.send(*words)
        return self.reply()

    def close(self):
        self.stream.close()
        self.socket.close()

    def _read(self):
        line = self.stream.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("Redis closed the connection")
        kind, rest = line[:1], line[1:-2]
        if kind == b"+":
            return rest.decode()
        if kind == b"-":
            return RedisError(rest.decode())
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return None if rest == b"-1" else self.stream.read(int(rest) + 2)[:-2]
        return None if rest == b"-1" else [self._read() for _ in range(int(rest))]
