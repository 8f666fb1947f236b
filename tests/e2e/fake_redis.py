"""Something that listens like a Redis and answers each command with one line of the test."""

import socket
import threading


class FakeRedis:
    def __init__(self, reply):
        """`reply`: bytes that answer every command, such as b"-LOADING ...\\r\\n", or a function
        from its first word to such bytes."""
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
                while word := self._take_command(stream):
                    self.commands += 1
                    one.sendall(self.reply(word) if callable(self.reply) else self.reply)
            except (OSError, ValueError):
                pass

    @staticmethod
    def _take_command(stream):
        """Its first word; None: that was the last one."""
        head = stream.readline()
        if not head.startswith(b"*"):
            return None
        words = [stream.read(int(stream.readline()[1:]) + 2)[:-2] for _ in range(int(head[1:]))]
        return words[0]
