"""params.yaml as typed settings: one clear error for an unknown key, a wrong type, a number out of
its bounds, or two settings that do not go together. Every stage reads all of it before it begins.
"""

from __future__ import annotations

import os
import re
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from stages.core.command import InputError
from stages.core.connections import Engine, Ray, ScoringServer, Server
from stages.core.fields import MOST, Block, Count, Line, Name, Positive, Share, Tokens, Weight
from stages.core.yaml import line_of, text_of
from stages.core.yaml import read as read_yaml

# numpy's legacy seeds, which transformers and vLLM set, end here.
MOST_SEED = 2**32 - 1
# Rows are planned in memory, `reserve` requests for each: more is more than a machine holds.
MOST_ROWS = 10_000_000
# Requests that a plan may hold: about half a kilobyte each.
MOST_REQUESTS = 50_000_000
# Longest query that a length band may end at, in words.
MOST_WORDS = 1_000
# transformers' schedules that need no setting of their own and no scores on the way.
SCHEDULES = (
    "linear", "cosine", "cosine_with_restarts", "polynomial", "constant", "constant_with_warmup",
    "inverse_sqrt",
)  # fmt: skip
# Problems of one file that are listed; a list of a thousand wrong words says the same as twenty.
SHOWN = 20


def _reference(name: str) -> str:
    """A model's name, well-formed; whether it is there is for `stages.models` to see."""
    kind, _, rest = name.partition(":")
    if kind not in ("package", "path", "hub"):
        raise ValueError(f"{name!r} starts with none of package:, path:, hub:")
    if kind == "package" and not re.fullmatch(r"[A-Za-z_]\w*", rest, re.ASCII):
        raise ValueError(f"{name}: {rest!r} is not the name of a Python package")
    if kind == "path" and not rest:
        raise ValueError(f"{name}: name the folder after path:")
    if kind == "hub" and not HUB.fullmatch(rest):
        raise ValueError(f"{name}: expected hub:ORG/NAME@REVISION, with the revision pinned")
    return name


HUB = re.compile(r"([\w-][\w.-]*/[\w-][\w.-]*)@(\w+)", re.ASCII)
Reference = Annotated[Name, AfterValidator(_reference)]


class Models(Block):
    writer: Reference
    student: Reference
    embedder: Reference
    viewer: Annotated[Line, AfterValidator(lambda name: name and _reference(name))]


class IngestGraph(Block):
    max_reject_share: Share
    max_seconds: Annotated[float, Field(gt=0, le=86_400 * 30, allow_inf_nan=False)]
    max_memory_gib: Annotated[float, Field(ge=0.25, le=4096, allow_inf_nan=False)]


class IngestAssets(IngestGraph):
    max_pictures: Count


def _inside(path: str) -> str:
    """A relative path that does not climb out of where it starts."""
    parts = PurePosixPath(path).parts
    if PurePosixPath(path).is_absolute() or ".." in parts or not parts:
        raise ValueError(f"{path!r} leads out of the pack: name a file inside it")
    return path


class Population(Block):
    source: Annotated[Name, AfterValidator(_inside)]
    min_count: Positive
    epsilon: Annotated[float, Field(le=MOST)] | None

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
    heuristic: Weight
    text: Weight
    vision: Weight

    @model_validator(mode="after")
    def _any(self) -> Weights:
        if not self.heuristic + self.text + self.vision:
            raise ValueError("all are zero; give at least one route a weight")
        return self


Recipe = Literal["heuristic", "single_prompt", "router", "router_heuristic"]


class Route(Block):
    recipe: Recipe
    rows: Annotated[int, Field(gt=0, le=MOST_ROWS)]
    weights: Weights
    asset_order: Literal["shuffled", "click_through_rate"]
    min_per_cell: Count
    surplus: Annotated[float, Field(ge=0, le=100)]
    heuristic_surplus: Annotated[float, Field(ge=0, le=100)]
    reserve: Annotated[float, Field(ge=1, le=1_000)]

    @model_validator(mode="after")
    def _planned(self) -> Route:
        requests = self.rows * (1 + self.surplus + self.heuristic_surplus) * self.reserve
        if requests > MOST_REQUESTS:
            raise ValueError(
                f"rows x (1 + surplus + heuristic_surplus) x reserve plans {requests:.3g} "
                f"requests, at most {MOST_REQUESTS:.0e} fit into memory: lower one of them"
            )
        return self


