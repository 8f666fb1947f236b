"""What the figures are measured with: a private broker, a private Redis, wsbench, the machine.

Every process is started in a session of its own, stopped by its pid, and ends with this program
even if that is killed. Everything listens on loopback, except the broker's port for clients:
wsbench spreads many connections over 127.0.0.1 to 127.0.0.8, so that it listens on 0.0.0.0.
"""

import base64
import binascii
import ctypes
import datetime
import hashlib
import hmac
import json
import os
import pathlib
import platform
import re
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[1]
READY = re.compile(r"^belfry ready: listen \S*:(?P<port>\d+) admin (?P<admin>\S+) "
                   r"shards (?P<shards>\d+) log (?P<log>\w+)", re.MULTILINE)
START_S, STOP_S, BENCH_S = 15, 15, 240
FILL_BATCH = 1000        # XADDs under way
LOAD_MAX = 0.5           # a load average above it is warned of
BUSY_MAX_PERCENT = 10    # so is a machine this busy before a run begins
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)

# What a run must not have: section and member of wsbench's JSON, and how it is called.
FAULTS = [("delivery", "lost", "lost"), ("delivery", "double", "double"),
          ("delivery", "reordered", "reordered"), ("delivery", "misrouted", "misrouted"),
          ("delivery", "refused", "publications refused"),
          ("connections", "failed", "connections failed"),
          ("connections", "dropped", "connections closed by the broker"),
          ("floor", "lost", "lost by the floor"), ("floor", "double", "doubled by the floor"),
          ("floor", "reordered", "reordered by the floor"),
          ("floor", "send_failures", "sends of the floor failed")]


class RunFailed(Exception):
    """A run that could not be made; the text says why."""


def end_with_parent():
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Process:
    """A child with its output in a file. Stops when the block that it belongs to is left."""

    def __init__(self, words, output, env=None):
        self.name, self.output = pathlib.Path(words[0]).name, output
        try:
            with open(output, "wb") as file:
                self.child = subprocess.Popen(
                    words, env=env, stdin=subprocess.DEVNULL, stdout=file, stderr=file,
                    start_new_session=True, preexec_fn=end_with_parent)
        except OSError as error:
            raise RunFailed(f"{words[0]}: {error.strerror}") from None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def text(self):
        return pathlib.Path(self.output).read_text(errors="replace")

    def wait_until(self, is_ready):
        """What is_ready() gives, as soon as that is true."""
        end = time.monotonic() + START_S
        try:
            while self.child.poll() is None and time.monotonic() < end:
                found = is_ready()
                if found:
                    return found
                time.sleep(0.01)
        except BaseException:
            self.stop()
            raise
        code = self.child.poll()
        why = f"is not ready after {START_S} s" if code is None else f"left with exit code {code}"
        self.stop()
        raise RunFailed(f"{self.name} {why}:\n{self.text()[-2000:]}")

    def stop(self):
        """Asks it to leave, and does not ask twice. Its exit code."""
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGTERM)
            try:
                self.child.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()
        return self.child.returncode


class Broker(Process):
    """A broker of the build with keys of its own. `options` are words of its command line."""

    def __init__(self, rig, options):
        self.rig, self.secret, self.api_key = rig, secrets.token_hex(32), secrets.token_hex(16)
        self.started_s = time.monotonic()
        words = [str(rig.folder / "belfry"), "--listen", "0.0.0.0:0", "--admin", "127.0.0.1:0",
                 "--shards", str(rig.shards), *options]
        env = {name: value for name, value in os.environ.items()
               if not name.startswith("BELFRY_")
               and name not in ("REDIS_URL", "SECRET_KEY", "ALGORITHM")}
        env |= {"BELFRY_SECRET_KEY": self.secret, "BELFRY_API_KEY": self.api_key}
        super().__init__(words, rig.folder / "belfry.log", env)
        ready = self.wait_until(lambda: READY.search(self.text()))
        self.port, self.admin = int(ready["port"]), ready["admin"]

    def bench(self, mode, conns, *words, redis=None):
        """A run of wsbench against this broker, that publishes by HTTP or to `redis`."""
        where = ["--redis", redis] if redis else \
            ["--admin", f"http://{self.admin}", "--api-key", self.api_key]
        try:
            seen = self.rig.bench(
                mode, conns, "--target", f"127.0.0.1:{self.port}", "--secret", self.secret,
                "--broker-pid", str(self.child.pid), *where, *words)
        finally:
            has_left = self.child.poll() is not None
            if has_left:
                self.rig.note_fault(f"the broker left with exit code {self.child.returncode}:\n"
                                    + self.text()[-2000:])
        if has_left:
            raise RunFailed("without a broker there is nothing to measure")
        return seen

    def get(self, path):
        """Status and text of what the address for operators answers."""
        try:
            with urllib.request.urlopen(f"http://{self.admin}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode(errors="replace")
        except OSError as error:
            raise RunFailed(f"GET {path}: {error}") from None

    def metric(self, name):
        """The sum of a metric over all its labels; 0 when there is none."""
        found = re.findall(rf"^{name}(?:\{{[^}}]*\}})? (\d+)$", self.get("/metrics")[1],
                           re.MULTILINE)
        return sum(int(value) for value in found)

    def thread_cpu_s(self, name):
        """Processor time of the threads of that name."""
        tasks = pathlib.Path(f"/proc/{self.child.pid}/task")
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks.iterdir()
                   if (task / "comm").read_text().strip() == name) / 1e9

    def cpu_s(self):
        """Processor time of all its threads."""
        tasks = pathlib.Path(f"/proc/{self.child.pid}/task")
        return sum(int((task / "schedstat").read_text().split()[0])
                   for task in tasks.iterdir()) / 1e9

    def pss_mib(self):
        text = pathlib.Path(f"/proc/{self.child.pid}/smaps_rollup").read_text()
        return int(re.search(r"^Pss: +(\d+) kB", text, re.MULTILINE)[1]) / 1024

    def token(self, user):
        """What lets that user in, for an hour."""
        def part(content):
            return base64.urlsafe_b64encode(content).rstrip(b"=")
        claims = json.dumps({"sub": user, "exp": int(time.time()) + 3600}).encode()
        signed = part(b'{"alg":"HS256","typ":"JWT"}') + b"." + part(claims)
        seal = hmac.new(self.secret.encode(), signed, hashlib.sha256).digest()
        return (signed + b"." + part(seal)).decode()

    def stop(self):
        was_running = self.child.poll() is None
        code = super().stop()
        if was_running and code != 0:
            self.rig.note(f"the broker left with exit code {code} after SIGTERM:\n"
                          + self.text()[-2000:])
        return code


