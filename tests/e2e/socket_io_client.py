"""Socket.IO clients: unmodified packages of the npm registry, each in a process of its own, and
one made by hand that says and hears single packets over a WebSocket."""

import json
import pathlib
import queue
import shutil
import subprocess
import threading
import time

import pytest

from pace import scaled
from tokens import token

HERE = pathlib.Path(__file__).resolve().parent
VERSIONS = ["socket.io-client-40", "socket.io-client-45", "socket.io-client-46",
            "socket.io-client-47", "socket.io-client-48"]
NEWEST = VERSIONS[-1]

needs_node = pytest.mark.skipif(
    not shutil.which("node") or not (HERE / "node_modules" / NEWEST).exists(),
    reason="node or its packages are not installed: npm ci in tests/e2e")


class SocketIo:
    """One client process. What it tells comes in order; next(what) leaves other things out."""

    def __init__(self, broker, package=NEWEST, *, namespace="/", user="42", query="", **options):
        options = {"transports": ["websocket"], "auth": {"token": token(user)},
                   "reconnectionDelay": 50, "reconnectionDelayMax": 200} | options
        options = {name: value for name, value in options.items() if value is not None}
        self.told = []
        self._queue = queue.Queue()
        url = f"http://{broker.host}:{broker.port}{namespace}{query}"
        self.process = subprocess.Popen(
            ["node", str(HERE / "socket_io_client.mjs"), package, url, json.dumps(options)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self._queue.put(json.loads(line))

    def order(self, **what):
        self.process.stdin.write(json.dumps(what) + "\n")
        self.process.stdin.flush()

    def emit(self, *args):
        self.order(emit=args)

    def ask(self, *args, limit=5):
        """Emits and waits for the acknowledgement: its values."""
        number = len(self.told) + 1000
        self.order(emit=args, ack=number)
        return self.next("ack", limit=limit, ack=number)["args"]

    def _pop(self, limit):
        one = self._queue.get(timeout=max(0.0, limit))
        self.told.append(one)
        return one

    def next(self, what, limit=10, **members):
        """The next thing of this kind; others before it are only kept in `told`."""
        end = time.monotonic() + scaled(limit)
        while True:
            try:
                one = self._pop(end - time.monotonic())
            except queue.Empty:
                raise AssertionError(f"no {what} {members} came; told {self.told}") from None
            if one["what"] == what and all(one.get(key) == value
                                           for key, value in members.items()):
                return one

    def event(self, name=None, limit=10):
        """Arguments of the next event, of this name."""
        return self.next("event", limit, **({"event": name} if name else {}))["args"]

    def nothing(self, what, seconds=0.4, **members):
        with pytest.raises(AssertionError):
            self.next(what, limit=seconds, **members)

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
