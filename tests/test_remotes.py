"""DVC remotes against a real S3 interface: push, clone, pull, get, experiments, secrets."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.test_engines import free_port
from tests.test_pipeline import shell, small_copy

KEY, SECRET = "AKIAROUTENATOR", secrets.token_hex(16)
STAGES = ("ingest_graph", "ingest_assets", "population")
OUTS = ("data/ingested/graph", "data/ingested/assets", "data/population")


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of an S3 server on loopback with a bucket `team-data`.

    A process of its own: imported here, its web framework's proxies would stay in this process, and
    vLLM, which looks at every module's attributes, trips over them in later tests.
    """
    import boto3

    for name in [name for name in os.environ if name.startswith("AWS_")]:
        if name != "AWS_CA_BUNDLE":
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, stdout=quiet, stderr=quiet) as server:
        try:
            for _ in range(1500):
                assert server.poll() is None, "moto's server ended"
                with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                    break
                time.sleep(0.2)
            boto3.client(
                "s3", endpoint_url=address, region_name="us-east-1",
                aws_access_key_id=KEY, aws_secret_access_key=SECRET,
            ).create_bucket(Bucket="team-data")  # fmt: skip
            yield address
        finally:
            server.terminate()


def contents(folder: Path) -> dict[str, bytes]:
    files = [file for out in OUTS for file in (folder / out).rglob("*.*") if file.is_file()]
    return {str(file.relative_to(folder)): file.read_bytes() for file in files}


def git(folder: Path, *command: str) -> str:
    who = ("-c", "user.name=t", "-c", "user.email=t@example.org")
    return shell(folder, "git", *who, *command).stdout


@pytest.mark.slow
def test_data_goes_to_s3_and_comes_back(
    bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, origin, clone = (tmp_path / name for name in ("first", "origin.git", "clone"))
    first.mkdir()
    small_copy(first)
    shell(first, "dvc", "repro", *STAGES)
    remote = ("dvc", "remote")
    shell(first, *remote, "add", "-d", "team", "s3://team-data/routenator")
    shell(first, *remote, "modify", "team", "endpointurl", bucket)
    # The secret goes to .dvc/config.local, which Git does not see.
    shell(first, *remote, "modify", "--local", "team", "access_key_id", KEY)
    shell(first, *remote, "modify", "--local", "team", "secret_access_key", SECRET)
    git(first, "add", "-A")
    git(first, "commit", "-qm", "a remote")
    assert SECRET in (first / ".dvc" / "config.local").read_text()
    assert shell(first, "git", "grep", "-l", SECRET, ok=False).stdout == ""
    shell(first, "dvc", "push")
    git(tmp_path, "clone", "-q", "--bare", str(first), str(origin))
    git(first, "remote", "add", "origin", str(origin))

    # A colleague, whose secret is in the environment.
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    git(tmp_path, "clone", "-q", str(origin), str(clone))
    assert contents(clone) == {}
    shell(clone, "dvc", "pull", "check", *STAGES)
    assert contents(clone) == contents(first)
    assert all(any(name.startswith(out) for name in contents(clone)) for out in OUTS)
    assert "up to date" in shell(clone, "dvc", "status", *STAGES).stdout
    shell(tmp_path, "dvc", "get", str(origin), "data/population", "-o", "got")
    assert (tmp_path / "got/strata.json").read_bytes() == contents(first)[
        "data/population/strata.json"
    ]

    shell(first, "dvc", "exp", "run", "-S", "ingest_graph.max_reject_share=0.06", "-n", "mine",
          "ingest_graph")  # fmt: skip
    shell(first, "dvc", "exp", "push", "origin", "mine")
    shell(clone, "dvc", "exp", "pull", "origin", "mine")
    assert "mine" in shell(clone, "dvc", "exp", "list").stdout
    shell(clone, "dvc", "exp", "branch", "mine", "taken")
    assert "max_reject_share: 0.06" in git(clone, "show", "taken:params.yaml")
