"""Compare experiments: all of them on a screen, or some on their golden queries, with tests.

Command: python -m stages.compare [REV ...] [--reference NAME] [--markdown FILE] [--csv FILE]
                                  [--repo PATH_OR_URL] [--remote NAME]
Reads:   through DVC, of every revision: metrics/evaluate/answers.parquet and, where there,
         metrics/validate.json, metrics/finetune.json; without any: metrics and settings of the
         workspace, the commit and its experiments
Writes:  what --markdown and --csv name

Not a stage of the pipeline. REV is a branch, tag, commit, experiment or `workspace`. Data that the
cache lacks comes from the remote.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from rich.console import Console

from stages.core import files, tables
from stages.core.command import InputError, run
from stages.evaluation import comparison, report

REFERENCE = "single_prompt"
WORKSPACE = "workspace"
FOLDER = "metrics/evaluate"
ANSWERS = f"{FOLDER}/answers.parquet"
# Experiments that have no figures, as DVC says.
UNFINISHED = ("queued", "running", "failed")
# Of the tables where there is no terminal: of experiments, and of tests.
SCREEN, WIDTH = 120, 180


@dataclass(frozen=True)
class Revision:
    """What one revision holds: answers by model, rows trained on, metrics/validate.json."""

    name: str
    answers: dict[str, pl.DataFrame]
    rows: int | None
    validate: dict[str, Any]


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    """The command line. Raises InputError for names that cannot be compared."""
    parser = argparse.ArgumentParser(
        prog="python -m stages.compare", description=(__doc__ or "").split("\n\n")[0]
    )
    parser.add_argument("rev", nargs="*", help="at least two; without any: all experiments")
    parser.add_argument("--reference", help=f"test against it (default: {REFERENCE}, or the first)")
    parser.add_argument("--markdown", type=Path, help="write the tables to this file")
    parser.add_argument("--csv", type=Path, help="write a line for each model to this file")
    parser.add_argument("--repo", help="folder or URL of the repository (default: this one)")
    parser.add_argument("--remote", help="DVC remote to read from (default: the default remote)")
    options = parser.parse_args(argv)
    names = options.rev
    if not names:
        if options.reference or options.csv or options.remote:
            raise InputError("--reference, --csv and --remote want names: name two revisions")
        return options
    if len(set(names)) < 2:
        raise InputError(f"one revision ({names[0]}): name at least two different ones")
    if len(set(names)) < len(names):
        raise InputError(f"a revision is named twice in {' '.join(names)}: name each once")
    if options.reference is None:
        options.reference = REFERENCE if REFERENCE in names else names[0]
    if options.reference not in names:
        raise InputError(f"--reference {options.reference}: must be one of {', '.join(names)}")
    if WORKSPACE in names and options.repo and not Path(options.repo).is_dir():
        raise InputError(f"{WORKSPACE}: {options.repo} is no folder here; name a branch or commit")
    return options


def missing(fs: Any, rev: str) -> InputError:
    """Why a revision's answers cannot be read: never made, or made and not to be had here."""
    try:
        made = fs.info(FOLDER).get("md5")
    except FileNotFoundError:
        made = None
    if made:
        return InputError(
            f"{rev!r}: {ANSWERS} is in neither the cache nor the remote; run `dvc push` (an "
            "experiment: `dvc exp push GIT_REMOTE NAME`) where it was made, name the remote with "
            "--remote, or make it again with `dvc repro`"
        )
    return InputError(
        f"{rev!r} has no {ANSWERS}: run `dvc repro` there and commit dvc.lock, or "
        "`dvc exp run --name NAME`"
    )


