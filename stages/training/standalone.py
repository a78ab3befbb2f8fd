"""What an adapter needs to be of use in any folder: its tokenizer with the chat template that makes
the prompts of training, the name of its base model, and a card.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from stages.core import files
from stages.engines import models, rounding

CARD = Path(__file__).parent / "card.md.j2"


class Base(NamedTuple):
    """The base model: its name as in params.yaml, its revision on the hub or the digest of its
    files, and whether training rounded its weights to four bits.
    """

    model: str
    weights: str
    rounded: bool

    @property
    def hub(self) -> str:
        """ORG/NAME of a model of the hub, else empty."""
        kind, _, rest = self.model.partition(":")
        return rest.partition("@")[0] if kind == "hub" else ""

    @property
    def path(self) -> str:
        """Where PEFT finds it: on the hub, or in the folder of this project."""
        return self.hub or "models/base/student"


def read_base(student: str, rounded: bool) -> Base:
    """The prepared student, by its name in params.yaml."""
    weights = models.identity("student").rpartition("@")[2]
    return Base(models.public_name(student), weights, rounded)


def complete(folder: Path, base: Base, tokenizer: Any, template: str, form: str, rows: int) -> None:
    """Write the files into the folder of an adapter. template: the chat template; empty where the
    tokenizer's own makes the prompt. form: the format of calls. rows: of the training.
    """
    tokenizer.save_pretrained(folder)
    if template:
        (folder / "chat_template.jinja").write_text(template, "utf-8")
    files.write_json(folder / rounding.RECORD, base._asdict())
    (folder / "README.md").write_text(card(base, form, rows), "utf-8")


def card(base: Base, form: str, rows: int) -> str:
    """The README.md of the adapter, with the header that PEFT's cards have on the hub."""
    import peft
    from huggingface_hub import ModelCardData
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    header = ModelCardData(
        base_model=base.hub or None,
        library_name="peft",
        pipeline_tag="text-generation",
        tags=[*([f"base_model:adapter:{base.hub}"] if base.hub else []), "lora", "transformers",
              "trl", "function-calling"],
    )  # fmt: skip
    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, trim_blocks=True, keep_trailing_newline=True
    )
    body = environment.from_string(CARD.read_text("utf-8")).render(
        **base._asdict(), hub=base.hub, format=form, rows=rows, peft=peft.__version__
    )
    return f"---\n{header.to_yaml()}\n---\n\n{body}"
