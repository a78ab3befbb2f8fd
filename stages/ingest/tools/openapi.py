"""Operations of OpenAPI 3 and Swagger 2: what a user says becomes the arguments.

Parameters in path, query and form are arguments, and so are the properties of a body that is an
object; any other body is one argument, `body`. Headers and cookies carry keys and versions, which
nobody says: they are left out. Whether the specification is valid does not matter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from stages.ingest.tools import names
from stages.ingest.tools.descriptions import OF_ARGUMENT, OF_FUNCTION, described
from stages.ingest.tools.references import Dangling, followed
from stages.ingest.tools.rows import ELSEWHERE, NOT_A_FUNCTION, Changes, Draft, Operation, Refused
from stages.ingest.tools.schemas import Reader, as_arguments

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace", "query")
BODY = "body"
# Of several kinds of content the first of these is taken, else the first there is.
CONTENTS = [re.compile(pattern) for pattern in (
    r"application/json\b", r"[^/]+/([^;]*\+)?json\b", "application/x-www-form-urlencoded",
    "multipart/")]  # fmt: skip
SAID = ("path", "query", "formData", "querystring")
MOST_TAGS, LONGEST_TAG, MOST_PARAMETERS = 50, 200, 1_000
# Of a parameter that has its schema beside its name.
NOT_SCHEMA = ("name", "in", "required", "description", "collectionFormat")


# What begins the description of a parameter that carries a key.
KEY = re.compile(r"(your |the |an? )*(api[ -]?key|oauth|access token|auth\w* token)", re.IGNORECASE)


class Argument(NamedTuple):
    """An argument; `place` is where the request has it."""

    name: str
    place: str
    schema: dict[str, Any]
    required: bool


def is_specification(value: Any) -> bool:
    """Whether a file's value is OpenAPI or Swagger, valid or not."""
    if not isinstance(value, dict) or not isinstance(value.get("paths"), dict):
        return False
    return "openapi" in value or "swagger" in value or any(
        key.startswith("/") for key in value["paths"])  # fmt: skip


def operations(file: str, value: dict[str, Any]) -> Iterator[Operation]:
    """Each operation of a specification, in order; a path that cannot be followed is one, too."""
    for path, item in value["paths"].items():
        try:
            item = followed(value, item)
        except Dangling as error:
            yield Operation(file, path, Refused(ELSEWHERE, f"the path {error}"), path=path)
            continue
        if not isinstance(item, dict):
            continue
        for method in METHODS:
            if method in item:
                label, raw = f"{method.upper()} {path}", item[method]
                yield Operation(file, label, raw, value, method, path, item, _tags(raw))


def _tags(raw: Any) -> tuple[str, ...]:
    tags = raw.get("tags") if isinstance(raw, dict) else None
    return tuple(str(tag)[:LONGEST_TAG] for tag in tags[:MOST_TAGS]) if isinstance(tags, list) \
        else ()  # fmt: skip


def draft(operation: Operation, levels: int, changes: Changes) -> Draft:
    """The function that an operation is. Raises Refused, TooLarge."""
    raw = operation.raw
    if isinstance(raw, Refused):
        raise raw
    if not isinstance(raw, dict):
        raise Refused(NOT_A_FUNCTION, f"an operation must be an object, not {raw!r:.60}")
    summary = raw.get("summary")
    is_name = _letters(summary) == _letters(raw.get("operationId"))
    texts = [None if is_name else summary, raw.get("description")]
    if not any(texts):
        texts = [operation.shared.get("summary"), operation.shared.get("description")]
    description = described(texts, OF_FUNCTION, "function", changes)
    arguments = _Arguments(operation, Reader(operation.root, changes, levels), changes)
    return Draft(_name(operation, changes), description, arguments.parameters())


def _letters(text: Any) -> str:
    return re.sub(r"[\W_]", "", text[:200]).lower() if isinstance(text, str) else ""


def _name(operation: Operation, changes: Changes) -> str:
    named = operation.raw.get("operationId")
    if isinstance(named, str) and names.of_function(named):
        return named
    made = names.of_operation(operation.method, operation.path)
    changes.say(f"no operationId: named {made} after its path")
    return made


def _parameters(item: Any) -> list[Any]:
    listed = item.get("parameters")
    return listed[:MOST_PARAMETERS] if isinstance(listed, list) else []


def _keys(root: Any) -> set[tuple[str, str]]:
    """Place and name of the parameters that carry a key, as the specification says."""
    components = root.get("components")
    schemes = [root.get("securityDefinitions")]
    schemes += [components.get("securitySchemes")] if isinstance(components, dict) else []
    return {
        (str(one.get("in")), str(one.get("name")))
        for held in schemes if isinstance(held, dict)
        for one in held.values() if isinstance(one, dict) and one.get("type") == "apiKey"
    }  # fmt: skip


