"""The systems of BFCL's multi-turn categories, safely: fresh instances of the package's classes,
whose public methods are looked up by name. The package's own executor evaluates what a model wrote;
here nothing is.
"""

from __future__ import annotations

import ast
import copy
import importlib
import inspect
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

# What a value of a call may be at most: characters, items, magnitude. Beyond them the package's
# methods can take minutes or all memory.
MAX_TEXT, MAX_ITEMS, MAX_NUMBER = 20_000, 1_000, 1e12
# Digits that a result may be asked for, and bits of a power.
MAX_PRECISION, MAX_BITS = 1_000, 10_000
# Names that the package's executor refuses, too.
REFUSED = ("kill", "exit", "quit", "remove", "unlink", "popen", "Popen", "run")


class Systems:
    """Fresh instances of the classes of one row. has_long_context: filled with what only serves to
    be long.
    """

    def __init__(
        self, classes: Sequence[str], config: Mapping[str, Any], has_long_context: bool = False
    ) -> None:
        from bfcl_eval.constants.executable_backend_config import (
            CLASS_FILE_PATH_MAPPING,
            STATELESS_CLASSES,
        )

        self.instances: dict[str, Any] = {}
        self.methods: dict[str, Any] = {}
        for name in classes:
            made = getattr(importlib.import_module(CLASS_FILE_PATH_MAPPING[name]), name)()
            if name not in STATELESS_CLASSES:
                scenario = copy.deepcopy(config.get(name, {}))
                made._load_scenario(scenario, long_context=has_long_context)
            self.instances[name] = made
            for method, bound in inspect.getmembers(made, predicate=inspect.ismethod):
                if not method.startswith("_"):
                    self.methods[method] = bound

    def call(self, name: str, arguments: Mapping[str, Any], values: Sequence[Any] = ()) -> str:
        """Do a call, with `values` by position; what it gives, or its error, as BFCL has it."""
        try:
            if name in REFUSED or name not in self.methods:
                raise NameError(f"name {name!r} is not defined")
            check((*values, *arguments.values()))
            if name == "power":
                _check_power(arguments, values)
            if int(arguments.get("precision") or 0) > MAX_PRECISION:
                raise ValueError("precision is too large")
            given = self.methods[name](*copy.deepcopy(values), **copy.deepcopy(dict(arguments)))
        except Exception as error:  # whatever a method raises is its result
            return f"Error during execution: {error!s}"
        if isinstance(given, dict):
            try:
                return json.dumps(given)
            except (TypeError, ValueError):
                pass
        return str(given)

    def differs(self, other: Systems) -> str | None:
        """The first class whose instance is in another state than that of `other`."""
        for name, instance in other.instances.items():
            public = {key: one for key, one in vars(instance).items() if not key.startswith("_")}
            if any(getattr(self.instances[name], key) != one for key, one in public.items()):
                return name
        return None


def check(value: Any) -> None:
    """Raise ValueError for a value that is larger than any right one."""
    if isinstance(value, str) and len(value) > MAX_TEXT:
        raise ValueError("the text is too long")
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) > MAX_NUMBER:
        raise ValueError("the number is too large")
    if isinstance(value, list | tuple | dict):
        if len(value) > MAX_ITEMS:
            raise ValueError("the list is too long")
        for one in value.values() if isinstance(value, dict) else value:
            check(one)


def _check_power(arguments: Mapping[str, Any], values: Sequence[Any]) -> None:
    """Raise ValueError for a power with more than MAX_BITS bits."""
    given = dict(zip(("base", "exponent"), values, strict=False)) | dict(arguments)
    base, exponent = abs(float(given["base"])), abs(float(given["exponent"]))
    if base and exponent * max(abs(math.log2(base)), 1) > MAX_BITS:
        raise ValueError("the power is too large")


def written(text: str) -> tuple[str, list[Any], dict[str, Any]]:
    """A call of the ground truth, as Python text: name, values by position and by name. Constants
    alone are read.
    """
    node = ast.parse(text.strip(), mode="eval").body
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
        raise ValueError(f"{text!r:.80} is no call")
    named = {str(one.arg): ast.literal_eval(one.value) for one in node.keywords}
    return node.func.id, [ast.literal_eval(one) for one in node.args], named
