"""Pictures that are broken or meant to do harm are refused with a reason; the rest goes on."""

from __future__ import annotations

import base64
import io
import json
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image
from ruamel.yaml import YAML

from stages import ingest_assets
from stages.images import pictures
from stages.ingest import images

ROOT = Path(__file__).parents[1]
SVG = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:x="http://www.w3.org/1999/xlink" {}>{}</svg>'
TOO_LARGE = "more than 50000000 pixels or a side above 20000"
BROKEN = "broken or cut off"
ELSEWHERE = "refers to another file"


def encoded(kind: str, size: tuple[int, int] = (64, 48), mode: str = "RGB") -> bytes:
    noise = np.random.default_rng(1).integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)
    stream = io.BytesIO()
    Image.fromarray(noise).convert(mode).save(stream, format=kind)
    return stream.getvalue()


def png_of(width: int, height: int) -> bytes:
    """A PNG whose header promises so many pixels and whose data holds next to none."""

    def chunk(name: bytes, data: bytes) -> bytes:
        body = name + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(bytes(10_000))), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(name, data) for name, data in chunks)


def svg(body: str = "", attributes: str = 'width="40" height="20"', before: str = "") -> bytes:
    return (before + SVG.format(attributes, body)).encode()


def entities() -> str:
    """The billion laughs."""
    lines = ['<!ENTITY a0 "ha">']
    lines += [f'<!ENTITY a{i} "{f"&a{i - 1};" * 10}">' for i in range(1, 10)]
    return f"<!DOCTYPE svg [{''.join(lines)}]>"


def held(data: bytes, kind: str) -> str:
    """An SVG element that holds a picture."""
    text = base64.b64encode(data).decode()
    return f'<image width="9" height="9" x:href="data:image/{kind};base64,{text}"/>'


def nested(depth: int) -> str:
    """`use` of `use` of ...: 10 to the power of `depth` rectangles."""
    made = '<rect id="n0" width="1" height="1"/>'
    for level in range(1, depth):
        made += f'<g id="n{level}">{f"""<use x:href="#n{level - 1}"/>""" * 10}</g>'
    return f'<defs>{made}</defs><use x:href="#n{depth - 1}"/>'


