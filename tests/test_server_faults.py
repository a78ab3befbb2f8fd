"""Servers that refuse, flood, drip, think and tell the key; the real client on loopback."""

from __future__ import annotations

import json
import resource
import time
from collections.abc import Iterator
from typing import Any

import pytest

from stages.contracts.command import InputError
from stages.writing.engines import Failed, server
from stages.writing.engines.redaction import Key
from stages.writing.engines.thinking import spoken
from tests import fakes
from tests.test_engines import asks, options, refusal

KEY = "sk-proj-Qx7vLm20TzRb9KdW4Ns8"


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "PAUSE", 0.01)
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
        (fakes.saying({"content": "half an"}, "content_filter"), "content filter"),
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
    monkeypatch.setattr(server, "MOST_BYTES", 2**20)
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
    monkeypatch.setattr(server, "MOST_BYTES", 2**20)
    behave = fakes.flood(200, coding, 2**25)
    monkeypatch.setattr(fakes.Handler, "do_GET", lambda self: behave(self, {}))
    assert "more than 1 MiB" in refusal(address=fake.address, timeout=20)


def test_a_byte_now_and_then_is_no_answer(fake: fakes.Fake) -> None:
    fake.behave = fakes.drip
    began = time.monotonic()
    (bad,) = answers(fake, n=1, retries=0, timeout=0.4)
    assert isinstance(bad, Failed) and bad.fatal and "within 0.4 s" in bad.reason
    assert time.monotonic() - began < 5


def test_a_drip_for_one_request_is_that_ones_failure(fake: fakes.Fake) -> None:
    fake.behave = lambda handler, body: "query 0" in json.dumps(body) and fakes.drip(handler, body)
    bad, good = answers(fake, n=2, retries=0, timeout=0.4)
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
    monkeypatch.setattr(server.os, "environ", {"WRITER_KEY": bad})
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
    began = time.monotonic()
    assert spoken(text) == want
    assert time.monotonic() - began < 1


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
    assert fake.asked[-1]["max_tokens"] == 8 + server.THINKING and "stop" not in fake.asked[-1]
    fake.behave = fakes.saying({"content": "old barn", field: "hm"})
    assert answers(fake, n=1) == ["old barn"]


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


@pytest.mark.parametrize(
    "address", ["127.0.0.1:80/v1", "http://127.0.0.1:181029/v1", "http://[::1/v1", "ftp://a/v1",
                "http:///v1", "http://user:geheim@127.0.0.1/v1", ""]
)  # fmt: skip
def test_what_is_no_address_is_told(address: str) -> None:
    with pytest.raises(InputError, match=r"no address of a server") as error:
        server.served(options(address))
    assert "geheim" not in str(error.value)
