"""Servers that refuse, flood, drip, think and tell the key; the real client on loopback."""

from __future__ import annotations

import hashlib
import json
import re
import resource
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from stages import generate
from stages.core import connections, files
from stages.core.command import InputError, run
from stages.core.plan import to_record
from stages.core.tables import Edges, Items, Nodes, Plans, ToolSets, empty
from stages.engines import Failed, models, server, session, transport
from stages.engines.redaction import Key
from stages.engines.thinking import spoken
from stages.ingest.assets import own_columns
from stages.spine.writing import ENGINE
from tests import fakes
from tests.builders import make_search, make_tools
from tests.conftest import PACK, ROOT, in_time, params, start
from tests.test_engines import asks, options, refusal

KEY = "sk-proj-Qx7vLm20TzRb9KdW4Ns8"


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "PAUSE", 0.01)
    monkeypatch.setattr("openai._base_client.INITIAL_RETRY_DELAY", 0.01)


@pytest.fixture
def fake() -> Iterator[fakes.Fake]:
    with fakes.running() as one:
        yield one


def answers(fake: fakes.Fake, n: int = 6, **changes: Any) -> list[Any]:
    with server.serving(options(fake.address, **changes)) as complete:
        return complete(asks(n))


# --- what repeats for good, and what does not


@pytest.mark.parametrize(
    ("status", "error", "told"),
    [
        (429, {"message": "x", "code": "insufficient_quota"}, "is not paid"),
        (429, "Insufficient balance", "is not paid"),
        (402, {"message": "no credits"}, "is not paid"),
        (401, {"message": "who?"}, "refuses the key (401)"),
        (403, {"message": "no"}, "refuses the key (403)"),
        (404, {"message": "model is gone"}, "refuses every request"),
        (400, {"message": "no such model", "code": "model_not_found"}, "refuses every request"),
        (400, {"message": "wrong whatever is asked"}, "refuses every request"),
        (429, {"message": "slow down"}, "takes no more requests for now"),
        (500, {"message": "out of order"}, "does not answer"),
        (503, "", "does not answer"),
        (200, {"message": "no upstream", "code": 502}, "does not answer"),
        (200, {"message": "Insufficient credits", "code": 402}, "is not paid"),
        (200, {"message": "overloaded", "code": "503"}, "does not answer"),
        (200, "something", "does not answer"),
    ],
)
def test_what_repeats_for_good_ends_the_engine_with_the_servers_reason(
    fake: fakes.Fake, status: int, error: Any, told: str
) -> None:
    fake.behave = fakes.refusing(status, error)
    found = answers(fake, n=20, retries=2, concurrency=2)
    assert all(isinstance(one, Failed) and one.fatal for one in found)
    assert told in found[0].reason and "run the stage again" in found[0].reason
    said = error if isinstance(error, str) else error["message"]
    assert said in found[0].reason
    assert len(fake.asked) < 20  # the others were not even asked for


def test_no_quota_is_not_asked_for_again(fake: fakes.Fake) -> None:
    fake.behave = fakes.quota
    (bad,) = answers(fake, n=1)
    assert bad.fatal and "You exceeded your current quota" in bad.reason
    assert "insufficient_quota" in bad.reason and len(fake.asked) == 1


def test_an_hour_of_retry_after_is_not_waited_for(fake: fakes.Fake) -> None:
    fake.behave = fakes.refusing(429, {"message": "come back"}, Retry_After="3600")
    (bad,) = answers(fake, n=1)
    assert bad.fatal and "wait, or lower" in bad.reason and len(fake.asked) == 1


@pytest.mark.parametrize(("status", "retries"), [(400, 0), (403, 0), (413, 0), (422, 0), (500, 2)])
def test_a_refusal_of_one_request_is_its_own(fake: fakes.Fake, status: int, retries: int) -> None:
    """Also where it is the only one: the server is asked for something else."""
    fake.behave = fakes.refusing(status, {"message": "not this"}, holds="query 0")
    for n in (4, 1):
        bad, *good = answers(fake, n=n, retries=retries)
        assert isinstance(bad, Failed) and not bad.fatal and "not this" in bad.reason
        assert all(isinstance(one, str) for one in good)


