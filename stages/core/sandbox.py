"""Jinja for templates that anybody may have written: no way to Python's insides, and an end.

One rendering takes so many steps (turns of loops, calls, filters), makes so many characters, and no
value in it grows beyond a bound; what passes one raises `Exceeded`. That is counted, so a template
fails everywhere or nowhere; the clock is there for what the counts miss.
"""

from __future__ import annotations

import functools
import re
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from threading import local
from typing import Any

from jinja2 import StrictUndefined, Template, nodes
from jinja2.exceptions import SecurityError, TemplateRuntimeError
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.visitor import NodeTransformer

MOST_STEPS = 10_000
# Characters of a filled template; of all texts made on the way; characters or entries of one value.
MOST_FILLED, MOST_MADE, LARGEST = 200_000, 1_000_000, 10_000
MOST_BITS = 256
SECONDS = 5.0
# Of printf's formats, a width or precision that makes a long text.
WIDE = re.compile(r"%[^%A-Za-z]*(?:\*|\d{4})")


class Exceeded(TemplateRuntimeError):
    """A bound of one rendering was passed."""


class Rendering(local):
    """What the rendering of this thread has used so far."""

    steps = made = 0
    end = float("inf")

    def begin(self) -> None:
        self.steps = self.made = 0
        self.end = time.monotonic() + SECONDS

    def step(self) -> None:
        self.steps += 1
        if self.steps > MOST_STEPS:
            raise Exceeded(f"takes more than {MOST_STEPS} steps: shorten its loops")
        if time.monotonic() > self.end:
            raise Exceeded(f"takes longer than {SECONDS:g} s")


class BoundedTemplate(Template):
    """A template whose renderings are counted."""

    def render(self, *args: Any, **kwargs: Any) -> str:
        self.environment.rendering.begin()  # type: ignore[attr-defined]
        return super().render(*args, **kwargs)


def _concat(parts: Iterable[str]) -> str:
    """The text of a template or block, measured before it is made."""
    parts = list(parts)
    if sum(map(len, parts)) > MOST_FILLED:
        raise Exceeded(f"writes more than {MOST_FILLED} characters")
    return "".join(parts)


def _size(value: Any, most: int = LARGEST) -> int:
    """Characters and entries of a value and all that it holds, counted to little beyond `most`."""
    if isinstance(value, str | bytes):
        return len(value)
    if not isinstance(value, list | tuple | dict | set | frozenset):
        return 1
    total = len(value)
    held = chain(value, value.values()) if isinstance(value, dict) else value
    for one in held:
        if total > most:
            break
        total += _size(one, most - total)
    return total


def written(value: Any) -> Any:
    """A value as it stands in the text; lists have to be joined."""
    if isinstance(value, list | tuple | dict | set):
        raise Exceeded(f"writes a {type(value).__name__}: take one of it, or join it")
    return value


