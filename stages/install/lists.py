"""The pinned lists: what stands in them, and `make lock`, which writes their hashes anew.

Command: make lock, or python -m stages.install.lists; needs uv, Python 3.11 and the package index.
To change a version: write it into both lists (no hashes needed), then make lock.
Hashes are those of the index's files that fit Linux, Python 3.11 and 3.12 and the list's machines:
wheels, and the source where a package has no wheel at all. A pin with a local version, such as
torch==...+cpu, is not on PyPI: its hashes, copied from PyTorch's index by hand, stay as they are.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

PYTHONS = ("3.11", "3.12")
MACHINES = {"cpu": ("x86_64",), "gpu": ("x86_64", "aarch64")}
# What the newest wheels of the lists ask for.
GLIBC = (2, 31)
PIN = re.compile(r"([a-z0-9][a-z0-9.-]*)==([\w.!]+(?:\+[\w.]+)?)")
HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


class Pin(NamedTuple):
    """One package of a list."""

    name: str
    version: str
    hashes: list[str]

    @property
    def local(self) -> bool:
        """Whether the version has a local label, such as +cpu, and so is not on PyPI."""
        return "+" in self.version

    def __str__(self) -> str:
        return " \\\n".join(
            [f"{self.name}=={self.version}", *(f"    --hash=sha256:{h}" for h in self.hashes)]
        )


def path(platform: str) -> Path:
    """The list of a platform, beside the Makefile."""
    return Path(__file__).parents[2] / f"requirements-{platform}.txt"


def read(text: str) -> list[Pin]:
    """The pins of a list's text; ValueError names a line that is not NAME==VERSION and hashes."""
    pins = []
    for line in text.replace("\\\n", " ").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        pin, *rest = line.split()
        match = PIN.fullmatch(pin)
        hashes = [HASH.fullmatch(word) for word in rest]
        if match is None or not all(hashes):
            raise ValueError(f"not NAME==VERSION and its hashes: {line[:100]}")
        pins.append(Pin(match.group(1), match.group(2), [h.group(1) for h in hashes if h]))
    return pins


def _fitting(pins: list[Pin], python: str, machine: str) -> dict[str, set[str]]:
    """Of each package the hashes of the index's files that fit, as uv resolves them."""
    import tomllib

    with tempfile.TemporaryDirectory() as folder:
        wanted, locked = Path(folder) / "wanted.txt", Path(folder) / "pylock.toml"
        wanted.write_text("".join(f"{pin.name}=={pin.version}\n" for pin in pins), "utf-8")
        system = f"{machine}-manylinux_{GLIBC[0]}_{GLIBC[1]}"
        command = ["uv", "pip", "compile", "--quiet", "--no-deps", "--format", "pylock.toml"]
        command += ["--python-version", python, "--python-platform", system]
        command += ["--output-file", str(locked), str(wanted)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        packages = tomllib.loads(locked.read_text("utf-8"))["packages"]
    files = {p["name"]: p.get("wheels") or [p["sdist"]] for p in packages}
    return {name: {file["hashes"]["sha256"] for file in some} for name, some in files.items()}


def lock(platform: str) -> None:
    """Write the hashes of a platform's list anew; its comment at the top stays."""
    text = path(platform).read_text("utf-8")
    head = "".join(line for line in text.splitlines(keepends=True) if line.startswith("#"))
    pins = sorted(read(text))
    hashes: dict[str, set[str]] = {
        pin.name: set(pin.hashes) if pin.local else set() for pin in pins
    }
    for python in PYTHONS:
        for machine in MACHINES[platform]:
            fitting = _fitting([pin for pin in pins if not pin.local], python, machine)
            for name, some in fitting.items():
                hashes[name] |= some
    lines = [str(pin._replace(hashes=sorted(hashes[pin.name]))) for pin in pins]
    path(platform).write_text(head + "\n".join(lines) + "\n", "utf-8")
    print(f"{path(platform).name}: {len(pins)} packages, {sum(map(len, hashes.values()))} files")


if __name__ == "__main__":
    try:
        for each in MACHINES:
            lock(each)
    except (OSError, ValueError, subprocess.CalledProcessError) as error:
        sys.exit(f"error: {error}")