def partition(channel, partitions):
    """The one of so many that the channel lies in, by the CRC16 of Redis Cluster."""
    return binascii.crc_hqx(channel.encode(), 0) % partitions


def key_of(channel, partitions):
    """The stream that the channel's entries are appended to."""
    if partitions == 1:
        return "belfry:in"
    return f"belfry:in:{{{partition(channel, partitions)}}}"


class Redis(Process):
    """A redis-server on a free port that keeps nothing."""

    def __init__(self, folder):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        if not shutil.which("redis-server"):
            raise RunFailed("redis-server is not installed")
        super().__init__(["redis-server", "--port", str(self.port), "--bind", "127.0.0.1",
                          "--dir", str(folder), "--save", "", "--appendonly", "no",
                          "--daemonize", "no"], folder / "redis.log")
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.wait_until(self._answers)

    def _answers(self):
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1) as client:
                client.sendall(b"PING\r\n")
                return client.recv(16).startswith(b"+PONG")
        except OSError:
            return False

    def fill(self, count, to, partitions=1):
        """Appends so many entries of 128 bytes of data to the log; to(i) is the channel."""
        data = b'{"code":"123456","text":"' + 101 * b"x" + b'"}'

        def entry(number):
            channel = to(number)
            words = [b"XADD", key_of(channel, partitions).encode(), b"*", b"to",
                     channel.encode(), b"type", b"notification", b"event", b"sms.received",
                     b"data", data]
            return b"*%d\r\n" % len(words) + b"".join(
                b"$%d\r\n%s\r\n" % (len(word), word) for word in words)
        with socket.create_connection(("127.0.0.1", self.port), 30) as client:
            for first in range(0, count, FILL_BATCH):
                numbers = range(first, min(first + FILL_BATCH, count))
                client.sendall(b"".join(map(entry, numbers)))
                lines, seen = 2 * len(numbers), 0
                while seen < lines:
                    got = client.recv(1 << 16)
                    if not got or got.startswith(b"-"):
                        raise RunFailed(f"Redis: {got[:200]!r}")
                    seen += got.count(b"\n")


