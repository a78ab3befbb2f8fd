"""Pictures that assets point to: inside the pack, readable, within a pixel limit."""

from __future__ import annotations

from pathlib import Path

from PIL import Image, UnidentifiedImageError

MAX_PIXELS = 50_000_000


def refusal(path: str, pack: Path) -> str | None:
    """Why the picture `path` (relative to the pack) cannot be used, or None if it can."""
    if Path(path).is_absolute():
        return "image_path is absolute"
    file = (pack / path).resolve()
    if not file.is_relative_to(pack.resolve()):
        return "image_path leads out of the pack"
    if not file.is_file():
        return "image_path names no file"
    try:
        with Image.open(file) as picture:
            if picture.width * picture.height > MAX_PIXELS:
                return f"picture has more than {MAX_PIXELS} pixels"
            picture.verify()
    except (OSError, UnidentifiedImageError, SyntaxError, ValueError) as error:
        return f"picture is not readable: {type(error).__name__}"
    except Image.DecompressionBombError:
        return f"picture has more than {MAX_PIXELS} pixels"
    return None
