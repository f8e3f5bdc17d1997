"""What `frontier estimate` prints for people: seconds by method and stage, all of it, disk, and what was assumed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

LONG_S = ((86_400.0, "days"), (3_600.0, "h"), (120.0, "min"))  # from so many seconds on, in which unit
UNITS_S = {"days": 86_400.0, "h": 3_600.0, "min": 60.0}


def print_estimate(found: Mapping[str, Any]) -> None:
    """Print what `frontier estimate --json` holds; a study that was really run stands in the last column."""
    console = Console()
    real = found.get("real")
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("")
    table.add_column("stage")
    table.add_column("estimate", justify="right")
    if real:
        table.add_column(Text(f"{real['study']} took"), justify="right")
    for name, span in found["once_s"].items():
        took = real["teacher_s"] if real and name == "teacher" else None
        table.add_row(*_row("once", name, span, took, real))
    for method, about in found["methods"].items():
        measured = (real or {}).get("methods", {}).get(method, {})
        for stage, span in about["stages_s"].items():
            table.add_row(*_row(method, stage, span, measured.get("stages_s", {}).get(stage), real))
        table.add_row(*_row(method, "a trial", about["trial_s"], measured.get("trial_s"), real))
    table.add_row(*_row("all", f"{found['trials']} trials", found["search_s"], real and real["search_s"], real))
    console.print(table)
    where = f"on {found['device']}, {found['threads']} threads a trial, {found['concurrency']} trials at once"
    console.print(Text(f"{found['space']}: about {interval(found['search_s'])} {where}"))
    if real:
        console.print(Text(f"{real['study']}: {real['trials']} complete trials in {seconds(real['search_s'])}"))
    there = f"; the trials of {real['study']} take {_size(real['disk_bytes'])}" if real else ""
    console.print(Text(f"disk: {_disk(found)}{there}"))
    for line in found["assumed"]:
        console.print(Text(f"assumed: {line}"), style="dim")


def _row(what: str, stage: str, span: Mapping[str, float], took: float | None, real: object) -> list[Text]:
    cells = [Text(what), Text(stage), Text(interval(span))]
    return [*cells, Text(seconds(took) if took is not None else "")] if real else cells


def _disk(found: Mapping[str, Any]) -> str:
    parts = {name.replace("_", " "): span for name, span in found["disk_bytes"].items() if name != "all"}
    listed = ", ".join(f"{name} {_sizes(span)}" for name, span in parts.items() if span["high"])
    return f"{_sizes(found['disk_bytes']['all'])} ({listed}; keep: {found['keep']})"


def interval(span: Mapping[str, float]) -> str:
    """`3.1 to 24 min`; one number where both ends read the same."""
    low, high = seconds(span["low"]), seconds(span["high"])
    if low == high:
        return high
    unit = high.partition(" ")[2]
    return f"{low.removesuffix(f' {unit}')} to {high}"


def seconds(value: float) -> str:
    """`0.42 s`, `2.4 min`, `3.1 h`, `2.5 days`."""
    unit = next((unit for least, unit in LONG_S if value >= least), "s")
    amount = value / UNITS_S.get(unit, 1.0)
    return f"{amount:,.0f} {unit}" if amount >= 100 else f"{amount:.2g} {unit}"


def _sizes(span: Mapping[str, float]) -> str:
    low, high = _size(span["low"]), _size(span["high"])
    return low if low == high else f"{low} to {high}"


def _size(size_bytes: float) -> str:
    for unit, least in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size_bytes >= least:
            return f"{size_bytes / least:.3g} {unit}"
    return f"{size_bytes:.0f} B"
