"""Shared pieces of the tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from stages.contracts import domain
from stages.contracts.domain import Domain

ROOT = Path(__file__).parents[1]
PACK = ROOT / "data" / "domains" / "creative"


@pytest.fixture(scope="session")
def creative() -> Domain:
    """The pack `creative`, checked."""
    return domain.load(PACK)
