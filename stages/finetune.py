"""Stage `finetune`: teach the student to call functions, with QLoRA.

Command: python -m stages.finetune
Reads:   data/dataset/{train,validation}.parquet, models/base/student; params `finetune`, `seed`,
         `models.student`
Writes:  models/adapter/ (adapter_model.safetensors, adapter_config.json, the tokenizer with a
         chat_template.jinja that renders the prompts of training, base.json, README.md),
         metrics/finetune.json, metrics/finetune/loss.csv (step, loss, learning_rate)

With `finetune.accelerate` it runs in several processes, of which the first writes.

The answer alone carries loss. A run that was stopped goes on from its last checkpoint, which lies
in data/.work/checkpoints and is deleted after success.
"""

from __future__ import annotations

import json
import os
import resource
import shutil
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import polars as pl

from stages.core import catalogue, files, trackers
from stages.core.command import InputError, grace, run
from stages.core.pace import duration
from stages.core.settings import Finetune, Settings, read_yaml
from stages.core.settings import load as load_settings
from stages.core.tables import Dialogues
from stages.engines import models
from stages.formats import FORMATS, Format, chat_template, serving

if TYPE_CHECKING:
    from stages.training.qlora import Trained

DATASET = Path("data/dataset")
ADAPTER = Path("models/adapter")
PLOTS = Path("metrics/finetune")
# Logged losses that the final loss is the mean of.
LAST = 5
# Seconds that the launcher of several processes has to end them: it takes 30 itself.
LAUNCHER = 40
# Set for the processes that the launcher starts: it sets no rank where there is only one.
LAUNCHED = "ROUTENATOR_LAUNCHED"


def loss_curve(log: list[dict[str, float]]) -> pl.DataFrame:
    """The trainer's log as columns step, loss (nats per answer token), learning_rate."""
    columns = ("step", "loss", "learning_rate")
    points = [{name: entry[name] for name in columns} for entry in log if "loss" in entry]
    schema = {"step": pl.Int64, "loss": pl.Float64, "learning_rate": pl.Float64}
    return pl.DataFrame(points, schema=schema)


def peak_mib() -> int:
    """The most memory this process held, in MiB; on a GPU the GPU's."""
    import torch

    if torch.cuda.is_available():
        return round(torch.cuda.max_memory_allocated() / 2**20)
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10)


def describe(trained: Trained, rows: int, settings: Finetune) -> dict[str, Any]:
    """The metrics of a run of `rows` training rows."""
    curve = loss_curve(trained.log)
    return {
        "rows": rows,
        "steps": trained.total_steps,
        "final_loss": round(float(curve["loss"].tail(LAST).mean()), 4) if len(curve) else None,  # type: ignore[arg-type]
        "validation_loss": trained.validation_loss and round(trained.validation_loss, 4),
        "packing": settings.packing,
        "quantized": settings.quantize,
    }


def timings(trained: Trained) -> dict[str, float]:
    """Speed and memory of a run, which the next run does not repeat."""
    busy = max(trained.seconds, 1e-9)
    return {
        "seconds": round(trained.seconds, 1),
        "rows_per_second": round(trained.rows / busy, 2),
        "tokens_per_second": round(trained.tokens / busy, 1),
        "peak_mib": peak_mib(),
    }


