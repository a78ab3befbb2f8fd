"""Stage `ingest_assets`: the pack's content items as one table, and the pictures drawn from them.

Command: python -m stages.ingest_assets
Reads:   PACK/assets/*.sql with the files they name
Writes:  data/ingested/assets/{assets,rejects}.parquet, data/ingested/assets/pictures/*.png,
         metrics/ingest_assets.json
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from stages.core import domain, files, settings, text
from stages.core import pack as packs
from stages.core.command import InputError, run
from stages.core.domain import Domain
from stages.core.tables import Assets, SourceRejects, empty
from stages.ingest import sources
from stages.spine import ingest as spine

OUT = Path("data/ingested/assets")
# The columns with text that may come into a query.
TEXTS = ("title", "work_title", "keywords", "topics")


@dataclass
class Passed:
    """What is known of the rows once they went by, in their order."""

    rows: int = 0
    # asset_id, source: of the rows that were kept.
    keys: list[pl.DataFrame] = field(default_factory=list)
    rejects: list[pl.DataFrame] = field(default_factory=lambda: [empty(SourceRejects)])
    # asset_id, aspect_ratio, drawing: of those of them that describe a picture.
    drawings: list[pl.DataFrame] = field(default_factory=list)


def refuse(frame: pl.DataFrame, pack: Path, known: Domain) -> pl.DataFrame:
    """Rows that the table's contract cannot judge: asset_id, source and reason of each."""
    types = [name for name, kind in known.content_types.items() if kind.has_assets]
    reason = (
        pl.when(~pl.col("content_type").is_in(types))
        .then(pl.lit("unknown content type ") + pl.col("content_type"))
        .when(~pl.col("locale").is_in(known.locales))
        .then(pl.lit("unknown locale ") + pl.col("locale"))
    )
    bad = frame.select("asset_id", reason=reason).filter(pl.col("reason").is_not_null())
    pictured = frame.filter(pl.col("image_path").is_not_null()).select("asset_id", "image_path")
    if pictured.is_empty():
        return bad
    from stages.ingest import images

    why = {path: images.refusal(path, pack) for path in pictured["image_path"].unique()}
    unusable = [(key, why[path]) for key, path in pictured.iter_rows() if why[path]]
    return pl.concat([bad, pl.DataFrame(unusable, schema=bad.schema, orient="row")]).unique(
        "asset_id", keep="first", maintain_order=True
    )


def usable(database: sources.Database, known: Domain, passed: Passed) -> Iterator[pl.DataFrame]:
    """The sources' rows that keep the contract, a batch at a time; `passed` is told of all."""
    pack = database.pack
    for sql in sources.sources(pack / "assets"):
        name = str(sql.relative_to(pack))
        for frame in database.batches(sql):
            passed.rows += frame.height
            frame = sources.typed(frame, Assets, name)
            frame = frame.with_columns(
                text.cleaned_column(frame[name]) for name in TEXTS if name in frame.columns
            )
            good, bad = sources.sort_rows(frame, Assets, name, is_typed=True)
            passed.rejects.append(bad)
            refused = refuse(good, pack, known)
            if refused.height:
                told = refused.select(source=pl.lit(name), row="asset_id", reason="reason")
                passed.rejects.append(told)
                good = good.join(refused, on="asset_id", how="anti", maintain_order="left")
            if "drawing" in frame.columns:
                if frame.schema["drawing"] not in (pl.String, pl.Null):
                    raise InputError(
                        f"{name}: column drawing is {frame.schema['drawing']}, not VARCHAR: write "
                        "CAST(json_object(...) AS VARCHAR) AS drawing"
                    )
                described = frame.filter(pl.col("drawing").is_not_null())
                passed.drawings.append(
                    described.select(
                        "asset_id", "aspect_ratio", pl.col("drawing").cast(pl.String)
                    ).join(good, on="asset_id", how="semi", maintain_order="left")
                )
            passed.keys.append(good.select("asset_id", source=pl.lit(name)))
            yield good.with_columns(image_path=pl.lit(f"{pack}/") + pl.col("image_path"))


