"""What `frontier calibrate` prints for people: constants beside the published ones, and prices beside measurements."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from frontier.results.calibration import Calibration, Compared

Parts = Sequence[Text | Table]


def parts_of(found: Calibration) -> Parts:
    """The constants, a table for each link and kind of seconds, and what they rest on."""
    title = Text(f"{found.protocol}, fitted to {found.runs} runs of the engine {found.engine}")
    parts: list[Text | Table] = [title, _constants(found)]
    for quantity, link in dict.fromkeys((row.quantity, row.link) for row in found.compared):
        rows = [row for row in found.compared if (row.quantity, row.link) == (quantity, link)]
        within = _within(rows, found.largest_error(quantity, link))
        parts.append(Text(f"\n{quantity} seconds, {link}; {within}{_moves(quantity, link)}"))
        parts.append(_compared(rows))
    return [*parts, Text(), *map(Text, _conditions(found))]


def print_calibration(parts: Parts, path: Path) -> None:
    """These, and the file that they were written to."""
    console = Console()
    for part in parts:
        console.print(part)
    console.print(Text(f"written to {path}; to price with it: frontier price ... --constants {path}"), style="dim")


def _constants(found: Calibration) -> Table:
    table = _table("constant", "value", "published", "runs")
    table.add_column("fitted to, or why not", overflow="fold")
    for name, constant in found.constants.items():
        values = (f"{value:.4g} {constant.unit}" for value in (constant.value, constant.published))
        table.add_row(name, *values, f"{constant.runs:,}" if constant.fitted else "kept", Text(constant.note))
    return table


def _compared(rows: Sequence[Compared]) -> Table:
    table = _table("ReLUs", "squares", "layers", "runs", "measured", "priced", "ratio", "held out")
    for row in rows:
        counts = (row.relus, row.squares, row.relu_layers + row.square_layers, row.runs)
        seconds = (f"{row.measured_s:.3f}", f"{row.priced_s:.3f}", "-" if row.ratio is None else f"{row.ratio:.2f}")
        table.add_row(*(f"{count:,}" for count in counts), *seconds, "yes" if row.held_out else "no")
    return table


def _within(rows: Sequence[Compared], error: float | None) -> str:
    if error is not None:
        return f"held out: within {100 * error:.0f} %"
    return "held out: no ratio" if any(row.held_out for row in rows) else "nothing held out"


def _moves(quantity: str, link: str) -> str:
    return " (it moves with the machine's load)" if (quantity, link) == ("wall", "loopback") else ""


def _conditions(found: Calibration) -> list[str]:
    if found.held_out is not None:
        held = f"{', '.join(map(str, found.held_out))}; what follows is about what was fitted to"
    elif any(row.held_out for row in found.compared):
        held = "each budget in turn, by a fit without it"
    else:
        held = "nothing, for there is one budget alone"
    versions = ", ".join(f"{name} {version}" for name, version in found.versions.items())
    first, last = found.measured_at
    return [
        f"held out: {held}",
        f"measured on {'; '.join(found.machines) or 'a machine that the measurements do not name'}",
        f"{found.measurements} measurements, {first} to {last}, load {found.load[0]:.1f} to {found.load[1]:.1f}",
        f"versions: {versions}",
        *(f"simulated: {one}" for one in found.simulated),
    ]


def _table(*columns: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for name in columns:
        table.add_column(name, justify="left" if name == "constant" else "right", no_wrap=True)
    return table
