"""Prompts that are made again are those that a server was asked with."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stages import generate
from stages.core import files, plan
from stages.core import pack as packs
from stages.core.settings import load as load_settings
from stages.core.tables import Conversations, Plans
from stages.engines import as_chat, store
from stages.spine import prompted
from tests import fakes
from tests.builders import TRAVEL, make_search
from tests.conftest import ROOT, params
from tests.spine.runs import planned


def check(asked: list[dict[str, Any]], pack: packs.Pack, templates: bool) -> None:
    """That each candidate's prompt in the working folder is proven and was asked."""
    plans = files.read_table("data/routed/plans.parquet", Plans).filter(route="text")
    rows = plans.to_dicts()
    by_id = {row["plan_id"]: row for row in rows}
    written = files.read_table("data/generated/text.parquet", Conversations)
    assert written.height and all(bool(row["template_id"]) == templates for row in rows)
    make = prompted.prompter(pack, load_settings(), rows)
    sent = {json.dumps(body["messages"]) for body in asked}
    for candidate in written.iter_rows(named=True):
        made = make(by_id[candidate["plan_id"]], candidate)
        assert made.messages and made.note == ""
        assert json.dumps(as_chat(made.messages)) in sent
    other = make(by_id[candidate["plan_id"]], candidate | {"prompt_hash": "0" * 16})
    assert other.messages == made.messages and other.note


@pytest.fixture
def fake() -> Iterator[fakes.Fake]:
    with fakes.running() as running:
        yield running


@pytest.mark.slow
def test_of_plans_that_are_said_anew(tmp_path: Path, fake: fakes.Fake) -> None:
    def small(value: dict[str, Any]) -> None:
        value["route"].update(rows=30, recipe="router_heuristic", min_per_cell=0)
        value["generate"]["engine"] = "server"
        value["generate"]["server"].update(address=fake.address)

    with planned(tmp_path / "said", TRAVEL, small) as folder:
        generate.main(["text"])
        check(fake.asked, packs.load(folder.name), templates=False)


@pytest.mark.slow
def test_of_plans_with_templates(
    routed: Path, tmp_path: Path, fake: fakes.Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(shutil.copytree(routed, tmp_path / "place", symlinks=True))
    params(folder, lambda v: v["generate"]["server"].update(address=fake.address))
    monkeypatch.chdir(folder)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    generate.main(["text"])
    pack = packs.load(load_settings().pack)
    check(fake.asked, pack, templates=True)
    plans = files.read_table("data/routed/plans.parquet", Plans).filter(route="text").to_dicts()
    make = prompted.prompter(pack, load_settings(), plans)
    gone = make(plans[0] | {"template_id": "text/../../agents/reword"}, {})
    assert gone.messages == [] and "is gone" in gone.note


def test_a_prompt_is_proven_by_its_hash(creative: packs.Pack) -> None:
    name, slots = "text/search_each_style_tiny", {"intent": "a", "object": "b", "style": "c"}
    row = plan.to_record(make_search(route="text", template_id=name, slots=slots, seed=5))
    settings = load_settings(ROOT / "params.yaml")
    make = prompted.prompter(creative, settings, [row])
    messages = make(row, {"model": "m", "prompt_hash": ""}).messages
    sampling = settings.generate.text.sampling.model_dump()
    key = store.key("m", messages, sampling, settings.seed + 5)
    assert not make(row, {"model": "m", "prompt_hash": key[:16]}).note
    assert "changed since" in make(row, {"model": "other", "prompt_hash": key[:16]}).note
    assert "changed since" in make(row | {"seed": 6}, {"model": "m", "prompt_hash": key[:16]}).note


def test_a_template_is_named_by_its_file_alone(creative: packs.Pack) -> None:
    assert prompted.template_text(creative, "text/search_each_style_tiny")
    for name in ("text/none", "../agents/reword", "text/../text/search_each_style_tiny", ""):
        assert prompted.template_text(creative, name) is None


def test_a_plan_that_cannot_be_read_names_its_file() -> None:
    with pytest.raises(Exception, match=r"plans\.parquet: plan 'x' cannot be read"):
        prompted.plan_of({"plan_id": "x", "stratum": "{"})
