"""One private redis-server on a free port, with its own directory, that can be killed."""

import contextlib
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
    def __init__(self, directory, password=None, start=True, appendonly=True, replica_of=None,
                 words=()):
        """`replica_of`: another RedisServer. `words`: more of the command line."""
        self.directory = directory
        self.password = password
        self.appendonly = appendonly
        self.words = list(words)
        if replica_of:
            self.words += ["--replicaof", "127.0.0.1", str(replica_of.port),
                           "--repl-diskless-sync", "yes", "--repl-diskless-sync-delay", "0"]
        self.port = free_port()
        self.process = None
        if start:
            self.start()

    def url(self, database=0, password=True, port=None):
        """redis://… of this server; `password` may be another one, or None for none. `port`: that
        of a proxy before it."""
        word = self.password if password is True else password
        login = f":{word}@" if word else ""
        return f"redis://{login}127.0.0.1:{port or self.port}/{database}"

    def start(self):
        """Starts the server, also again: the append-only file keeps streams and their ids."""
        command = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1",
                   "--dir", str(self.directory),
                   "--appendonly", "yes" if self.appendonly else "no",
                   "--appendfsync", "always", "--save", "", "--daemonize", "no",
                   "--logfile", str(self.directory / "redis.log"), *self.words]
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

    def call(self, *words):
        """One command on a connection of its own."""
        with contextlib.closing(self.connect()) as client:
            return client.call(*words)

    def promote(self):
        """A replica becomes the master, also when it is started again."""
        self.call("REPLICAOF", "NO", "ONE")
        if "--replicaof" in self.words:
            at = self.words.index("--replicaof")
            del self.words[at:at + 3]

    def wait_for_replica(self, replica, limit=10):
        """The replica is connected and has everything that is here."""
        def is_level():
            mine, its = self._replication(), replica._replication()
            return (its.get("master_link_status") == "up"
                    and mine["master_repl_offset"] == its["slave_repl_offset"])
        wait_until(is_level, "the replica has everything", limit)

    def _replication(self):
        lines = self.call("INFO", "replication").decode().split("\r\n")
        return dict(line.split(":", 1) for line in lines if ":" in line)

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


class Sentinel:
    """One redis-server as Sentinel; it alone decides that a master is down."""

    def __init__(self, directory, name, master):
        self.port = free_port()
        self.name = name
        config = directory / "sentinel.conf"
        config.write_text(f"""port {self.port}
bind 127.0.0.1
dir {directory}
logfile {directory / "sentinel.log"}
sentinel monitor {name} 127.0.0.1 {master.port} 1
sentinel down-after-milliseconds {name} 500
sentinel failover-timeout {name} 5000
""")
        self.process = subprocess.Popen(["redis-server", str(config), "--sentinel"],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(self.master_port, "the Sentinel knows the master", limit=10)

    def url(self, database=0):
        return f"redis+sentinel://127.0.0.1:{self.port}/{self.name}/{database}"

    def _call(self, *words):
        with contextlib.closing(Resp(self.port)) as client:
            return client.call(*words)

    def master_port(self):
        """Port of the present master; None while it is not known."""
        try:
            address = self._call("SENTINEL", "GET-MASTER-ADDR-BY-NAME", self.name)
        except (OSError, RedisError):
            return None
        return int(address[1]) if address else None

    def knows_replica(self):
        try:
            found = self._call("SENTINEL", "REPLICAS", self.name)
        except (OSError, RedisError):
            return False
        return any(b"slave" in replica[replica.index(b"flags") + 1]
                   and b"down" not in replica[replica.index(b"flags") + 1]
                   and replica[replica.index(b"master-link-status") + 1] == b"ok"
                   for replica in found)

    def stop(self):
        self.process.kill()
        self.process.wait()
