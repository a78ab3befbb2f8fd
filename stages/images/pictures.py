"""Picture files: which are accepted, and how one is read; ingest and writing see the same pixels.

The size in a file's header is checked before anything is decoded. What needs a renderer (SVG, PDF)
is drawn by a child process with limits on memory and time: see `drawing.py`.
"""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
import warnings
from pathlib import Path

from PIL import Image, ImageOps

from stages.images import drawing

# The extensions that a file name may have, and the kind that the file must then be.
KINDS = {
    ".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP", ".gif": "GIF",
    ".svg": "SVG", ".pdf": "PDF",
}  # fmt: skip
MAX_BYTES = 64 * 2**20
MAX_SIDE = 20_000  # pixels
MAX_PIXELS = 50_000_000
DRAWN_SIDE = 1280  # longest side in pixels of a drawn SVG or PDF if the caller names none
DRAWN_SECONDS = 20  # wall clock; drawing.py limits its own processor time


class Refused(ValueError):
    """A picture that is refused; its text is the reason."""


def kind(start: bytes) -> str | None:
    """The kind of picture that begins with these bytes (32 are enough except for SVG)."""
    if start.startswith(b"\x89PNG\r\n\x1a\n"):
        return "PNG"
    if start.startswith(b"\xff\xd8\xff"):
        return "JPEG"
    if start[:4] == b"RIFF" and start[8:12] == b"WEBP":
        return "WEBP"
    if start.startswith((b"GIF87a", b"GIF89a")):
        return "GIF"
    if start.startswith(b"%PDF-"):
        return "PDF"
    text = start.removeprefix(b"\xef\xbb\xbf").lstrip()
    return "SVG" if text.startswith(b"<") and b"<svg" in start else None


def digest(path: str | Path) -> str:
    """SHA-256 of the file: the same picture under any name. Raises OSError."""
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def check(path: str | Path) -> None:
    """Decode the picture and raise Refused if `read` would."""
    _decoded(Path(path), side=64)


def read(path: str | Path, side: int | None = None) -> Image.Image:
    """The picture in RGB and upright, transparent parts white, no side longer than `side` pixels.

    Of an animated GIF or WebP the first frame, of a PDF the first page. Raises Refused.
    """
    picture = _flat(_decoded(Path(path), side))
    if side is not None:
        picture.thumbnail((side, side))
    return picture


def _decoded(path: Path, side: int | None) -> Image.Image:
    """The picture as it is in the file, upright; a JPEG may be smaller, but not below `side`."""
    data = _bytes(path)
    wanted, actual = KINDS.get(path.suffix.lower()), kind(data[:65536])
    if wanted is None:
        raise Refused(f"its name ends in none of {', '.join(KINDS)}")
    if actual is None:
        raise Refused("it is no picture of a known kind")
    if actual != wanted:
        raise Refused(f"its name says {wanted}, but it is {actual}")
    if wanted in ("SVG", "PDF"):
        data, wanted = _drawn(data, wanted, side or DRAWN_SIDE), "PNG"
    too_large = f"it has more than {MAX_PIXELS} pixels or a side above {MAX_SIDE}"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            picture = Image.open(io.BytesIO(data), formats=[wanted])
        if picture.width * picture.height > MAX_PIXELS or max(picture.size) > MAX_SIDE:
            raise Refused(too_large)
        if side is not None:
            picture.draft("RGB", (side, side))  # a JPEG is decoded at a fraction of its size
        picture.load()
        ImageOps.exif_transpose(picture, in_place=True)
    except Refused:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise Refused(too_large) from None
    except Exception:  # a decoder may raise anything for hostile bytes
        raise Refused("it is broken or cut off") from None
    return picture


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except OSError as error:
        raise Refused(f"it cannot be opened ({type(error).__name__})") from None
    if not data:
        raise Refused("it is empty")
    if len(data) > MAX_BYTES:
        raise Refused(f"it has more than {MAX_BYTES} bytes")
    return data


def _drawn(data: bytes, kind: str, side: int) -> bytes:
    """SVG or PDF as PNG, drawn by a child process that a limit or a crash may end."""
    command = [sys.executable, "-I", drawing.__file__, kind, str(side)]
    try:
        child = subprocess.run(command, input=data, capture_output=True, timeout=DRAWN_SECONDS)
    except subprocess.TimeoutExpired:
        raise Refused("it takes too long to draw") from None
    if child.returncode == drawing.REFUSED:
        raise Refused(child.stderr.decode("utf-8", "replace").strip())
    if child.returncode:
        raise Refused("it takes too much memory or time to draw")
    return child.stdout


def _flat(picture: Image.Image) -> Image.Image:
    """In RGB, on white where it is transparent."""
    if picture.mode.startswith("I;16"):  # 16 bits a pixel, which `convert` would cut at 255
        picture = picture.point(lambda value: value * (1 / 256)).convert("L")
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    layer = picture if picture.mode == "RGBA" else picture.convert("RGBA")
    ground = Image.new("RGB", layer.size, "white")
    ground.paste(layer, mask=layer.getchannel("A"))
    return ground
