"""Asking a model: the completion store before it, the engine behind it. For every route, and for
the judge.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from stages.core import files
from stages.core.command import InputError
from stages.core.settings import Generate, Judge, Settings
from stages.engines import Answer, Ask, Complete, Failed, started, store
from stages.engines.models import identity, resolve
from stages.engines.parameters import standard
from stages.engines.spending import Spending
from stages.engines.thinking import spoken

# Requests after which the share of failures is checked while the stage runs.
MIN_TRIED = 50


class Role(NamedTuple):
    """Who answers for a role. block: its name in params.yaml; options: what stands there; engine:
    its engine; weights: which of models/base it is in this process.
    """

    block: str
    options: Generate | Judge
    engine: str
    weights: str


def of_role(settings: Settings, role: str) -> Role:
    """Who answers for `writer`, for `viewer`, the model that sees pictures, or for `judge`."""
    block = settings.generate
    if role == "judge":
        return Role("judge", settings.judge, settings.judge.engine, "writer")
    return Role("generate", block, block.vision.engine if role == "viewer" else block.engine, role)


def engine(
    settings: Settings, role: str = "writer", spending: Spending | None = None
) -> AbstractContextManager[Complete]:
    """The engine of a role, started when the context is entered. spending: where a server's tokens
    are counted.
    """
    who = of_role(settings, role)
    if who.engine == "server":
        from stages.engines import server

        return server.serving(who.options.server, spending, f"{who.block}.server")
    if who.engine == "ray":
        from stages.engines import ray

        folder, block = resolve("writer"), f"{who.block}.ray"
        return ray.serving(who.options.ray, folder, settings.engine, settings.seed, block=block)
    from stages.engines import vllm

    extra: dict[str, Any] = {"limit_mm_per_prompt": {"image": 1}} if role == "viewer" else {}
    return vllm.serving(resolve(who.weights), settings.engine, settings.seed, **extra)


class Asker:
    """Asks a role's model, in batches; answers that the store has are not asked for again.

    Whichever engine answers, keys and order are made here, so they are the same. model: how the
    rows name the model, by its weights, or as the server calls it.
    """

    def __init__(self, settings: Settings, role: str, route: str) -> None:
        self.role, who = role, of_role(settings, role)
        server = who.options.server
        self.settings, self.plain, model = settings, False, ""
        if who.engine == "server":
            name, local = _served(settings, role)
            model = "" if local else name
            self.settings = _with_model(settings, who, name)
            # A server that is not vLLM goes on from no beginning and takes the standard fields.
            self.plain = not server.vllm
        self.model = model or identity(who.weights)
        self.store = store.Store(files.work_dir() / store.NAME)
        self.counts: Counter[str] = Counter()
        self.tried = 0  # requests that were answered or failed
        self.reasons: Counter[str] = Counter()  # of failures
        # Tokens, only of a server.
        self.spending = None
        if who.engine == "server":
            self.spending = Spending(server.max_tokens_total or 0, block=f"{who.block}.server")
        self._engine = ExitStack()
        self._complete: Complete | None = None
        # One engine at a time for a route and a model, in all experiments of this clone.
        digest = hashlib.sha256(self.model.encode()).hexdigest()[:16]
        self.lock = files.work_dir() / f"engine-{route}-{digest}.lock"
        self._alone = False

    def accepted(self, sampling: dict[str, Any]) -> dict[str, Any]:
        """The sampling settings that the engine takes."""
        return standard(sampling) if self.plain else sampling

    def start(
        self, asks: Sequence[Ask], pictures: Sequence[str | None] = (),
        shown: Callable[[int, Ask], Ask] | None = None,
    ) -> Callable[[], list[tuple[str, Answer]]]:  # fmt: skip
        """Begin to answer, and return what waits for it: the key and the answer of each request, in
        their order; the answer is Failed where the engine had none.

        pictures: what distinguishes each request's picture from others. shown: from the number of a
        request and the request to what the engine gets, where that is more than the key is made of.
        Waiting raises InputError, with all answers stored, when the engine is gone.
        """
        seen = pictures or [None] * len(asks)
        keys = [
            store.key(self.model, ask.messages, ask.sampling, ask.seed, picture)
            for ask, picture in zip(asks, seen, strict=True)
        ]
        answers = self.stored(keys)
        if not self._alone and any(name not in answers for name in keys):
            # Another process may be asking for them: what it gets need not be asked for again.
            self._engine.enter_context(files.alone(self.lock))
            self._alone = True
            answers = self.stored(keys)
        missing = {name: n for n, name in enumerate(keys) if name not in answers}
        hits = sum(name in answers for name in keys)
        self.counts.update(hits=hits, misses=len(keys) - hits)
        self.store.count(self.model, hits, len(keys) - hits)
        wait = self.complete(
            {name: shown(n, asks[n]) if shown else asks[n] for name, n in missing.items()}
        )

        def answered() -> list[tuple[str, Answer]]:
            answers.update(wait())
            self.tried += len(keys)
            failed = [a.reason for a in map(answers.__getitem__, keys) if isinstance(a, Failed)]
            if failed:
                self.counts.update(failed=len(failed))
                self.reasons.update(failed)
                self.check_failures(MIN_TRIED)
            return [(name, answers[name]) for name in keys]

        return answered

    def stored(self, keys: list[str]) -> dict[str, Answer]:
        """The store's answers, by key; what it has from before thinking was dropped, without."""
        texts = {name: spoken(text) for name, text in self.store.get(keys).items()}
        return {name: text for name, text in texts.items() if text is not None}

    def check_failures(self, min_tried: int = 0) -> None:
        """InputError when more requests failed than `max_failed_share` of the role's block allows,
        of all that were tried or, if these are fewer, of `min_tried`.
        """
        who = of_role(self.settings, self.role)
        failed, share = self.counts["failed"], who.options.max_failed_share
        if failed <= share * max(self.tried, min_tried):
            return
        (reason, times), *_ = self.reasons.most_common(1)
        raise InputError(
            f"{failed} of {self.tried} requests had no answer, more than "
            f"{who.block}.max_failed_share {share:g} allows; {times} times: {reason}. The answers "
            "so far are kept: change what the reason names and run the stage again"
        )

    def complete(self, asks: dict[str, Ask]) -> Callable[[], dict[str, Answer]]:
        """Ask the engine, started at first use; what waits for its answers by key, the good ones
        on disk.
        """
        if not asks:
            return dict
        if self._complete is None:
            self._complete = self._engine.enter_context(
                engine(self.settings, self.role, self.spending)
            )
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


def _served(settings: Settings, role: str) -> tuple[str, bool]:
    """The name of the server's model, and whether that is models/base/ROLE: a server that was
    given this folder has its path for a name.
    """
    who = of_role(settings, role)
    options = who.options.server
    if options.model:
        return options.model, False
    from stages.engines import server

    name = server.served(options, f"{who.block}.server")
    folder = Path("models/base") / who.weights
    if not folder.is_dir():
        return name, False
    return name, Path(name).resolve() in (folder.resolve(), Path(resolve(who.weights)).resolve())


def _with_model(settings: Settings, who: Role, name: str) -> Settings:
    """The settings with the name of the server's model."""
    server = who.options.server.model_copy(update={"model": name})
    options = who.options.model_copy(update={"server": server})
    return settings.model_copy(update={who.block: options})


def _clean(answer: Answer) -> Answer:
    """No half surrogates, which JSON can spell and neither SQLite nor parquet can hold."""
    text = answer.reason if isinstance(answer, Failed) else answer
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return replace(answer, reason=text) if isinstance(answer, Failed) else text
