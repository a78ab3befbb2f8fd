"""Whether an answer to a row of BFCL is right: our parser reads the calls, BFCL's checker compares
them with the ground truth. Nothing that a model wrote is evaluated, and nothing is executed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from types import ModuleType, SimpleNamespace
from typing import Any

from stages.engines.thinking import after_thoughts
from stages.evaluation.bfcl import NO_CALL, Row
from stages.evaluation.episodes import Step
from stages.formats import Format
from stages.formats.parsed import Parsed

# What the checker is told that the model is called.
MODEL = "routenator"
CONFIGURATION = "bfcl_eval.constants.model_config"
# Codes of ours, where BFCL's checker has no calls to look at, or cannot compare them.
NO_CALLS, CALLED, EXCEEDS, FAILED = "no_call", "called", "exceeds_context", "checker_failed"
# How two of BFCL's own end.
NO_MATCH, OTHER_FUNCTION = ":cannot_find_match", ":wrong_func_name"
# Characters of a reason.
MAX_REASON = 500


@dataclass(frozen=True)
class Played:
    """How a conversation went. steps: of each turn that was asked; right: turns that want calls and
    were right before the first that was not.
    """

    steps: list[list[Step]]
    right: int = 0

    def refrained(self, row: Row) -> list[bool]:
        """Of the turns that were asked and want no call, whether none was made."""
        assert row.scenario is not None
        pairs = zip(self.steps, row.scenario.gold, strict=False)
        return [not any(step.parsed.calls for step in turn) for turn, wanted in pairs if not wanted]


@dataclass(frozen=True)
class Judged:
    """A row as one model answered it. error: why it is wrong, None where it is right: BFCL's code,
    a code of `formats.parsed`, or one of those above; reason: BFCL's words for it. Of a
    conversation, `parsed` has all calls and the first that could not be read.
    """

    row: Row
    completion: str
    parsed: Parsed
    error: str | None
    reason: str = ""
    played: Played | None = None

    @property
    def is_right(self) -> bool:
        return self.error is None

    @property
    def has_calls(self) -> bool:
        """Whether the answer is calls that can be read, right or wrong."""
        return bool(self.parsed.calls)


def not_asked(row: Row) -> Judged:
    """A row that was not asked, for its prompt leaves no room for an answer."""
    return Judged(row, "", Parsed((), None, ""), EXCEEDS)


def judged(row: Row, completion: str, form: Format) -> Judged:
    """Judge a completion, after thoughts if it has any.

    As BFCL has it, an answer that began a call and cannot be read is no call: right where none is
    wanted, else wrong.
    """
    parsed = form.parse(after_thoughts(completion), row.catalogue)
    error, reason = None, ""
    if row.category in NO_CALL:
        error = CALLED if parsed.calls else None
    elif not parsed.calls:
        error = parsed.error or NO_CALLS
    elif row.expected:
        error, reason = _compared(row, parsed)
    return Judged(row, completion, parsed, error, reason[:MAX_REASON])


def _compared(row: Row, parsed: Parsed) -> tuple[str | None, str]:
    """BFCL's code of what is wrong with the calls, if anything is, and its words."""
    calls = [{call.name: call.arguments} for call in parsed.calls]
    try:
        result = _checker()(row.functions, calls, row.expected, row.category)
    except Exception as error:  # such as of a text where the ground truth has an object
        return FAILED, f"{type(error).__name__}: {error}"
    return (None, "") if result["valid"] else (_code(result), str(result["error"]))


def _code(result: dict[str, Any]) -> str:
    """BFCL's code of an error. Of calls in any order it says only that one is missing: then what is
    wrong with a call that could stand for it, of the same function if there is any.
    """
    if not result["error_type"].endswith(NO_MATCH):
        return str(result["error_type"])
    _, *tried = result["error"]
    codes = [one["sub_error_type"] for by_call in tried for one in by_call.values()]
    return next((code for code in codes if not code.endswith(OTHER_FUNCTION)), codes[0])


@cache
def _checker() -> Callable[..., dict[str, Any]]:
    """BFCL's checker: functions, calls, ground truth and category to `valid`, `error_type` and
    `error`.
    """
    with _stub():
        from bfcl_eval.constants.enums import Language
        from bfcl_eval.eval_checker.ast_eval.ast_checker import ast_checker

    def check(functions: Any, calls: Any, expected: Any, category: str) -> dict[str, Any]:
        return ast_checker(functions, calls, expected, Language.PYTHON, category, MODEL)

    return check


@contextmanager
def _stub() -> Iterator[None]:
    """The package's list of models is replaced while the checker is imported: it imports the
    clients of a dozen services. The checker asks it alone whether names lost their dots.
    """
    stub = ModuleType(CONFIGURATION)
    stub.__dict__["MODEL_CONFIG_MAPPING"] = {MODEL: SimpleNamespace(underscore_to_dot=False)}
    sys.modules[CONFIGURATION] = stub
    try:
        yield
    finally:
        del sys.modules[CONFIGURATION]
