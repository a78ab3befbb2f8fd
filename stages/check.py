"""Stage `check`: look at parameters, pack and prompts for the whole pipeline before any of it runs.

Command: python -m stages.check [--examples N]
Reads:   params.yaml; PACK; prompts/, filled once with sample values; the names of models and what
         is in their folders
Writes:  data/checked/: a digest of each part of the pack, on which the other stages depend

All problems at once, each with its file, its line and what to do; exit code 1 if there is one. No
model is started, nothing is asked for over the network: it takes a few seconds. The pack's
SQL is run, so that a wrong column or relation is found, the longest prompts are counted with the
student's tokenizer, and the golden rows are judged as what is generated will be (spine/check.py).

In dvc.yaml all others come after it. DVC deletes a stage's outputs before the stage runs, and stops
at the first that fails: so what is found here costs no output of an earlier run, also not with
`dvc repro STAGE` or `dvc exp run -S`. A stage runs again where the part of the pack that it reads
has changed, not because this one ran. DVC runs it when a file or parameter that it reads has
changed; what DVC does not see (a key in the environment, a model's folder) `make repro` looks at
each time. Each stage checks all parameters again, and what it reads of the pack, before anything
else.

It cannot know what only the data tell: a stratum without material, a picture that is broken, a
server that does not answer. For these the stages stop with one message.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import os
from collections.abc import Sequence
from pathlib import Path

from stages.core import files, trackers, verdicts
from stages.core import pack as packs
from stages.core.command import InputError, run
from stages.core.pack_files import VERDICTS
from stages.core.settings import Evaluate, Judge, Settings, read_yaml
from stages.core.settings import load as load_settings
from stages.core.tables import ROUTES
from stages.core.templates import LEXICON
from stages.evaluation import bfcl
from stages.spine import check as pack_check
from stages.spine.check import Findings

OUT = Path("data/checked")
# What other stages read of a pack: each has one file in OUT with a digest of these, and so depends
# on them alone, whichever of them a pack has.
PARTS = {
    "catalogue": ("catalogue.json", "pack.yaml"),
    "words": ("catalogue.json", "pack.yaml", "vocabularies", "world"),
    "graph": ("pack.yaml", "graph", "world"),
    "assets": ("assets",),
    "golden": ("golden.jsonl", "journeys.jsonl"),
    "verdicts": ("verdicts.jsonl",),
    # Nothing: for what must come after this stage and reads nothing of the pack.
    "parameters": (),
}
# Device files of a GPU: of NVIDIA, of AMD, and in WSL.
GPU = ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg")


def check_model(role: str, name: str, room: int) -> None:
    """InputError if a model's package or folder is not there, or takes fewer than `room` tokens."""
    kind, _, rest = name.partition(":")
    if kind == "package" and importlib.util.find_spec(rest) is None:
        raise InputError(f"models.{role}: {name}: no such Python package; install it")
    if kind != "path":
        return
    folder = Path(rest)
    config = folder / "config.json"
    if not folder.is_dir():
        raise InputError(f"models.{role}: {name}: {folder} is no folder")
    if not config.is_file() and not (folder / "modules.json").is_file():
        raise InputError(f"models.{role}: {folder} has no config.json")
    values = files.read_json(config) if config.is_file() else {}
    if not isinstance(values, dict):
        raise InputError(f"{config} must hold an object, found {type(values).__name__}")
    limit = values.get("max_position_embeddings")
    if isinstance(limit, int) and role in ("writer", "student") and limit < room:
        raise InputError(
            f"engine.max_model_len is {room}, but models.{role} takes {limit} tokens ({config}): "
            "lower it"
        )


def check_writer(settings: Settings) -> None:
    """InputError if who is to answer the prompts cannot be asked."""
    block, weights = settings.generate, settings.route.weights
    sees = weights.vision and block.vision.engine != "describe"
    engines: set[str] = {block.engine} if weights.text or (weights.vision and not sees) else set()
    engines |= {block.vision.engine} if sees else set()
    variable = block.server.key_variable
    if "server" in engines and variable and not os.environ.get(variable, "").strip():
        raise InputError(
            f"generate.server.key_variable names {variable}, which is empty in this environment: "
            "put the server's key there"
        )
    if "ray" in engines and importlib.util.find_spec("ray") is None:
        raise InputError("generate.engine is ray, but the package ray is not installed")


def check_judge(settings: Settings) -> None:
    """InputError if who is to judge cannot be asked."""
    check_engine("judge", settings.judge)


def check_scorer(settings: Settings) -> None:
    """InputError if who is to answer the golden queries cannot be asked."""
    check_engine("evaluate", settings.evaluate)


