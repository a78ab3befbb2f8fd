"""Make the environment of a platform: what its pinned list says, by its hashes, and nothing else.

Command: make setup [PLATFORM=gpu] [PYTHON=python3.12], or python -m stages.install.environment
Reads requirements-PLATFORM.txt; writes the environment and, last, its file .installed, which says
what it was made from. An environment without that file, or of another platform or Python, is made
from nothing; one of another list gets what changed and loses what is no longer listed. After it
comes the page of `dvc plots show` (stages/install/plots.py).
Runs before the environment exists, with the standard library alone.
"""

from __future__ import annotations

import argparse
import fcntl
import hashlib
import importlib.metadata
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from platform import libc_ver, machine

from stages.install import gpu, lists, plots
from stages.install.lists import Pin

PYTHONS = [tuple(map(int, version.split("."))) for version in lists.PYTHONS]
TORCH_INDEX = "https://download.pytorch.org/whl/cpu"
# GB to download and on disk, as measured (cpu) or summed from the wheels' tables of contents (gpu).
DOWNLOAD = {"cpu": 1.2, "gpu": 4.6}
DISK = {"cpu": 4.2, "gpu": 10.1}
MINUTES = {"uv": {"cpu": "1 to 3", "gpu": "5 to 15"}, "pip": {"cpu": "4 to 10", "gpu": "10 to 30"}}
# What an environment has besides its list.
TOOLS = {"pip", "setuptools"}
# Lines of pip and uv that say why they failed, and words of a network that is not there.
WHY = re.compile(r"\s*(ERROR|error|cause|Caused by|OSError)\b")
NETWORK = re.compile(
    r"NewConnection|name resolution|ProxyError|ConnectTimeout|dns error|Failed to fetch"
)


class Failed(Exception):
    """The installation cannot be done; the text says why and what to do."""


def state(platform: str, text: str) -> dict[str, str]:
    """What an environment is made from: equal states are equal environments."""
    return {
        "platform": platform,
        "python": f"{sys.version_info[0]}.{sys.version_info[1]}",
        "list": hashlib.sha256(text.encode()).hexdigest(),
    }


def installed_state(venv: Path) -> dict[str, str]:
    """The state that `venv` was completed with; empty for a half environment or none."""
    try:
        state = json.loads((venv / ".installed").read_text("utf-8"))
        works = subprocess.run([venv / "bin" / "python", "-c", ""], capture_output=True)
        return dict(state) if works.returncode == 0 else {}
    except (OSError, ValueError):
        return {}


def same_but_list(before: dict[str, str], wanted: dict[str, str]) -> bool:
    """Whether an environment of state `before` becomes `wanted` by changing packages alone."""
    return {**before, "list": wanted["list"]} == wanted


