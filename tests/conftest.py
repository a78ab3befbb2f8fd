"""Shared pieces of the tests."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from ruamel.yaml import YAML

from stages.core import pack, processor
from stages.core.frame import Frame
from stages.core.pack import Pack
from tests import workers

# Each of several processes has its share of the cores, before a test imports torch.
if count := os.environ.get("PYTEST_XDIST_WORKER_COUNT"):
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, processor.cores() // int(count))))
processor.share_cores()
# A shell's background jobs ignore Ctrl-C, and so would all that the tests start and interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
# Two processes that start Ray or vLLM at once take longer than the agents of Ray are waited for.
os.environ.setdefault("RAY_agent_register_timeout_ms", "300000")
# On a busy machine 200 ms for an example are no fault of the code.
hypothesis.settings.register_profile(
    "shared", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("shared")

ROOT = Path(__file__).parents[1]
PACK = ROOT / "data" / "domains" / "creative"
# Requests of the text route between two looks at the quotas, in `routed`.
BATCH = 64
Change = Callable[[dict[str, Any]], None]


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """How many processes `-n auto` is, which is in pyproject.toml."""
    return workers.processes(config)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> workers.Groups:
    """Which process gets which test."""
    config.option.loadscopereorder = False
    return workers.Groups(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Side by side, the longest go first."""
    if hasattr(config, "workerinput"):
        items[:] = workers.in_order(items)


@pytest.fixture(scope="session")
def creative() -> Pack:
    """The pack `creative`, checked."""
    return pack.load(PACK)


@pytest.fixture(scope="session")
def frame(creative: Pack) -> Frame:
    """What frames a request to it."""
    return creative.frames["en"]


def params(folder: Path, change: Change) -> None:
    """Change the folder's params.yaml."""
    yaml = YAML()
    value = yaml.load((folder / "params.yaml").read_text("utf-8"))
    change(value)
    with (folder / "params.yaml").open("w", encoding="utf-8") as stream:
        yaml.dump(value, stream)


def slowness() -> float:
    """How many times its processor time a process takes here just now; 1 on an idle machine."""
    began = time.monotonic()
    command = [sys.executable, "-S", "-E", "-c", "sum(range(5_000_000))"]
    child = os.posix_spawn(sys.executable, command, os.environ)
    _, _, used = os.wait4(child, 0)
    return max(1.0, (time.monotonic() - began) / (used.ru_utime + used.ru_stime))


def in_time(began: float, seconds: float) -> bool:
    """Whether fewer than `seconds` have gone by since `began`, a time.monotonic(); on a machine
    that has other work, as many more as two processes need that wait for it and for each other.
    """
    took = time.monotonic() - began
    return took < seconds or took < seconds * (2 * slowness() - 1)


def start(folder: Path, *command: str, **variables: str) -> subprocess.Popen[str]:
    """`python -m stages...` in `folder`, not waited for."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(("DVC_", "ROUTENATOR_"))}
    return subprocess.Popen(
        [sys.executable, "-m", *command],
        cwd=folder,
        env=inherited | {"PYTHONPATH": str(ROOT)} | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def stage(folder: Path, *command: str, **variables: str) -> str:
    """What a stage that must succeed prints."""
    process = start(folder, *command, **variables)
    out, err = process.communicate(timeout=600)
    assert process.returncode == 0, f"{command}\n{out[-2000:]}\n{err[-4000:]}"
    return out


@pytest.fixture(scope="session")
def routed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the real pack, planned for 300 rows, half of them for the text route."""
    folder = tmp_path_factory.mktemp("routed")
    shutil.copy(ROOT / "params.yaml", folder)
    (folder / "data").mkdir()
    (folder / "data" / "domains").symlink_to(PACK.parent)
    writer = folder / "models" / "base" / "writer"
    writer.mkdir(parents=True)
    (writer / "config.json").write_text('{"model_type": "none, a server answers"}')

    def small(value: dict[str, Any]) -> None:
        value["route"].update(rows=300, weights={"heuristic": 0.5, "text": 0.5, "vision": 0})
        value["ingest_assets"]["max_pictures"] = 0
        value["generate"]["engine"] = "server"
        value["generate"]["text"]["batch"] = BATCH

    params(folder, small)
    for name in ("ingest_graph", "ingest_assets", "population", "route"):
        stage(folder, f"stages.{name}")
    return folder


@pytest.fixture(scope="session")
def filled(routed: Path) -> Pack:
    """The pack `creative` with what its sources give."""
    return pack.load_ingested(PACK, routed / "data" / "ingested")