def write_adapter(
    trained: Trained, settings: Settings, tokenizer: Any, template: str, rows: int
) -> None:
    """Write the adapter to a temporary folder, then rename it. template, rows: as `complete` has
    them.
    """
    from stages.training.qlora import save_adapter
    from stages.training.standalone import complete, read_base

    temporary = ADAPTER.with_name(f".{ADAPTER.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    base = read_base(settings.models.student, settings.finetune.quantize)
    revision = base.weights if base.hub else None
    save_adapter(trained.model, temporary, base.path, trained.weights, revision)
    complete(temporary, base, tokenizer, template, settings.tools.format, rows)
    shutil.rmtree(ADAPTER, ignore_errors=True)
    temporary.replace(ADAPTER)


def served_template(table: pl.DataFrame, tokenizer: Any, form: Format) -> str:
    """The chat template for servers, for the functions that the rows of Dialogues show."""
    shown = (tool for tools in table["tools"].unique().sort() for tool in json.loads(tools))
    tools = {tool["function"]["name"]: tool for tool in shown}
    with_today = table["today"].null_count() < table.height
    functions = catalogue.from_tools(list(tools.values()))
    return serving.chat_template(form, chat_template.read(tokenizer), functions, with_today)


def launch(configuration: str) -> NoReturn:
    """Become `accelerate launch`, which runs this stage in several processes."""
    if not Path(configuration).is_file():
        raise InputError(
            f"finetune.accelerate {configuration} is missing: name a file of "
            "`accelerate config`, such as stages/training/accelerate/data_parallel.yaml"
        )
    read_yaml(configuration)  # before accelerate's own reader, which has no bounds
    # Each of its processes keeps its own limit; the launcher waits for them.
    grace(LAUNCHER)
    os.environ[LAUNCHED] = "1"
    command = [sys.executable, "-m", "accelerate.commands.accelerate_cli", "launch"]
    os.execv(sys.executable, [*command, "--config_file", configuration, "-m", "stages.finetune"])


def main() -> None:
    # The model is on this machine; the libraries would ask the hub about it all the same.
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    settings = load_settings()
    tune = settings.finetune
    trackers.check(tune.report_to)
    if tune.accelerate and not {"RANK", LAUNCHED} & os.environ.keys():
        launch(tune.accelerate)
    is_first = os.environ.get("RANK", "0") == "0"
    base = models.resolve("student")
    models.check_student(base)
    form = FORMATS[settings.tools.format]
    tables = [
        files.read_table(DATASET / f"{name}.parquet", Dialogues) for name in ("train", "validation")
    ]
    if tables[0].is_empty():
        raise InputError(f"{DATASET}/train.parquet has no rows: see metrics/validate.json for why")

    from stages.training import configuration, qlora
    from stages.training.tokens import encode_table

    configuration.check_settings(tune, models.skeleton(base))
    tokenizer = models.load_tokenizer(base)
    rows, validation = (encode_table(table, tokenizer, tune.max_length, form) for table in tables)
    served = served_template(tables[0], tokenizer, form) if form.plain else ""
    key = qlora.run_key(base, tune, settings.seed, rows)
    folder = files.work_dir() / "checkpoints" / key
    shared = f"{rows[0].prefix_length} of {len(rows[0].input_ids)} tokens shared"
    if is_first:
        print(f"finetune: {len(rows)} rows, {shared} in the first, packing {tune.packing}",
              flush=True)  # fmt: skip
    with files.alone(files.work_dir() / "locks" / key) if is_first else nullcontext():
        trained = qlora.train(base, tokenizer, rows, validation, tune, settings.seed, folder)
    if not is_first:
        return
    write_adapter(trained, settings, tokenizer, served, len(rows))
    PLOTS.mkdir(parents=True, exist_ok=True)
    with files.replacing(PLOTS / "loss.csv") as temporary:
        loss_curve(trained.log).write_csv(temporary)
    metrics = describe(trained, len(rows), tune)
    files.write_json("metrics/finetune.json", metrics)
    speed = timings(trained)
    files.write_timings("finetune", speed)
    shutil.rmtree(folder, ignore_errors=True)
    losses = [
        f"{name} {'not measured' if metrics[key] is None else metrics[key]}"
        for name, key in (("loss", "final_loss"), ("validation", "validation_loss"))
    ]
    print(
        f"finetune: {metrics['steps']} steps in {duration(trained.seconds)}, "
        f"{speed['rows_per_second']} rows/s, {', '.join(losses)} -> {ADAPTER}"
    )


if __name__ == "__main__":
    run(main, __doc__)
