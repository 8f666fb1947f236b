"""One private broker process: started on free ports, asked over HTTP, stopped."""

import dataclasses
import http.client
import json
import os
import pathlib
import re
import signal
import subprocess
import threading

from pace import scaled, wait_until
from tokens import SECRET

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
BINARY = os.environ.get("BELFRY_BINARY", str(REPOSITORY / "build" / "belfry"))
API_KEY = "api-key-of-the-end-to-end-tests"

READY = re.compile(r"^belfry ready: listen (?P<listen>.+?) admin (?P<admin>\S+) "
                   r"shards (?P<shards>\d+) log (?P<log>\S+)"
                   r"(?: listen_proxy (?P<proxied>\S+))?$", re.MULTILINE)

DEFAULTS = {"listen": "127.0.0.1:0", "admin": "127.0.0.1:0", "shards": 1,
            "secret_key": SECRET, "api_key": API_KEY}


@dataclasses.dataclass
class Answer:
    """An HTTP answer. Header names are in lower case."""
    status: int
    headers: dict
    body: bytes

    def json(self):
        return json.loads(self.body)


def arguments(settings):
    """Command line words of settings: keys with underscores, a list repeats its key."""
    words = []
    for key, value in settings.items():
        for one in value if isinstance(value, list) else [value]:
            if one is not None:
                words += ["--" + key.replace("_", "-"), str(one)]
    return words


def environment(extra=None):
    """The environment of a broker: nothing of this one's that would configure it."""
    own = {name: value for name, value in os.environ.items()
           if not name.startswith("BELFRY_")
           and name not in ("REDIS_URL", "SECRET_KEY", "ALGORITHM")}
    return own | (extra or {})


def run_to_end(*words, env=None, stdin=None, cwd=None):
    """Runs the binary until it exits by itself; for --check, --help and refused starts."""
    return subprocess.run([BINARY, *words], env=environment(env), input=stdin, cwd=cwd,
                          capture_output=True, text=True, timeout=scaled(10), check=False)


class Broker:
    """A running broker. `settings` go on top of DEFAULTS; None there leaves a key out."""

    def __init__(self, settings, env=None, words=(), meanwhile=None):
        """`meanwhile` is called once the process was started, before it is ready."""
        self.stdout, self.stderr = [], []
        self.process = subprocess.Popen(
            [BINARY, *words, *arguments(DEFAULTS | settings)], env=environment(env),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.readers = [start_reader(self.process.stdout, self.stdout),
                        start_reader(self.process.stderr, self.stderr)]
        self.expects_exit = False
        self.exit_codes = {0}
        if meanwhile:
            meanwhile()
        ready = wait_until(self._find_ready, "the broker prints its ready line", limit=10)
        self.addresses = [address(one) for one in re.split(r"[,\s]+", ready["listen"])]
        self.host, self.port = self.addresses[0]
        self.proxied = [address(one) for one in (ready["proxied"] or "off").split(",")][0]
        self.admin_host, self.admin_port = address(ready["admin"])  # None: admin is off
        self.shards, self.log_kind = int(ready["shards"]), ready["log"]

    def _find_ready(self):
        ready = READY.search("".join(self.stdout))
        if not ready and not self.is_running():
            self._join_readers()
            raise AssertionError(f"exit code {self.process.returncode}:\n{self.output()}")
        return ready

    def _join_readers(self):
        for reader in self.readers:
            reader.join(timeout=scaled(5))

    def output(self):
        """Everything it printed so far, standard output first."""
        return "".join(self.stdout + self.stderr)

    def says(self, *words):
        """One of the words is in what it printed."""
        return any(word.lower() in self.output().lower() for word in words)

    def url(self, path="/ws", scheme="ws"):
        return f"{scheme}://{self.host}:{self.port}{path}"

    def ask(self, path, method="GET", body=None, headers=None, admin=False):
        """One HTTP request on a connection of its own."""
        host, port = ((self.admin_host, self.admin_port) if admin else (self.host, self.port))
        connection = http.client.HTTPConnection(host, port, timeout=scaled(10))
        try:
            connection.request(method, path, body, headers or {})
            return read_answer(connection)
        finally:
            connection.close()

    def ask_admin(self, path, **more):
        return self.ask(path, admin=True, **more)

    def ask_api(self, path, method="GET", body=None, **headers):
        """A request to the HTTP API with the key that opens it."""
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.ask_admin(path, method=method, body=body,
                              headers={"Authorization": f"Bearer {API_KEY}"} | more)

    def is_ready(self):
        """/readyz says that it is: the log can be read and written."""
        return self.ask_admin("/readyz").status == 200

    def wait_until_ready(self, limit=15):
        wait_until(self.is_ready, "/readyz says 200", limit)

    def wait_until_bridged(self, limit=15):
        """It hears what is published on Redis."""
        def hears():
            return self.ask("/ws/health").json()["redis"]["pubsub_connected"]
        wait_until(hears, "/ws/health says that Pub/Sub is connected", limit)

    def is_running(self):
        return self.process.poll() is None

    def terminate(self):
        """SIGTERM; the broker is then expected to leave by itself."""
        self.expects_exit = True
        self.process.send_signal(signal.SIGTERM)

    def kill(self):
        """SIGKILL: what it did not write down is gone."""
        self.expects_exit = True
        self.exit_codes = {-signal.SIGKILL}
        self.process.kill()
        self.process.wait()

    def wait_for_exit(self, limit=10):
        code = self.process.wait(timeout=scaled(limit))
        self._join_readers()
        return code

    def stop(self):
        """For the end of a test: whatever the test did, the broker lives and leaves with 0."""
        crashed = not self.expects_exit and not self.is_running()
        if not self.expects_exit and self.is_running():
            self.terminate()
        try:
            code = self.wait_for_exit(limit=15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            code = "none: it did not leave after SIGTERM"
        assert not crashed and code in self.exit_codes, \
            f"exit code {code}\n{self.output()[-4000:]}"
        assert "Sanitizer" not in self.output(), self.output()[-8000:]


def start_reader(stream, lines):
    def read():
        for line in stream:
            lines.append(line.decode(errors="replace"))
    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    return reader


def address(text):
    if text == "off":
        return None, None
    host, port = text.rsplit(":", 1)
    return host.strip("[]"), int(port)


def read_answer(connection):
    answer = connection.getresponse()
    headers = {name.lower(): value for name, value in answer.getheaders()}
    return Answer(answer.status, headers, answer.read())
