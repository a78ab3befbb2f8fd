"""Write the figures of a pack's run as flat numbers, which Git keeps and README quotes.

Command: python -m stages.figures REV FILE
Reads:   of the revision, an experiment or `workspace`: metrics/evaluate.json, finetune.json; the
         seconds of the last training from data/.work/timings
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


def read(rev: str, name: str) -> dict[str, Any]:
    """A metrics file of a revision. Raises InputError where it has none."""
    path = f"metrics/{name}.json"
    if rev == WORKSPACE:
        value = files.read_json(path)
    else:
        from dvc.api import DVCFileSystem
        from dvc.scm import RevError

        try:
            fs: Any = DVCFileSystem(rev=rev)
            with fs.open(path, "rb") as stream:
                value = json.loads(stream.read())
        except RevError as error:
            raise InputError(f"{rev}: {error}; `dvc exp list` names the experiments") from None
        except (FileNotFoundError, ValueError) as error:
            raise InputError(f"{rev} has no readable {path}: {error!s:.200}") from None
    if not isinstance(value, dict):
        raise InputError(f"{rev}: {path} must hold an object")
    return value


def figures(evaluated: dict[str, Any], tuned: dict[str, Any], seconds: float | None) -> dict:
    """The flat figures: the tuned model's scores with their 95% intervals, those of constrained
    decoding as `constrained_*`, the base model's as `base_*`, the shortlist's recall, rows, the
    validation loss (nats a token) and the seconds of training. Raises InputError without scores of
    a tuned model.
    """
    values: dict[str, float | int] = {"golden": evaluated.get("golden", 0)}
    models = (("tuned", ""), ("tuned_constrained", "constrained_"), ("base", "base_"))
    for model, prefix in models:
        block = evaluated.get(model, {})
        for score in with_interval(block):
            for end in ENDS if model != "base" else ("",):
                values[f"{prefix}{score}{end}"] = round(block[f"{score}{end}"], 4)
    if "function_accuracy" not in values:
        raise InputError(
            "metrics/evaluate.json has no function_accuracy of a tuned model: run `dvc repro`"
        )
    if (recall := evaluated.get("shortlist_recall")) is not None:
        values["shortlist_recall"] = round(recall, 4)
    values["rows"] = tuned.get("rows", 0)
    if (loss := tuned.get("validation_loss")) is not None:
        values["validation_loss"] = loss
    if seconds is not None:
        values["training_seconds"] = round(seconds)
    return values


def main(argv: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        prog="python -m stages.figures",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("rev", help=f"an experiment, a commit, or {WORKSPACE}")
    parser.add_argument("file", type=Path)
    options = parser.parse_args(argv)
    timings = files.work_dir() / "timings" / "finetune.json"
    seconds = files.read_json(timings).get("seconds") if timings.is_file() else None
    value = figures(read(options.rev, "evaluate"), read(options.rev, "finetune"), seconds)
    files.write_json(options.file, value)
    for name in with_interval(value):
        print(f"{name}: {value[name]} [{value[f'{name}_low']}, {value[f'{name}_high']}]")


if __name__ == "__main__":
    run(main)
