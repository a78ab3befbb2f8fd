"""The held-out conversations of a pack with worlds, as `evaluate` has models play them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from stages import formats
from stages.core import files, journeys, links
from stages.core.pack import Pack
from stages.core.settings import Settings
from stages.core.tables import PlayedRequests
from stages.engines import models
from stages.evaluation import playing
from stages.evaluation.asking import asking
from stages.evaluation.episodes import Asking, play
from stages.evaluation.playing import Played
from stages.evaluation.significance import mcnemar


def has_journeys(pack: Pack) -> bool:
    """Whether the pack has conversations to be played."""
    return bool(pack.worlds) and (pack.folder / journeys.JOURNEYS).is_file()


def read(pack: Pack) -> list[journeys.Journey]:
    """The pack's conversations. Raises InputError."""
    path = links.check(pack.folder / journeys.JOURNEYS, pack.folder)
    return journeys.read(path, pack.catalogue, [*pack.worlds.values()])


def played(
    pack: Pack, adapters: Mapping[str, Path | None], settings: Settings
) -> dict[str, list[Played]]:
    """Each model's requests, played to their end."""
    form, held_out = formats.FORMATS[settings.tools.format], read(pack)
    by_model = {}
    for name, adapter in adapters.items():
        requests = playing.requests(held_out, pack.catalogue, pack.worlds, pack.world_words, form)
        print(f"{name}: playing {len(requests)} requests in their worlds", flush=True)
        with asking(settings, adapter) as asker:
            play([one.episode for one in requests], Asking(asker, models.resolve("student")))
        by_model[name] = requests
    return by_model


def result(by_model: Mapping[str, Sequence[Played]], settings: Settings) -> dict[str, Any]:
    """Model -> its figures; with two models `tests`, the exact McNemar test of right requests."""
    samples, seed = settings.evaluate.bootstrap_samples, settings.seed
    value: dict[str, Any] = {
        name: playing.scores(requests, samples, seed) for name, requests in by_model.items()
    }
    if len(by_model) == 2:
        (first, one), (second, other) = by_model.items()
        test = mcnemar([r.is_right for r in one], [r.is_right for r in other])
        value["tests"] = {
            "mcnemar_state_p": test.p,
            f"state_{first}_only": test.first_only,
            f"state_{second}_only": test.second_only,
        }
    return value


def write(by_model: Mapping[str, Sequence[Played]], folder: Path) -> None:
    """Write FOLDER/played.parquet."""
    rows = [playing.record(one, name) for name, requests in by_model.items() for one in requests]
    table = pl.DataFrame(rows, schema=PlayedRequests.schema())
    files.write_table(folder / "played.parquet", table, PlayedRequests)