class Sampling(Block):
    """What OpenAI's interface and vLLM take; 2 is OpenAI's hottest temperature, 4 its most stop
    strings for many models; vLLM takes more.
    """

    temperature: Annotated[float, Field(ge=0, le=2)]
    top_k: Annotated[int, Field(ge=-1, le=MOST)]
    top_p: Annotated[float, Field(gt=0, le=1)]
    frequency_penalty: Annotated[float, Field(ge=-2, le=2)]
    max_tokens: Tokens
    stop: Annotated[list[Annotated[str, Field(min_length=1, max_length=100)]], Field(max_length=64)]


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
    side: Annotated[int, Field(ge=64, le=8_192)]
    sentences: Annotated[int, Field(gt=0, le=100)]


class Generate(Block):
    engine: Literal["vllm", "server", "ray"]
    max_failed_share: Share
    server: Server
    ray: Ray
    heuristic: GenerateHeuristic
    text: GenerateModel
    vision: GenerateVision


class Judge(Block):
    engine: Literal["none", "vllm", "server", "ray"]
    threshold: Share
    refused_below: Share
    batch: Positive
    max_tokens: Tokens
    max_failed_share: Share
    server: Server
    ray: Ray

    @model_validator(mode="after")
    def _in_order(self) -> Judge:
        if self.refused_below > self.threshold:
            raise ValueError(
                f"refused_below {self.refused_below:g} is above threshold {self.threshold:g}: what "
                "is accepted would be refused; lower it"
            )
        return self


class Validate(Block):
    near_duplicate_threshold: Annotated[float, Field(gt=0, le=1)]
    validation_share: Annotated[float, Field(gt=0, lt=1)]
    min_rows_share: Share
    masked_share: Share


class Finetune(Block):
    packing: Literal["shared_prefix", "bfd", "none"]
    attention: Literal["sdpa", "flex"]
    quantize: bool
    # vLLM serves no higher rank, and no adapter whose alpha lets weights overflow is of use.
    r: Annotated[int, Field(gt=0, le=512)]
    lora_alpha: Annotated[int, Field(gt=0, le=10_000)]
    lora_dropout: Annotated[float, Field(ge=0, lt=1)]
    target_modules: Annotated[list[Name], Field(min_length=1, max_length=100)]
    learning_rate: Annotated[float, Field(gt=0, le=10)]
    lr_scheduler_type: Name
    warmup_ratio: Share
    num_train_epochs: Annotated[float, Field(gt=0, le=10_000)]
    max_steps: Annotated[int, Field(ge=-1, le=1_000_000_000)]
    per_device_train_batch_size: Annotated[int, Field(gt=0, le=65_536)]
    gradient_accumulation_steps: Annotated[int, Field(gt=0, le=65_536)]
    max_tokens_per_pass: Annotated[int, Field(gt=0, le=100_000_000)]
    max_grad_norm: Annotated[float, Field(gt=0, le=MOST)]
    max_length: Tokens
    gradient_checkpointing: bool
    logging_steps: Positive
    save_steps: Annotated[int, Field(gt=0, le=1_000_000_000)]
    report_to: Literal["none", "wandb", "tensorboard", "trackio", "dvclive"]
    accelerate: Line

    @field_validator("lr_scheduler_type")
    @classmethod
    def _schedule(cls, name: str) -> str:
        if name not in SCHEDULES:
            raise ValueError(f"{name!r} is none of {', '.join(SCHEDULES)}")
        return name

    @field_validator("max_steps")
    @classmethod
    def _some(cls, steps: int) -> int:
        if steps == 0:
            raise ValueError("0 would train nothing: give -1 for no limit, or at least 1")
        return steps


def _range(shown: list[int]) -> list[int]:
    if shown[0] > shown[1]:
        raise ValueError(f"{shown} must rise: the fewest functions, then the most")
    return shown


class Tools(Block):
    format: Literal["pythonic", "hermes", "native"]
    sets: Annotated[int, Field(gt=0, le=100_000)]
    shown: Annotated[
        list[Annotated[int, Field(gt=0, le=1_000)]],
        Field(min_length=2, max_length=2),
        AfterValidator(_range),
    ]
    scored: Annotated[int, Field(gt=0, le=5_000)]


class Evaluate(Block):
    engine: Literal["vllm", "server", "ray"]
    server: ScoringServer
    ray: Ray
    max_tokens: Tokens
    # The draws are held in memory, one row a sample.
    bootstrap_samples: Annotated[int, Field(gt=0, le=100_000)]
    decoding: Literal["free", "constrained", "both"]


class Benchmark(Block):
    # Which there are, the stage `check` knows.
    categories: Annotated[list[Name], Field(max_length=100)]
    max_tokens: Tokens


