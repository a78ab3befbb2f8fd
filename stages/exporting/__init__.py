"""The dataset in the shapes that others read: one format a file.

row(sample, number) -> the row in the format; `number`: its place in the split, from 0. Raises
                       `Unheld` for what the format cannot hold
write(folder, split, rows)                       the rows as the files of a split
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from stages.exporting import bfcl, hermes, openai, sharegpt, trl, writing, xlam
from stages.exporting.sample import SPLITS, Sample, Unheld, read


class Format(NamedTuple):
    """How a row is written, and the rows of a split."""

    row: Callable[[Sample, int], dict[str, Any]]
    write: Callable[[Path, str, Iterable[dict[str, Any]]], None]


FORMATS = {
    "trl": Format(trl.row, trl.write),
    "openai": Format(openai.row, writing.jsonl),
    "hermes": Format(hermes.row, writing.json_list),
    "sharegpt": Format(sharegpt.row, sharegpt.write),
    "xlam": Format(xlam.row, writing.json_list),
    "bfcl": Format(bfcl.row, bfcl.write),
}


class Written(NamedTuple):
    """Rows that were written, by split, and of those left out what they are."""

    rows: Counter[str]
    left_out: Counter[str]


def export(name: str, dataset: Path, folder: Path) -> Written:
    """Write all splits of `dataset` in the format `name` into `folder`. InputError as of `read`."""
    form = FORMATS[name]
    written = Written(Counter(), Counter())
    for split in SPLITS:
        form.write(folder, split, _rows(form, read(dataset, split), split, written))
    return written


def _rows(
    form: Format, samples: Iterable[Sample], split: str, written: Written
) -> Iterator[dict[str, Any]]:
    for number, sample in enumerate(samples):
        try:
            yield form.row(sample, number)
        except Unheld as reason:
            written.left_out[str(reason)] += 1
        else:
            written.rows[split] += 1
