"""Something that listens like a Redis and answers each command with one line of the test."""

import socket
import threading


class FakeRedis:
    def __init__(self, reply):
        """`reply`: bytes that answer every command, such as b"-LOADING ...\\r\\n"."""
        self.reply = reply
        self.commands = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._sockets = []
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        """Ends it with all its connections; the port is free again."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for one in self._sockets:
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            one.close()

    def _accept(self):
        while True:
            try:
                one, _ = self._listener.accept()
            except OSError:
                return
            self._sockets.append(one)
            threading.Thread(target=self._serve, args=(one,), daemon=True).start()

    def _serve(self, one):
        with one.makefile("rb") as stream:
            try:
                while self._skip_command(stream):
                    self.commands += 1
                    one.sendall(self.reply)
            except (OSError, ValueError):
                pass

    @staticmethod
    def _skip_command(stream):
        head = stream.readline()
        if not head.startswith(b"*"):
            return False
        for _ in range(int(head[1:])):
            stream.read(int(stream.readline()[1:]) + 2)
        return True
