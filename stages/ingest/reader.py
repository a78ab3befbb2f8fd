"""DuckDB in its own process: if a limit, a signal or a crash ends it, the stage stays alive.

DuckDB hears neither signals nor `interrupt` everywhere, and its `memory_limit` does not cover all
that it takes: this process is killed, and what it may allocate is limited by the system.

Started by `sources.Database` with the bytes of memory and a folder for temporary files. Each line
of its input is a request, as JSON: text of the SQL, folder of the pack, other files that it may
read, rows of a batch. Its output is frames: kind (a byte), size (8 bytes, little-endian), content.

    b  rows, as an Arrow stream; the first has the columns alone
    r  DuckDB's rejects, likewise: row, reason
    e  an error, in UTF-8; the request's last frame
    z  the end of the request's rows
"""

from __future__ import annotations

import csv
import json
import os
import re
import resource
import signal
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any, BinaryIO

import duckdb

from stages.core.command import InputError
from stages.core.links import ADVICE
from stages.ingest import statement

FRAME = 64 * 2**20  # bytes; no row may be longer
# DuckDB's own limit, at which it goes to the disk, as a share of the process's.
SHARE = 0.6
TEMPORARY = 8  # times the memory
# Arrow types that polars cannot read.
UNREADABLE_TYPES = re.compile("interval|extension|union|run_end|view")
REJECTS = """
SELECT parse_filename(file_path) || ', line ' || line || ': ' || any_value(csv_line[:400]) AS row,
    'csv: ' || array_to_string(list_sort(list_distinct(list(lower(error_type::VARCHAR)
        || CASE WHEN error_type = 'CAST' THEN ' of ' || column_name ELSE '' END))), ', ') AS reason
FROM reject_errors JOIN reject_scans USING (scan_id, file_id)
GROUP BY file_path, line, line_byte_position ORDER BY file_path, line
"""
# A quote that is not closed swallows the lines after it, each of which may be a row.
UNCLOSED_QUOTES = """
SELECT file_path, min(line) FROM reject_errors JOIN reject_scans USING (scan_id, file_id)
WHERE error_type = 'UNQUOTED VALUE' AND (contains(csv_line, chr(10)) OR contains(csv_line, chr(13)))
GROUP BY ALL
"""


def answer(request: dict[str, Any], memory: int, temporary: str, out: BinaryIO) -> None:
    """Run one request's SELECT and write its frames. Raises InputError, duckdb.Error."""
    with duckdb.connect(config={"autoinstall_known_extensions": False}) as connection:
        query = statement.prepared(connection, request["text"])
        connection.execute(f"SET VARIABLE pack = {_quoted(request['pack'])}")
        for name, value in {
            "memory_limit": _quoted(f"{int(memory * SHARE)}B"),
            "temp_directory": _quoted(temporary),
            "max_temp_directory_size": _quoted(f"{memory * TEMPORARY}B"),
            "python_enable_replacements": "false",
            "allowed_directories": f"[{_quoted(request['pack'] + '/')}]",
            "allowed_paths": f"[{', '.join(map(_quoted, request['paths']))}]",
            "enable_external_access": "false",
            "lock_configuration": "true",
        }.items():
            connection.execute(f"SET {name} = {value}")
        with ThreadPoolExecutor(1) as beside:
            # DuckDB looks at the files meanwhile.
            relation = beside.submit(connection.sql, query)
            import pyarrow

            rows = relation.result().to_arrow_reader(request["rows"])
        names = rows.schema.names
        if repeated := sorted({name for name in names if names.count(name) > 1}):
            raise InputError(f"two columns are named {repeated[0]}: give them names with AS")
        for field in rows.schema:
            if UNREADABLE_TYPES.search(str(field.type)):
                raise InputError(
                    f"column {field.name} is of the type {field.type}: "
                    f"write CAST({field.name} AS VARCHAR)"
                )
        send(out, b"b", pyarrow.RecordBatch.from_pylist([], rows.schema))
        for batch in rows:
            for part in _parts(batch):
                send(out, b"b", part)
        try:
            for path, line in connection.execute(UNCLOSED_QUOTES).fetchall():
                raise InputError(
                    f"{Path(path).name}, line {line}: a quote is not closed, or text follows it, "
                    "so that nobody knows where the rows after it begin: mend that line"
                )
            for batch in connection.sql(REJECTS).to_arrow_reader(request["rows"]):
                send(out, b"r", batch)
        except duckdb.CatalogException:  # no reader stored rejects
            pass
    write(out, b"z", b"")


