"""Producers: the two ways in, with the same verbs, so that a test can run over both."""

import http.client
import json

from broker import API_KEY, read_answer
from openmetrics import scrape
from pace import scaled, wait_until


class HttpProducer:
    """Publishes by POST /api/publish, over one connection that is kept."""

    def __init__(self, broker, api_key=API_KEY):
        self.headers = {"Authorization": f"Bearer {api_key}",
                        "Content-Type": "application/json"}
        self.connection = http.client.HTTPConnection(
            broker.admin_host, broker.admin_port, timeout=scaled(20))

    def post(self, body, **headers):
        """Posts bytes as they are, everything else as JSON; answers what came."""
        raw = body if isinstance(body, (bytes, str)) else json.dumps(body)
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        raw = raw.encode() if isinstance(raw, str) else raw
        self.connection.request("POST", "/api/publish", raw, self.headers | more)
        return read_answer(self.connection)

    def publish(self, to, data, **fields):
        """`data` is JSON text, which goes out byte for byte. Answers the event id."""
        to = [to] if isinstance(to, str) else to
        answer = self.post(member_by_member({"to": to, **fields}, data))
        assert answer.status == 200, answer
        return answer.json()["event_id"]

    def publish_many(self, entries):
        """[(to, data text), …] in one request, in order."""
        body = b"\n".join(member_by_member({"to": [to]}, data) for to, data in entries)
        answer = self.post(body, Content_Type="application/x-ndjson")
        assert answer.status == 200, answer
        ids = [result["event_id"] for result in answer.json()["results"]]
        assert len(ids) == len(entries)
        return ids

    def close(self):
        self.connection.close()


def member_by_member(members, data):
    """A JSON object as text, with `data` put in untouched."""
    head = json.dumps(members, ensure_ascii=False)
    return (head[:-1] + ',"data":' + data + "}").encode()


class RedisProducer:
    """Appends to the stream of a private Redis by XADD. With a `follower`, a broker, everything
    returns when that one has read what was appended, as it does over HTTP."""

    def __init__(self, redis, stream="belfry:in", database=0, follower=None):
        self.redis = redis.connect(database)
        self.stream = stream
        self.follower = follower

    def _wait_for_follower(self, before, count):
        if self.follower:
            wait_until(lambda: self._read_by_follower() >= before + count,
                       "the broker has read it", pause=0.001)

    def _read_by_follower(self):
        """How many entries the broker has read."""
        return scrape(self.follower).total("belfry_router_entries_total") if self.follower else 0

    def _words(self, to, data, fields):
        words = ["XADD", self.stream, "*"]
        for channel in [to] if isinstance(to, str) else to:
            words += ["to", channel]
        for name, value in fields.items():
            words += [name, value]
        return [*words, "data", data]

    def publish(self, to, data, **fields):
        before = self._read_by_follower()
        event_id = self.redis.call(*self._words(to, data, fields)).decode()
        self._wait_for_follower(before, 1)
        return event_id

    def publish_many(self, entries):
        before = self._read_by_follower()
        for to, data in entries:
            self.redis.send(*self._words(to, data, {}))
        ids = [self.redis.reply().decode() for _ in entries]
        self._wait_for_follower(before, len(ids))
        return ids

    def add(self, *words):
        """Appends the fields as they are, right or wrong: name, value, name, value …"""
        before = self._read_by_follower()
        event_id = self.redis.call("XADD", self.stream, "*", *words).decode()
        self._wait_for_follower(before, 1)
        return event_id

    def entries(self, stream=None):
        """[(event id, {field: value})] of everything in the stream; of fields that are there
        more than once the first one."""
        return [(entry_id.decode(), fields_of(words)) for entry_id, words
                in self.redis.call("XRANGE", stream or self.stream, "-", "+")]

    def close(self):
        self.redis.close()


def fields_of(words):
    fields = {}
    for name, value in zip(words[::2], words[1::2]):
        fields.setdefault(name.decode(), value.decode(errors="replace"))
    return fields
