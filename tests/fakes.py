"""A server that speaks OpenAI's chat completions: the same answer for the same request, and, on
demand, the faults of real servers. `python -m tests.fakes PORT` runs it by itself.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import random
import socket
import struct
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
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
        self.behave: Behavior | None = None
        self.asked: list[dict[str, Any]] = []
        self.sent = 0  # bytes of bodies without a stated length

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

    def say(self, message: dict[str, Any], finish: str = "stop", **more: Any) -> None:
        self.send(200, {"id": "x", "object": "chat.completion", "created": 0, "model": "fake",
                        "choices": [{"index": 0, "message": {"role": "assistant", **message},
                                     "finish_reason": finish}], **more})  # fmt: skip

    def raw(self, status: int, parts: Iterator[bytes], **headers: str) -> None:
        """A body without a stated length, a part at a time."""
        self.send_response(status)
        for name, text in {"Connection": "close", **headers}.items():
            self.send_header(name.replace("_", "-"), text)
        self.end_headers()
        self.close_connection = True
        for part in parts:
            self.wfile.write(part)
            self.server.sent += len(part)

    def reply(self, body: dict[str, Any], fault: str) -> None:
        fake = self.server
        with fake.lock:
            fake.asked.append(body)
        if fake.behave and fake.behave(self, body):
            return
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
            self.say({"content": answer(body)})


# Answers a request in its own way, or says that it does not.
Behavior = Callable[[Handler, dict[str, Any]], bool]


def held(passing: int, opened: threading.Event) -> Behavior:
    """Answers the first `passing` requests; each later one waits until `opened` is set and is then
    none: whoever asks is still at work until then, however slow the machine.
    """
    left = iter(range(passing))

    def behave(handler: Handler, body: dict[str, Any]) -> bool:
        with handler.server.lock:
            passes = next(left, None) is not None
        if not passes:
            opened.wait(600)
            handler.reset()
        return not passes

    return behave


def refusing(status: int, error: Any, holds: str = "", **headers: str) -> Behavior:
    """Refuses each request, or those that hold a text."""

    def behave(handler: Handler, body: dict[str, Any]) -> bool:
        if holds in json.dumps(body):
            handler.send(status, {"error": error}, **headers)
            return True
        return False

    return behave


def quota(handler: Handler, body: dict[str, Any]) -> bool:
    """An account without money, in OpenAI's words."""
    error = {"message": "You exceeded your current quota, please check your plan and billing "
             "details.", "type": "insufficient_quota", "param": None,
             "code": "insufficient_quota"}  # fmt: skip
    handler.send(429, {"error": error})
    return True


def saying(message: dict[str, Any], finish: str = "stop", **more: Any) -> Behavior:
    """Answers alike, whatever is asked."""

    def behave(handler: Handler, body: dict[str, Any]) -> bool:
        handler.say(message, finish, **more)
        return True

    return behave


def thinker(handler: Handler, body: dict[str, Any]) -> bool:
    """Thinks for 100 tokens, with a line break in them, unless vLLM's field asks it not to."""
    if body.get("chat_template_kwargs") == {"enable_thinking": False}:
        handler.say({"content": answer(body)})
    elif "\n" in body.get("stop", []):
        handler.say({"content": "<think>"})
    elif body["max_tokens"] < 100:
        handler.say({"content": "<think>\nold barns, old ba"}, "length")
    else:
        handler.say({"content": f"<think>\nold barns\n</think>\n\n{answer(body).strip()}\nno"})
    return True


def picky(handler: Handler, body: dict[str, Any]) -> bool:
    """A model of OpenAI's that takes the parameters of its elder ones no more."""
    unsupported = "Unsupported parameter: '{}' is not supported with this model."
    for name, words in {
        "max_tokens": unsupported + " Use 'max_completion_tokens' instead.",
        "temperature": "Unsupported value: '{}' does not support 0.7 with this model. Only the "
        "default (1) value is supported.",
        "stop": unsupported,
        "top_p": unsupported,
        "frequency_penalty": unsupported,
        "seed": unsupported,
    }.items():
        if name in body:
            error = {"message": words.format(name), "type": "invalid_request_error", "param": name,
                     "code": "unsupported_parameter"}  # fmt: skip
            handler.send(400, {"error": error})
            return True
    return False


def flood(status: int = 200, coding: str = "identity", most: int = 2**28) -> Behavior:
    """`most` bytes of one JSON text, if anybody reads them all; compressed, they are a bomb."""

    def parts() -> Iterator[bytes]:
        for _ in range(most // 2**20):
            yield b"a" * 2**20

    def behave(handler: Handler, body: dict[str, Any]) -> bool:
        if coding == "gzip":
            bomb = gzip.compress(b"".join(parts()), 1)
            handler.raw(status, iter([bomb]), Content_Encoding="gzip")
        else:
            handler.raw(status, parts(), Content_Type="application/json")
        return True

    return behave


def drip(handler: Handler, body: dict[str, Any]) -> bool:
    """A body of a byte each tenth of a second."""

    def parts() -> Iterator[bytes]:
        for _ in range(600):
            time.sleep(0.1)
            yield b" "

    handler.raw(200, parts(), Content_Type="application/json")
    return True


def spellings(key: str) -> dict[str, str]:
    """Texts from which anybody can read the key."""
    half = len(key) // 2
    return {
        "plain": f"the key is {key}.",
        "capitals": key.upper(),
        "percent": "".join(f"%{ord(c):02x}" for c in key),
        "json": "".join(f"\\u{ord(c):04x}" for c in key),
        "html": "".join(f"&#{ord(c)};" for c in key),
        "base64": base64.b64encode(f"Bearer {key}".encode()).decode(),
        "base64url": base64.urlsafe_b64encode(f"k={key}!".encode()).decode(),
        "hex": key.encode().hex(":"),
        "lines": f"{key[:half]}\n{key[half:]}",
        "spaced": " ".join(key),
        "dashes": "-".join(key),
        "backwards": key[::-1],
        "half": f"it begins with {key[: half + 1]}",
    }


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
