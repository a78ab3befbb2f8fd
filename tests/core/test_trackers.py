"""Whether the package of a tool that follows trainings is there."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from stages.core import trackers
from stages.core.command import InputError
from stages.core.settings import Finetune


def test_every_tool_of_the_settings_has_a_package() -> None:
    tools = get_args(Finetune.model_fields["report_to"].annotation)
    assert tools == ("none", *trackers.PACKAGES)
    trackers.check("none")


@pytest.mark.parametrize("tool", list(trackers.PACKAGES))
def test_a_missing_package_is_told(tool: str) -> None:
    if any(map(trackers.is_installed, trackers.PACKAGES[tool])):
        trackers.check(tool)
        return
    with pytest.raises(InputError, match=f"`pip install {tool}` in .*finetune.report_to: none"):
        trackers.check(tool)


def test_a_folder_is_no_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """W&B writes its logs to a folder `wandb`, which `import wandb` would take for one."""
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "tracked_here").mkdir()
    assert not trackers.is_installed("tracked_here")
    (tmp_path / "tracked_too").mkdir()
    (tmp_path / "tracked_too/__init__.py").touch()
    assert trackers.is_installed("tracked_too") and not trackers.is_installed("tracked_nowhere")
