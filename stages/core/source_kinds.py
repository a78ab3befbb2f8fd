"""The kinds of argument sources as pack.yaml declares them, a pydantic model each."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

# Numbers beyond it are slips.
MAX = 10**15


# Unknown keys are refused, "3" is not a number nor `true` a count.
STRICT = ConfigDict(
    extra="forbid", frozen=True, strict=True, allow_inf_nan=False, populate_by_name=True
)


class Block(BaseModel):
    model_config = STRICT

    @model_validator(mode="before")
    @classmethod
    def _keys(cls, given: Any) -> Any:
        """Says which keys there are, where one is none of them."""
        keys = [field.alias or name for name, field in cls.model_fields.items()]
        unknown = [] if not isinstance(given, dict) else [
            key for key in given if key not in keys and key not in cls.model_fields
        ]  # fmt: skip
        if unknown:
            raise ValueError(f"has no {unknown[0]!r:.60}: it may have {', '.join(keys)}")
        return given


Share = Annotated[float, Field(ge=0, le=1)]
Text = Annotated[str, Field(min_length=1, max_length=200)]
Values = Annotated[list[Any], Field(min_length=1, max_length=1_000)]
Surfaces = Annotated[list[Text], Field(min_length=1, max_length=1_000)]
Bounded = Annotated[float, Field(ge=-MAX, le=MAX)]
Clock = Annotated[str, Field(pattern=r"\A([01]\d|2[0-3]):[0-5]\d\z")]


class Integer(Block):
    min: Annotated[int, Field(ge=-MAX, le=MAX)]
    max: Annotated[int, Field(ge=-MAX, le=MAX)]
    step: Annotated[int, Field(gt=0, le=MAX)] = 1

    @model_validator(mode="after")
    def _rising(self) -> Integer:
        if self.max < self.min:
            raise ValueError(f"max {self.max} lies below min {self.min}")
        return self


class Number(Block):
    min: Bounded
    max: Bounded
    step: Annotated[float, Field(gt=0, le=MAX)] = 1.0

    @model_validator(mode="after")
    def _rising(self) -> Number:
        if self.max < self.min:
            raise ValueError(f"max {self.max:g} lies below min {self.min:g}")
        return self


class Money(Number):
    currency: Annotated[str, Field(pattern=r"\A[A-Z]{3}\z")]


class Date(Block):
    """`days`: how many days from today, from and to; `as: words`: the value is the words said."""

    days: Annotated[list[Annotated[int, Field(ge=-36_500, le=36_500)]],
                    Field(min_length=2, max_length=2)]  # fmt: skip
    as_: Annotated[Literal["words", "iso"], Field(alias="as")] = "iso"

    @model_validator(mode="after")
    def _rising(self) -> Date:
        if self.days[1] < self.days[0]:
            raise ValueError(f"days: {self.days} must rise")
        return self


class Time(Block):
    from_: Annotated[Clock, Field(alias="from")] = "00:00"
    to: Clock = "23:59"
    step: Annotated[int, Field(gt=0, le=1_440)] = 15
    as_: Annotated[Literal["words", "iso"], Field(alias="as")] = "iso"

    @model_validator(mode="after")
    def _rising(self) -> Time:
        if self.to < self.from_:
            raise ValueError(f"to {self.to} lies before from {self.from_}")
        return self


class Graph(Block):
    """A walk: from the concepts of the kind `start`, or the one with that node_id, over `relations`
    one after another, `^NAME` against its direction, to concepts of `kind`, or of any. Without
    relations the values are the concepts that it starts at.
    """

    start: Text
    relations: Annotated[list[Text], Field(max_length=20)] = []
    kind: Text | None = None


class ListOf(Block):
    of: SourceEntry
    count: Annotated[list[Annotated[int, Field(gt=0, le=20)]],
                     Field(min_length=2, max_length=2)] = [1, 2]  # fmt: skip

    @model_validator(mode="after")
    def _rising(self) -> ListOf:
        if self.count[1] < self.count[0]:
            raise ValueError(f"count: {self.count} must rise")
        if self.of.kind in (None, "list", "constant", "class", "derived"):
            raise ValueError("of: must name a source of single values, such as {vocabulary: NAME}")
        if self.of.agrees_with is not None:
            raise ValueError("of: agrees_with belongs beside `list`, not within it: move it")
        return self


class SourceEntry(Block):
    """An entry of `arguments`: one source, or none where the schema has it and only the share or
    the agreement is to be said.
    """

    enum: Literal[True] | Values | None = None
    vocabulary: Text | None = None
    integer: Integer | None = None
    number: Number | None = None
    date: Date | None = None
    time: Time | None = None
    money: Money | None = None
    boolean: dict[bool, Surfaces] | None = None
    list: ListOf | None = None
    text: Text | None = None
    constant: Any = None
    class_: Annotated[Literal[True] | Values | None, Field(alias="class")] = None
    derived: Literal["reduced"] | None = None
    asset: Annotated[str, Field(pattern=r"\A[\w-]+\.\w+\z")] | None = None
    graph: Graph | None = None
    share: Share | None = None
    agrees_with: Text | None = None

    @model_validator(mode="after")
    def _one(self) -> SourceEntry:
        named = [kind for kind in KINDS if _field(kind) in self.model_fields_set]
        if len(named) > 1:
            raise ValueError(f"names the sources {' and '.join(named)}: keep one")
        if not self.model_fields_set:
            raise ValueError("is empty: name a source, or a share, or remove it")
        return self

    @field_validator("boolean")
    @classmethod
    def _some(cls, surfaces: dict[bool, Surfaces] | None) -> dict[bool, Surfaces] | None:
        if surfaces is not None and not surfaces:
            raise ValueError("must list words for true, for false or for both")
        return surfaces

    @property
    def kind(self) -> str | None:
        """The source that it names, None if it leaves that to the schema."""
        return next((kind for kind in KINDS if _field(kind) in self.model_fields_set), None)

    @property
    def settings(self) -> Any:
        """What the source is declared with, None without a source."""
        return getattr(self, _field(self.kind)) if self.kind else None


def _field(kind: str) -> str:
    """The name of a kind's field."""
    return "class_" if kind == "class" else kind


KINDS = ("enum", "vocabulary", "integer", "number", "date", "time", "money", "boolean", "list",
         "text", "constant", "class", "derived", "asset", "graph")  # fmt: skip
ListOf.model_rebuild()
