"""What `check` says of phrases, lists and words that nothing uses."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from stages.core.pack import Pack, load
from stages.core.phrases import parse
from stages.core.plan import Plan
from stages.core.strata import FUNCTION
from stages.planning import idle
from stages.planning.pack_checks import pack_notes
from stages.planning.plans import Settings, plans
from stages.planning.sources import Pools
from tests.builders import TRAVEL


def changed(folder: Path, *changes: tuple[str, str, str]) -> Pack:
    """The pack of the tests with texts replaced: of a file, the first of one by another."""
    shutil.copytree(TRAVEL, folder / "pack")
    for file, old, new in changes:
        text = (folder / "pack" / file).read_text("utf-8")
        assert old in text
        (folder / "pack" / file).write_text(text.replace(old, new, 1), "utf-8")
    return load(folder / "pack")


WORDS = "vocabularies/en.yaml"


def phrase(text: str) -> tuple[str, str, str]:
    """The change that puts a phrase before the others of book_hotel."""
    start = "phrases:\n  book_hotel:\n"
    return WORDS, start, f'{start}    - "{text}"\n'


WITH_ROOM = phrase("a {room} in {city} {check_in} for {nights} nights")
FOUND: list[tuple[list[tuple[str, str, str]], str]] = [
    ([phrase("a hotel in {city}")],
     "book_hotel.0: is never used: it leaves out check_in, nights, required"),
    ([WITH_ROOM, ("pack.yaml", "room: {share: 0.4}", "room: {share: 0}")],
     "book_hotel.0: is never used: {room} has the share 0"),
    ([WITH_ROOM, ("pack.yaml", "dimensions:",
                  "exclusive: [[book_hotel.city, book_hotel.room]]\ndimensions:")],
     "book_hotel.0: is never used: it says city and room, which are `exclusive`"),
    ([(WORDS, "city: [paris, rome,", "city: [paris]\nother: [rome,")],
     "city: 'paris' is the only value of book_hotel.city"),
    ([(WORDS, "room:\n  single:", "roomy:\n  single:")], "roomy: no argument uses this list"),
    ([(WORDS, "suite: [suite]", "sweet: [suite]")],
     "room: 'sweet' is no value of book_hotel.room"),
    ([(WORDS, "  true: [with", "  maybe: [with")], "'maybe' is no value of book_hotel.breakfast"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "message"), FOUND)
def test_what_is_never_used_has_a_note(
    tmp_path: Path, changes: list[tuple[str, str, str]], message: str
) -> None:
    found = pack_notes(changed(tmp_path, *changes))
    assert any(message in note for note in found), found


def test_a_pack_in_order_has_no_such_note() -> None:
    pack = load(TRAVEL)
    assert [*idle.notes(pack, Pools(pack), "en"), *idle.notes(pack, Pools(pack), "de")] == []


def test_no_plan_is_said_by_an_idle_phrase_and_each_other_phrase_says_one(tmp_path: Path) -> None:
    texts = ("a hotel in {city}", "{room}, {amenities}", "book {nights} nights")
    pack = changed(tmp_path, *map(phrase, texts))
    made = plans(pack, Settings(2_000, reserve=1.0), 0).plans
    for function, phrases in pack.vocabulary("en").phrases.items():
        never = {number for number, _ in idle.idle(pack, function, phrases)}
        assert (len(never) == 3) == (function == "book_hotel")
        for number, text in enumerate(phrases):
            assert any(_says(one, function, text) for one in made) != (number in never), text


def _says(plan: Plan, function: str, text: str) -> bool:
    if plan.stratum[FUNCTION] != function or plan.locale != "en" or not plan.calls:
        return False
    return parse(text).says(frozenset(one.slot for one in plan.calls[0].said))
