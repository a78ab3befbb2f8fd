"""Memory that is freed: kept while a model works, given back when it has ended."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# A process of its own: what the C library is told stays until its process ends.
CODE = """
import sys
from pathlib import Path
from stages.core import memory

def held():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 >> 20

if "keep" in sys.argv:
    memory.keep_freed()
buffers = [bytearray(b"x") * (16 << 20) for _ in range(20)]
del buffers
print(held())
memory.give_back()
print(held())
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="of glibc alone")
def test_freed_memory_is_kept_until_it_is_given_back() -> None:
    def held(*told: str) -> list[int]:
        ran = subprocess.run([sys.executable, "-c", CODE, *told], cwd=ROOT, text=True,
                             capture_output=True, check=True)  # fmt: skip
        return [int(mib) for mib in ran.stdout.split()]

    usual, kept = held(), held("keep")
    assert usual[0] < 150
    assert kept[0] > 300
    assert kept[1] < 150