def _parts(batch: Any) -> Iterator[Any]:
    """A batch in pieces that each fit into a frame."""
    if batch.nbytes <= FRAME:
        yield batch
    elif batch.num_rows == 1:
        raise InputError(f"a row has more than {FRAME} bytes")
    else:
        half = batch.num_rows // 2
        yield from _parts(batch.slice(0, half))
        yield from _parts(batch.slice(half))


def send(out: BinaryIO, kind: bytes, batch: Any) -> None:
    """Write an Arrow batch as a frame."""
    import pyarrow

    buffer = pyarrow.BufferOutputStream()
    with pyarrow.ipc.new_stream(buffer, batch.schema) as stream:
        stream.write_batch(batch)
    write(out, kind, buffer.getvalue())


def write(out: BinaryIO, kind: bytes, content: Any) -> None:
    """Write a frame."""
    out.write(kind + len(content).to_bytes(8, "little"))
    out.write(content)
    out.flush()


def message(error: Exception, request: dict[str, Any]) -> str:
    """The error in one line."""
    if isinstance(error, InputError):
        return str(error)
    if isinstance(error, MemoryError):
        return "Out of Memory Error"
    # DuckDB's text comes with the row that it could not read, and the reason after that.
    text = " ".join(w if len(w) < 100 else f"{w[:40]}..." for w in str(error).split())[:500]
    if isinstance(error, duckdb.PermissionException):
        return f"{text}; {ADVICE}"
    if "when sniffing file" in text:
        return _ragged(Path(text.split('"')[1])) or text
    if isinstance(error, duckdb.BinderException) and "not found" in text:
        return f"{text} (what read_csv does not state is: {_options()})"
    return text


def _ragged(file: Path) -> str | None:
    """The first line of a CSV file at which Python's reader would give up, too."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            lines = csv.reader(stream, strict=True)
            width = len(next(lines))
            last = lines.line_num
            try:
                for fields in lines:
                    if fields and len(fields) != width:
                        return (
                            f"{file.name}, line {lines.line_num}: {len(fields)} column(s), but the "
                            f"first line has {width}: mend one of them, or state in read_csv what "
                            f"the file is (now: {_options()})"
                        )
                    last = lines.line_num
            except csv.Error:
                return (
                    f"{file.name}, line {last + 1}: a quote is not closed, or text follows it: "
                    f"mend it, or state in read_csv what the file is (now: {_options()})"
                )
    except (OSError, ValueError, csv.Error, StopIteration):
        pass
    return None


def _options() -> str:
    return ", ".join(f"{name} = {value}" for name, value in statement.CSV.items())


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def main() -> None:
    memory, temporary = int(sys.argv[1]), sys.argv[2]
    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # the stage handles them, and ends this process
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not get between the frames
    requests: SimpleQueue[str] = SimpleQueue()

    def listen() -> None:
        for line in sys.stdin:
            requests.put(line)
        os._exit(0)  # the stage has ended, however it did

    Thread(target=listen, daemon=True).start()
    while True:
        request = json.loads(requests.get())
        try:
            answer(request, memory, temporary, out)
        # What DuckDB finds on the way comes from the Arrow reader, as an OSError.
        except (InputError, duckdb.Error, OSError, MemoryError, UnicodeError, ValueError) as error:
            write(out, b"e", message(error, request).encode("utf-8", "replace"))


if __name__ == "__main__":
    main()
