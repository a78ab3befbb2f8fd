"""The single-turn Python part of the Berkeley Function-Calling Leaderboard (BFCL v4): its rows, as
the package bfcl-eval has them, their functions as catalogues, and how they are asked.

The package's files are read here: its own reader, `bfcl_eval.utils`, writes folders beside itself.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from stages import formats
from stages.core import catalogue as catalogues
from stages.core import files
from stages.core.catalogue import Catalogue, Function
from stages.core.command import InputError
from stages.core.conversation import Message
from stages.formats import Format

PACKAGE = "bfcl-eval"
# Categories whose rows want the calls that the package lists.
NON_LIVE = ("simple_python", "multiple", "parallel", "parallel_multiple")
LIVE = ("live_simple", "live_multiple", "live_parallel", "live_parallel_multiple")
# No call is right; any call is.
IRRELEVANCE, LIVE_IRRELEVANCE, LIVE_RELEVANCE = "irrelevance", "live_irrelevance", "live_relevance"
NO_CALL = (IRRELEVANCE, LIVE_IRRELEVANCE)
CATEGORIES = (*NON_LIVE, IRRELEVANCE, *LIVE, LIVE_IRRELEVANCE, LIVE_RELEVANCE)
DEFAULT = (*NON_LIVE, IRRELEVANCE)
SETTING = "benchmark.categories"
# BFCL's types that JSON Schema names otherwise. `any` is a schema without a type.
TYPES = {"dict": "object", "float": "number", "tuple": "array"}


@dataclass(frozen=True)
class Row:
    """A question. functions: as BFCL has them, for its checker; catalogue: the same as ours;
    expected: BFCL's ground truth, a dict {function: {argument: accepted values}} per call, empty
    where no particular call is right.
    """

    row_id: str
    category: str
    messages: list[Message]
    functions: list[dict[str, Any]]
    catalogue: Catalogue
    expected: list[dict[str, Any]]

    @property
    def wants_call(self) -> bool:
        """Whether an answer without a call is wrong."""
        return self.category not in NO_CALL


@dataclass(frozen=True)
class Questions:
    """The rows of some categories, the version of the package, and the SHA-256 of the data files
    that were read, one after another in the order of CATEGORIES.
    """

    rows: list[Row]
    version: str
    sha256: str


def select(names: Sequence[str], where: str = "--categories") -> tuple[str, ...]:
    """The categories of these names, each once, in the order of CATEGORIES. where: the option or
    setting that has them.

    Raises InputError for names that are none, and where a category that wants no call has none
    beside it, of the same part, that wants one: a model that never calls has all of it right.
    """
    if unknown := [name for name in names if name not in CATEGORIES]:
        raise InputError(
            f"{where} {' '.join(unknown)}: none of BFCL's single-turn Python categories, "
            f"which are {', '.join(CATEGORIES)}"
        )
    selected = tuple(name for name in CATEGORIES if name in names)
    for name in NO_CALL:
        beside = NON_LIVE if name == IRRELEVANCE else (*LIVE, LIVE_RELEVANCE)
        if name in selected and not set(beside) & set(selected):
            raise InputError(
                f"{where} {name}: a model that never calls has it right; name one of "
                f"{', '.join(beside)} beside it"
            )
    return selected


def data() -> Path:
    """The folder of the package's data. Raises InputError where it is not installed."""
    spec = find_spec("bfcl_eval")
    if spec is None or not spec.submodule_search_locations:
        raise InputError(f"the package {PACKAGE} is not installed: run `make setup`")
    return Path(spec.submodule_search_locations[0]) / "data"


def read(categories: Sequence[str]) -> Questions:
    """The rows of the categories, in their order. Raises InputError for data that are not BFCL
    v4's.
    """
    folder, digest, rows = data(), hashlib.sha256(), list[Row]()
    for category in categories:
        questions = folder / f"BFCL_v4_{category}.json"
        answers = folder / "possible_answer" / questions.name
        try:
            expected = _expected(answers) if category in (*NON_LIVE, *LIVE) else {}
            for line in files.read_jsonl(questions):
                truth = expected[line["id"]] if expected else []
                rows.append(_row(category, line, truth))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise InputError(
                f"{questions} is not as BFCL v4 has it ({type(error).__name__}: {error!s:.100}): "
                f"install the version of {PACKAGE} that `make setup` has"
            ) from None
        for path in (questions, answers) if expected else (questions,):
            digest.update(path.read_bytes())
    return Questions(rows, metadata.version(PACKAGE), digest.hexdigest())


def _expected(path: Path) -> dict[str, list[dict[str, Any]]]:
    return {line["id"]: line["ground_truth"] for line in files.read_jsonl(path)}


def _row(category: str, line: dict[str, Any], expected: list[dict[str, Any]]) -> Row:
    (turn,) = line["question"]
    messages = [{"role": message["role"], "content": message["content"]} for message in turn]
    # Some rows of live_irrelevance show no function at all.
    shown = Catalogue(_function(json.dumps(function)) for function in line["function"])
    return Row(line["id"], category, messages, line["function"], shown, expected)


@cache
def _function(text: str) -> Function:
    """A function of ours from the JSON text of BFCL's; many stand in several rows."""
    function = json.loads(text)
    tool = {**function, "parameters": schema(function["parameters"])}
    return catalogues.from_tools([tool], PACKAGE).functions[0]


def schema(described: dict[str, Any]) -> dict[str, Any]:
    """A type as BFCL describes it, as JSON Schema: other names of types, all else as it is."""
    made = dict(described)
    if made.get("type") == "any":
        del made["type"]
    elif "type" in made:
        made["type"] = TYPES.get(made["type"], made["type"])
    if "properties" in made:
        made["properties"] = {name: schema(one) for name, one in made["properties"].items()}
    if isinstance(made.get("items"), dict):
        made["items"] = schema(made["items"])
    return made


def conversation(row: Row, form: Format) -> tuple[list[Message], list[dict[str, Any]] | None]:
    """What a chat template is given for a row: its functions are all shown, in BFCL's order. Where
    the row has a system message of its own, it follows in ours, as in BFCL's own prompts.

    Raises InputError for functions that the format cannot tell apart.
    """
    formats.check(form, row.catalogue, f"{PACKAGE}, {row.row_id}")
    messages, tools = formats.conversation(form, row.messages, row.catalogue.tools)
    if [message["role"] for message in messages[:2]] == ["system", "system"]:
        ours, own, *rest = messages
        messages = [{**ours, "content": f"{ours['content']}\n\n{own['content']}"}, *rest]
    return messages, tools
