"""Fine-tuning: rows a second of shared-prefix training against TRL's trainer at its best.

Rows of the default dataset, or rows of its shape that the heuristic route alone makes from the
pack; SmolLM2-135M, NF4; the same rows, LoRA and optimizer settings on both sides. Once with the
pack's catalogue, once with one of 20 functions. The whole would take the slow side hours, so each
trains on the first rows of the 1,024, each once, and the clock runs after the first step. TRL's
packing and its kind of NF4 layers are the fastest of a short race among those that run here.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median
from typing import Any

import polars as pl
from transformers import AutoTokenizer

from stages.core import pack
from stages.formats import FORMATS
from stages.training.tokens import encode_table
from tests.benchmarks import trainer
from tests.benchmarks.frame import PACK, ROOT, Line, Size, Timed, at_least, project, stage, timed

ROWS = 1024
BATCH = 8
# Tokens of a pack at most: the paper's longest row.
ROOM = 4096
PEERS = [("trl_bfd", "dequantized"), ("trl_bfd", "bitsandbytes"),
         ("trl_none", "dequantized"), ("trl_none", "bitsandbytes")]  # fmt: skip
MADE_UP = [
    "ResizePicture", "RemoveBackground", "TranslateText", "ListFolders", "ShareDesign",
    "ScheduleSocialPost", "ExportDocument", "ApplyBrandKit", "CropPicture", "MergeLayers",
    "AddVoiceOver", "TrimVideo", "SuggestColours", "FindFonts", "OrderPrints", "InviteTeammate",
    "RestoreVersion", "ReportUsage",
]  # fmt: skip


def larger(tools: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """`tools` and made-up ones after them, 20 in all, each with arguments of its own."""
    made = []
    for name in MADE_UP:
        what = name.lower()
        properties = {
            f"{what}_target": {"type": "string", "description": f"what {name} works on, by name"},
            f"{what}_mode": {
                "type": "string",
                "enum": ["automatic", "careful", "fast", "preview only"],
                "description": "how thorough it is",
            },
            f"{what}_amount": {"type": "number", "description": "how much, from 0 to 1"},
        }
        parameters = {"type": "object", "properties": properties, "required": [f"{what}_target"]}
        told = f"{name} for content that the user has open or names"
        function = {"name": name, "description": told, "parameters": parameters}
        made.append({"type": "function", "function": function})
    return (tools + made)[:20]


def dataset(folder: Path) -> tuple[pl.DataFrame, Path]:
    """`ROWS` rows and the student's folder; `folder` is a `project`, in which they may be made."""
    rows, student = Path("data/dataset/train.parquet"), Path("models/base/student")
    names = [] if (ROOT / student).exists() else ["models"]
    if not (ROOT / rows).exists():
        names += ["ingest_graph", "ingest_assets", "population", "route"]
        names += ["generate heuristic", "generate text", "generate vision", "validate"]
    for name in names:
        timed(stage(*name.split()), folder, 1)
    found = [ROOT / path if (ROOT / path).exists() else folder / path for path in (rows, student)]
    return pl.read_parquet(found[0]).sample(ROWS, shuffle=True, seed=0), found[1]


def heuristic_only(params: dict[str, Any]) -> None:
    params["route"]["weights"] = {"heuristic": 1.0, "text": 0, "vision": 0}
    params["ingest_assets"]["max_pictures"] = 0


def rate(result: dict[str, Any]) -> float:
    return result["rows"] / result["seconds"]


@dataclass(frozen=True)
class Races:
    """Training runs on the first of `rows`."""

    rows: list[Any]
    base: Path
    folder: Path
    batch: int = BATCH

    @property
    def warm(self) -> int:
        """Rows of the steps before the clock starts."""
        return trainer.WARM_UP * self.batch

    def run(self, side: str, layers: str, count: int, **more: Any) -> tuple[dict[str, Any], Timed]:
        file = self.folder / "rows.json"
        file.write_text(json.dumps([asdict(row) for row in self.rows[:count]]), "utf-8")
        job = {"base": str(self.base), "rows": str(file), "side": side, "layers": layers,
               "batch": self.batch, "room": ROOM, **more}  # fmt: skip
        return trainer.run(job, self.folder)


