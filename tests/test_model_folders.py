"""Model folders that would run code of their own: refused by name, and never run by any loader."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from stages import models
from stages.core.command import InputError
from stages.engines import models as base_models
from stages.evaluation.similarity import embedder
from tests.conftest import ROOT

EVIL = "from pathlib import Path\nPath({!r}).write_text('ran')\nclass Thing: ...\n"
MAP = {"auto_map": {"AutoTokenizer": ["evil.Thing", "evil.Thing"], "AutoConfig": "evil.Thing"}}


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny base model."""
    from tests.test_evaluate import tiny_llama

    return tiny_llama(tmp_path_factory.mktemp("plain") / "model")


@pytest.fixture
def folder(plain: Path, tmp_path: Path) -> Path:
    """A copy of it, with a module that leaves a file `ran` behind when it is imported."""
    copy = Path(shutil.copytree(plain, tmp_path / "model"))
    (copy / "evil.py").write_text(EVIL.format(str(tmp_path / "ran")))
    return copy


def add(folder: Path, name: str, value: Any) -> None:
    """Put `value` into a JSON file of the folder, beside what it holds."""
    file = folder / name
    file.parent.mkdir(exist_ok=True)
    held = json.loads(file.read_text()) if file.is_file() else {}
    file.write_text(json.dumps({**held, **value} if isinstance(value, dict) else value))


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("tokenizer_config.json", MAP, r"tokenizer_config\.json names Python code .*\(auto_map\)"),
        ("processor_config.json", MAP, r"processor_config\.json .*auto_map"),
        ("preprocessor_config.json", MAP, r"preprocessor_config\.json .*auto_map"),
        ("generation_config.json", {"custom_generate": "evil"}, "generation_config.*custom_gener"),
        ("config.json", {**MAP, "model_type": "own"}, r"model/config\.json names .*auto_map"),
        ("config.json", {"text_config": MAP}, r"config\.json names .*auto_map"),
        ("config.json", {"custom_pipelines": {"a": {"impl": "evil.Thing"}}}, "custom_pipelines"),
        ("sub/config.json", MAP, r"sub/config\.json .*auto_map"),
        ("sentence_bert_config.json", {"model_args": {"trust_remote_code": True}}, "trust_remote"),
        ("2_Dense/config.json", {"activation_function": "os.abort"}, "activation_function 'os.ab"),
        ("modules.json", [{"path": "", "type": "evil.Thing"}], r"modules\.json names .*evil.Thing"),
        ("modules.json", [{"path": "../..", "type": "sentence_transformers.models.Dense"}],
         "leads out of the folder"),
        ("adapter_config.json", {"peft_type": "LORA"}, "holds an adapter: merge it"),
        ("model.safetensors.index.json", {"weight_map": {"a": "evil.bin"}}, "'evil.bin', which is"),
        ("model.safetensors.index.json", {"weight_map": {"a": "../b.safetensors"}}, "no safetens"),
        ("model.safetensors.index.json", {"weight_map": 7}, "no safetensors file"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["path", "package"])
def test_folders_with_code_are_refused(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    kind: str, name: str, value: Any, told: str,
) -> None:  # fmt: skip
    add(folder, name, value)
    called = f"path:{folder}"
    if kind == "package":
        (tmp_path / "own_weights").mkdir()
        (tmp_path / "own_weights/__init__.py").write_text("")
        shutil.move(folder, tmp_path / "own_weights/model")
        monkeypatch.syspath_prepend(tmp_path)
        called = "package:own_weights"
    with pytest.raises(InputError, match=told) as error:
        models.prepare(called, tmp_path / "out")
    assert str(error.value).startswith(called)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("config.json", "[" * 100_000, "nested too deeply|not valid JSON"),
        ("config.json", "{", "config.json is not valid JSON"),
        ("pytorch_model.bin", "pickled", r"no safetensors weights, only pytorch_model\.bin"),
    ],
)
def test_broken_folders_are_refused(
    folder: Path, tmp_path: Path, name: str, content: str, told: str
) -> None:
    if name.endswith(".bin"):
        (folder / "model.safetensors").unlink()
    (folder / name).write_text(content)
    with pytest.raises(InputError, match=told):
        models.prepare(f"path:{folder}", tmp_path / "out")


