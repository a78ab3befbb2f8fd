"""A pack's files: their names, and pack.yaml and population.yaml as they are written."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, field_validator, model_validator

from stages.core.fields import CONTROL
from stages.core.source_kinds import STRICT, SourceEntry, Text

PACK, POPULATION, CATALOGUE = "pack.yaml", "population.yaml", "catalogue.json"
VOCABULARIES, GOLDEN, VERDICTS = "vocabularies", "golden.jsonl", "verdicts.jsonl"
# Kinds of sources whose values are ingested.
INGESTED_KINDS = ("asset", "graph")
SCENARIOS = (
    "single", "no_call", "missing_argument", "missing_function", "parallel", "parallel_multiple",
    "clarified", "failed", "multi_turn", "trajectory",
)  # fmt: skip
# Shares of the scenarios where population.yaml has none.
DEFAULT_SCENARIOS = {
    "single": 0.8, "no_call": 0.06, "missing_argument": 0.07, "missing_function": 0.07,
}  # fmt: skip
MAX_WORDS = 1_000

Locale = Annotated[str, Field(pattern=r"\A[a-z]{2,3}([_-][A-Za-z0-9]{2,8})*\z")]
# A name in templates; a name of a score.
Name = Annotated[str, Field(pattern=r"\A[A-Za-z][A-Za-z0-9_]*\z", max_length=64)]
Metric = Annotated[str, Field(pattern=r"\A[a-z][a-z0-9_]*\z", max_length=64)]
Shares = dict[str, Annotated[float, Field(ge=0, le=1e15)]]
Level = Annotated[float, Field(ge=0, le=1)]
Quantiles = dict[Level, Annotated[float, Field(ge=0, le=MAX_WORDS)]]


def without_empty(given: Any) -> Any:
    """A mapping without the keys that have nothing behind them, as after all of it is commented."""
    return {k: v for k, v in given.items() if v is not None} if isinstance(given, dict) else given


class Step(BaseModel):
    """One step of a walk: fill `slot` with a neighbour of slot `start` along `relation`.

    `typed`: only concepts whose label names the plan's class.
    """

    model_config = STRICT

    slot: Name
    start: Name
    relation: Text
    typed: bool = False


class Walk(BaseModel):
    """Start at a concept of `kind`, call it `slot`, then take the steps."""

    model_config = STRICT

    slot: Name
    kind: Text
    typed: bool = False
    steps: Annotated[list[Step], Field(max_length=100)] = []

    @property
    def slots(self) -> list[str]:
        """The names of all slots that the walk fills, in order."""
        return [self.slot, *(step.slot for step in self.steps)]

    @model_validator(mode="after")
    def _connected(self) -> Walk:
        slots = {self.slot}
        for step in self.steps:
            if step.start not in slots:
                raise ValueError(f"step `{step.slot}` starts at unknown slot {step.start!r}")
            if step.slot in slots:
                raise ValueError(f"two steps fill `{step.slot}`")
            slots.add(step.slot)
        return self


class PackFile(BaseModel):
    """pack.yaml as it is written.

    exclusive: lists of FUNCTION.ARGUMENT of which at most one stands in a call. dimensions: name ->
    FUNCTION.ARGUMENT whose value is a dimension of the population, or a list of these. metrics:
    name -> {accuracy or similarity: ARGUMENT}. walks: through the graph, for templates' slots.
    acyclic: relations that must not lead back to where they began, such as "is a kind of".
    held_out: functions, or whole worlds, that no conversation of the dataset shows, for scoring
    what the model does with functions that it never saw.
    """

    model_config = STRICT

    name: Text
    description: Annotated[str, Field(max_length=10_000)] = ""
    locales: Annotated[list[Locale], Field(min_length=1, max_length=100)] = ["en"]
    arguments: dict[str, SourceEntry] = {}
    exclusive: list[Annotated[list[str], Field(min_length=2)]] = []
    dimensions: dict[Annotated[str, Field(pattern=r"\A[a-z][a-z0-9_]*\z")], str | list[str]] = {}
    metrics: dict[Metric, Annotated[dict[Literal["accuracy", "similarity"], Text],
                                    Field(min_length=1, max_length=1)]] = {}  # fmt: skip
    walks: dict[Name, Walk] = {}
    acyclic: list[Text] = []
    held_out: list[Text] = []

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


def _check_quantiles(levels: Quantiles, where: str) -> None:
    """Raise ValueError for quantiles without both ends, or that fall."""
    if 0 not in levels or 1 not in levels:
        raise ValueError(f"{where}name the quantiles 0 and 1 and any between")
    values = [levels[level] for level in sorted(levels)]
    if values != sorted(values):
        raise ValueError(f"{where}the values must not fall as quantiles rise")


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
    naming: Level | None = None
    places: dict[Level, Level] = {0: 0, 1: 1}
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
            _check_quantiles(levels, f"{name}: ")
        return words

    @field_validator("places")
    @classmethod
    def _ordered(cls, places: Quantiles) -> Quantiles:
        _check_quantiles(places, "")
        return places

    @field_validator("bands")
    @classmethod
    def _rising(cls, bands: dict[str, list[int]]) -> dict[str, list[int]]:
        for name, bounds in bands.items():
            if sorted(set(bounds)) != bounds:
                raise ValueError(f"{name}: {bounds} must rise")
        return bands
