"""What stages say of their speed, of the time that is left, and of counts."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from stages.core.pace import Pace, duration, listed
from stages.training import progress


def test_the_time_left_is_unknown_until_something_is_done() -> None:
    pace = Pace(now=0)
    assert pace.left(10) == "time left unknown" and pace.rate is None
    for now in (1, 2, 3e9):
        pace.add(0, now)
        assert pace.left(10) == "time left unknown"
    assert pace.left(0) == "nothing left"


def test_the_rate_is_the_recent_one() -> None:
    """Slow for an hour, then fast: a mean since the start would say 20 times as long."""
    pace = Pace(now=0)
    for n in range(1, 61):
        pace.add(n, n * 60.0)
    assert pace.left(90) == "about 90 min left"
    for n in range(1, 31):
        pace.add(60 + 10 * n, 3600.0 + 10 * n)
    assert pace.rate == pytest.approx(1) and pace.left(50) == "about 50 s left"


def test_work_that_resumes_counts_from_where_it_was() -> None:
    pace = Pace(400, now=0)
    pace.add(410, 10)
    assert pace.rate == 1


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.4, "0 s"), (59, "59 s"), (99.4, "99 s"), (120, "2 min"), (5900, "98 min"), (9000, "2.5 h")],
)
def test_durations_read_well(seconds: float, said: str) -> None:
    assert duration(seconds) == said


def test_counts_are_words() -> None:
    counts = {"content_type": 3, "length": 1200, "none_of_these": 0, "leaked": 2}
    assert listed(counts) == "1,200 length, 3 content type, 2 leaked"
    assert listed(counts, 1) == "1,200 length, 5 other"
    assert listed({}) == "none"


def test_training_tells_no_loss_before_there_is_one(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", 0.0)
    line = progress.ProgressLine(8)
    state = SimpleNamespace(global_step=0, max_steps=20, is_world_process_zero=True)
    line.on_train_begin(None, state, None)
    state.global_step = 1
    line.on_step_end(None, state, None)
    line.on_log(None, state, None, logs={"loss": 0.5})
    line.on_log(None, state, None, logs={"train_runtime": 1.0})
    state.global_step = 2
    line.on_step_end(None, state, None)
    first, second = capsys.readouterr().out.splitlines()
    assert "step 1 of 20" in first and "loss not logged yet" in first and "nan" not in first
    assert "loss 0.500" in second and "left" in second
