"""The routes that ask a model, for plans with templates: from plans to prompts, from answers to
queries.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, NamedTuple

from stages.core import prompts
from stages.core.command import InputError
from stages.core.pack import Pack
from stages.core.plan import Plan
from stages.core.settings import Settings
from stages.core.templates import lexicon
from stages.engines import Answer, Ask, Failed, Messages, begins
from stages.generation import viewer as seeing
from stages.generation.asking import Asker
from stages.generation.picture import described, look, variables
from stages.generation.prompting import Prompter, query_of
from stages.images import pictures


class Written(NamedTuple):
    """What came of a plan: its queries, at least one, if an empty one; the answer, Failed where the
    engine had none; its key; the writer's instructions, and what the plan's picture shows.
    """

    queries: list[str]
    answer: Answer
    key: str
    prompt: str
    seen: str


class Writer:
    """Writes batches of plans with the writer model; answers it has are not asked for again.

    Whichever engine answers, prompts, keys and the order of the rows are made here, so they are
    the same.
    """

    def __init__(self, pack: Pack, settings: Settings, route: str) -> None:
        vision = settings.generate.vision
        self.sees = route == "vision" and vision.engine != "describe"
        self.sampling = getattr(settings.generate, route).sampling.model_dump()
        if self.sees:
            longest = self.sampling["max_tokens"] * vision.sentences
            self.sampling |= {"stop": [], "max_tokens": longest}
        server = settings.generate.server
        remote = (vision.engine if self.sees else settings.generate.engine) == "server"
        if self.sees and not settings.models.viewer and not (remote and server.model):
            raise InputError(
                f"generate.vision.engine is {vision.engine}, but models.viewer is empty: name "
                "a model that sees pictures there, such as SmolVLM (README, the vision route)"
            )
        # The digest of the model's weights and the compiled templates take equally long.
        with ThreadPoolExecutor(1) as executor:
            role = "viewer" if self.sees else "writer"
            future = executor.submit(Asker, settings, role, route)
            templates = prompts.load(pack, route)
            assert pack.templates is not None
            if self.sees:
                templates = [seeing.template(templates[0], pack.templates)]
            self.prompter = Prompter(templates, pack, lexicon(pack.templates))
            self.asker = future.result()
        self.settings = self.asker.settings
        self.sampling = self.asker.accepted(self.sampling)

    def start(self, plans: Sequence[Plan]) -> Callable[[], list[Written]]:
        """Begin to write, and return what waits for it: Written of each plan. Waiting raises
        InputError, with all answers stored, when the engine is gone.
        """
        look([plan.image_path for plan in plans if plan.image_path is not None], self.asker.store)
        asks, pictured, seen = [], [], []
        for plan in plans:
            messages, picture, shown = self.prompt(plan)
            asks.append(Ask(messages, self.sampling, plan.request_seed(self.settings.seed)))
            pictured.append(picture)
            seen.append(shown)
        wait = self.asker.start(asks, pictured, lambda n, ask: self.shown(ask, plans[n]))

        def written() -> list[Written]:
            return [
                Written(self.queries(answer), answer, key, _instructions(ask), picture)
                for (key, answer), ask, picture in zip(wait(), asks, seen, strict=True)
            ]

        return written

    def prompt(self, plan: Plan) -> tuple[Messages, str | None, str]:
        """The messages for a plan; if it has a picture, what distinguishes it from others, and
        what it shows in words.
        """
        more: dict[str, Any] = {}
        picture, seen = None, ""
        if plan.image_path is not None:
            picture = pictures.digest(plan.image_path)
            more = variables(described(plan.image_path, self.asker.store))
            seen = more["picture"]
        if self.sees:
            vision = self.settings.generate.vision
            messages = self.prompter.messages(plan, prompts.SEEING, sentences=vision.sentences)
            return messages, f"{picture}@{vision.side}", seen
        messages = self.prompter.messages(plan, **more)
        plain = self.asker.plain and begins(messages)
        return messages[:-1] if plain else messages, picture, seen

    def shown(self, ask: Ask, plan: Plan) -> Ask:
        """The request as the engine gets it: with its picture, for a model that sees."""
        if not self.sees:
            return ask
        assert plan.image_path is not None
        side = self.settings.generate.vision.side
        messages = seeing.with_picture(ask.messages, plan.image_path, side)
        return replace(ask, messages=messages)

    def queries(self, answer: Answer) -> list[str]:
        """The queries in an answer; one that is empty where there is none."""
        if isinstance(answer, Failed):
            return [""]
        if self.sees:
            return seeing.sentences(answer, self.settings.generate.vision.sentences) or [""]
        return [query_of(answer)]


def _instructions(ask: Ask) -> str:
    """Instructions and examples of a prompt, for the check that none leaks into the query."""
    return "\n".join(m["content"] for m in ask.messages if m["role"] in ("system", "assistant"))