class Settings(Block):
    """The whole of params.yaml."""

    pack: Name
    seed: Annotated[int, Field(ge=0, le=MOST_SEED)]
    models: Models
    tools: Tools
    engine: Engine
    ingest_graph: IngestGraph
    ingest_assets: IngestAssets
    population: Population
    route: Route
    generate: Generate
    judge: Judge
    validate_: Annotated[Validate, Field(alias="validate")]
    finetune: Finetune
    evaluate: Evaluate
    benchmark: Benchmark

    @model_validator(mode="after")
    def _together(self) -> Settings:
        """What two blocks must agree on."""
        vision, room = self.generate.vision, self.engine.max_model_len
        longest = vision.sampling.max_tokens * (
            vision.sentences if vision.engine != "describe" else 1
        )
        answers = {"evaluate.max_tokens": self.evaluate.max_tokens}
        if self.benchmark.categories:
            answers["benchmark.max_tokens"] = self.benchmark.max_tokens
        if self.generate.engine != "server":
            answers["generate.text.sampling.max_tokens"] = self.generate.text.sampling.max_tokens
        if (self.generate.engine if vision.engine == "describe" else vision.engine) != "server":
            answers["generate.vision.sampling.max_tokens (x sentences)"] = longest
        if self.judge.engine in ("vllm", "ray"):
            answers["judge.max_tokens"] = self.judge.max_tokens
        wrong = [f"{name} is {n}" for name, n in answers.items() if n >= room]
        if wrong:
            raise ValueError(
                f"{'; '.join(wrong)}: that leaves no room for a prompt, for prompt and answer have "
                f"engine.max_model_len {room} tokens together"
            )
        if self.evaluate.decoding != "free" and self.tools.format == "native":
            raise ValueError(
                f"evaluate.decoding {self.evaluate.decoding} has no grammar for tools.format "
                "native, whose calls the student's own template writes: set pythonic or hermes"
            )
        if self.evaluate.engine == "server" and not self.evaluate.server.vllm:
            for is_wrong, name, right in (
                (self.evaluate.decoding != "free", f"evaluate.decoding {self.evaluate.decoding}",
                 "evaluate.decoding free"),
                (self.tools.format == "native", "tools.format native", "pythonic or hermes"),
            ):  # fmt: skip
                if is_wrong:
                    raise ValueError(
                        f"{name} needs a server with vLLM's own fields, which "
                        f"evaluate.server.vllm false denies: set {right}"
                    )
        held_back = self.route.rows * self.validate_.validation_share
        if held_back < 1:
            raise ValueError(
                f"validate.validation_share {self.validate_.validation_share:g} of route.rows "
                f"{self.route.rows} is no whole row: raise one of them"
            )
        if self.route.rows - held_back < 1:
            raise ValueError(
                f"validate.validation_share {self.validate_.validation_share:g} of route.rows "
                f"{self.route.rows} leaves no row to train on: lower it"
            )
        return self


def input_error(
    error: ValidationError, where: str | Path, text: str = "", first: int = 1
) -> InputError:
    """All problems that pydantic reports, as one InputError.

    text: the YAML that was read, for the problems' lines; its first line is line `first` of the
    file `where`.
    """
    problems = error.errors()
    lines = []
    for problem in problems[:SHOWN]:
        path = ".".join(str(part)[:60] for part in problem["loc"])
        value = problem["input"]
        # An address may hold a password; a whole block says nothing.
        is_shown = problem["type"] != "missing" and path.rpartition(".")[2] != "address"
        is_shown &= not isinstance(value, dict | BaseModel)
        shown = f" (found {value!r:.80})" if is_shown else ""
        line = line_of(text, problem["loc"]) if text else None
        prefix = "" if line is None else f"line {line + first - 1}: "
        message = problem["msg"].removeprefix("Value error, ")
        lines.append(f"  {prefix}{path or 'all'}: {message}{shown}")
    if len(problems) > SHOWN:
        lines.append(f"  and {len(problems) - SHOWN} more")
    return InputError(f"{where} has {len(problems)} problem(s):\n" + "\n".join(lines))


def load(path: str | Path | None = None) -> Settings:
    """Read params.yaml (or the file that ROUTENATOR_PARAMS names)."""
    path = path or os.environ.get("ROUTENATOR_PARAMS", "params.yaml")
    try:
        return Settings.model_validate(read_yaml(path))
    except ValidationError as error:
        raise input_error(error, path, text_of(Path(path))) from None
