"""Whether an adapter can be served on a base model, before that has cost a minute; the model that
both make together.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from stages.core import files
from stages.core.bounds import bounded
from stages.core.command import InputError
from stages.engines import models, rounding

ADAPTER_CONFIG, ADAPTER_WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
PEFT_PREFIX = "base_model.model."
# What vLLM takes as the largest rank.
RANKS = (8, 16, 32, 64, 128, 256, 320, 512)
MAX_ALPHA = 10_000
# Keys of adapter_config.json that make something other than a product of two matrices.
UNSERVED = (
    *("use_dora", "bias", "lora_bias", "modules_to_save", "trainable_token_indices"),
    *("layer_replication", "target_parameters", "megatron_config", "use_qalora", "use_bdlora"),
    *("arrow_config", "kasa_config", "velora_config", "monteclora_config"),
    *("alora_invocation_tokens", "auto_mapping", "ensure_weight_tying"),
)
# Keys that say which matrices there are.
CONFIGURED = (
    *("r", "lora_alpha", "target_modules", "exclude_modules", "layers_to_transform"),
    *("layers_pattern", "rank_pattern", "alpha_pattern", "use_rslora", "fan_in_fan_out"),
)
# Ways to draw the first matrices that leave the base model as it is.
HARMLESS = ("gaussian", "orthogonal", "eva")
SECONDS, MIB = 20, 4_096


def read_matrices(file: Path) -> dict[str, tuple[int, ...]]:
    """Name and shape of every LoRA matrix in a safetensors file, all of them finite numbers."""
    import torch
    from safetensors import SafetensorError, safe_open

    shapes = {}
    try:
        with safe_open(file, framework="pt") as tensors:
            for name in tensors.keys():  # noqa: SIM118 (no mapping)
                if not name.endswith((".lora_A.weight", ".lora_B.weight")):
                    raise InputError(
                        f"{file}: {name:.200} is no LoRA matrix of a linear layer, the only thing "
                        "that is served: train without modules_to_save, biases, DoRA and embeddings"
                    )
                value = tensors.get_tensor(name)
                if value.ndim != 2 or not value.is_floating_point() or value.element_size() < 2:
                    raise InputError(
                        f"{file}: {name:.200} is {value.dtype} of shape {tuple(value.shape)}, not "
                        "a matrix of 16-bit or 32-bit floats: save it so"
                    )
                if not torch.isfinite(value).all():
                    raise InputError(
                        f"{file}: {name:.200} holds NaN or infinity: the training has diverged; "
                        "train again with a smaller learning rate"
                    )
                shapes[name.removeprefix(PEFT_PREFIX)] = tuple(value.shape)
    except SafetensorError as error:
        raise InputError(f"{file} is no readable safetensors file: {error}") from None
    return shapes


def _number(value: object, low: float, high: float, whole: bool = False) -> bool:
    """Whether `value` is a number from `low` to `high`; NaN is not."""
    kinds = int if whole else int | float
    return isinstance(value, kinds) and not isinstance(value, bool) and low <= value <= high


def check_config(config: Any, file: Path) -> None:
    """Refuse, by key, an adapter_config.json with what cannot be served as it was trained."""
    if not isinstance(config, dict) or config.get("peft_type") != "LORA":
        raise InputError(f"{file}: peft_type must be LORA")

    def refuse(key: str, value: object, want: str) -> InputError:
        return InputError(f"{file}: {key} is {value!r:.80}: {want}")

    for key in ("rank_pattern", "alpha_pattern"):
        if not isinstance(config.get(key) or {}, dict):
            raise refuse(key, config[key], "give a mapping of modules to numbers")
    ranks = [("r", config.get("r")), *(config.get("rank_pattern") or {}).items()]
    for key, rank in ranks:
        if not _number(rank, 1, RANKS[-1], whole=True):
            raise refuse(key, rank, f"vLLM serves ranks from 1 to {RANKS[-1]}")
    alphas = [
        ("lora_alpha", config.get("lora_alpha")),
        *(config.get("alpha_pattern") or {}).items(),
    ]
    for key, alpha in alphas:
        if not _number(alpha, 1e-6, MAX_ALPHA):
            raise refuse(key, alpha, f"give a number above 0, at most {MAX_ALPHA}")
    dropout = config.get("lora_dropout", 0)
    if not _number(dropout, 0, 0.9999):
        raise refuse("lora_dropout", dropout, "give a number from 0 to below 1")
    for key in ("fan_in_fan_out", "use_rslora"):
        if not isinstance(config.get(key) or False, bool):
            raise refuse(key, config[key], "give true or false")
    for key in UNSERVED:
        if config.get(key) not in (None, False, "none") and config[key] != {} != config[key] != []:
            raise refuse(key, config[key], "it is not served: train plain LoRA matrices")
    start = config.get("init_lora_weights", True)
    if not (isinstance(start, bool) or start in HARMLESS):
        raise refuse("init_lora_weights", start, "it changes the base model: convert the adapter")


def check_adapter(adapter: str | Path, base: str) -> dict[str, Any]:
    """The adapter's configuration, if it is a LoRA adapter whose matrices fit the base model.

    Raises InputError that says what is missing or which matrix does not fit.
    """
    adapter = Path(adapter)
    if not adapter.is_dir():
        raise InputError(f"adapter {adapter} is no folder: run `dvc repro finetune` or name one")
    for name in (ADAPTER_CONFIG, ADAPTER_WEIGHTS):
        if not (adapter / name).is_file():
            raise InputError(f"adapter {adapter} has no {name}: name a PEFT LoRA adapter's folder")
    config = files.read_json(adapter / ADAPTER_CONFIG)
    check_config(config, adapter / ADAPTER_CONFIG)
    matrices = read_matrices(adapter / ADAPTER_WEIGHTS)
    if not matrices:
        raise InputError(f"{adapter / ADAPTER_WEIGHTS} holds no LoRA matrices")
    models.check_student(base)
    model = models.skeleton(base)
    mismatch = (
        f"adapter {adapter} (trained on {config.get('base_model_name_or_path')!s:.100}) does not "
        f"fit the base model {base}"
    )
    other = "name the base it was trained on"
    modules = dict(model.named_modules())
    tied = model.get_input_embeddings()
    for name, shape in matrices.items():
        path, matrix = name.rsplit(".lora_", 1)
        module = modules.get(path)
        if module is None or getattr(module, "weight", None) is None:
            raise InputError(f"{mismatch}: that has no {path}; {other}")
        if module is tied or module.weight is tied.weight:
            raise InputError(
                f"{mismatch}: {path} shares its weights with the embeddings there; leave it out of "
                "target_modules and train again"
            )
        # Weights are (outputs, inputs), in GPT-2's Conv1D the reverse. A is (rank, inputs), B is
        # (outputs, rank).
        outputs, inputs = module.weight.shape
        if type(module).__name__ == "Conv1D":
            outputs, inputs = inputs, outputs
        elif config.get("fan_in_fan_out"):
            raise InputError(
                f"{adapter / ADAPTER_CONFIG}: fan_in_fan_out is true, but {path} of {base} is an "
                "ordinary linear layer: train with false"
            )
        side, have, want = (
            ("inputs", shape[1], inputs)
            if matrix.startswith("A")
            else ("outputs", shape[0], outputs)
        )
        if have != want:
            raise InputError(f"{mismatch}: {path} has {want} {side}, the adapter {have}; {other}")
    _check_injected(model, config, matrices, adapter)
    return config


def _check_injected(
    model: Any, config: dict[str, Any], matrices: dict[str, tuple[int, ...]], adapter: Path
) -> None:
    """Refuse an adapter whose matrices are not those that PEFT makes of its configuration: it would
    leave others out, or add some at random, without a word.
    """
    from peft import LoraConfig, get_peft_model, get_peft_model_state_dict

    file = adapter / ADAPTER_CONFIG
    try:
        # Modules may be named by a regular expression.
        with bounded(SECONDS, MIB):
            options = {key: config.get(key) for key in CONFIGURED if config.get(key) is not None}
            wanted = get_peft_model_state_dict(
                get_peft_model(model, LoraConfig(task_type="CAUSAL_LM", **options)),
                save_embedding_layers=False,
            )
    except (TimeoutError, MemoryError):
        raise InputError(f"{file}: its patterns take more than {SECONDS} s: simplify") from None
    except Exception as error:
        message = " ".join(str(error).split())
        raise InputError(f"{file} cannot be used by PEFT: {message:.300}") from None
    shapes = {n.removeprefix(PEFT_PREFIX): tuple(value.shape) for n, value in wanted.items()}
    for name in sorted(shapes.keys() | matrices.keys()):
        want, have = shapes.get(name), matrices.get(name)
        if want != have:
            raise InputError(
                f"adapter {adapter}: by its {ADAPTER_CONFIG} (r, rank_pattern, target_modules) "
                f"{name} has the shape {want or '(none)'}, in {ADAPTER_WEIGHTS} "
                f"{have or '(none)'}: the files are of different adapters, or one was changed"
            )


def merge(base: str, adapter: str | Path, out: str | Path) -> None:
    """Write the base model with the adapter added to its weights, and its tokenizer, to `out`: to
    the weights in four bits where it was trained on those.

    Adds in float32 and rounds once, to the type that the base model's configuration names, else
    that in which its weights were read.
    """
    import torch
    from peft import PeftModel
    from transformers import AutoConfig, AutoModelForCausalLM

    if rounding.is_rounded(adapter):
        model = rounding.load_rounded(base)
    else:
        model = AutoModelForCausalLM.from_pretrained(
            base, dtype="auto", use_safetensors=True, trust_remote_code=False
        )
    dtype = AutoConfig.from_pretrained(base, trust_remote_code=False).dtype or model.dtype
    merged = PeftModel.from_pretrained(model.float(), str(adapter)).merge_and_unload().to(dtype)
    with torch.no_grad():
        few = torch.arange(8)[None] % merged.config.get_text_config().vocab_size
        finite = torch.isfinite(merged(few, use_cache=False).logits).all()
    if not finite or not all(torch.isfinite(value).all() for value in merged.parameters()):
        raise InputError(
            f"adapter {adapter} on {base} computes NaN or infinity: the training has diverged, or "
            "lora_alpha is too large; train again with a smaller learning rate"
        )
    merged.save_pretrained(out)
    models.load_tokenizer(base).save_pretrained(out)