def check_engine(name: str, block: Judge | Evaluate) -> None:
    """InputError if the engine of a block, `name` in params.yaml, lacks its key or its package."""
    variable = block.server.key_variable
    if block.engine == "server" and variable and not os.environ.get(variable, "").strip():
        raise InputError(
            f"{name}.server.key_variable names {variable}, which is empty in this environment: "
            "put the server's key there"
        )
    if block.engine == "ray" and importlib.util.find_spec("ray") is None:
        raise InputError(f"{name}.engine is ray, but the package ray is not installed")


def check_benchmark(settings: Settings) -> None:
    """InputError if the Berkeley benchmark has no such categories, or is not installed."""
    if bfcl.select(settings.benchmark.categories, bfcl.SETTING):
        bfcl.data()


def check_viewer(settings: Settings) -> None:
    """InputError if pictures are to be described by a model, and none is named."""
    vision, server = settings.generate.vision, settings.generate.server
    if not settings.route.weights.vision or vision.engine == "describe" or settings.models.viewer:
        return
    if vision.engine != "server" or not server.model:
        raise InputError(
            f"generate.vision.engine is {vision.engine}, but models.viewer is empty: name a "
            "model that sees pictures, or set generate.vision.engine to describe"
        )


def check_training(settings: Settings) -> None:
    """InputError for what training lacks on this machine."""
    tune = settings.finetune
    if tune.attention == "flex" and not any(Path(device).exists() for device in GPU):
        raise InputError(
            "finetune.attention flex trains on a GPU only, and there is none: set sdpa"
        )
    trackers.check(tune.report_to)
    if tune.accelerate:
        read_yaml(tune.accelerate)


def digest(pack: Path, names: Sequence[str]) -> str:
    """A digest of these files and folders of a pack, of those that exist."""
    hasher = hashlib.sha256()
    for name in names:
        top = pack / name
        for path in [top] if top.is_file() else sorted(p for p in top.rglob("*") if p.is_file()):
            if "__pycache__" in path.parts:
                continue
            with path.open("rb") as stream:
                content = hashlib.file_digest(stream, "sha256").hexdigest()
            hasher.update(f"{path.relative_to(pack).as_posix()} {content}\n".encode())
    return hasher.hexdigest()


def write_parts(pack: Path, source: str) -> None:
    """Write what the other stages depend on; a file that would hold the same stays as it is."""
    parts = PARTS | {"population": (*PARTS["words"], "population.yaml", source)}
    if OUT.is_file():  # of an earlier version
        OUT.unlink()
    OUT.mkdir(parents=True, exist_ok=True)
    digests = {name: digest(pack, names) for name, names in parts.items()}
    templates = packs.load(pack).templates
    for route in ROUTES:
        value = digest(templates, (LEXICON, route)) if templates is not None else ""
        digests[f"templates_{route}"] = value
    for name, text in digests.items():
        with files.replacing(OUT / name) as temporary:
            temporary.write_text(f"{text}\n", "utf-8")


def look(examples: int = 0) -> Findings:
    """Check everything that needs no data; examples: as in `main`."""
    findings = Findings()
    settings = findings.run(load_settings)
    if settings is None:
        return findings
    for role, name in settings.models.model_dump().items():
        if name:
            findings.run(check_model, role, name, settings.engine.max_model_len)
    findings.run(check_writer, settings)
    findings.run(check_judge, settings)
    findings.run(check_scorer, settings)
    findings.run(check_benchmark, settings)
    findings.run(check_viewer, settings)
    findings.run(check_training, settings)
    findings.run(verdicts.read, Path(settings.pack) / VERDICTS)
    pack_check.look(settings, findings, examples)
    return findings


def arguments() -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(
        "python -m stages.check", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument(
        "--examples", type=int, default=0, choices=range(0, 21), metavar="N",
        help="print N queries of each function (0 to 20)",
    )  # fmt: skip
    return parser.parse_args()


def main(examples: int = 0) -> None:
    """Run the checks. examples: queries of each function that are printed."""
    findings = look(examples)
    if findings.problems:
        raise InputError(
            f"{len(findings.problems)} problem(s), nothing was run:\n"
            + "\n".join(findings.problems)
        )
    settings = load_settings()
    write_parts(Path(settings.pack), settings.population.source)
    for example in findings.examples:
        print(example)
    for note in findings.notes:
        print(f"note: {note}")
    for warning in findings.warnings:
        print(f"warning: {warning}")
    print(f"check: all well (parameters, pack, models, {', '.join(findings.checked)})")


if __name__ == "__main__":
    run(lambda: main(arguments().examples))
