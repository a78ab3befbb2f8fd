"""Which files are a pack's own: those in its folder, and those of this repository's DVC cache.

With `dvc config cache.type symlink` every file that DVC tracks is a link into its cache, which may
lie anywhere (`dvc config cache.dir`). Any other link out of the pack is followed by no reader.
"""

from __future__ import annotations

import os
import re
from functools import cache
from pathlib import Path

from stages.core.command import InputError

# Where DVC 3 and DVC 2 keep a file of a hash, below cache.dir.
CACHED = re.compile(r"(files/[a-z0-9-]+/)?[0-9a-f]{2}/[0-9a-f]{30,62}(\.dir)?")
ADVICE = (
    "a pack's files lie in the pack, or are links into this repository's DVC cache (`dvc config "
    "cache.dir` names it); copy the file into the pack"
)


def is_own(file: Path, pack: Path) -> bool:
    """Whether `file`, its links followed, is the pack's own. Raises OSError, RuntimeError for a
    loop of links, ValueError for a name that no file can have.
    """
    target = file.resolve()
    return target.is_relative_to(pack.resolve()) or _is_cached(target)


def check(file: Path, pack: str | Path) -> Path:
    """`file` if it is the pack's own or missing; InputError if it lies or leads out of the pack."""
    try:
        own = is_own(file, Path(pack))
    except (OSError, RuntimeError, ValueError):
        raise InputError(f"{file} names no file") from None
    if not own:
        raise InputError(f"{file} leads out of the pack, to {file.resolve()}: {ADVICE}")
    return file


def into_cache(pack: Path, but: tuple[str, ...] = ()) -> list[Path]:
    """The targets of the links in `pack` that lead into the DVC cache, sorted; of those alone
    whose names do not end in one of `but`.
    """
    names = (Path(folder, name) for folder, _, files in os.walk(pack) for name in files)
    links = (file for file in names if file.suffix.lower() not in but and file.is_symlink())
    targets = {Path(os.path.realpath(link)) for link in links}
    return sorted(target for target in targets if _is_cached(target))


def _is_cached(target: Path) -> bool:
    roots = {_root(Path.cwd()), _root(Path(os.environ.get("DVC_ROOT", ".")).absolute())} - {None}
    for folder in (directory for root in roots if root for directory in _cache_dirs(root)):
        if target.is_relative_to(folder):
            return CACHED.fullmatch(target.relative_to(folder).as_posix()) is not None
    return False


def _root(start: Path) -> Path | None:
    """The DVC repository that `start` lies in."""
    return next((p for p in (start, *start.parents) if (p / ".dvc").is_dir()), None)


@cache
def _cache_dirs(root: Path) -> tuple[Path, ...]:
    """The cache as all levels of DVC's configuration name it: system, global, repository, local."""
    from dvc.config import Config, ConfigError  # here, for it takes a quarter of a second

    folder = root / ".dvc"
    try:
        named = Config(str(folder))["cache"].get("dir")
    except ConfigError as error:
        raise InputError(f"{folder}/config is not readable for DVC: {error}") from None
    return ((folder / (named or "cache")).resolve(),)
