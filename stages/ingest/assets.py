"""The content items of a pack, a batch of a source's rows at a time, as its form wants them.

The two forms of packs differ in what a row must have (`Form`); all else is the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from stages.core import text
from stages.core.command import InputError
from stages.core.domain import Domain
from stages.core.tables import Assets, Items, SourceRejects, Table, empty
from stages.ingest import sources

# The columns of Assets with text that may come into a query.
TEXTS = ("title", "work_title", "keywords", "topics")
# Columns of a source that are read where they are there.
OPTIONAL = {"locale": pl.String, "image_path": pl.String}
# What describes a picture that is to be drawn.
DRAWING = ("drawing", "aspect_ratio")


@dataclass(frozen=True)
class Form:
    """What a form of packs wants of a content item. contract: its table; shaped: a source's rows,
    with its name, in the contract's columns, DRAWING beside them; refuse: of rows that keep the
    contract the asset_id and reason of those that cannot be used; group: the column by which items
    are counted, and its name in the metrics.
    """

    contract: type[Table]
    shaped: Callable[[pl.DataFrame, str], pl.DataFrame]
    refuse: Callable[[pl.DataFrame], pl.DataFrame]
    group: tuple[str, str]


@dataclass
class Passed:
    """What is known of the rows once they went by, in their order."""

    rows: int = 0
    # asset_id, source: of the rows that were kept.
    keys: list[pl.DataFrame] = field(default_factory=list)
    rejects: list[pl.DataFrame] = field(default_factory=lambda: [empty(SourceRejects)])
    # asset_id, aspect_ratio, drawing: of those of them that describe a picture.
    drawings: list[pl.DataFrame] = field(default_factory=list)


def typed_form(known: Domain, pack: Path) -> Form:
    """The form of packs with a domain.yaml: the columns of Assets, types and locales it knows."""

    def shaped(frame: pl.DataFrame, name: str) -> pl.DataFrame:
        frame = sources.typed(frame, Assets, name)
        return frame.with_columns(
            text.cleaned_column(frame[name]) for name in TEXTS if name in frame.columns
        )

    def refuse(frame: pl.DataFrame) -> pl.DataFrame:
        types = [name for name, kind in known.content_types.items() if kind.has_assets]
        reason = (
            pl.when(~pl.col("content_type").is_in(types))
            .then(pl.lit("unknown content type ") + pl.col("content_type"))
            .when(~pl.col("locale").is_in(known.locales))
            .then(pl.lit("unknown locale ") + pl.col("locale"))
        )
        bad = frame.select("asset_id", reason=reason).filter(pl.col("reason").is_not_null())
        return _without_pictures(frame, pack, bad)

    return Form(Assets, shaped, refuse, ("content_type", "content_types"))


def open_form(pack: Path) -> Form:
    """The form of packs with a catalogue: an asset_id and whatever columns the source has."""

    def refuse(frame: pl.DataFrame) -> pl.DataFrame:
        none = pl.DataFrame(schema={"asset_id": pl.String, "reason": pl.String})
        return _without_pictures(frame, pack, none)

    return Form(Items, own_columns, refuse, ("source", "sources"))


def own_columns(frame: pl.DataFrame, name: str) -> pl.DataFrame:
    """A source's rows as Items has them: what its SELECT gives is JSON in `columns`. Raises
    InputError for a type that JSON or no user has words for.
    """
    source = Path(name).stem
    if "asset_id" not in frame.columns:
        raise InputError(
            f"{name} lacks the column asset_id, by which its rows are told apart: write it into "
            f"its SELECT, such as sku AS asset_id; it gives {frame.columns[:20]}"
        )
    own = frame.select(_plain(frame[column], name) for column in frame.columns)
    described = [c for c in DRAWING if c in frame.columns]
    return own.select(
        asset_id=pl.lit(f"{source}/") + pl.col("asset_id").cast(pl.String),
        source=pl.lit(source),
        **{
            column: pl.col(column).cast(dtype) if column in own.columns else pl.lit(None, dtype)
            for column, dtype in OPTIONAL.items()
        },
        columns=pl.struct(pl.all()).struct.json_encode(),
        **{column: pl.lit(frame[column]) for column in described},
    )


def _plain(column: pl.Series, name: str) -> pl.Series:
    """A column in a type that JSON has: text, number, boolean, or a list of these; text cleaned."""
    dtype = column.dtype
    inner = dtype.inner if isinstance(dtype, pl.List | pl.Array) else dtype
    if isinstance(dtype, pl.Array):
        column = column.cast(pl.List(inner))  # type: ignore[arg-type]
    if isinstance(inner, pl.Decimal | pl.Float32):
        kind: pl.DataType = pl.Float64()
    elif isinstance(inner, pl.Categorical | pl.Enum | pl.Date | pl.Null):
        kind = pl.String()
    elif isinstance(inner, pl.String | pl.Boolean | pl.Float64) or inner.is_integer():  # type: ignore[union-attr]
        kind = inner  # type: ignore[assignment]
    else:
        raise InputError(
            f"{name}: column {column.name} is {str(inner).upper()}, for which users have no words: "
            f"write CAST({column.name} AS VARCHAR) AS {column.name}, or leave it out"
        )
    column = column.cast(pl.List(kind) if isinstance(dtype, pl.List | pl.Array) else kind)
    if column.dtype == pl.Float64:
        column = column.to_frame().select(  # NaN and infinity, which JSON does not have
            pl.when(pl.col(column.name).is_finite()).then(pl.col(column.name))
        )[column.name]
    return text.cleaned_column(column).alias(column.name)


def _without_pictures(frame: pl.DataFrame, pack: Path, bad: pl.DataFrame) -> pl.DataFrame:
    """`bad` with the rows whose picture cannot be used."""
    pictured = frame.filter(pl.col("image_path").is_not_null()).select("asset_id", "image_path")
    if pictured.is_empty():
        return bad
    from stages.ingest import images

    why = {path: images.refusal(path, pack) for path in pictured["image_path"].unique()}
    unusable = [(key, why[path]) for key, path in pictured.iter_rows() if why[path]]
    return pl.concat([bad, pl.DataFrame(unusable, schema=bad.schema, orient="row")]).unique(
        "asset_id", keep="first", maintain_order=True
    )


def usable(database: sources.Database, form: Form, passed: Passed) -> Iterator[pl.DataFrame]:
    """The sources' rows that keep the contract, a batch at a time; `passed` is told of all."""
    pack = database.pack
    for sql in sources.sources(pack / "assets"):
        name = str(sql.relative_to(pack))
        for frame in database.batches(sql):
            passed.rows += frame.height
            frame = form.shaped(frame, name)
            good, bad = sources.sort_rows(frame, form.contract, name, is_typed=True)
            passed.rejects.append(bad)
            refused = form.refuse(good)
            if refused.height:
                told = refused.select(source=pl.lit(name), row="asset_id", reason="reason")
                passed.rejects.append(told)
                good = good.join(refused, on="asset_id", how="anti", maintain_order="left")
            if "drawing" in frame.columns:
                passed.drawings.append(_drawings(frame, good, name))
            passed.keys.append(good.select("asset_id", source=pl.lit(name)))
            yield good.with_columns(image_path=pl.lit(f"{pack}/") + pl.col("image_path"))


def _drawings(frame: pl.DataFrame, good: pl.DataFrame, name: str) -> pl.DataFrame:
    """asset_id, aspect_ratio and drawing of the good rows that describe a picture."""
    if frame.schema["drawing"] not in (pl.String, pl.Null):
        raise InputError(
            f"{name}: column drawing is {frame.schema['drawing']}, not VARCHAR: write "
            "CAST(json_object(...) AS VARCHAR) AS drawing"
        )
    ratio = pl.col("aspect_ratio") if "aspect_ratio" in frame.columns else pl.lit(None)
    described = frame.filter(pl.col("drawing").is_not_null())
    return described.select(
        "asset_id", ratio.cast(pl.Float64).alias("aspect_ratio"), pl.col("drawing").cast(pl.String)
    ).join(good, on="asset_id", how="semi", maintain_order="left")
