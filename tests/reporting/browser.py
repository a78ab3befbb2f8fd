"""Headless Chromium for tests, over its DevTools protocol: what a page shows, asks for and says."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)
# Seconds that a browser may take to start, and a page to be drawn, on a machine with other work.
TIMEOUT = 90


class Browser:
    """One tab. requests: addresses that it asked for; said: what stands in its console, and errors
    that no one caught.
    """

    def __init__(self, connection: Any) -> None:
        self.connection, self.number = connection, 0
        self.requests: list[str] = []
        self.said: list[str] = []
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.send(f"{domain}.enable")

    def send(self, method: str, **params: Any) -> dict[str, Any]:
        """One command, and its result; events that come before it are noted."""
        self.number += 1
        self.connection.send(json.dumps({"id": self.number, "method": method, "params": params}))
        while True:
            message = json.loads(self.connection.recv(timeout=TIMEOUT))
            self._note(message)
            if message.get("id") == self.number:
                assert "error" not in message, message
                return dict(message["result"])

    def _note(self, message: dict[str, Any]) -> None:
        params = message.get("params", {})
        if message.get("method") == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif message.get("method") == "Runtime.exceptionThrown":
            self.said.append(json.dumps(params["exceptionDetails"])[:500])
        elif message.get("method") == "Runtime.consoleAPICalled":
            self.said.append(json.dumps(params["args"])[:500])
        elif message.get("method") == "Log.entryAdded":
            self.said.append(params["entry"]["text"])

    def run(self, script: str) -> Any:
        """The value of an expression in the page."""
        result = self.send("Runtime.evaluate", expression=script, returnByValue=True,
                         awaitPromise=True)  # fmt: skip
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def show(self, path: Path, drawn: str, width: int = 1200, height: int = 900) -> None:
        """Open a file in a window of that size; it is drawn when the expression `drawn` is true."""
        self.send("Emulation.setDeviceMetricsOverride", width=width, height=height,
                  deviceScaleFactor=1, mobile=width < 700)  # fmt: skip
        self.send("Page.navigate", url=path.resolve().as_uri())
        deadline = time.monotonic() + TIMEOUT
        while time.monotonic() < deadline:
            if self.run(drawn):
                return
            time.sleep(0.05)
        raise AssertionError(f"{path} was not drawn: {self.said}")

    def open(self, path: Path, width: int = 1200, height: int = 900) -> float:
        """Open a report page; seconds until its tables stand, as it measures."""
        self.show(path, "document.documentElement?.dataset.ready ?? ''", width, height)
        return float(self.run("Number(document.documentElement.dataset.ready)")) / 1000

    def picture(self, path: Path, top: float = 0, height: float = 900) -> None:
        """A picture of a part of the page, as PNG."""
        width = self.run("document.documentElement.clientWidth")
        clip = {"x": 0, "y": top, "width": width, "height": height, "scale": 1}
        shot = self.send("Page.captureScreenshot", clip=clip, captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(shot["data"]))


@contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """A browser with its profile in `folder`, ended after the block."""
    from websockets.sync.client import connect

    assert CHROMIUM is not None
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
               "--no-first-run",
               "--disable-background-networking", "--disable-component-update",
               "--remote-debugging-port=0", f"--user-data-dir={folder}", "about:blank"]  # fmt: skip
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        port = _port(folder / "DevToolsActivePort", process)
        import urllib.request

        with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list") as response:
            tab = next(entry for entry in json.load(response) if entry["type"] == "page")
        with connect(tab["webSocketDebuggerUrl"], max_size=None, proxy=None) as connection:
            yield Browser(connection)
    finally:
        process.kill()
        process.wait()


def _port(path: Path, process: subprocess.Popen[bytes]) -> int:
    deadline = time.monotonic() + TIMEOUT
    while time.monotonic() < deadline and process.poll() is None:
        lines = path.read_text().splitlines() if path.is_file() else []
        if len(lines) > 1:
            return int(lines[0])
        time.sleep(0.05)
    raise AssertionError("Chromium did not start")
