"""What `frontier price` prints for people: a price by layer, and the prices of a study's points."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from frontier.api.price import PricedPoint
from frontier.latency._link import parse_link
from frontier.latency._price import Price

UNKNOWN = "-"
MODEL = "a model's figures, not measured; bytes and rounds are those of ReLUs and squares (docs/latency.md)"
BESIDE = "but for the column `measured`, whose offline phase was simulated, "


def print_price(price: Price, protocol: str, link: str) -> None:
    """One line a site that evaluates anything, what the others and the rest of the network take, and the totals."""
    console = Console()
    console.print(Text(_title(protocol, link)))
    table = _table("layer", "ReLUs", "squares", "seconds", "MB", "rounds")
    idle = 0
    for layer in price.layers:
        if not layer.relus and not layer.squares:
            idle += 1
            continue
        cells = (f"{layer.relus:,}", f"{layer.squares:,}", _seconds(layer.online_s), _mb(layer.bytes))
        table.add_row(Text(layer.path), *cells, _whole(layer.rounds))
    if idle:
        table.add_row(Text("another, linear" if idle == 1 else f"{idle} others, linear"))
    table.add_row("linear layers", "", "", _seconds(price.linear_s))
    table.add_row("input, output", "", "", _seconds(price.input_output_s))
    relus, squares = (sum(getattr(layer, name) for layer in price.layers) for name in ("relus", "squares"))
    totals = (f"{relus:,}", f"{squares:,}", _seconds(price.online_s), _mb(price.online_bytes), _whole(price.rounds))
    table.add_row("all", *totals, style="bold")
    console.print(table)
    ways = f"client sends {_mb(price.sent_bytes)} MB, receives {_mb(price.received_bytes)} MB"
    console.print(Text(f"{ways}; offline seconds {_seconds(price.offline_s)}"))
    _print_notes(console, [price])


def print_prices(points: Sequence[PricedPoint], protocol: str, link: str) -> None:
    """One line a point."""
    console = Console()
    console.print(Text(_title(protocol, link)))
    measured = any(point.measured_s is not None for point in points)
    beside = ("measured",) if measured else ()
    table = _table("trial", "method", "ReLUs", "squares", "layers", "seconds", *beside, "MB", "rounds")
    for point in points:
        found, profile, price = point.found, point.found.point.profile, point.price
        layers = sum(1 for site in profile.sites if site.kept or site.squares)
        seconds = [UNKNOWN if price is None else _seconds(price.online_s)]
        seconds += [_seconds(point.measured_s)] if measured else []
        costs = (UNKNOWN, UNKNOWN) if price is None else (_mb(price.online_bytes), _whole(price.rounds))
        counts = (f"{found.point.relu_count:,}", f"{profile.squares:,}", str(layers))
        table.add_row(found.address, Text(found.record.spec.method), *counts, *seconds, *costs)
    console.print(table)
    for problem in dict.fromkeys(point.problem for point in points if point.problem):
        without = ", ".join(point.found.address for point in points if point.problem == problem)
        console.print(Text(f"no price for {without}: {problem}"))
    _print_notes(console, [point.price for point in points], BESIDE if measured else "")


def notes_of(prices: Iterable[Price | None]) -> list[str]:
    """What a reader must know, each once."""
    return list(dict.fromkeys(note for price in prices if price is not None for note in price.notes))


def _print_notes(console: Console, prices: Iterable[Price | None], apart: str = "") -> None:
    for note in notes_of(prices):
        console.print(Text(f"note: {note}"))
    console.print(f"{apart}{MODEL}", style="dim", highlight=False)


def _title(protocol: str, link: str) -> str:
    there = parse_link(link)
    return f"{protocol}, link of {there.rtt_ms:g} ms and {there.mbit_s:g} Mbit/s: online cost of one image"


def _table(*columns: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for name in columns:
        table.add_column(name, justify="left" if name in ("layer", "method") else "right", no_wrap=True)
    return table


def _seconds(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:.3f}"


def _mb(value: int | None) -> str:
    return UNKNOWN if value is None else f"{value / 1e6:,.3f}"


def _whole(value: int | None) -> str:
    return UNKNOWN if value is None else f"{value:,}"