def test_answers_before_the_money_ran_out_are_kept(fake: fakes.Fake) -> None:
    def behave(handler: fakes.Handler, body: dict[str, Any]) -> bool:
        return len(fake.asked) > 5 and fakes.quota(handler, body)

    fake.behave = behave
    found = answers(fake, n=12, concurrency=1)
    assert [isinstance(one, str) for one in found] == [True] * 5 + [False] * 7
    assert found[-1].fatal


@pytest.mark.parametrize(
    ("behave", "told"),
    [
        (fakes.saying({"content": "half an"}, "content_filter"), "content_filter"),
        (fakes.saying({"content": None, "refusal": "I cannot"}), "the model refuses: I cannot"),
        (fakes.saying({"content": None}), "without text"),
        (fakes.saying({"content": "x" * 70_000}), "70,000 characters"),
    ],
)
def test_an_answer_that_is_none_says_why(
    fake: fakes.Fake, behave: fakes.Behavior, told: str
) -> None:
    fake.behave = behave
    (bad,) = answers(fake, n=1)
    assert isinstance(bad, Failed) and not bad.fatal and told in bad.reason
    assert len(fake.asked) == 1


NESTED = "[" * 50_000


@pytest.mark.parametrize(
    "body",
    ['{"choices": []}', '{"choices": null}', "{}", "null", "[]", '"text"', NESTED, "<html>", "",
     '{"choices": [1]}', '{"choices": [{"message": {"content": 7}}]}',
     '{"choices": [{"message": "text"}]}', '{"error": ' + NESTED],
)  # fmt: skip
def test_a_body_of_another_kind_ends_the_engine(fake: fakes.Fake, body: str) -> None:
    def behave(handler: fakes.Handler, _: dict[str, Any]) -> bool:
        handler.raw(200, iter([body.encode()]), Content_Type="application/json; charset=zlib")
        return True

    fake.behave = behave
    (bad,) = answers(fake, n=1, retries=1)
    assert isinstance(bad, Failed) and bad.fatal and "perhaps a web page" in bad.reason


# --- too much, too slow


@pytest.mark.parametrize("coding", ["identity", "gzip"])
@pytest.mark.parametrize("status", [200, 400, 500])
def test_a_flood_is_cut_off(
    fake: fakes.Fake, monkeypatch: pytest.MonkeyPatch, coding: str, status: int
) -> None:
    monkeypatch.setattr(transport, "MOST_BYTES", 2**20)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    fake.behave = fakes.flood(status, coding, 2**26 if coding == "identity" else 2**24)
    (bad,) = answers(fake, n=1, retries=1, timeout=20)
    assert isinstance(bad, Failed) and bad.fatal and "more than 1 MiB" in bad.reason
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    assert grown < 2**26  # in this process the bomb is made, too
    if coding == "identity":
        assert fake.sent < 2 * 2**24


@pytest.mark.parametrize("coding", ["identity", "gzip"])
def test_a_list_of_models_may_be_no_flood_either(
    fake: fakes.Fake, monkeypatch: pytest.MonkeyPatch, coding: str
) -> None:
    monkeypatch.setattr(transport, "MOST_BYTES", 2**20)
    behave = fakes.flood(200, coding, 2**25)
    monkeypatch.setattr(fakes.Handler, "do_GET", lambda self: behave(self, {}))
    assert "more than 1 MiB" in refusal(address=fake.address, timeout=20)


def test_a_byte_now_and_then_is_no_answer(fake: fakes.Fake) -> None:
    fake.behave = fakes.drip
    began = time.monotonic()
    (bad,) = answers(fake, n=1, retries=0, timeout=0.4)
    assert isinstance(bad, Failed) and bad.fatal and "within 0.4 s" in bad.reason
    assert in_time(began, 5)


def test_a_drip_for_one_request_is_that_ones_failure(fake: fakes.Fake) -> None:
    fake.behave = lambda handler, body: "query 0" in json.dumps(body) and fakes.drip(handler, body)
    bad, good = answers(fake, n=2, retries=0, timeout=4)  # enough for the other one, in any case
    assert isinstance(bad, Failed) and not bad.fatal and isinstance(good, str)


# --- the key


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("WRITER_KEY", KEY)
    return KEY


