"""The embedded log with a file: what was answered survives, whatever ends the process."""

import asyncio
import json
import os
import resource
import shutil
import subprocess

import pytest

from broker import DEFAULTS, arguments, run_to_end
from client import Client, resume
from pace import wait_until


@pytest.fixture
def path(tmp_path):
    return tmp_path / "belfry.log"


@pytest.fixture
def start(start_broker, path):
    """start(…): a broker on the file."""
    def start_on_file(**settings):
        return start_broker(**{"log_file": str(path), "log_fsync": "always"} | settings)
    return start_on_file


def segments(path):
    """The files that hold the log, oldest first."""
    return sorted(path.parent.glob(path.name + ".[0-9]*"))


def number_of(event_id):
    return tuple(map(int, event_id.split("-")))


async def everything_after(broker, event_id, user="42"):
    async with await Client.open(broker, resume(event_id), user=user) as client:
        assert client.connected["recovered"] is True, client.connected
        return await client.take(client.connected["replayed"])


@pytest.mark.parametrize("end", ["stop", "kill"])
@pytest.mark.parametrize("fsync", ["always", "second", "never"])
async def test_what_was_published_is_there_after_the_process_ended(start, producers, end, fsync):
    """Even without fsync: the kernel has it. fsync is for when the machine fails."""
    broker = start(log_fsync=fsync)
    producer = producers(broker)
    ids = [producer.publish("user:42", str(number), id=f"n{number}", event="e.x")
           for number in range(50)]
    getattr(broker, end)()
    got = await everything_after(start(log_fsync=fsync), ids[9])
    assert [message["event_id"] for message in got] == ids[10:]
    assert [message["data"] for message in got] == list(range(10, 50))
    assert {message["event"] for message in got} == {"e.x"}
    assert [message["id"] for message in got] == [f"n{number}" for number in range(10, 50)]


async def test_ids_grow_over_restarts(start, producers):
    ids = []
    for _ in range(4):
        broker = start()
        producer = producers(broker)
        ids += [producer.publish("user:42", "1") for _ in range(5)]
        broker.kill()
    assert [number_of(one) for one in ids] == sorted({number_of(one) for one in ids})


async def test_read_state_and_dedupe_survive(start, producers):
    broker = start()
    producer = producers(broker)
    for number in range(4):
        producer.publish("user:42", str(number), id=f"n{number}")
    async with await Client.open(broker) as client:
        await client.take(4)
        await client.send({"type": "mark_read", "notification_id": "n2"})
        await client.next_of("notification_read")
    broker.kill()
    broker = start()
    producers(broker).publish("user:42", '"again"', id="n3")
    async with await Client.open(broker) as client:
        assert client.connected["unread"] == 3
        got = await client.take(client.connected["replayed"])
        assert [one["data"] for one in got if one["type"] == "notification"] == [0, 1, 2, 3]


async def test_keys_and_ttl_hold_after_a_restart(start, producers):
    broker = start()
    producer = producers(broker)
    before = producer.publish("user:42", '"before"')
    for number in range(3):
        producer.publish("user:42", str(number), key="k")
    producer.publish("user:42", '"short"', ttl="1")
    broker.kill()
    await asyncio.sleep(1.1)
    assert [one["data"] for one in await everything_after(start(), before)] == [2]


@pytest.mark.parametrize("harm", ["cut_1", "cut_7", "cut_100", "zeros", "noise", "half_copy"])
async def test_a_torn_end_costs_only_what_is_torn(start, producers, path, harm):
    """As after a power failure in the middle of a write."""
    broker = start()
    producer = producers(broker)
    ids = [producer.publish("user:42", json.dumps("x" * 200)) for _ in range(20)]
    broker.kill()
    newest = segments(path)[-1]
    content = newest.read_bytes()
    if harm.startswith("cut_"):
        newest.write_bytes(content[:-int(harm[4:])])
    else:
        tail = {"zeros": bytes(4096), "noise": os.urandom(300), "half_copy": content[-150:]}[harm]
        newest.write_bytes(content + tail)
    broker = start()
    got = await everything_after(broker, ids[0])
    assert [message["event_id"] for message in got][:18] == ids[1:19]
    assert len(got) in (18, 19)
    new = producers(broker).publish("user:42", '"new"')
    assert number_of(new) > number_of(ids[-1]) or len(got) == 18
    broker.kill()
    got = await everything_after(start(), ids[0])
    assert got[-1]["event_id"] == new, "what is written behind the torn end is read again"


