"""Engine `server`: any server with OpenAI's chat completions.

The `openai` client does the retries: on 408, 409, 429, 5xx, a reset connection and a timeout, with
growing pauses, or after as long as Retry-After says. What it takes for an answer and is none, such
as the HTML page of a proxy, is retried here.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from stages.contracts.command import InputError
from stages.contracts.settings import Server
from stages.writing.engines import Answer, Ask, Complete, Failed, as_chat, beginning

if TYPE_CHECKING:
    from openai import AsyncOpenAI

T = TypeVar("T")
# The sampling settings that OpenAI's interface has; the others are vLLM's own.
STANDARD = ("temperature", "top_p", "frequency_penalty", "max_tokens", "stop")
# vLLM needs no key, but the client does.
NO_KEY = "none"
PAUSE, LONGEST_PAUSE = 0.5, 8.0


def key_of(options: Server) -> str:
    """The key, from the environment variable that params.yaml names."""
    if not options.key_variable:
        return NO_KEY
    key = os.environ.get(options.key_variable, "").strip()
    if not key:
        raise InputError(
            f"the environment variable {options.key_variable} is empty, and params.yaml names it "
            "in generate.server.key_variable: put the server's key there"
        )
    return key


@contextmanager
def serving(options: Server) -> Iterator[Complete]:
    """The server at `options.address`; InputError if it is no such server or refuses us."""
    from openai import AsyncOpenAI

    # Their debug lines hold whole requests.
    for name in ("openai", "httpx", "httpx2", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)
    with asyncio.Runner() as runner:
        client = AsyncOpenAI(
            base_url=options.address,
            api_key=key_of(options),
            timeout=options.timeout,
            max_retries=options.retries,
        )
        try:
            model = runner.run(_model(client, options))
            yield lambda asks: runner.run(_complete(client, model, asks, options))
        finally:
            runner.run(client.close())


async def _model(client: AsyncOpenAI, options: Server) -> str:
    """The name to ask for: the params' or else the only one that the server lists."""
    names = await _listed(client, options)
    if options.model in names:
        return options.model
    if options.model or len(names) != 1:
        raise InputError(
            f"{options.address} serves {', '.join(names[:10]) or 'no model'}: name one of them in "
            f"generate.server.model (found {options.model!r})"
        )
    return names[0]


async def _listed(client: AsyncOpenAI, options: Server) -> list[str]:
    """The models of the server; InputError if that is none, or refuses us, or is gone."""
    import openai

    where = f"generate.server.address {options.address}"
    try:
        # A server that starts needs minutes, one that is not there should not cost them.
        asked = client.with_options(max_retries=min(options.retries, 3))
        return await _read(
            lambda: asked.models.list(), lambda found: [model.id for model in found.data], options
        )
    except (openai.AuthenticationError, openai.PermissionDeniedError) as error:
        named = options.key_variable or "none is named"
        raise InputError(
            f"{where} refuses the key ({error.status_code}): look at the environment variable of "
            f"generate.server.key_variable ({named})"
        ) from None
    except (openai.NotFoundError, ValueError) as error:
        raise InputError(
            f"{where} is no OpenAI-compatible server ({_told(error, options)}): it usually ends "
            "in /v1"
        ) from None
    except openai.APIError as error:
        raise InputError(
            f"{where} does not answer ({_told(error, options)}): is the server running? What was "
            "written is kept; run the stage again"
        ) from None


async def _read(call: Callable[[], Awaitable[Any]], read: Callable[[Any], T], options: Server) -> T:
    """What `read` finds in the answer of `call`; ValueError if all answers were of another kind."""
    from openai import APIResponseValidationError

    for attempt in range(options.retries + 1):
        try:
            return read(await call())
        except (APIResponseValidationError, AttributeError, IndexError, TypeError, ValueError):
            await asyncio.sleep(min(PAUSE * 2**attempt, LONGEST_PAUSE))
    raise ValueError("its answers are of another kind, perhaps a web page")


async def _complete(
    client: AsyncOpenAI, model: str, asks: list[Ask], options: Server
) -> list[Answer]:
    room = asyncio.Semaphore(options.concurrency)

    async def one(ask: Ask) -> Answer:
        async with room:
            return await _answer(client, model, ask, options)

    answers = await asyncio.gather(*(one(ask) for ask in asks))
    if any(isinstance(answer, Failed) for answer in answers):
        try:
            await _model(client, options)
        except InputError as error:
            gone = Failed(str(error), fatal=True)
            return [gone if isinstance(answer, Failed) else answer for answer in answers]
    return answers


async def _answer(client: AsyncOpenAI, model: str, ask: Ask, options: Server) -> Answer:
    """One completion, or why there is none."""
    import openai

    start = beginning(ask.messages)
    given = {name: value for name, value in ask.sampling.items() if name in STANDARD}
    own = {name: value for name, value in ask.sampling.items() if name not in STANDARD}
    if start:
        own |= {"continue_final_message": True, "add_generation_prompt": False}
    try:
        text = await _read(
            lambda: client.chat.completions.create(
                model=model,
                messages=as_chat(ask.messages),  # type: ignore[arg-type]
                seed=ask.seed,
                extra_body=own,
                **given,
            ),
            lambda found: found.choices[0].message.content,
            options,
        )
    except (openai.APIError, ValueError) as error:
        return Failed(_told(error, options))
    return Failed("an answer without text") if text is None else start + str(text)


def _told(error: Exception, options: Server) -> str:
    """The error's text; some servers repeat the key that they refuse, we do not."""
    cause = f", {error.__cause__}" if error.__cause__ else ""
    text = " ".join(f"{type(error).__name__}: {error}{cause}".split())
    return (text.replace(key_of(options), "[key]") if options.key_variable else text)[:300]
