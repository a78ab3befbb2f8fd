"""The routes that ask a model: prompts, the completion store before it, the engine behind it."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import Any

from jinja2.sandbox import ImmutableSandboxedEnvironment

from stages.contracts import files
from stages.contracts.domain import Domain
from stages.contracts.models import resolve
from stages.contracts.prompts import Template
from stages.contracts.settings import Engine, GenerateModel
from stages.writing import store
from stages.writing.picture import describe, in_words
from stages.writing.prompting import Prompter, query_of
from stages.writing.slots import Request

# Raise it when `describe` changes what it says: kept descriptions are then made again.
DESCRIBE = "describe-2"


def digest(folder: str) -> str:
    """A short hash of a model's weights and tokenizer: the same model under any path."""
    hashed = hashlib.sha256()
    for file in sorted(Path(folder).glob("*")):
        if file.suffix in {".safetensors", ".json", ".jinja"}:
            with file.open("rb") as stream:
                hashed.update(hashlib.file_digest(stream, "sha256").digest())
    return hashed.hexdigest()[:16]


class Writer:
    """Writes batches of requests with the writer model; answers it has are not asked for again."""

    def __init__(
        self, templates: list[Template], domain: Domain, lexicon: dict[str, list[str]],
        environment: ImmutableSandboxedEnvironment, block: GenerateModel, engine: Engine, seed: int,
    ) -> None:  # fmt: skip
        self.prompter = Prompter(templates, domain, lexicon, environment)
        self.sampling = block.sampling.model_dump()
        self.settings, self.seed = engine, seed
        self.folder = resolve("writer")
        self.model = digest(self.folder)
        self.store = store.Store(files.work_dir() / "completions.sqlite")
        self.counts: Counter[str] = Counter()
        self._llm: Any = None

    def write(self, batch: list[Request]) -> list[tuple[str, str, str, str, str]]:
        """(query, completion, model, prompt hash, prompt text) of each request."""
        asked = [self.prompter.messages(r, **self.picture(r)) for r in batch]
        seeds = [(self.seed + r["seed"]) % 2**31 for r in batch]
        keys = [
            store.key(self.model, messages, self.sampling, seed)
            for messages, seed in zip(asked, seeds, strict=True)
        ]
        known = self.store.get(keys)
        missing = [i for i, name in enumerate(keys) if name not in known]
        self.counts.update(hits=len(keys) - len(missing), misses=len(missing))
        if missing:
            texts = self.complete([asked[i] for i in missing], [seeds[i] for i in missing])
            fresh = dict(zip((keys[i] for i in missing), texts, strict=True))
            self.store.put(self.model, fresh.items())
            known |= fresh
        return [
            (query_of(known[name]), known[name], self.model, name[:16], _told(messages))
            for name, messages in zip(keys, asked, strict=True)
        ]

    def picture(self, request: Request) -> dict[str, str]:
        """The variable `picture` for a request that has one: the description, from the store."""
        path = request["image_path"]
        if path is None:
            return {}
        with Path(path).open("rb") as stream:
            name = f"{DESCRIBE}:{hashlib.file_digest(stream, 'sha256').hexdigest()}"
        kept = self.store.get([name])
        if name not in kept:
            kept[name] = json.dumps(describe(path))
            self.store.put(DESCRIBE, [(name, kept[name])])
        return {"picture": in_words(json.loads(kept[name]))}

    def complete(self, asked: list[list[dict[str, str]]], seeds: list[int]) -> list[str]:
        """The model's answers; requests with equal prefixes run together."""
        from vllm import SamplingParams

        if self._llm is None:
            from stages.contracts.engine import engine

            self._llm = engine(self.folder, self.settings, self.seed)
        texts = [""] * len(asked)
        order = sorted(range(len(asked)), key=lambda i: json.dumps(asked[i]))
        for begun in (False, True):
            part = [i for i in order if begins(asked[i]) == begun]
            params = [SamplingParams(**self.sampling, seed=seeds[i]) for i in part]
            if not part:
                continue
            outputs = self._llm.chat(
                [as_chat(asked[i]) for i in part],
                params,
                use_tqdm=False,
                add_generation_prompt=not begun,
                continue_final_message=begun,
            )
            for i, output in zip(part, outputs, strict=True):
                start = asked[i][-1]["content"] if begun else ""
                texts[i] = start + output.outputs[0].text
        return texts

    def close(self) -> None:
        """End the engine, if one was started."""
        if self._llm is not None:
            from stages.contracts.engine import shutdown

            shutdown(self._llm)
            self._llm = None


def begins(messages: list[dict[str, str]]) -> bool:
    """Whether the prompt ends with the beginning of the query."""
    return messages[-1]["role"] == "begin"


def as_chat(messages: list[dict[str, str]]) -> list[dict[str, str]]:
    """The messages with the roles that chat templates know."""
    return [m | {"role": "assistant" if m["role"] == "begin" else m["role"]} for m in messages]


def _told(messages: list[dict[str, str]]) -> str:
    """Instructions and examples of a prompt, for the check that none leaks into the query."""
    return "\n".join(m["content"] for m in messages if m["role"] in ("system", "assistant"))
