"""The content items of a pack, a batch of a source's rows at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from stages.core import text
from stages.core.command import InputError
from stages.core.tables import Items, SourceRejects, empty
from stages.ingest import sources

# Columns of a source that are read where they are there.
OPTIONAL = {"locale": pl.String, "image_path": pl.String}
# What describes a picture that is to be drawn.
DRAWING = ("drawing", "aspect_ratio")


@dataclass
class Passed:
    """What is recorded of the rows as they pass, in their order."""

    rows: int = 0
    # asset_id, source: of the accepted rows.
    keys: list[pl.DataFrame] = field(default_factory=list)
    rejects: list[pl.DataFrame] = field(default_factory=lambda: [empty(SourceRejects)])
    # asset_id, aspect_ratio, drawing: of the accepted rows that describe a picture.
    drawings: list[pl.DataFrame] = field(default_factory=list)


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


def without_pictures(frame: pl.DataFrame, pack: Path) -> pl.DataFrame:
    """asset_id and reason of the rows whose picture cannot be used."""
    schema = {"asset_id": pl.String, "reason": pl.String}
    pictured = frame.filter(pl.col("image_path").is_not_null()).select("asset_id", "image_path")
    if pictured.is_empty():
        return pl.DataFrame(schema=schema)
    from stages.ingest import images

    reasons = {path: images.refusal(path, pack) for path in pictured["image_path"].unique()}
    unusable = [(key, reasons[path]) for key, path in pictured.iter_rows() if reasons[path]]
    return pl.DataFrame(unusable, schema=schema, orient="row")


def usable(database: sources.Database, passed: Passed) -> Iterator[pl.DataFrame]:
    """The sources' rows that keep the contract, a batch at a time; `passed` records them all."""
    pack = database.pack
    for sql in sources.sources(pack / "assets"):
        name = str(sql.relative_to(pack))
        for frame in database.batches(sql):
            passed.rows += frame.height
            frame = own_columns(frame, name)
            good, bad = sources.sort_rows(frame, Items, name, is_typed=True)
            passed.rejects.append(bad)
            refused = without_pictures(good, pack)
            if refused.height:
                rejected = refused.select(source=pl.lit(name), row="asset_id", reason="reason")
                passed.rejects.append(rejected)
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
