"""verdicts.jsonl of a pack: what people said of single conversations, in Git.

One JSON object a line, as the page of `python -m stages.review` saves them:

    {"sample_id": "0f3c9a5b7d2e4861", "digest": "9b1d3f5a7c2e4068", "verdict": "wrong", "note": "2 nights, not 3"}

`digest` says which text was read: a verdict is not for what was written anew since. Without it the
verdict is for whatever the id has. Of two lines with one id the later counts.
"""  # noqa: E501

from __future__ import annotations

from hashlib import blake2b
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from stages.core import files
from stages.core.command import InputError
from stages.core.text import cleaned

Id = Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]


class Verdict(BaseModel):
    """What a person said of a conversation."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    sample_id: Id
    digest: Id | None = None
    verdict: Literal["right", "wrong", "unsure"]
    note: Annotated[str, Field(max_length=1_000), AfterValidator(cleaned)] = ""


def digest(messages: str) -> str:
    """Of a conversation's messages, JSON as tables have them."""
    return blake2b(messages.encode(), digest_size=8).hexdigest()


def sample_id(plan_id: str, n: int) -> str:
    """The id of a sample; a dataset is shuffled by sorting these."""
    return blake2b(f"{plan_id}/{n}".encode(), digest_size=8).hexdigest()


def read(path: Path) -> dict[str, Verdict]:
    """The verdicts by sample_id; none where the file is missing. Raises InputError with file and
    line for one that is wrong.
    """
    if not path.exists():
        return {}
    verdicts = {}
    for line, row in files.read_lines(path):
        try:
            verdict = Verdict.model_validate(row)
        except ValidationError as error:
            first = error.errors()[0]
            name = ".".join(map(str, first["loc"]))
            raise InputError(
                f"{path}:{line}: {name}: {first['msg']} (found {first['input']!r:.80}); a line is "
                'such as {"sample_id": "0f3c9a5b7d2e4861", "verdict": "wrong", "note": ""}'
            ) from None
        verdicts[verdict.sample_id] = verdict
    return verdicts
