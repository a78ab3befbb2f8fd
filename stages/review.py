"""Write what a person is to read, and the page to answer it on.

Command: python -m stages.review [--sample N]
Reads:   data/generated, data/routed, data/judged; data/dataset, where it takes a sample; the pack's
         verdicts.jsonl
Writes:  data/review/doubtful.parquet, data/review/review.html: one file that opens offline and asks
         for nothing

Not a stage of the pipeline. It takes the conversations of which the judge was not sure; where
nobody judged, or with --sample, N of each scenario of the dataset, drawn by the seed. What has a
verdict already is left out. The page saves verdicts.jsonl: add its lines to the pack's, in Git.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path

import polars as pl

from stages.core import files, links, verdicts
from stages.core import pack as packs
from stages.core.command import InputError, run
from stages.core.settings import load as load_settings
from stages.core.tables import DOUBTFUL, Dialogues, Doubtful, Judgments
from stages.core.verdicts import Verdict

OUT, JUDGMENTS = Path("data/review"), Path("data/judged/judgments.parquet")
SCORES = ("faithful", "satisfying", "compliant")
# Conversations of each scenario in a sample, if nothing is said; those on the page, at most.
SAMPLE, MOST = 20, 1_000


def arguments(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line. Raises InputError for a number out of its bounds."""
    parser = argparse.ArgumentParser(
        "python -m stages.review", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    words = f"N of each scenario of the dataset (without a judge {SAMPLE})"
    parser.add_argument("--sample", type=int, metavar="N", help=words)
    options = parser.parse_args(argv)
    if options.sample is not None and not 1 <= options.sample <= MOST:
        raise InputError(f"--sample {options.sample}: give a number from 1 to {MOST}")
    return options


def unanswered(frame: pl.DataFrame, answered: dict[str, Verdict]) -> pl.DataFrame:
    """The candidates that have no verdict, with sample_id and digest."""
    ids = [verdicts.sample_id(*row) for row in frame.select("plan_id", "n").rows()]
    digests = [verdicts.digest(messages) for messages in frame["messages"]]
    is_open = [
        (verdict := answered.get(name)) is None or verdict.digest not in (None, digest)
        for name, digest in zip(ids, digests, strict=True)
    ]
    columns = {"sample_id": ids, "digest": digests}
    named = [pl.Series(name, values, dtype=pl.String) for name, values in columns.items()]
    return frame.with_columns(named).filter(pl.Series(is_open, dtype=pl.Boolean))


def sampled(frame: pl.DataFrame, count: int, seed: int) -> pl.DataFrame:
    """`count` rows of each scenario, drawn by the seed: the same of the same rows."""
    draws = [blake2b(f"{seed}/{name}".encode()).hexdigest() for name in frame["sample_id"]]
    frame = frame.with_columns(draw=pl.Series(draws, dtype=pl.String)).sort("draw")
    return frame.group_by("scenario", maintain_order=True).head(count).drop("draw")


def in_dataset() -> pl.Series:
    """The ids of the dataset's samples."""
    parts = [files.read_table(f"data/dataset/{name}.parquet", Dialogues)["sample_id"]
             for name in ("train", "validation")]  # fmt: skip
    return pl.concat(parts)


def main(argv: Sequence[str] | None = None) -> None:
    options = arguments(argv)
    # Here, so that --help need not wait for jinja.
    from stages.reporting import reviewing
    from stages.spine import candidates

    settings = load_settings()
    pack = packs.load(settings.pack)
    links.check(pack.verdicts, settings.pack)
    answered = verdicts.read(pack.verdicts)
    frame = unanswered(candidates.accepted(), answered)
    scored = files.read_table(JUDGMENTS, Judgments) if JUDGMENTS.exists() else None
    if scored is not None:
        frame = frame.join(scored.select("plan_id", "n", "verdict", *SCORES), ["plan_id", "n"],
                           "left")  # fmt: skip
    if options.sample is None and scored is not None and scored.height:
        frame, origin = frame.filter(verdict=DOUBTFUL), "of which the judge was not sure"
    else:
        count = options.sample or SAMPLE
        frame = sampled(frame.filter(pl.col("sample_id").is_in(in_dataset().implode())), count,
                        settings.seed)  # fmt: skip
        origin = f"of the dataset, up to {count} of each scenario"
    if scored is None:
        frame = frame.with_columns(pl.lit(None, dtype=pl.Float64).alias(name) for name in SCORES)
    frame = frame.sort("scenario", "sample_id").select(Doubtful.schema().names())
    files.write_table(OUT / "doubtful.parquet", frame, Doubtful)
    text = reviewing.render(
        f"{pack.name}: right or wrong?", frame.head(MOST).iter_rows(named=True), frame.height
    )
    with files.replacing(OUT / "review.html") as temporary:
        temporary.write_text(text, "utf-8")
    print(f"{OUT}/review.html: {min(frame.height, MOST):,} conversations {origin}; "
          f"{len(answered):,} have a verdict. Open it in a browser, and add the lines that it "
          f"saves to {pack.verdicts}")  # fmt: skip
    if frame.height > MOST:
        print(f"{frame.height - MOST:,} more are in doubtful.parquet and come on the page once "
              "these have verdicts")  # fmt: skip


if __name__ == "__main__":
    run(main)