@pytest.mark.parametrize("how", fakes.spellings(KEY))
def test_an_answer_with_the_key_is_not_kept(fake: fakes.Fake, key: str, how: str) -> None:
    text = fakes.spellings(key)[how]
    fake.behave = fakes.saying({"content": f"old barn {text} photo"})
    cut = fakes.saying({"content": f"{key[:9]}<think>hm, old barn</think>{key[9:]}"})
    for behave in (fake.behave, cut):
        fake.behave = behave
        (bad,) = answers(fake, n=1, key_variable="WRITER_KEY")
        assert bad == Failed("the answer holds the server's key: it is not kept")
    fake.behave = fakes.refusing(400, {"message": f"never {text}", "code": text, "param": text})
    (bad,) = answers(fake, n=1, key_variable="WRITER_KEY")
    assert bad.fatal and "which is not shown" in bad.reason and not Key(key).in_(bad.reason)


def test_a_model_named_like_the_key_is_refused(fake: fakes.Fake, key: str) -> None:
    fake.models = [f"model-{key}"]
    told = refusal(address=fake.address, key_variable="WRITER_KEY")
    assert "name cannot be used" in told and not Key(key).in_(told)
    fake.models = ["a", f"model-{key}"]
    assert not Key(key).in_(refusal(address=fake.address, key_variable="WRITER_KEY"))


@pytest.mark.parametrize(
    "bad", ["one\ntwo-three-four", "a\tb-secret", "schl\u00fcssel-geheim", "x y", "a\0b"]
)
def test_what_cannot_be_a_key_is_refused_without_showing_it(
    monkeypatch: pytest.MonkeyPatch, bad: str
) -> None:
    monkeypatch.setattr(session.os, "environ", {"WRITER_KEY": bad})
    told = refusal(address="http://127.0.0.1:9/v1", key_variable="WRITER_KEY")
    assert "WRITER_KEY holds no key" in told
    assert not any(part in told for part in ("two-three", "secret", "geheim", "x y"))


def test_ordinary_texts_hold_no_key() -> None:
    for text in ("an old barn at the sea, red", "quick brown fox 4Ns8", "", "sk-proj-"):
        assert not Key(KEY).in_(text) and not Key("EMPTY").in_(text)
    assert Key("EMPTY").in_("my key: EMPTY!") and not Key("EMPTY").in_("an empty barn, EMPTYING")
    assert not Key("").in_("anything") and KEY not in repr(Key(KEY))


# --- models that think


@pytest.mark.parametrize(
    ("text", "want"),
    [
        ("old barn", "old barn"),
        (" old barn\n", " old barn\n"),
        ("<think>\nhm\n</think>\n\nold barn", "old barn"),
        ("<THINK >hm</Think>old barn", "old barn"),
        ("<thinking>hm</thinking> old barn", "old barn"),
        ("[THINK]hm[/THINK]old barn", "old barn"),
        ("\u25c1think\u25b7hm\u25c1/think\u25b7old barn", "old barn"),
        ("<seed:think>hm</seed:think>old barn", "old barn"),
        ("hm, so\n</think>\nold barn", "old barn"),
        ("<think>a <think> b</think> c</think>old barn", "old barn"),
        ("<think>a</think>old<think>b</think>barn", "old barn"),
        ("<think>is <think> a tag?</think>old barn", "old barn"),
        ("<think></think>old barn", "old barn"),
        ("old barn<think>hm", "old barn"),
        ("<think>hm", None),
        ("<think>hm</think>", None),
        ("<think>" * 20_000, None),
        ("<|channel|>analysis<|message|>hm<|end|><|start|>assistant<|channel|>final<|message|>"
         "old barn<|return|>", "old barn"),
        ("<|channel|>analysis<|message|>hm", None),
        ("analysisWe need a query.assistantfinalold barn", "old barn"),
        ("analysis of a barn", "analysis of a barn"),
        ("a < b > c [thinking of you] card", "a < b > c [thinking of you] card"),
    ],
)  # fmt: skip
def test_thinking_is_dropped(text: str, want: str | None) -> None:
    began = time.process_time()
    assert spoken(text) == want
    assert time.process_time() - began < 1


