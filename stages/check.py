"""Stage `check`: look at parameters, pack and prompts for the whole pipeline before any of it runs.

Command: python -m stages.check [--examples N]
Reads:   params.yaml; PACK; prompts/, filled once with sample values; the names of models and what
         is in their folders
Writes:  data/checked/: a digest of each part of the pack, on which the other stages depend

All problems at once, each with its file, its line and what to do; exit code 1 if there is one. No
model is started, nothing is asked for over the network: it takes a few seconds. Of a pack with a
catalogue (spine/check.py) the SQL is run, the longest prompts are counted with the student's
tokenizer, and the golden rows are judged as what is generated will be; of the other form not.

In dvc.yaml all others come after it. DVC deletes a stage's outputs before the stage runs, and stops
at the first that fails: so what is found here costs no output of an earlier run, also not with
`dvc repro STAGE` or `dvc exp run -S`. A stage runs again where the part of the pack that it reads
has changed, not because this one ran. DVC runs it when a file or parameter that it reads has
changed; what DVC does not see (a key in the environment, a model's folder) `make repro` looks at
each time. Each stage checks all parameters again, and what it reads of the pack, before anything
else.

It cannot know what only the data tell: rows that break a contract, a cell without material, an SQL
file that fails, a server that does not answer. For these the stages stop with one message.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from stages.core import domain, files, golden, prompts, settings, yaml
from stages.core import pack as packs
from stages.core.command import InputError, run
from stages.core.domain import Domain
from stages.core.settings import Settings
from stages.formats import chat
from stages.spine import check as of_pack

T = TypeVar("T")
OUT = Path("data/checked")
# What other stages read of a pack: each has one file in OUT with a digest of these, and so depends
# on them alone, whichever of them a pack has.
PARTS = {
    "catalogue": ("domain.yaml", "catalogue.json"),
    "words": ("domain.yaml", "catalogue.json", "pack.yaml", "vocabularies"),
    "graph": ("domain.yaml", "graph"),
    "assets": ("domain.yaml", "assets"),
    "golden": ("golden.jsonl",),
    # Nothing: for what must come after this stage and reads nothing of the pack.
    "parameters": (),
}
SOURCES = {"graph": ("concepts", "relations"), "assets": ("",)}
# Most bytes of an SQL file.
MOST_SQL = 2**20
# What a machine with a GPU has, of NVIDIA, AMD, and inside Windows.
GPU = ("/dev/nvidiactl", "/dev/kfd", "/dev/dxg")


class Findings:
    """Problems, and what was looked at."""

    def __init__(self) -> None:
        self.problems: list[str] = []
        self.seen: list[str] = []
        self.notes: list[str] = []
        self.warnings: list[str] = []
        self.examples: list[str] = []

    def of(self, look: Callable[..., T], *args: Any) -> T | None:
        """What `look` gives; None if it raises, whose message becomes a problem."""
        try:
            return look(*args)
        except (InputError, OSError) as error:
            self.problems.append(str(error))
            return None


def check_schemas(known: Domain, where: Path) -> None:
    """InputError for a function whose parameters are not JSON Schema."""
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import SchemaError

    for function in known.functions:
        try:
            Draft202012Validator.check_schema(function.parameters)
        except (SchemaError, RecursionError) as error:
            told = error.message if isinstance(error, SchemaError) else "it is nested too deeply"
            path = ".".join(map(str, error.absolute_path)) if isinstance(error, SchemaError) else ""
            raise InputError(
                f"{where}: functions.{function.name}.parameters{'.' if path else ''}{path} is not "
                f"JSON Schema: {told:.200}"
            ) from None


def check_templates(known: Domain, chosen: Settings | None) -> str:
    """What was filled; InputError if a prompt fails or a route with a weight has no template."""
    templates = prompts.load(known)
    if chosen is not None:
        served = [t for t in templates if t.header.serves(chosen.route.recipe) and t.header.weight]
        routes = {t.header.route for t in served}
        weights = chosen.route.weights.model_dump()
        if not any(weights[route] for route in routes):
            raise InputError(
                f"route.weights: recipe {chosen.route.recipe} has templates for "
                f"{sorted(routes) or 'no route'} only: give one of these a weight"
            )
    return f"{len(templates)} templates"


def check_system(known: Domain) -> None:
    """InputError if the student's system prompt cannot be made."""
    try:
        chat.system_prompt(known.tools)
    except Exception as error:  # whatever a template's code may raise
        raise InputError(
            f"{chat.SYSTEM}:{prompts.line_of(error)}: {prompts.failure(error)}"
        ) from None


