"""A grammar (EBNF, as vLLM's structured outputs take it) of the answers that a format allows.

An answer is either free words, which cannot begin a call, or calls of the functions shown: known
arguments, each at most once and in the order of the schema, the required ones there, values of
their enums and types. Where a schema says more (patterns, sums, wide ranges), the grammar allows
what the schema may refuse.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from stages.core.catalogue import Function
from stages.formats import hermes, pythonic
from stages.formats.names import written

# Integers of a range are written out up to so many; a wider range bounds the sign alone.
MAX_RANGE = 100
# Values one inside another where a schema leaves open what they are.
OPEN_DEPTH = 3
HEX = "[0-9a-fA-F]"
# Half a surrogate pair is not text.
ESCAPE = rf'"\\" ( ["\\bfnrt] | "u" ( [0-9a-cA-CefEF] {HEX}{{3}} | [dD] [0-7] {HEX}{{2}} ) )'
COMMON = {
    # Words hold no "<", with which a tag of thoughts or calls begins. A blank may be one token with
    # what follows.
    "words": r"[^\[<\x00-\x20\x7f] [^<]*",
    "escape": ESCAPE,
    "integer": '"-"? natural',
    "natural": '"0" | [1-9] [0-9]{0,17}',
    "number": "integer fraction",
    "fraction": '( "." [0-9]{1,17} )? ( [eE] ( "-" [0-9]{1,3} | "+"? [0-9]{1,2} ) )?',
    "positive": "natural fraction",
    "date": r'"\"" [0-9]{4} "-" ( "0" [1-9] | "1" [0-2] ) "-" '
    r'( "0" [1-9] | [12] [0-9] | "3" [01] ) "\""',
}
# Text of each format. That of `hermes` holds no "<" from which a tag could follow.
TEXTS = {
    "pythonic": r'"\"" ( [^"\\\x00-\x1f\x7f] | escape | "\\x7f" )* "\""',
    "hermes": r'"\"" ( [^"\\<\x00-\x1f] | escape | "<"+ ( [^"\\<t/\x00-\x1f] | escape ) )* '
    r'"<"* "\""',
}  # fmt: skip
CONSTANTS = {
    "pythonic": {True: "True", False: "False", None: "None"},
    "hermes": {True: "true", False: "false", None: "null"},
}


def grammar(name: str, functions: Sequence[Function]) -> str:
    """The grammar of answers in the format `name`, which is `pythonic` or `hermes`, that call no
    other than these functions. Raises ValueError for another format.
    """
    if name not in TEXTS:
        raise ValueError(f"the format {name!r} has no grammar: its model's template writes calls")
    made = _Rules(name, {**COMMON, "text": TEXTS[name]})
    made.add_open_values()
    calls = [_call(made, number, function) for number, function in enumerate(functions)]
    made.rules["call"] = " | ".join(calls)
    made.rules["calls"] = (
        '"[" call ( ", " call )* "]"' if name == "pythonic" else r'call ( "\n" call )*'
    )
    lines = ['root ::= " "? ( calls | words )']
    lines += [f"{rule} ::= {body}" for rule, body in made.rules.items()]
    return "\n".join(lines) + "\n"


@dataclass
class _Rules:
    """The rules so far; equal bodies share one, so that a grammar of many functions stays small."""

    name: str
    rules: dict[str, str]
    names: dict[str, str] = field(default_factory=dict)

    def rule(self, body: str) -> str:
        """The name of a rule with this body."""
        if body not in self.names:
            self.names[body] = f"r{len(self.names)}"
            self.rules[self.names[body]] = body
        return self.names[body]

    def add_open_values(self) -> None:
        """`any0` is any value without others inside; `any1` may hold those of `any0`, and so on."""
        constants = " | ".join(terminal(one) for one in CONSTANTS[self.name].values())
        self.rules["any0"] = f"text | number | {constants}"
        for depth in range(1, OPEN_DEPTH + 1):
            held = f"any{depth - 1}"
            self.rules[f"list{depth}"] = _listed(held, 0, None)
            self.rules[f"object{depth}"] = (
                f'"{{" ( text ": " {held} ( ", " text ": " {held} )* )? "}}"'
            )
            self.rules[f"any{depth}"] = f"any0 | list{depth} | object{depth}"


def terminal(text: str) -> str:
    """Text as the grammar quotes it."""

    def quoted(character: str) -> str:
        if character in '"\\':
            return f"\\{character}"
        return character if " " <= character != "\x7f" else f"\\u{ord(character):04x}"

    return '"' + "".join(map(quoted, text)) + '"'


def _literal(name: str, value: Any) -> str:
    """A value as the format writes it."""
    if name == "pythonic":
        return pythonic.literal(value)
    return hermes.escaped(json.dumps(value, ensure_ascii=False, allow_nan=False))


def _call(made: _Rules, number: int, function: Function) -> str:
    """The name of the rule for calls of a function."""
    rule = f"call{number}"
    if made.name == "pythonic":
        pairs = _pairs(made, function.parameters, lambda key: terminal(f"{written(key)}="))
        body = f'{terminal(f"{written(function.name)}(")} {pairs} ")"'
    else:
        head = f'{hermes.BEGIN}{{"name": {_literal("hermes", function.name)}, "arguments": {{'
        pairs = _pairs(made, function.parameters, _key(made))
        body = f"{terminal(head)} {pairs} {terminal('}}' + hermes.END)}"
    made.rules[rule] = body
    return rule


def _key(made: _Rules) -> Callable[[str], str]:
    return lambda key: terminal(f"{_literal(made.name, key)}: ")


def _pairs(made: _Rules, schema: dict[str, Any], key: Callable[[str], str]) -> str:
    """The properties of an object in order, those that are not required being free to be absent.

    Two rules a property, from the last: what may follow once one stands before it (with a comma),
    and what may stand where none does.
    """
    required = {*schema.get("required", [])}
    after, first = '""', '""'
    for name, one in reversed(schema.get("properties", {}).items()):
        pair = f"{key(name)} {_value(made, one)}"
        later = made.rule(f'", " {pair} {after}')
        begun = made.rule(f"{pair} {after}")
        if name in required:
            after, first = later, begun
        else:
            after, first = made.rule(f"{later} | {after}"), made.rule(f"{begun} | {first}")
    return first


def _value(made: _Rules, schema: Any) -> str:
    """The name of a rule for the values that a schema takes."""
    if not isinstance(schema, dict):
        return f"any{OPEN_DEPTH}"
    if "enum" in schema or "const" in schema:
        values = schema["enum"] if "enum" in schema else [schema["const"]]
        return made.rule(_one_of(terminal(_literal(made.name, one)) for one in values))
    for key in ("anyOf", "oneOf"):
        if key in schema:
            base = {k: v for k, v in schema.items() if k != key}
            parts = [{**base, **one} if isinstance(one, dict) else one for one in schema[key]]
            return made.rule(_one_of(_value(made, one) for one in parts))
    kinds = schema.get("type", _implied(schema))
    if kinds is None:
        return f"any{OPEN_DEPTH}"
    kinds = kinds if isinstance(kinds, list) else [kinds]
    return made.rule(_one_of(_of_kind(made, kind, schema) for kind in kinds))


def _implied(schema: dict[str, Any]) -> str | None:
    """The type that a schema without one is about."""
    return "object" if schema.get("properties") else "array" if "items" in schema else None


def _one_of(parts: Iterable[str]) -> str:
    return " | ".join(dict.fromkeys(parts))


def _of_kind(made: _Rules, kind: str, schema: dict[str, Any]) -> str:
    """The name of a rule for the values of one type of a schema."""
    constants = CONSTANTS[made.name]
    if kind == "null":
        return terminal(constants[None])
    if kind == "boolean":
        return made.rule(f"{terminal(constants[True])} | {terminal(constants[False])}")
    if kind == "string":
        return "date" if schema.get("format") == "date" else "text"
    if kind in ("integer", "number"):
        return _number(made, kind, schema)
    if kind == "array":
        held = _value(made, schema.get("items", {}))
        return made.rule(_listed(held, schema.get("minItems", 0), schema.get("maxItems")))
    is_closed = schema.get("additionalProperties") is False
    if kind == "object" and (schema.get("properties") or is_closed):
        return made.rule(f'"{{" {_pairs(made, schema, _key(made))} "}}"')
    return f"object{OPEN_DEPTH}"


def _number(made: _Rules, kind: str, schema: dict[str, Any]) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    step = schema.get("multipleOf", 1)
    is_whole = kind == "integer" and isinstance(step, int)
    if is_whole and isinstance(low, int) and isinstance(high, int) and 0 <= high - low < MAX_RANGE:
        values = [n for n in range(low, high + 1) if n % step == 0]
        if values:
            return made.rule(_one_of(terminal(str(n)) for n in values))
    if low is not None and low >= 0:
        return "natural" if kind == "integer" else "positive"
    return kind


def _listed(held: str, minimum: int, maximum: int | None) -> str:
    """A list of at least and at most so many (None: any number); above a hundred it is open."""
    if maximum == 0:
        return '"[]"'
    minimum = min(minimum, 100)
    end = "" if maximum is None or maximum > 100 else str(max(maximum, minimum) - 1)
    some = f'"[" {held} ( ", " {held} ){{{max(minimum - 1, 0)},{end}}} "]"'
    return some if minimum else f'"[]" | {some}'
