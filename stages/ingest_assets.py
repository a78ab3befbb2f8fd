"""Stage `ingest_assets`: the pack's content items as one table, and the pictures drawn from them.

Command: python -m stages.ingest_assets
Reads:   PACK/assets/*.sql with the files they name
Writes:  data/ingested/assets/{assets,rejects}.parquet, data/ingested/assets/pictures/*.png,
         metrics/ingest_assets.json
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import polars as pl

from stages.contracts import domain, files, settings
from stages.contracts.command import InputError, run
from stages.contracts.domain import Domain
from stages.contracts.tables import Assets, SourceRejects, empty
from stages.ingesting import images, sources

OUT = Path("data/ingested/assets")
# Control and format characters (also right-to-left overrides) carry no meaning in a title.
INVISIBLE = r"[\p{Cc}\p{Cf}]+"


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
    why = {path: images.refusal(path, pack) for path in pictured["image_path"].unique()}
    unusable = [(key, why[path]) for key, path in pictured.iter_rows() if why[path]]
    return pl.concat([bad, pl.DataFrame(unusable, schema=bad.schema, orient="row")]).unique(
        "asset_id", keep="first", maintain_order=True
    )


def draw_pictures(drawings: pl.DataFrame, limit: int) -> dict[str, str]:
    """Draw up to `limit` pictures, a sample spread over the assets; asset_id -> path."""
    if limit == 0 or drawings.is_empty():
        return {}
    from stages.ingesting.pictures import draw, picture_size

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
            picture = draw(json.loads(row["drawing"]), picture_size(row["aspect_ratio"] or 1.0))
        except ValueError as error:
            raise InputError(f"asset {row['asset_id']}: drawing: {error}") from None
        with files.replacing(path) as temporary:
            picture.save(temporary, format="PNG")
        paths[row["asset_id"]] = str(path)
    return paths


def main() -> None:
    chosen = settings.load()
    pack = Path(chosen.pack)
    known = domain.load(pack)
    parts, rejects, drawings, read = [], [empty(SourceRejects)], [], 0
    for sql in sources.sources(pack / "assets"):
        name = str(sql.relative_to(pack))
        frame = sources.read_sql(sql, pack)
        read += frame.height
        if "title" in frame.columns:
            clean = pl.col("title").cast(pl.String).str.replace_all(INVISIBLE, " ")
            frame = frame.with_columns(clean.str.strip_chars())
        if "drawing" in frame.columns:
            described = frame.filter(pl.col("drawing").is_not_null())
            drawings.append(described.select("asset_id", "aspect_ratio", "drawing"))
        good, bad = sources.sort_rows(frame, Assets, name)
        refused = refuse(good, pack, known)
        rejects.append(bad)
        rejects.append(refused.select(source=pl.lit(name), row="asset_id", reason="reason"))
        parts.append(good.join(refused, on="asset_id", how="anti", maintain_order="left"))
    assets, repeated = sources.sort_rows(pl.concat(parts), Assets, "assets of several sources")
    rejected = pl.concat([*rejects, repeated])
    files.write_table(OUT / "rejects.parquet", rejected, SourceRejects)
    sources.check_share(
        rejected.height, read, chosen.ingest_assets.max_reject_share, str(pack / "assets")
    )
    kept = assets["asset_id"].implode()
    wanted = pl.concat(drawings).filter(pl.col("asset_id").is_in(kept)) if drawings else None
    drawn = {} if wanted is None else draw_pictures(wanted, chosen.ingest_assets.max_pictures)
    own = pl.lit(str(pack) + "/") + pl.col("image_path")
    made = pl.col("asset_id").replace_strict(drawn, default=None, return_dtype=pl.String)
    assets = assets.with_columns(image_path=pl.coalesce(own, made))
    files.write_table(OUT / "assets.parquet", assets, Assets)
    types = dict(assets.group_by("content_type").len().sort("content_type").iter_rows())
    metrics = {
        "assets": assets.height,
        "pictures": assets["image_path"].count(),
        "content_types": types,
        "rejected": sources.count_reasons(rejected),
    }
    files.write_json("metrics/ingest_assets.json", metrics)
    print(f"assets: {assets.height} over {len(types)} types, {len(drawn)} pictures drawn, "
          f"{rejected.height} rejects")  # fmt: skip


if __name__ == "__main__":
    run(main)