async def test_harm_in_the_middle_is_not_silent(start, start_broker, producers, path):
    """A byte that changed on the disk: it refuses to start, or says what is lost."""
    broker = start()
    producer = producers(broker)
    ids = [producer.publish("user:42", json.dumps("x" * 200)) for _ in range(20)]
    broker.kill()
    newest = segments(path)[-1]
    content = bytearray(newest.read_bytes())
    content[len(content) // 2] ^= 0x40
    newest.write_bytes(content)
    result = None
    try:
        broker = start()
    except AssertionError as refused:
        result = str(refused)
    if result:
        assert "belfry.log" in result or "log_file" in result
        return
    assert any(word in broker.output().lower() for word in ("damaged", "corrupt", "lost", "broken",
                                                            "checksum", "torn", "cut"))
    async with await Client.open(broker, resume(ids[0])) as client:
        got = [message["event_id"] for message in await client.take(client.connected["replayed"])]
        assert client.connected["recovered"] is False or got == ids[1:len(got) + 1]


@pytest.mark.heavy
async def test_kill_9_in_the_middle_of_writing_loses_nothing_that_was_answered(start, producers):
    """Five times; what was answered with an id is there, in order, each once."""
    answered = []
    broker = start(log_fsync="second")
    first = producers(broker).publish("user:42", "-1")
    for _ in range(5):
        producer = producers(broker)

        def publish(producer=producer):
            while True:
                entries = [("user:42", str(len(answered) + number)) for number in range(10)]
                try:
                    answered.extend(producer.publish_many(entries))
                except Exception:  # pylint: disable=broad-except
                    return  # the broker is gone
        publishing = asyncio.create_task(asyncio.to_thread(publish))
        await asyncio.sleep(0.3)
        broker.kill()
        await publishing
        broker = start(log_fsync="second")
    got = [message["event_id"] for message in await everything_after(broker, first)]
    assert len(answered) > 100
    assert set(answered) <= set(got)
    assert [number_of(one) for one in got] == sorted({number_of(one) for one in got})


@pytest.mark.heavy
async def test_the_file_does_not_grow_without_bound(start, producers, path):
    """What can no longer be replayed need not be kept."""
    settings = {"retention_entries": 10, "history_memory": "16m", "log_fsync": "never",
                "max_message_size": "1m"}
    broker = start(**settings)
    producer = producers(broker)
    for number in range(330):
        producer.publish("user:42", f'{{"n":{number},"pad":"{"x" * 1000000}"}}')

    def written():
        return sum(one.stat().st_size for one in segments(path))
    wait_until(lambda: written() < 140 << 20, "330 MB were written, less than 140 are kept", 25)
    broker.kill()
    broker = start(**settings)
    assert written() < 140 << 20
    async with await Client.open(broker, max_size=None) as client:
        assert client.connected["replayed"] == 10
        assert [data["n"] for data in await client.data(10)] == list(range(320, 330))


def test_two_brokers_do_not_share_a_file(start, path):
    start()
    result = run_to_end(*arguments(DEFAULTS | {"log_file": str(path)}))
    assert result.returncode not in (0, None)
    assert "belfry.log" in result.stdout + result.stderr


def test_log_file_and_redis_are_refused_together(path):
    words = arguments(DEFAULTS | {"log_file": str(path), "redis": "redis://127.0.0.1:6379"})
    result = run_to_end(*words, "--check")
    assert result.returncode == 64 and "log-file" in result.stderr


@pytest.mark.parametrize("where", ["/proc/nothing/belfry.log", "/proc/belfry.log", "/dev/full",
                                   "directory"])
def test_a_file_that_cannot_be_used_stops_the_start(tmp_path, where):
    where = str(tmp_path) if where == "directory" else where
    result = run_to_end(*arguments(DEFAULTS | {"log_file": where}))
    assert result.returncode in (1, 64)
    assert where in result.stderr


async def test_the_epoch_is_that_of_the_file(start, producers, path):
    """Another one tells clients that something was lost: only with another file."""
    async def epoch(broker):
        async with await Client.open(broker) as client:
            return client.connected["epoch"]
    broker = start()
    first = await epoch(broker)
    producers(broker).publish("user:42", "1")
    for end in ("kill", "stop"):
        getattr(broker, end)()
        broker = start()
        assert await epoch(broker) == first
    broker.stop()
    for segment in segments(path):
        segment.unlink()
    assert await epoch(start()) != first


@pytest.mark.parametrize("name", ["belfry.log", "belfry.log.000001"])
def test_a_file_of_something_else_is_not_overwritten(start_broker, path, name):
    other = path.parent / name
    other.write_text("precious text, not a log\n" * 10)
    try:
        start_broker(log_file=str(path))
    except AssertionError as refused:
        assert "belfry.log" in str(refused)
    assert other.read_text() == "precious text, not a log\n" * 10


async def test_a_full_disk_is_answered_and_survived(start_broker, tmp_path, producers):
    """RLIMIT_FSIZE stands for the disk, and SIGXFSZ does not end the broker: publishing is
    refused, what was taken stays."""
    path = tmp_path / "belfry.log"
    broker = start_broker(log_file=str(path), log_fsync="always")
    resource.prlimit(broker.process.pid, resource.RLIMIT_FSIZE, (200000, 200000))
    producer = producers(broker)
    taken = []
    for number in range(1000):
        answer = producer.post({"to": ["user:42"], "data": "x" * 1000, "id": f"n{number}"})
        if answer.status != 200:
            break
        taken.append(answer.json()["event_id"])
    assert answer.status == 503, answer
    assert b"ulimit -f" in answer.body, answer
    assert 100 <= len(taken) <= 200
    async with await Client.open(broker) as client:
        assert client.connected["replayed"] == len(taken)
    broker.kill()
    got = await everything_after(start_broker(log_file=str(path)), taken[0])
    assert [message["event_id"] for message in got][:len(taken) - 1] == taken[1:]


FAILING_SYNC = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
int fdatasync(int fd)
{
	if (access(getenv("SYNC_FAILS_WITH"), F_OK) != 0)
		return ((int (*)(int))dlsym(RTLD_NEXT, "fdatasync"))(fd);
	errno = EIO;
	return -1;
}
"""


@pytest.mark.skipif(not shutil.which("cc"), reason="there is no compiler")
@pytest.mark.parametrize("good", ["first", "last", "all"])
def test_what_is_not_on_the_disk_is_not_acknowledged(start_broker, tmp_path, producers, good):
    """With log_fsync = always, of a batch too, whichever of its entries are wrong."""
    library, trigger = tmp_path / "sync.so", tmp_path / "disk is gone"
    subprocess.run(["cc", "-shared", "-fPIC", "-x", "c", "-", "-o", str(library), "-ldl"],
                   input=FAILING_SYNC.encode(), check=True)
    broker = start_broker(log_file=str(tmp_path / "belfry.log"), log_fsync="always",
                          env={"LD_PRELOAD": str(library), "SYNC_FAILS_WITH": str(trigger),
                               "ASAN_OPTIONS": "verify_asan_link_order=0"})
    producer = producers(broker)
    entries = {"first": ["user:42", "a b"], "last": ["a b", "user:42"],
               "all": ["user:42", "user:43"]}[good]
    codes = ["bad_entry" if " " in channel else "log_unknown" for channel in entries]
    assert producer.post([{"to": channel, "data": 1} for channel in entries]).status == 200
    trigger.touch()
    answer = producer.post([{"to": channel, "data": 1} for channel in entries])
    assert [one.get("code") for one in answer.json()["results"]] == codes, answer
    assert answer.status == (503 if good == "all" else 200)
    assert all(one["error"] for one in answer.json()["results"])
