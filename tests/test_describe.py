"""A picture in words: what is said comes from the pixels, is right, and is fast enough."""

from __future__ import annotations

import itertools
import json
import os
import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from stages.core import prompts
from stages.core.command import InputError
from stages.core.pack import Pack
from stages.core.templates import lexicon
from stages.engines.store import Store
from stages.generation import picture
from stages.generation.prompting import Prompter
from tests.builders import make_search

ROOT = Path(__file__).parents[1]


def drawn(*shapes: tuple[str, Any, str], ground: str = "#152a55", size: int = 400) -> Image.Image:
    """A square picture with shapes: the pen's method, the box in pixels and the colour of each."""
    image = Image.new("RGB", (size, size), ground)
    for name, box, colour in shapes:
        getattr(ImageDraw.Draw(image), name)(box, fill=colour)
    return image


def poster(path: Path, ground: str, text: str, size: tuple[int, int] = (640, 640)) -> Path:
    image = Image.new("RGB", size, ground)
    font = ImageFont.load_default(size=72)
    ImageDraw.Draw(image).text((60, 60), text, fill="white", font=font)
    image.save(path)
    return path


def shapes_of(image: Image.Image) -> list[str]:
    small = image.resize((200, 200))
    return picture.shape_phrases(picture.regions(np.asarray(small, dtype=np.int16), []))


def test_the_description_comes_from_the_pixels(tmp_path: Path) -> None:
    one = picture.describe(poster(tmp_path / "a.png", "#152a55", "Harvest Fair"))
    two = picture.describe(poster(tmp_path / "b.png", "#7a1f33", "Jazz Night"))
    assert one["colours"][0][0] == "navy"
    assert two["colours"][0][0] == "burgundy"
    assert one["texts"][0]["words"] == "Harvest Fair"
    assert two["texts"][0]["words"] == "Jazz Night"
    assert (one["amount"], one["where"], one["form"]) == ("little text", "at the top", "square")
    told = picture.in_words(one)
    assert told.startswith("square, navy") and 'words in it: "Harvest Fair"' in told


def test_the_same_metadata_with_two_pictures_gives_two_prompts(
    tmp_path: Path, filled: Pack
) -> None:
    """All vision templates, one plan: only the file behind the path changes."""
    templates = prompts.load(filled, "vision")
    assert filled.templates is not None
    prompter = Prompter(templates, filled, lexicon(filled.templates))
    slots = {"title": "Poster", "work_title": None, "keywords": ["fair"], "topics": ["farm"]}
    store = Store(tmp_path / "kept.sqlite")
    path = tmp_path / "same.png"
    asked: list[list[str]] = []
    for ground, text in (("#7a1f33", "Harvest Fair"), ("#f7d942", "Jazz Night")):
        poster(path, ground, text)
        seen = picture.variables(picture.described(path, store))
        asked.append([])
        for template in templates:
            plan = make_search(
                template.header.functions[0], band=(1, 40), slots=slots, seed=1,
                template_id=template.template_id,
            )  # fmt: skip
            asked[-1].append(json.dumps(prompter.messages(plan, **seen)))
    assert len(templates) >= 8
    for one, two in zip(*asked, strict=True):
        assert one != two
        assert "burgundy" in one or "Harvest" in one
        assert "burgundy" not in two and "Harvest" not in two


def test_the_same_picture_under_another_name_is_not_looked_at_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = itertools.count(1)
    monkeypatch.setattr(picture, "describe", lambda path: {"n": next(seen)})
    store = Store(tmp_path / "kept.sqlite")
    for name, ground in (("a.png", "red"), ("b.png", "red"), ("c.png", "blue")):
        drawn(ground=ground).save(tmp_path / name)
    found = [picture.described(tmp_path / name, store)["n"] for name in ("a.png", "b.png", "c.png")]
    assert found == [1, 1, 2]


