"""Stage `judge`: a model scores each conversation that the checks accepted.

Command: python -m stages.judge
Reads:   data/generated, data/routed; models/base/writer (where it judges in this process or on Ray)
Writes:  data/judged/judgments.parquet, metrics/judge.json; answers go to
         data/.work/completions.sqlite

It shows the model the functions and the conversation and asks for three scores: faithful,
satisfying, compliant. Their mean gives the verdict (params `judge`): `validate` rejects what was
refused, takes of several candidates of a plan the better one first, and what is doubtful last.
By default nobody judges, and the table is empty.
"""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import polars as pl

from stages.core import files
from stages.core.command import run
from stages.core.pace import Pace, duration, listed
from stages.core.settings import Settings
from stages.core.settings import load as load_settings
from stages.core.tables import VERDICTS, Judgments, empty

if TYPE_CHECKING:
    from stages.generation.asking import Asker

OUT, METRICS = "data/judged/judgments.parquet", "metrics/judge.json"
# Batches under way at a time, and seconds between two lines of progress.
AHEAD, EVERY = 2, 15.0
Wait = Callable[[], list[tuple[Any, ...]]]


def batches(begin: Callable[[pl.DataFrame], Wait], frame: pl.DataFrame, size: int
            ) -> Iterator[list[tuple[Any, ...]]]:  # fmt: skip
    """The results of each batch of rows, in order, the next batch under way meanwhile."""
    waiting: deque[Wait] = deque()
    for rows in frame.iter_slices(size):
        waiting.append(begin(rows))
        if len(waiting) == AHEAD:
            yield waiting.popleft()()
    while waiting:
        yield waiting.popleft()()


def judged(frame: pl.DataFrame, settings: Settings, asker: Asker) -> pl.DataFrame:
    """The rows of Judgments for conversations. frame: as `candidates.accepted` gives them. Raises
    InputError where the engine is gone or fails too often; what it answered is stored.
    """
    from stages.engines import Ask, store
    from stages.generation import judge

    block = settings.judge
    sampling = asker.accepted(judge.sampling(block.max_tokens))

    def begin(rows: pl.DataFrame) -> Wait:
        shown = rows.select("plan_id", "n", "tools", "messages", "today").rows()
        asks = [Ask(judge.prompt(*given), sampling, settings.seed) for _, _, *given in shown]
        wait = asker.start(asks)

        def scored() -> list[tuple[Any, ...]]:
            made = []
            for (plan_id, n, *_), (key, answer) in zip(shown, wait(), strict=True):
                scores = judge.scores(answer)
                means = (None,) * 4 if scores is None else (*scores, scores.mean)
                verdict = judge.verdict(scores, block)
                made.append((plan_id, n, *means, verdict, asker.model, store.short(key)))
            return made

        return scored

    made: list[tuple[Any, ...]] = []
    pace, printed = Pace(), time.monotonic()
    for results in batches(begin, frame, block.batch):
        made += results
        pace.add(len(made))
        if time.monotonic() - printed >= EVERY:
            print(f"judge: {len(made):,} of {frame.height:,}, "
                  f"{pace.left(frame.height - len(made))}", flush=True)  # fmt: skip
            printed = time.monotonic()
    asker.check_failures()
    return pl.DataFrame(made, schema=Judgments.schema(), orient="row")


def figures(table: pl.DataFrame, failed: int) -> dict[str, Any]:
    """What metrics/judge.json has. failed: requests without an answer."""
    counts = Counter(table["verdict"])
    means = {name: table[name].mean() for name in ("faithful", "satisfying", "compliant", "mean")}
    return {
        "judged": table.height,
        **{name: counts[name] for name in VERDICTS},
        "unreadable": table["mean"].null_count() - failed,
        "failed": failed,
        "means": means,
    }


def main() -> None:
    settings = load_settings()
    started = time.monotonic()
    if settings.judge.engine == "none":
        files.write_table(OUT, empty(Judgments), Judgments)
        files.write_json(METRICS, figures(empty(Judgments), 0))
        print("judge: nobody judges (judge.engine is none)")
        return
    from stages.generation.asking import Asker
    from stages.spine import candidates

    frame = candidates.accepted()
    asker = Asker(settings, "judge", "judge")
    try:
        table = judged(frame, settings, asker)
    finally:
        asker.close()
    files.write_table(OUT, table.sort("plan_id", "n"), Judgments)
    metrics = figures(table, asker.counts["failed"])
    files.write_json(METRICS, metrics)
    seconds = round(time.monotonic() - started, 1)
    spending = asker.spending
    tokens = {} if spending is None else {"tokens": spending.counts()}
    files.write_timings("judge", {"seconds": seconds, "store": dict(asker.counts)} | tokens)
    cost = f"; {spending.in_words()}" if spending is not None else ""
    verdicts = {name: metrics[name] for name in (*VERDICTS, "unreadable", "failed")}
    print(f"judge: {metrics['judged']:,} conversations in {duration(seconds)}: "
          f"{listed(verdicts)}{cost}")  # fmt: skip


if __name__ == "__main__":
    run(main, __doc__)