def check_seeing(known: Domain) -> None:
    """InputError if the prompt for a model that sees pictures cannot be filled."""
    path = prompts.PROMPTS / "vision" / "seeing.jinja"
    header = prompts.Header(
        route="vision", functions=[f.name for f in known.functions], words=(1, 10), weight=1,
        content_types=list(known.content_types), locales=known.locales[:1], sources=["asset"],
        requires=["image_path"],
    )  # fmt: skip
    text = yaml.text_of(path, prompts.MOST_BYTES)
    template = prompts.Template("vision/seeing", header, text)
    words = prompts.lexicon() | {"sentences": ["2"]}
    if wrong := prompts.problems(template, known, words):
        raise InputError("\n".join(f"{path}:{line}: {problem}" for line, problem in wrong))


def check_population(known: Domain, chosen: Settings) -> str:
    """What the population was read from; InputError if the target is out of reach."""
    from stages.planning import observed, targets

    block, path = chosen.population, Path(chosen.pack) / chosen.population.source
    targets.check_bands(block.bands, known)
    if path.suffix in (".yaml", ".yml"):
        target = targets.from_statistics(settings.read_yaml(path), known, path)
        targets.record(target, block.bands, known, path)
    elif next(observed.rows(path), None) is None:
        raise InputError(f"{path} holds no row")
    return path.name


def check_sources(pack: Path, kind: str) -> None:
    """InputError if a kind of source has no SQL file, or one that is empty."""
    for start in SOURCES[kind]:
        found = sorted((pack / kind).glob(f"{start}*.sql"))
        if not found:
            raise InputError(f"{pack / kind} holds no {start}*.sql: write one per source")
        for sql in found:
            lines = yaml.text_of(sql, MOST_SQL).splitlines()
            if not any(line.strip() and not line.strip().startswith("--") for line in lines):
                raise InputError(f"{sql} is empty: write one SELECT")


def check_golden(pack: Path, known: Domain) -> str:
    """How many golden queries there are; InputError if the file is not one of them."""
    return f"{golden.read(pack / 'golden.jsonl', known).height} golden queries"


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
    described = files.read_json(config) if config.is_file() else {}
    if not isinstance(described, dict):
        raise InputError(f"{config} must hold an object, found {type(described).__name__}")
    most = described.get("max_position_embeddings")
    if isinstance(most, int) and role in ("writer", "student") and most < room:
        raise InputError(
            f"engine.max_model_len is {room}, but models.{role} takes {most} tokens ({config}): "
            "lower it"
        )


def check_writer(chosen: Settings) -> None:
    """InputError if who is to answer the prompts cannot be asked."""
    block, weights = chosen.generate, chosen.route.weights
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


def check_scorer(chosen: Settings) -> None:
    """InputError if who is to answer the golden queries cannot be asked."""
    block = chosen.evaluate
    variable = block.server.key_variable
    if block.engine == "server" and variable and not os.environ.get(variable, "").strip():
        raise InputError(
            f"evaluate.server.key_variable names {variable}, which is empty in this environment: "
            "put the server's key there"
        )
    if block.engine == "ray" and importlib.util.find_spec("ray") is None:
        raise InputError("evaluate.engine is ray, but the package ray is not installed")


def check_viewer(chosen: Settings) -> None:
    """InputError if pictures are to be seen, and there is no model that sees."""
    vision, server = chosen.generate.vision, chosen.generate.server
    if not chosen.route.weights.vision or vision.engine == "describe" or chosen.models.viewer:
        return
    if vision.engine != "server" or not server.model:
        raise InputError(
            f"generate.vision.engine is {vision.engine}, but models.viewer is empty: name a "
            "model that sees pictures, or set generate.vision.engine to describe"
        )


def check_pictures(chosen: Settings) -> None:
    """InputError if the vision route is on and it is certain that no asset has a picture."""
    texts = [sql.read_text("utf-8", "replace") for sql in Path(chosen.pack).glob("assets/*.sql")]
    uses = chosen.route.weights.vision and chosen.route.recipe in ("router", "router_heuristic")
    if uses and not chosen.ingest_assets.max_pictures and not any(map(gives_pictures, texts)):
        raise InputError(
            "ingest_assets.max_pictures is 0, no SQL file of the pack's assets gives an image_path "
            "and route.weights.vision is not 0: draw some, name files, or set that weight to 0"
        )


def gives_pictures(sql: str) -> bool:
    """Whether an assets SQL file may name pictures: its image_path is something else than NULL."""
    words = " ".join(sql.lower().split())
    if "image_path" not in words:
        return "*" in words
    empty = ("cast(null as varchar) as image_path", "null::varchar as image_path",
             "null as image_path")  # fmt: skip
    return not any(text in words for text in empty)


