"""A preview of a route: spread over strata, paid once, bounded in tokens."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages import generate
from stages.core.command import InputError
from stages.engines.spending import Spending, Spent, guess
from stages.spine.preview import Seen, expected, spread
from tests import fakes
from tests.builders import TRAVEL
from tests.conftest import params
from tests.spine.runs import planned

USAGE = {"prompt_tokens": 90, "completion_tokens": 10, "total_tokens": 100}
WANTED = 80


@given(st.lists(st.sampled_from("abcdef"), max_size=60), st.integers(1, 70))
def test_plans_are_spread_over_strata(strata: list[str], count: int) -> None:
    positions = spread(strata, count)
    assert len(positions) == len({*positions}) == min(count, len(strata))
    counts, plans = Counter(strata[n] for n in positions), Counter(strata)
    largest = max(counts.values(), default=0)
    # A stratum that gives less than another has no more, or the last round was not whole.
    assert all(counts[name] >= min(largest - 1, n) for name, n in plans.items())
    for name in plans:
        queue = [n for n, stratum in enumerate(strata) if stratum == name]
        assert sorted(n for n in positions if strata[n] == name) == queue[: counts[name]]


def test_the_requests_of_a_route_are_those_of_its_quotas_or_plans() -> None:
    plans = pl.DataFrame({"stratum": ["a"] * 30 + ["b"] * 5, "quota": [10] * 30 + [4] * 5})

    def seen(asked: int, accepted: int) -> Seen:
        return Seen(asked, 0, asked, accepted, {}, 0)

    assert expected(plans, seen(10, 10)) == 14
    assert expected(plans, seen(10, 5)) == 20 + 5
    assert expected(plans, seen(10, 0)) == expected(plans, seen(0, 0)) == 35


def completion(text: object, **usage: Any) -> SimpleNamespace:
    tokens = SimpleNamespace(**usage) if usage else None
    choice = SimpleNamespace(message=SimpleNamespace(content=text))
    return SimpleNamespace(usage=tokens, choices=[choice])


@pytest.mark.parametrize("odd", [None, -1, 1.5, "7", True, 10**12])
def test_a_usage_that_is_none_is_reckoned(odd: Any) -> None:
    spending = Spending()
    asked = [{"content": "a sentence of some words"}, {"content": [{"type": "image_url"}]}]
    spending.add(completion("ü" * 9, prompt_tokens=odd, completion_tokens=1), asked)
    assert (spending.answers, spending.guessed) == (1, 1)
    assert spending.prompt == guess(asked) >= 1_000 and spending.answer == 6
    spending.add("<html>", asked)
    assert spending.answers == 1
    spending.add(completion(None, prompt_tokens=5, completion_tokens=2), asked)
    assert (spending.answers, spending.guessed, spending.answer) == (2, 1, 8)


def test_a_limit_of_nothing_is_none() -> None:
    spending = Spending(prompt=10**9)
    spending.check()
    with pytest.raises(Spent, match=r"max_tokens_total is 9, and 1,000,000,000 tokens"):
        Spending(9, prompt=10**9).check()


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with plans of the pack `travel`, which has no templates: a server rewords."""

    def small(value: dict[str, Any]) -> None:
        value["route"].update(rows=WANTED, recipe="router_heuristic", min_per_cell=1)
        value["generate"]["engine"] = "server"
        value["generate"]["server"].update(retries=1, concurrency=4)
        value["generate"]["text"]["batch"] = 16

    with planned(tmp_path_factory.mktemp("previewed"), TRAVEL, small) as folder:
        yield folder


def counting(handler: fakes.Handler, body: dict[str, Any]) -> bool:
    """The usual answer, with its tokens."""
    handler.say({"content": fakes.answer(body)}, usage=USAGE)
    return True


@pytest.fixture
def previewed(made: Path) -> Iterator[tuple[Path, fakes.Fake]]:
    """The same, and a server under a name of its own, for the store to know nothing of."""
    with fakes.running() as fake:
        fake.behave = counting
        fake.models = [f"fake-{fake.server_address[1]}"]

        def changed(value: dict[str, Any]) -> None:
            value["generate"]["server"].update(address=fake.address, max_tokens_total=None)

        params(made, changed)
        yield made, fake


def written() -> set[Path]:
    """Files that a stage writes; not what it keeps beside."""
    paths = {*Path("data").rglob("*"), *Path("metrics").rglob("*")}
    return {path for path in paths if ".work" not in path.parts}


