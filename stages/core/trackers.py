"""The tools that `finetune.report_to` names: whether their packages are there."""

from __future__ import annotations

import importlib.util

from stages.core.command import InputError

# Packages of which transformers takes the first that is installed.
PACKAGES = {
    "wandb": ("wandb",),
    "tensorboard": ("tensorboard", "tensorboardX"),
    "trackio": ("trackio",),
    "dvclive": ("dvclive",),
}


def check(tool: str) -> None:
    """InputError if the package of `tool`, a value of `finetune.report_to`, is not installed."""
    if tool != "none" and not any(is_installed(name) for name in PACKAGES[tool]):
        raise InputError(
            f"finetune.report_to is {tool}, but the package {tool} is not installed: "
            f"`pip install {tool}` in this environment, or set finetune.report_to: none"
        )


def is_installed(package: str) -> bool:
    """Whether `import package` finds a package; a mere folder, such as W&B's own logs, is none."""
    spec = importlib.util.find_spec(package)
    return spec is not None and spec.origin is not None
