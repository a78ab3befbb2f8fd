"""Take the dataset elsewhere: in the formats of others, with cards, or to the Hugging Face hub.

Command: python -m stages.export FORMAT [--out FOLDER]
         FORMAT: trl, openai, hermes, sharegpt, xlam, bfcl
Reads:   data/dataset
Writes:  data/export/FORMAT, or FOLDER

Not a stage of the pipeline. Rows that a format cannot hold are left out and counted.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from stages import exporting
from stages.core.command import run

DATASET, OUT = Path("data/dataset"), Path("data/export")


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m stages.export",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("what", metavar="FORMAT", choices=list(exporting.FORMATS))
    parser.add_argument("--out", type=Path, help="folder (default: data/export/FORMAT)")
    return parser.parse_args(given)


def main(given: list[str] | None = None) -> None:
    options = arguments(given)
    folder = options.out or OUT / options.what
    written = exporting.export(options.what, DATASET, folder)
    counts = " and ".join(f"{n} {split} rows" for split, n in written.rows.items())
    print(f"{options.what}: {counts or 'no rows'} -> {folder}")
    for reason, n in written.left_out.most_common():
        print(f"  left out: {n} rows {reason}, which {options.what} cannot hold")


if __name__ == "__main__":
    run(main)
