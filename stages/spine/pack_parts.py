"""Checks of the parts of a pack, for `stages.check`: SQL, pictures, templates, population and the
student's system prompt.
"""

from __future__ import annotations

from pathlib import Path

from stages import formats
from stages.core import links, pack_files, prompts, yaml
from stages.core import pack as packs
from stages.core.command import InputError
from stages.core.pack import Pack
from stages.core.settings import SHOWN, Settings
from stages.core.templates import Header, Template, lexicon

SOURCES = {"graph": ("concepts", "relations"), "assets": ("",)}
# Most bytes of an SQL file.
MOST_SQL = 2**20


def check_templates(pack: Pack, settings: Settings) -> list[Template]:
    """The templates; InputError if one cannot be filled, or a route with a weight has none.

    pack: with what its sources give.
    """
    templates = prompts.load(pack)
    served = [t for t in templates if t.header.serves(settings.route.recipe) and t.header.weight]
    routes = {t.header.route for t in served}
    weights = settings.route.weights.model_dump()
    if templates and not served:
        raise InputError(
            f"{pack.templates}: no template belongs to the recipe {settings.route.recipe}: name it "
            "under `recipes` in their headers, or set route.recipe to one that they name"
        )
    if templates and not any(weights[route] for route in routes):
        raise InputError(
            f"route.weights: recipe {settings.route.recipe} has templates for {sorted(routes)} "
            "only: give one of these a weight"
        )
    return templates


def check_phrased(pack: Pack, templates: list[Template], settings: Settings) -> list[str]:
    """Notes on functions with a class or derived argument, whose values no phrase has a slot for.
    InputError where nothing can write one of them, or several values of a class have no words.
    """
    recipe = settings.route.recipe
    own = [one.header for one in templates if one.header.serves(recipe) and one.header.weight]
    names = [name for name in pack.catalogue.names
            if pack.of_kind(name, "class") or pack.of_kind(name, "derived")]  # fmt: skip
    for locale, frame in pack.frames.items():
        path = pack.folder / pack_files.VOCABULARIES / f"{locale}.yaml"
        silent = [name for name, words in frame.classes.items() if not words]
        if len(silent) > 1:
            raise InputError(
                f"{path}: {frame.argument}: {', '.join(silent[:SHOWN])} have no words, and "
                f"one may have none: write the list `{frame.argument}`, which maps each value to "
                "the words that name it"
            )
        phrased = pack.vocabulary(locale).phrases
        written = {f for one in own if locale in one.locales for f in one.functions}
        for name in names:
            if name not in written and name not in phrased:
                raise InputError(
                    f"{path}: {name} has an argument that is told from the query, and nothing "
                    f"writes it with recipe {recipe}: make templates in "
                    f"{packs.PROMPTS.name}/{pack.name} (prompts/README.md) or phrases"
                )
    shares = pack.population.scenarios or pack_files.DEFAULT_SCENARIOS
    bare = [n for n in names if not all(n in v.phrases for v in pack.vocabularies.values())]
    if not bare or not shares.get("missing_function"):
        return []
    return [
        f"{pack.folder / pack_files.POPULATION}: scenarios.missing_function: templates write "
        f"`single` alone, and {', '.join(bare[:SHOWN])} have no phrases: give it the share 0, or "
        "write some"
    ]


def check_system(pack: Pack, form: formats.Format) -> None:
    """InputError if the student's system prompt cannot be made."""
    try:
        formats.system(form, pack.catalogue.tools)
    except Exception as error:  # whatever a template's code may raise
        raise InputError(
            f"{formats.SYSTEM}:{prompts.line_of(error)}: {prompts.failure(error)}"
        ) from None


def check_seeing(pack: Pack) -> None:
    """InputError if the prompt for a model that sees pictures cannot be filled."""
    assert pack.templates is not None
    path = pack.templates / f"{prompts.SEEING}.jinja"
    if not path.exists():
        return
    header = Header(
        route="vision", functions=list(pack.catalogue.names), words=(1, 10), weight=1,
        locales=list(pack.locales[:1]), sources=["asset"], requires=["image_path"],
    )  # fmt: skip
    template = Template(prompts.SEEING, header, yaml.text_of(path, prompts.MOST_BYTES))
    words = lexicon(pack.templates) | {"sentences": ["2"]}
    if wrong := prompts.problems(template, pack, words, prompts.columns(pack)):
        raise InputError("\n".join(f"{path}:{line}: {problem}" for line, problem in wrong))


def check_population(pack: Pack, settings: Settings) -> str:
    """What the population is read from; InputError if it is not there or cannot be read."""
    source = settings.population.source
    path = pack.folder / source
    if source == pack_files.POPULATION:
        return source
    if path.suffix in (".yaml", ".yml"):
        packs.with_population(pack, links.check(path, pack.folder))
        return source
    from stages.planning import observed

    columns = [observed.QUERY, "function", *pack.dimensions]
    if next(observed.rows(links.check(path, pack.folder), columns), None) is None:
        raise InputError(f"{path} holds no row")
    return source


def check_sources(folder: Path, kind: str) -> None:
    """InputError if a kind of source that the pack has lacks an SQL file, or one is empty."""
    for start in SOURCES[kind] if (folder / kind).is_dir() else ():
        paths = sorted((folder / kind).glob(f"{start}*.sql"))
        if not paths:
            raise InputError(f"{folder / kind} holds no {start}*.sql: write one per source")
        for sql in paths:
            lines = yaml.text_of(sql, MOST_SQL).splitlines()
            if not any(line.strip() and not line.strip().startswith("--") for line in lines):
                raise InputError(f"{sql} is empty: write one SELECT")


def check_pictures(pack: Pack, settings: Settings) -> None:
    """InputError if the vision route is on and it is certain that no asset has a picture."""
    if pack.templates is None or not any(pack.templates.glob("vision/*.j2")):
        return
    texts = [sql.read_text("utf-8", "replace") for sql in Path(settings.pack).glob("assets/*.sql")]
    uses = settings.route.weights.vision and settings.route.recipe in ("router", "router_heuristic")
    if uses and not settings.ingest_assets.max_pictures and not any(map(gives_pictures, texts)):
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
