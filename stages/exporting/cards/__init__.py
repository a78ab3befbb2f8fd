"""Cards in Hugging Face's form: a header of YAML, and Markdown for people.

The header's keys are those of the hub's documentation, "Dataset cards" and "Model cards".
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from stages.core import files
from stages.engines import openai_server, rounding
from stages.exporting import facts
from stages.exporting.facts import ADAPTER, Facts
from stages.exporting.sample import SPLITS

NOBODY = "ORG/NAME"
DATA = "data/{}.parquet"
# The hub's names of sizes, by their upper bounds.
SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"),
         (10_000_000, "1M<n<10M"))  # fmt: skip
TAGS = ["function-calling", "tool-use", "synthetic", "routenator"]


def size(rows: int) -> str:
    """The hub's category of a dataset with so many rows."""
    return next((name for bound, name in SIZES if rows < bound), "10M<n<100M")


def languages(locales: list[str]) -> list[str]:
    """The languages of locales, such as de for de_AT."""
    return sorted({locale.replace("_", "-").partition("-")[0] for locale in locales})


def dataset_card(run: Facts, repo: str = NOBODY) -> str:
    """The README.md of the dataset in the repository `repo`."""
    from huggingface_hub import DatasetCardData

    header = DatasetCardData(
        pretty_name=run.pack,
        license=run.license.name,
        license_link=_license_link(run),
        language=languages(run.locales),
        size_categories=size(sum(run.rows.values())),
        task_categories=["text-generation"],
        tags=TAGS,
        configs=[
            {
                "config_name": "default",
                "data_files": [{"split": s, "path": DATA.format(s)} for s in SPLITS],
            }
        ],
    )
    body = _rendered("dataset", **run._asdict(), repo=repo, made=_made(run),
                     limits=_data_limits(run))  # fmt: skip
    return f"---\n{header.to_yaml()}\n---\n\n{body}"


def _license_link(run: Facts) -> str | None:
    """The pack's file with a license that has no name on the hub, None without such a file."""
    names = (file.name for file in run.license_files)
    return next(names, None) if run.license.name == "other" else None


def model_card(run: Facts, repo: str = NOBODY) -> str:
    """The README.md of the adapter; its dataset is said to be `repo`, too."""
    from huggingface_hub import EvalResult, ModelCardData

    base = facts.base_model("student", run.settings.models.student)
    scores = facts.scores(run.metrics["evaluate"])
    results = [
        EvalResult(task_type="text-generation", dataset_type="golden",
                   dataset_name=f"golden queries of {run.pack}", metric_type=score.name,
                   metric_value=round(score.value, 4))
        for score in scores
    ]  # fmt: skip
    header = ModelCardData(
        base_model=base.hub,
        license=base.license.name,
        language=languages(run.locales),
        library_name="peft",
        pipeline_tag="text-generation",
        datasets=[repo] if repo != NOBODY else None,
        tags=["lora", "trl", *TAGS],
        model_name=run.pack if results else None,
        eval_results=results or None,
    )
    body = _rendered(
        "model", **run._asdict(), base=base, scores=scores, trained=_trained(run),
        golden=run.metrics["evaluate"].get("golden", 0), limits=_model_limits(run),
        format=run.settings.tools.format, has_template=_has_template(),
        rounded=rounding.is_rounded(ADAPTER),
    )  # fmt: skip
    return f"---\n{header.to_yaml()}\n---\n\n{body}"


def _has_template() -> bool:
    """Whether the adapter brings a chat template of ours, not only the student's own."""
    file = ADAPTER / "chat_template.jinja"
    return file.is_file() and bool(openai_server.format_of(file))


def _rendered(name: str, **values: Any) -> str:
    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    text = (Path(__file__).parent / f"{name}.md.j2").read_text("utf-8")
    return environment.from_string(text).render(**values)


def _made(run: Facts) -> list[tuple[str, object]]:
    """How the dataset came to be, from metrics/validate.json and params.yaml."""
    metrics = run.metrics["validate"]
    rows: list[tuple[str, object]] = [
        ("recipe", metrics.get("recipe", "not stated")),
        ("seed", run.settings.seed),
        ("models that wrote words", ", ".join(writer.name for writer in run.writers) or "none"),
    ]
    titles = {
        "wanted": "rows wanted",
        "candidates": "candidates written",
        "js_bits": "Jensen-Shannon divergence from the target population, bits",
        "near_duplicates_left": "share of rows that are near-duplicates",
    }
    rows += [(what, metrics[key]) for key, what in titles.items() if key in metrics]
    rejected = metrics.get("rejected")
    if isinstance(rejected, dict) and rejected:
        rows.append(("candidates refused", sum(rejected.values())))
        rows.append(("refused by check", ", ".join(f"{k} {n}" for k, n in rejected.items())))
    return rows


def _data_limits(run: Facts) -> list[str]:
    """What a user of the dataset should know, as far as figures say it."""
    metrics = run.metrics["validate"]
    limits = [
        "Templates, patterns and models wrote the words: users vary theirs more.",
        f"Languages: {', '.join(languages(run.locales))}; no other.",
    ]
    if short := metrics.get("shortfalls"):
        limits.append(f"{len(short)} strata of the population have fewer rows than they should.")
    if isinstance(longest := metrics.get("golden_overlap", {}).get("longest"), int):
        limits.append(
            "Golden queries, which score models, were kept out; the longest run of words that a "
            f"row shares with one is {longest}."
        )
    share = (metrics.get("label_agreement") or {}).get("share")
    if isinstance(share, float):
        limits.append(f"The rule that labels derived arguments gives {share:.1%} of those of the "
                      "golden queries.")  # fmt: skip
    return limits


def _trained(run: Facts) -> list[tuple[str, object]]:
    """The training, from metrics/finetune.json, the adapter's configuration and params.yaml."""
    metrics = run.metrics["finetune"]
    titles = {
        "rows": "rows", "steps": "optimizer steps", "final_loss": "training loss at the end, nats",
        "validation_loss": "validation loss, nats a token", "packing": "packing",
        "quantized": "base quantized (NF4)",
    }  # fmt: skip
    rows = [(what, metrics.get(key, "not stated")) for key, what in titles.items()]
    path = ADAPTER / "adapter_config.json"
    adapter = files.read_json(path) if path.is_file() else {}
    for key in ("r", "lora_alpha", "lora_dropout", "target_modules", "peft_version"):
        if key in adapter:
            value = adapter[key]
            text = ", ".join(map(str, value)) if isinstance(value, list) else value
            rows.append((key, facts.plain(text)))
    tune = run.settings.finetune
    rows += [
        (key, getattr(tune, key))
        for key in ("learning_rate", "lr_scheduler_type", "warmup_ratio", "num_train_epochs",
                    "max_steps", "per_device_train_batch_size", "gradient_accumulation_steps")
    ]  # fmt: skip
    return [*rows, ("seed", run.settings.seed)]


def _model_limits(run: Facts) -> list[str]:
    limits = [
        "Trained on what a pipeline wrote, for one catalogue; other functions were not tried.",
        f"Languages: {', '.join(languages(run.locales))}; no other.",
        "Check a call before it is carried out: a call that can be read may still be wrong.",
    ]
    errors = run.metrics["evaluate"].get("tuned", {}).get("errors")
    if isinstance(errors, dict) and errors:
        counts = ", ".join(f"{facts.plain(k)} {n}" for k, n in errors.items())
        limits.append(f"Calls of golden queries that break their function's schema: {counts}.")
    return limits
