"""Small copies of the pictures that rows of the route vision were written from."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable
from pathlib import Path

from stages.images import pictures

# Pictures that the page holds at most, their longest side in pixels, and how well they are kept.
MOST, SIDE, QUALITY = 100, 200, 60


def thumbnails(paths: Iterable[str | None]) -> dict[str, str]:
    """The first pictures by path, as data addresses; what is gone or refused is left out."""
    made: dict[str, str] = {}
    for path in dict.fromkeys(filter(None, paths)):
        if len(made) == MOST:
            break
        try:
            stream = io.BytesIO()
            pictures.read(Path(path), SIDE).convert("RGB").save(stream, "JPEG", quality=QUALITY)
        except (OSError, pictures.Refused):
            continue
        made[path] = f"data:image/jpeg;base64,{base64.b64encode(stream.getvalue()).decode()}"
    return made
