"""What the keys of pack.yaml mean: FUNCTION.ARGUMENT[.PROPERTY], each found in catalogue.json."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from stages.core.catalogue import Catalogue
from stages.core.command import InputError
from stages.core.pack_files import CATALOGUE, PackFile
from stages.core.settings import SHOWN
from stages.core.source_kinds import SourceEntry
from stages.core.sources import split_key
from stages.core.strata import BAND, FUNCTION, LOCALE, SCENARIO
from stages.core.worlds import World


def _split(key: str, catalogue: Catalogue, where: str) -> tuple[str, tuple[str, ...]]:
    split = split_key(key, catalogue)
    if split is None:
        names = list(catalogue.names)
        function = max((n for n in names if key.startswith(f"{n}.")), key=len, default=None)
        if function is None:
            hint = f"name FUNCTION.ARGUMENT with a function of {names[:SHOWN]}"
        else:
            properties = catalogue[function].parameters.get("properties", {})
            hint = f"{function} has the arguments {list(properties)[:SHOWN]}"
        raise InputError(f"{where}: {key!r:.100} is no argument of {CATALOGUE}: {hint}")
    return split


def entries(file: PackFile, catalogue: Catalogue, path: Path) -> dict[str, SourceEntry]:
    """FUNCTION.ARGUMENT[.PROPERTY] -> the source that pack.yaml gives it. Raises InputError."""
    by_key = {}
    for key, entry in file.arguments.items():
        function, slot = _split(key, catalogue, f"{path}: arguments")
        by_key[".".join((function, *slot))] = entry
    return by_key


def exclusive(
    file: PackFile, catalogue: Catalogue, path: Path
) -> dict[str, tuple[frozenset[str], ...]]:
    """Function -> groups of slots of which at most one stands in a call. Raises InputError."""
    by_function: dict[str, list[frozenset[str]]] = {}
    for number, group in enumerate(file.exclusive):
        where = f"{path}: exclusive.{number}"
        split = [_split(key, catalogue, where) for key in group]
        functions = {function for function, _ in split}
        if len(functions) > 1 or "*" in functions:
            raise InputError(f"{where}: {group} must name arguments of one function")
        required = catalogue[split[0][0]].parameters.get("required", [])
        if both := [s[0] for _, s in split if len(s) == 1 and s[0] in required][1:]:
            raise InputError(f"{where}: {both[0]} is required together with another: remove it")
        by_function.setdefault(functions.pop(), []).append(frozenset(".".join(s) for _, s in split))
    return {function: tuple(groups) for function, groups in by_function.items()}


def dimensions(file: PackFile, catalogue: Catalogue, path: Path) -> dict[str, dict[str, str]]:
    """The pack's own dimensions: name -> function -> slot. Raises InputError."""
    by_name: dict[str, dict[str, str]] = {}
    for name, keys in file.dimensions.items():
        where = f"{path}: dimensions.{name}"
        if name in (FUNCTION, SCENARIO, LOCALE, BAND):
            raise InputError(f"{where}: every pack has this dimension: choose another name")
        slots: dict[str, str] = {}
        for key in [keys] if isinstance(keys, str) else keys:
            function, slot = _split(key, catalogue, where)
            functions = [function] if function != "*" else list(catalogue.names)
            for one in functions:
                if split_key(f"{one}.{'.'.join(slot)}", catalogue) is not None:
                    slots[one] = ".".join(slot)
        by_name[name] = slots
    return by_name


def held_out(
    file: PackFile, catalogue: Catalogue, worlds: Mapping[str, World], path: Path
) -> frozenset[str]:
    """The functions that the dataset does not show, also of whole worlds. Raises InputError."""
    names = set[str]()
    for name in file.held_out:
        if name not in catalogue and name not in worlds:
            raise InputError(
                f"{path}: held_out: {name!r:.80} is no function of {CATALOGUE}, and no world"
            )
        names |= {name} if name in catalogue else {*worlds[name].functions}
    if len(names) == len(catalogue.names):
        raise InputError(f"{path}: held_out: all functions are held out: leave some to train on")
    return frozenset(names)
