"""Stage `report`: one page of what was made, and the same at the shell.

Command: python -m stages.report
         python -m stages.report --samples N [--route ROUTE] [--function FUNCTION]
         python -m stages.report --rejects [CHECK] [--route ROUTE]
         python -m stages.report --errors
         python -m stages.report --plan ID
Reads:   data/{routed,generated,dataset,rejected}, pictures, metrics/, the pack and its templates,
         as far as they are there
Writes:  metrics/report/index.html: one file that opens offline and asks for nothing

With an option it writes nothing and prints a table.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stages.core import files
from stages.core.command import InputError, run
from stages.core.tables import ROUTES
from stages.reporting import material as materials
from stages.reporting import rows
from stages.reporting.material import Material

if TYPE_CHECKING:
    from stages.core.settings import Settings

OUT = Path("metrics/report/index.html")
# Of the tables where there is no terminal.
WIDTH = 180
MOST_SAMPLES = 10_000
# Bytes of the page, at most: else it shows fewer rows.
MOST_BYTES = 5_000_000


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line. Raises InputError for options that do not go together."""
    parser = argparse.ArgumentParser(
        prog="python -m stages.report",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    group = parser.add_mutually_exclusive_group()
    group.add_argument("--samples", type=int, metavar="N", help="rows of the dataset, by stratum")
    group.add_argument("--rejects", nargs="?", const="", metavar="CHECK",
                     help="what a check refused; without a name, how much each did")  # fmt: skip
    group.add_argument("--errors", action="store_true", help="golden queries not answered exactly")
    group.add_argument("--plan", metavar="ID", help="everything about one plan")
    parser.add_argument("--route", help=f"only this route ({', '.join(ROUTES)})")
    parser.add_argument("--function", help="only this function")
    options = parser.parse_args(argv)
    if options.samples is not None and not 1 <= options.samples <= MOST_SAMPLES:
        raise InputError(f"--samples {options.samples}: give a number from 1 to {MOST_SAMPLES}")
    if options.route is not None and options.samples is None and not options.rejects:
        raise InputError("--route goes with --samples N or --rejects CHECK")
    if options.function is not None and options.samples is None:
        raise InputError("--function goes with --samples N")
    return options


def print_table(options: argparse.Namespace) -> None:
    """Print the table that is asked for. Raises InputError where what it needs is missing."""
    from rich.console import Console

    from stages.reporting import shell

    def tables_of(*names: str) -> Material:
        return Material(tables={name: materials.table(name) for name in names})

    if options.samples is not None:
        material = tables_of("train", "validation")
        table: Any = shell.samples(material, options.samples, options.route, options.function)
    elif options.rejects is not None:
        material = tables_of("rejected", "surplus")
        table = (
            shell.rejects(material, options.rejects, options.route)
            if options.rejects
            else shell.checks(material)
        )
    elif options.errors:
        from stages.spine import misses

        table = shell.errors(tables_of("answers"), misses.why)
    else:
        table = plan_table(options.plan)
    Console(markup=False, width=None if sys.stdout.isatty() else WIDTH).print(table)


def plan_table(plan_id: str) -> Any:
    """Everything about one plan, for the screen. Raises InputError for a plan that is not there."""
    from stages.reporting import shell

    plans = materials.table("plans")
    row = shell.planned(plans, plan_id)
    from stages.core import pack as packs
    from stages.core.settings import load as load_settings
    from stages.spine import prompted

    material = materials.read(names=(row["route"], "train", "validation", "rejected", "surplus"))
    settings = load_settings()
    pack = packs.load(settings.pack)
    make = prompted.prompter(pack, settings, plans.filter(route="text").to_dicts())
    named = rows.namer(material.metrics.get("models", {}), seeing(settings))
    return shell.plan(row, material, make, named, lambda t: prompted.template_text(pack, t))


def seeing(settings: Settings) -> bool:
    """Whether a model sees the pictures of the route vision."""
    return settings.generate.vision.engine != "describe" and bool(settings.models.viewer)


def page(material: Material, limit: int | None = None) -> tuple[str, int]:
    """The page's HTML, and the rows of its longest table. limit: of each at most, where not the
    usual.
    """
    from stages.core import pack as packs
    from stages.core.settings import load as load_settings
    from stages.reporting import contents
    from stages.reporting import page as pages
    from stages.spine import misses, prompted

    settings = load_settings()
    pack = packs.load(settings.pack)
    plans = material.tables.get("plans")
    texts = plans.filter(route="text").to_dicts() if plans is not None else []
    prompt = prompted.prompter(pack, settings, texts)
    named = rows.namer(material.metrics.get("models", {}), seeing(settings))
    tables = contents.tables(material, prompt, named, misses.why, limit)
    values = contents.values(material, tables) | {
        "lead": f"{pack.description or pack.name}: {len(pack.catalogue.names)} functions, "
        f"seed {settings.seed}."
    }
    text = pages.render(f"{pack.name}: what was made", values, tables)
    return text, max((len(table["rows"]) for table in tables.values()), default=0)


def main(argv: Sequence[str] | None = None) -> None:
    options = arguments(argv)
    choices = (options.samples, options.rejects, options.plan)
    if options.errors or any(option is not None for option in choices):
        print_table(options)
        return
    material = materials.read()
    text, limit = page(material)
    while len(text.encode()) > MOST_BYTES and limit > 1:
        limit //= 2  # not of the new page: its strata may be more rows than that
        text, _ = page(material, limit)
    with files.replacing(OUT) as temporary:
        temporary.write_text(text, "utf-8")
    print(f"{OUT}: {len(text.encode()) / 1e6:.1f} MB, opens in a browser")
    if material.missing:
        print(f"not made yet: {', '.join(material.missing)}")


if __name__ == "__main__":
    run(main)
