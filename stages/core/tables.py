"""Every table's columns, in one place. One pandera model per table; see README."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache
from typing import Any, get_type_hints

import polars as pl

ROUTES = ["heuristic", "text", "vision"]
# Of the judge.
ACCEPTED, DOUBTFUL, REFUSED = VERDICTS = ["accepted", "doubtful", "refused"]

# Arguments of a pandera Field: a column may have no nulls unless it says so.
Field: Any = dict
DTYPES: dict[Any, Any] = {
    str: pl.String,
    int: pl.Int64,
    float: pl.Float64,
    bool: pl.Boolean,
    list[str]: pl.List(pl.String),
}


class Table:
    """A contract: the columns with their types, in order, and what pandera checks of each.

    Nearly all frames keep it. That takes polars one pass to see, and pandera, with the time that
    its import takes, is left for those that do not: it says which rows and why.
    """

    @classmethod
    @cache
    def schema(cls) -> pl.Schema:
        """The columns' names and polars types, in order."""
        return pl.Schema({name: DTYPES[kind] for name, kind in get_type_hints(cls).items()})

    @classmethod
    @cache
    def pandera_model(cls) -> Any:
        """The pandera DataFrameModel: exactly these columns, in this order, nothing coerced."""
        import pandera.polars as pa

        types = get_type_hints(cls)
        fields = {name: pa.Field(**cls._field(name)) for name in types if cls._field(name)}
        config = type("Config", (), {"strict": True, "coerce": False, "ordered": True})
        body = {"__annotations__": types, "__module__": __name__, "Config": config}
        return type(cls.__name__, (pa.DataFrameModel,), body | fields)

    @classmethod
    def _field(cls, name: str) -> dict[str, Any]:
        return vars(cls).get(name, {})

    @classmethod
    @cache
    def _rules(cls) -> list[pl.Expr]:
        """One expression per rule of the contract: a single value, true if the frame meets it."""
        rules = []
        for name, dtype in cls.schema().items():
            column, field = pl.col(name), dict(cls._field(name))
            if not field.pop("nullable", False):
                rules.append(column.null_count() == 0)
            if dtype.is_float():
                rules.append(column.is_finite().all())
            if field.pop("unique", False):
                rules.append(column.hash().n_unique() == pl.len())
            rules += [RULES[rule](column, argument).all() for rule, argument in field.items()]
        return [rule.alias(str(number)) for number, rule in enumerate(rules)]

    @classmethod
    def accepts(cls, frame: pl.DataFrame) -> bool:
        """Whether pandera has for certain nothing to object to."""
        return frame.schema == cls.schema() and all(frame.select(cls._rules()).row(0))

    @classmethod
    def objections(cls, frame: pl.DataFrame) -> pl.DataFrame | None:
        """None if `frame` keeps the contract, else pandera's failure cases: column, check,
        failure_case and index, the row's number, null where the matter is the whole column's.
        """
        if cls.accepts(frame):
            return None
        from pandera.errors import SchemaErrors

        try:
            cls.pandera_model().validate(frame, lazy=True)
        except SchemaErrors as error:
            cases = error.failure_cases
            # A broken column is the whole table's matter, and single values may be of any type.
            if frame.schema != cls.schema():
                return cases
            return pl.concat([cases, cls._endless(frame)], how="diagonal_relaxed")
        endless = cls._endless(frame)
        return endless if endless.height else None

    @classmethod
    def _endless(cls, frame: pl.DataFrame) -> pl.DataFrame:
        """Failure cases of the numbers that are not finite, to which pandera may not object."""
        names = [name for name, dtype in cls.schema().items() if dtype.is_float()]
        rows = frame.with_row_index("index")
        cases = [
            rows.filter(~pl.col(name).is_finite()).select(
                pl.col(name).cast(pl.String).alias("failure_case"),
                pl.lit(name).alias("column"),
                pl.lit("finite").alias("check"),
                pl.col("index").cast(pl.Int32),
            )
            for name in names
        ]
        schema = {"failure_case": pl.String, "column": pl.String, "check": pl.String,
                  "index": pl.Int32}  # fmt: skip
        return pl.concat([pl.DataFrame(schema=schema), *cases])