def read(rev: str, repo: str | None, remote: str | None) -> Revision:
    """Read one revision from the workspace, the cache or the remote.

    Raises InputError for an unknown revision or repository and for answers that are missing.
    """
    from dvc.api import DVCFileSystem
    from dvc.exceptions import DvcException
    from dvc.scm import RevError
    from dvc_data.index import DataIndexDirError
    from scmrepo.exceptions import SCMError

    where = f"repository {repo or Path.cwd()}"
    fs: Any = DVCFileSystem(repo, rev=None if rev == WORKSPACE else rev, remote=remote)
    try:
        with fs.open(ANSWERS, "rb") as stream:
            frame = pl.read_parquet(stream.read())
    except RevError as error:
        raise InputError(
            f"{where}: {error}; name a branch, tag, commit or experiment (`dvc exp list -A` lists "
            "them, `dvc exp pull GIT_REMOTE NAME` fetches one, `make ablation` runs the recipes)"
        ) from None
    except (FileNotFoundError, DataIndexDirError):
        raise missing(fs, rev) from None
    except pl.exceptions.PolarsError as error:
        raise InputError(f"{rev!r}: {ANSWERS} is not readable parquet: {error}") from None
    except (DvcException, SCMError) as error:
        cause = error.__cause__ or error
        raise InputError(f"{where}: {cause}; check --repo and --remote") from None
    checked = files.check(frame, tables.Answers, f"{rev!r}: {ANSWERS}")
    models = {str(name): part for (name,), part in checked.group_by("model", maintain_order=True)}
    if "tuned" not in models:
        raise InputError(f"{rev!r}: {ANSWERS} holds no tuned model: run `dvc repro evaluate`")

    def block(name: str) -> dict[str, Any]:
        try:
            with fs.open(f"metrics/{name}.json", "rb") as stream:
                value = json.loads(stream.read())
        except (FileNotFoundError, DataIndexDirError):
            return {}
        except ValueError as error:
            raise InputError(f"{rev!r}: metrics/{name}.json is not valid JSON: {error}") from None
        return value if isinstance(value, dict) else {}

    validate = block("validate")
    return Revision(rev, models, block("finetune").get("rows", validate.get("train")), validate)


def tables_of(revisions: list[Revision], reference: str) -> tuple[list[report.Grid], pl.DataFrame]:
    """The tables to show, and the same figures as a frame with a line for each model."""
    tuned = [comparison.Model(r.name, r.answers["tuned"], r.rows) for r in revisions]
    base = [(r.name, r.answers["base"]) for r in revisions if "base" in r.answers]
    comparisons = comparison.compare([*comparison.bases(base), *tuned], reference)
    figures = {r.name: comparison.diversity(r.validate) for r in revisions}
    lines = [{**report.flat(row), **figures.get(row.name, {})} for row in comparisons.rows]
    frame = pl.DataFrame(lines, infer_schema_length=None)
    return [report.ablation(comparisons), report.diversity(figures)], frame


def experiments(repo: str | None) -> list[report.Grid]:
    """The workspace, the commit and its experiments, as `dvc exp show` has them: the figures, with
    the scores, which are in capitals, first; then the settings that are not the commit's.

    Raises InputError where DVC cannot tell.
    """
    from dvc.exceptions import DvcException
    from dvc.repo import Repo
    from dvc.repo.experiments.show import tabulate
    from scmrepo.exceptions import SCMError

    where = f"repository {repo or Path.cwd()}"
    try:
        with Repo.open(repo) as opened:
            table, headers = tabulate(opened.experiments.show())
    except (DvcException, SCMError) as error:
        raise InputError(f"{where}: {error.__cause__ or error}; check --repo") from None
    rows = [{key: str(cell) for key, cell in row.items()} for row in table.as_dict()]
    commit = next((row for row in rows if row["rev"] != WORKSPACE), None)
    if commit is None:
        raise InputError(f"{where} has no commit: experiments are of one")
    names = sorted(headers["metrics"], key=lambda name: not name.isupper())
    figures, settings = [], []
    for row in rows:
        name, state = row["Experiment"] or row["rev"], row["State"].lower()
        told = f"{name}\n({state})" if state in UNFINISHED else name
        figures.append([told, *(row[figure] for figure in names)])
        changed = [f"{key}={row[key]}" for key in headers["params"] if row[key] != commit[key]]
        if changed:
            settings.append([name, ", ".join(changed)])
    heads = ["", *(name.replace("_", "\n") for name in names)]
    grids = [report.Grid(f"Experiments of {commit['rev']}", heads, figures)]
    if settings:
        grids.append(report.Grid(f"Settings not as in {commit['rev']}", ["", ""], settings))
    return grids


def main(argv: list[str] | None = None) -> None:
    options = arguments(argv)
    if options.rev:
        revisions = [read(rev, options.repo, options.remote) for rev in options.rev]
        shown, frame = tables_of(revisions, options.reference)
    else:
        shown, frame = experiments(options.repo), pl.DataFrame()
    width = WIDTH if options.rev else SCREEN
    console = Console(markup=False, width=None if sys.stdout.isatty() else width)
    for grid in shown:
        console.print(grid.rich())
    if options.markdown is not None:
        with files.replacing(options.markdown) as temporary:
            temporary.write_text("\n".join(grid.markdown() for grid in shown), "utf-8")
    if options.csv is not None:
        with files.replacing(options.csv) as temporary:
            frame.write_csv(temporary)


if __name__ == "__main__":
    run(main)
