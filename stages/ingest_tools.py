"""Make one catalogue of the functions in many files of others.

Command: python -m stages.ingest_tools FILE_OR_FOLDER ... --out FOLDER
         [--tag TAG ...] [--path PATTERN ...] [--max N]
Reads:   OpenAI, Anthropic and MCP tools (`tools/list`), OpenAPI 3, Swagger 2; JSON, JSON lines or
         YAML, plain or gzip, whatever the files are called; of a folder all files
Writes:  FOLDER/functions.json: OpenAI tools, for `python -m stages.new NAME --from` it
         FOLDER/functions.{parquet,csv}: of each function the file, the operation, what was changed
         FOLDER/rejects.{parquet,csv}: of what gave no function the file, the operation, a code, the
         reason, what was changed

Not a stage of the pipeline. Each operation of a file is a row in, and so is a file that gives none;
each is a function or a reject, and the summary says how many. --tag and --path (a glob pattern,
such as "/pets/*") take the operations that have one of them; tools have neither. A specification
need not be valid: what a catalogue does not take is left out or written otherwise, and that is
said. Nothing is fetched. The exit code is 1 if no file could be read.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

import polars as pl

from stages.core import files
from stages.core.catalogue import MAX_FUNCTIONS
from stages.core.command import InputError, run
from stages.core.tables import Table, ToolOrigins, ToolRejects
from stages.ingest.tools import reading
from stages.ingest.tools.gathering import Filter, Gathered, gather
from stages.ingest.tools.rows import CODES

FUNCTIONS, REJECTS = "functions", "rejects"


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m stages.ingest_tools",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("places", nargs="+", type=Path, metavar="FILE_OR_FOLDER")
    parser.add_argument("--out", type=Path, required=True, help="folder of what is written")
    parser.add_argument("--tag", nargs="+", action="extend", default=[], help="operations with it")
    parser.add_argument("--path", nargs="+", action="extend", default=[], metavar="PATTERN",
                        help="operations whose path fits")  # fmt: skip
    parser.add_argument("--max", type=int, default=MAX_FUNCTIONS, metavar="N",
                        help=f"functions at most ({MAX_FUNCTIONS})")  # fmt: skip
    options = parser.parse_args(argv)
    if not 0 < options.max <= MAX_FUNCTIONS:
        parser.error(f"--max must be 1 to {MAX_FUNCTIONS}")
    return options


def write(made: Gathered, folder: Path) -> None:
    """Write catalogue and tables."""
    files.write_json(folder / f"{FUNCTIONS}.json", made.tools)
    rows = [(one.tool["function"]["name"], *one[1:]) for one in made.functions]
    _write_table(folder, FUNCTIONS, rows, ToolOrigins)
    _write_table(folder, REJECTS, made.rejects, ToolRejects)


def _write_table(folder: Path, name: str, rows: list, contract: type[Table]) -> None:
    frame = pl.DataFrame(rows, schema=contract.schema(), orient="row")
    files.write_table(folder / f"{name}.parquet", frame, contract)
    with files.replacing(folder / f"{name}.csv") as temporary:
        frame.with_columns(pl.col("changes").list.join("; ")).write_csv(temporary)


def summary(made: Gathered) -> str:
    """What became of the rows, in lines."""
    reasons = Counter(row.code for row in made.rejects)
    changed = sum(bool(one.changes) for one in made.functions)
    lines = [
        f"{made.files} files, {made.read} of them with functions",
        f"{made.rows} rows in = {len(made.functions)} functions + {len(made.rejects)} rejects",
        *(f"  {reasons[code]} {code}: {text}" for code, text in CODES.items() if reasons[code]),
        f"{changed} of the functions are not quite as their files have them: see `changes`",
    ]
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> None:
    """Run the command. Raises InputError where no file could be read."""
    options = arguments(argv)
    paths = reading.listed(options.places, without=options.out)
    made = gather(paths, Filter((*options.tag,), (*options.path,), options.max))
    write(made, options.out)
    print(summary(made))
    print(f"-> {options.out}: {FUNCTIONS}.json, {FUNCTIONS}.csv, {REJECTS}.csv")
    if not made.read:
        raise InputError(f"no file holds functions: {options.out / REJECTS}.csv says why")


if __name__ == "__main__":
    run(main)
