"""The WebSocket that Node has built in: subprotocol, compression as it offers it, close codes."""

import json
import shutil
import subprocess

import pytest

from client import resume
from pace import scaled
from producer import HttpProducer
from tokens import token

FLAG = "--experimental-websocket"  # Node 20; later versions have it by default and know the flag

# Prints each message as a line and the close code last; closes when all have come.
SCRIPT = """
const [url, ...protocols] = process.argv.slice(1);
const socket = new WebSocket(url, protocols);
let awaited = 2; // the last message and the pong
socket.onmessage = (event) => {
  console.log(event.data);
  const message = JSON.parse(event.data);
  if (message.type === "connected") socket.send('{"type":"ping","ref":1}');
  if (message.data?.last || message.type === "pong") awaited--;
  if (awaited === 0) socket.close(1000);
};
socket.onclose = (event) => { console.log(JSON.stringify({ code: event.code })); };
"""


def has_websocket():
    if not shutil.which("node"):
        return False
    asked = subprocess.run(["node", FLAG, "-e", "process.exit(typeof WebSocket === 'function' "
                            "? 0 : 1)"], capture_output=True, check=False)
    return asked.returncode == 0


pytestmark = pytest.mark.skipif(not has_websocket(), reason="node has no WebSocket of its own")


def run(url, *protocols):
    """What it has printed when it has ended."""
    ended = subprocess.run(["node", FLAG, "-e", SCRIPT, url, *protocols], capture_output=True,
                           text=True, timeout=scaled(30), check=True)
    return [json.loads(line) for line in ended.stdout.splitlines()]


def test_it_gets_what_was_missed_in_order_and_closes(start_broker):
    broker = start_broker(shards=2)
    producer = HttpProducer(broker)
    for number in range(20):
        data = {"n": number, "pad": "long enough to be compressed " * 100, "last": number == 19}
        producer.publish("user:42", json.dumps(data))
    connected, *rest, closed = run(broker.url(resume("0-1")), "belfry", f"bearer.{token()}")

    assert connected["type"] == "connected" and connected["user_id"] == "42"
    pongs = [message for message in rest if message["type"] == "pong"]
    assert [message["ref"] for message in pongs] == [1]
    numbers = [message["data"]["n"] for message in rest if message["type"] == "notification"]
    assert numbers == list(range(20))
    assert closed == {"code": 1000}


def test_it_is_told_why_it_is_refused(start_broker):
    broker = start_broker()
    assert run(broker.url("/ws"), "belfry", "bearer.nonsense") == [{"code": 4401}]
