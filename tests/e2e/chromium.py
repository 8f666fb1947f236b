"""A headless Chromium, driven over the DevTools protocol."""

import asyncio
import json
import shutil
import subprocess
import urllib.request

from websockets.asyncio.client import connect

from pace import scaled, wait_until

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--disable-default-apps", "--disable-extensions", "--disable-dev-shm-usage",
         "--no-proxy-server", "--remote-debugging-port=0"]


def find():
    """Path of an installed Chromium, or None."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Chromium:
    """The browser process with one page. `directory` is new and its own."""

    def __init__(self, directory, url):
        self.process = subprocess.Popen(
            [find(), *FLAGS, f"--user-data-dir={directory}", url],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        port_file = directory / "DevToolsActivePort"
        text = wait_until(lambda: port_file.exists() and port_file.read_text(),
                          "Chromium opens its DevTools port", limit=20)
        self.port = int(text.split("\n")[0])
        self.page = None
        self.calls = 0
        self.events = []

    async def attach(self):
        """Connects to the page."""
        pages = wait_until(self._pages, "Chromium has a page", limit=10)
        self.page = await connect(pages[0]["webSocketDebuggerUrl"], max_size=None, proxy=None)
        for domain in ("Runtime", "Log", "Network"):
            await self.call(domain + ".enable")

    def _pages(self):
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"http://127.0.0.1:{self.port}/json", timeout=5) as answer:
            return [page for page in json.load(answer) if page["type"] == "page"]

    async def call(self, method, **parameters):
        self.calls += 1
        await self.page.send(json.dumps(
            {"id": self.calls, "method": method, "params": parameters}))
        while True:
            answer = json.loads(await asyncio.wait_for(self.page.recv(), scaled(10)))
            if answer.get("id") == self.calls:
                assert "error" not in answer, answer
                return answer["result"]
            self.events.append(answer)

    async def evaluate(self, expression):
        """The value of a JavaScript expression in the page."""
        result = await self.call("Runtime.evaluate", expression=expression, returnByValue=True,
                                 awaitPromise=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    async def wait_for(self, expression, limit=10.0):
        """Waits until the expression is true in the page; answers its value."""
        deadline = asyncio.get_running_loop().time() + scaled(limit)
        while True:
            value = await self.evaluate(expression)
            if value:
                return value
            if asyncio.get_running_loop().time() > deadline:
                page = await self.evaluate("document.body.innerText")
                raise AssertionError(f"never true: {expression}\n{page}\n{self.events[-5:]}")
            await asyncio.sleep(0.05)

    async def close(self):
        if self.page:
            await self.page.close()
        self.process.terminate()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
