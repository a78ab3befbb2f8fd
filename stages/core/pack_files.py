"""pack.yaml and population.yaml as they are written, a pydantic model each."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, Field, field_validator, model_validator

from stages.core.settings import CONTROL
from stages.core.source_kinds import STRICT, SourceEntry, Text

MAX_WORDS = 1_000

Locale = Annotated[str, Field(pattern=r"\A[a-z]{2,3}([_-][A-Za-z0-9]{2,8})*\z")]
Shares = dict[str, Annotated[float, Field(ge=0, le=1e15)]]
Quantiles = dict[Annotated[float, Field(ge=0, le=1)], Annotated[float, Field(ge=0, le=MAX_WORDS)]]


def without_empty(given: Any) -> Any:
    """A mapping without the keys that have nothing behind them, as after all of it is commented."""
    return {k: v for k, v in given.items() if v is not None} if isinstance(given, dict) else given


class PackFile(BaseModel):
    """pack.yaml as it is written.

    exclusive: lists of FUNCTION.ARGUMENT of which at most one stands in a call. dimensions: name ->
    FUNCTION.ARGUMENT whose value is a dimension of the population, or a list of these. metrics:
    name -> {accuracy or similarity: ARGUMENT}.
    """

    model_config = STRICT

    name: Text
    description: Annotated[str, Field(max_length=10_000)] = ""
    locales: Annotated[list[Locale], Field(min_length=1, max_length=100)] = ["en"]
    arguments: dict[str, SourceEntry] = {}
    exclusive: list[Annotated[list[str], Field(min_length=2)]] = []
    dimensions: dict[Annotated[str, Field(pattern=r"\A[a-z][a-z0-9_]*\z")], str | list[str]] = {}
    metrics: dict[str, dict[str, str]] = {}

    @model_validator(mode="before")
    @classmethod
    def _filled(cls, given: Any) -> Any:
        return without_empty(given)

    @field_validator("name")
    @classmethod
    def _one_line(cls, name: str) -> str:
        if CONTROL.search(name):
            raise ValueError("holds a line break or a control character: write it on one line")
        return name


class PopulationFile(BaseModel):
    """population.yaml as it is written; everything is optional.

    functions, scenarios, locales: name -> count or share, any scale. dimensions: name -> value ->
    count. affinity: two dimensions as A.B -> value of A -> value of B -> relative affinity, 1 where
    nothing is said. words: function, or "*" -> word counts at quantiles; bands: the same -> upper
    word counts of the length bands.
    """

    model_config = STRICT

    functions: Shares = {}
    scenarios: Shares = {}
    locales: Shares = {}
    dimensions: dict[str, Shares] = {}
    affinity: dict[str, dict[str, Shares]] = {}
    words: dict[str, Quantiles] = {}
    bands: dict[str, Annotated[list[Annotated[int, Field(gt=0, le=MAX_WORDS)]],
                               Field(min_length=1, max_length=100)]] = {}  # fmt: skip

    @model_validator(mode="before")
    @classmethod
    def _filled(cls, given: Any) -> Any:
        return without_empty(given)

    @field_validator("words")
    @classmethod
    def _complete(cls, words: dict[str, Quantiles]) -> dict[str, Quantiles]:
        for name, levels in words.items():
            if 0 not in levels or 1 not in levels:
                raise ValueError(f"{name}: name the quantiles 0 and 1 and any between")
            values = [levels[level] for level in sorted(levels)]
            if values != sorted(values):
                raise ValueError(f"{name}: word counts must not fall as quantiles rise")
        return words

    @field_validator("bands")
    @classmethod
    def _rising(cls, bands: dict[str, list[int]]) -> dict[str, list[int]]:
        for name, bounds in bands.items():
            if sorted(set(bounds)) != bounds:
                raise ValueError(f"{name}: {bounds} must rise")
        return bands
