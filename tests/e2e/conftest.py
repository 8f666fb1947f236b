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
from engine_io import Poller  # noqa: E402
from pace import scaled  # noqa: E402
from producer import HttpProducer, RedisProducer  # noqa: E402
from proxy import Proxy  # noqa: E402
from redis_server import RedisServer, Sentinel  # noqa: E402

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
    limit = pyfuncitem.get_closest_marker("timeout").args[0]
    # A loop swallows what pytest-timeout raises in some task of it: so it is stopped here.
    asyncio.run(asyncio.wait_for(pyfuncitem.obj(**arguments), limit - 5))
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
def start_nodes(start_broker):
    """start_nodes(3, redis, …): brokers on one Redis, each with a name of its own."""
    def start(count, redis, **settings):
        return [start_broker(redis=redis.url(), node=f"node-{number}", **settings)
                for number in range(count)]
    return start


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
def start_sentinel(tmp_path):
    """start_sentinel(name, master) makes a Sentinel that watches over a RedisServer."""
    sentinels = []

    def start(name, master):
        directory = tmp_path / f"sentinel-{len(sentinels)}"
        directory.mkdir()
        sentinels.append(Sentinel(directory, name, master))
        return sentinels[-1]

    yield start
    for sentinel in sentinels:
        sentinel.stop()


@pytest.fixture
def start_proxy():
    """start_proxy(port): a proxy.Proxy before a port of 127.0.0.1."""
    proxies = []

    def start(target):
        proxies.append(Proxy(target))
        return proxies[-1]

    yield start
    for proxy in proxies:
        proxy.close()


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


@pytest.fixture
def pair_settings():
    """Of the broker of `pair`; a file of tests may have its own."""
    return {}


@pytest.fixture(params=["embedded", "redis"])
def pair(request, start_broker, producers, pair_settings):
    """A broker that is ready and a producer that appends to its log: embedded, or in Redis. What
    it has published the broker has read."""
    if request.param == "embedded":
        broker = start_broker(**pair_settings)
        return broker, producers(broker)
    redis = request.getfixturevalue("redis")
    broker = start_broker(redis=redis.url(), **pair_settings)
    broker.wait_until_ready()
    return broker, producers(redis, follower=broker)


@pytest.fixture
def four(start_broker):
    """A broker on which requests and sessions meet on different shards, and without pings."""
    return start_broker(shards=4, heartbeat_interval=0)


@pytest.fixture
def poller(four):
    """poller() opens a session of Engine.IO on `four`, made by hand."""
    opened = []

    def open_one(**options):
        opened.append(Poller(four, **options))
        return opened[-1]

    yield open_one
    for one in opened:
        one.close()
