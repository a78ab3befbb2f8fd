"""How near a pack and its dataset come to BFCL: names and numbers for who reads the scores. Nothing
here changes a pack or a dataset.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import polars as pl
from rich.table import Table

from stages.core.catalogue import Catalogue, Function
from stages.core.runs import RUN, Runs
from stages.core.text import normalized
from stages.evaluation.bfcl import Row
from stages.evaluation.similarity import Encode

# Parameters that a function has at least, for its set of them to tell anything.
FEWEST_PARAMETERS = 3
NEAREST, NEAR = 5, 0.9


def report(
    catalogue: Catalogue,
    dialogues: Sequence[Sequence[str]],
    rows: Sequence[Row],
    embedder: Callable[[], Encode],
) -> dict[str, Any]:
    """What metrics/benchmark.json says of contamination. dialogues: of each sample of the dataset
    what the user says; rows: BFCL's; embedder: loads the sentence embedder.

    `shared_names`: functions of the catalogue whose name BFCL has, too; `equal_parameters`: pairs
    of functions, ours and BFCL's, with the same names of parameters, FEWEST_PARAMETERS of them or
    more; `shared_runs`: samples in which the user says RUN words in a row of a query of BFCL's;
    `nearest_descriptions`: the functions of the catalogue whose descriptions come nearest, each
    with BFCL's nearest, by the cosine of their embeddings; `near_descriptions`: how many come
    nearer than NEAR.
    """
    theirs = {_content(function): function for row in rows for function in row.catalogue.functions}
    found = list(theirs.values())
    known = Runs(message["content"] for row in rows for message in row.messages
                 if message["role"] == "user")  # fmt: skip
    nearest = nearest_descriptions(catalogue.functions, found, embedder)
    return {
        "functions": len(catalogue),
        "bfcl_functions": len(found),
        "shared_names": shared_names(catalogue.functions, found),
        "equal_parameters": equal_parameters(catalogue.functions, found),
        "samples": len(dialogues),
        "shared_runs": shared_runs(dialogues, known),
        "near_descriptions": sum(cosine > NEAR for _, _, cosine in nearest),
        "nearest_descriptions": nearest[:NEAREST],
    }


def _content(function: Function) -> tuple[str, str, tuple[str, ...]]:
    """What functions of several rows have in common, where they are the same."""
    return function.name, function.description, tuple(function.properties)


def plain(name: str) -> str:
    """A name without case, dots and underscores."""
    return re.sub(r"[._]", "", name).lower()


def shared_names(ours: Iterable[Function], theirs: Iterable[Function]) -> list[str]:
    """Our functions with a name of theirs, in order."""
    names = {plain(function.name) for function in theirs}
    return [function.name for function in ours if plain(function.name) in names]


def equal_parameters(ours: Iterable[Function], theirs: Iterable[Function]) -> list[list[str]]:
    """Pairs of functions, ours and theirs, that have the same FEWEST_PARAMETERS or more names of
    parameters, in any order.
    """
    by_set: dict[frozenset[str], dict[str, None]] = defaultdict(dict)
    for function in theirs:
        by_set[_parameters(function)][function.name] = None
    return [
        [function.name, name]
        for function in ours
        if len(own := _parameters(function)) >= FEWEST_PARAMETERS
        for name in by_set.get(own, ())
    ]


def _parameters(function: Function) -> frozenset[str]:
    return frozenset(plain(name) for name in function.properties)


def shared_runs(dialogues: Sequence[Sequence[str]], known: Runs) -> int:
    """How many dialogues have a text that shares RUN words in a row with a known one."""
    texts = [(row, normalized(text)) for row, said in enumerate(dialogues) for text in said]
    longest = known.longest_runs(pl.Series([text for _, text in texts], dtype=pl.String))
    return len({row for (row, _), run in zip(texts, longest, strict=True) if run >= RUN})


def nearest_descriptions(
    ours: Iterable[Function], theirs: Iterable[Function], embedder: Callable[[], Encode]
) -> list[tuple[str, str, float]]:
    """Each function of ours with the one of theirs whose description is nearest, and the cosine,
    the nearest first; functions without a description are left out.
    """
    left, right = ([one for one in some if one.description.strip()] for some in (ours, theirs))
    if not left or not right:
        return []
    encode = embedder()
    vectors = [encode([one.description for one in side]) for side in (left, right)]
    if vectors[0].shape[1] != vectors[1].shape[1]:  # one side says nothing that the model knows
        return []
    cosines = np.clip(vectors[0] @ vectors[1].T, -1.0, 1.0)
    best = cosines.argmax(axis=1)
    pairs = [
        (function.name, right[column].name, round(float(cosines[row, column]), 4))
        for row, (function, column) in enumerate(zip(left, best, strict=True))
    ]
    return sorted(pairs, key=lambda pair: -pair[2])


def table(value: dict[str, Any]) -> Table:
    """The report as it is printed."""
    shown = Table("how near the pack comes to BFCL", "", title="contamination")
    names, pairs = value["shared_names"], value["equal_parameters"]
    shown.add_row(f"names shared, of {value['functions']}", _listed(names))
    shown.add_row(
        f"equal parameters, {FEWEST_PARAMETERS} or more",
        _listed([f"{ours} = {theirs}" for ours, theirs in pairs]),
    )
    shown.add_row(
        f"samples with {RUN} words in a row, of {value['samples']}", str(value["shared_runs"])
    )
    shown.add_row(f"descriptions nearer than {NEAR}", str(value["near_descriptions"]))
    for ours, theirs, cosine in value["nearest_descriptions"]:
        shown.add_row("nearest", f"{cosine:.3f} {ours}, {theirs}")
    return shown


def _listed(names: Sequence[str]) -> str:
    """How many there are, with the first of them."""
    more = ", ..." if len(names) > NEAREST else ""
    return f"{len(names)}: {', '.join(names[:NEAREST])}{more}" if names else "0"
