"""What is wrong with a world's files is told with the file and what to do."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from stages.core import pack as packs
from stages.core.command import InputError
from stages.core.worlds import parameters
from tests.worlds.world_packs import LENDING


def _edited(file: str, old: str, new: str) -> Callable[[Path], None]:
    def edit(folder: Path) -> None:
        text = (folder / file).read_text("utf-8")
        assert old in text
        (folder / file).write_text(text.replace(old, new), "utf-8")

    return edit


def _added(file: str, text: str) -> Callable[[Path], None]:
    def add(folder: Path) -> None:
        (folder / file).write_text(text, "utf-8")

    return add


WRONG = [
    (_edited("world/borrow_copy.sql", "effect: write", "effect: wrote"),
     r"borrow_copy\.sql has 1(.|\n)*effect"),
    (_edited("world/borrow_copy.sql", "takes: {card: card", "takes: {cart: card"),
     r"takes\.cart: borrow_copy has no such argument"),
    (_edited("world/borrow_copy.sql", "copy_id: copy}", "copy_id: copies}"),
     r"world\.yaml has no entity 'copies'"),
    (_edited("world/borrow_copy.sql", "mended_by: pay_fines", "mended_by: pay_all"),
     r"mended_by 'pay_all' is no function of this world"),
    (_edited("world/borrow_copy.sql", ":weeks", ":days"), r":days is no argument of borrow_copy"),
    (_edited("world/find_books.sql", "/*", "--"), r"find_books\.sql must begin with its head"),
    (_edited("world/find_books.sql", "SELECT", "DELETE"), r"last statement must give the result"),
    (_added("world/fly.sql", "/* effect: read */ SELECT 1"),
     r"catalogue\.json has no function 'fly'"),
    (_edited("world/world.yaml", "book: {}", "book: {none: 1}"), r"world\.yaml.*\n.*none"),
    (lambda folder: (folder / "world/seed.sql").unlink(), r"seed\.sql is missing"),
    (_edited("vocabularies/en.yaml", "largest:", "biggest:"), r"picks.*largest and smallest"),
    (_edited("vocabularies/en.yaml", '"number {value}"', '"number"'), r"said\.card.*\{value\}"),
    (_edited("vocabularies/en.yaml", "{pick} book", "{pick book"), r"references.*expected"),
    (_edited("vocabularies/en.yaml", "find_books.book_id:", "find_books.book:"),
     r"references\.find_books\.book: .*gives no such"),
    (_edited("vocabularies/en.yaml", "find_books.pages", "find_book.pages"),
     r"picks\.find_book\.pages: no world has the function"),
    (_edited("vocabularies/en.yaml", "  card: [", "  carte: ["), r"said\.carte: .*no such entity"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "why"), WRONG)
def test_what_is_wrong_is_told(tmp_path: Path, change: Callable[[Path], None], why: str) -> None:
    folder = tmp_path / "lending"
    shutil.copytree(LENDING, folder)
    packs.load(folder)
    change(folder)
    with pytest.raises(InputError, match=why):
        packs.load(folder)


def test_a_function_is_in_one_world(tmp_path: Path) -> None:
    folder = tmp_path / "lending"
    shutil.copytree(LENDING, folder)
    shutil.move(folder / "world", folder / "one")
    (folder / "world").mkdir()
    for name in ("north", "south"):
        shutil.copytree(folder / "one", folder / "world" / name)
    with pytest.raises(InputError, match="is in two worlds, north and south"):
        packs.load(folder)
    shutil.rmtree(folder / "world" / "south")
    assert [*packs.load(folder).worlds] == ["north"]


def test_parameters_are_not_looked_for_in_texts_and_comments() -> None:
    sql = "SELECT ':no', a -- :nor this\nFROM t WHERE b = :yes AND c = ' it''s :no' AND d = :also"
    assert parameters(sql) == {"yes", "also"}
