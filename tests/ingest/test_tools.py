"""Catalogues of others, trap by trap: what becomes of it, and that it is said."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from stages.core import catalogue
from stages.formats import names as formats
from stages.ingest.tools import descriptions, gathering, names, reading
from stages.ingest.tools.gathering import Filter, Gathered, gather
from stages.ingest.tools.rows import Changes


def gathered(folder: Path, wanted: Filter | None = None, **held: Any) -> Gathered:
    """What comes of files; keys are their names, `_` for a dot; values JSON, or a text as it is."""
    paths = []
    for name, value in held.items():
        path = folder / name.replace("__", ".")
        text = value if isinstance(value, str) else json.dumps(value)
        path.write_text(text, "utf-8")
        paths.append(path)
    made = gather(paths, wanted or Filter())
    assert made.rows == len(made.functions) + len(made.rejects)
    return made


def tool(name: str = "f", /, needed: list[Any] | None = None, **properties: Any) -> dict[str, Any]:
    required = {} if needed is None else {"required": needed}
    return {"name": name, "parameters": {"type": "object", "properties": properties} | required}


def api(paths: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"openapi": "3.0.3", "info": {}, "paths": paths} | more


def get(**operation: Any) -> dict[str, Any]:
    return api({"/things": {"get": {"operationId": "f"} | operation}})


def posted(schema: Any, **more: Any) -> dict[str, Any]:
    body = {"content": {"application/json": {"schema": schema}}, "required": True}
    return api({"/things": {"post": {"operationId": "f", "requestBody": body}}}, **more)


def only(made: Gathered) -> dict[str, Any]:
    """The one function; it is one that a catalogue takes."""
    assert len(made.functions) == 1, made.rejects
    function = made.functions[0].tool["function"]
    Draft202012Validator.check_schema(function["parameters"])
    return function


def properties(made: Gathered) -> dict[str, Any]:
    return only(made)["parameters"]["properties"]


def said(made: Gathered) -> str:
    return "\n".join(made.functions[0].changes)


# --- where tools stand


SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}


@pytest.mark.parametrize(
    "value",
    [
        [{"type": "function", "function": {"name": "f", "parameters": SCHEMA}}],
        [{"type": "function", "name": "f", "parameters": SCHEMA}],
        [{"name": "f", "input_schema": SCHEMA}],
        {"jsonrpc": "2.0", "id": 1, "result": {"tools": [{"name": "f", "inputSchema": SCHEMA}]}},
        {"functions": [{"name": "f", "parameters": SCHEMA}]},
        {"tools": [{"functionDeclarations": [{"name": "f", "parameters": SCHEMA}]}]},
        {"tools": [{"toolSpec": {"name": "f", "inputSchema": {"json": SCHEMA}}}]},
        {"functions": {"f": {"description": "", "parameters": SCHEMA}}},
        {"nodes": [{"inputs": {"functions": json.dumps([{"name": "f", "parameters": SCHEMA}])}}]},
        {"nodes": {"start": {"functions": [{"name": "f", **SCHEMA, "type": "function"}]}}},
        [{"question": "?", "function": {"name": "f", "parameters": SCHEMA}}],
        {"name": "f", "parameters": SCHEMA},
        {"messages": [{"tool_calls": [{"function": {"name": "g", "arguments": {"b": 1}}}],
                       "function_call": {"name": "g", "arguments": {"b": 1}}}],
         "tools": [{"name": "f", "parameters": SCHEMA}]},
    ],
)  # fmt: skip
def test_a_tool_is_found_wherever_it_stands(tmp_path: Path, value: Any) -> None:
    function = only(gathered(tmp_path, f__json=value))
    assert function["name"] == "f" and function["parameters"] == SCHEMA


def test_arguments_that_are_a_list(tmp_path: Path) -> None:
    listed = [{"name": "day", "type": "date", "desc": "Which day"}, {"name": "n", "type": "int"}]
    made = gathered(tmp_path, f__json=[{"id": "f", "desc": "Does it.", "parameters": listed}])
    assert only(made)["description"] == "Does it."
    assert properties(made) == {
        "day": {"type": "string", "description": "Which day", "format": "date"},
        "n": {"type": "integer"},
    }
    assert "required" not in only(made)["parameters"] and "none is" in said(made)
    listed[1]["required"] = True  # type: ignore[assignment]
    made = gathered(tmp_path, f__json=[{"id": "f", "desc": "Does it.", "parameters": listed}])
    assert only(made)["parameters"]["required"] == ["n"]


def test_what_is_no_function_is_a_reject(tmp_path: Path) -> None:
    tools = [{"type": "code_interpreter"}, {"description": "no name"}, 5, tool("f"),
             {"type": "bash_20250124", "name": "bash"}]  # fmt: skip
    made = gathered(tmp_path, f__json={"tools": tools})
    assert [row.code for row in made.rejects] == ["not_a_function"] * 4
    assert [row.operation for row in made.rejects] == ["tool 1", "tool 2", "tool 3", "bash"]
    assert "code_interpreter" in made.rejects[0].reason


def test_a_tool_without_a_schema_has_no_arguments(tmp_path: Path) -> None:
    made = gathered(tmp_path, f__json={"tools": [{"name": "f", "description": "x"}]})
    assert properties(made) == {} and "without arguments" in said(made)


# --- files


def test_yaml_is_yaml_1_2(tmp_path: Path) -> None:
    text = """
    swagger: 2.0
    paths:
      /f:
        get:
          parameters:
            - {name: lang, in: query, type: string, enum: [no, yes, OFF, en, 2020-01-02, 1]}
          responses: {200: {}}
    """
    made = gathered(tmp_path, notes__txt=text)
    assert properties(made)["lang"]["enum"] == ["no", "yes", "OFF", "en", "2020-01-02", "1"]
    assert "read as string" in said(made)


def test_json_lines_gzip_and_trailing_commas(tmp_path: Path) -> None:
    lines = "\n\n".join(json.dumps(tool(name)) for name in ("a", "b"))
    made = gathered(tmp_path, a__json=lines)
    assert [one.tool["function"]["name"] for one in made.functions] == ["a", "b"]
    assert "read as JSON lines" in said(made)
    made = gathered(tmp_path, a__json='[{"name": "f", "parameters": {"type": "object",},},]')
    assert only(made)["name"] == "f" and "read as YAML" in said(made)
    (tmp_path / "packed").write_bytes(gzip.compress(json.dumps([tool("f")]).encode()))
    assert only(gather([tmp_path / "packed"], Filter()))["name"] == "f"


def nested(levels: int) -> str:
    return "[" * levels + "]" * levels


HOSTILE = {
    "broken json": (b'{"tools": [{"name": ', "no JSON"),
    "broken yaml": (b"a: b: c", "not readable YAML"),
    "not utf-8": (b'[{"name": "\xff"}]', "not UTF-8"),
    "utf-16": ('[{"name": "a"}]'.encode("utf-16"), "not UTF-8"),
    "deep": (nested(100_000).encode(), "nested too deeply"),
    "deeper than we go": (nested(200).encode(), "levels of nesting"),
    "deep yaml": (b"a: " + nested(200).encode().replace(b"[", b"{a: ").replace(b"]", b"}"),
                  "levels of nesting"),
    "aliases": (b"a: &a [x,x,x,x,x,x,x,x,x,x]\n" + b"".join(
        b"%c: &%c [%s]\n" % (97 + n, 97 + n, b",".join([b"*%c" % (96 + n)] * 10))
        for n in range(1, 9)), "values or"),
    "tags": (b"!!python/object/apply:os.system ['true']", "tag"),
    "not a number": (b'{"tools": NaN, "a": [}', "no JSON"),
    "digits": (b'[{"name": "f", "x": ' + b"1" * 5000 + b"}]", "no JSON"),
    "large": (b" " * (reading.MAX_BYTES + 1), "MiB"),
    "large once unpacked": (gzip.compress(b" " * (reading.MAX_BYTES + 1)), "MiB"),
    "cut gzip": (gzip.compress(b"[]" * 1000)[:30], "cannot be read"),
    "empty": (b"", "neither tools nor operations"),
    "plain text": (b"hello", "neither tools nor operations"),
    "null": (b"null", "neither tools nor operations"),
    "no operations": (b'{"openapi": "3.0.0", "paths": {}}', "neither tools nor operations"),
}  # fmt: skip


def test_a_hostile_file_is_one_reject_and_the_others_go_on(tmp_path: Path) -> None:
    for name, (raw, _) in HOSTILE.items():
        (tmp_path / name).write_bytes(raw)
    (tmp_path / "z").write_text(json.dumps([tool("f")]), "utf-8")
    paths = [*(tmp_path / name for name in HOSTILE), tmp_path / "absent", tmp_path, tmp_path / "z"]
    made = gather(paths, Filter())
    assert only(made)["name"] == "f"
    reasons = {Path(row.file).name: row for row in made.rejects}
    assert len(made.rejects) == len(HOSTILE) + 2
    for name, (_, reason) in HOSTILE.items():
        assert reason in reasons[name].reason, name
        assert reasons[name].operation == "" and reasons[name].code in (
            "unreadable",
            "no_functions",
        )
    assert "No such file" in reasons["absent"].reason


def test_half_a_surrogate_pair_and_numbers_without_end(tmp_path: Path) -> None:
    text = '[{"name": "f", "description": "\\ud800x", "parameters": {"properties": ' \
        '{"\\udc00": {"type": "number", "default": 1e999}}}}]'  # fmt: skip
    made = gathered(tmp_path, f__json=text)
    assert only(made)["description"] == "?x" and list(properties(made)) == ["?"]
    assert "default" not in properties(made)["?"]


def test_folders_without_hidden_files_and_without_what_was_written(tmp_path: Path) -> None:
    for name in ("b.json", "a/x", ".git/y", "out/functions.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("[]")
    found = reading.listed([tmp_path, tmp_path / "b.json"], without=tmp_path / "out")
    assert [str(path.relative_to(tmp_path)) for path in found] == ["b.json", "a/x"]


# --- names


def test_names_that_are_missing_odd_long_or_of_other_scripts() -> None:
    assert names.of_operation("get", "/pets/{petId}/toys:list") == "get_pets_petId_toys_list"
    for name in ("a.b", "a-b", "9", "x" * 64):
        assert names.of_function(name) == name
    assert names.of_function("get status") == "get_status"
    assert names.of_function("!pg") == "pg"
    assert names.of_function("tägliche Fähre") == "tagliche_Fahre"
    assert names.of_function("获取") == ""
    long = "read_the_" * 20
    assert len(names.of_function(long)) <= 64 and not names.of_function(long).endswith("_")
    assert names.of_function("x" * 70) == "x" * 64


def test_a_missing_and_an_unusable_operation_id(tmp_path: Path) -> None:
    made = gathered(tmp_path, a__json=api({"/a/{b}": {"get": {}, "put": {"operationId": "读"}}}))
    assert [one.tool["function"]["name"] for one in made.functions] == ["get_a_b", "put_a_b"]
    assert "no operationId" in said(made)


def test_doubled_names(tmp_path: Path) -> None:
    """Of one specification after their paths, of one list numbered, of another file with its stem;
    what models would write alike is a double, too.
    """
    operation = {"operationId": "all", "parameters": [{"name": "q", "in": "query"}]}
    paths = {"/feeds": {"get": operation}, "/groups": {"get": operation}}
    number = {"type": "number"}
    tools = [tool("f"), tool("f", a=number), tool("all", z=number), tool("get-x"), tool("get.x")]
    made = gathered(tmp_path, a__json=api(paths), b__json=tools)
    found = [one.tool["function"]["name"] for one in made.functions]
    assert found == ["all", "get_groups", "f", "f_2", "b_all", "get-x", "b_get.x"]
    assert len({formats.written(name) for name in found}) == len(found)
    assert "renamed from all to b_all" in made.functions[4].changes[0]


def test_the_same_function_in_two_files_is_merged_and_told(tmp_path: Path) -> None:
    number = {"type": "number"}
    other = {**tool("g"), "description": "Another."}
    made = gathered(
        tmp_path, a__json=[tool("f", a=number), tool("g")], b__json=[tool("f", a=number), other]
    )
    assert [one.tool["function"]["name"] for one in made.functions] == ["f", "g", "b_g"]
    (row,) = made.rejects
    assert row.code == "duplicate" and row.operation == "f" and "a.json" in row.reason


@pytest.mark.parametrize("name", ["query[]", "X-Plex-Token", "filter.timestamp.lte", "$.xgafv"])
def test_argument_names_that_a_catalogue_allows_stay(tmp_path: Path, name: str) -> None:
    made = gathered(tmp_path, a__json=get(parameters=[{"name": name, "in": "query"}]))
    assert list(properties(made)) == [name] and "renamed" not in said(made)


def test_argument_names_that_it_does_not_allow(tmp_path: Path) -> None:
    parameters = [{"name": name, "in": "query", "required": True}
                  for name in ("", "a\nb", "x" * 100, "a-b", "a.b")]  # fmt: skip
    made = gathered(tmp_path, a__json=get(parameters=parameters))
    assert list(properties(made)) == ["query_argument", "a_b", "x" * 64, "query_a-b",
                                      "query_a.b_2"]  # fmt: skip
    assert only(made)["parameters"]["required"] == list(properties(made))
    assert said(made).count("renamed") == 5
    formats.check(catalogue.from_tools(made.tools), "here")
    made = gathered(tmp_path, a__json=[tool("f", ["a b ", ""], **{"a b ": {}, "": {}})])
    assert only(made)["parameters"]["required"] == ["a_b", "argument"]


def test_one_name_in_path_and_body(tmp_path: Path) -> None:
    operation = {
        "operationId": "f",
        "parameters": [{"name": "id", "in": "path", "required": True, "type": "integer"},
                       {"name": "new", "in": "body", "schema": {
                           "type": "object", "required": ["id"],
                           "properties": {"id": {"type": "integer"}, "n": {"type": "string"}}}}],
    }  # fmt: skip
    made = gathered(tmp_path, a__json={"swagger": "2.0", "paths": {"/x/{id}": {"put": operation}}})
    assert list(properties(made)) == ["id", "body_id", "n"]
    assert only(made)["parameters"]["required"] == ["id", "body_id"]
    assert "'id' of body renamed to body_id" in said(made)


# --- parameters and bodies


def test_headers_cookies_and_keys_are_left_out(tmp_path: Path) -> None:
    parameters = [
        {"name": "Authorization", "in": "header", "required": True},
        {"name": "session", "in": "cookie"},
        {"name": "appid", "in": "query"},
        {"name": "token", "in": "query", "description": "Authentication token. Needs a scope."},
        {"name": "token_count", "in": "query", "description": "How many tokens"},
    ]
    schemes = {"securitySchemes": {"key": {"type": "apiKey", "in": "query", "name": "appid"}}}
    made = gathered(tmp_path, a__json=get(parameters=parameters) | {"components": schemes})
    assert list(properties(made)) == ["token_count"]
    for name in ("Authorization", "session", "appid", "token"):
        assert f"parameter {name} left out" in said(made)


def test_parameters_of_a_path_of_references_and_of_no_declaration(tmp_path: Path) -> None:
    held = api(
        {"/a/{b}/{c}": {
            "parameters": [{"$ref": "#/components/parameters/n"}, {"$ref": "#/nowhere"},
                           {"name": "m", "in": "query", "schema": {"type": "string"}}],
            "get": {"operationId": "f", "deprecated": True, "parameters": [
                {"name": "m", "in": "query", "required": True, "schema": {"type": "boolean"}},
                {"name": "b", "in": "path", "description": "The b.", "schema": {"type": "integer"}},
                {"name": "w", "in": "query",
                 "content": {"application/json": {"schema": {"type": "object"}}}}]}}},
        components={"parameters": {"n": {"name": "n", "in": "query", "example": 7,
                                         "schema": {"type": "integer", "minimum": 1}}}},
    )  # fmt: skip
    made = gathered(tmp_path, a__json=held)
    assert properties(made) == {
        "c": {"type": "string"},
        "b": {"type": "integer", "description": "The b."},
        "n": {"type": "integer", "minimum": 1},
        "m": {"type": "boolean"},
        "w": {"type": "object"},
    }
    assert only(made)["parameters"]["required"] == ["c", "b", "m"]
    assert "#/nowhere leads nowhere" in said(made) and "in the path alone" in said(made)


def test_bodies(tmp_path: Path) -> None:
    """Properties of an object are arguments; what else there is, is `body`."""
    name, given = {"name": {"type": "string"}}, {"id": {"type": "integer", "readOnly": True}}
    pet = {"type": "object", "required": ["name", "ghost"], "properties": name | given}
    made = gathered(tmp_path, a__json=posted({"$ref": "#/p"}, p=pet))
    assert only(made)["parameters"] == {"type": "object", "properties": name, "required": ["name"]}
    assert "body.id: left out" in said(made) and "ghost" in said(made)
    listed = {"type": "array", "items": {"$ref": "#/p"}}
    made = gathered(tmp_path, a__json=posted(listed, p=pet))
    assert list(properties(made)) == only(made)["parameters"]["required"] == ["body"]
    assert properties(made)["body"]["items"]["required"] == ["name"]
    choice = {"oneOf": [{"type": "string"}, {"type": "integer"}]}
    made = gathered(tmp_path, a__json=posted(choice))
    assert properties(made)["body"] == {"anyOf": choice["oneOf"]}
    made = gathered(tmp_path, a__json=posted({"type": "object", "additionalProperties": True}))
    assert properties(made) == {"body": {"type": "object"}}


def test_a_body_of_several_kinds_of_content(tmp_path: Path) -> None:
    held = posted({"type": "object", "properties": {"a": {}}})
    body = held["paths"]["/things"]["post"]["requestBody"]
    other = {"schema": {"type": "object", "properties": {"b": {"type": "string"}}}}
    body["content"] = {"text/plain": {}, "multipart/form-data": other, **body["content"]}
    made = gathered(tmp_path, a__json=held)
    assert list(properties(made)) == ["a"] and "application/json is taken" in said(made)
    del body["content"]["application/json"], body["required"]
    other["schema"]["required"] = ["b"]
    made = gathered(tmp_path, a__json=held)
    assert only(made)["parameters"]["required"] == ["b"]
    assert "what it requires is required" in said(made)


def test_a_form_of_swagger(tmp_path: Path) -> None:
    operation = {"parameters": [
        {"name": "a", "in": "formData", "type": "file", "required": True},
        {"name": "b", "in": "formData", "type": "array", "items": {"type": "integer"},
         "collectionFormat": "csv"}]}  # fmt: skip
    made = gathered(tmp_path, a__json={"swagger": "2.0", "paths": {"/x": {"post": operation}}})
    assert properties(made) == {
        "a": {"type": "string"}, "b": {"type": "array", "items": {"type": "integer"}}}  # fmt: skip
    assert only(made)["parameters"]["required"] == ["a"]


def test_paths_of_other_files_are_rejects(tmp_path: Path) -> None:
    paths = {"/a": {"$ref": "./a.yaml"}, "/b": {"$ref": "https://example.org/b"},
             "/c": {"$ref": "#/held"}, "/d": {"get": None}, "x-more": [1]}  # fmt: skip
    made = gathered(tmp_path, a__json=api(paths, held={"get": {"operationId": "c"}}))
    assert [one.operation for one in made.functions] == ["GET /c"]
    assert [(row.operation, row.code) for row in made.rejects] == [
        ("/a", "elsewhere"), ("/b", "elsewhere"), ("GET /d", "not_a_function")]  # fmt: skip


# --- schemas


def of(tmp_path: Path, **schema: Any) -> tuple[dict[str, Any], str]:
    """What an argument's schema becomes, and what is said."""
    made = gathered(tmp_path, f__json=[tool("f", a=schema)])
    return properties(made)["a"], said(made)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "nullable": True},
        {"type": ["string", "null"]},
        {"anyOf": [{"type": "string"}, {"type": "null"}]},
        {"oneOf": [{"type": "null"}, {"type": "string"}], "default": None},
    ],
)
def test_null_is_left_out(tmp_path: Path, schema: dict[str, Any]) -> None:
    made, changes = of(tmp_path, **schema)
    assert made == {"type": "string"} and "null left out" in changes


