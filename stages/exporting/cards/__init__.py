"""Cards in Hugging Face's form: a header of YAML, and Markdown for people.

The header's keys are those of the hub's documentation, "Dataset cards" and "Model cards".
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from stages.core import files
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
    return next((name for most, name in SIZES if rows < most), "10M<n<100M")


def languages(locales: list[str]) -> list[str]:
    """The languages of locales, such as de for de_AT."""
    return sorted({one.replace("_", "-").partition("-")[0] for one in locales})


def dataset_card(known: Facts, repo: str = NOBODY) -> str:
    """The README.md of the dataset in the repository `repo`."""
    from huggingface_hub import DatasetCardData

    header = DatasetCardData(
        pretty_name=known.pack,
        license=known.license.name,
        license_link=known.license_files[0].name if known.license.name == "other" else None,
        language=languages(known.locales),
        size_categories=size(sum(known.rows.values())),
        task_categories=["text-generation"],
        tags=TAGS,
        configs=[
            {
                "config_name": "default",
                "data_files": [{"split": s, "path": DATA.format(s)} for s in SPLITS],
            }
        ],
    )
    body = _rendered("dataset", **known._asdict(), repo=repo, made=_made(known),
                     limits=_data_limits(known))  # fmt: skip
    return f"---\n{header.to_yaml()}\n---\n\n{body}"


def model_card(known: Facts, repo: str = NOBODY) -> str:
    """The README.md of the adapter; its dataset is said to be `repo`, too."""
    from huggingface_hub import EvalResult, ModelCardData

    base = facts.base_model("student", known.chosen.models.student)
    scores = facts.scores(known.metrics["evaluate"])
    results = [
        EvalResult(task_type="text-generation", dataset_type="golden",
                   dataset_name=f"golden queries of {known.pack}", metric_type=one.name,
                   metric_value=round(one.value, 4))
        for one in scores
    ]  # fmt: skip
    header = ModelCardData(
        base_model=base.hub,
        license=base.license.name,
        language=languages(known.locales),
        library_name="peft",
        pipeline_tag="text-generation",
        datasets=[repo] if repo != NOBODY else None,
        tags=["lora", "trl", *TAGS],
        model_name=known.pack if results else None,
        eval_results=results or None,
    )
    body = _rendered(
        "model", **known._asdict(), base=base, scores=scores, trained=_trained(known),
        golden=known.metrics["evaluate"].get("golden", 0), limits=_model_limits(known),
        format=known.chosen.tools.format, has_template=(ADAPTER / "chat_template.jinja").is_file(),
    )  # fmt: skip
    return f"---\n{header.to_yaml()}\n---\n\n{body}"


def _rendered(name: str, **values: Any) -> str:
    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True
    )
    text = (Path(__file__).parent / f"{name}.md.j2").read_text("utf-8")
    return environment.from_string(text).render(**values)


def _made(known: Facts) -> list[tuple[str, object]]:
    """How the dataset came to be, from metrics/validate.json and params.yaml."""
    held = known.metrics["validate"]
    rows: list[tuple[str, object]] = [
        ("recipe", held.get("recipe", "not stated")),
        ("seed", known.chosen.seed),
        ("models that wrote words", ", ".join(one.name for one in known.writers) or "none"),
    ]
    told = {
        "wanted": "rows wanted",
        "candidates": "candidates written",
        "js_bits": "Jensen-Shannon divergence from the target population, bits",
        "near_duplicates_left": "share of rows that are near-duplicates",
    }
    rows += [(what, held[key]) for key, what in told.items() if key in held]
    rejected = held.get("rejected")
    if isinstance(rejected, dict) and rejected:
        rows.append(("candidates refused", sum(rejected.values())))
        rows.append(("refused by check", ", ".join(f"{k} {n}" for k, n in rejected.items())))
    return rows


def _data_limits(known: Facts) -> list[str]:
    """What a user of the dataset should know, as far as figures say it."""
    held = known.metrics["validate"]
    limits = [
        "Templates, patterns and models wrote the words: users vary theirs more.",
        f"Languages: {', '.join(languages(known.locales))}; no other.",
    ]
    if short := held.get("shortfalls"):
        limits.append(f"{len(short)} strata of the population have fewer rows than they should.")
    if isinstance(longest := held.get("golden_overlap", {}).get("longest"), int):
        limits.append(
            "Golden queries, which score models, were kept out; the longest run of words that a "
            f"row shares with one is {longest}."
        )
    share = (held.get("label_agreement") or {}).get("share")
    if isinstance(share, float):
        limits.append(f"The rule that labels derived arguments gives {share:.1%} of those of the "
                      "golden queries.")  # fmt: skip
    return limits


def _trained(known: Facts) -> list[tuple[str, object]]:
    """The training, from metrics/finetune.json, the adapter's configuration and params.yaml."""
    held = known.metrics["finetune"]
    told = {
        "rows": "rows", "steps": "optimizer steps", "final_loss": "training loss at the end, nats",
        "validation_loss": "validation loss, nats a token", "packing": "packing",
        "quantized": "base quantized (NF4)",
    }  # fmt: skip
    rows = [(what, held.get(key, "not stated")) for key, what in told.items()]
    path = ADAPTER / "adapter_config.json"
    adapter = files.read_json(path) if path.is_file() else {}
    for key in ("r", "lora_alpha", "lora_dropout", "target_modules", "peft_version"):
        if key in adapter:
            value = adapter[key]
            shown = ", ".join(map(str, value)) if isinstance(value, list) else value
            rows.append((key, facts.plain(shown)))
    tune = known.chosen.finetune
    rows += [
        (key, getattr(tune, key))
        for key in ("learning_rate", "lr_scheduler_type", "warmup_ratio", "num_train_epochs",
                    "max_steps", "per_device_train_batch_size", "gradient_accumulation_steps")
    ]  # fmt: skip
    return [*rows, ("seed", known.chosen.seed)]


def _model_limits(known: Facts) -> list[str]:
    limits = [
        "Trained on what a pipeline wrote, for one catalogue; other functions were not tried.",
        f"Languages: {', '.join(languages(known.locales))}; no other.",
        "Check a call before it is carried out: a call that can be read may still be wrong.",
    ]
    errors = known.metrics["evaluate"].get("tuned", {}).get("errors")
    if isinstance(errors, dict) and errors:
        told = ", ".join(f"{facts.plain(k)} {n}" for k, n in errors.items())
        limits.append(f"Calls of golden queries that break their function's schema: {told}.")
    return limits
