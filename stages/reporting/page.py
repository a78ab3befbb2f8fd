"""The page: one HTML file that asks for nothing.

Rows go into it as compressed JSON in base64, so no text of theirs can be markup; the page's script
writes them as text. What Jinja fills is escaped. A content security policy names the two scripts by
their hashes: nothing else runs, and nothing is fetched.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import importlib.util
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from stages.core.command import InputError

ASSETS = Path(__file__).parent / "assets"
# DataTables as the package itables ships it: an ES module that exports jQuery with its plugins.
LIBRARY = "itables"
EXPORTS = re.compile(r"export\s*\{([^{}]*)\}\s*;?")
JQUERY = re.compile(r"([\w$]+) as jQuery\b")


def render(title: str, values: Mapping[str, Any], tables: Mapping[str, Any]) -> str:
    """The page's HTML. values: what its template shows; tables: rows by name, of `table`."""
    scripts = [library(), (ASSETS / "page.js").read_text("utf-8")]
    style = bundled("dt_bundle.css") + (ASSETS / "page.css").read_text("utf-8")
    return filled("page.html", style, scripts, tables, title=title, tables=tables, **values)


def filled(template: str, style: str, scripts: list[str], data: Any, **values: Any) -> str:
    """A page's HTML. template: its file's name; data: what its script unpacks; values: what the
    template shows beside them, escaped.
    """
    hashes = " ".join(f"'sha256-{_hash(script)}'" for script in scripts)
    jinja = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True,
                               lstrip_blocks=True)  # fmt: skip
    jinja.filters["number"] = lambda n: f"{n:,}"
    html = jinja.from_string((ASSETS / template).read_text("utf-8")).render(
        **values,
        policy=f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; "
        "img-src data:; base-uri 'none'; form-action 'none'",
        style=Markup(style),
        scripts=[Markup(script) for script in scripts],
        packed=Markup(packed(data)),
    )
    return html.encode("utf-8", "replace").decode()  # JSON can spell half a surrogate pair


def table(
    rows: list[dict[str, Any]], shown: Mapping[str, str], filters: Mapping[str, str], total: int
) -> dict[str, Any]:
    """Rows for the page's script: a list each, by the keys of all. shown: columns that are seen,
    key -> class; filters: columns to choose by, key -> what is chosen at first, which
    a row's details tell on one line.
    """
    keys = list(dict.fromkeys(key for row in rows for key in row))
    short = [key for key in filters if key in keys]
    filters = {key: first for key, first in filters.items()
               if len({row.get(key) for row in rows}) > 1}  # fmt: skip
    return {
        "keys": keys,
        "shown": [[key, kind] for key, kind in shown.items() if key in keys],
        "short": short,
        "filters": [[key, first] for key, first in filters.items()],
        "rows": [[row.get(key) for key in keys] for row in rows],
        "total": total,
    }


def packed(value: Any) -> str:
    """A JSON value compressed, in base64; the same bytes each time."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    raw = gzip.compress(text.encode("utf-8", "replace"), 9, mtime=0)
    return base64.b64encode(raw).decode("ascii")


def bundled(name: str) -> str:
    """A file of the library that draws tables. Raises InputError where it is not installed."""
    spec = importlib.util.find_spec(LIBRARY)
    folder = Path(spec.origin).parent if spec and spec.origin else None
    path = folder / "html" / name if folder else None
    if path is None or not path.is_file():
        raise InputError(f"the package {LIBRARY} with {name} is not installed: run `make setup`")
    return path.read_text("utf-8")


def library() -> str:
    """The library as a script of a page, with jQuery as a name of the page."""
    text = bundled("dt_bundle.js")
    exports = EXPORTS.findall(text)
    name = JQUERY.search(exports[-1]) if exports else None
    if len(exports) != 1 or name is None or "</script" in text.lower():
        raise InputError(f"{LIBRARY}'s dt_bundle.js has another form than this code knows: run "
                         "`make setup`, which installs the pinned one")  # fmt: skip
    text = EXPORTS.sub("", text) + f"\nglobalThis.jQuery={name[1]};\n"
    # A browser would read it as the beginning of a comment of HTML; in texts it means the same.
    return text.replace("<!--", "\\x3C!--")


def _hash(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