# What a Field may ask of the values that are there, as polars sees it.
RULES: dict[str, Callable[[pl.Expr, Any], pl.Expr]] = {
    "gt": lambda column, minimum: column > minimum,
    "ge": lambda column, minimum: column >= minimum,
    "le": lambda column, maximum: column <= maximum,
    "isin": lambda column, values: column.is_in(values),
    "str_matches": lambda column, pattern: column.str.contains(pattern),
    "str_length": lambda column, bounds: column.str.len_chars().is_between(
        bounds.get("min_value", 0), bounds.get("max_value", sys.maxsize)
    ),
}


class Nodes(Table):
    """One row is a concept of the knowledge graph."""

    node_id: str = Field(unique=True)
    label: str = Field(str_length={"min_value": 1, "max_value": 80}, str_matches=r"\S")
    kind: str
    locale: str


class Edges(Table):
    """One row is a weighted relation between two concepts."""

    source: str
    target: str
    relation: str
    weight: float = Field(gt=0, le=1)


class Dependencies(Table):
    """One row is a way from a function of a world to another. kind: `data`, what `source` gives in
    `column` is what `target` takes as `argument`, a thing of the kind `entity`; or `state`,
    `source` makes hold what `target` says in the error `condition` that it needs.
    """

    source: str
    target: str
    world: str
    kind: str = Field(isin=["data", "state"])
    entity: str
    column: str
    argument: str
    condition: str


class Items(Table):
    """One row is a content item. `asset_id` begins with `source`, the
    name of its SQL file; `columns`: all that its SELECT gives, as JSON.
    """

    asset_id: str = Field(unique=True)
    source: str
    locale: str = Field(nullable=True)
    image_path: str = Field(nullable=True)
    columns: str = Field(str_length={"max_value": 100_000})


class SourceRejects(Table):
    """One row is a source row that broke its contract."""

    source: str
    row: str
    reason: str


class ToolOrigins(Table):
    """One row is a function that was read from a catalogue of others, in the order of
    functions.json. `changes`: what of it is not as its file has it.
    """

    name: str = Field(unique=True)
    file: str
    operation: str
    changes: list[str]


class ToolRejects(Table):
    """One row is an operation of a catalogue of others that gave no function, or a file that gave
    none, with an empty `operation`. `code`: why, as ingest/tools/rows.py has it.
    """

    file: str
    operation: str
    code: str
    reason: str
    changes: list[str]


def empty(contract: type[Table]) -> pl.DataFrame:
    """A frame with the contract's columns and no rows."""
    return pl.DataFrame(schema=contract.schema())


class Plans(Table):
    """One row is a plan (`core.plan.Plan`); `stratum`, `turns` and `slots` are JSON."""

    plan_id: str = Field(unique=True)
    scenario: str
    stratum: str
    tool_set: str
    turns: str
    route: str = Field(isin=ROUTES)
    template_id: str
    rank: int = Field(ge=0)
    quota: int = Field(ge=0)
    locale: str
    seed: int
    asset_ids: list[str]
    node_ids: list[str]
    image_path: str = Field(nullable=True)
    text: str = Field(nullable=True)
    slots: str
    words: int = Field(ge=0)
    place: float = Field(nullable=True, ge=0, le=1)


class ToolSets(Table):
    """One row is a tool set; `tools` is a JSON list of OpenAI tools, `today` an ISO date."""

    tool_set: str = Field(unique=True)
    tools: str
    today: str = Field(nullable=True)


