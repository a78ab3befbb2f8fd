"""One OpenAI-compatible server for one run: its requests, what it refuses, and whether it still
lives. `server` says what is done and why.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import openai

from stages.core.command import InputError
from stages.core.connections import Connection
from stages.engines import ONLY_THOUGHT, Answer, Ask, Failed, as_chat, begins, heard
from stages.engines.complaints import Complaints, codes
from stages.engines.listing import Listed, Wanted, check_loaded, choose, listed
from stages.engines.parameters import STANDARD, refused
from stages.engines.probing import Probe, problem
from stages.engines.redaction import Key
from stages.engines.spending import Spending, Spent
from stages.engines.transport import TooLong, bounded

T = TypeVar("T")
# vLLM needs no key, but the client does.
NO_KEY = "none"
PAUSE, LONGEST_PAUSE = 0.5, 8.0
# Characters of a completion.
MOST_CHARACTERS = 64 * 2**10
# Tokens that a model which thinks gets for that, beyond those of the answer.
THINKING = 2_048
# How a model that thinks is handled: vLLM can ask its template not to; else it gets room.
ASKED_NOT_TO, ROOM = 1, 2
# Seconds that requests under way are given when no other has a chance.
GRACE = 5.0
# Statuses and codes about the account or the server, whatever is asked.
FOR_GOOD = (401, 402, 404, 405, 410, 429)
FOR_GOOD_CODES = {
    "access_terminated", "account_deactivated", "billing_hard_limit_reached", "billing_not_active",
    "insufficient_balance", "insufficient_credits", "insufficient_quota", "invalid_api_key",
    "model_not_found", "organization_deactivated", "quota_exceeded",
}  # fmt: skip
# Statuses about one request, if the server has answered any.
OF_ONE = (400, 413, 414, 415, 422, 451)
RENAMED = {"max_tokens": "max_completion_tokens"}
# Without these the beginning of the answer would be lost, its end, or what it must keep to.
NEEDED = ("continue_final_message", "add_generation_prompt", "stop_token_ids", "structured_outputs")


def key_of(options: Connection, block: str) -> Key:
    """The key, from the environment variable that params.yaml names."""
    if not options.key_variable:
        return Key("")
    key = os.environ.get(options.key_variable, "").strip()
    where = f"the environment variable {options.key_variable}"
    if not key:
        raise InputError(
            f"{where} is empty, and params.yaml names it in {block}.key_variable: put the server's "
            "key there"
        )
    if not re.fullmatch(r"[!-~]+", key):
        raise InputError(
            f"{where} holds no key: one line of ASCII without blanks is wanted. Look for a line "
            "break, a blank or a letter of another alphabet in it"
        )
    return Key(key)


class Session:
    """One server for one run: what it refuses, and when it last answered."""

    def __init__(
        self, options: Connection, wanted: Wanted, spending: Spending | None = None
    ) -> None:
        # Their debug lines hold whole requests.
        for name in ("openai", "httpx", "httpx2", "httpcore", "httpcore2"):
            logging.getLogger(name).setLevel(logging.WARNING)
        self.options, self.wanted, self.spending = options, wanted, spending or Spending()
        self.key = key_of(options, wanted.block)
        self.complaints = Complaints(options, wanted.block, self.key)
        self.client = openai.AsyncOpenAI(
            base_url=options.address,
            api_key=self.key.reveal() or NO_KEY,
            timeout=options.timeout,
            max_retries=options.retries,
            http_client=bounded(options.timeout),
        )
        self.model = ""
        self.left_out: set[str] = set()
        self.thinks = 0  # or ASKED_NOT_TO or ROOM, once a model was found to think
        self.answered = -1.0  # when, by time.monotonic
        self.probing = asyncio.Lock()
        self.gone: Failed | None = None

    async def named(self, folder: str | Path | None = None) -> Listed:
        """The model to ask for: the params' or else the only one that the server lists. folder:
        where its weights are here, if they are.
        """
        model = choose(await self._listed(), self.wanted, self.complaints)
        if folder is not None:
            check_loaded(model, folder, self.wanted, self.complaints)
        return model

    async def check(self, probe: Probe) -> None:
        """InputError where the server has not what `probe` looks for."""

        async def ask(**fields: Any) -> Any:
            return await self._read(
                lambda: self.client.completions.create(model=self.model, temperature=0, **fields),
                lambda answer: answer.choices[0],
                1,
            )

        where = self.complaints.where
        try:
            fault = await problem(ask, probe)
        except (openai.NotFoundError, openai.BadRequestError, ValueError) as error:
            raise InputError(
                f"{where} does not complete a prompt of tokens ({self.complaints.message(error)}): "
                f"if it is not vLLM, set {self.wanted.block}.vllm to false"
            ) from None
        except openai.APIError as error:
            raise InputError(self.complaints.why(error)) from None
        if fault:
            raise InputError(f"{where} {fault}")

    async def _listed(self) -> list[Listed]:
        """The models of the server; InputError if it is not one, refuses us, or is gone."""
        # A server that starts needs minutes, one that is not there should not cost them.
        retries = min(self.options.retries, 3)
        asked = self.client.with_options(max_retries=retries)
        try:
            return await self._read(
                lambda: asked.models.list(),
                lambda answer: [listed(model) for model in answer.data],
                retries,
            )
        except (openai.NotFoundError, ValueError) as error:
            raise InputError(
                f"{self.complaints.where} is no OpenAI-compatible server "
                f"({self.complaints.message(error)}): it usually ends in /v1"
            ) from None
        except openai.APIError as error:
            raise InputError(self.complaints.why(error)) from None

    async def _read(
        self, call: Callable[[], Awaitable[Any]], read: Callable[[Any], T], retries: int
    ) -> T:
        """What `read` finds in the answer of `call`; ValueError if all answers were of another
        kind.
        """
        for attempt in range(retries + 1):
            if attempt:
                await asyncio.sleep(min(PAUSE * 2 ** (attempt - 1), LONGEST_PAUSE))
            try:
                return read(await call())
            except openai.APIResponseValidationError:
                continue
            except (openai.APIError, TooLong, Spent):
                raise
            except Exception:
                # An answer can be wrong in more ways than the client has names for.
                continue
        raise ValueError("its answers are of another kind, perhaps a web page")

    async def complete(self, asks: list[Ask]) -> list[Answer]:
        """One answer per request; when no request has a chance, those without an answer are
        Failed for that reason.
        """
        if not asks:
            return []
        answers: list[Answer | None] = [self.gone] * len(asks)
        room = asyncio.Semaphore(self.options.concurrency)
        over = asyncio.Event()

        async def ask_one(number: int) -> None:
            async with room:
                if self.gone is None:
                    answers[number] = answer = await self._answer(asks[number])
                    if isinstance(answer, Failed) and answer.fatal:
                        self.gone = answer
                        # At the limit what is under way is waited for: it is paid already.
                        if not self.spending.is_over:
                            over.set()

        tasks = [asyncio.create_task(ask_one(number)) for number in range(len(asks))]
        waiting = [asyncio.create_task(w) for w in (asyncio.wait(tasks), over.wait())]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait(tasks, timeout=GRACE)
        finally:
            for task in (*waiting, *tasks):
                task.cancel()
            await asyncio.gather(*waiting, *tasks, return_exceptions=True)
        lost = self.gone or Failed("not asked")
        if self.gone and self.spending.is_over:
            # What was under way when the first was not sent has been paid meanwhile.
            lost = self.gone = Failed(self.spending.reason(), fatal=True)
            answers = [None if isinstance(a, Failed) and a.fatal else a for a in answers]
        return [lost if answer is None else answer for answer in answers]

    async def _answer(self, ask: Ask) -> Answer:
        """One completion, or why there is none."""
        began = time.monotonic()
        try:
            try:
                answer = await self._ask(ask, self.options.retries)
            except (openai.APIError, ValueError) as error:
                return await self._failed(ask, error, began)
        except Spent as limit:
            return Failed(str(limit), fatal=True)
        self.answered = time.monotonic()
        return answer

    async def _failed(self, ask: Ask, error: Exception, began: float) -> Failed:
        """Whether it is this request that failed or the server that fails for all."""
        status = getattr(error, "status_code", None)
        if status in FOR_GOOD or FOR_GOOD_CODES & codes(error):
            return Failed(self.complaints.why(error), fatal=True)
        if status in OF_ONE and refused(getattr(error, "body", None), set(NEEDED)):
            return Failed(
                f"{self.complaints.where} does not take vLLM's own fields "
                f"({self.complaints.message(error)}): set {self.wanted.block}.vllm to false",
                fatal=True,
            )
        since = 0.0 if status in OF_ONE else began
        broken = isinstance(error, openai.APIConnectionError)
        if broken and not isinstance(error, openai.APITimeoutError):
            # A server that just died answered others while this request was under way.
            since = time.monotonic()
        async with self.probing:
            if self.gone is not None:
                return self.gone
            if self.answered <= since:
                # Nobody was answered meanwhile: is anybody, whatever is asked?
                try:
                    await self._ask(_simplest(ask), 1)
                except (openai.APIError, ValueError) as again:
                    self.gone = Failed(self.complaints.why(again), fatal=True)
                    return self.gone
                self.answered = time.monotonic()
        return Failed(self.complaints.message(error))

    async def _ask(self, ask: Ask, retries: int) -> Answer:
        """One completion; what the server refuses of the request is left out."""
        client = self.client.with_options(max_retries=retries)
        while True:
            thinks = self.thinks
            standard, own = self._parameters(ask)
            try:
                answer = await self._read(
                    lambda standard=standard, own=own: self._completion(client, ask, own, standard),  # type: ignore[misc]
                    lambda reply, cut="stop" not in standard: self._heard(ask, reply, cut),  # type: ignore[misc]
                    retries,
                )
            except openai.APIStatusError as error:
                if self._leaves_out(error, {*standard, *own}):
                    continue
                raise
            if answer != Failed(ONLY_THOUGHT) or thinks == ROOM:
                return answer
            self._let_think(thinks)

    async def _completion(
        self, client: openai.AsyncOpenAI, ask: Ask, own: dict[str, Any], fields: dict[str, Any]
    ) -> Any:
        """The answer to the request, by the interface for its kind of prompt. Raises Spent where
        the limit is reached.
        """
        self.spending.check()
        fields = fields | {"model": self.model, "extra_body": own}
        if ask.tokens:
            return await client.completions.create(prompt=list(ask.tokens), **fields)
        messages: Any = as_chat(ask.messages)
        completion = await client.chat.completions.create(messages=messages, **fields)
        self.spending.add(completion, messages)
        return completion

    def _heard(self, ask: Ask, completion: Any, cut: bool) -> Answer:
        """What a completion says; any error if it is not one. cut: at the stop strings, here."""
        choice = completion.choices[0]
        text = choice.text if ask.tokens else choice.message.content
        if isinstance(text, list):  # parts, of which the texts are said
            text = "".join(part["text"] for part in text if part.get("type") == "text")
        if choice.finish_reason in ("content_filter", "error"):
            return Failed(f"the server broke the answer off: {choice.finish_reason}")
        if not ask.tokens and not text and getattr(choice.message, "refusal", None):
            return Failed(self.complaints.clean(f"the model refuses: {choice.message.refusal}"))
        if not ask.tokens and not (text or "").strip() and _thought(completion):
            return Failed(ONLY_THOUGHT)
        if text is None:
            return Failed("an answer without text")
        if not isinstance(text, str):
            raise TypeError("an answer that is no text")
        if len(text) > MOST_CHARACTERS:
            return Failed(f"an answer of {len(text):,} characters")
        answer = heard(ask, text, (ask.sampling.get("stop") or ()) if cut else ())
        # Thinking may be in the middle of it.
        if self.key.in_(text) or (isinstance(answer, str) and self.key.in_(answer)):
            return Failed("the answer holds the server's key: it is not kept")
        return answer

    def _let_think(self, thought: int) -> None:
        """Ask otherwise from now on, if that was not done since a request was sent."""
        if self.thinks != thought:
            return
        self.thinks = ASKED_NOT_TO if self.options.vllm and thought < ASKED_NOT_TO else ROOM
        self._say(
            "its model thinks first: from here on it is asked not to"
            if self.thinks == ASKED_NOT_TO
            else f"its model thinks first: from here on it gets {THINKING} tokens for that, and "
            "its answers are cut at the stop strings here"
        )

    def _parameters(self, ask: Ask) -> tuple[dict[str, Any], dict[str, Any]]:
        """Those that OpenAI's interface has, and the server's own."""
        standard = {"seed": ask.seed} | {n: v for n, v in ask.sampling.items() if n in STANDARD}
        own = {name: value for name, value in ask.sampling.items() if name not in STANDARD}
        if self.options.vllm and self.thinks:
            own["chat_template_kwargs"] = {"enable_thinking": False}
        if begins(ask.messages):
            own |= {"continue_final_message": True, "add_generation_prompt": False}
        if self.thinks == ROOM:
            standard.pop("stop", None)
            if "max_tokens" in standard:
                standard["max_tokens"] += THINKING
        for old, new in RENAMED.items():
            if old in self.left_out and old in standard:
                standard[new] = standard.pop(old)
        return tuple(  # type: ignore[return-value]
            {name: value for name, value in part.items() if name not in self.left_out}
            for part in (standard, own)
        )

    def _leaves_out(self, error: openai.APIStatusError, sent: set[str]) -> bool:
        """Whether the server refuses a parameter that can be left out from now on."""
        if error.status_code not in OF_ONE:
            return False
        name = refused(error.body, sent)
        if name is None or name in NEEDED:
            return False
        if name not in self.left_out:
            self.left_out.add(name)
            what = f"asked as {RENAMED[name]}" if name in RENAMED else "left out"
            self._say(f"the server refuses {name}: {what} from here on")
        return True

    def _say(self, what: str) -> None:
        print(f"{self.options.address}: {what}", file=sys.stderr, flush=True)


def _simplest(ask: Ask) -> Ask:
    """A request of the same kind that any server can answer."""
    sampling = {n: v for n, v in ask.sampling.items() if n != "structured_outputs"}
    if ask.tokens:
        return replace(ask, sampling=sampling, tokens=ask.tokens[:1])
    return Ask([{"role": "user", "content": "Write one word."}], sampling, ask.seed)


def _thought(completion: Any) -> bool:
    """Whether an answer says that there was thinking, apart from its content."""
    message = completion.choices[0].message
    if getattr(message, "reasoning_content", None) or getattr(message, "reasoning", None):
        return True
    details = getattr(completion.usage, "completion_tokens_details", None)
    return bool(getattr(details, "reasoning_tokens", 0))
