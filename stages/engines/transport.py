"""An HTTP client for a server that is not trusted: answers are bounded in bytes and in time."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

import httpx2
from openai import DefaultAsyncHttpxClient

# Bytes of an answer, after decompression.
MOST_BYTES = 4 * 2**20
# What waiting does not change, with the statuses that may come with it.
UNPAID = re.compile(
    r"insufficient[ _](?:quota|balance|funds|credits?)|billing[ _](?:hard[ _]limit|not[ _]active)"
    r"|credit balance is too low",
    re.IGNORECASE,
)
UNPAID_STATUSES = (402, 403, 429)


class TooLong(ValueError):
    """An answer of more bytes than any completion has."""


def bounded(seconds: float) -> httpx2.AsyncClient:
    """A client whose answers, errors and redirections too, come within so many seconds and
    MOST_BYTES, or not at all.
    """

    async def read(response: httpx2.Response) -> None:
        parts, size = [], 0
        async for part in response.aiter_bytes():
            parts.append(part)
            size += len(part)
            if max(size, response.num_bytes_downloaded) > MOST_BYTES:
                raise TooLong(f"an answer of more than {MOST_BYTES / 2**20:g} MiB")
        # What httpx itself sets once it has read all.
        response._content = b"".join(parts)
        response.encoding = "utf-8"  # some of Python's encodings are compressions
        _as_its_error(response)

    class Client(DefaultAsyncHttpxClient):
        async def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
            try:
                async with asyncio.timeout(seconds):
                    return await super().send(request, **options)
            except TimeoutError:
                # As httpx reports it, so that it is repeated as other timeouts are.
                raise httpx2.ReadTimeout(
                    f"no whole answer within {seconds:g} s", request=request
                ) from None

    return Client(event_hooks={"response": [read]}, timeout=seconds)


def _as_its_error(response: httpx2.Response) -> None:
    """Give an error that comes with status 200 its own, and keep what cannot change from being
    repeated.
    """
    if response.is_success and b'"error"' in response.content:
        try:
            body = json.loads(response.content)
        except (ValueError, RecursionError):
            return
        error = body.get("error") if isinstance(body, dict) and not body.get("choices") else None
        if error:
            code = str(error.get("code")) if isinstance(error, dict) else ""
            match = re.fullmatch(r"[45]\d\d", code)
            response.status_code = int(code) if match else 502
    if response.status_code in UNPAID_STATUSES and UNPAID.search(response.text[:10_000]):
        response.headers["x-should-retry"] = "false"
