"""params.yaml as typed settings; an unknown key or a wrong type is one clear error."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from stages.contracts.command import InputError

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[int, Field(gt=0)]


class Block(BaseModel):
    """A block of params.yaml; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Models(Block):
    writer: str
    student: str
    embedder: str
    viewer: str


class IngestGraph(Block):
    max_reject_share: Share
    max_seconds: Annotated[float, Field(gt=0, le=86_400 * 30, allow_inf_nan=False)]
    max_memory_gib: Annotated[float, Field(ge=0.25, le=4096, allow_inf_nan=False)]


class IngestAssets(IngestGraph):
    max_pictures: Annotated[int, Field(ge=0)]


class Population(Block):
    source: str
    bands: dict[str, Annotated[list[Positive], Field(min_length=1)]]
    min_count: Positive
    epsilon: Annotated[float, Field(allow_inf_nan=False)] | None

    @field_validator("epsilon")
    @classmethod
    def _finite_noise(cls, epsilon: float | None) -> float | None:
        if epsilon is not None and epsilon <= 0:
            raise ValueError(
                f"epsilon: {epsilon:g} would mean infinite noise; give a number above 0, or use "
                "null for none"
            )
        return epsilon


class Weights(Block):
    heuristic: Annotated[float, Field(ge=0)]
    text: Annotated[float, Field(ge=0)]
    vision: Annotated[float, Field(ge=0)]


Recipe = Literal["heuristic", "single_prompt", "router", "router_heuristic"]


class Route(Block):
    recipe: Recipe
    rows: Positive
    weights: Weights
    asset_order: Literal["shuffled", "click_through_rate"]
    min_per_cell: Annotated[int, Field(ge=0)]
    surplus: Annotated[float, Field(ge=0)]
    heuristic_surplus: Annotated[float, Field(ge=0)]
    reserve: Annotated[float, Field(ge=1)]


class Sampling(Block):
    temperature: Annotated[float, Field(ge=0)]
    top_k: int
    top_p: Annotated[float, Field(gt=0, le=1)]
    frequency_penalty: Annotated[float, Field(ge=-2, le=2)]
    max_tokens: Positive
    stop: list[str]


class Retirement(Block):
    """When a template is retired: under `min_acceptance` after `min_tried` candidates."""

    min_acceptance: Share
    min_tried: Positive


class GenerateHeuristic(Retirement):
    batch: Positive
    typo_share: Share


class GenerateModel(Retirement):
    batch: Positive
    sampling: Sampling


class GenerateVision(GenerateModel):
    engine: Literal["describe", "vllm", "server"]
    side: Annotated[int, Field(ge=64)]
    sentences: Positive


class Engine(Block):
    max_model_len: Positive
    kv_cache_gib: Positive
    max_num_seqs: Positive


class Server(Block):
    address: str
    model: str
    vllm: bool
    key_variable: Annotated[str, Field(pattern=r"^[A-Za-z_]*[A-Za-z0-9_]*$")]
    concurrency: Positive
    timeout: Annotated[float, Field(gt=0)]
    retries: Annotated[int, Field(ge=0)]


class Ray(Block):
    address: str
    replicas: Positive
    gpus: Annotated[int, Field(ge=0)]


class Generate(Block):
    engine: Literal["vllm", "server", "ray"]
    max_failed_share: Share
    server: Server
    ray: Ray
    heuristic: GenerateHeuristic
    text: GenerateModel
    vision: GenerateVision


class Validate(Block):
    near_duplicate_threshold: Annotated[float, Field(gt=0, le=1)]
    validation_share: Annotated[float, Field(gt=0, lt=1)]
    min_rows_share: Share
    min_grounding: Share


class Finetune(Block):
    packing: Literal["shared_prefix", "bfd", "none"]
    attention: Literal["sdpa", "flex"]
    quantize: bool
    r: Positive
    lora_alpha: Positive
    lora_dropout: Share
    target_modules: list[str]
    learning_rate: Annotated[float, Field(gt=0)]
    lr_scheduler_type: str
    warmup_ratio: Share
    num_train_epochs: Annotated[float, Field(gt=0)]
    max_steps: int
    per_device_train_batch_size: Positive
    gradient_accumulation_steps: Positive
    max_tokens_per_pass: Positive
    max_grad_norm: Annotated[float, Field(gt=0)]
    max_length: Positive
    gradient_checkpointing: bool
    logging_steps: Positive
    save_steps: Positive
    accelerate: str


class Evaluate(Block):
    max_tokens: Positive
    bootstrap_samples: Positive


class Settings(Block):
    """The whole of params.yaml."""

    pack: str
    seed: Annotated[int, Field(ge=0)]
    models: Models
    engine: Engine
    ingest_graph: IngestGraph
    ingest_assets: IngestAssets
    population: Population
    route: Route
    generate: Generate
    validate_: Annotated[Validate, Field(alias="validate")]
    finetune: Finetune
    evaluate: Evaluate


def read_yaml(path: str | Path) -> dict[str, object]:
    """Read a YAML mapping (YAML 1.2: `2e-4` is a number, `no` is text)."""
    path = Path(path)
    try:
        with path.open(encoding="utf-8") as stream:
            value = YAML(typ="safe").load(stream)
    except FileNotFoundError:
        raise InputError(f"{path} is missing") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not UTF-8 ({error}): save it as UTF-8") from None
    except YAMLError as error:
        raise InputError(f"{path} is not readable YAML: {' '.join(str(error).split())}") from None
    if not isinstance(value, dict):
        raise InputError(f"{path} must hold a mapping at its top, found {type(value).__name__}")
    return value


def told(error: ValidationError, where: str | Path) -> InputError:
    """All problems that pydantic found, as one InputError."""
    lines = [
        f"  {'.'.join(str(part) for part in e['loc'])}: {e['msg']}"
        + (f" (found {e['input']!r:.80})" if e["type"] != "missing" else "")
        for e in error.errors()
    ]
    return InputError(f"{where} has {len(lines)} problem(s):\n" + "\n".join(lines))


def load(path: str | Path | None = None) -> Settings:
    """Read params.yaml (or the file that ROUTENATOR_PARAMS names)."""
    path = path or os.environ.get("ROUTENATOR_PARAMS", "params.yaml")
    try:
        return Settings.model_validate(read_yaml(path))
    except ValidationError as error:
        raise told(error, path) from None
