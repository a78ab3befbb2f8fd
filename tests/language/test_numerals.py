"""Numbers in figures where people do not spell them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stages import language
from stages.language import numerals

EN = language.of("en")


@pytest.mark.parametrize(
    ("text", "said", "values", "wanted"),
    [
        ("take four% off", {"p": "four"}, {"p": 4}, "take 4% off"),
        ("the line x = sixteen", {"x": "sixteen"}, {"x": 16}, "the line x = 16"),
        ("what is twenty^69", {"b": "twenty", "e": "69"}, {"b": 20, "e": 69}, "what is 20^69"),
        ("a pot of seven and a half cm", {"r": "seven and a half"}, {"r": 7.5}, "a pot of 7.5 cm"),
        # One of them in figures, all of them.
        ("b is two, c = six", {"b": "two", "c": "six"}, {"b": 2, "c": 6}, "b is 2, c = 6"),
        ("divide it by x - six", {"r": "six"}, {"r": 6}, "divide it by x - 6"),
        ("a table for six", {"n": "six"}, {"n": 6}, "a table for six"),
        ("six crates", {"n": "six"}, {"n": 6}, "six crates"),
        ("for twenty dollars (or so)", {"n": "twenty dollars"}, {"n": 20},
         "for twenty dollars (or so)"),
        ("add one, 16 and 3.5", {"n": "one, 16 and 3.5"}, {"n": [1, 16, 3.5]},
         "add 1, 16 and 3.5"),
        ("add one and two", {"n": "one and two"}, {"n": [1, 2]}, "add one and two"),
        ("the vector (3, four and 5)", {"v": "3, four and 5"}, {"v": [3, 4, 5]},
         "the vector (3, 4, 5)"),
        ("the vector ([3, -4])", {"v": "[3, -4]"}, {"v": [3, -4]}, "the vector (3, -4)"),
        # "seven" is another word's part, too.
        ("seven of hearts, x = seven", {"x": "seven", "c": "seven of hearts"}, {"x": 7},
         "seven of hearts, x = seven"),
    ],
)  # fmt: skip
def test_figures(text: str, said: dict[str, str], values: dict[str, Any], wanted: str) -> None:
    written, surfaces = numerals.put(text, said, values, EN)
    assert written == wanted
    assert all(one in written for one in surfaces.values())


@given(st.lists(st.integers(-500, 500), min_size=1, max_size=4), st.randoms())
def test_what_is_written_says_the_same_numbers(numbers: list[int], rng: Any) -> None:
    surface = EN.joined([rng.choice(EN.number(one)) for one in numbers])
    assert numerals.written(numbers, surface, EN) in (
        surface,
        EN.joined([EN.number(one)[0] for one in numbers]),
    )
    assert numerals.written(True, "yes", EN) == "yes"
