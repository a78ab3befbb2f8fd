"""A server that speaks OpenAI's chat completions: the same answer for the same request, and, on
demand, the faults of real servers. `python -m tests.fakes PORT` runs it by itself.
"""

from __future__ import annotations

import hashlib
import json
import random
import socket
import struct
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

FAULTS = ("429", "500", "reset", "delay", "html")
WORDS = ["photo", "old", "barn", "red", "sea", "calm", "owl", "poster", "with", "of", "a", "music"]


def answer(body: dict[str, Any]) -> str:
    """A few words, drawn by a hash of all that a real answer depends on."""
    told = json.dumps([body["messages"], body.get("seed"), body.get("temperature")])
    rng = random.Random(hashlib.sha256(told.encode()).digest())
    return " " + " ".join(rng.sample(WORDS, rng.randint(1, 6)))


class Fake(ThreadingHTTPServer):
    """Counts what it is asked; `share` of the requests meet a fault, by the order of arrival."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int = 0, share: float = 0.0, seconds: float = 0.0) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.share, self.seconds = share, seconds
        self.delay = 2.0
        self.models = ["fake"]
        self.key: str | None = None
        self.answered: list[str] = []
        self.faults: Counter[str] = Counter()
        self.under_way = self.most = 0
        self.rng = random.Random(1)
        self.lock = threading.Lock()
        self.refuse: str | None = None  # a request that holds this text is refused with 400
        self.dead = False

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news."""


class Handler(BaseHTTPRequestHandler):
    server: Fake
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: Any) -> None:
        pass

    def send(self, status: int, value: Any, **headers: str) -> None:
        html = isinstance(value, str)
        raw = value.encode() if html else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html" if html else "application/json")
        self.send_header("Content-Length", str(len(raw)))
        for name, text in headers.items():
            self.send_header(name.replace("_", "-"), text)
        self.end_headers()
        self.wfile.write(raw)

    def refused(self) -> bool:
        given = self.headers.get("Authorization", "")
        if self.server.key is None or given == f"Bearer {self.server.key}":
            return False
        self.send(401, {"error": {"message": f"Incorrect API key provided: {given}"}})
        return True

    def reset(self) -> None:
        # Linger 0 makes the kernel send a reset instead of an orderly end.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def do_GET(self) -> None:
        if self.server.dead:
            self.reset()
        elif self.refused():
            pass
        elif self.path != "/v1/models":
            self.send(404, {"error": {"message": "no such page"}})
        else:
            self.send(200, {"object": "list", "data": [{"id": m} for m in self.server.models]})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        fake = self.server
        with fake.lock:
            fake.under_way += 1
            fake.most = max(fake.most, fake.under_way)
            fault = fake.rng.choice(FAULTS) if fake.rng.random() < fake.share else ""
            fake.faults[fault] += 1
        try:
            if not self.refused():
                self.reply(body, fault)
        finally:
            with fake.lock:
                fake.under_way -= 1

    def reply(self, body: dict[str, Any], fault: str) -> None:
        fake = self.server
        told = json.dumps(body)
        if fault == "429":
            self.send(429, {"error": {"message": "slow down"}}, Retry_After="0.3")
        elif fault == "500":
            self.send(500, {"error": {"message": "internal"}})
        elif fault == "html":
            self.send(200, "<html><body>Bad gateway</body></html>")
        elif fault == "reset" or fake.dead:
            self.reset()
        elif fake.refuse and fake.refuse in told:
            self.send(400, {"error": {"message": "this prompt is too long"}})
        else:
            time.sleep(fake.delay if fault == "delay" else fake.seconds)
            with fake.lock:
                fake.answered.append(hashlib.sha256(told.encode()).hexdigest())
            message = {"role": "assistant", "content": answer(body)}
            self.send(200, {"id": "x", "object": "chat.completion", "created": 0, "model": "fake",
                            "choices": [{"index": 0, "message": message,
                                         "finish_reason": "stop"}]})  # fmt: skip


@contextmanager
def running(**options: Any) -> Iterator[Fake]:
    """A fake server in a thread of this process."""
    fake = Fake(**options)
    thread = threading.Thread(target=fake.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield fake
    finally:
        fake.shutdown()
        fake.server_close()
        thread.join()


if __name__ == "__main__":
    Fake(int(sys.argv[1])).serve_forever()
