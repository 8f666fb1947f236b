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
import websockets.exceptions
import websockets.sync.client

from pace import scaled
from tokens import token

HERE = pathlib.Path(__file__).resolve().parent
VERSIONS = ["socket.io-client-40", "socket.io-client-45", "socket.io-client-46",
            "socket.io-client-47", "socket.io-client-48"]
RECOVERING = VERSIONS[2:]  # 4.6.0 was the first that says where it was
NEWEST = VERSIONS[-1]

needs_node = pytest.mark.skipif(
    not shutil.which("node") or not (HERE / "node_modules" / NEWEST).exists(),
    reason="node or its packages are not installed: npm ci in tests/e2e")


class SocketIo:
    """One client process. next(what) takes the next thing of that kind; what came before it and is
    something else stays for later."""

    def __init__(self, port, package=NEWEST, *, namespace="/", user="42", query="", **options):
        options = {"transports": ["websocket"], "auth": {"token": token(user)},
                   "reconnectionDelay": 50, "reconnectionDelayMax": 200} | options
        options = {name: value for name, value in options.items() if value is not None}
        self.untaken, self._asked = [], 0
        self._queue = queue.Queue()
        self.process = subprocess.Popen(
            ["node", str(HERE / "socket_io_client.mjs"), package,
             f"http://127.0.0.1:{port}{namespace}{query}", json.dumps(options)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            self._queue.put(json.loads(line))

    def order(self, **what):
        self.process.stdin.write(json.dumps(what) + "\n")
        self.process.stdin.flush()

    def emit(self, *args):
        self.order(emit=args)

    def ask(self, *args, limit=5):
        """Emits and waits for the acknowledgement: its only value."""
        self._asked += 1
        self.order(emit=args, ack=self._asked)
        values = self.next("ack", limit, ack=self._asked)["args"]
        assert len(values) == 1, values
        return values[0]

    def next(self, what, limit=10, **members):
        def fits(one):
            return one["what"] == what and all(one.get(key) == value
                                               for key, value in members.items())

        for index, one in enumerate(self.untaken):
            if fits(one):
                return self.untaken.pop(index)
        end = time.monotonic() + scaled(limit)
        while True:
            try:
                one = self._queue.get(timeout=max(0.0, end - time.monotonic()))
            except queue.Empty:
                raise AssertionError(
                    f"no {what} {members} came, but {self.untaken}") from None
            if fits(one):
                return one
            self.untaken.append(one)

    def event(self, name, limit=10):
        """Arguments of the next event of this name."""
        return self.next("event", limit, event=name)["args"]

    def nothing(self, what, seconds=0.3, **members):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with pytest.raises(AssertionError):
                self.next(what, end - time.monotonic(), **members)

    def close(self):
        self.process.kill()
        self.process.wait()
        self._reader.join()
        self.process.stdin.close()
        self.process.stdout.close()


class Packets:
    """A WebSocket and the packets on it, as text."""

    def __init__(self, broker, query="EIO=4&transport=websocket", **options):
        self.socket = websockets.sync.client.connect(
            f"ws://{broker.host}:{broker.port}/socket.io/?{query}", open_timeout=scaled(10),
            compression=None, max_size=None, **options).__enter__()
        self.opened = json.loads(self.expect("0"))

    @classmethod
    def joined(cls, broker, user="42", auth=None, **options):
        """One that is through with CONNECT; `connect` is what the answer says."""
        packets = cls(broker, **options)
        packets.say("40" + json.dumps({"token": token(user)} | (auth or {})))
        packets.connect = json.loads(packets.expect("40"))
        return packets

    def say(self, packet):
        self.socket.send(packet)

    def hear(self, limit=5):
        return self.socket.recv(timeout=scaled(limit))

    def expect(self, start, limit=5):
        """The next packet but pings, which begins so: what follows."""
        packet = self.hear(limit)
        while packet == "2" and start != "2":
            packet = self.hear(limit)
        assert packet.startswith(start), packet
        return packet[len(start):]

    def event(self, limit=5):
        return json.loads(self.expect("42", limit))

    def ack(self, number, limit=5):
        """The value of the acknowledgement; events before it are passed over."""
        while True:
            packet = self.hear(limit)
            if packet.startswith(f"43{number}["):
                values = json.loads(packet[len(f"43{number}"):])
                assert len(values) == 1
                return values[0]
            assert packet.startswith("42") or packet == "2", packet

    def code(self, limit=5):
        """The close code; what comes before it is passed over."""
        try:
            while True:
                self.hear(limit)
        except websockets.exceptions.ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else None

    def is_silent(self, seconds=0.3):
        """Nothing but pings comes for so long."""
        end = time.monotonic() + seconds
        try:
            while (packet := self.socket.recv(timeout=max(0.0, end - time.monotonic()))) == "2":
                pass
        except TimeoutError:
            return True
        raise AssertionError(packet)

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
