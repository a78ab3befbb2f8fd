"""Scoring by each of the engines: the same answers in this process, behind a server and on Ray."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from stages import check, formats
from stages.core import files, pack, settings
from stages.core.command import InputError
from stages.core.conversation import Call, user
from stages.engines import listing, ray, server, vllm
from stages.engines.complaints import Complaints
from stages.engines.listing import Listed, Wanted
from stages.engines.models import load_tokenizer
from stages.engines.probing import Probe
from stages.engines.redaction import Key
from stages.engines.store import NAME, Store
from stages.evaluation import asking
from stages.formats import chat_template
from stages.formats.grammar import grammar
from tests import fakes
from tests.builders import TRAVEL
from tests.conftest import ROOT
from tests.formats.test_serving import memorized, student
from tests.test_engines import patiently, vllm_serve

ADAPTER = Path("models/adapter")
QUERIES = ("a room at the Old Mill", "and a table for two", "what about the weather?")


def chosen(engine: str = "server", decoding: str = "free", **of_server: Any) -> settings.Settings:
    """The params, scoring by `engine`, with these changes of evaluate.server."""
    value = YAML(typ="safe").load((ROOT / "params.yaml").read_text("utf-8"))
    value["engine"] = {"max_model_len": 2048, "kv_cache_gib": 1, "max_num_seqs": 6}
    block = value["evaluate"]
    block |= {"engine": engine, "decoding": decoding, "max_tokens": 40}
    block["server"] |= {"concurrency": 6, "retries": 1} | of_server
    return settings.Settings.model_validate(value)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a tiny student in float32: in bfloat16 a merged adapter is rounded."""
    from transformers import AutoModelForCausalLM

    base = tmp_path / "models" / "base" / "student"
    student(base).save_pretrained(base)
    model = AutoModelForCausalLM.from_pretrained(base, dtype="float32")
    # A server takes its defaults from here: they are not for scoring.
    model.generation_config.update(repetition_penalty=1.7, temperature=0.9, do_sample=True)
    model.save_pretrained(base)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))  # for Ray's workers
    return tmp_path


def conversations() -> list[asking.Conversation]:
    form, known = formats.FORMATS["pythonic"], pack.load(str(TRAVEL)).catalogue
    return [formats.conversation(form, [user(q)], known.tools, None) for q in QUERIES]


def scored(params: settings.Settings, asked: list[asking.Conversation],
           grammars: Sequence[str | None] | None = None) -> list[list[str]]:  # fmt: skip
    """The answers of the base model and of the tuned one."""
    return [
        asking.answer(params, adapter, asked, grammars).completions for adapter in (None, ADAPTER)
    ]


