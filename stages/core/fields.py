"""The kinds of values that settings have, and what a block of them is."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

# Where a bound has no reason of its own: more can only be a mistake, and sums stay exact.
MOST = 1_000_000
# Positions that any model here can number.
MOST_TOKENS = 2_000_000
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def _one_line(text: str) -> str:
    if CONTROL.search(text):
        raise ValueError("holds a line break or a control character: write it on one line")
    if text != text.strip():
        raise ValueError("begins or ends with a blank: remove it")
    return text


# Text on one line, which may be empty; the same with at least one character; a path.
Line = Annotated[str, Field(max_length=1_000), AfterValidator(_one_line)]
Name = Annotated[Line, Field(min_length=1)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Positive = Annotated[int, Field(gt=0, le=MOST)]
Count = Annotated[int, Field(ge=0, le=MOST)]
Tokens = Annotated[int, Field(gt=0, le=MOST_TOKENS)]
Weight = Annotated[float, Field(ge=0, le=MOST)]


class Block(BaseModel):
    """A block of params.yaml. Unknown keys are refused, "3" is not a number nor `true` a count, and
    no number is inf or nan.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)
