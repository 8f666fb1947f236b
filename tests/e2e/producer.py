"""Producers: the two ways in, with the same verbs, so that a test can run over both."""

import http.client
import json

from broker import API_KEY, read_answer
from pace import scaled


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
    """Appends to the stream of a private Redis by XADD."""

    def __init__(self, redis, stream="belfry:in", database=0):
        self.redis = redis.connect(database)
        self.stream = stream

    def _words(self, to, data, fields):
        words = ["XADD", self.stream, "*"]
        for channel in [to] if isinstance(to, str) else to:
            words += ["to", channel]
        for name, value in fields.items():
            words += [name, value]
        return [*words, "data", data]

    def publish(self, to, data, **fields):
        return self.redis.call(*self._words(to, data, fields)).decode()

    def publish_many(self, entries):
        for to, data in entries:
            self.redis.send(*self._words(to, data, {}))
        return [self.redis.reply().decode() for _ in entries]

    def add(self, *words):
        """Appends the fields as they are, right or wrong: name, value, name, value …"""
        return self.redis.call("XADD", self.stream, "*", *words).decode()

    def close(self):
        self.redis.close()