def test_a_preview_shows_everything_and_is_paid_once(
    previewed: tuple[Path, fakes.Fake], capsys: pytest.CaptureFixture[str]
) -> None:
    _, fake = previewed
    before = written()
    capsys.readouterr()
    generate.main(["text", "--preview", "7"])
    shown = capsys.readouterr().out
    assert written() == before
    assert len(fake.asked) == 7
    for body in fake.asked:
        assert body["messages"][-1]["content"] in shown
        assert fakes.answer(body).strip() in shown
    assert shown.count("  verdict   ") == 7
    passed = shown.count("  verdict   accepted")
    assert f"{passed} of 7 candidates accepted ({passed / 7:.0%})" in shown
    assert "7 asked for" in shown
    assert "tokens: 700 tokens (630 of prompts, 70 of answers, in 7 answers)" in shown
    assert re.search(r"about [\d,]+ requests of 100 tokens \(as here\), [\d,]+00 tokens", shown)

    bodies = [json.dumps(body) for body in fake.asked]
    generate.main(["text", "--preview", "7"])
    shown = capsys.readouterr().out
    assert len(fake.asked) == 7 and "7 from the store, 0 asked for" in shown
    assert "tokens: 0 tokens" in shown and "reckoned from the length" in shown
    fake.asked.clear()
    generate.main(["text"])
    asked = [json.dumps(body) for body in fake.asked]
    assert asked and not {*asked} & {*bodies}
    spent = json.loads(Path("data/.work/timings/generate_text.json").read_text())["tokens"]
    assert spent == {"prompt": 90 * len(asked), "answer": 10 * len(asked), "answers": len(asked)}
    assert f"{100 * len(asked):,} tokens" in capsys.readouterr().out


def test_a_preview_of_patterns_asks_nobody(
    previewed: tuple[Path, fakes.Fake], capsys: pytest.CaptureFixture[str]
) -> None:
    _, fake = previewed
    before = written()
    capsys.readouterr()
    generate.main(["heuristic", "--preview", "5"])
    shown = capsys.readouterr().out
    assert written() == before and not fake.asked
    assert shown.count("  query     ") == 5 and "tokens" not in shown


def test_a_limit_stops_the_stage_and_keeps_what_was_paid(
    previewed: tuple[Path, fakes.Fake],
) -> None:
    folder, fake = previewed
    generate.main(["text"])
    table = Path("data/generated/text.parquet")
    whole, needed = table.read_bytes(), len(fake.asked)
    table.unlink()
    # The same answers by another name: the store has none of them.
    fake.models = ["limited"]
    fake.asked.clear()
    params(folder, lambda v: v["generate"]["server"].update(max_tokens_total=1_000))
    runs = 0
    while not table.exists() and runs < needed:
        before = len(fake.asked)
        try:
            generate.main(["text"])
        except InputError as error:
            spent = 100 * (len(fake.asked) - before)
            # Ten answers, and at most as many more as may be under way beside the tenth.
            assert 1_000 <= spent <= 1_000 + 3 * 100
            assert f"is 1,000, and {spent:,} tokens" in str(error)
            assert "raise the limit" in str(error)
        runs += 1
    assert len(fake.asked) == needed and runs > 1
    again = pl.read_parquet(table).drop("model", "prompt_hash")
    table.write_bytes(whole)
    assert again.equals(pl.read_parquet(table).drop("model", "prompt_hash"))


def test_answers_that_are_thrown_away_count(previewed: tuple[Path, fakes.Fake]) -> None:
    folder, fake = previewed
    params(folder, lambda v: v["generate"]["server"].update(max_tokens_total=900))
    # A model that thinks is asked again otherwise; each answer is paid.
    fake.behave = fakes.saying({"content": "", "reasoning_content": "hm"}, usage=USAGE)
    with pytest.raises(InputError, match=r"max_tokens_total is 900, and .* are used"):
        generate.main(["text"])
    assert 9 <= len(fake.asked) <= 9 + 3


@pytest.mark.parametrize(
    "argv", [["--preview", "3"], ["text", "--preview", "0"], ["text", "--preview", "1001"]]
)
def test_a_preview_needs_a_route_and_a_number(argv: list[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        generate.main(argv)
    assert stopped.value.code == 2
