"""Write the skeleton of a pack from a team's tools.

Command: python -m stages.new NAME --from tools.json [--into data/domains]
Reads:   tools.json: a list of OpenAI tools, or {"tools": [...]}; MCP's input_schema works too
Writes:  INTO/NAME/: catalogue.json, pack.yaml, population.yaml, vocabularies/en.yaml, an empty
         golden.jsonl, README.md

Not a stage of the pipeline. Nothing that exists is overwritten. It prints which arguments have no
source: their values cannot be told from the schema.
"""

from __future__ import annotations

import argparse
import re
import shutil
from pathlib import Path

from stages.core import catalogue
from stages.core.command import InputError, run
from stages.planning.skeleton import Skeleton, skeleton

NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}")


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m stages.new",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", help="the pack's name: small letters, digits, - and _")
    parser.add_argument("--from", dest="tools", type=Path, required=True, help="the tools' file")
    parser.add_argument("--into", type=Path, default=Path("data/domains"), help="where packs lie")
    return parser.parse_args(argv)


def write(name: str, tools: Path, into: Path) -> tuple[Path, Skeleton]:
    """Write the pack; its folder and what is in it. Raises InputError."""
    if not NAME.fullmatch(name):
        raise InputError(
            f"{name!r:.70} is no name for a pack: use small letters, digits, - and _, beginning "
            "with a letter"
        )
    folder = into / name
    if folder.exists():
        raise InputError(f"{folder} is there already: choose another name, or remove it first")
    made = skeleton(name, catalogue.load(tools))
    part = into / f".{name}.part"
    shutil.rmtree(part, ignore_errors=True)
    for path, text in made.files.items():
        (part / path).parent.mkdir(parents=True, exist_ok=True)
        (part / path).write_text(text, "utf-8")
    part.rename(folder)
    return folder, made


def main() -> None:
    """Run the command."""
    options = arguments()
    folder, made = write(options.name, options.tools, options.into)
    print(f"{folder}: {', '.join(made.files)}")
    for key, required in made.open:
        what = "required: its function is not planned until it has one" if required else "optional"
        print(f"  no source: {key} ({what})")
    print(f"Next: `pack: {folder}` in params.yaml, then python -m stages.check")


if __name__ == "__main__":
    run(main)
