"""Seals: a verdict goes with its row from one stage to the next, and only with that row.

The stage that writes a query judges it at once. Its verdict is kept with a seal, a digest of all
that it depends on; a stage that finds the seal whole need not judge again.
"""

from __future__ import annotations

import sys
from functools import cache
from hashlib import blake2b
from pathlib import Path

import polars as pl

from stages.checks import Verdict
from stages.core import domain as contract
from stages.core import text
from stages.core.domain import Domain

# The columns of a request that the checks look at.
ASKED = ("function", "content_type", "locale", "min_words", "max_words", "slots")
LABELS = Verdict._fields[2:]


def seals(frame: pl.DataFrame, domain: Domain) -> pl.Series:
    """A number for each row, another when the query, what was asked, the verdict or a rule changes.

    frame: candidates with the columns ASKED of their requests. It is no signature: who can write
    the table can write its seals.
    """
    looked_at = pl.struct("query", *ASKED, "accepted", *LABELS)
    rules = blake2b(_code() + domain.model_dump_json().encode(), digest_size=8)
    seed = int.from_bytes(rules.digest())
    return frame.select(seal=looked_at.hash(seed).reinterpret(signed=True)).to_series()


@cache
def _code() -> bytes:
    """A digest of the code that judges, and of what it runs on.

    polars gives the same hashes within one of its versions.
    """
    digest = blake2b(f"{sys.version_info[:2]} {pl.__version__}".encode())
    judging = [Path(str(module.__file__)) for module in (contract, text)]
    for path in [*sorted(Path(__file__).parent.glob("*.py")), *judging]:
        digest.update(path.name.encode() + path.read_bytes())
    return digest.digest()
