"""`frontier methods`: which methods there are, and how faithful each is to its paper."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from frontier.cli._options import DEFAULT_HOME, Home, Json, Plugin, print_json


def command(json: Json = False, home: Home = DEFAULT_HOME, plugin: Plugin = None) -> None:
    """Print every method with its paper, its fidelity and where it deviates."""
    from frontier.api.methods import methods

    found = methods()
    if json:
        print_json(found)
        return
    _print(found)


def _print(found: Sequence[Mapping[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for column in ("method", "fidelity"):
        table.add_column(column, no_wrap=True)
    table.add_column("paper and deviations", overflow="fold")
    for method in found:
        table.add_row(Text(method["name"]), Text(method["fidelity"]), Text(method["paper"]))
        for deviation in method["deviations"]:
            table.add_row("", "", Text(f"- {deviation}"))
    Console().print(table)
