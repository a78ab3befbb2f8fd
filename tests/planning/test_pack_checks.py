"""What `python -m stages.check` says of a pack before anything is planned."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from stages.core.command import InputError
from stages.core.pack import load
from stages.planning.pack_checks import pack_notes, pack_problems
from tests.builders import TRAVEL


def travel(folder: Path, file: str = "", old: str = "", new: str = "") -> Path:
    """A copy of the pack of the tests with one text replaced by another."""
    pack = folder / "travel"
    shutil.copytree(TRAVEL, pack)
    if file:
        text = (pack / file).read_text("utf-8")
        assert old in text
        (pack / file).write_text(text.replace(old, new, 1), "utf-8")
    return pack


def test_the_pack_of_the_tests_is_in_order() -> None:
    assert pack_problems(load(TRAVEL)) == []


BAD = [
    ("pack.yaml", '  "*.city": {vocabulary: city}\n', "", "book_hotel.city is required and has no"),
    ("vocabularies/en.yaml", "(a {room}|a room|a hotel)", "a {rom}", r"hotel\.0: {rom} is no"),
    ("vocabularies/en.yaml", "(book|reserve) (", "(book (", r"book_hotel\.0: .*not closed"),
    ("vocabularies/en.yaml", "phrases:\n  book_hotel:", "phrases:\n  show_trips: [a, '{city}']\n"
     "  book_hotel:", "duplicate"),
    ("pack.yaml", "{min: 10, max: 90, step: 5", "{min: 10, max: 900, step: 5", "gives 900"),
    ("population.yaml", "single: 2", "sigle: 2", "'sigle' is none of its values"),
]  # fmt: skip


@pytest.mark.parametrize(("file", "old", "new", "message"), BAD)
def test_problems(tmp_path: Path, file: str, old: str, new: str, message: str) -> None:
    try:
        found = pack_problems(load(travel(tmp_path, file, old, new)))
    except InputError as error:
        found = [str(error)]
    assert any(re.search(message, problem) for problem in found), found


def test_phrases_that_never_say_what_is_required(tmp_path: Path) -> None:
    pack = travel(tmp_path)
    words = pack / "vocabularies" / "en.yaml"
    text = words.read_text("utf-8").replace(" for {nights} nights", "")
    text = text.replace(", {nights} nights", "").replace("{nights} nights in", "nights in")
    words.write_text(text.replace("{city} {check_in}", "{city} {nights}"), "utf-8")
    assert any("none says all that is required" in p for p in pack_problems(load(pack)))


def test_an_argument_that_every_phrase_says(tmp_path: Path) -> None:
    pack = travel(tmp_path, "vocabularies/de.yaml", "{nights} Nächte {check_in}", "{city} {nights}")
    assert any("book_hotel: none leaves out city alone" in note for note in pack_notes(load(pack)))


def test_attributes_that_agree_with_nothing(tmp_path: Path) -> None:
    pack = travel(tmp_path)
    words = pack / "vocabularies" / "en.yaml"
    street = "street: [{value: 12 oak street, city: paris}, {value: 7 mill lane, city: parris}]\n"
    lines = [x for x in words.read_text("utf-8").splitlines() if not x.startswith("street:")]
    words.write_text(street + "\n".join(lines), "utf-8")
    file = pack / "pack.yaml"
    text = file.read_text("utf-8").replace(
        "{vocabulary: street}", "{vocabulary: street, agrees_with: city}"
    )
    file.write_text(text, "utf-8")
    found = pack_problems(load(pack))
    assert len(found) == 1 and "'7 mill lane', have a `city`" in found[0]


def test_a_form_that_the_entries_lack(tmp_path: Path) -> None:
    changed = ("vocabularies/en.yaml", "in {city} {check_in}", "in {city:of} {check_in}")
    notes = pack_notes(load(travel(tmp_path, *changed)))
    told = "10 of 10 entries, such as 'paris', have no form `of`"
    assert any(told in note for note in notes)


def test_notes_name_what_is_rough(tmp_path: Path) -> None:
    pack = travel(tmp_path, "vocabularies/en.yaml", "  show_trips:\n", "  # show_trips:\n")
    text = (pack / "vocabularies" / "en.yaml").read_text("utf-8")
    cut = text[: text.index("  # show_trips:")]
    cut = cut.replace("[ with {amenities}]", "").replace("[, {amenities}]", "")
    (pack / "vocabularies" / "en.yaml").write_text(cut, "utf-8")
    found = "\n".join(pack_notes(load(pack)))
    assert "phrases.show_trips: none: rough ones" in found
    assert "phrases.book_hotel: none says amenities" in found
    assert "phrases.book_hotel: none leaves out" not in found
    assert "phrases.order_taxi: 4 of at least 8" in found