@pytest.mark.parametrize(
    ("kind", "read"),
    [("dict", {"type": "object"}), ("float", {"type": "number"}), ("any", {}), ("nodes", {}),
     ("STRING", {"type": "string"}), ("dateTime", {"type": "string", "format": "date-time"}),
     (["integer", "number"], {"type": "number"}), (["string", "any"], {}), (5, {})],
)  # fmt: skip
def test_types_of_no_standard(tmp_path: Path, kind: Any, read: dict[str, Any]) -> None:
    assert of(tmp_path, type=kind)[0] == read


def test_enums_and_defaults_that_lie(tmp_path: Path) -> None:
    made, changes = of(tmp_path, type="string", enum=["a", "b", "b", None], default="c")
    assert made == {"type": "string", "enum": ["a", "b"]}
    assert "default 'c' left out" in changes and "null left out of the enum" in changes
    assert of(tmp_path, type="integer", enum=["1", "2", "x"], default="2")[0] == {
        "type": "integer", "enum": [1, 2], "default": 2}  # fmt: skip
    assert of(tmp_path, type="array", items={"type": "string"}, default="")[0] == {
        "type": "array", "items": {"type": "string"}}  # fmt: skip
    assert of(tmp_path, type="boolean", default="true")[0]["default"] is True
    assert of(tmp_path, enum="a")[0] == {} and of(tmp_path, enum=[])[0] == {}
    assert of(tmp_path, type="integer", minimum=5, default=3)[0] == {
        "type": "integer",
        "minimum": 5,
    }
    assert "default" not in of(tmp_path, default=[1] * 1000)[0]
    held = {"properties": None, "pattern": 5}  # a value that looks like a schema
    assert of(tmp_path, const=held, default=held)[0] == {"const": held, "default": held}