class Bounded(ImmutableSandboxedEnvironment):
    """The sandbox with bounds; an unknown variable is an error."""

    intercepted_binops = frozenset({"*", "**", "%", "+"})
    template_class = BoundedTemplate
    concat = staticmethod(_concat)  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__(undefined=StrictUndefined, autoescape=False, finalize=written)
        self.rendering = Rendering()
        self.globals.pop("lipsum")
        self.globals["range"] = self._range
        self.filters = {name: self._limited(call) for name, call in self.filters.items()}
        self._compiled: dict[str, Template] = {}
        self.filters |= {"_each": self._each, "_joined": self._joined, "_sized": self._sized}

    def from_string(  # type: ignore[override]
        self, source: str, parsed: nodes.Template | None = None
    ) -> Template:
        """The compiled template; a second time the same. `parsed`, if there is one, is used up."""
        if source not in self._compiled:
            self._compiled[source] = super().from_string(parsed or source)
        return self._compiled[source]

    def _generate(self, source: nodes.Template, *args: Any, **kwargs: Any) -> str:
        return super()._generate(_Bounds(self).visit(source), *args, **kwargs)

    def _sized(self, value: Any) -> Any:
        """`value`, if it is not too large; a text counts among those that were made."""
        size = _size(value)
        if size > LARGEST:
            raise Exceeded(f"makes a value of more than {LARGEST} characters or entries")
        if isinstance(value, str):
            self.rendering.made += size
            if self.rendering.made > MOST_MADE:
                raise Exceeded(f"makes more than {MOST_MADE} characters on the way")
        return value

    def _range(self, *args: int) -> range:
        numbers = range(*args)
        if len(numbers) > LARGEST:
            raise Exceeded(f"asks for a range of more than {LARGEST} numbers")
        return numbers

    def _each(self, items: Iterable[Any]) -> Iterator[Any]:
        """What a loop goes through, counted."""
        for item in items:
            self.rendering.step()
            yield item

    def _joined(self, parts: list[Any]) -> str:
        """Texts joined by `~`."""
        self.rendering.step()
        return self._sized("".join(str(self._sized(written(part))) for part in parts))

    def _limited(self, call: Callable[..., Any]) -> Callable[..., Any]:
        """One of Jinja's own filters; its first arguments are the value and what it asks for."""
        own = 1 + hasattr(call, "jinja_pass_arg")

        @functools.wraps(call)
        def limited(*args: Any, **kwargs: Any) -> Any:
            self.rendering.step()
            self._small(args[own:], kwargs)
            if args:
                value = self._sized(args[own - 1]) if len(args) >= own else None
                if call.__name__ == "do_format" and isinstance(value, str) and WIDE.search(value):
                    raise Exceeded("formats with a width that is too large")
            return self._sized(call(*args, **kwargs))

        return limited

    def _small(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Raise Exceeded for a number that may be the length of what a call makes."""
        for value in chain(args, kwargs.values()):
            if isinstance(value, int) and abs(value) > LARGEST:
                raise Exceeded(f"calls with a number beyond {LARGEST}")
            self._sized(value)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        self.rendering.step()
        if operator == "%" and isinstance(left, str) and WIDE.search(left):
            raise Exceeded("formats with a width that is too large")
        if operator in ("*", "**"):
            for one, other in ((left, right), (right, left)):
                if isinstance(one, str | bytes | list | tuple) and isinstance(other, int):
                    if len(one) * other > LARGEST:
                        raise Exceeded(f"repeats beyond {LARGEST} characters or entries")
                    break
            else:
                both = isinstance(left, int) and isinstance(right, int)
                bits = left.bit_length() if both else 0
                bits *= right if operator == "**" else 1
                if both and bits + right.bit_length() > MOST_BITS:
                    raise Exceeded("calculates with numbers that are too large")
        return self._sized(super().call_binop(context, operator, left, right))

    def call(self, context: Context, obj: Any, *args: Any, **kwargs: Any) -> Any:  # type: ignore[override]
        self.rendering.step()
        if obj is not self.globals["range"]:
            self._small(args, kwargs)
        return self._sized(super().call(context, obj, *args, **kwargs))

    def wrap_str_format(self, value: Any) -> Callable[..., str] | None:
        if super().wrap_str_format(value) is None:
            return None
        raise SecurityError("str.format is not for templates: join texts with ~")


class _Bounds(NodeTransformer):
    """Puts the counting filters around loops, `~` and lists that hold variables."""

    def __init__(self, environment: Bounded) -> None:
        self.environment = environment

    def _in(self, name: str, node: Any) -> nodes.Filter:
        # Arguments of a filter: none of any kind.
        return nodes.Filter(
            node, name, [], [], None, None, lineno=node.lineno, environment=self.environment
        )

    def visit_For(self, node: nodes.For) -> nodes.For:
        self.generic_visit(node)
        node.iter = self._in("_each", node.iter)
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Filter:
        self.generic_visit(node)
        listed = nodes.List(node.nodes, lineno=node.lineno, environment=self.environment)
        return self._in("_joined", listed)

    def _literal(self, node: Any) -> nodes.Node:
        self.generic_visit(node)
        is_made = getattr(node, "ctx", "load") == "load" and node.find(nodes.Name) is not None
        return self._in("_sized", node) if is_made else node

    visit_List = visit_Dict = visit_Tuple = _literal
