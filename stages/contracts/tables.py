"""Every table's columns, in one place. One pandera model a table; see DESIGN.md section 3."""

from __future__ import annotations

import sys
from functools import cache
from typing import Any, get_type_hints

import polars as pl

KINDS = ["intent", "design_type", "scene_object", "action", "style"]
ROUTES = ["heuristic", "text", "vision"]

# Arguments of a pandera Field: a column may have no nulls unless it says so.
Field: Any = dict


class _Hidden:
    """An import finder that finds these packages missing."""

    names = ("pandas", "hypothesis")

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        if name in self.names:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


@cache
def pandera() -> Any:
    """The module pandera.polars, loaded at first use as where it is installed for polars alone.

    With pandas installed it would load that too, and hypothesis, although we give it neither: 0.4 s
    of each stage's start in place of 0.1.
    """
    finder: Any = _Hidden()
    sys.meta_path.insert(0, finder)
    try:
        import pandera.polars as pa

        # The first check loads the rest.
        pa.DataFrameSchema({"n": pa.Column(int, pa.Check.ge(0))}).validate(pl.DataFrame({"n": [0]}))
    finally:
        sys.meta_path.remove(finder)
    return pa


class Table:
    """A contract: the columns with their types, in order, and what pandera checks of each.

    The pandera model is made when a table is first checked: importing pandera takes longer than
    everything else at the start of a stage.
    """

    @classmethod
    @cache
    def pandera_model(cls) -> Any:
        """The pandera DataFrameModel: exactly these columns, in this order, nothing coerced."""
        pa = pandera()
        types = get_type_hints(cls)
        fields = {name: pa.Field(**vars(cls)[name]) for name in types if name in vars(cls)}
        config = type("Config", (), {"strict": True, "coerce": False, "ordered": True})
        body = {"__annotations__": types, "__module__": __name__, "Config": config}
        return type(cls.__name__, (pa.DataFrameModel,), body | fields)

    @classmethod
    def to_schema(cls) -> Any:
        """The pandera schema, of which `columns` is a dict by name."""
        return cls.pandera_model().to_schema()

    @classmethod
    def validate(cls, frame: pl.DataFrame, lazy: bool = False) -> pl.DataFrame:
        """`frame`, checked; raises pandera's SchemaError or, with `lazy`, all as SchemaErrors."""
        return cls.pandera_model().validate(frame, lazy=lazy)


class Nodes(Table):
    """One row is a concept of the knowledge graph."""

    node_id: str = Field(unique=True)
    label: str = Field(str_length={"min_value": 1, "max_value": 80})
    kind: str
    locale: str


class Edges(Table):
    """One row is a weighted relation between two concepts."""

    source: str
    target: str
    relation: str
    weight: float = Field(gt=0, le=1)


class Assets(Table):
    """One row is a content item. `work_title`: the proper name of the work it belongs to."""

    asset_id: str = Field(unique=True)
    content_type: str
    title: str = Field(str_length={"min_value": 1, "max_value": 300})
    work_title: str = Field(nullable=True)
    keywords: list[str] = Field()
    topics: list[str] = Field()
    locale: str
    ai_generated: bool
    aspect_ratio: float = Field(nullable=True, gt=0)
    click_through_rate: float = Field(nullable=True, ge=0, le=1)
    image_path: str = Field(nullable=True)


class SourceRejects(Table):
    """One row is a source row that broke its contract."""

    source: str
    row: str
    reason: str


class Requests(Table):
    """One row is a planned query; `rank` orders the requests of a cell within a route.

    `words`: the number of words aimed at; `type_position`: where the word for the content type
    should stand, 0 to 1, null for a type that users have no word for.
    """

    request_id: str = Field(unique=True)
    route: str = Field(isin=ROUTES)
    function: str
    content_type: str
    band: str
    locale: str
    min_words: int = Field(ge=1)
    max_words: int = Field(ge=1)
    words: int = Field(ge=1)
    type_position: float = Field(nullable=True, ge=0, le=1)
    rank: int = Field(ge=0)
    quota: int = Field(ge=0)
    template_id: str
    slots: str
    asset_id: str = Field(nullable=True)
    node_ids: list[str] = Field()
    image_path: str = Field(nullable=True)
    seed: int = Field(ge=0)


class Candidates(Table):
    """One row is a written query, accepted or with the reason why not."""

    request_id: str
    n: int = Field(ge=0)
    query: str
    completion: str
    model: str
    prompt_hash: str
    accepted: bool
    reason: str = Field(nullable=True)


class Samples(Table):
    """One row is an accepted, labelled sample with its full provenance."""

    sample_id: str = Field(unique=True)
    query: str = Field(str_length={"min_value": 1})
    function: str
    content_type: str
    extracted_prompt: str = Field(str_length={"min_value": 1})
    arguments: str
    messages: str
    tools: str
    locale: str
    route: str = Field(isin=ROUTES)
    band: str
    request_id: str
    n: int
    template_id: str
    asset_id: str = Field(nullable=True)
    node_ids: list[str] = Field()
    image_path: str = Field(nullable=True)
    model: str
    prompt_hash: str
    seed: int


class Rejected(Table):
    """One row is a candidate that did not enter the dataset."""

    request_id: str
    n: int
    check: str
    reason: str
    query: str


class Predictions(Table):
    """One row is a golden query as one model answered it."""

    golden_id: int
    model: str
    query: str
    function: str
    content_type: str
    extracted_prompt: str
    completion: str
    predicted_function: str = Field(nullable=True)
    predicted_content_type: str = Field(nullable=True)
    predicted_extracted_prompt: str = Field(nullable=True)
    parse_error: str = Field(nullable=True)
    function_correct: bool
    content_type_correct: bool
    similarity: float = Field(ge=-1.001, le=1.001)
    exact_match: bool


def empty(contract: type[Table]) -> pl.DataFrame:
    """A frame with the contract's columns and no rows."""
    return pl.DataFrame(schema={k: v.dtype.type for k, v in contract.to_schema().columns.items()})
