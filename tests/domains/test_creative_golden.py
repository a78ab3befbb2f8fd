"""The golden set of the pack `creative`: its counts, and that nothing of it is in the material."""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise
from pathlib import Path
from statistics import mean, median

import pytest

from stages.core import files, golden_rows
from stages.core.pack import Pack

ROOT = Path(__file__).parents[2]
PACK = ROOT / "data" / "domains" / "creative"
ROWS = files.read_jsonl(PACK / "golden.jsonl")
TYPES = {"Template": 103, "Photo": 97, "Any": 164, "Audio": 20, "Background": 20, "Text": 20,
         "Video": 19, "Design Asset": 17}  # fmt: skip
RUN = 6


def words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9']+", text.lower())


def runs(text: str) -> set[tuple[str, ...]]:
    """All runs of six words."""
    found = words(text)
    return {tuple(found[i : i + RUN]) for i in range(len(found) - RUN + 1)}


GOLDEN_RUNS = set().union(*(runs(row["query"]) for row in ROWS))
GOLDEN_QUERIES = {" ".join(words(row["query"])) for row in ROWS}


def test_it_has_the_counts_of_the_labelling_guide(creative: Pack) -> None:
    assert len(golden_rows.read(creative.golden, creative.catalogue)) == len(ROWS)
    assert Counter(row["function"] for row in ROWS) == {"Search": 237, "Generate": 223}
    assert Counter(row["content_type"] for row in ROWS) == TYPES


def test_it_has_the_word_counts_of_the_labelling_guide() -> None:
    counts = [len(row["query"].split()) for row in ROWS]
    assert median(counts) == 8
    assert 10.4 <= mean(counts) <= 11.4
    assert max(counts) == 38
    assert max(len(r["query"].split()) for r in ROWS if r["function"] == "Search") <= 10


def test_queries_differ_and_labels_come_from_them() -> None:
    assert len(GOLDEN_QUERIES) == len(ROWS)
    assert all(a != b for a, b in pairwise(sorted(row["query"].lower() for row in ROWS)))
    for row in ROWS:
        left = iter(words(row["query"]))
        for word in words(row["extracted_prompt"]):
            # A kept design type goes into the singular: backgrounds -> background.
            assert any(word == w or word in (w.rstrip("s"), w.removesuffix("es")) for w in left), (
                row
            )


def test_nothing_of_it_is_in_the_packs_material() -> None:
    for path in [*PACK.rglob("*.csv"), *PACK.rglob("*.yaml"), *ROOT.glob("prompts/**/*.*")]:
        for line in path.read_text("utf-8").splitlines():
            assert not runs(line) & GOLDEN_RUNS, f"{path.relative_to(ROOT)}: {line}"


@pytest.mark.parametrize("part", ["train", "validation"])
def test_nothing_of_it_is_in_the_dataset(part: str) -> None:
    """Of the dataset that this checkout has; test_pipeline.py asks the same of its own."""
    path = ROOT / "data" / "dataset" / f"{part}.jsonl"
    for row in files.read_jsonl(path) if path.is_file() else []:
        query = row["messages"][0]["content"]
        assert not runs(query) & GOLDEN_RUNS, query
        assert " ".join(words(query)) not in GOLDEN_QUERIES, query
