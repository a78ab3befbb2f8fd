"""Settings of who answers a model's requests: an engine in this process, a server, a cluster."""

from __future__ import annotations

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from stages.core.fields import Block, Line, Name, Tokens


class Engine(Block):
    max_model_len: Tokens
    # What the largest machines have.
    kv_cache_gib: Annotated[int, Field(gt=0, le=65_536)]
    max_num_seqs: Annotated[int, Field(gt=0, le=65_536)]


def _address(url: str) -> str:
    """An http address as a client can call it, with nothing secret in it."""
    wanted = "give one such as http://127.0.0.1:8000/v1"
    if re.search(r"\s", url):
        raise ValueError(f"holds a blank: {wanted}")
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname
    except ValueError as error:
        raise ValueError(f"is not an address ({error}): {wanted}") from None
    if parts.scheme not in ("http", "https"):
        raise ValueError(f"begins with neither http:// nor https://: {wanted}")
    if parts.username is not None or parts.password is not None:
        raise ValueError(
            "holds a user or password, which would be written down: put a key into the environment "
            "and name its variable in key_variable"
        )
    if not host or not HOST.fullmatch(host):
        raise ValueError(f"names no host: {wanted}")
    if port == 0 or parts.netloc.endswith(":"):
        raise ValueError(f"its port is not 1 to 65535: {wanted}")
    if parts.query or parts.fragment or "?" in url or "#" in url:
        raise ValueError(f"holds a query or a fragment, which the client would drop: {wanted}")
    return url


# A name, or IPv4 or IPv6.
HOST = re.compile(r"[\w-]+(?:\.[\w-]+)*\.?|[0-9A-Fa-f]*:[0-9A-Fa-f:.]+(?:%\w+)?")
# What `ray.init` takes: nothing, a word of its own, or where a head node is.
RAY = re.compile(r"|auto|local|(?:ray://)?(?:[\w.-]+|\[[0-9A-Fa-f:]+\]):(\d{1,5})", re.ASCII)


def _ray_address(text: str) -> str:
    match = RAY.fullmatch(text)
    if not match or (match[1] and not 0 < int(match[1]) <= 65_535):
        raise ValueError(f"{text!r} is none of ray://HOST:PORT, HOST:PORT, auto and empty")
    return text


class Connection(Block):
    """A server with OpenAI's interface, and how it is asked."""

    address: Annotated[Name, AfterValidator(_address)]
    vllm: bool
    key_variable: Annotated[str, Field(pattern=r"\A([A-Za-z_][A-Za-z0-9_]*)?\z", max_length=200)]
    # Connections are open files, of which a process may have about a thousand.
    concurrency: Annotated[int, Field(gt=0, le=1_000)]
    # A day.
    timeout: Annotated[float, Field(gt=0, le=86_400)]
    retries: Annotated[int, Field(ge=0, le=100)]


class Server(Connection):
    model: Line
    # Above a million millions it can only be a mistake.
    max_tokens_total: Annotated[int, Field(ge=0, le=10**12)] | None


class ScoringServer(Connection):
    base: Line
    tuned: Line

    @model_validator(mode="after")
    def _two(self) -> ScoringServer:
        if self.base and self.base == self.tuned:
            raise ValueError(
                f"base and tuned are both {self.base!r:.100}: the adapter has a name of its own on "
                "the server"
            )
        return self


class Ray(Block):
    address: Annotated[Line, AfterValidator(_ray_address)]
    replicas: Annotated[int, Field(gt=0, le=1_000)]
    gpus: Annotated[int, Field(ge=0, le=64)]
