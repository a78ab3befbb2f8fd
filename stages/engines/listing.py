"""Which of a server's models is meant, by the names that it lists."""

from __future__ import annotations

import filecmp
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

from stages.core.command import InputError
from stages.core.connections import ScoringServer
from stages.engines.complaints import Complaints

ADAPTED = "; vLLM has an adapter after --enable-lora --lora-modules NAME=models/adapter"


class Listed(NamedTuple):
    """A model as a server lists it. parent: the base model's name, for an adapter; root: what it
    was loaded from. Both are empty where the server does not say; vLLM does.
    """

    name: str
    parent: str = ""
    root: str = ""


class Wanted(NamedTuple):
    """The setting `block`.`key` of params.yaml that names a model, and the name that it has there;
    empty: the only model of its kind. other: the name of the base model for an adapter, of the
    adapter for a base model; empty if unknown.
    """

    block: str
    key: Literal["model", "base", "tuned"]
    name: str
    other: str = ""

    @property
    def setting(self) -> str:
        return f"{self.block}.{self.key}"


def scored(options: ScoringServer, is_tuned: bool) -> Wanted:
    """The base model of a server that scores, or the adapter."""
    if is_tuned:
        return Wanted("evaluate.server", "tuned", options.tuned, options.base)
    return Wanted("evaluate.server", "base", options.base, options.tuned)


def listed(model: Any) -> Listed:
    """One entry of a server's list."""
    more = (getattr(model, name, None) for name in ("parent", "root"))
    return Listed(str(model.id), *(text if isinstance(text, str) else "" for text in more))


def choose(models: Sequence[Listed], wanted: Wanted, complaints: Complaints) -> Listed:
    """The model that is meant. Raises InputError where the server has none, or several."""
    by_name = {model.name: model for model in models}
    address, clean = complaints.options.address, complaints.clean
    if wanted.name in by_name:
        problem = _misfit(by_name[wanted.name], by_name, wanted)
        if problem:
            raise InputError(f"{wanted.setting} {wanted.name}: {address} has it {clean(problem)}")
        return by_name[wanted.name]
    fits = [
        model
        for model in models
        if _fits(model, by_name, wanted) and not _misfit(model, by_name, wanted)
    ]
    if wanted.name or len(fits) != 1:
        names = clean(", ".join(model.name for model in models[:10])) or "no model"
        raise InputError(
            f"{address} serves {names}: name one of them in {wanted.setting} (found "
            f"{wanted.name!r}){ADAPTED if wanted.key == 'tuned' else ''}"
        )
    # It names the rows and goes into messages.
    if (shown := clean(fits[0].name)) != fits[0].name:
        raise InputError(
            f"{address} serves a model whose name cannot be used ({shown}): give it another there, "
            f"such as with --served-model-name, or name it in {wanted.setting}"
        )
    return fits[0]


def _fits(model: Listed, by_name: dict[str, Listed], wanted: Wanted) -> bool:
    """Whether a model is of the kind that is meant where no name is given."""
    if wanted.key == "base":
        # What is named as the tuned model may be a merged one, unless it has adapters itself.
        return not model.parent and (model.name != wanted.other or _has_adapters(model, by_name))
    return wanted.key == "model" or bool(model.parent)


def _has_adapters(model: Listed, by_name: dict[str, Listed]) -> bool:
    return model.name in {other.parent for other in by_name.values()}


def _misfit(model: Listed, by_name: dict[str, Listed], wanted: Wanted) -> str:
    """What is wrong with a model that was named: it is an adapter in place of a base model, a base
    model in place of an adapter, or an adapter on another base model; empty if nothing is.
    """
    if wanted.key == "base" and model.parent:
        return f"as an adapter on {model.parent}: name the base model"
    if wanted.key != "tuned":
        return ""
    base = by_name.get(wanted.other, Listed(""))
    if not model.parent:
        is_base = _has_adapters(model, by_name) or (bool(base.root) and model.root == base.root)
        return "as a base model: name an adapter on it" if is_base else ""
    parent = by_name.get(model.parent, Listed(model.parent))
    if base.name in ("", parent.name) or (base.root and parent.root == base.root):
        return ""
    return f"on the base model {parent.name}, not on evaluate.server.base {base.name}"


def check_loaded(model: Listed, folder: str | Path, wanted: Wanted, complaints: Complaints) -> None:
    """Raises InputError where the server has its model from a folder of this machine whose weights
    are not those in `folder`. What is elsewhere cannot be looked at.
    """
    try:
        root = Path(model.root)
        if not model.root or not root.is_dir() or root.samefile(folder):
            return
        is_same = _have_same_weights(root, Path(folder))
    except (OSError, ValueError):  # no path, or one of another's
        return
    if not is_same:
        raise InputError(
            f"{complaints.options.address} has {wanted.name or model.name} from "
            f"{complaints.clean(model.root)}, whose weights are not those of {folder}: serve that, "
            f"or name another model in {wanted.setting}"
        )


def _have_same_weights(first: Path, second: Path) -> bool:
    names = [sorted(file.name for file in f.glob("*.safetensors")) for f in (first, second)]
    return names[0] == names[1] and all(
        filecmp.cmp(first / name, second / name, shallow=False) for name in names[0]
    )
