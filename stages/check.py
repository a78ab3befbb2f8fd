"""Stage `check`: look at parameters, pack and prompts for the whole pipeline before any of it runs.

Command: python -m stages.check
Reads:   params.yaml; PACK; prompts/, filled once with sample values; the names of models and what
         is in their folders
Writes:  data/checked/: a digest of each part of the pack, on which the other stages depend

All problems at once, each with its file, its line and what to do; exit code 1 if there is one. No
model is started, nothing is asked for over the network: it takes a few seconds. The pack's SQL is
run, so that a wrong column or relation is found.

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

import hashlib
import importlib.util
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from stages import formats
from stages.core import files, golden_rows, links, prompts, settings, yaml
from stages.core import pack as packs
from stages.core.command import InputError, run
from stages.core.pack import Pack
from stages.core.settings import Settings
from stages.core.tables import ROUTES
from stages.core.templates import LEXICON, Header, Template, lexicon
from stages.ingest.look import with_sources
from stages.planning import pack_checks
from stages.planning.sources import Pools

T = TypeVar("T")
OUT = Path("data/checked")
# What other stages read of a pack: each has one file in OUT with a digest of these, and so depends
# on them alone, whichever of them a pack has.
PARTS = {
    "catalogue": ("catalogue.json", "pack.yaml"),
    "words": ("catalogue.json", "pack.yaml", "vocabularies"),
    "graph": ("pack.yaml", "graph"),
    "assets": ("assets",),
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

    def of(self, look: Callable[..., T], *args: Any) -> T | None:
        """What `look` gives; None if it raises, whose message becomes a problem."""
        try:
            return look(*args)
        except (InputError, OSError) as error:
            self.problems.append(str(error))
            return None

    def tell(self, what: str | None) -> None:
        """Note what was looked at, if it was."""
        if what is not None:
            self.seen.append(what)


def check_templates(known: Pack, chosen: Settings) -> list[Template]:
    """The templates; InputError if one cannot be filled, or a route with a weight has none.

    known: with what its sources give.
    """
    templates = prompts.load(known)
    served = [t for t in templates if t.header.serves(chosen.route.recipe) and t.header.weight]
    routes = {t.header.route for t in served}
    weights = chosen.route.weights.model_dump()
    if templates and not any(weights[route] for route in routes):
        raise InputError(
            f"route.weights: recipe {chosen.route.recipe} has templates for "
            f"{sorted(routes) or 'no route'} only: give one of these a weight"
        )
    return templates


def check_system(known: Pack, form: formats.Format) -> None:
    """InputError if the student's system prompt cannot be made."""
    try:
        formats.system(form, known.catalogue.tools)
    except Exception as error:  # whatever a template's code may raise
        raise InputError(
            f"{formats.SYSTEM}:{prompts.line_of(error)}: {prompts.failure(error)}"
        ) from None


def check_seeing(known: Pack) -> None:
    """InputError if the prompt for a model that sees pictures cannot be filled."""
    assert known.templates is not None
    path = known.templates / f"{prompts.SEEING}.jinja"
    if not path.exists():
        return
    header = Header(
        route="vision", functions=list(known.catalogue.names), words=(1, 10), weight=1,
        locales=list(known.locales[:1]), sources=["asset"], requires=["image_path"],
    )  # fmt: skip
    template = Template(prompts.SEEING, header, yaml.text_of(path, prompts.MOST_BYTES))
    words = lexicon(known.templates) | {"sentences": ["2"]}
    if wrong := prompts.problems(template, known, words):
        raise InputError("\n".join(f"{path}:{line}: {problem}" for line, problem in wrong))


def check_population(known: Pack, chosen: Settings) -> str:
    """What the population is read from; InputError if it is not there or cannot be read."""
    source = chosen.population.source
    path = known.folder / source
    if source == packs.POPULATION:
        return source
    if path.suffix in (".yaml", ".yml"):
        packs.with_population(known, links.check(path, known.folder))
        return source
    from stages.planning import observed

    columns = [observed.QUERY, "function", *known.dimensions]
    if next(observed.rows(links.check(path, known.folder), columns), None) is None:
        raise InputError(f"{path} holds no row")
    return source


