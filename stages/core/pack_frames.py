"""The frames of a pack's locales: the words of `frame` with the classes of the pack's arguments."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stages.core.command import InputError
from stages.core.frame import Frame, FrameWords
from stages.core.pack_files import VOCABULARIES
from stages.core.settings import SHOWN

if TYPE_CHECKING:
    from stages.core.pack import Pack


def frames(pack: Pack, path: Path) -> dict[str, Frame]:
    """The frame of each locale, where arguments are of a kind that needs one; else none.

    path: of pack.yaml, for the InputError that this raises.
    """
    needy = [s for s in pack.by_key.values() if s.kind in ("class", "derived")]
    nested = [s.key for s in needy if len(s.path) > 1]
    classed = [s for s in needy if s.kind == "class"]
    if nested or len({s.slot for s in classed}) > 1:
        raise InputError(
            f"{path}: arguments.{(nested or [classed[-1].key])[0]}: a class is one argument of the "
            "same name in all functions, and neither class nor derived may stand in an object"
        )
    by_locale: dict[str, Frame] = {}
    for locale in pack.locales if needy else ():
        where = f"{pack.folder / VOCABULARIES / locale}.yaml: frame"
        vocabulary = pack.vocabulary(locale)
        if vocabulary.frame is None:
            raise InputError(
                f"{where} is missing: {needy[0].key} is told by what frames a request, so list "
                "the words that ask, command and join"
            )
        slot = classed[0].slot if classed else ""
        # As of any enum, under the argument's name or under FUNCTION.ARGUMENT.
        words = {
            entry.value: entry.surfaces
            for name in dict.fromkeys((*(source.key for source in classed), slot))
            for entry in vocabulary.lists.get(name, ())
        }
        values = [
            value
            for source in classed
            for value in (source.schema.get("enum", ()) if source.settings is True
                          else source.settings)
        ]  # fmt: skip
        classes = {str(value): tuple(words.get(value, ())) for value in dict.fromkeys(values)}
        if classed and not classes:
            raise InputError(
                f"{path}: arguments.{classed[0].key}: its schema has no enum: list its values"
            )
        _check_frame(vocabulary.frame, pack, classes, where)
        by_locale[locale] = Frame(vocabulary.frame, tuple(pack.catalogue.names), classes, slot)
    return by_locale


def _check_frame(words: FrameWords, pack: Pack, classes: Mapping[str, Any], where: str) -> None:
    """InputError where a frame names functions or classes that are not there."""
    functions = list(pack.catalogue.names)
    for key, names, allowed in (
        ("asks", words.asks, functions), ("commands", words.commands, functions),
        ("searches", words.searches, functions), ("cues", words.cues, list(classes)),
        ("hints", words.hints, list(classes)), ("generic", words.generic, list(classes)),
    ):  # fmt: skip
        for name in names:
            if name not in allowed:
                raise InputError(
                    f"{where}.{key}: {name!r:.60} is unknown; known: {allowed[:SHOWN]}"
                )
