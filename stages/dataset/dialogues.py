"""Which conversations a dataset takes."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from stages.core.plan import turns_from_json
from stages.core.runs import Runs
from stages.core.strata import FUNCTION, Stratum, neighbours
from stages.dataset import columns, contamination, duplicates
from stages.dataset.standing import tiers
from stages.dataset.steering import steered

# The route that fills what others lack.
LAST_RESORT = "heuristic"


def refused(frame: pl.DataFrame, golden: Runs, threshold: float, seed: int) -> pl.DataFrame:
    """`frame` with `text`, the normalized query, and with `check` and `reason` also for what only
    the whole table shows: a golden query, a repeated query, or one that nearly repeats another
    which means the same.

    frame: columns query, meant, check, reason, in the order of preference. Two queries that differ
    in a value alone do not mean the same, and both teach something.
    """
    texts = columns.normalize(frame["query"])
    check, reason = frame["check"].to_list(), frame["reason"].to_list()

    def open_rows() -> list[int]:
        return [n for n, one in enumerate(check) if one is None]

    def object_to(row: int, name: str, text: str) -> None:
        check[row], reason[row] = name, text

    rows = open_rows()
    for row, why in zip(rows, contamination.reasons(texts.gather(rows), golden), strict=True):
        if why is not None:
            object_to(row, "contamination", why)
    rows = open_rows()
    for row, is_repeated in zip(rows, duplicates.exact(texts.gather(rows)), strict=True):
        if is_repeated:
            object_to(row, "duplicate", "the same query stands there already")
    groups: dict[str, list[int]] = defaultdict(list)
    for row in open_rows():
        groups[frame["meant"][row]].append(row)
    for members in groups.values():
        if len(members) > 1:
            near = duplicates.near(texts.gather(members), threshold, seed)
            for row, earlier in zip(members, near, strict=True):
                if earlier >= 0:
                    query = frame["query"][members[int(earlier)]]
                    object_to(row, "near_duplicate", f"nearly repeats {query!r:.200}")
    return frame.with_columns(
        text=texts,
        check=pl.Series(check, dtype=pl.String),
        reason=pl.Series(reason, dtype=pl.String),
    )


def preferred(
    passing: pl.DataFrame, targets: Sequence[Stratum], bins: NDArray[np.int64] | None = None
) -> list[int]:
    """The rows' positions, of each stratum those first that are to fill their route's part of its
    quota, so that a route with a surplus fills only what another lacks.

    passing: columns stratum, route, in the order of preference, and standing, where candidates
    were judged: all rows of a better one are taken before any of the next. bins: of the rows, by
    which those of a part are steered; None: its first rows.
    """
    parts = {(one.name, route): n for one in targets for route, n in one.routes.items()}
    widths = {one.name: (one.max_words, one[FUNCTION]) for one in targets}
    stock: dict[tuple[str, str], list[int]] = defaultdict(list)
    for row, key in enumerate(passing.select("stratum", "route").iter_rows()):
        stock[key].append(row)
    standing = passing["standing"].to_list() if "standing" in passing.columns else None
    groups = []
    # Short queries leave the least choice of a position; the heuristic route has most rows.
    for key, members in sorted(
        stock.items(), key=lambda item: (item[0][1] == LAST_RESORT, widths[item[0][0]][0])
    ):
        left = min(parts.get(key, 0), len(members))
        for rows in tiers(members, standing):
            groups.append((widths[key[0]][1], rows, min(left, len(rows))))
            left -= min(left, len(rows))
    first = steered(groups, bins) if bins is not None else [
        row for _, rows, n in groups for row in rows[:n]
    ]  # fmt: skip
    taken = set(first)
    return [*sorted(taken), *(row for row in range(passing.height) if row not in taken)]


def selected(names: Sequence[str], strata: Sequence[Stratum], keys: Sequence[str]) -> list[int]:
    """Positions of the rows to take: each stratum's first up to its quota, and where it lacks some
    the remaining rows of its neighbors, the nearest first.

    names: the stratum of each row, as `keys` name those of `strata`.
    """
    stock: dict[str, list[int]] = defaultdict(list)
    for row, name in enumerate(names):
        stock[name].append(row)
    taken: list[int] = []
    lacking: Counter[int] = Counter()
    for number, (stratum, key) in enumerate(zip(strata, keys, strict=True)):
        own, stock[key] = stock[key][: stratum.quota], stock[key][stratum.quota :]
        taken += own
        lacking[number] = stratum.quota - len(own)
    near = neighbours(strata)
    for number, missing in lacking.items():
        for other in near[number]:
            if missing <= 0:
                break
            rest = stock[keys[other]]
            taken += rest[:missing]
            stock[keys[other]] = rest[missing:]
            missing -= len(rest[:missing])
    return sorted(taken)


def meant(turns: str, text: str | None) -> str:
    """What a plan's query means, whatever its words: the calls that the user wants with their
    values, of several turns those of each, or the chit-chat itself. turns, text: as in a row of
    Plans.
    """
    if text is not None:
        return text
    wanted = [
        [[one.call.name, one.call.arguments] for one in turn.calls]
        for turn in turns_from_json(turns)
    ]
    if len(wanted) == 1:
        return json.dumps(wanted[0], sort_keys=True, ensure_ascii=False)
    return json.dumps(wanted, sort_keys=True, ensure_ascii=False)


def is_derived(turns: str) -> bool:
    """Whether a call of a plan has a value that is taken from the words: it is null in the plan."""
    calls = [call for turn in turns_from_json(turns) for call in turn.calls]
    return any(one.provenance == "derived" for call in calls for one in call.arguments)