def test_bounds_that_are_none(tmp_path: Path) -> None:
    made, changes = of(tmp_path, type="integer", minimum=0, exclusiveMinimum=True, maximum="9",
                       exclusiveMaximum=False, multipleOf=0, minLength=-1)  # fmt: skip
    assert made == {"type": "integer", "exclusiveMinimum": 0, "maximum": 9}
    assert "multipleOf 0 left out" in changes
    assert of(tmp_path, type="integer", minimum=9, maximum=1)[0] == {"type": "integer"}
    assert of(tmp_path, type="string", pattern="/^(a/i")[0] == {"type": "string"}
    assert of(tmp_path, type="string", pattern="^a$")[0] == {"type": "string", "pattern": "^a$"}


def test_a_default_is_not_held_against_a_pattern_that_takes_hours(tmp_path: Path) -> None:
    of(tmp_path, type="string", pattern="^(a+)+$", default="a" * 50 + "!")


def test_choices(tmp_path: Path) -> None:
    consts = [{"type": "string", "const": one, "title": one} for one in ("a", "b")]
    assert of(tmp_path, anyOf=consts)[0] == {"type": "string", "enum": ["a", "b"]}
    made, changes = of(
        tmp_path, oneOf=[{"type": "string"}, {"type": "integer"}, {"type": "string"}]
    )
    assert made == {"anyOf": [{"type": "string"}, {"type": "integer"}]} and "oneOf" in changes
    made, changes = of(tmp_path, type="object", anyOf=[{"required": ["b"]}, {"required": ["c"]}])
    assert made == {"type": "object"} and "takes anything" in changes


