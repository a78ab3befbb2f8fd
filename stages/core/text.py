"""The one form of text: what comes in is composed and cleaned, what is compared is normalized.

Characters are told apart by their Unicode properties, not by lists of them.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl

# In characters. A longer text is not a query; a longer answer is not looked at whole.
MAX_QUERY = 4_000
MAX_ANSWER = 8_000

APOSTROPHES = "'’‘`ʼ＇"
# Unicode counts these among the punctuation, people read them aloud where they touch a word.
_SIGNS = "#&@"
# As they stand in a word: a percent sign carries meaning, a drawn line parts like a dash.
_SPECIAL = {"%": "%", "٪": "٪", "‰": "‰", "|": " ", **dict.fromkeys(_SIGNS + "＃＆＠")}
_SPECIAL.update((sign, sign) for sign in _SIGNS + "＃＆＠")


def composed(text: str) -> str:
    """`text` in Unicode's form NFC."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def each(value: Any, change: Callable[[str], str]) -> Any:
    """A value as YAML and JSON have them, with every text in it, keys too, changed."""
    made: dict[int, Any] = {}  # YAML may hold one list in many places

    def changed(value: Any) -> Any:
        if isinstance(value, str):
            return change(value)
        if not isinstance(value, dict | list):
            return value
        if id(value) not in made:
            made[id(value)] = (
                {changed(key): changed(one) for key, one in value.items()}
                if isinstance(value, dict)
                else [changed(one) for one in value]
            )
        return made[id(value)]

    return changed(value)


def is_valid(text: str) -> bool:
    """Whether UTF-8 can hold it: JSON can spell half a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def cleaned(text: str) -> str:
    """`text` in the form NFC, on one line, without what nobody sees; no blanks around it.

    Control characters and line breaks become a blank. Invisible characters go without one, such as
    soft hyphens and marks of direction; those stay that shape what stands beside them: joiners in
    scripts that join or stack letters and between emoji, selectors of a variant, flags' tags.
    """
    if text.isascii() and text.isprintable():
        return text.strip()
    text = unicodedata.normalize("NFC", text)
    if _odd().search(text):
        text = unicodedata.normalize("NFC", _odd().sub(_seen, text))
    return text.strip()


def _seen(match: Any) -> str:
    kind = match.lastgroup
    return match[0] if kind == "kept" else " " if kind == "blank" else ""


@cache
def _odd() -> Any:
    """The pattern of what `cleaned` looks at: `kept`, `blank` and the rest, which goes."""
    import regex  # here, so that --help need not wait

    joins = r"\p{Joining_Type=D}\p{Joining_Type=R}\p{Joining_Type=L}\p{Joining_Type=C}"
    unseen, selector = r"\p{Default_Ignorable_Code_Point}", r"\p{Variation_Selector}"
    shaped = rf"[[[\p{{L}}\p{{M}}]&&[{joins}\P{{Indic_Syllabic_Category=Other}}]]--{unseen}]"
    varied = rf"[[\p{{Emoji}}\p{{S}}\p{{N}}\p{{P}}\p{{M}}\p{{Lo}}]--{unseen}]"
    emoji = r"\p{Extended_Pictographic}"
    return regex.compile(
        rf"""(?V1)(?P<kept>
            [\u200c\u200d\u180e](?<={shaped}[\p{{M}}--{unseen}]{{0,8}}.)
          | \u200d(?<={emoji}[\ufe0f\p{{Emoji_Modifier}}\U000e0020-\U000e007f]{{0,8}}.)(?={emoji})
          | {selector}(?<={varied}.)
          | (?<=\U0001f3f4)[\U000e0030-\U000e0039\U000e0061-\U000e007a]{{3,6}}\U000e007f)
        | (?P<blank>[\p{{Cc}}\p{{Zl}}\p{{Zp}}]+)
        | (?P<gone>[[\p{{Cf}}{unseen}]--\p{{Prepended_Concatenation_Mark}}])
        """,
        regex.VERBOSE,
    )


# Most texts hold none of _FAR, Latin letters and usual punctuation apart: they are clean. _ODD is
# what `_odd` looks for.
_FAR = r"[^ -~\u00a1-\u00ac\u00ae-\u02ff\u2010-\u2027]"
_ODD = r"[\p{Cc}\p{Zl}\p{Zp}\p{Cf}\p{Default_Ignorable_Code_Point}]"


def cleaned_column(texts: pl.Series) -> pl.Series:
    """`cleaned` of each text, null of null; of lists of texts, of each text in them."""
    import polars as pl

    if texts.dtype == pl.List(pl.String):
        frame = pl.DataFrame({"was": texts}).with_row_index("row")
        flat = frame.filter(pl.col("was").list.len() > 0).explode("was")
        clean = cleaned_column(flat["was"])
        if clean is flat["was"] or clean.equals(flat["was"]):
            return texts
        lists = flat.select("row", text=clean).group_by("row").agg("text")
        both = frame.join(lists, "row", "left", maintain_order="left")
        return both.select(pl.coalesce("text", "was").alias(texts.name)).to_series()
    if texts.dtype != pl.String:
        return texts
    if not texts.str.contains(rf"{_FAR}|^ | $").any():
        return texts
    beyond = texts.str.contains(_FAR).fill_null(False).arg_true()
    clean = texts.str.strip_chars(" ")
    if len(beyond):
        far = texts.gather(beyond).str.normalize("NFC")
        odd = far.str.contains(_ODD).arg_true()
        far = far.str.strip_chars()
        if len(odd):
            replaced = [cleaned(text) for text in texts.gather(beyond.gather(odd))]
            far = far.scatter(odd, pl.Series(replaced, dtype=pl.String))
        clean = clean.scatter(beyond, far)
    return clean


def folded(text: str) -> str:
    """`text` without the difference of case, in the form NFC."""
    return text.lower() if text.isascii() else composed(composed(text).casefold())


def loosely(text: str) -> str:
    """`text` as it is compared for an exact match: case and runs of blanks do not count."""
    return " ".join(folded(text).split())


class _Words(dict[int, str | None]):
    """For str.translate: each character as it stands in words, a blank for what parts them, None
    for what is not heard. Letters, marks, numbers and symbols are words, punctuation is not.
    """

    def __missing__(self, code: int) -> str | None:
        self[code] = _in_words(chr(code))
        return self[code]


def _in_words(character: str) -> str | None:
    import regex

    if character in APOSTROPHES:
        return None
    if character in _SPECIAL:
        return _SPECIAL[character]
    if regex.match(r"[\p{Variation_Selector}\p{Join_Control}\u180e]", character):
        return None
    if regex.match(r"[\p{L}\p{M}\p{N}\p{Sm}\p{Sc}\p{Emoji_Modifier}]", character):
        return character
    if regex.match(r"\p{So}", character):
        return f" {character} "  # whether or not there is a blank before an emoji
    return character if "\U000e0020" <= character <= "\U000e007f" else " "


WORDS = _Words()


def normalized(text: str) -> str:
    """The words of `text` without case and punctuation, single spaces: equal for duplicates.

    It is empty for a text without a word.
    """
    text = text.lower() if text.isascii() else folded(cleaned(text))
    words = composed(text.translate(WORDS)).split()
    return " ".join(word for word in words if word.strip(_SIGNS))


def is_outer(character: str) -> bool:
    """Whether it is punctuation where it stands before or after a word."""
    return WORDS[ord(character)] == " " or character in APOSTROPHES
