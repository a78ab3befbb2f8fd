"""The page that `dvc plots show` fills, with Vega's scripts in it: DVC's own loads them from the
network.

Command: python -m stages.install.plots FOLDER; `make setup` runs it with .dvc
Writes:  FOLDER/plots.html, and its name to FOLDER/config.local

Neither is in Git, for DVC fails where a page is set that is not there: a clone has DVC's own page
until `make setup`, which also brings the page back where it alone was removed.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

NAME = "plots.html"
PACKAGE = "vl-convert-python"
# The last Vega-Lite of the package that reads what dvc_render writes, schema v5.
VEGA_LITE = "5.21"
PLACE = "{scripts}"


def page() -> str:
    """DVC's own page with the scripts in place of their addresses. Raises ValueError where that
    page has no such place.
    """
    import vl_convert
    from dvc_render.html import PAGE_HTML

    before, found, after = PAGE_HTML.partition(PLACE)
    if not found:
        raise ValueError(f"dvc_render's page has no {PLACE}")
    # In a function, for its names would be those of the plots' own scripts.
    bundle = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", VEGA_LITE)
    scripts = bundle.replace("</script", "<\\/script")
    return f'{before}<meta charset="utf-8">\n<script>(() => {{{scripts}}})()</script>{after}'


def write(folder: Path) -> None:
    """Write the page, and set it unless another is set. The page gets its name last, by which
    `make setup` sees that all is done.
    """
    from dvc.config import Config

    temporary = folder / f"{NAME}.tmp"
    temporary.write_text(page(), "utf-8")
    config = Config(str(folder))
    if not config.get("plots", {}).get("html_template"):
        with config.edit("local") as local:
            local.setdefault("plots", {})["html_template"] = NAME
    os.replace(temporary, folder / NAME)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