def canonical(name: str) -> str:
    """A package's name as lists write it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def packages(venv: Path) -> dict[str, str]:
    """Name and version of each package in `venv`."""
    folders = [str(folder) for folder in venv.glob("lib/python3*/site-packages")]
    distributions = importlib.metadata.distributions(path=folders)
    return {canonical(each.metadata["Name"] or "?"): each.version for each in distributions}


def unwanted(present: dict[str, str], pins: list[Pin]) -> list[str]:
    """Packages to remove first: not in the list, or in another version."""
    wanted = {canonical(pin.name): pin.version for pin in pins}
    return sorted(
        name
        for name, version in present.items()
        if wanted.get(name, version if name in TOOLS else None) != version
    )


def absent(present: dict[str, str], pins: list[Pin]) -> list[str]:
    """Packages of the list that are not there in its version."""
    return [pin.name for pin in pins if present.get(canonical(pin.name)) != pin.version]


class Installer:
    """uv or pip at work on one environment, its output in a file."""

    def __init__(self, venv: Path, uv: str | None) -> None:
        self.venv, self.uv = venv, uv
        self.python = str(venv / "bin" / "python")
        self.log = venv / "install.log"

    def attempt(self, *command: str) -> bool:
        """Run a command; its output goes to the log."""
        with self.log.open("a", encoding="utf-8") as log:
            log.write(f"$ {' '.join(command)}\n")
            log.flush()
            return subprocess.run(command, stdout=log, stderr=subprocess.STDOUT).returncode == 0

    def run(self, *command: str) -> None:
        """Run a command; Failed gives the first and the last of its lines that say why."""
        start = self.log.stat().st_size if self.log.exists() else 0
        if self.attempt(*command):
            return
        text = self.log.read_bytes()[start:].decode("utf-8", errors="replace")
        said = [line.strip() for line in text.splitlines() if WHY.match(line)]
        why = "; ".join(dict.fromkeys([*said[:1], *said[-1:]])) or "no reason given"
        why = re.sub(r"(ERROR|error): |//[^/@\s]*@", "", why)[:400]
        network = "the package index cannot be reached: " if NETWORK.search(text) else ""
        raise Failed(f"{network}{why} (all output: {self.log}); then run make again")

    def create(self) -> None:
        """A new, empty environment with pip."""
        base = os.path.realpath(sys.executable)  # not this environment's own, should it be active
        self.venv.mkdir(parents=True)
        if self.uv:
            self.run(
                self.uv, "venv", "--seed", "--allow-existing", "--python", base, str(self.venv)
            )
        elif not self.attempt(base, "-m", "venv", str(self.venv)):
            version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
            raise Failed(
                f"{base} cannot make an environment (see {self.log}): on Debian and Ubuntu "
                f"`apt install {version}-venv`, or install uv"
            )

    def remove(self, names: list[str]) -> None:
        """Uninstall packages by name."""
        self.run(self.python, "-m", "pip", "uninstall", "--yes", *names)

    def install(self, pins: list[Pin]) -> None:
        """Install by hash, without what packages ask for beside the list.

        A local version (torch==...+cpu) is looked for where pip is set up to look, then in the
        index of PyTorch; uv would look in neither of pip's places. For pip == stands for any local
        version as well, so that it would take torch's CPU build from there for the GPU: hence ===.
        """
        local = [pin for pin in pins if pin.local]
        pip = [self.python, "-m", "pip", "install", "--no-input", "--progress-bar", "off"]
        pip += ["--disable-pip-version-check"]
        uv = [self.uv, "pip", "install", "--python", self.python] if self.uv else pip
        with tempfile.TemporaryDirectory() as folder:
            for some, command in ((local, pip), ([p for p in pins if not p.local], uv)):
                if not some:
                    continue
                file = Path(folder) / "pins.txt"
                exact = [str(pin).replace("==", "===" if command is pip else "==") for pin in some]
                file.write_text("\n".join(exact) + "\n", "utf-8")
                command = [*command, "--no-deps", "--require-hashes", "-r", str(file)]
                if some is not local or not self.attempt(*command):
                    self.run(*command, *(["--index-url", TORCH_INDEX] if some is local else []))


def size(folder: Path) -> int:
    """Bytes of the files under `folder`."""
    return sum(
        os.lstat(os.path.join(at, name)).st_size
        for at, _, names in os.walk(folder)
        for name in names
    )


def check_folder(venv: Path, platform: str, needed: bool) -> None:
    """Failed where `venv` is no folder of ours, or, if `needed`, the disk has not the room."""
    if venv.is_symlink():
        raise Failed(f"{venv} is a link to {os.readlink(venv)}: remove it, or name another VENV")
    ours = [venv / "pyvenv.cfg", venv / "install.log"]
    if venv.exists() and not any(file.is_file() for file in ours) and any(venv.iterdir()):
        raise Failed(f"{venv} is not an environment: move it away, or name another VENV")
    free = shutil.disk_usage(venv.parent).free / 1e9
    if needed and free < DISK[platform] + DOWNLOAD[platform]:
        raise Failed(
            f"{venv} takes {DISK[platform]:.0f} GB and its downloads {DOWNLOAD[platform]} GB, "
            f"but the disk has {free:.1f} GB free"
        )


def check_machine(platform: str) -> None:
    """Failed where the list has no files for this system."""
    fits = lists.MACHINES[platform]
    name, version = libc_ver()
    if sys.platform != "linux" or machine() not in fits:
        raise Failed(
            f"the list is for Linux on {' or '.join(fits)}, this is {sys.platform} {machine()}"
        )
    if name != "glibc" or tuple(map(int, version.split(".")[:2])) < lists.GLIBC:
        needed = ".".join(map(str, lists.GLIBC))
        raise Failed(
            f"the list's files need glibc {needed} or newer, here is {name or 'another'} {version}"
        )


def make(platform: str, source: Path, venv: Path, uv: str | None, checked: bool) -> None:
    """Bring `venv` to the list `source`; does nothing where it is there already.

    checked: look for a GPU that the platform `gpu` can use.
    """
    if sys.version_info[:2] not in PYTHONS:
        fits = " or ".join(lists.PYTHONS)
        raise Failed(f"Python {sys.version.split()[0]} is not {fits}: make PYTHON=python3.11")
    check_machine(platform)
    text = source.read_text("utf-8")
    pins, wanted = lists.read(text), state(platform, text)
    if platform == "gpu" and checked:
        gpu.check_driver()
    before = installed_state(venv)
    if before == wanted:
        return
    again = same_but_list(before, wanted)
    check_folder(venv, platform, needed=not again)
    start = time.monotonic()
    installer = Installer(venv, uv)
    if again:
        (venv / ".installed").unlink()
    else:
        if venv.exists():
            print(f"{venv}: unfinished, or of another platform or Python; made from nothing")
            shutil.rmtree(venv)
        installer.create()
    present = packages(venv)
    old, new = unwanted(present, pins), [pin for pin in pins if pin.name in absent(present, pins)]
    tool = "uv" if uv else "pip"
    print(
        f"{venv}: removing {len(old)} packages, installing {len(new)}, with {tool}"
        if again
        else f"installing {len(new)} packages in {venv} with {tool} and Python {wanted['python']}: "
        f"{DOWNLOAD[platform]} GB to download, {DISK[platform]:.0f} GB on disk, "
        f"{MINUTES[tool][platform]} minutes on a machine that is not busy",
        flush=True,
    )
    if old:
        installer.remove(old)
    installer.install(new)
    if missing := absent(packages(venv), pins):
        raise Failed(f"not installed after all: {', '.join(missing[:5])} (see {installer.log})")
    report = subprocess.run([installer.python, "-c", gpu.REPORT], capture_output=True, text=True)
    if report.returncode:
        raise Failed(f"torch cannot be imported: {report.stderr.strip().splitlines()[-1]}")
    gpu.check_build(json.loads(report.stdout.splitlines()[-1]), platform, checked)
    done = venv / ".installed.tmp"
    done.write_text(json.dumps(wanted), "utf-8")
    done.rename(venv / ".installed")
    print(
        f"installed {len(pins)} packages, {size(venv) / 1e9:.1f} GB, in {venv} in "
        f"{time.monotonic() - start:.0f} s"
    )


def plots_page(venv: Path, folder: Path) -> None:
    """Make the page of DVC's plots, in the folder .dvc, where it is missing or older than `venv`.

    Without Vega's scripts in `venv` nothing is done; a failure is told, for plots can do without.
    """
    page = folder / plots.NAME
    if page.is_file() and page.stat().st_mtime >= (venv / ".installed").stat().st_mtime:
        return
    if plots.PACKAGE not in packages(venv):
        return
    command = [str(venv.absolute() / "bin" / "python"), "-m", "stages.install.plots", str(folder)]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    if done.returncode:
        why = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        print(f"`dvc plots show` will load its scripts from the network: {why}", file=sys.stderr)


def stop(*_: object) -> None:
    """SIGTERM ends as Ctrl-C does, which takes pip and uv along."""
    raise KeyboardInterrupt


def main() -> None:
    """One clear line and exit code 1 for whatever fails."""
    parser = argparse.ArgumentParser("make setup", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--platform", choices=["cpu", "gpu"], default="cpu")
    parser.add_argument("--venv", type=Path, default=Path(".venv"))
    parser.add_argument("--list", type=Path, help="default: requirements-PLATFORM.txt")
    parser.add_argument("--installer", choices=["uv", "pip"], help="default: uv where it is there")
    arguments = parser.parse_args()
    uv = None if arguments.installer == "pip" else shutil.which("uv")
    if arguments.installer == "uv" and uv is None:
        parser.error("uv is not on PATH")
    signal.signal(signal.SIGTERM, stop)
    try:
        # Two makes at once: the second waits, and finds the work done.
        folder = os.open(arguments.venv.absolute().parent, os.O_RDONLY)
        fcntl.flock(folder, fcntl.LOCK_EX)
        checked = not os.environ.get("ROUTENATOR_WITHOUT_GPU")
        source = arguments.list or lists.path(arguments.platform)
        make(arguments.platform, source, arguments.venv, uv, checked)
        plots_page(arguments.venv, Path(__file__).parents[2] / ".dvc")
    except KeyboardInterrupt:
        sys.exit("stopped; make again starts anew, what was downloaded is kept")
    except (Failed, gpu.Missing, OSError, ValueError) as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