def test_all_of_is_merged(tmp_path: Path) -> None:
    base = {"type": "object", "description": "Base.", "required": ["b"],
            "properties": {"b": {"type": "string"}}}  # fmt: skip
    schema = {"allOf": [base, {"properties": {"c": {"type": "integer"}}}], "description": "Mine.",
              "required": ["c"]}  # fmt: skip
    assert of(tmp_path, **schema)[0] == {
        "description": "Mine.", "type": "object", "required": ["b", "c"],
        "properties": {"b": {"type": "string"}, "c": {"type": "integer"}}}  # fmt: skip
    made, _ = of(tmp_path, allOf=[{"type": "integer", "minimum": 1}, {"minimum": 5}])
    assert made == {"type": "integer", "minimum": 1, "allOf": [{"minimum": 5}]}


def test_references_are_resolved_cut_and_never_fetched(tmp_path: Path) -> None:
    inside = {"name": {"type": "string"}, "next": {"$ref": "#/$defs/tree"}}
    tree = {"type": "object", "description": "A node.", "properties": inside}
    schema = {"type": "object", "$defs": {"tree": tree, "loop": {"$ref": "#/$defs/loop"}},
              "properties": {
                  "a": {"$ref": "#/$defs/tree", "description": "The first."},
                  "b": {"$ref": "https://example.org/schema.json"},
                  "c": {"$ref": "#/$defs/none"},
                  "d": {"$ref": "#/properties/e/anyOf/0"},
                  "e": {"anyOf": [{"type": "integer"}]},
                  "f": {"$ref": "#/$defs/loop"}}}  # fmt: skip
    made = gathered(tmp_path, f__json=[{"name": "f", "inputSchema": schema}])
    found = properties(made)
    assert found["a"] == {
        "type": "object", "description": "The first.",
        "properties": {"name": {"type": "string"},
                       "next": {"type": "object", "description": "A node."}}}  # fmt: skip
    assert found["b"] == found["c"] == found["f"] == {} and found["d"] == {"type": "integer"}
    for text in ("a.next: cut, #/$defs/tree leads into itself", "is not fetched",
                 "c: cut, #/$defs/none leads nowhere", "f: cut"):  # fmt: skip
        assert text in said(made)


