"""The log is read again when it may be another one, and only then; nothing is told twice."""

import asyncio

from client import Client
from openmetrics import scrape
from pace import wait_until

COUNT = 3000
DELAY = 0.05  # of each piece to and from Redis: a load takes more than a second


def reloads(broker):
    return scrape(broker).total("belfry_router_log_reloads_total")


async def test_a_load_that_is_cut_off_goes_on(start_broker, start_redis, start_proxy, producers):
    """A link that comes up again in the middle of it is not its end."""
    redis = start_redis(words=["--enable-debug-command", "yes"])
    proxy = start_proxy(redis.port)
    broker = start_broker(redis=redis.url(port=proxy.port))
    broker.wait_until_ready()
    producer = producers(redis)
    async with await Client.open(broker) as client:
        producer.publish_many([("user:42", str(number)) for number in range(COUNT)])
        assert await client.data(COUNT, limit=15) == list(range(COUNT))
        for pause in (0.5, 0.7, 0.9):
            proxy.delay = DELAY
            before = reloads(broker)
            redis.call("DEBUG", "CHANGE-REPL-ID")
            await asyncio.to_thread(wait_until, lambda: reloads(broker) > before, "a load begins")
            await asyncio.sleep(pause)
            proxy.cut()
            await asyncio.sleep(0.3)
            proxy.delay = 0
            await asyncio.to_thread(broker.wait_until_ready)
        producer.publish("user:42", str(COUNT))
        assert await client.data(1, limit=10) == [COUNT]
    assert scrape(broker).total("belfry_router_log_lost_total") == 0


async def test_traffic_alone_is_no_reason_to_read_again(start_broker, redis, start_proxy,
                                                        producers):
    """What is appended while Redis is asked about its stream is in some answers, not in others."""
    proxy = start_proxy(redis.port)
    broker = start_broker(redis=redis.url(port=proxy.port))
    broker.wait_until_ready()
    producer = producers(redis)
    proxy.delay = 0.02
    async with await Client.open(broker) as client:
        for number in range(1500):
            producer.publish("user:42", str(number))
            await asyncio.sleep(0.003)
        assert await client.data(1500, limit=15) == list(range(1500))
    assert reloads(broker) == 0


async def test_the_first_entry_of_a_stream_is_no_reason_to_read_again(start_broker, redis):
    """That there is no stream was true when Redis was asked, and the entry came before the answer
    was heard. Several nodes, because it takes some luck."""
    nodes = [start_broker(redis=redis.url(), stream=f"s{number}", presence="off", pubsub="off")
             for number in range(6)]
    for node in nodes:
        node.wait_until_ready()
    connection = redis.connect()
    redis.freeze()
    await asyncio.sleep(0.7)  # by now each has asked
    for number in range(6):
        connection.send("XADD", f"s{number}", "*", "to", "user:42", "data", "1")
    redis.thaw()
    for _ in range(6):
        connection.reply()
    await asyncio.sleep(0.7)
    connection.close()
    for node in nodes:
        assert scrape(node).total("belfry_router_entries_total") == 1
        assert scrape(node).total("belfry_router_log_reloads_total") == 0, node.output()
