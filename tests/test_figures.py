"""Flat figures of a pack's run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stages import figures
from stages.core.command import InputError

TUNED = {"function_accuracy": 0.91234, "function_accuracy_low": 0.9, "function_accuracy_high": 0.95,
         "errors": {"unreadable": 2}, "mcnemar_exact_p": 0.00001}  # fmt: skip
BFCL = {"multiple": 0.4, "multiple_low": 0.3, "multiple_high": 0.5,
        "must_call": 0.9, "must_call_low": 0.8, "must_call_high": 1.0,
        "unreadable": {"multiple": 3}, "errors": {}}  # fmt: skip
BASE = {"function_accuracy": 0.1, "function_accuracy_low": 0.0, "function_accuracy_high": 0.2}


def test_the_workspaces_figures_are_flat(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    Path("metrics").mkdir()
    value = {"golden": 7, "tuned": TUNED, "base": BASE}
    scored = {"rows": {"multiple": 200}, "tuned": BFCL, "base": {**BFCL, "multiple": 0.01}}
    Path("metrics/evaluate.json").write_text(json.dumps(value))
    Path("metrics/finetune.json").write_text('{"rows": 12}')
    figures.main(["workspace", "metrics/packs/mine.json"])
    found = json.loads(Path("metrics/packs/mine.json").read_text())
    assert found == {
        "golden": 7, "function_accuracy": 0.9123, "function_accuracy_low": 0.9,
        "function_accuracy_high": 0.95, "base_function_accuracy": 0.1, "rows": 12,
    }  # fmt: skip
    assert "function_accuracy: 0.9123 [0.9, 0.95]" in capsys.readouterr().out
    Path("metrics/benchmark.json").write_text('{"rows": {}}')
    figures.main(["workspace", "metrics/packs/mine.json"])
    assert json.loads(Path("metrics/packs/mine.json").read_text()) == found
    Path("metrics/benchmark.json").write_text(json.dumps(scored))
    figures.main(["workspace", "metrics/packs/mine.json"])
    more = {"bfcl_multiple": 0.4, "bfcl_multiple_low": 0.3, "bfcl_multiple_high": 0.5,
            "bfcl_must_call": 0.9, "bfcl_must_call_low": 0.8, "bfcl_must_call_high": 1.0,
            "bfcl_base_multiple": 0.01, "bfcl_base_must_call": 0.9}  # fmt: skip
    assert json.loads(Path("metrics/packs/mine.json").read_text()) == found | more
    assert "bfcl_must_call: 0.9 [0.8, 1.0]" in capsys.readouterr().out
    ends = {f"exact_call{end}": n for end, n in (("", 0.4), ("_low", 0.3), ("_high", 0.5))}
    held_out = {"tuned": {**TUNED, **ends}}
    Path("metrics/evaluate.json").write_text(json.dumps(held_out))
    figures.main(["workspace", "metrics/packs/mine.json", "--held-out"])
    assert "held_out_exact_call: 0.4 [0.3, 0.5]" in capsys.readouterr().out


def test_another_kind_of_pack_is_refused() -> None:
    with pytest.raises(InputError, match="function_accuracy"):
        figures.figures({"golden": 1, "tuned": {"f1": 1.0}}, {}, None)
