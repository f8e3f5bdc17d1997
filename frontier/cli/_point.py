"""What `frontier show --trial` prints for people: a point of a study, and what it was measured at beside its price."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from frontier.cli._tables import about_table, front_table
from frontier.latency._observed import is_loopback, link_of
from frontier.results.measured import Measured
from frontier.results.record import address
from frontier.results.routing import WARNING

COLUMNS = ("engine", "link", "runs", "seconds", "priced", "client CPU", "priced", "rounds")


def print_point(study: str, row: Mapping[str, Any], elsewhere: str) -> None:
    """Print what `frontier show --trial N[.K] --json` holds; `elsewhere`: options that name the home."""
    console = Console()
    name = address(row["trial"], row["point"])
    console.print(Text(f"{study}, point {name}: {row['relu_count']:,} ReLUs, {row['squares']:,} squares"))
    if row["routing"] == "oracle":
        console.print(Text(WARNING.upper(), style="bold red"))
    console.print(front_table([row]))
    console.print("validation (test) in percent", style="dim", highlight=False)
    if (about := about_table([row])) is not None:
        console.print(about)
    if not row["measurements"]:
        console.print(
            Text(f"private inference not measured: frontier measure --study {study} --trial {name}{elsewhere}")
        )
        return
    console.print(_measurements(row))
    for line in dict.fromkeys(_conditions(row)):
        console.print(Text(line, style="dim"))


def _measurements(row: Mapping[str, Any]) -> Table:
    """One line a measurement, in the order of their making: medians, with the least and the most in brackets."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for name in COLUMNS:
        table.add_column(name, justify="left" if name in ("engine", "link") else "right", overflow="fold")
    for one in row["measurements"]:
        measured, priced = Measured.model_validate(one["measured"]), one["priced"]
        seconds = measured.online_s
        table.add_row(
            measured.engine,
            _link(measured),
            f"{measured.counting}",
            f"{seconds.median:.3f} ({seconds.min:.3f} to {seconds.max:.3f})",
            "-" if priced is None else f"{priced['online_s']:.3f}",
            f"{measured.client_cpu_s.median:.3f}",
            "-" if priced is None else f"{priced['client_cpu_s']:.3f}",
            f"{measured.counted.rounds:,}",
        )
    return table


def _link(measured: Measured) -> str:
    link = link_of(measured)
    kind = "loopback" if is_loopback(measured) else "emulated" if measured.emulated is not None else "real"
    return kind if kind == "loopback" else f"{kind}, {link.rtt_ms:.4g} ms, {link.mbit_s:.4g} Mbit/s"


def _conditions(row: Mapping[str, Any]) -> list[str]:
    """What the figures rest on, one line a measurement, and what is simulated."""
    lines = ["priced: by the published constants of the engine's protocol; wall time on loopback moves with the load"]
    for one in row["measurements"]:
        measured = Measured.model_validate(one["measured"])
        load = max(measured.load.values(), default=0.0)
        where = measured.machine or "an unnamed machine"
        lines.append(f"{measured.engine}, {_link(measured)}: {measured.measured_at}, {where}, load {load:.1f}")
    lines += [f"simulated: {one['measured']['simulated']}" for one in row["measurements"]]
    return lines
