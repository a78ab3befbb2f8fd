"""Engine `server`: any server with OpenAI's chat completions.

What comes from it is not trusted: an answer is bounded in bytes and in time, thinking is dropped,
and a text that holds the key is not passed on.

The `openai` client does the retries: on 408, 409, 429, 5xx, a reset connection and a timeout, with
growing pauses, or after as long as Retry-After says. What it takes for an answer but is not, such
as the HTML page of a proxy, is retried here. What fails then is the failure of one request only if
the server answers others; else no request has a chance, and the engine is gone.

Parameters that the server refuses are left out (max_tokens is renamed first) from then on. The
store's keys name what params.yaml wants, not what a server could be brought to: they stay the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from stages.core.connections import Connection, ScoringServer, Server
from stages.engines import Complete
from stages.engines.listing import Wanted, scored
from stages.engines.probing import Probe
from stages.engines.session import Session
from stages.engines.spending import Spending


@contextmanager
def serving(
    options: Server, spending: Spending | None = None, block: str = "generate.server"
) -> Iterator[Complete]:
    """The server at `options.address`; InputError if it is not one or refuses us. spending:
    counts the tokens and limits them; at the limit all requests that were not sent are Failed.
    block: where params.yaml has `options`.
    """
    with _open(options, Wanted(block, "model", options.model), spending=spending) as (
        runner,
        session,
    ):
        yield lambda asks: runner.run(session.complete(asks))


@contextmanager
def scoring(
    options: ScoringServer, is_tuned: bool, folder: str | Path | None, probe: Probe
) -> Iterator[Complete]:
    """The same for scoring: the base model, or the tuned one, whose weights are those in `folder`
    (None: not here). InputError also if the server has another model, or takes no prompts of tokens
    or no grammars where `options` and `probe` want them.
    """
    with _open(options, scored(options, is_tuned), folder) as (runner, session):
        if options.vllm:
            runner.run(session.check(probe))
        yield lambda asks: runner.run(session.complete(asks))


def served(options: Server, block: str = "generate.server") -> str:
    """The name of the model that the server would be asked for; block, errors as of `serving`."""
    with _open(options, Wanted(block, "model", options.model)) as (_, session):
        return session.model


def name_scored(options: ScoringServer, is_tuned: bool, folder: str | Path | None) -> str:
    """The server's name of the base model, or the tuned one, whose weights are those in `folder`
    (None: not here); errors as of `scoring`, but those of its probe.
    """
    with _open(options, scored(options, is_tuned), folder) as (_, session):
        return session.model


@contextmanager
def _open(
    options: Connection, wanted: Wanted, folder: str | Path | None = None,
    spending: Spending | None = None,
) -> Iterator[tuple[asyncio.Runner, Session]]:  # fmt: skip
    """A session whose model is found, and what runs it; closed in the end."""
    with asyncio.Runner() as runner:
        session = Session(options, wanted, spending)
        try:
            session.model = runner.run(session.named(folder)).name
            yield runner, session
        finally:
            runner.run(session.client.close())
