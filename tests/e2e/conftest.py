"""Fixtures: each test has its own broker and, where it wants one, its own Redis.

BELFRY_BINARY names the broker to test (default build/belfry), BELFRY_SLOW stretches time limits.
`-m "not heavy"` leaves out what needs many connections or much data.
"""

import asyncio
import inspect
import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(__file__))

from broker import BINARY, Broker  # noqa: E402
from pace import scaled  # noqa: E402
from producer import HttpProducer, RedisProducer  # noqa: E402
from redis_server import RedisServer  # noqa: E402

TEST_LIMIT = 60  # seconds


def pytest_configure(config):
    config.addinivalue_line("markers", "heavy: many connections or much data")


def pytest_sessionstart(session):
    if not os.access(BINARY, os.X_OK):
        pytest.exit(f"no broker at {BINARY}: build it, or set BELFRY_BINARY", returncode=4)


def pytest_collection_modifyitems(items):
    for item in items:
        if not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(scaled(TEST_LIMIT)))


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    """Runs `async def` tests in an event loop of their own."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = pyfuncitem._fixtureinfo.argnames
    arguments = {name: pyfuncitem.funcargs[name] for name in names}
    # A loop swallows what pytest-timeout raises in some task of it: so it is stopped here.
    asyncio.run(asyncio.wait_for(pyfuncitem.obj(**arguments), scaled(TEST_LIMIT) - 5))
    return True


@pytest.fixture
def start_broker():
    """start_broker(key=value, …) starts one; at the end each must still live and leave with 0.

    `env` and `words` (before the settings) go to the process as they are; `meanwhile` is called
    while it starts."""
    brokers = []

    def start(env=None, words=(), meanwhile=None, **settings):
        brokers.append(Broker(settings, env, words, meanwhile))
        return brokers[-1]

    yield start
    failures = []
    for broker in brokers:
        try:
            broker.stop()
        except AssertionError as failure:
            failures.append(str(failure))
    assert not failures, "\n".join(failures)


@pytest.fixture
def broker(start_broker):
    """A broker with one shard and the embedded log."""
    return start_broker()


@pytest.fixture
def start_redis(tmp_path):
    """start_redis(password=…, start=False) makes a private Redis server."""
    servers = []

    def start(**options):
        directory = tmp_path / f"redis-{len(servers)}"
        directory.mkdir()
        servers.append(RedisServer(directory, **options))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def redis(start_redis):
    return start_redis()


@pytest.fixture
def producers():
    """producers(broker) or producers(redis): a producer that is closed at the end."""
    opened = []

    def open_producer(target, **options):
        kind = HttpProducer if isinstance(target, Broker) else RedisProducer
        opened.append(kind(target, **options))
        return opened[-1]

    yield open_producer
    for producer in opened:
        producer.close()


@pytest.fixture
def producer(broker, producers):
    """Publishes to the embedded log of `broker`."""
    return producers(broker)