class Conversations(Table):
    """One row is what was written for a plan: `messages` is JSON. `check` and `reason` are null for
    one that was accepted. `place`: where an accepted query names its class, 0 to 1.
    """

    plan_id: str
    n: int = Field(ge=0)
    query: str
    messages: str
    completion: str
    model: str
    prompt_hash: str
    template_id: str
    check: str = Field(nullable=True)
    reason: str = Field(nullable=True)
    place: float = Field(nullable=True, ge=0, le=1)


class Judgments(Table):
    """One row is a conversation as the judge scored it; `mean` is that of the three, all four
    null where the answer had no scores. `model`, `prompt_hash`: who was asked, and what.
    """

    plan_id: str
    n: int = Field(ge=0)
    faithful: float = Field(nullable=True, ge=0, le=1)
    satisfying: float = Field(nullable=True, ge=0, le=1)
    compliant: float = Field(nullable=True, ge=0, le=1)
    mean: float = Field(nullable=True, ge=0, le=1)
    verdict: str = Field(isin=VERDICTS)
    model: str
    prompt_hash: str


class Doubtful(Table):
    """One row is a conversation that a person is to read. `digest`: of its messages, which says to
    whom a verdict belongs; the scores are null where no judge gave any.
    """

    sample_id: str = Field(unique=True)
    digest: str
    plan_id: str
    n: int = Field(ge=0)
    scenario: str
    route: str = Field(isin=ROUTES)
    query: str
    messages: str
    tools: str
    today: str = Field(nullable=True)
    faithful: float = Field(nullable=True, ge=0, le=1)
    satisfying: float = Field(nullable=True, ge=0, le=1)
    compliant: float = Field(nullable=True, ge=0, le=1)


class Dialogues(Table):
    """One row is a sample: `messages` and `tools` are JSON, beside what
    tells where it comes from.
    """

    sample_id: str = Field(unique=True)
    messages: str
    tools: str
    today: str = Field(nullable=True)
    tool_set: str
    scenario: str
    function: str
    locale: str
    stratum: str
    route: str = Field(isin=ROUTES)
    template_id: str
    plan_id: str
    asset_ids: list[str]
    node_ids: list[str]
    image_path: str = Field(nullable=True)
    model: str
    prompt_hash: str
    seed: int


class Refused(Table):
    """One row is a conversation that did not enter the dataset."""

    plan_id: str
    n: int
    route: str = Field(isin=ROUTES)
    stratum: str
    template_id: str
    check: str
    reason: str
    query: str


class Answers(Table):
    """One row is a golden row as one model answered it; `expected` and `predicted` are JSON lists
    of calls, the former with the accepted values; `metrics`: JSON, the row's own scores of the
    pack. `error`: what is wrong with the calls, a code.
    """

    golden_id: int
    model: str
    query: str
    act: str
    shown: int
    completion: str
    expected: str
    predicted: str
    error: str = Field(nullable=True)
    exact: bool
    metrics: str


class PlayedRequests(Table):
    """One row is a request of a held-out conversation as one model played it in its world. steps:
    messages with calls on the right way; `wanted`, `made`: JSON lists of calls; `given`: a JSON
    list of what those made gave back. `error`: why the last answer could not be read, a code.
    """

    journey: int
    request: int
    model: str
    query: str
    steps: int
    wanted: str
    made: str
    given: str
    is_right: bool
    is_exact: bool
    error: str = Field(nullable=True)


class BenchmarkAnswers(Table):
    """One row is a row of the Berkeley benchmark as one model answered it. `messages`: JSON;
    `expected`: BFCL's ground truth, JSON; `predicted`: a JSON list of calls, of a conversation a
    list of turns, which are lists of steps, which are lists of calls; `completion`: of a
    conversation JSON in the same way. `error`: why it is wrong, a code, null for one that is right;
    `reason`: BFCL's words for it.
    """

    row_id: str
    category: str
    model: str
    messages: str
    shown: int = Field(ge=0)
    completion: str
    expected: str
    predicted: str
    right: bool
    error: str = Field(nullable=True)
    reason: str