class Reader(threading.Thread):
    """A client on a WebSocket of its own that takes everything and counts the notifications."""

    MARK = b'"event_id":"1'

    def __init__(self, broker, user):
        super().__init__(daemon=True)
        self.received, self.last_s = 0, 0.0
        self.socket = socket.create_connection(("127.0.0.1", broker.port), 10)
        key = base64.b64encode(secrets.token_bytes(16)).decode()
        self.socket.sendall(
            f"GET /ws/notifications?token={broker.token(user)} HTTP/1.1\r\nHost: perf\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            f"Sec-WebSocket-Key: {key}\r\n\r\n".encode())
        seen = b""
        while b'"type":"connected"' not in seen:
            got = self.socket.recv(1 << 16)
            if not got:
                raise RunFailed(f"the reader was refused: {seen[:500]!r}")
            seen += got

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # the broker was first
        self.join()
        self.socket.close()

    def run(self):
        rest = b""
        try:
            self.socket.settimeout(None)
            while got := self.socket.recv(1 << 20):
                found = (rest + got).count(self.MARK)
                if found:
                    self.received, self.last_s = self.received + found, time.monotonic()
                rest = got[1 - len(self.MARK):]
        except OSError:
            pass  # the end: what is missing shows in `received`


class Seen:
    """What wsbench saw: seen("section", "member") is a number, or None where there is none."""

    def __init__(self, json_text):
        self.all = json.loads(json_text)

    def __call__(self, section, member):
        return self.all.get(section, {}).get(member)

    def faults(self):
        return [(self(section, member), text) for section, member, text in FAULTS
                if self(section, member)]


class Rig:
    """One sitting: the temporary folder, and what went wrong in it.

    The binaries are copied there, so that a build meanwhile does not change what is measured.
    """

    def __init__(self, build, shards):
        self.build, self.shards = build, shards
        self.folder = None
        self.faults, self.notes, self.seen = [], [], []  # since take()

    def __enter__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="belfry-figures-"))
        try:
            for name in ("belfry", "wsbench"):
                shutil.copy2(self.build / name, self.folder / name)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder, ignore_errors=True)

    def broker(self, *options):
        return Broker(self, options)

    def redis(self):
        return Redis(self.folder)

    def bench(self, mode, conns, *words):
        """Runs wsbench to its end. What it counts as wrong becomes a fault of the run."""
        report = self.folder / "wsbench.json"
        report.unlink(missing_ok=True)
        command = [str(self.folder / "wsbench"), mode, "--conns", str(conns), "--deadline", "60",
                   "--json", str(report), *words]
        with Process(command, self.folder / "wsbench.log") as process:
            try:
                code = process.child.wait(BENCH_S)
            except subprocess.TimeoutExpired:
                raise RunFailed(f"wsbench {mode} did not end within {BENCH_S} s") from None
            if code not in (0, 1) or not report.exists():
                raise RunFailed(f"wsbench {mode}: exit code {code}:\n{process.text()[-2000:]}")
        seen = Seen(report.read_text())
        self.seen.append(seen.all)
        faults = [f"{count:,.0f} {text}" for count, text in seen.faults()]
        if code == 1 and not faults:
            faults = ["something did not come within 60 s; see the messages of wsbench:\n"
                      + process.text()[-2000:]]
        for fault in faults:
            self.note_fault(f"{mode} at {conns:,}: {fault}")
        return seen

    def note_fault(self, text):
        self.faults.append(text)

    def note(self, text):
        self.notes.append(text)

    def take(self):
        """Faults, notes and raw results since the last call."""
        taken = self.faults, self.notes, self.seen
        self.faults, self.notes, self.seen = [], [], []
        return taken


# ---- the machine ----

def first_line(*words):
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip().split("\n")[0] if done.returncode == 0 else None


def cpu_model():
    found = re.search(r"^(?:model name|CPU part)\s*: (.*)$",
                      pathlib.Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found[1] if found else platform.machine()


def governor():
    try:
        path = "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"
        return pathlib.Path(path).read_text().strip()
    except OSError:
        return "unknown"


def source():
    commit = first_line("git", "-C", str(ROOT), "rev-parse", "--short", "HEAD")
    if not commit:
        return "unknown"
    changed = first_line("git", "-C", str(ROOT), "status", "--porcelain", "-uno")
    return commit + (" and changes" if changed else "")


def build_kind(build):
    try:
        options = json.loads((build / "meson-info" / "intro-buildoptions.json").read_text())
    except (OSError, ValueError):
        return "unknown"
    values = {option["name"]: option["value"] for option in options}
    sanitizers = values.get("b_sanitize", "none")
    sanitizers = sanitizers if isinstance(sanitizers, str) else ",".join(sanitizers) or "none"
    return f"{values.get('buildtype')}, LTO {'on' if values.get('b_lto') else 'off'}" \
        + (f", sanitizers {sanitizers}" if sanitizers != "none" else "")


def busy_percent(seconds):
    """How busy all CPUs are for so long, of what they could do. Waits meanwhile."""
    def read():
        words = pathlib.Path("/proc/stat").read_text().split("\n")[0].split()[1:9]
        ticks = [int(word) for word in words]
        return sum(ticks), ticks[3] + ticks[4]  # idle and iowait
    (all_before, idle_before) = read()
    time.sleep(seconds)
    (all_after, idle_after) = read()
    passed = all_after - all_before
    return 100 * (1 - (idle_after - idle_before) / passed) if passed else 0


def conditions(rig):
    """Name and value of everything that a figure depends on."""
    redis = first_line("redis-server", "--version") or "not installed"
    version = re.search(r"v=(\S+)", redis)
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"),
        "kernel": f"{platform.system()} {platform.release()}, {platform.machine()}",
        "CPUs": f"{len(os.sched_getaffinity(0))} x {cpu_model()}, governor {governor()}",
        "load average": " ".join(f"{load:.2f}" for load in os.getloadavg()),
        "belfry": first_line(str(rig.folder / "belfry"), "--version") or "unknown",
        "source": source(),
        "build": build_kind(rig.build),
        "redis-server": version[1] if version else redis,
        "shards": str(rig.shards),
    }