class _Arguments:
    """The arguments of one operation."""

    def __init__(self, operation: Operation, reader: Reader, changes: Changes) -> None:
        self.operation, self.reader, self.changes = operation, reader, changes
        self.raw: dict[str, Any] = operation.raw

    def parameters(self) -> dict[str, Any]:
        """The JSON Schema of all arguments."""
        properties: dict[str, Any] = {}
        needed: list[str] = []
        taken: set[str] = set()
        for one in (*self._of_parameters(), *self._of_body()):
            name = self._free(one, taken)
            taken.add(names.written(name))
            properties[name] = one.schema
            if one.required:
                needed.append(name)
        made = {"type": "object", "properties": properties}
        return {**made, "required": needed} if needed else made

    def _free(self, one: Argument, taken: set[str]) -> str:
        name = names.of_argument(one.name)
        new = names.free([name, names.of_argument(f"{one.place}_{name or 'argument'}")], taken)
        if new != one.name:
            why = "its name cannot be kept" if name != one.name else "another has its name"
            self.changes.say(f"argument {one.name!r:.80} of {one.place} renamed to {new}: {why}")
        return new

    def _of_parameters(self) -> Iterator[Argument]:
        found: dict[tuple[str, str], dict[str, Any]] = {}
        for held in (*self._listed(self.operation.shared), *self._listed(self.raw)):
            found[str(held.get("in")), held["name"]] = held
        keys = _keys(self.operation.root)
        for (place, name), held in list(found.items()):
            if place not in SAID:
                self.changes.say(f"{place} parameter {name:.80} left out")
            elif place != "path" and (
                (place, name) in keys or KEY.match(str(held.get("description", "")).strip())
            ):
                self.changes.say(f"{place} parameter {name:.80} left out, it carries a key")
                del found[place, name]
        path = self.operation.path
        for name in dict.fromkeys(re.findall(r"\{([^{}/]{1,100})\}", path)):
            if ("path", name) not in found:
                self.changes.say(f"{name}: stands in the path alone: a text")
                yield Argument(name, "path", {"type": "string"}, True)
        for place in SAID:
            for (where, name), held in found.items():
                if where == place:
                    needed = held.get("required") is True or place == "path"
                    yield Argument(name, place, self._schema(held), needed)

    def _listed(self, item: Any) -> Iterator[dict[str, Any]]:
        """The parameters of an operation or a path, but the body of Swagger 2."""
        for one in _parameters(item):
            try:
                held = followed(self.operation.root, one)
            except Dangling as error:
                self.changes.say(f"a parameter left out: {error}")
                continue
            if not isinstance(held, dict) or not isinstance(held.get("name"), str):
                self.changes.say(f"a parameter without a name left out: {one!r:.60}")
            elif held.get("in") != BODY:
                yield held

    def _schema(self, held: dict[str, Any]) -> dict[str, Any]:
        schema, name = held.get("schema"), held["name"]
        content = held.get("content")
        if schema is None and isinstance(content, dict) and content:
            schema = self._content(content, name)
        if schema is None:
            schema = {key: one for key, one in held.items() if key not in NOT_SCHEMA}
        made = self.reader.read(schema, name)
        own = described([held.get("description")], OF_ARGUMENT, name, self.changes)
        return {**made, "description": own} if own else made

    def _content(self, content: dict[str, Any], where: str) -> Any:
        """The schema of the kind of content that is taken."""
        kinds = [kind for wanted in CONTENTS for kind in content if wanted.match(kind)]
        kind = (kinds or list(content))[0]
        if len(content) > 1:
            self.changes.say(f"{where}: of {len(content)} kinds of content {kind:.60} is taken")
        held = content[kind]
        return held.get("schema", {}) if isinstance(held, dict) else {}

    def _of_body(self) -> Iterator[Argument]:
        found = self._swagger_body() or self._request_body()
        if found is None:
            return
        schema, needed, text = found
        made = self.reader.read(schema, BODY)
        whole = as_arguments(made, self.changes)
        if made.get("type", "object") != "object" or not whole["properties"]:
            own = described([text], OF_ARGUMENT, BODY, self.changes)
            if made.get("type") == "object" and "properties" in made:
                return  # an object that holds nothing
            yield Argument(BODY, BODY, {**made, "description": own} if own else made, needed)
            return
        if not needed and whole.get("required"):
            self.changes.say("the body is optional; what it requires is required")
        for name, one in whole["properties"].items():
            yield Argument(name, BODY, one, name in whole.get("required", []))

    def _request_body(self) -> tuple[Any, bool, Any] | None:
        if self.raw.get("requestBody") is None:
            return None
        try:
            body = followed(self.operation.root, self.raw["requestBody"])
        except Dangling as error:
            self.changes.say(f"body: {error}")
            body = {}
        content = body.get("content") if isinstance(body, dict) else None
        if not isinstance(content, dict) or not content:
            self.changes.say("body: nothing says what it is: any value")
            return {}, False, None
        return self._content(content, BODY), body.get("required") is True, body.get("description")

    def _swagger_body(self) -> tuple[Any, bool, Any] | None:
        for item in (self.raw, self.operation.shared):
            for one in _parameters(item):
                try:
                    held = followed(self.operation.root, one)
                except Dangling:
                    continue  # said where parameters are listed
                if isinstance(held, dict) and held.get("in") == BODY:
                    return held.get("schema", {}), held.get("required") is True, \
                        held.get("description")  # fmt: skip
        return None