def test_a_schema_that_grows_without_end_is_cut_or_refused(tmp_path: Path) -> None:
    held = {f"s{n}": {"type": "object", "properties": {
        f"p{k}": {"$ref": f"#/$defs/s{n + 1}"} for k in range(12)}} for n in range(8)}  # fmt: skip
    made = gathered(tmp_path, f__json=[{"name": "f", "inputSchema": {
        "$defs": {**held, "s8": {"type": "string"}}, "$ref": "#/$defs/s0"}}])  # fmt: skip
    assert len(properties(made)) == 12 and "levels or" in said(made)
    wide = tool("f", None, **{f"p{n}": {"type": "string"} for n in range(2_000)})
    (row,) = gathered(tmp_path, f__json=[wide]).rejects
    assert row.code == "too_large"


def test_schemas_of_a_file_have_a_bound_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hundred operations of a few bytes, each of which refers to a tree without end."""
    held = {f"s{n}": {"properties": {f"p{k}": {"$ref": f"#/s{n + 1}"} for k in range(10)}}
            for n in range(20)}  # fmt: skip
    body = {"content": {"x": {"schema": {"$ref": "#/s0"}}}}
    paths = {f"/{n}": {"post": {"requestBody": body}} for n in range(100)}
    monkeypatch.setattr(gathering, "MAX_VALUES", 50_000)
    made = gathered(tmp_path, a__json=api(paths, **held, s20={}), b__json=[tool("f")])
    assert made.functions[-1].file.endswith("b.json") and made.rejects[-1].code == "too_large"
    assert "more than 50000 values" in made.rejects[-1].reason and 70 < len(made.rejects) < 100


def test_choices_at_the_root_are_arguments(tmp_path: Path) -> None:
    branches = [{"type": "object", "properties": {"a": {}, other: {}}, "required": ["a", other]}
                for other in ("b", "c")]  # fmt: skip
    made = gathered(tmp_path, f__json=[{"name": "f", "inputSchema": {"anyOf": branches}}])
    assert {*properties(made)} == {"a", "b", "c"}
    assert only(made)["parameters"]["required"] == ["a"] and "optional arguments" in said(made)


def test_what_the_catalogue_refuses_is_a_reject_with_its_reason(tmp_path: Path) -> None:
    made = gathered(tmp_path, f__json=[{"name": "f", "parameters": {"type": "array"}}, tool("g")])
    (row,) = made.rejects
    assert row.code == "invalid" and row.reason.startswith("parameters.type must be object")


# --- descriptions


def test_descriptions_are_plain_and_short() -> None:
    changes = Changes()
    text = "<p>Finds   <b>pets</b>&nbsp;&amp; [owners](https://example.org).</p>\n\nSlow."
    made = descriptions.described(["Find", text], 400, "here", changes)
    assert made == "Finds pets & owners. Slow."
    assert changes.all() == ["here: tags left out of the description"]
    long = "First sentence. " + "More of it. " * 100
    assert descriptions.described([long], 60, "here", changes) == (
        "First sentence. More of it. More of it. More of it."
    )
    assert "cut from" in changes.all()[-1]
    assert descriptions.described(["word " * 100], 22, "x", changes) == "word word word word…"
    assert descriptions.described(["第一。" * 30], 10, "x", changes) == "第一。第一。第一。"
    assert descriptions.described(["List.", "All pets"], 40, "x", changes) == "List. All pets"
    assert descriptions.described([None, "", 5], 10, "x", changes) == ""


def test_a_summary_that_is_the_name_says_nothing(tmp_path: Path) -> None:
    held = get(operationId="listPets", summary="List pets", description=r"All \`pets\`.")
    assert only(gathered(tmp_path, a__json=held))["description"] == "All `pets`."
    del held["paths"]["/things"]["get"]["operationId"]
    assert only(gathered(tmp_path, a__json=held))["description"] == "List pets. All `pets`."


# --- filters


def test_filters_and_the_number(tmp_path: Path) -> None:
    paths = {f"/{part}/{n}": {"get": {"tags": [part], "operationId": f"{part}{n}"}}
             for part in ("pets", "owners") for n in (1, 2)}  # fmt: skip
    for wanted, expected in (
        (Filter(tags=("Pets",)), ["pets1", "pets2"]),
        (Filter(paths=("/owners/*", "/*/1")), ["pets1", "owners1", "owners2"]),
        (Filter(tags=("pets",), paths=("*/2",)), ["pets2"]),
        (Filter(most=1), ["pets1"]),
    ):
        made = gathered(tmp_path, wanted, a__json=api(paths), b__json=[tool("f")])
        assert [one.tool["function"]["name"] for one in made.functions] == expected
        assert made.rows == 5 and {row.code for row in made.rejects} <= {"left_out", "too_many"}


# --- anything

WORDS = ["openapi", "swagger", "paths", "/a", "/{b}", "get", "post", "parameters", "name", "in",
         "query", "path", "body", "requestBody", "content", "application/json", "schema", "type",
         "object", "properties", "items", "enum", "default", "required", "$ref", "#/paths", "#",
         "anyOf", "allOf", "oneOf", "tools", "functions", "function", "description", "minimum",
         "pattern", "array", "string", "null", "const", "operationId", "tags",
         "inputSchema"]  # fmt: skip
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.sampled_from(WORDS),
                    st.text(max_size=5))  # fmt: skip
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(WORDS) | st.text(max_size=3), inner, max_size=5)
    ),
    max_leaves=30,
)
SCHEMAS = st.dictionaries(st.sampled_from(WORDS[17:]), VALUES, max_size=6)
FILES = st.one_of(
    VALUES,
    st.lists(st.fixed_dictionaries({"name": VALUES, "parameters": SCHEMAS}), max_size=3),
    st.builds(lambda paths: api(paths), st.dictionaries(
        st.sampled_from(["/a", "/{b}", ""]), st.dictionaries(
            st.sampled_from(["get", "post", "parameters", "$ref"]), st.fixed_dictionaries(
                {}, optional={"parameters": st.lists(SCHEMAS, max_size=3), "operationId": VALUES,
                              "requestBody": st.builds(lambda one: {"content": {"x": {
                                  "schema": one}}}, SCHEMAS), "tags": VALUES,
                              "description": VALUES}) | VALUES, max_size=3), max_size=3)),
)  # fmt: skip


@given(FILES, FILES)
@settings(max_examples=200)
def test_whatever_the_files_hold_each_row_comes_out(
    tmp_path_factory: pytest.TempPathFactory, first: Any, second: Any
) -> None:
    folder = tmp_path_factory.mktemp("any")
    rows = 0
    for name, value in (("a", first), ("b", second)):
        (folder / name).write_text(json.dumps(value), "utf-8")
        try:
            rows += len(gathering.operations(name, reading.read(folder / name).value))
        except gathering.InputError:
            rows += 1
    made = gather([folder / "a", folder / "b"], Filter())
    assert len(made.functions) + len(made.rejects) == rows
    if made.functions:
        held = catalogue.from_tools(made.tools)
        formats.check(held, "here")
        assert held.tools == made.tools
