"""The routes that ask a model: prompts, the completion store before it, the engine behind it."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from jinja2.sandbox import ImmutableSandboxedEnvironment

from stages.core import files
from stages.core.command import InputError
from stages.core.domain import Domain
from stages.core.prompts import Template
from stages.core.settings import Settings
from stages.engines import Answer, Ask, Complete, Failed, Messages, begins, started, store
from stages.engines.models import identity, resolve
from stages.engines.thinking import spoken
from stages.generation import viewer as seeing
from stages.generation.picture import described, look, variables
from stages.generation.prompting import Prompter, query_of
from stages.generation.slots import Request
from stages.images import pictures

# Requests from which on the share of failures is looked at while the stage runs.
LEAST = 50
# (queries, completion, model, prompt hash, prompt text) of a request.
Written = tuple[list[str], Answer, str, str, str]


def engine(chosen: Settings, role: str = "writer") -> AbstractContextManager[Complete]:
    """The engine that `generate.engine` names, started when the context is entered; for the role
    `viewer`, the model that sees pictures, the one that `generate.vision.engine` names.
    """
    block = chosen.generate
    named = block.vision.engine if role == "viewer" else block.engine
    if named == "server":
        from stages.engines import server

        return server.serving(block.server)
    if named == "ray":
        from stages.engines import ray

        return ray.serving(block.ray, resolve("writer"), chosen.engine, chosen.seed)
    from stages.engines import vllm

    extra = {"limit_mm_per_prompt": {"image": 1}} if role == "viewer" else {}
    return vllm.serving(resolve(role), chosen.engine, chosen.seed, **extra)


class Writer:
    """Writes batches of requests with the writer model; answers it has are not asked for again.

    Whichever engine answers, prompts, keys and the order of the rows are made here, so they are
    the same.
    """

    def __init__(
        self, templates: list[Template], domain: Domain, lexicon: dict[str, list[str]],
        environment: ImmutableSandboxedEnvironment, chosen: Settings, route: str,
    ) -> None:  # fmt: skip
        vision = chosen.generate.vision
        self.sees = route == "vision" and vision.engine != "describe"
        self.role = "viewer" if self.sees else "writer"
        if self.sees:
            templates = [seeing.template(templates[0])]
        self.route, self.chosen, server = route, chosen, chosen.generate.server
        self.sampling = getattr(chosen.generate, route).sampling.model_dump()
        if self.sees:
            longest = self.sampling["max_tokens"] * vision.sentences
            self.sampling |= {"stop": [], "max_tokens": longest}
        remote = (vision.engine if self.sees else chosen.generate.engine) == "server"
        if self.sees and not chosen.models.viewer and not (remote and server.model):
            raise InputError(
                f"generate.vision.engine is {vision.engine}, but models.viewer is empty: name "
                "a model that sees pictures there, such as SmolVLM (README, the vision route)"
            )
        named = ""
        if remote:
            # The rows and keys carry what the server says it serves, and that is asked for.
            name, local = _served(chosen, self.role)
            named = "" if local else name
            self.chosen = _with_model(chosen, name)
        # The digest of its weights and the compiled templates take equally long.
        with ThreadPoolExecutor(1) as beside:
            model = None if named else beside.submit(identity, self.role)
            self.prompter = Prompter(templates, domain, lexicon, environment)
            self.model = model.result() if model else named
        self.plain = remote and not server.vllm
        if self.plain:
            from stages.engines.server import STANDARD

            self.sampling = {name: self.sampling[name] for name in STANDARD}
        self.store = store.Store(files.work_dir() / store.NAME)
        self.counts: Counter[str] = Counter()
        self.tried = 0  # requests whose answers, or failures, are known
        self.reasons: Counter[str] = Counter()  # of failures
        self._engine = ExitStack()
        self._complete: Complete | None = None
        # One engine at a time for a route and a model, in all experiments of this clone.
        told = hashlib.sha256(self.model.encode()).hexdigest()[:16]
        self.lock = files.work_dir() / f"engine-{route}-{told}.lock"
        self._alone = False

    def start(self, batch: list[Request]) -> Callable[[], list[Written]]:
        """Begin to write, and give what waits for it: Written of each request.

        There is at least one query, if an empty one. The completion is Failed where the engine had
        none. A request with a picture gets `seen`, its description, for the check `ungrounded`.
        Waiting raises InputError, with all answers kept, when the engine is gone.
        """
        asks: dict[str, Ask] = {}
        keys = []
        look([one["image_path"] for one in batch if one["image_path"] is not None], self.store)
        for request in batch:
            messages, picture = self.prompt(request)
            seed = (self.chosen.seed + request["seed"]) % 2**31
            keys.append(store.key(self.model, messages, self.sampling, seed, picture))
            asks[keys[-1]] = Ask(messages, self.sampling, seed)
        known = self.known(keys)
        if not self._alone and any(name not in known for name in keys):
            # Another process may be asking for them: what it gets need not be asked for again.
            self._engine.enter_context(files.alone(self.lock))
            self._alone = True
            known = self.known(keys)
        missing = {name: request for name, request in zip(keys, batch, strict=True)
                   if name not in known}  # fmt: skip
        hits = sum(name in known for name in keys)
        self.counts.update(hits=hits, misses=len(keys) - hits)
        self.store.count(self.model, hits, len(keys) - hits)
        wait = self.complete({n: self.shown(asks[n], r) for n, r in missing.items()})

        def written() -> list[Written]:
            known.update(wait())
            self.tried += len(keys)
            failed = [a.reason for a in map(known.__getitem__, keys) if isinstance(a, Failed)]
            if failed:
                self.counts.update(failed=len(failed))
                self.reasons.update(failed)
                self.check_failures(LEAST)
            return [
                (self.queries(known[name]), known[name], self.model, name[:16], _told(asks[name]))
                for name in keys
            ]

        return written

    def known(self, keys: list[str]) -> dict[str, Answer]:
        """The store's answers, by key; what it has from before thinking was dropped, without."""
        found = {name: spoken(text) for name, text in self.store.get(keys).items()}
        return {name: text for name, text in found.items() if text is not None}

    def check_failures(self, least: int = 0) -> None:
        """InputError when more requests failed than `generate.max_failed_share` allows, of all
        that were tried or, if these are fewer, of `least`.
        """
        failed, share = self.counts["failed"], self.chosen.generate.max_failed_share
        if failed <= share * max(self.tried, least):
            return
        (reason, times), *_ = self.reasons.most_common(1)
        raise InputError(
            f"{failed} of {self.tried} requests had no answer, more than "
            f"generate.max_failed_share {share:g} allows; {times} times: {reason}. The answers "
            "so far are kept: change what the reason names and run the stage again"
        )

    def prompt(self, request: Request) -> tuple[Messages, str | None]:
        """The messages for a request, and what tells its picture from others if it has one."""
        more: dict[str, Any] = {}
        picture = None
        if request["image_path"] is not None:
            picture = pictures.digest(request["image_path"])
            more = variables(described(request["image_path"], self.store))
            request["seen"] = more["picture"]
        if self.sees:
            vision = self.chosen.generate.vision
            asked = request | {"template_id": seeing.NAME}
            messages = self.prompter.messages(asked, sentences=vision.sentences)
            return messages, f"{picture}@{vision.side}"
        messages = self.prompter.messages(request, **more)
        return messages[:-1] if self.plain and begins(messages) else messages, picture

    def shown(self, ask: Ask, request: Request) -> Ask:
        """The request as the engine gets it: with its picture, for a model that sees."""
        if not self.sees:
            return ask
        side = self.chosen.generate.vision.side
        messages = seeing.with_picture(ask.messages, request["image_path"], side)
        return replace(ask, messages=messages)

    def queries(self, answer: Answer) -> list[str]:
        """The queries in an answer; one that is empty where there is none."""
        if isinstance(answer, Failed):
            return [""]
        if self.sees:
            return seeing.sentences(answer, self.chosen.generate.vision.sentences) or [""]
        return [query_of(answer)]

    def complete(self, asks: dict[str, Ask]) -> Callable[[], dict[str, Answer]]:
        """Ask the engine, started at first use; what waits for its answers by key, the good ones
        on disk.
        """
        if not asks:
            return dict
        if self._complete is None:
            self._complete = self._engine.enter_context(engine(self.chosen, self.role))
        wait = started(self._complete, list(asks.values()))

        def answered() -> dict[str, Answer]:
            answers = dict(zip(asks, map(_clean, wait()), strict=True))
            self.store.put(self.model, [(n, a) for n, a in answers.items() if isinstance(a, str)])
            for answer in answers.values():
                if isinstance(answer, Failed) and answer.fatal:
                    raise InputError(answer.reason)
            return answers

        return answered

    def close(self) -> None:
        """End the engine, if one was started."""
        self._complete = None
        self._engine.close()


def _served(chosen: Settings, role: str) -> tuple[str, bool]:
    """The name of the server's model, and whether that is models/base/ROLE: a server that was
    given this folder has its path for a name.
    """
    options = chosen.generate.server
    if options.model:
        return options.model, False
    from stages.engines import server

    name, folder = server.served(options), Path("models/base") / role
    if not folder.is_dir():
        return name, False
    return name, Path(name).resolve() in (folder.resolve(), Path(resolve(role)).resolve())


def _with_model(chosen: Settings, name: str) -> Settings:
    """The settings with the name of the server's model."""
    server = chosen.generate.server.model_copy(update={"model": name})
    generate = chosen.generate.model_copy(update={"server": server})
    return chosen.model_copy(update={"generate": generate})


def _clean(answer: Answer) -> Answer:
    """No half surrogates, which JSON can spell and neither SQLite nor parquet can hold."""
    text = answer.reason if isinstance(answer, Failed) else answer
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return replace(answer, reason=text) if isinstance(answer, Failed) else text


def _told(ask: Ask) -> str:
    """Instructions and examples of a prompt, for the check that none leaks into the query."""
    return "\n".join(m["content"] for m in ask.messages if m["role"] in ("system", "assistant"))
