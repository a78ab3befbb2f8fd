"""The routes that ask a model, for packs with templates: from requests to prompts, from answers to
queries.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from jinja2.sandbox import ImmutableSandboxedEnvironment

from stages.core.command import InputError
from stages.core.domain import Domain
from stages.core.prompts import Template
from stages.core.settings import Settings
from stages.engines import Answer, Ask, Failed, Messages, begins
from stages.generation import viewer as seeing
from stages.generation.asking import Asker
from stages.generation.picture import described, look, variables
from stages.generation.prompting import Prompter, query_of
from stages.generation.slots import Request
from stages.images import pictures

# (queries, completion, model, prompt hash, prompt text) of a request.
Written = tuple[list[str], Answer, str, str, str]


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
        if self.sees:
            templates = [seeing.template(templates[0])]
        self.sampling = getattr(chosen.generate, route).sampling.model_dump()
        if self.sees:
            longest = self.sampling["max_tokens"] * vision.sentences
            self.sampling |= {"stop": [], "max_tokens": longest}
        server = chosen.generate.server
        remote = (vision.engine if self.sees else chosen.generate.engine) == "server"
        if self.sees and not chosen.models.viewer and not (remote and server.model):
            raise InputError(
                f"generate.vision.engine is {vision.engine}, but models.viewer is empty: name "
                "a model that sees pictures there, such as SmolVLM (README, the vision route)"
            )
        # The digest of the model's weights and the compiled templates take equally long.
        with ThreadPoolExecutor(1) as beside:
            asker = beside.submit(Asker, chosen, "viewer" if self.sees else "writer", route)
            self.prompter = Prompter(templates, domain, lexicon, environment)
            self.asker = asker.result()
        self.chosen = self.asker.chosen
        self.sampling = self.asker.accepted(self.sampling)

    def start(self, batch: list[Request]) -> Callable[[], list[Written]]:
        """Begin to write, and give what waits for it: Written of each request.

        There is at least one query, if an empty one. The completion is Failed where the engine had
        none. A request with a picture gets `seen`, its description, for the check `ungrounded`.
        Waiting raises InputError, with all answers kept, when the engine is gone.
        """
        look([one["image_path"] for one in batch if one["image_path"] is not None],
             self.asker.store)  # fmt: skip
        asks, seen = [], []
        for request in batch:
            messages, picture = self.prompt(request)
            seed = (self.chosen.seed + request["seed"]) % 2**31
            asks.append(Ask(messages, self.sampling, seed))
            seen.append(picture)
        wait = self.asker.start(asks, seen, lambda n, ask: self.shown(ask, batch[n]))

        def written() -> list[Written]:
            return [
                (self.queries(answer), answer, self.asker.model, name[:16], _told(ask))
                for (name, answer), ask in zip(wait(), asks, strict=True)
            ]

        return written

    def prompt(self, request: Request) -> tuple[Messages, str | None]:
        """The messages for a request, and what tells its picture from others if it has one."""
        more: dict[str, Any] = {}
        picture = None
        if request["image_path"] is not None:
            picture = pictures.digest(request["image_path"])
            more = variables(described(request["image_path"], self.asker.store))
            request["seen"] = more["picture"]
        if self.sees:
            vision = self.chosen.generate.vision
            asked = request | {"template_id": seeing.NAME}
            messages = self.prompter.messages(asked, sentences=vision.sentences)
            return messages, f"{picture}@{vision.side}"
        messages = self.prompter.messages(request, **more)
        return messages[:-1] if self.asker.plain and begins(messages) else messages, picture

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


def _told(ask: Ask) -> str:
    """Instructions and examples of a prompt, for the check that none leaks into the query."""
    return "\n".join(m["content"] for m in ask.messages if m["role"] in ("system", "assistant"))
