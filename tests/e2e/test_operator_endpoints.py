"""What the operator sees: stats, health, readiness, metrics."""

import asyncio
import time

import pytest

from client import Client, Crowd
from openmetrics import scrape
from pace import unix_time, wait_until
from raw_socket import RawSocket, upgrade_request

CONNECTIONS, DELIVERIES = "belfry_connections", "belfry_deliveries_total"


async def test_stats_count_connections_users_and_shards(start_broker):
    broker = start_broker(shards=3)
    empty = broker.ask("/ws/stats")
    assert empty.status == 200 and empty.headers["content-type"].startswith("application/json")
    assert empty.json()["total_connections"] == 0
    clients = [await Client.open(broker, user=f"u{number // 2}") for number in range(10)]
    stats = broker.ask("/ws/stats").json()
    assert stats["total_connections"] == 10
    assert stats["connected_users"] == 5
    assert stats["status"] == "operational"
    assert len(stats["shards"]) == 3
    assert sum(shard["connections"] for shard in stats["shards"]) == 10
    for client in clients:
        await client.close()
    wait_until(lambda: broker.ask("/ws/stats").json()["total_connections"] == 0, "all are gone")
    assert broker.ask("/ws/stats").json()["connected_users"] == 0


async def test_connections_are_spread_over_the_shards(start_broker):
    broker = start_broker(shards=4)
    crowd = await Crowd.open(broker, 200)
    counts = [shard["connections"] for shard in broker.ask("/ws/stats").json()["shards"]]
    assert sum(counts) == 200 and min(counts) >= 25, counts
    await crowd.close()


async def test_health_has_its_fields(broker):
    async with await Client.open(broker):
        answer = broker.ask("/ws/health")
        assert answer.status == 200
        health = answer.json()
    assert health["status"] == "healthy"
    assert abs(unix_time(health["timestamp"]) - time.time()) < 5
    assert {"total", "local", "alive", "dead"} <= set(health["connections"])
    assert health["connections"]["total"] == health["connections"]["local"] == 1
    assert set(health["redis"]) >= {"connected", "pubsub_connected"}
    assert all(isinstance(value, bool) for value in health["redis"].values())


def test_healthz_and_readyz_say_200(broker):
    assert broker.ask_admin("/healthz").status == 200
    assert broker.ask_admin("/readyz").status == 200


@pytest.mark.parametrize("path", ["/metrics", "/api/publish", "/api", "/api/users/42/unread"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_private_paths_are_not_on_the_public_listener(broker, path, method):
    answer = broker.ask(path, method=method, headers={"Content-Length": "0"})
    assert answer.status == 404


@pytest.mark.parametrize("path", ["/", "/nope", "/metrics/", "/api", "/api/nope"])
def test_unknown_paths_on_the_admin_listener_get_404(broker, path):
    answer = broker.ask_admin(path)
    assert answer.status in ((404,) if not path.startswith("/api") else (401, 404))


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_wrong_methods_on_the_admin_listener_get_405(broker, path):
    assert broker.ask_admin(path, method="DELETE").status == 405


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_head_is_answered_without_a_body(broker, path):
    with RawSocket(broker, admin=True) as raw:
        raw.send(f"HEAD {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
        head = raw.read_head()
        assert head.status in (200, 405)
        if head.status == 200:
            assert int(head.headers["content-length"]) > 0
            assert raw.is_closed_by_broker()


def test_websockets_are_not_on_the_admin_listener(broker):
    with RawSocket(broker, admin=True) as raw:
        raw.send(upgrade_request("/ws"))
        assert raw.read_head().status == 404


def test_metrics_are_openmetrics_with_shard_labels(start_broker):
    broker = start_broker(shards=3)
    metrics = scrape(broker)
    assert all(name.startswith("belfry_") for name in metrics.names())
    for name in (CONNECTIONS, DELIVERIES):
        assert {labels["shard"] for labels in metrics.labels(name)} == {"0", "1", "2"}
    names = " ".join(metrics.names())
    for word in ("bytes", "turn", "lane_depth"):
        assert word in names, f"no metric about {word}"


async def test_the_counters_add_up(start_broker, producers):
    """25 connections, 40 broadcasts, 10 messages for single users."""
    broker = start_broker(shards=3)
    producer = producers(broker)
    before = scrape(broker)
    crowd = await Crowd.open(broker, 25)
    assert scrape(broker).total(CONNECTIONS) == 25
    for number in range(40):
        producer.publish("all", str(number))
    for number in range(10):
        producer.publish(f"user:u{number}", "1")
    await crowd.wait_for(40)
    await asyncio.sleep(0.2)

    def delivered():
        return scrape(broker).total(DELIVERIES) - before.total(DELIVERIES)
    wait_until(lambda: delivered() >= 1010, "1,010 deliveries are counted")
    assert delivered() == 1010
    await crowd.close()
    wait_until(lambda: scrape(broker).total(CONNECTIONS) == 0, "the gauge goes back to 0")


async def test_counters_never_go_down(broker, producer):
    seen = {}
    async with await Client.open(broker):
        for number in range(5):
            producer.publish("all", str(number))
            metrics = scrape(broker)
            for (name, labels), value in metrics.samples.items():
                if name.endswith("_total"):
                    assert value >= seen.get((name, labels), 0), name
                    seen[name, labels] = value


async def test_scraping_while_messages_flow_disturbs_nobody(start_broker, producers):
    broker = start_broker(shards=2)
    producer = producers(broker)
    crowd = await Crowd.open(broker, 20)

    def scrape_often():
        for _ in range(50):
            scrape(broker)
            assert broker.ask("/ws/stats").status == 200

    def publish():
        for number in range(300):
            producer.publish("all", str(number))

    await asyncio.gather(asyncio.to_thread(scrape_often), asyncio.to_thread(publish))
    await crowd.wait_for(300)
    for index in range(20):
        assert [message["data"] for message in crowd.messages(index)] == list(range(300))
    await crowd.close()


def test_the_admin_listener_may_be_off(start_broker):
    broker = start_broker(admin="off")
    assert broker.ask("/ws/health").json()["status"] == "healthy"
