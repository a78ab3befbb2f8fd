"""Tests side by side: how many processes, which tests stay together, and which of them go first.

A process takes the tests of a file, so that what a file makes for all of its tests is made once.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from xdist.scheduler import LoadScopeScheduling

from stages.core import processor

ROOT = Path(__file__).parents[1]
MAX_PROCESSES = 4
RAY = "those with Ray"
# Files and tests, the longest first, and what each goes with; a test that is named here leaves its
# file. A long one that came last would keep one process busy while the others have nothing to do.
LONG = {
    "tests/test_pipeline.py": "",
    # Ray gives the agents of a cluster 15 s to start: one cluster at a time.
    "tests/test_engines.py": RAY,
    "tests/evaluation/test_asking.py": RAY,
    "tests/test_faults.py": "",
    "tests/test_training.py": "",
    "tests/test_real_pictures.py": "",
    "tests/test_evaluate.py": "",
    "tests/test_benchmarks.py": "",
    "tests/test_remotes.py": "",
    "tests/test_seeing.py": "",
    "tests/formats/test_serving.py": "",
    "tests/spine/test_spine.py": "",
    "tests/spine/test_kitchen.py": "",
    "tests/spine/test_spine_check.py": "",
    "tests/test_compare.py": "",
    "tests/test_install.py": "",
    "tests/test_command.py": "",
    "tests/planning/test_any_schema.py": "",
    "tests/test_check.py": "",
    "tests/test_ingest_tools.py": "",
}  # fmt: skip
ORDER = {group or name: index for index, (name, group) in reversed([*enumerate(LONG.items())])}


def group(test: str) -> str:
    """What the tests that run in one process, one after another, have in common."""
    alone = test.partition("[")[0]
    name = alone if alone in LONG else test.partition("::")[0]
    return LONG.get(name) or name


def in_order(tests: list[pytest.Item]) -> list[pytest.Item]:
    """The tests with the longest groups first; within a group, and after those, as they were."""
    return sorted(tests, key=lambda test: ORDER.get(group(test.nodeid), len(ORDER)))


def processes(config: pytest.Config) -> int:
    """One for each core, at most `MAX_PROCESSES`; 0, which is this process alone, for a single file
    or where output is to be seen as it comes.
    """
    alone = len(config.args) == 1 and ".py" in config.args[0]
    return 0 if alone or config.option.capture == "no" else min(MAX_PROCESSES, processor.cores())


class Groups(LoadScopeScheduling):
    """Hands each process a group at a time, in the order in which they were collected."""

    def _split_scope(self, nodeid: str) -> str:
        return group(nodeid)
