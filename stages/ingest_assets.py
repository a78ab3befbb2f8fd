"""Stage `ingest_assets`: the pack's content items as one table, and the pictures drawn from them.

Command: python -m stages.ingest_assets
Reads:   PACK/assets/*.sql with the files they name
Writes:  data/ingested/assets/{assets,rejects}.parquet, data/ingested/assets/pictures/*.png,
         metrics/ingest_assets.json
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import polars as pl

from stages.core import files, text
from stages.core import pack as packs
from stages.core.command import InputError, run
from stages.core.settings import IngestAssets
from stages.core.settings import load as load_settings
from stages.core.tables import Items, SourceRejects, empty
from stages.ingest import sources
from stages.ingest.assets import Passed, usable

OUT = Path("data/ingested/assets")


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
    settings = load_settings()
    pack, block = packs.folder_of(settings.pack), settings.ingest_assets
    if not (pack / "assets").is_dir():
        return nothing()
    with sources.Database(
        pack, block.max_seconds, block.max_memory_gib, "ingest_assets"
    ) as database:
        sources.interruptible(lambda: ingest(database, block), database)


def nothing() -> None:
    """The outputs of a pack that has no content items."""
    for name, contract in (("assets", Items), ("rejects", SourceRejects)):
        files.write_table(OUT / f"{name}.parquet", empty(contract), contract)
    files.write_json("metrics/ingest_assets.json", {"assets": 0})
    print("assets: the pack has none")


def ingest(database: sources.Database, block: IngestAssets) -> None:
    """Read all sources and write the stage's outputs."""
    pack = database.pack
    passed, table = Passed(), OUT / "assets.parquet"
    with files.scratch("assets") as folder:
        written = folder / table.name
        files.write_batches(written, usable(database, passed), Items)
        assets = pl.scan_parquet(written)
        # Of a key that two batches share the first stays.
        keys = pl.concat(passed.keys).with_row_index("at")
        # Where no two hashes are equal no two keys are, which is cheaper to see.
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
            files.write_batches(table, assets.collect_batches(maintain_order=True), Items)
        else:
            files.move(written, table)
    assets = pl.scan_parquet(table)
    by_source = assets.group_by("source").agg(pl.len(), pl.col("image_path").count())
    counted = by_source.sort("source").collect()
    metrics = {
        "assets": counted["len"].sum(),
        "pictures": counted["image_path"].sum(),
        "sources": dict(counted.select("source", "len").iter_rows()),
        "rejected": reasons,
    }
    files.write_json("metrics/ingest_assets.json", metrics)
    print(f"assets: {metrics['assets']} of {counted.height} sources, {len(drawn)} pictures drawn, "
          f"{rejected.height} rejects")  # fmt: skip


if __name__ == "__main__":
    run(main, __doc__)
