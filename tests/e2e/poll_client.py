"""A long polling client: one keep-alive connection, a position, nothing else."""

import http.client
import json
import urllib.parse

from pace import scaled
from tokens import token


class PollClient:
    """poll() answers the events and moves the position on, as the documentation says to do."""

    def __init__(self, broker, path="/poll", user="42", position=None, **parameters):
        self.path, self.position, self.parameters = path, position, parameters
        self.headers = {"Authorization": f"Bearer {token(user)}"}
        self.answers = []
        self.connection = None
        self.move_to(broker)

    def move_to(self, broker):
        """From now on asks this node."""
        if self.connection:
            self.connection.close()
        self.connection = http.client.HTTPConnection(broker.host, broker.port, timeout=scaled(70))

    def ask(self, **parameters):
        """One request; answers http.client's answer and its body."""
        query = {"wait": 0} | self.parameters | parameters
        if self.position is not None:
            query.setdefault("last_event_id", self.position)
        self.connection.request("GET", self.path + "?" + urllib.parse.urlencode(query),
                                headers=self.headers)
        answer = self.connection.getresponse()
        return answer, answer.read()

    def poll(self, **parameters):
        answer, body = self.ask(**parameters)
        assert answer.status == 200, (answer.status, body)
        assert answer.getheader("Content-Type") == "application/json"
        self.answer = json.loads(body)
        self.position = self.answer["last_event_id"]
        return self.answer["events"]

    def data(self, **parameters):
        return [event["data"] for event in self.poll(**parameters)]

    def data_until(self, count, polls=100):
        """Polls until at least so many events have come."""
        got = []
        while len(got) < count and polls > 0:
            got += self.data(**{"wait": 5} | self.parameters)
            polls -= 1
        return got

    def close(self):
        self.connection.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