def check_training(chosen: Settings) -> None:
    """InputError for what training lacks on this machine."""
    tune = chosen.finetune
    if tune.attention == "flex" and not any(Path(device).exists() for device in GPU):
        raise InputError(
            "finetune.attention flex trains on a GPU only, and there is none: set sdpa"
        )
    if tune.accelerate:
        settings.read_yaml(tune.accelerate)


def check_lengths(known: Domain, chosen: Settings) -> None:
    """InputError if the system prompt leaves no room, by the student's tokenizer where it is."""
    path = Path("models/base/student/tokenizer.json")
    if not path.is_file():
        return
    from tokenizers import Tokenizer

    tokens = len(Tokenizer.from_file(str(path)).encode(chat.system_prompt(known.tools)).ids)
    for name, room in (("finetune.max_length", chosen.finetune.max_length),
                       ("engine.max_model_len", chosen.engine.max_model_len
                        - chosen.evaluate.max_tokens)):  # fmt: skip
        if tokens >= room:
            raise InputError(
                f"the system prompt has {tokens} tokens, of which {name} leaves room for {room}: "
                "raise it, or describe the functions in fewer words"
            )


def digest(pack: Path, names: Sequence[str]) -> str:
    """A digest of these files of a pack, and of all in these folders; of those that are there."""
    found = hashlib.sha256()
    for name in names:
        top = pack / name
        for path in [top] if top.is_file() else sorted(p for p in top.rglob("*") if p.is_file()):
            if "__pycache__" in path.parts:
                continue
            with path.open("rb") as stream:
                content = hashlib.file_digest(stream, "sha256").hexdigest()
            found.update(f"{path.relative_to(pack).as_posix()} {content}\n".encode())
    return found.hexdigest()


def write_parts(pack: Path, source: str) -> None:
    """Write what the other stages depend on; a file that would hold the same stays as it is."""
    parts = PARTS | {"population": (*PARTS["catalogue"], "pack.yaml", "population.yaml", source)}
    if OUT.is_file():  # of an earlier version
        OUT.unlink()
    OUT.mkdir(parents=True, exist_ok=True)
    for name, names in parts.items():
        with files.replacing(OUT / name) as temporary:
            temporary.write_text(f"{digest(pack, names)}\n", "utf-8")


def look(examples: int = 0) -> Findings:
    """Everything that can be looked at; examples: as of `main`."""
    found = Findings()
    chosen = found.of(settings.load)
    if chosen is None:
        return found
    pack = Path(chosen.pack)
    for role, name in chosen.models.model_dump().items():
        if name:
            found.of(check_model, role, name, chosen.engine.max_model_len)
    found.of(check_writer, chosen)
    found.of(check_scorer, chosen)
    found.of(check_viewer, chosen)
    found.of(check_training, chosen)
    if packs.is_pack(pack):
        of = of_pack.look(chosen, not found.problems, examples)
        found.problems += of.problems
        found.warnings, found.notes, found.seen = of.warnings, of.notes, of.seen
        found.examples = of.examples
        return found
    known = found.of(domain.load, pack)
    for kind in SOURCES:
        found.of(check_sources, pack, kind)
    found.of(check_pictures, chosen)
    found.of(settings.check_decoding, chosen)
    if known is None:
        return found
    found.of(check_schemas, known, pack / "domain.yaml")
    told = [
        found.of(check_templates, known, chosen),
        found.of(check_population, known, chosen),
        found.of(check_golden, pack, known),
    ]
    found.seen = [str(one) for one in told if one is not None]
    found.of(check_system, known)
    found.of(check_seeing, known)
    if not found.problems:
        found.of(check_lengths, known, chosen)
    return found


def arguments() -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(
        "python -m stages.check", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument(
        "--examples", type=int, default=0, choices=range(0, 21), metavar="N",
        help="print N queries of each function, of a pack with a catalogue (0 to 20)",
    )  # fmt: skip
    return parser.parse_args()


def main(examples: int = 0) -> None:
    """examples: queries of each function that are printed, of a pack with a catalogue."""
    found = look(examples)
    if found.problems:
        raise InputError(
            f"{len(found.problems)} problem(s), nothing was run:\n" + "\n".join(found.problems)
        )
    chosen = settings.load()
    write_parts(Path(chosen.pack), chosen.population.source)
    for example in found.examples:
        print(example)
    for note in found.notes:
        print(f"note: {note}")
    for warning in found.warnings:
        print(f"warning: {warning}")
    print(f"check: all well (parameters, pack, models, {', '.join(found.seen)})")


if __name__ == "__main__":
    run(lambda: main(arguments().examples))