OURS = ("shared_prefix", "dequantized")


def compare(
    name: str, goal: float, races: Races, measured: int, peers: list[tuple[str, str]], size: Size
) -> tuple[Line, tuple[str, str]]:
    """One line, of the seconds that `ROWS` rows take at the measured rates, and the best peer."""
    rows = races.rows
    mean = sum(len(row.input_ids) for row in rows) / len(rows)
    first = {peer: rate(races.run(*peer, races.warm + races.batch)[0]) for peer in peers}
    best = max(first, key=lambda peer: first[peer])
    few, _ = races.run(*OURS, races.warm + max(races.batch, measured // 10))
    ours, theirs, peaks = [], [], []
    # In turns, so that a slower hour of the machine meets both alike.
    for _ in range(size.repeats):
        result, whole = races.run(*OURS, races.warm + measured)
        ours.append(result)
        peaks.append(whole.peak_mib)
        theirs.append(races.run(*best, races.warm + measured)[0])
    our, their = (median(map(rate, side)) for side in (ours, theirs))
    losses = [median(result["loss"] for result in side) for side in (ours, theirs)]
    work = (
        f"{ROWS} rows of {mean:.0f} tokens, {rows[0].prefix_length} shared; timed {measured}; "
        f"{our:.2f} and {their:.2f} rows/s; loss {losses[0]:.3f} and {losses[1]:.3f}"
    )
    line = at_least(
        name, work, Timed(ROWS / our, max(peaks)), ROWS / their, f"TRL {' '.join(best)}", goal,
        abs(losses[0] - losses[1]) <= 0.1 * losses[1], 10 * rate(few) / our,
    )  # fmt: skip
    others = ", ".join(f"{' '.join(peer)} {found:.2f}" for peer, found in first.items())
    print(f"{name}: {work}; race of TRL's, rows/s: {others}", flush=True)
    return line, best


def attention(races: Races, measured: int, size: Size) -> Line:
    """Our trainer with attention as it comes, and with PyTorch's fused attention; no goal was set
    but to be no slower."""
    ours, fused, peaks = [], [], []
    for _ in range(size.repeats):
        result, whole = races.run(*OURS, races.warm + measured)
        ours.append(rate(result))
        peaks.append(whole.peak_mib)
        fused.append(rate(races.run(*OURS, races.warm + measured, attention="fused")[0]))
    our, their = median(ours), median(fused)
    return at_least(
        "finetune, attention", f"the same {ROWS} rows; {our:.2f} and {their:.2f} rows/s",
        Timed(ROWS / our, max(peaks)), ROWS / their, "PyTorch's fused attention", 1,
    )  # fmt: skip


def lines(size: Size) -> Iterator[Line]:
    tools = pack.load(ROOT / PACK).catalogue.tools
    form = FORMATS["pythonic"]
    with project(heuristic_only) as made, tempfile.TemporaryDirectory() as name:
        samples, base = dataset(made)
        tokenizer = AutoTokenizer.from_pretrained(base, local_files_only=True)
        many = pl.lit(json.dumps(larger(tools))).alias("tools")
        rows = encode_table(samples, tokenizer, ROOM, form)
        races, measured = Races(rows, base, Path(name)), max(BATCH, size.rows(128))
        line, best = compare("finetune", 3, races, measured, PEERS, size)
        yield line
        yield attention(races, measured, size)
        # The layers that lost with short rows lose with long ones: the same work a token. Packing
        # may not: attention over a pack grows with the square.
        peers = [peer for peer in PEERS if peer[1] == best[1]]
        rows = encode_table(samples.with_columns(many), tokenizer, ROOM, form)
        races, measured = Races(rows, base, Path(name)), max(BATCH, size.rows(24))
        # TRL needs minutes for a few of these rows: once.
        once = replace(size, repeats=1)
        yield compare("finetune, 20 functions", 8, races, measured, peers, once)[0]
