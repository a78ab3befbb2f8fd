"""Charts as SVG text, drawn by pygal: no script in them, the same bytes each time."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from stages.core.text import cleaned
from stages.reporting.material import Material

# pygal puts its settings into a script, which nothing on the page needs.
SCRIPT = re.compile(r"<script.*?</script>", re.DOTALL)
INK, GROUND, COLORS = "#1f2937", "transparent", ("#2563eb", "#f59e0b", "#059669")
# Bars, points, and charts of one kind, at most.
MOST_BARS, MOST_POINTS, MOST_CHARTS = 24, 400, 12
WIDTH = 620
Lines = Mapping[str, Sequence[tuple[float, float]]]


def _style() -> Any:
    from pygal.style import Style

    return Style(
        background=GROUND, plot_background=GROUND, foreground=INK, foreground_strong=INK,
        foreground_subtle="#9ca3af", colors=COLORS, font_family="system-ui, sans-serif",
        label_font_size=13, major_label_font_size=13, legend_font_size=14, title_font_size=16,
        value_font_size=12, tooltip_font_size=13, opacity=".85",
        guide_stroke_color="#e5e7eb", major_guide_stroke_color="#e5e7eb",
        guide_stroke_dasharray="none", major_guide_stroke_dasharray="none",
    )  # fmt: skip


def _drawn(chart: Any, name: str) -> str:
    """The SVG of a chart. name: what tells it from others of the page."""
    chart.uuid = name
    text: str = chart.render(is_unicode=True)
    return SCRIPT.sub("", text)


def bars(title: str, labels: Sequence[str], columns: Mapping[str, Sequence[float]]) -> str:
    """Groups of horizontal bars, shares from 0 to 1: of each label one bar a column."""
    import pygal

    labels = [cleaned(label)[:40] for label in labels[:MOST_BARS]]
    chart = pygal.HorizontalBar(
        style=_style(), js=(), title=cleaned(title)[:80], width=WIDTH,
        height=110 + 22 * (1 + len(columns)) * len(labels) // 2, legend_at_bottom=True,
        explicit_size=False, disable_xml_declaration=True, show_y_guides=True, margin=8,
        value_formatter=lambda value: f"{value:.1%}", truncate_label=-1, spacing=10,
    )  # fmt: skip
    chart.x_labels = labels[::-1]
    for name, values in columns.items():
        chart.add(name, list(values[:MOST_BARS])[::-1])
    return _drawn(chart, _name("bars", title))


def lines(title: str, x: str, series: Lines, height: int = 320, share: bool = True) -> str:
    """Lines over a number. x: what it is; share: the values are shares."""
    import pygal

    chart = pygal.XY(
        style=_style(), js=(), title=cleaned(title)[:80], x_title=x, width=WIDTH, height=height,
        legend_at_bottom=True, explicit_size=False, disable_xml_declaration=True, dots_size=2,
        margin=8, x_value_formatter=lambda value: f"{value:g}",
        value_formatter=(lambda value: f"{value:.0%}") if share else (lambda value: f"{value:.3g}"),
    )  # fmt: skip
    for name, points in series.items():
        step = max(1, -(-len(points) // MOST_POINTS))
        chart.add(name, list(points[::step]))
    return _drawn(chart, _name("lines", title))


def _name(kind: str, title: str) -> str:
    return f"{kind}-{re.sub('[^a-z0-9]+', '-', title.lower())[:60]}"


def alignment(material: Material) -> list[str]:
    """Accepted beside target: the values of each dimension by function, and words per query."""
    charts = []
    for path, frame in material.curves.items():
        columns = set(frame.columns)
        if path.startswith("validate/dimensions/") and {"value", "target", "accepted"} <= columns:
            for name, part in _by_function(frame):
                title = f"{path.rsplit('/', 1)[-1]} {f'of {name}' if name else ''}"
                charts.append(bars(title, [str(v) for v in part["value"]], _shares(part)))
    for path, frame in material.curves.items():
        if path.startswith("validate/words/") and {"words", "target"} <= set(frame.columns):
            title = f"words per query of {path.rsplit('/', 1)[-1]}"
            series: dict[str, list[tuple[float, float]]] = {
                name: [*zip(frame["words"], frame[name], strict=True)]
                for name in ("accepted", "target")
                if name in frame.columns
            }
            charts.append(lines(title, "words", series))
    return charts[:MOST_CHARTS]


def _by_function(frame: pl.DataFrame) -> list[tuple[str, pl.DataFrame]]:
    if "function" not in frame.columns:
        return [("", frame)]
    groups = frame.group_by("function", maintain_order=True)
    return [(str(name), part) for (name,), part in groups]


def _shares(frame: pl.DataFrame) -> dict[str, list[float]]:
    return {name: frame[name].fill_null(0).to_list() for name in ("accepted", "target")}


def loss(material: Material) -> str:
    """The losses while the student was trained, "" where there are none."""
    frame = material.curves.get("finetune/loss")
    if frame is None or not {"step", "loss"} <= set(frame.columns):
        return ""
    series: dict[str, list[tuple[float, float]]] = {}
    for name in ("loss", "validation_loss", "eval_loss"):
        if name in frame.columns:
            points = frame.select("step", name).drop_nulls()
            series[name.replace("_", " ")] = [*zip(points["step"], points[name], strict=True)]
    return lines("loss per answer token, in nats", "optimizer step", series, share=False)
