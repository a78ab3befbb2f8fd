"""Pictures that assets point to: inside the pack, of a known kind, whole, within the limits."""

from __future__ import annotations

from pathlib import Path

from stages.core import links
from stages.images import pictures


def refusal(path: str, pack: Path) -> str | None:
    """Why the picture `path` (relative to the pack) cannot be used, or None if it can.

    It is decoded once, here, so that a truncated file is found before a model is paid to see it.
    """
    if Path(path).is_absolute():
        return "image_path is absolute"
    try:
        file = pack / path  # not where it leads: a file in DVC's cache has a hash for a name
        if not links.is_own(file, pack):
            return "image_path leads out of the pack"
        if not file.is_file():
            return "image_path names no file"
        pictures.check(file)
    except pictures.Refused as error:
        return f"picture refused: {error}"
    except (OSError, RuntimeError, ValueError):  # a loop of links, a name with a null byte
        return "image_path names no file"
    return None