def draw_pictures(drawings: pl.DataFrame, limit: int) -> dict[str, str]:
    """Draw up to `limit` pictures, a sample spread over the assets; asset_id -> path."""
    if limit == 0 or drawings.is_empty():
        return {}
    from stages.images.composition import draw, parsed, picture_size

    folder = OUT / "pictures"
    folder.mkdir(parents=True, exist_ok=True)
    ordered = sorted(
        drawings.iter_rows(named=True),
        key=lambda row: hashlib.sha256(row["asset_id"].encode()).digest(),
    )
    paths: dict[str, str] = {}
    for row in ordered[:limit]:
        path = folder / f"{hashlib.sha256(row['asset_id'].encode()).hexdigest()[:16]}.png"
        try:
            described = text.each(parsed(row["drawing"]), text.cleaned)
            picture = draw(described, picture_size(row["aspect_ratio"] or 1.0))
        except ValueError as error:
            raise InputError(f"asset {row['asset_id']}: drawing: {error}") from None
        with files.replacing(path) as temporary:
            picture.save(temporary, format="PNG")
        paths[row["asset_id"]] = str(path)
    return paths


def main() -> None:
    chosen = settings.load()
    if packs.is_pack(chosen.pack):
        return spine.assets()
    pack, block = Path(chosen.pack), chosen.ingest_assets
    known = domain.load(pack)
    with sources.Database(
        pack, block.max_seconds, block.max_memory_gib, "ingest_assets"
    ) as database:
        sources.interruptible(lambda: ingest(database, known, block), database)


def ingest(database: sources.Database, known: Domain, block: settings.IngestAssets) -> None:
    """Read all sources and write the stage's outputs."""
    pack = database.pack
    passed, table = Passed(), OUT / "assets.parquet"
    with files.scratch("assets") as folder:
        written = folder / table.name
        files.write_batches(written, usable(database, known, passed), Assets)
        assets = pl.scan_parquet(written)
        # A key that two batches share is kept from the first.
        keys = pl.concat(passed.keys).with_row_index("at")
        # Where no two hashes agree no two keys do; that is seen sooner.
        again = keys.clear()
        if keys["asset_id"].hash().n_unique() < keys.height:
            again = keys.filter(~pl.col("asset_id").is_first_distinct())
        first = ~pl.col("at").is_in(again["at"].implode())
        passed.rejects.append(
            again.select("source", row="asset_id", reason=pl.lit("asset_id field_uniqueness"))
        )
        unread = pl.concat([empty(SourceRejects), *database.rejects])
        rejected = pl.concat([unread, *passed.rejects])
        files.write_table(OUT / "rejects.parquet", rejected, SourceRejects)
        reasons = sources.count_reasons(rejected)
        sources.check_share(
            rejected.height, passed.rows + unread.height, block.max_reject_share,
            str(pack / "assets"), reasons,
        )  # fmt: skip
        limit = block.max_pictures
        drawn = draw_pictures(pl.concat(passed.drawings), limit) if passed.drawings else {}
        if drawn or again.height:
            made = pl.col("asset_id").replace_strict(drawn, default=None, return_dtype=pl.String)
            assets = assets.with_row_index("at").filter(first).drop("at")
            assets = assets.with_columns(image_path=pl.coalesce("image_path", made))
            files.write_batches(table, assets.collect_batches(maintain_order=True), Assets)
        else:
            files.move(written, table)
    assets = pl.scan_parquet(table)
    types = assets.group_by("content_type").agg(pl.len(), pl.col("image_path").count())
    counted = types.sort("content_type").collect()
    metrics = {
        "assets": counted["len"].sum(),
        "pictures": counted["image_path"].sum(),
        "content_types": dict(counted.select("content_type", "len").iter_rows()),
        "rejected": reasons,
    }
    files.write_json("metrics/ingest_assets.json", metrics)
    print(f"assets: {metrics['assets']} over {counted.height} types, {len(drawn)} pictures drawn, "
          f"{rejected.height} rejects")  # fmt: skip


if __name__ == "__main__":
    run(main, __doc__)