def test_pictures_are_looked_at_side_by_side(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    both = threading.Barrier(2)

    def describe(path: str | Path) -> dict[str, Any]:
        both.wait(timeout=30)  # breaks, and fails the test, if one waits for the other
        return {"n": Path(path).name}

    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 1})
    monkeypatch.setattr(picture, "describe", describe)
    store = Store(tmp_path / "kept.sqlite")
    paths = [tmp_path / name for name in ("a.png", "b.png", "c.png", "d.png")]
    for path, ground in zip(paths, ("red", "blue", "green", "black"), strict=True):
        drawn(ground=ground).save(path)
    picture.look([*paths, *paths], store)
    monkeypatch.undo()  # what is not kept would now be described in earnest
    assert [picture.described(path, store)["n"] for path in paths] == [p.name for p in paths]
    (tmp_path / "e.png").write_bytes(b"")
    with pytest.raises(InputError, match=r"e\.png: it is empty"):
        picture.look([tmp_path / "e.png"], store)


def test_a_picture_that_broke_after_ingest_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"")
    with pytest.raises(InputError, match=r"a\.png: it is empty; it has changed since ingest"):
        picture.described(tmp_path / "a.png", Store(tmp_path / "kept.sqlite"))


# --- colours and light


@pytest.mark.parametrize(
    ("value", "name"),
    [("#d01515", "red"), ("#ff6600", "orange"), ("#00ff00", "lime"), ("#16264d", "navy"),
     ("#808080", "grey"), ("#c8ccd0", "silver"), ("#404448", "charcoal"), ("#fff2d5", "cream"),
     ("#ffffff", "white"), ("#050505", "black"), ("#6b7c2a", "olive"), ("#a784e0", "violet"),
     ("#c9b8ea", "lavender"), ("#5a6a78", "slate"), ("#8b4513", "brown"), ("#1e90ff", "blue")],
)  # fmt: skip
def test_colours_have_the_names_that_people_give_them(value: str, name: str) -> None:
    assert picture.colours(Image.new("RGB", (9, 9), value)) == [(name, 1.0)]


def test_the_palette_has_shares_and_at_least_one_colour() -> None:
    image = drawn(("rectangle", (0, 0, 399, 99), "#f7d942"))
    assert picture.colours(image) == [("navy", 0.75), ("yellow", 0.25)]
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    assert picture.colours(Image.fromarray(noise), min_share=0.9)


@pytest.mark.parametrize(("grey", "told"), [(20, "dark"), (130, "of medium brightness"),
                                            (240, "light")])  # fmt: skip
def test_brightness(grey: int, told: str) -> None:
    assert picture.brightness(Image.new("RGB", (9, 9), (grey, grey, grey))) == told


def test_oklab_of_white_and_black() -> None:
    assert picture.oklab(np.array([255, 255, 255])) == pytest.approx([1, 0, 0], abs=1e-4)
    assert picture.oklab(np.array([0, 0, 0])) == pytest.approx([0, 0, 0], abs=1e-9)


# --- layout


def line(text: str, top: float, bottom: float, height: float) -> picture.Line:
    return picture.Line(text, 0.1, top, 0.9, bottom, height)


def test_a_headline_on_two_lines_is_one_text_and_ornaments_are_none() -> None:
    lines = [
        line("Small wins", 0.60, 0.62, 0.02),
        line("Productive", 0.11, 0.19, 0.08),
        line("Rest Is", 0.02, 0.10, 0.08),
        line("O", 0.01, 0.09, 0.08),
        line("Il|", 0.7, 0.9, 0.2),
    ]
    assert [block.text for block in picture.joined(lines)] == ["Rest Is Productive", "Small wins"]


def test_text_on_its_side_is_not_taken_for_large_letters() -> None:
    box = np.array([[90.0, 10.0], [98.0, 10.0], [98.0, 90.0], [90.0, 90.0]])
    assert picture.Line.of("printed by us", box, (100, 100)).height == pytest.approx(0.08)
    assert picture.Line.of("wide", box[:, ::-1], (100, 100)).height == pytest.approx(0.08)


@pytest.mark.parametrize(
    ("box", "told"),
    [((0.1, 0.0, 0.9, 0.3), "at the top"), ((0.1, 0.7, 0.9, 0.9), "at the bottom"),
     ((0.0, 0.4, 0.4, 0.6), "on the left"), ((0.7, 0.4, 0.9, 0.6), "on the right"),
     ((0.1, 0.4, 0.9, 0.6), "in the middle")],
)  # fmt: skip
def test_place(box: picture.Box, told: str) -> None:
    assert picture.position(*box) == told


