"""A TCP proxy of our own between two parties: it delays, cuts, falls silent, changes its target."""

import socket
import struct
import threading
import time


class _Pair:
    """One connection through the proxy, both ends."""

    def __init__(self, near, far):
        self.near, self.far = near, far
        self.is_silent = False

    def reset(self):
        """Both ends read "connection reset": that is SO_LINGER of 0 seconds."""
        for end in (self.near, self.far):
            try:
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                end.shutdown(socket.SHUT_RD)  # wakes the thread that reads it
            except OSError:
                pass
            end.close()


class Proxy:
    """Listens on a free port and passes on to `target`, a port of 127.0.0.1 that may change."""

    def __init__(self, target):
        self.target = target
        self.delay = 0.0  # seconds that each piece is held back, in both directions
        self.accepted = 0
        self._flows = threading.Event()
        self._flows.set()
        self._pairs = []
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self._listener.getsockname()[1]
        self._is_closed = False
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self):
        """Every connection ends at once; new ones are served."""
        with self._lock:
            pairs, self._pairs = self._pairs, []
        for pair in pairs:
            pair.reset()

    def fall_silent(self):
        """Connections that are there stay open for good, but nothing passes any more, as when a
        machine on the way has died. New ones are served."""
        with self._lock:
            for pair in self._pairs:
                pair.is_silent = True

    def freeze(self):
        """Nothing passes, and new connections are made but not served, until thaw()."""
        self._flows.clear()

    def thaw(self):
        self._flows.set()

    def close(self):
        self._is_closed = True
        self._listener.close()
        self.thaw()
        self.cut()

    def _accept(self):
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            self._flows.wait()
            if self._is_closed:
                near.close()
                return
            try:
                far = socket.create_connection(("127.0.0.1", self.target), timeout=5)
            except OSError:
                near.close()
                continue
            self._start(near, far)

    def _start(self, near, far):
        far.settimeout(None)
        pair = _Pair(near, far)
        for end in (near, far):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._lock:
            self._pairs.append(pair)
            self.accepted += 1
        for source, sink in ((near, far), (far, near)):
            threading.Thread(target=self._pump, args=(pair, source, sink), daemon=True).start()

    def _pump(self, pair, source, sink):
        try:
            while True:
                piece = source.recv(1 << 16)
                self._flows.wait()
                if self.delay:
                    time.sleep(self.delay)
                if pair.is_silent:
                    if not piece:
                        return  # the other side does not hear of it
                    continue
                if not piece:
                    sink.shutdown(socket.SHUT_WR)
                    return
                sink.sendall(piece)
        except OSError:
            if not pair.is_silent:
                pair.reset()
