"""Write the figures of a pack's run as flat numbers, which Git keeps and README quotes.

Command: python -m stages.figures REV FILE [--held-out]
Reads:   of the revision, an experiment or `workspace`: metrics/evaluate.json, finetune.json and,
         where it is there, benchmark.json; the seconds of the last training from data/.work/timings
Writes:  FILE, such as metrics/packs/creative.json

Not a stage of the pipeline.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from stages.core import files
from stages.core.command import InputError, run
from stages.core.scores import ENDS, with_interval

WORKSPACE = "workspace"
# Figures of the stage `route` of packs with worlds.
TRACED = ("requests", "targets_reached", "replay_equal", "edges_covered")
# Scores that have a name of their own where the golden set asks for what is held out.
HELD_OUT = ("exact_call", "state", "single_step_exact")


def read(rev: str, name: str, is_needed: bool = True) -> dict[str, Any]:
    """A metrics file of a revision. Raises InputError where it has none; {} if it is not needed."""
    path = f"metrics/{name}.json"
    if rev == WORKSPACE:
        if not is_needed and not Path(path).is_file():
            return {}
        value = files.read_json(path)
    else:
        from dvc.api import DVCFileSystem
        from dvc.scm import RevError

        try:
            fs: Any = DVCFileSystem(rev=rev)
            if not is_needed and not fs.isfile(path):
                return {}
            with fs.open(path, "rb") as stream:
                value = json.loads(stream.read())
        except RevError as error:
            raise InputError(f"{rev}: {error}; `dvc exp list` names the experiments") from None
        except (FileNotFoundError, ValueError) as error:
            raise InputError(f"{rev} has no readable {path}: {error!s:.200}") from None
    if not isinstance(value, dict):
        raise InputError(f"{rev}: {path} must hold an object")
    return value


def figures(
    evaluated: dict[str, Any],
    tuned: dict[str, Any],
    seconds: float | None,
    benchmark: dict[str, Any] | None = None,
) -> dict[str, float | int]:
    """The flat figures: the tuned model's scores with their 95% intervals, those of constrained
    decoding as `constrained_*`, the base model's as `base_*`, the shortlist's recall, the scores on
    BFCL as `bfcl_*` and `bfcl_base_*`, rows, the validation loss (nats a token) and the seconds of
    training. Raises InputError without scores of a tuned model.
    """
    values: dict[str, float | int] = {"golden": evaluated.get("golden", 0)}
    models = (("tuned", ""), ("tuned_constrained", "constrained_"), ("base", "base_"))
    for model, prefix in models:
        values |= scores(evaluated.get(model, {}), prefix, ENDS if model != "base" else ("",))
    if "function_accuracy" not in values:
        raise InputError(
            "metrics/evaluate.json has no function_accuracy of a tuned model: run `dvc repro`"
        )
    if (recall := evaluated.get("shortlist_recall")) is not None:
        values["shortlist_recall"] = round(recall, 4)
    scored = benchmark or {}
    values |= scores(scored.get("tuned", {}), "bfcl_", ENDS)
    values |= scores(scored.get("base", {}), "bfcl_base_", ("",))
    values["rows"] = tuned.get("rows", 0)
    if (loss := tuned.get("validation_loss")) is not None:
        values["validation_loss"] = loss
    if seconds is not None:
        values["training_seconds"] = round(seconds)
    return values


def scores(block: dict[str, Any], prefix: str, ends: tuple[str, ...]) -> dict[str, float]:
    """The scores with an interval of a model's block, under their names with `prefix`."""
    return {
        f"{prefix}{score}{end}": round(block[f"{score}{end}"], 4)
        for score in with_interval(block)
        for end in ends
    }


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m stages.figures",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("rev", help=f"an experiment, a commit, or {WORKSPACE}")
    parser.add_argument("file", type=Path)
    parser.add_argument(
        "--held-out", action="store_true",
        help=f"the golden set asks for what is held out: {', '.join(HELD_OUT)} are held_out_* too",
    )  # fmt: skip
    options = parser.parse_args(argv)
    timings = files.work_dir() / "timings" / "finetune.json"
    seconds = files.read_json(timings).get("seconds") if timings.is_file() else None
    value = figures(
        read(options.rev, "evaluate"),
        read(options.rev, "finetune"),
        seconds,
        read(options.rev, "benchmark", is_needed=False),
    )
    worlds = read(options.rev, "route", is_needed=False).get("worlds", {})
    value |= {name: worlds[name] for name in TRACED if name in worlds}
    route = files.work_dir() / "timings" / "route.json"
    if worlds and route.is_file():
        value["traces_per_second"] = files.read_json(route)["requests_per_second"]
    if options.held_out:
        value |= {
            f"held_out_{score}{end}": value[f"{score}{end}"]
            for score in HELD_OUT
            for end in ENDS
            if score in value
        }
    files.write_json(options.file, value)
    for name in with_interval(value):
        print(f"{name}: {value[name]} [{value[f'{name}_low']}, {value[f'{name}_high']}]")


if __name__ == "__main__":
    run(main)