def test_pickled_weights_of_a_module_are_refused(folder: Path, tmp_path: Path) -> None:
    module = {"path": "2_Dense", "type": "sentence_transformers.models.Dense"}
    add(folder, "modules.json", [module])
    add(folder, "2_Dense/config.json", {"activation_function": "torch.nn.modules.activation.Tanh"})
    models.check_safe(folder, "here")
    (folder / "2_Dense/pytorch_model.bin").write_bytes(b"pickled")
    with pytest.raises(InputError, match=r"2_Dense has no safetensors weights, only pytorch_mod"):
        models.check_safe(folder, "here")


def test_what_transformers_has_itself_is_taken_from_there(folder: Path, tmp_path: Path) -> None:
    """Many models of a known kind name their first code still."""
    add(folder, "config.json", {"auto_map": {"AutoModelForCausalLM": "evil.Thing"}})
    models.prepare(f"path:{folder}", tmp_path / "out")
    assert base_models.skeleton(str(folder)).config.model_type == "llama"
    assert not (tmp_path / "ran").exists()


LOADERS = """
from stages.engines.models import load_tokenizer, skeleton
from stages.engines.adapter import merge
from stages.evaluation.similarity import embedder
from stages.training.base import load_base
def vllm(folder):
    from stages.engines.engine import engine
    from stages.core.connections import Engine
    engine(folder, Engine(max_model_len=64, kv_cache_gib=1, max_num_seqs=1))
train, join = lambda f: load_base(f, False), lambda f: merge(f, "none", "out")
loaders = [load_tokenizer, skeleton, train, join, embedder, vllm]
for number in {0}:
    try:
        loaders[number]({1!r})
    except Exception as error:
        print("refused", number)
"""


def check_loaders(folder: Path, tmp_path: Path, numbers: list[int]) -> None:
    """A folder that was changed since the stage `models` looked at it; `y` waits on the input."""
    for name in ("config.json", "tokenizer_config.json"):
        add(folder, name, {**MAP, "model_type": "own", "tokenizer_class": "Thing"})
    add(folder, "modules.json", [{"idx": 0, "name": "0", "path": "", "type": "evil.Thing"}])
    done = subprocess.run(
        [sys.executable, "-c", LOADERS.format(numbers, str(folder))],
        input="y\n" * 10, capture_output=True, text=True, cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"},
    )  # fmt: skip
    assert done.stdout.splitlines()[-len(numbers) :] == [f"refused {n}" for n in numbers], done
    assert "[y/N]" not in done.stdout + done.stderr
    assert not (tmp_path / "ran").exists()


def test_no_loader_runs_code_or_asks(folder: Path, tmp_path: Path) -> None:
    check_loaders(folder, tmp_path, [0, 1, 2, 3, 4])


@pytest.mark.slow
def test_vllm_runs_no_code_and_does_not_ask(folder: Path, tmp_path: Path) -> None:
    check_loaders(folder, tmp_path, [5])


def test_an_embedder_of_own_modules_is_told(folder: Path, tmp_path: Path) -> None:
    add(folder, "modules.json", [{"idx": 0, "name": "0", "path": "", "type": "evil.Thing"}])
    with pytest.raises(InputError, match="is no sentence-transformers model"):
        embedder(str(folder))
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("name", "content"),
    [("tokenizer.json", "{}"), ("tokenizer.json", "7"), ("tokenizer_config.json", "[]")],
)
def test_a_broken_tokenizer_is_told(folder: Path, name: str, content: str) -> None:
    (folder / name).write_text(content)
    with pytest.raises(InputError, match="has no tokenizer that can be read"):
        base_models.load_tokenizer(str(folder))


def test_a_student_that_cannot_be_tuned_leaves_the_models_of_before(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.conftest import params

    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ROUTENATOR_PARAMS", raising=False)
    shutil.copy(ROOT / "params.yaml", tmp_path)
    names = dict.fromkeys(("writer", "student", "embedder"), f"path:{folder}")
    params(tmp_path, lambda value: value["models"].update(names))
    models.main()
    before = sorted(Path("models/base").rglob("*"))
    add(folder, "config.json", {"quantization_config": {"quant_method": "awq"}})
    with pytest.raises(InputError, match=r"models\.student: .*quantized already .*awq"):
        models.main()
    assert sorted(Path("models/base").rglob("*")) == before
