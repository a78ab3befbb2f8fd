"""A source's SQL as DuckDB parses it: one SELECT, and readers that guess nothing.

What a `read_csv` does not state is not sniffed, since DuckDB's guesses lose rows: it takes `#` as
the mark of comments, ragged lines at the start as a preamble, a header as data. It is a file with
commas, double quotes and a header, all columns text. `read_json` looks at all rows before it
decides on types, and texts that look like dates stay as they are written.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

import duckdb

from stages.core.command import InputError

# The options that are added to a reader that does not state them, in SQL.
CSV = {
    "delim": "','", "quote": "'\"'", "escape": "'\"'", "comment": "''", "header": "true",
    "skip": "0", "null_padding": "false", "strict_mode": "true", "all_varchar": "true",
}  # fmt: skip
JSON = {"sample_size": "-1", "dateformat": "'none'", "timestampformat": "'none'"}
NAMES = {
    "sep": "delim", "delimiter": "delim", "separator": "delim", "date_format": "dateformat",
    "timestamp_format": "timestampformat", "column_names": "names",
}  # fmt: skip
CSV_READERS = {"read_csv", "read_csv_auto"}
JSON_READERS = {"read_json", "read_json_auto", "read_ndjson", "read_ndjson_auto"}
# Table functions that only read. `query` would run SQL that has not been checked.
TABLE_FUNCTIONS = {
    "read_json_objects", "read_json_objects_auto", "read_ndjson_objects", "read_parquet",
    "parquet_scan", "read_text", "read_blob", "glob", "range", "generate_series", "unnest",
    "repeat", "repeat_row", "json_each", "json_tree",
}  # fmt: skip
# Options of DuckDB's reject tables, which the reader sets and reads.
REJECT_OPTIONS = {"rejects_table", "rejects_scan", "rejects_limit", "rejects_line_size_limit"}
QUERIES = {"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"}
READ_CSV_ADVICE = "write read_csv(getvariable('pack') || '/assets/FILE.csv')"


class Call(NamedTuple):
    """A table function in a FROM: its name, its named arguments, where it begins in the SQL."""

    name: str
    arguments: dict[str, dict[str, Any]]
    start: int


def prepared(connection: duckdb.DuckDBPyConnection, text: str) -> str:
    """The SELECT of an SQL file, its readers with every option that they would guess.

    Raises InputError, without the file's name, for anything but one SELECT that only reads, and
    duckdb.Error where DuckDB cannot parse it.
    """
    statements = connection.extract_statements(text)
    if not statements:
        raise InputError("holds no SELECT: it is empty or a comment")
    if len(statements) > 1:
        raise InputError(
            f"holds {len(statements)} statements, but a source is one SELECT: join them with UNION "
            "ALL BY NAME, or write a file for each"
        )
    if statements[0].type != duckdb.StatementType.SELECT:
        raise InputError(
            f"holds a statement of the kind {statements[0].type.name}, but a source is one SELECT, "
            "which only reads"
        )
    query = statements[0].query
    for call in reversed(list(_calls(_parsed(connection, query)))):
        added = _unstated(call, query)
        if added:
            options = ", ".join(f"{name} = {value}" for name, value in added.items())
            end = _end(query, call.start)
            raw = query.encode()
            query = (raw[:end] + f", {options}".encode() + raw[end:]).decode()
    return query


def _parsed(connection: duckdb.DuckDBPyConnection, query: str) -> Any:
    row = connection.execute("SELECT json_serialize_sql(?)", [query]).fetchone()
    try:
        return json.loads(row[0]) if row else None
    except RecursionError:
        raise InputError("is nested too deeply: divide it into WITH parts") from None


def _calls(tree: Any) -> Iterator[Call]:
    """The table functions of a parsed statement, in their order in the SQL."""
    calls, left = [], [tree]
    while left:
        node = left.pop()
        left += node.values() if isinstance(node, dict) else node if isinstance(node, list) else []
        if not isinstance(node, dict):
            continue
        kind = str(node.get("type", ""))
        if kind.endswith("_NODE") and kind not in QUERIES:
            raise InputError(f"holds a part that writes ({kind}), but a source only reads")
        if kind == "BASE_TABLE":
            name = ".".join(node["qualified_name"]["path"])
            if "." in name or "/" in name:
                raise InputError(
                    f"reads {name!r} by its bare name, which leaves all to guess: {READ_CSV_ADVICE}"
                )
        if kind == "TABLE_FUNCTION":
            calls.append(_call(node))
    return iter(sorted(calls, key=lambda call: call.start))


def _call(node: dict[str, Any]) -> Call:
    name = node["function"]["qualified_name"]["path"][-1].lower()
    if name not in CSV_READERS | JSON_READERS | TABLE_FUNCTIONS:
        allowed = sorted(CSV_READERS | JSON_READERS | TABLE_FUNCTIONS)
        raise InputError(f"calls {name}, which is none of what a source may read with: {allowed}")
    arguments = {}
    for argument in node["function"]["arguments"]:
        key, value = argument["name"], argument["expression"]
        if not key and value["type"] == "COMPARE_EQUAL" and "column_names" in value["left"]:
            key, value = value["left"]["column_names"][-1], value["right"]
        if key:
            key = NAMES.get(key.lower(), key.lower())
            arguments[key] = value
    return Call(name, arguments, node["query_location"])


def _unstated(call: Call, query: str) -> dict[str, str]:
    """The options that a reader's call lacks, with their values in SQL."""
    stated = call.arguments
    if call.name in JSON_READERS:
        if "ignore_errors" in stated and _literal(stated["ignore_errors"]) != "false":
            raise InputError(
                f"{call.name} with ignore_errors makes NULL of what it cannot read and tells "
                "nobody: leave it out, and mend the lines that DuckDB then names; or read the "
                "lines with read_csv and TRY_CAST(line AS JSON)"
            )
        return {} if "columns" in stated else _defaults(JSON, stated)
    if call.name not in CSV_READERS:
        return {}
    if wrong := sorted(REJECT_OPTIONS & stated.keys()):
        raise InputError(f"{call.name} with {wrong[0]}: leave it out, all rejects are kept here")
    if "header" not in stated and stated.keys() & {"columns", "names"}:
        raise InputError(
            f"{call.name} names its columns but does not say whether the file's first line does: "
            "write header = true or header = false"
        )
    added = _defaults(CSV, stated)
    if "quote" in stated and "escape" in added:
        value = stated["quote"]
        start, size = value["query_location"], value["query_location_length"]
        added["escape"] = query.encode()[start : start + size].decode()
    if _is_true(stated, "ignore_errors", call.name) and not _is_true(
        stated, "store_rejects", call.name
    ):
        if "store_rejects" in stated:
            raise InputError(
                f"{call.name} with ignore_errors and without store_rejects loses rows untold: "
                "leave store_rejects out"
            )
        added["store_rejects"] = "true"
    return added


def _defaults(options: dict[str, str], stated: dict[str, Any]) -> dict[str, str]:
    return {name: value for name, value in options.items() if name not in stated}


def _literal(value: dict[str, Any]) -> str | None:
    literal = value.get("literal", {})
    return literal.get("text") if literal.get("kind") == "BOOLEAN" else None


def _is_true(stated: dict[str, Any], option: str, reader: str) -> bool:
    """Whether a yes-or-no option is stated as true."""
    if option not in stated:
        return False
    value = _literal(stated[option])
    if value is None:
        raise InputError(f"{reader} with {option}: write true or false")
    return value == "true"


def _end(query: str, start: int) -> int:
    """Where the argument list of the call that begins at byte `start` is closed, in bytes."""
    raw, depth = query.encode(), 0
    for offset, _ in duckdb.tokenize(query):
        sign = raw[offset : offset + 1]
        if offset < start or sign not in (b"(", b")"):
            continue
        depth += 1 if sign == b"(" else -1
        if depth == 0:
            return offset
    raise InputError(f"has no end of the call at {query[start : start + 40]!r}")