@pytest.mark.parametrize("vllm", [True, False])
def test_a_writer_that_thinks_gets_room_or_is_asked_not_to(
    fake: fakes.Fake, vllm: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.behave = fakes.thinker
    found = answers(fake, n=8, vllm=vllm)
    assert all(isinstance(one, str) and one and "\n" not in one for one in found)
    assert not any(mark in one for one in found for mark in ("think", "no"))
    assert capsys.readouterr().err.count("thinks first") == 1


@pytest.mark.parametrize("content", ["", None])
@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_thoughts_apart_from_the_content_are_told(
    fake: fakes.Fake, content: str | None, field: str
) -> None:
    fake.behave = fakes.saying({"content": content, field: "hm, old barns"}, "length")
    (bad,) = answers(fake, n=1)
    assert isinstance(bad, Failed) and "raise sampling.max_tokens" in bad.reason
    assert fake.asked[-1]["max_tokens"] == 8 + session.THINKING and "stop" not in fake.asked[-1]
    fake.behave = fakes.saying({"content": "old barn", field: "hm"})
    assert answers(fake, n=1) == ["old barn"]


def test_a_server_without_vllms_fields_is_told_about(fake: fakes.Fake) -> None:
    """Without them the model would begin the query anew."""
    words = "Unrecognized request arguments supplied: add_generation_prompt, top_k"
    fake.behave = fakes.refusing(400, {"message": words}, holds="add_generation_prompt")
    with server.serving(options(fake.address)) as complete:
        (bad,) = complete(asks(1, begin=True))
    assert isinstance(bad, Failed) and bad.fatal and "vllm to false" in bad.reason


def test_hidden_thoughts_are_known_by_their_tokens(fake: fakes.Fake) -> None:
    usage = {"completion_tokens": 8, "prompt_tokens": 1, "total_tokens": 9,
             "completion_tokens_details": {"reasoning_tokens": 8}}  # fmt: skip
    fake.behave = fakes.saying({"content": ""}, "length", usage=usage)
    (bad,) = answers(fake, n=1)
    assert isinstance(bad, Failed) and "the model thought" in bad.reason


# --- parameters


def test_parameters_that_are_refused_are_left_out_and_told_once(
    fake: fakes.Fake, capsys: pytest.CaptureFixture[str]
) -> None:
    def behave(handler: fakes.Handler, body: dict[str, Any]) -> bool:
        return fakes.picky(handler, body) or fakes.saying({"content": "old barn\nred"})(
            handler, body
        )

    fake.behave = behave
    assert answers(fake, n=8, vllm=False) == ["old barn"] * 8
    last = fake.asked[-1]
    assert last["max_completion_tokens"] == 8
    assert not {"max_tokens", "temperature", "stop", "seed"} & set(last)
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 4 and "max_tokens: asked as max_completion_tokens" in told[0]


@pytest.mark.parametrize(
    ("status", "error", "name"),
    [
        (422, {"detail": [{"type": "extra_forbidden", "loc": ["body", "seed"],
                           "msg": "Extra inputs are not permitted"}]}, "seed"),
        (400, "property 'seed' is unsupported", "seed"),
        (400, {"message": 'Unknown name "top_k": Cannot find field.'}, "top_k"),
        (400, {"message": "Unrecognized request argument supplied: top_k"}, "top_k"),
        (400, {"message": "x", "metadata": {"raw": "stop: Extra inputs are not permitted",
                                            "param": "stop"}}, "stop"),
        (400, {"message": "`temperature` and `top_p` cannot both be specified"}, "temperature"),
    ],
)  # fmt: skip
def test_refusals_are_understood_in_other_words(
    fake: fakes.Fake, status: int, error: Any, name: str
) -> None:
    def behave(handler: fakes.Handler, body: dict[str, Any]) -> bool:
        return name in body and fakes.refusing(status, error)(handler, body)

    fake.behave = behave
    assert all(isinstance(one, str) for one in answers(fake, n=3))


def test_a_prompt_that_is_too_long_leaves_nothing_out(fake: fakes.Fake) -> None:
    words = "max_tokens is too large: 8. This model's maximum context length is 256; stop, seed"
    fake.behave = fakes.refusing(400, {"message": words, "param": "max_tokens"}, holds="query 0")
    bad, good = answers(fake, n=2)
    assert isinstance(bad, Failed) and isinstance(good, str)
    assert all("max_tokens" in body for body in fake.asked)


# --- the stage


def plans(n: int, quota: int) -> pl.DataFrame:
    """Plans of one stratum and two templates of the text route, each with a prompt of its own."""
    rows = []
    for i in range(n):
        slots = dict.fromkeys(("other", "place", "look", "action", "name", "genre"), "old")
        made = make_search(
            "Generate", "Any", (1, 40), plan_id=f"r{i}", route="text", rank=i, quota=quota, seed=i,
            words=3, template_id=f"text/generate_any_action_{('long', 'short')[i % 2]}",
            slots=slots | {"object": f"barn{i}"},
        )  # fmt: skip
        rows.append(to_record(made))
    return pl.DataFrame(rows, schema=Plans.schema())


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fake: fakes.Fake) -> Path:
    """A repository with 80 plans for 24 rows; `fake` writes them."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    shutil.copy(ROOT / "params.yaml", tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "domains").symlink_to(PACK.parent)
    writer = tmp_path / "models" / "base" / "writer"
    writer.mkdir(parents=True)
    (writer / "config.json").write_text("{}")

    def served(value: dict[str, Any]) -> None:
        value["generate"]["engine"] = "server"
        value["generate"]["server"].update(address=fake.address, retries=1)
        value["generate"]["text"].update(batch=16, min_tried=4)

    params(tmp_path, served)
    # One item, for templates are looked at with the columns that items have.
    item = {
        "asset_id": "1", "content_type": "Photo", "title": "Old barn", "work_title": "Barn",
        "keywords": ["barn"], "topics": ["farm"], "locale": "en", "ai_generated": True,
        "function": ["Search"], "aspect_ratio": 1.5, "click_through_rate": 0.1,
    }  # fmt: skip
    items = own_columns(pl.DataFrame([item]), "assets/photos.sql").select(list(Items.schema()))
    files.write_table("data/ingested/assets/assets.parquet", items, Items)
    files.write_table("data/ingested/graph/nodes.parquet", empty(Nodes), Nodes)
    files.write_table("data/ingested/graph/edges.parquet", empty(Edges), Edges)
    files.write_table("data/routed/plans.parquet", plans(80, 24), Plans)
    sets = {"tool_set": ["tools-0000"], "tools": [json.dumps(make_tools(PACK))], "today": [None]}
    files.write_table(
        "data/routed/tool_sets.parquet", pl.DataFrame(sets, schema=ToolSets.schema()), ToolSets
    )
    return tmp_path


TABLE = Path("data/generated/text.parquet")


def test_a_stage_without_money_exits_1_and_goes_on_once_it_is_paid(
    place: Path, fake: fakes.Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(signal, "signal", lambda *_: None)  # this process keeps its own
    generate.main(["text"])
    whole, needed = TABLE.read_bytes(), sorted(fake.answered)
    TABLE.unlink()
    shutil.rmtree("data/.work")
    fake.asked.clear()
    fake.answered.clear()
    fake.behave = lambda handler, body: len(fake.asked) > 20 and fakes.quota(handler, body)
    with pytest.raises(SystemExit) as stopped:
        run(lambda: generate.main(["text"]))
    assert stopped.value.code == 1 and not TABLE.exists()
    fake.behave = None
    generate.main(["text"])
    assert TABLE.read_bytes() == whole
    assert sorted(fake.answered) == needed


@pytest.mark.parametrize("batch", [16, 1])
def test_more_than_a_share_of_failures_ends_the_stage(
    place: Path, fake: fakes.Fake, batch: int
) -> None:
    params(place, lambda v: v["generate"]["text"].update(batch=batch))
    odd = re.compile(r"barn\d?[13579]\b")
    fake.behave = lambda handler, body: (
        bool(odd.search(str(body)))
        and fakes.refusing(400, {"message": "the filter says no"})(handler, body)
    )
    with pytest.raises(InputError, match=r"no answer, more than .*max_failed_share 0\.1 .*filter"):
        generate.main(["text"])
    assert not TABLE.exists()


def test_failed_requests_blame_no_template_and_are_no_rejects(
    place: Path, fake: fakes.Fake
) -> None:
    params(place, lambda v: v["generate"].update(max_failed_share=1))
    params(place, lambda v: v["generate"]["text"].update(min_tried=1_000))
    odd = re.compile(r"barn\d?[13579]\b")
    fake.behave = lambda handler, body: (
        bool(odd.search(str(body))) and fakes.refusing(400, {"message": "not this"})(handler, body)
    )
    generate.main(["text"])
    rows = pl.read_parquet(TABLE)
    failed = rows.filter(check=ENGINE)
    assert failed.height > 8 and failed["reason"].str.contains("not this").all()
    metrics = json.loads(Path("metrics/generate_text.json").read_text())
    assert metrics["failed"] == failed.height
    assert "engine" not in metrics["rejected"]
    assert metrics["candidates"] == rows.height - failed.height
    # Every request of the second template failed.
    assert list(metrics["templates"]) == ["text/generate_any_action_long"]


def test_rows_and_keys_carry_what_the_server_says_it_serves(place: Path, fake: fakes.Fake) -> None:
    tables = {}
    for name in ("one/model", "other", "models/base/writer"):
        fake.models = [name]
        fake.asked.clear()
        generate.main(["text"])
        assert fake.asked and {body["model"] for body in fake.asked} == {name}
        tables[name] = pl.read_parquet(TABLE)["model"].unique().to_list()
    assert tables["one/model"] == ["one/model"] and tables["other"] == ["other"]
    assert tables["models/base/writer"] == [models.identity("writer")]
    # What the first wrote is there, and the local folder is the same by whatever path.
    fake.asked.clear()
    for name in ("one/model", str(place / "models/base/writer")):
        fake.models = [name]
        generate.main(["text"])
        assert not fake.asked, name


def test_a_server_that_changes_its_model_meanwhile_is_told(
    place: Path, fake: fakes.Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    serving = server.serving

    def other(chosen: connections.Server, *more: Any) -> Any:
        fake.models = ["other"]
        return serving(chosen, *more)

    monkeypatch.setattr(server, "serving", other)
    with pytest.raises(InputError, match=r"serves other: name one .*found 'fake'"):
        generate.main(["text"])


def test_the_key_reaches_no_file_and_no_output(place: Path, fake: fakes.Fake, key: str) -> None:
    """Also with a traceback: the stage runs as a process of its own."""
    texts = list(fakes.spellings(key).values())

    def behave(handler: fakes.Handler, body: dict[str, Any]) -> bool:
        text = texts[len(fake.asked) % len(texts)]
        if len(fake.asked) % 2:
            handler.say({"content": f"old barn {text}"})
        else:
            handler.send(400, {"error": {"message": text, "code": text}})
        return True

    fake.behave = behave
    params(place, lambda v: v["generate"]["server"].update(key_variable="WRITER_KEY"))
    params(place, lambda v: v["generate"].update(max_failed_share=1.0))
    shown: list[str] = []
    for share in (1.0, 0.1):
        params(place, lambda v, share=share: v["generate"].update(max_failed_share=share))  # type: ignore[misc]
        process = start(place, "stages.generate", "text", ROUTENATOR_TRACEBACK="1")
        shown += process.communicate(timeout=120)
        assert process.returncode in (0, 1)
    written = [f.read_bytes() for f in place.rglob("*") if f.is_file() and ".work" in str(f)]
    everything = "".join([*shown, *(raw.decode("latin-1") for raw in written)])
    everything += str(pl.read_parquet(TABLE).rows()) if TABLE.exists() else ""
    for how, text in fakes.spellings(key).items():
        assert text not in everything, how
    assert "InputError" in everything


def test_two_equal_stages_pay_once(place: Path, fake: fakes.Fake) -> None:
    # No answer comes before the second has said that it waits.
    asked, heard = threading.Event(), threading.Event()

    def behave(*_: Any) -> bool:
        asked.set()
        assert heard.wait(500)
        return False

    fake.behave = behave
    params(place, lambda v: v["generate"]["server"].update(timeout=600))
    first = start(place, "stages.generate", "text")
    assert asked.wait(500)
    second = start(place, "stages.generate", "text")
    assert second.stdout is not None
    while "waiting for it" not in (line := second.stdout.readline()):
        assert line
    heard.set()
    shown = [process.communicate(timeout=120) for process in (first, second)]
    assert [first.returncode, second.returncode] == [0, 0], shown
    assert len(fake.answered) == len(set(fake.answered)) > 0
    assert "waiting for it" not in shown[0][0]


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_a_stage_that_waits_for_another_obeys_a_signal(
    place: Path, fake: fakes.Fake, sent: signal.Signals
) -> None:
    told = hashlib.sha256(b"fake").hexdigest()[:16]
    with files.alone(files.work_dir() / f"engine-text-{told}.lock"):
        process = start(place, "stages.generate", "text")
        assert process.stdout is not None
        while "waiting for it" not in (line := process.stdout.readline()):
            assert line
        began = time.monotonic()
        process.send_signal(sent)
        assert process.wait(60) == 128 + sent
    assert in_time(began, 2) and not fake.asked
    process.communicate()
