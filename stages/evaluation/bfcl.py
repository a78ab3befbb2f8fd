"""The Python part of the Berkeley Function-Calling Leaderboard (BFCL v4), single turns and
conversations: its rows, as the package bfcl-eval has them, their functions as catalogues, and how
they are asked.

The package's files are read here: its own reader, `bfcl_eval.utils`, writes folders beside itself.
"""

from __future__ import annotations

import ast
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from stages import formats
from stages.core import catalogue as catalogues
from stages.core import files
from stages.core.catalogue import Catalogue, Function
from stages.core.command import InputError
from stages.core.conversation import Message, user
from stages.formats import Format

PACKAGE = "bfcl-eval"
# Categories whose rows want the calls that the package lists.
NON_LIVE = ("simple_python", "multiple", "parallel", "parallel_multiple")
LIVE = ("live_simple", "live_multiple", "live_parallel", "live_parallel_multiple")
# No call is right; any call is.
IRRELEVANCE, LIVE_IRRELEVANCE, LIVE_RELEVANCE = "irrelevance", "live_irrelevance", "live_relevance"
NO_CALL = (IRRELEVANCE, LIVE_IRRELEVANCE)
SINGLE_TURN = (*NON_LIVE, IRRELEVANCE, *LIVE, LIVE_IRRELEVANCE, LIVE_RELEVANCE)
LONG_CONTEXT = "multi_turn_long_context"
MULTI_TURN = ("multi_turn_base", "multi_turn_miss_func", "multi_turn_miss_param", LONG_CONTEXT)
CATEGORIES = (*SINGLE_TURN, *MULTI_TURN)
DEFAULT = (*NON_LIVE, IRRELEVANCE)
SETTING = "benchmark.categories"
# The classes of the conversations: each has a file of functions, and a module of that name.
CLASSES = {
    "GorillaFileSystem": "gorilla_file_system", "MathAPI": "math_api",
    "MessageAPI": "message_api", "TwitterAPI": "posting_api", "TicketAPI": "ticket_api",
    "TradingBot": "trading_bot", "TravelAPI": "travel_booking",
    "VehicleControlAPI": "vehicle_control",
}  # fmt: skip
# What BFCL's user says where functions are shown that were held back.
ADDED = "I have updated some more functions you can choose from. What about now?"
# BFCL's types that JSON Schema names otherwise. `any` is a schema without a type.
TYPES = {"dict": "object", "float": "number", "tuple": "array"}


class GoldCall(NamedTuple):
    """A call of the ground truth of a conversation, which may have arguments by position."""

    name: str
    positional: list[Any]
    arguments: dict[str, Any]


@dataclass(frozen=True)
class Scenario:
    """What makes a row a conversation. classes: where its functions are; initial: their state, by
    class; turns: what the user says; held_back: turn -> functions that are shown from it on; gold:
    the right calls of each turn.
    """

    classes: tuple[str, ...]
    initial: dict[str, Any]
    turns: list[list[Message]]
    held_back: dict[int, tuple[str, ...]]
    gold: list[list[GoldCall]]


@dataclass(frozen=True)
class Row:
    """A question, or a conversation with its `scenario`. messages: all that the user says;
    functions: as BFCL has them, for its checker; catalogue: the same as ours; expected: BFCL's
    ground truth, a dict {function: {argument: accepted values}} per call, empty where no particular
    call is right; of a conversation a list of calls, as text, per turn.
    """

    row_id: str
    category: str
    messages: list[Message]
    functions: list[dict[str, Any]]
    catalogue: Catalogue
    expected: list[Any]
    scenario: Scenario | None = None

    @property
    def wants_call(self) -> bool:
        """Whether an answer without a call is wrong."""
        return self.category not in NO_CALL

    def shown(self, turn: int) -> Catalogue:
        """The functions that a turn of a conversation shows: those held back come last."""
        assert self.scenario is not None
        held_back = self.scenario.held_back
        later = {name for names in held_back.values() for name in names}
        added = [name for at, names in sorted(held_back.items()) if at <= turn for name in names]
        return self.catalogue.subset([n for n in self.catalogue if n not in later] + added)


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
            f"{where} {' '.join(unknown)}: none of BFCL's Python categories, which "
            f"are {', '.join(CATEGORIES)}"
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
        has_answers = category in (*NON_LIVE, *LIVE, *MULTI_TURN)
        made = _conversation_row if category in MULTI_TURN else _row
        try:
            expected = _expected(answers) if has_answers else {}
            for line in files.read_jsonl(questions):
                truth = expected[line["id"]] if has_answers else []
                rows.append(made(category, line, truth))
        except (AttributeError, KeyError, SyntaxError, TypeError, ValueError) as error:
            raise InputError(
                f"{questions} is not as BFCL v4 has it ({type(error).__name__}: {error!s:.100}): "
                f"install the version of {PACKAGE} that `make setup` has"
            ) from None
        for path in (questions, answers) if has_answers else (questions,):
            digest.update(path.read_bytes())
    if any(row.scenario for row in rows):
        for name in CLASSES:
            digest.update(_documents(name).read_bytes())
    return Questions(rows, metadata.version(PACKAGE), digest.hexdigest())


def _expected(path: Path) -> dict[str, list[Any]]:
    return {line["id"]: line["ground_truth"] for line in files.read_jsonl(path)}


def _row(category: str, line: dict[str, Any], expected: list[dict[str, Any]]) -> Row:
    (turn,) = line["question"]
    messages = [{"role": message["role"], "content": message["content"]} for message in turn]
    # Some rows of live_irrelevance show no function at all.
    shown = Catalogue(_function(json.dumps(function)) for function in line["function"])
    return Row(line["id"], category, messages, line["function"], shown, expected)


def _conversation_row(category: str, line: dict[str, Any], expected: list[Any]) -> Row:
    held_back = {int(at): tuple(names) for at, names in line.get("missed_function", {}).items()}
    turns = [[{"role": message["role"], "content": message["content"]} for message in turn]
             for turn in line["question"]]  # fmt: skip
    if len(turns) != len(expected) or any(turns[at] for at in held_back):
        raise ValueError("turns and ground truth do not fit")
    turns = [[user(ADDED)] if at in held_back else turn for at, turn in enumerate(turns)]
    scenario = Scenario(
        tuple(line["involved_classes"]), line["initial_config"], turns, held_back,
        [list(map(gold_call, turn)) for turn in expected],
    )  # fmt: skip
    functions = [one for name in scenario.classes for one in _documented(name)]
    shown = Catalogue(_function(json.dumps(function)) for function in functions)
    messages = [message for turn in turns for message in turn]
    return Row(line["id"], category, messages, functions, shown, expected, scenario)


def gold_call(text: str) -> GoldCall:
    """A call of the ground truth, whose arguments are literals; ValueError for any other text."""
    node = ast.parse(text, mode="eval").body
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
        raise ValueError(f"{text!r:.60} is no call")
    arguments = {str(one.arg): ast.literal_eval(one.value) for one in node.keywords}
    return GoldCall(node.func.id, [ast.literal_eval(one) for one in node.args], arguments)


def _documents(name: str) -> Path:
    return data() / "multi_turn_func_doc" / f"{CLASSES[name]}.json"


@cache
def _documented(name: str) -> list[dict[str, Any]]:
    """The functions of a class of the conversations."""
    return files.read_jsonl(_documents(name))


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
