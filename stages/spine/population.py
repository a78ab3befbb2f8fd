"""Stage `population`: the strata of the pack's population and their shares.

Reads:   PACK/{catalogue.json,pack.yaml,population.yaml,vocabularies}; data/ingested
Writes:  data/population/strata.json: a list of strata, each with the values of its dimensions, its
         share (0 to 1) and its length band in words
"""

from __future__ import annotations

from stages.core import files, pack
from stages.core.settings import Settings
from stages.planning.sources import Pools
from stages.planning.strata import strata


def main(chosen: Settings) -> None:
    known = pack.load_ingested(chosen.pack)
    found, warnings = strata(known, Pools(known))
    for warning in warnings:
        print(f"warning: {warning}")
    files.write_json(
        "data/population/strata.json",
        {"strata": [stratum.to_record() for stratum in found], "warnings": warnings},
    )
    print(f"population: {len(found)} strata of {len(known.catalogue)} functions")
