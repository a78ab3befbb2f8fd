"""What `check` says of functions whose values are told from the query."""

from __future__ import annotations

from dataclasses import replace

import pytest

from stages.core import pack, settings
from stages.core.command import InputError
from stages.core.pack_files import PopulationFile
from stages.core.templates import Header, Template
from stages.spine.pack_parts import check_phrased

CHOSEN = settings.load()
KNOWN = pack.load("data/domains/creative")


def template(*functions: str, **more: object) -> Template:
    header = Header(
        route="heuristic", functions=list(functions), words=(1, 9), locales=["en"],
        **{"weight": 1.0, "recipes": [CHOSEN.route.recipe], **more},  # type: ignore[arg-type]
    )  # fmt: skip
    return Template("heuristic/one", header, "find it")


def test_what_is_written_by_templates_alone() -> None:
    both = [template("Search", "Generate")]
    assert check_phrased(KNOWN, both, CHOSEN) == []
    (note,) = check_phrased(replace(KNOWN, population=PopulationFile()), both, CHOSEN)
    assert "missing_function" in note and "Search, Generate have no phrases" in note


@pytest.mark.parametrize("more", [{"recipes": ["single_prompt"]}, {"weight": 0.0}])
def test_a_function_that_nothing_writes(more: dict[str, object]) -> None:
    with pytest.raises(InputError, match="Generate has an argument that is told from the query"):
        check_phrased(KNOWN, [template("Search"), template("Generate", **more)], CHOSEN)


def test_several_values_without_words() -> None:
    frame = replace(KNOWN.frames["en"], classes={"Photo": ("photo",), "Audio": (), "Any": ()})
    known = replace(KNOWN, frames={"en": frame})
    with pytest.raises(InputError, match=r"content_type: Audio, Any have no words.*content_type"):
        check_phrased(known, [template("Search", "Generate")], CHOSEN)
