"""One private redis-server on a free port, with its own directory, that can be killed."""

import signal
import socket
import subprocess

from pace import wait_until
from resp import RedisError, Resp


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class RedisServer:
    def __init__(self, directory, password=None, start=True):
        self.directory = directory
        self.password = password
        self.port = free_port()
        self.process = None
        if start:
            self.start()

    def url(self, database=0, password=True):
        """redis://… of this server; `password` may be another one, or None for none."""
        word = self.password if password is True else password
        login = f":{word}@" if word else ""
        return f"redis://{login}127.0.0.1:{self.port}/{database}"

    def start(self):
        """Starts the server, also again: the append-only file keeps streams and their ids."""
        command = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1",
                   "--dir", str(self.directory), "--appendonly", "yes",
                   "--appendfsync", "always", "--save", "", "--daemonize", "no",
                   "--logfile", str(self.directory / "redis.log")]
        if self.password:
            command += ["--requirepass", self.password]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        wait_until(self._answers, "redis-server answers PING", limit=15)

    def kill(self):
        """SIGKILL: connections break at once, nothing is said."""
        self.process.kill()
        self.process.wait()
        self.process = None

    def freeze(self):
        """SIGSTOP: connections stay, nothing answers."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def connect(self, database=0):
        return Resp(self.port, self.password, database)

    def stop(self):
        if self.process:
            self.thaw()
            self.kill()

    def _answers(self):
        try:
            client = self.connect()
        except (OSError, RedisError):
            return False
        try:
            return client.call("PING") == "PONG"
        except (OSError, RedisError):
            return False
        finally:
            client.close()