@pytest.mark.slow
def test_the_same_answers_from_all_engines(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Base and tuned model, free and under a grammar; in float32, as in tests/test_engines.py."""
    base, known = Path("models/base/student"), pack.load(str(TRAVEL)).catalogue
    asked = conversations()
    template = chat_template.read(load_tokenizer(str(base)), learn=False)
    call = Call(known.functions[0].name, {next(iter(known.functions[0].properties)): "Old Mill"})
    answer = formats.FORMATS["pythonic"].render([call])
    memorized(base, template.prompt(asked[0][0]), answer, ADAPTER)
    kept = grammar("pythonic", known.functions[1:])
    grammars: Sequence[str | None] = [None, None, None, kept, kept, kept]
    in_float32(monkeypatch)

    def answers(engine: str, **of_server: Any) -> list[list[str]]:
        shutil.rmtree(files.work_dir())
        params = chosen(engine, "both", **of_server)
        found = scored(params, asked * 2, grammars)
        # Each answer is kept: nobody is asked for it again.
        assert sum(row.entries for row in Store(files.work_dir() / NAME).usage()) == 12
        with monkeypatch.context() as patch:
            patch.delattr(asking, "engine")
            assert scored(params, asked * 2, grammars) == found
        return found

    free, tuned = answers("vllm")
    assert tuned[0] == answer and free[0] != answer
    assert call.name not in tuned[3], "the grammar lacks that function"
    with monkeypatch.context() as patch:  # as on a GPU, where the base model is the same
        patch.setattr(vllm, "_adapted", lambda base, adapter, _: (base, *vllm._apart(adapter, 16)))
        shutil.rmtree(files.work_dir())
        apart = asking.answer(chosen("vllm", "both"), ADAPTER, asked * 2, grammars).completions
        assert apart == tuned
    assert patiently(lambda: answers("ray")) == [free, tuned]
    more = ("--enable-lora", "--max-lora-rank", "16", "--lora-modules", f"tuned={ADAPTER}",
            "--generation-config", "auto")  # fmt: skip
    with vllm_serve(base, place / "log", 2048, *more) as address:
        assert answers("server", address=address) == [free, tuned]
        assert answers("server", address=address, base=str(base), tuned="tuned") == [free, tuned]
        told = {
            "nobody": dict(tuned="nobody"), "as a base model": dict(tuned=str(base)),
            "as an adapter on": dict(base="tuned"), "serves": dict(base="nobody"),
        }  # fmt: skip
        for words, names in told.items():
            with pytest.raises(InputError, match=f"evaluate.server.*{words}|{words}.*evaluate.ser"):
                for adapter in (None, ADAPTER):
                    asking.served_name(chosen(address=address, **names), adapter)
        other = student(place / "other")
        other.save_pretrained(place / "other")
        options, probe = chosen(address=address).evaluate.server, Probe("Qa b", (1, 2), False)
        with (
            pytest.raises(InputError, match="whose weights are not those of other"),
            server.scoring(options, False, "other", probe),
        ):
            pass
        with (
            pytest.raises(InputError, match="into other tokens than models/base/student"),
            server.scoring(options, False, base, probe),
        ):
            pass
    shutil.rmtree(files.work_dir())
    with pytest.raises(InputError, match=r"evaluate.server.address .* does not answer"):
        scored(chosen(address=address, retries=0), asked)


def in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    """vLLM computes in float32 from here on."""
    for module in (vllm, ray):
        monkeypatch.setattr(module, "serving", partial(module.serving, dtype="float32"))


# --- without an engine


def test_a_server_without_vllms_fields_gets_messages(place: Path) -> None:
    with fakes.running() as fake:
        found = asking.answer(chosen(address=fake.address, vllm=False), None, conversations())
        assert len(set(found.completions)) == 3
        for body, (messages, _) in zip(
            sorted(fake.asked, key=lambda b: QUERIES.index(b["messages"][-1]["content"])),
            conversations(), strict=True,
        ):  # fmt: skip
            assert body["messages"] == messages
            assert (body["temperature"], body["max_tokens"], body["model"]) == (0, 40, "fake")
            assert {"structured_outputs", "stop_token_ids", "prompt"}.isdisjoint(body)
        fake.asked.clear()
        asking.answer(chosen(address=fake.address, vllm=False), None, conversations())
        assert not fake.asked, "the store has them"


def completing(**choice: Any) -> fakes.Behavior:
    """Answers each completion of a prompt by such a choice."""

    def behave(handler: fakes.Handler, body: dict[str, Any]) -> bool:
        one = {"index": 0, "text": "a", "finish_reason": "stop", **choice}
        told = {"id": "x", "object": "text_completion", "created": 0, "model": "fake"}
        handler.send(200, told | {"choices": [one]})
        return handler.path == "/v1/completions"

    return behave


def test_a_server_that_lacks_what_is_wanted_is_told(place: Path) -> None:
    asked, kept = conversations(), ['root ::= "a"'] * 3
    (first, *_), _ = asking.prompts("models/base/student", asked, 4096)
    same = completing(prompt_token_ids=list(first.tokens))
    cases: list[tuple[fakes.Behavior, str]] = [
        (completing(), "does not tell the tokens of a prompt, .* set evaluate.server.vllm to fal"),
        (completing(prompt_token_ids=[1, 2]), "into other tokens than models/base/student"),
        (fakes.refusing(404, "no such page"), "does not complete a prompt of tokens .*vllm to fal"),
        (fakes.refusing(401, "no"), "evaluate.server.key_variable"),
        (same, "does not keep to a grammar .* set evaluate.decoding to free"),
    ]
    with fakes.running() as fake:
        for fake.behave, words in cases:
            with pytest.raises(InputError, match=f"evaluate.server.address .*{words}"):
                asking.answer(chosen(address=fake.address), None, asked, kept)
        fake.asked.clear()
        found = asking.answer(chosen(address=fake.address), None, asked)
    assert found.completions == ["a"] * 3
    assert sorted(len(body["prompt"]) for body in fake.asked[1:]) == sorted(
        len(prompt.tokens) for prompt in asking.prompts("models/base/student", asked, 4096)[0]
    )


def test_a_refused_query_ends_the_scoring_and_the_others_are_kept(place: Path) -> None:
    with fakes.running() as fake:
        params = chosen(address=fake.address, vllm=False)
        fake.refuse = QUERIES[1]
        with pytest.raises(InputError, match=r"query 2 has no answer: .*too long"):
            asking.answer(params, None, conversations())
        fake.refuse = None
        fake.asked.clear()
        asking.answer(params, None, conversations())
    assert [body["messages"][-1]["content"] for body in fake.asked] == [QUERIES[1]]


# --- which of a server's models

names = st.text("ab/-", min_size=1, max_size=3)
models = st.lists(
    st.builds(Listed, names, st.one_of(st.just(""), names), st.one_of(st.just(""), names)),
    unique_by=lambda one: one.name, max_size=5,
)  # fmt: skip
wanted_by_name = st.one_of(st.just(""), names)


@given(models, wanted_by_name, wanted_by_name)
def test_a_chosen_model_is_of_its_kind(found: list[Listed], base: str, tuned: str) -> None:
    of = chosen().evaluate.server.model_copy(update={"base": base, "tuned": tuned})
    for is_tuned, name in ((False, base), (True, tuned)):
        wanted = listing.scored(of, is_tuned)
        try:
            one = listing.choose(found, wanted, Complaints(of, "evaluate.server", Key("")))
        except InputError as error:
            assert f"evaluate.server.{'tuned' if is_tuned else 'base'}" in str(error)
            continue
        assert one in found and one.name == (name or one.name)
        if is_tuned:
            assert one.name not in {other.parent for other in found if one.parent == ""}
            parent = {other.name: other for other in found}.get(one.parent, Listed(one.parent))
            served = {other.name: other for other in found}.get(base)
            if served and one.parent:
                assert parent.name == base or parent.root == served.root != ""
        else:
            adapted = one.name in {other.parent for other in found}
            assert not one.parent and (name or one.name != tuned or adapted)


def test_a_model_that_is_meant_needs_no_name_where_there_is_one() -> None:
    of = chosen().evaluate.server
    complaints = Complaints(of, "evaluate.server", Key(""))
    base, first, second = Listed("b", "", "/b"), Listed("t", "b"), Listed("u", "b")

    def one(wanted: Wanted, *found: Listed) -> str:
        return listing.choose(found, wanted, complaints).name

    for is_tuned, name in ((False, "b"), (True, "t")):
        assert one(listing.scored(of, is_tuned), base, first) == name
    with pytest.raises(InputError, match=r"serves b, t, u: name one of them in evaluate.server.t"):
        one(listing.scored(of, True), base, first, second)
    with pytest.raises(InputError, match=r"serves b: name .* --lora-modules NAME=models/adapter"):
        one(listing.scored(of, True), base)
    other = of.model_copy(update={"base": "c", "tuned": "t"})
    with pytest.raises(InputError, match=r"on the base model b, not on evaluate.server.base c"):
        one(listing.scored(other, True), base, first, Listed("c", "", "/c"))
    alias = of.model_copy(update={"base": "c", "tuned": "t"})
    assert one(listing.scored(alias, True), base, first, Listed("c", "", "/b")) == "t"
    # A merged model has a name of its own, and no parent.
    merged = of.model_copy(update={"tuned": "m"})
    assert one(listing.scored(merged, True), base, Listed("m", "", "/m")) == "m"
    assert one(listing.scored(merged, False), base, Listed("m", "", "/m")) == "b"


@pytest.mark.parametrize("root", ["", "gone", "x" * 300, "a/" * 5_000, "/gone/\0", "\ud800"])
def test_a_folder_that_cannot_be_looked_at_is_no_other(root: str, tmp_path: Path) -> None:
    of = chosen().evaluate.server
    wanted, complaints = listing.scored(of, False), Complaints(of, "evaluate.server", Key(""))
    (tmp_path / "model.safetensors").write_text("a")
    listing.check_loaded(Listed("b", "", root), tmp_path, wanted, complaints)
    other = tmp_path / "other"
    other.mkdir()
    (other / "model.safetensors").write_text("a")
    listing.check_loaded(Listed("b", "", str(other)), tmp_path, wanted, complaints)
    (other / "model.safetensors").write_text("b")
    with pytest.raises(InputError, match="whose weights are not those"):
        listing.check_loaded(Listed("b", "", str(other)), tmp_path, wanted, complaints)


# --- parameters


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"vllm": False, "decoding": "both"},
            "both needs a server with vLLM's own fields",
        ),
        ({"base": "m", "tuned": "m"}, "base and tuned are both 'm'"),
        ({"address": "http://user:secret@host/v1"}, "holds a user or password"),
    ],
)
def test_settings_that_do_not_go_together(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        chosen(**changes)


def test_native_needs_a_server_that_takes_tokens() -> None:
    value = chosen(vllm=False).model_dump(by_alias=True)
    value["tools"]["format"] = "native"
    with pytest.raises(ValueError, match=r"native needs .*evaluate.server.vllm .*pythonic or herm"):
        settings.Settings.model_validate(value)


def test_an_empty_key_variable_is_found_before_anything_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("SCORER_KEY", raising=False)
    with pytest.raises(InputError, match=r"evaluate.server.key_variable names SCORER_KEY, which"):
        check.check_scorer(chosen(key_variable="SCORER_KEY"))
    check.check_scorer(chosen("vllm", key_variable="SCORER_KEY"))


def test_an_address_makes_no_scores_again() -> None:
    stages = YAML(typ="safe").load((ROOT / "dvc.yaml").read_text("utf-8"))["stages"]
    params = [p for p in stages["evaluate"]["params"] if p.split(".")[0] == "evaluate"]
    block = settings.Evaluate.model_fields.keys() - {"server", "ray"}
    of_server = {f"evaluate.server.{key}" for key in ("base", "tuned", "vllm")}
    assert set(params) == {f"evaluate.{key}" for key in block} | of_server
