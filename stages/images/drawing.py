"""Draws an SVG or the first page of a PDF; `pictures.py` runs it as its own process.

Command: python -I drawing.py {SVG,PDF} SIDE <file >PNG
Exit:    0; REFUSED with the reason on stderr; anything else: a limit was reached, or a crash

Renderers are large native programs and their input may be hostile: they run here, away from the
stage, with limits on memory and processor time. SVG text is drawn with Pillow's own font, so that
the same file gives the same pixels on every machine.
"""

from __future__ import annotations

import io
import re
import resource
import sys
import tempfile
from typing import Any
from xml.parsers import expat

REFUSED = 3
MEMORY = 1024 * 2**20  # bytes of address space
SECONDS = 10  # of processor time
# What a style may point to, and an element: parts of the same file and pictures held in it.
STYLED = re.compile(r"""@(import)|url\(\s*['"]?\s*([^'")\s]*)""", re.IGNORECASE)
GENERIC = [f"{name}_family" for name in
           ("font", "serif", "sans_serif", "cursive", "fantasy", "monospace")]  # fmt: skip
INSIDE = ("#", *(f"data:image/{name}" for name in ("png", "jpeg", "jpg", "gif", "webp")))


class Bad(ValueError):
    """The file is refused; the text is the reason."""


def check_svg(data: bytes) -> None:
    """Raise Bad for entities, references to other files, and what is not XML."""

    def start(name: str, attributes: dict[str, str]) -> None:
        local = name.rpartition(":")[2]
        for key, value in attributes.items():
            if key.rpartition(":")[2] in ("href", "src") and local != "a":
                check_target(value)
            check_style(value)

    def check_style(text: str) -> None:
        for imported, target in STYLED.findall(text):
            check_target(imported or target)

    def check_target(target: str) -> None:
        if not target.strip().lower().startswith(INSIDE):
            raise Bad("it refers to another file")

    def entity(*details: object) -> None:
        raise Bad("it declares XML entities")

    def instruction(target: str, text: str) -> None:
        if target == "xml-stylesheet":
            raise Bad("it refers to another file")

    parser = expat.ParserCreate()
    # A style sheet must not hide its `url(` between two pieces of text.
    parser.buffer_text = True
    parser.buffer_size = 2**20
    parser.StartElementHandler = start
    parser.CharacterDataHandler = check_style
    parser.EntityDeclHandler = entity
    parser.ProcessingInstructionHandler = instruction
    try:
        parser.Parse(data, True)
    except expat.ExpatError:
        raise Bad("it is broken or cut off") from None


def draw_svg(data: bytes, side: int) -> bytes:
    """PNG bytes; the drawing fits into a square of `side` pixels."""
    import resvg_py
    from PIL import ImageFont

    check_svg(data)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise Bad("it is not UTF-8") from None
    # Pillow carries its font inside its code; the renderer wants a file.
    font: Any = ImageFont.load_default(16)
    generic: dict[str, Any] = dict.fromkeys(GENERIC, font.getname()[0])
    with tempfile.NamedTemporaryFile(suffix=".ttf") as file:
        file.write(font.path.getvalue())
        file.flush()
        try:
            options: dict[str, Any] = {"skip_system_fonts": True, "font_files": [file.name]}
            drawn = resvg_py.svg_to_bytes(text, width=side, height=side, **options, **generic)
            return bytes(drawn)
        except ValueError:
            raise Bad("it is broken or cut off") from None


def draw_pdf(data: bytes, side: int) -> bytes:
    """PNG bytes of the first page, its longer side `side` pixels."""
    import pypdfium2

    try:
        page = pypdfium2.PdfDocument(data)[0]
        scale = side / max(page.get_size())
        picture = page.render(scale=scale, may_draw_forms=False).to_pil()
    except (pypdfium2.PdfiumError, IndexError, ZeroDivisionError):
        raise Bad("it is broken, cut off, empty or locked") from None
    written = io.BytesIO()
    picture.save(written, format="PNG", compress_level=1)
    return written.getvalue()


def main() -> None:
    kind, side = sys.argv[1], int(sys.argv[2])
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        drawn = {"SVG": draw_svg, "PDF": draw_pdf}[kind](sys.stdin.buffer.read(), side)
    except Bad as error:
        print(error, file=sys.stderr)
        sys.exit(REFUSED)
    sys.stdout.buffer.write(drawn)


if __name__ == "__main__":
    main()