def test_amount_of_text() -> None:
    told = [picture.amount([line("w " * n, 0, 1, 1)]) for n in (2, 10, 40)]
    assert told == ["little text", "text", "much text"]


# --- shapes


def test_shapes_are_told_by_size_colour_kind_and_place() -> None:
    assert shapes_of(drawn(("ellipse", (40, 40, 200, 200), "#f7d942"))) == [
        "a large yellow circle at the top"
    ]
    assert shapes_of(drawn(("rectangle", (0, 300, 399, 399), "#d22b2b"))) == [
        "a large red band at the bottom"
    ]
    assert shapes_of(drawn(("rectangle", (10, 20, 40, 50), "#fafafa"),
                           ("rectangle", (310, 20, 340, 50), "#fafafa"))) == [
        "2 small white blocks at the top"
    ]  # fmt: skip


def test_a_gradient_and_letters_are_no_shapes() -> None:
    ramp = Image.linear_gradient("L").resize((400, 400))
    soft = Image.merge("RGB", (ramp, ramp, ramp))
    assert shapes_of(soft) == []
    block = drawn(("rectangle", (100, 100, 140, 140), "#fafafa"))
    covered = picture.Line("x", 0.2, 0.2, 0.4, 0.4, 0.1)
    assert picture.regions(np.asarray(block, dtype=np.int16), [covered]) == []


def test_a_photo_has_no_shapes(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).normal(120, 30, (300, 400, 3)).clip(0, 255).astype(np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.png")
    found = picture.describe(tmp_path / "noise.png")
    assert (found["look"], found["shapes"], found["texts"]) == ("photo", [], [])


@pytest.mark.parametrize("size", [(1, 1), (1, 900), (900, 1)])
@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_the_smallest_pictures_have_a_description(size: tuple[int, int], tmp_path: Path) -> None:
    Image.new("RGB", size, "#152a55").save(tmp_path / "a.png")
    assert picture.in_words(picture.describe(tmp_path / "a.png")).endswith("words in it: none")


# --- the pack's own pictures


MEASURE = """
import json, sys, time
from pathlib import Path
from stages.generation import picture
picture.reader()
files = sorted(Path(sys.argv[1]).iterdir())
picture.describe(files[0])
begun = time.process_time()
found = [picture.describe(file) for file in files]
seconds = (time.process_time() - begun) / len(files)
# Not RUSAGE_SELF: that counts the memory of the process which started this one, too.
own = next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1]
peak = int(own) / 2**20
print(json.dumps({"found": found, "seconds": seconds, "peak": peak}))
"""


@pytest.mark.slow
def test_the_packs_pictures_are_read_right_and_fast(tmp_path: Path) -> None:
    """At least 0.95 of the words; 2 pictures/s on 2 cores are 1 s of processor time each."""
    from stages.images.composition import check, draw
    from tests.test_pictures import pack_drawings

    sample = [drawing for drawing, _ in pack_drawings(16)]
    sizes = [(1280, 640), (640, 1280), (1280, 1280), (960, 1280)]
    for i, drawing in enumerate(sample):
        draw(drawing, sizes[i % 4]).save(tmp_path / f"{i:02}.png")
    command = [sys.executable, "-c", MEASURE, str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    wanted = read = 0
    for drawing, found in zip(sample, told["found"], strict=True):
        plan = check(drawing)
        seen = re.findall(r"[a-z0-9]+", " ".join(t["words"] for t in found["texts"]).lower())
        words = re.findall(r"[a-z0-9]+", f"{plan.headline} {plan.subline}".lower())
        wanted, read = wanted + len(words), read + sum(word in seen for word in words)
    print(f"words {read / wanted:.3f}, {told['seconds']:.2f} s a picture, {told['peak']:.2f} GiB")
    assert read / wanted >= 0.95
    assert told["seconds"] <= 1.0
    assert told["peak"] <= 1.5