HOSTILE = {
    "empty.png": (b"", "it is empty"),
    "text.png": (b"no picture at all", "no picture of a known kind"),
    "program.jpg": (b"\x7fELF" + bytes(60), "no picture of a known kind"),
    "page.svg": (b"<html><body>hello</body></html>", "no picture of a known kind"),
    "picture.bmp": (encoded("BMP"), "its name ends in none of .png"),
    "jpeg.png": (encoded("JPEG"), "its name says PNG, but it is JPEG"),
    "svg.png": (svg(), "its name says PNG, but it is SVG"),
    "png.svg": (encoded("PNG"), "its name says SVG, but it is PNG"),
    "pdf.gif": (encoded("PDF"), "its name says GIF, but it is PDF"),
    "cut.png": (encoded("PNG")[:200], BROKEN),
    "cut.jpg": (encoded("JPEG")[:-300], BROKEN),
    "cut.webp": (encoded("WEBP")[:-300], BROKEN),
    "cut.gif": (encoded("GIF")[:-900], BROKEN),
    "cut.svg": (svg("<rect/>")[:-8], BROKEN),
    "cut.pdf": (encoded("PDF")[:60], "broken, cut off, empty or locked"),
    "header.png": (b"\x89PNG\r\n\x1a\n", BROKEN),
    "liar.png": (png_of(6000, 6000), BROKEN),
    "bomb.png": (png_of(30_000, 30_000), TOO_LARGE),
    "huge_bomb.png": (png_of(2**31 - 1, 2**31 - 1), TOO_LARGE),
    "wide.png": (png_of(50_000, 1), TOO_LARGE),
    "wide.jpg": (encoded("JPEG", (50_000, 8)), TOO_LARGE),
    "wide.gif": (encoded("GIF", (50_000, 8)), TOO_LARGE),
    "file.svg": (svg('<image x:href="file:///etc/passwd"/>'), ELSEWHERE),
    "path.svg": (svg('<image href="/etc/hostname" width="9" height="9"/>'), ELSEWHERE),
    "web.svg": (svg('<image href="http://127.0.0.1:9/a.png"/>'), ELSEWHERE),
    "use.svg": (svg('<use href="other.svg#part"/>'), ELSEWHERE),
    "style.svg": (svg("<style>rect { fill: url( 'http://127.0.0.1/#a') }</style>"), ELSEWHERE),
    "import.svg": (svg("<style>@import 'a.css';</style>"), ELSEWHERE),
    "attribute.svg": (svg('<rect fill="url(//host/a.svg#b)"/>'), ELSEWHERE),
    "sheet.svg": (svg(before='<?xml-stylesheet href="a.css"?>'), ELSEWHERE),
    "inner.svg": (svg(held(svg(), "svg+xml")), ELSEWHERE),
    "laughs.svg": (svg("<text>&a9;</text>", before=entities()), "declares XML entities"),
    "outer.svg": (
        svg("<text>&x;</text>", before='<!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]>'),
        "declares XML entities",
    ),
    "utf16.svg": (b"\xff\xfe" + svg().decode().encode("utf-16-le"), "no picture of a known kind"),
    "nested.svg": (svg(nested(9)), BROKEN),
    # The limit of the child that draws it stops this one.
    "holder.svg": (svg(held(png_of(30_000, 30_000), "png")), "too much memory or time"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_picture_is_refused_with_its_reason(name: str, tmp_path: Path) -> None:
    data, why = HOSTILE[name]
    (tmp_path / name).write_bytes(data)
    told = images.refusal(name, tmp_path)
    assert told is not None and told.startswith("picture refused: ") and why in told


def test_a_picture_must_lie_inside_the_pack(tmp_path: Path) -> None:
    pack = tmp_path / "pack"
    (pack / "folder.png").mkdir(parents=True)
    (pack / "good.png").write_bytes(encoded("PNG"))
    (tmp_path / "outside.png").write_bytes(encoded("PNG"))
    (pack / "link.png").symlink_to(tmp_path / "outside.png")
    (pack / "up").symlink_to(tmp_path)
    (pack / "inner.png").symlink_to("good.png")
    (pack / "loop.png").symlink_to("loop.png")
    assert images.refusal("good.png", pack) is None
    assert images.refusal("inner.png", pack) is None
    for path, why in {
        str(pack / "good.png"): "is absolute",
        "../outside.png": "leads out of the pack",
        "link.png": "leads out of the pack",
        "up/outside.png": "leads out of the pack",
        "loop.png": "names no file",
        "missing.png": "names no file",
        "folder.png": "names no file",
        "a\0b.png": "names no file",
    }.items():
        assert images.refusal(path, pack) == f"image_path {why}", path


def test_a_file_may_not_be_larger_than_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.png").write_bytes(encoded("PNG"))
    monkeypatch.setattr(pictures, "MAX_BYTES", 1000)
    assert "more than 1000 bytes" in str(images.refusal("a.png", tmp_path))


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".jpeg", ".webp", ".gif", ".pdf", ".PNG"])
def test_every_kind_is_read_in_rgb_and_within_the_budget(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"picture{suffix}"
    Image.new("RGB", (400, 200), (210, 43, 43)).save(path)
    read = pictures.read(path, side=100)
    assert (read.mode, read.size) == ("RGB", (100, 50))
    assert np.abs(np.asarray(read).mean(axis=(0, 1)) - (210, 43, 43)).max() < 3


def test_an_svg_is_drawn_with_its_text_and_the_pictures_it_holds(tmp_path: Path) -> None:
    body = '<rect width="40" height="20" fill="#152a55"/>'
    shapes = '<defs><linearGradient id="g"/></defs><rect width="1" height="1" fill="url(#g)"/>'
    (tmp_path / "plain.svg").write_bytes(svg(body + shapes, before='<?xml version="1.0"?>'))
    plain = np.asarray(pictures.read(tmp_path / "plain.svg", side=200))
    assert plain.shape == (100, 200, 3)
    assert tuple(plain[50, 100]) == (0x15, 0x2A, 0x55)
    text = '<text x="4" y="14" font-size="9" font-family="Nowhere" fill="#fff">Fair</text>'
    more = body + text + held(encoded("PNG"), "png")
    (tmp_path / "more.svg").write_bytes(svg(more))
    drawn = np.asarray(pictures.read(tmp_path / "more.svg", side=200))
    assert (drawn[30:80, 60:120] > 200).all(axis=2).any()  # letters
    assert drawn[:40, :40].std() > 30  # the picture


def test_the_first_frame_and_the_first_page_are_read(tmp_path: Path) -> None:
    red, blue = Image.new("RGB", (64, 64), "#d22b2b"), Image.new("RGB", (64, 64), "#2563d6")
    for name in ("a.gif", "a.webp", "a.pdf"):
        red.save(tmp_path / name, save_all=True, append_images=[blue])
        read = np.asarray(pictures.read(tmp_path / name, side=64))
        assert read[32, 32, 0] > 150 > read[32, 32, 2], name


def test_what_is_transparent_is_white_and_what_is_turned_is_upright(tmp_path: Path) -> None:
    Image.new("RGBA", (8, 8), (0, 0, 0, 0)).save(tmp_path / "clear.png")
    assert np.asarray(pictures.read(tmp_path / "clear.png")).min() == 255
    turned = Image.Exif()
    turned[0x0112] = 6
    Image.new("RGB", (40, 20)).save(tmp_path / "turned.jpg", exif=turned)
    assert pictures.read(tmp_path / "turned.jpg").size == (20, 40)
    steep = np.linspace(0, 65535, 64, dtype=np.uint16).reshape(8, 8)
    Image.fromarray(steep).save(tmp_path / "deep.png")
    deep = np.asarray(pictures.read(tmp_path / "deep.png"))
    assert 100 < deep.mean() < 150


def test_the_digest_is_of_the_content(tmp_path: Path) -> None:
    for name, size in (("a.png", (64, 48)), ("b.png", (64, 48)), ("c.png", (64, 49))):
        (tmp_path / name).write_bytes(encoded("PNG", size))
    a, b, c = (pictures.digest(tmp_path / name) for name in ("a.png", "b.png", "c.png"))
    assert a == b != c


# --- the stage


def pack_with(folder: Path, files: dict[str, bytes]) -> Path:
    """A pack of its own with one asset for every picture; beside it a params.yaml."""
    pack = folder / "pack"
    (pack / "assets").mkdir(parents=True)
    domain = ROOT / "data" / "domains" / "creative" / "pack.yaml"
    (pack / "pack.yaml").write_text(domain.read_text("utf-8"), "utf-8")
    for name, data in files.items():
        (pack / "assets" / name).write_bytes(data)
    names = [f"assets/{name}" for name in files] + ["../secret.png", "/etc/passwd"]
    (pack / "assets" / "all.json").write_text(json.dumps([{"path": name} for name in names]))
    (pack / "assets" / "all.sql").write_text(
        """SELECT 'T' || row_number() OVER () AS asset_id, 'Template' AS content_type,
        'Poster' AS title, NULL::VARCHAR AS work_title, ['poster'] AS keywords,
        ['party'] AS topics, 'en' AS locale, false AS ai_generated, NULL::DOUBLE AS aspect_ratio,
        NULL::DOUBLE AS click_through_rate, path AS image_path
        FROM read_json(getvariable('pack') || '/assets/all.json')"""
    )
    yaml = YAML()
    settings = yaml.load((ROOT / "params.yaml").read_text("utf-8"))
    settings["pack"] = str(pack)
    settings["ingest_assets"]["max_reject_share"] = 1.0
    with (folder / "params.yaml").open("w") as stream:
        yaml.dump(settings, stream)
    return pack


GOOD = {"good.png": encoded("PNG"), "good.svg": svg("<rect width='9' height='9'/>"),
        "good.pdf": encoded("PDF")}  # fmt: skip


def test_ingest_rejects_and_counts_them_and_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = {name: data for name, (data, _) in HOSTILE.items()}
    (tmp_path / "secret.png").write_bytes(encoded("PNG"))
    pack_with(tmp_path, {**bad, **GOOD})
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ROUTENATOR_PARAMS", str(tmp_path / "params.yaml"))
    ingest_assets.main()
    kept = pl.read_parquet("data/ingested/assets/assets.parquet")
    assert [Path(path).name for path in kept["image_path"]] == list(GOOD)
    metrics = json.loads(Path("metrics/ingest_assets.json").read_text())
    assert metrics["pictures"] == len(GOOD)
    assert sum(metrics["rejected"].values()) == len(bad) + 2
    assert metrics["rejected"][f"picture refused: it {ELSEWHERE}"] == 9
    assert metrics["rejected"]["image_path leads out of the pack"] == 1
    assert metrics["rejected"]["image_path is absolute"] == 1


MEASURE = """
import resource, sys
from pathlib import Path
from stages.ingest import images
for file in sorted(Path(sys.argv[1]).iterdir()):
    assert images.refusal(file.name, file.parent), file
# Not RUSAGE_SELF: that counts the memory of the process which started this one, too.
own = next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1]
print((int(own) + resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss) / 2**20)
"""


def test_hostile_pictures_stay_under_one_and_a_half_gib(tmp_path: Path) -> None:
    for name, (data, _) in HOSTILE.items():
        (tmp_path / name).write_bytes(data)
    command = [sys.executable, "-c", MEASURE, str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) < 1.5