def check_sources(pack: Path, kind: str) -> None:
    """InputError if a kind of source that the pack has lacks an SQL file, or one is empty."""
    for start in SOURCES[kind] if (pack / kind).is_dir() else ():
        found = sorted((pack / kind).glob(f"{start}*.sql"))
        if not found:
            raise InputError(f"{pack / kind} holds no {start}*.sql: write one per source")
        for sql in found:
            lines = yaml.text_of(sql, MOST_SQL).splitlines()
            if not any(line.strip() and not line.strip().startswith("--") for line in lines):
                raise InputError(f"{sql} is empty: write one SELECT")


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


def check_pictures(known: Pack, chosen: Settings) -> None:
    """InputError if the vision route is on and it is certain that no asset has a picture."""
    if known.templates is None or not any(known.templates.glob("vision/*.j2")):
        return
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


def check_lengths(known: Pack, chosen: Settings, form: formats.Format) -> None:
    """InputError if the system prompt leaves no room, by the student's tokenizer where it is."""
    path = Path("models/base/student/tokenizer.json")
    if not path.is_file():
        return
    from tokenizers import Tokenizer

    # As many functions as a conversation shows at most; the longest are the first to be too long.
    most = max(chosen.tools.shown[1], chosen.tools.scored)
    longest = sorted(known.catalogue.tools, key=lambda tool: -len(str(tool)))[:most]
    text = formats.system(form, longest)
    tokens = len(Tokenizer.from_file(str(path)).encode(text).ids)
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
    parts = PARTS | {"population": (*PARTS["words"], "population.yaml", source)}
    if OUT.is_file():  # of an earlier version
        OUT.unlink()
    OUT.mkdir(parents=True, exist_ok=True)
    told = {name: digest(pack, names) for name, names in parts.items()}
    templates = packs.load(pack).templates
    for route in ROUTES:
        found = digest(templates, (LEXICON, route)) if templates is not None else ""
        told[f"templates_{route}"] = found
    for name, text in told.items():
        with files.replacing(OUT / name) as temporary:
            temporary.write_text(f"{text}\n", "utf-8")


def look_at_pack(found: Findings, chosen: Settings) -> None:
    """Everything about the pack."""
    known = found.of(packs.load, chosen.pack)
    for kind in SOURCES:
        found.of(check_sources, Path(chosen.pack), kind)
    if known is None:
        return
    form = formats.FORMATS[chosen.tools.format]
    found.of(formats.check, form, known.catalogue, f"pack {chosen.pack}")
    found.of(check_pictures, known, chosen)
    found.seen.append(f"{len(known.catalogue)} functions")
    if not found.problems and (filled := found.of(with_sources, known, chosen)) is not None:
        full, notes = filled
        pools = Pools(full)
        found.problems += pack_checks.pack_problems(full, pools)
        templates: list[Template] = []
        if known.templates is not None:
            templates = found.of(check_templates, full, chosen) or []
            found.seen.append(f"{len(templates)} templates")
            found.of(check_seeing, full)
        written = frozenset(name for one in templates for name in one.header.functions)
        found.notes += [*pack_checks.pack_notes(full, pools, written), *notes]
    found.tell(found.of(check_population, known, chosen))
    rows = found.of(golden_rows.read, known.golden, known.catalogue)
    if rows is not None:
        found.seen.append(f"{len(rows)} golden queries")
    found.of(check_system, known, form)
    if not found.problems:
        found.of(check_lengths, known, chosen, form)


def look() -> Findings:
    """Everything that can be looked at."""
    found = Findings()
    chosen = found.of(settings.load)
    if chosen is None:
        return found
    for role, name in chosen.models.model_dump().items():
        if name:
            found.of(check_model, role, name, chosen.engine.max_model_len)
    found.of(check_writer, chosen)
    found.of(check_viewer, chosen)
    found.of(check_training, chosen)
    look_at_pack(found, chosen)
    return found


def main() -> None:
    found = look()
    if found.problems:
        raise InputError(
            f"{len(found.problems)} problem(s), nothing was run:\n" + "\n".join(found.problems)
        )
    chosen = settings.load()
    write_parts(Path(chosen.pack), chosen.population.source)
    for note in found.notes:
        print(f"note: {note}")
    print(f"check: all well (parameters, pack, models, {', '.join(found.seen)})")


if __name__ == "__main__":
    run(main, __doc__)
