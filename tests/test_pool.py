"""The pack `pool`: composed of its parts, large, and apart from the Berkeley benchmark."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from stages.core import pack as packs
from stages.core.golden_rows import read as read_golden
from stages.core.pack import Pack
from stages.evaluation import bfcl
from stages.planning.plans import Settings, plans
from stages.planning.strata import plannable
from tests.conftest import ROOT

POOL = ROOT / "data" / "domains" / "pool"


@cache
def pool() -> Pack:
    return packs.load(POOL)


def plain(name: str) -> str:
    return name.replace(".", "").replace("_", "").lower()


def test_the_parts_give_the_pack(tmp_path: Path) -> None:
    out = tmp_path / "pool"
    subprocess.run([sys.executable, POOL / "compose.py", "--out", out], check=True, cwd=ROOT)
    for name in ("catalogue.json", "pack.yaml", "vocabularies/en.yaml"):
        assert (out / name).read_bytes() == (POOL / name).read_bytes(), f"run {POOL}/compose.py"


def test_it_has_a_thousand_functions_of_fifty_domains() -> None:
    catalogue = pool().catalogue
    domains = [path for path in (POOL / "parts").glob("*.yaml") if path.stem != "shared"]
    assert len(catalogue) >= 1000 and len(domains) >= 50
    types = Counter(one.get("type") for f in catalogue.functions for one in f.properties.values())
    assert types.keys() == {"string", "integer", "number", "boolean", "array", "object"}
    sizes = Counter(len(f.properties) for f in catalogue.functions)
    assert sizes[0] > 20 and max(sizes) >= 6
    assert not pool().lacking
    for function, phrases in pool().vocabulary("en").phrases.items():
        assert len(phrases) >= 4, function


def test_no_function_has_the_name_of_one_of_the_benchmark() -> None:
    rows = bfcl.read(bfcl.CATEGORIES).rows
    theirs = {plain(f["name"]) for row in rows for f in row.functions}
    assert not [name for name in pool().catalogue.names if plain(name) in theirs]


def test_the_dataset_shows_nothing_that_is_held_out() -> None:
    pack, trained = pool(), plannable(pool())[0]
    assert len(pack.held_out) > 100 and not pack.held_out & set(trained)
    planned = plans(pack, Settings(300, reserve=1.0, heuristic_surplus=0.0, shown=(1, 5)), 1)
    shown = {name for one in planned.tool_sets for name in one.functions}
    called = {call.function for plan in planned.plans for call in plan.calls}
    assert not pack.held_out & (shown | called)
    golden = read_golden(pack.golden, pack.catalogue)
    assert len(golden) == 500
    assert {e.name for row in golden for e in row.expected} <= pack.held_out
    assert all(set(row.tools or ()) <= pack.held_out for row in golden)


@pytest.mark.slow
def test_the_golden_set_is_what_its_script_writes(tmp_path: Path) -> None:
    code = (
        "import sys; sys.argv = ['compose_golden.py', '40']\n"
        "from pathlib import Path\n"
        "import runpy, shutil\n"
        f"shutil.copytree({str(POOL)!r}, 'pool')\n"
        "runpy.run_path('pool/compose_golden.py', run_name='__main__')\n"
    )
    subprocess.run(
        [sys.executable, "-c", code], check=True, cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}
    )
    lines = (tmp_path / "pool" / "golden.jsonl").read_text("utf-8").splitlines()
    pack = replace(pool(), folder=tmp_path / "pool")
    rows = read_golden(tmp_path / "pool" / "golden.jsonl", pack.catalogue)
    assert len(rows) == len(lines) == 40
    assert all(json.loads(line)["tools"] for line in lines)
