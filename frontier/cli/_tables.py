"""What the reading verbs print for people: a study with its front, the list of studies, the sites of a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from frontier.cli._panel import duration
from frontier.reports.tables import amount
from frontier.results.objectives import ACCURACIES
from frontier.results.record import address
from frontier.results.routing import WARNING

REPLICATED_MEANS = "other seeds, validation in percent: mean ± sd (the point of the front, which luck helped to choose)"
FAILED_MEANS = "failed a health check: attacked accuracy may be far too high (docs/checks.md)"


def print_study(summary: Mapping[str, Any]) -> None:
    """Print what `frontier show --json` holds: trials by state, hypervolume, and the front as a table."""
    console = Console()
    oracle = summary["routing"] == "oracle"
    served = " (served)" if oracle else ""
    states = by_state(summary["trials"])
    console.print(Text(f"{summary['study']}: {states}; hypervolume {summary['hypervolume']:.4f}{served}"))
    if any(point["routing"] == "oracle" for point in summary["front"]):
        console.print(Text(WARNING.upper(), style="bold red"))
    elif oracle:
        console.print("no point of this front has the branches clean and adversarial: these are served figures")
    if "constraints" in summary:
        console.print(Text(feasible(summary)))
    if summary["front"]:
        console.print(front_table(summary["front"]))
        console.print("validation (test) in percent; intervals: --json, or the report", style="dim", highlight=False)
        if (about := about_table(summary["front"])) is not None:
            console.print(about)
        if any(point.get("replicates") for point in summary["front"]):
            console.print(replicates_table(summary["front"]))
            console.print(REPLICATED_MEANS, style="dim", highlight=False)
        if any(point["health"]["failed"] for point in summary["front"]):
            console.print(Text(FAILED_MEANS, style="bold red"))
        if rebuilt := [point["method"] for point in summary["front"] if point["fidelity"] == "reconstruction"]:
            names = ", ".join(dict.fromkeys(rebuilt))
            console.print(Text(f"reconstruction, not checked against its authors' code: {names}"))
    elif not summary["unpriced"]:
        console.print("no front yet: no trial is complete", highlight=False)
    for reason, addresses in summary["unpriced"].items():
        console.print(Text(f"no price, so on no front: {', '.join(addresses)}: {reason}"))


def feasible(summary: Mapping[str, Any]) -> str:
    """`clean >= 0.8: kept by 12 of 40 points, 5 of 9 on the front`."""
    points, front = summary["feasible"]["points"], summary["feasible"]["front"]
    kept = f"kept by {points['feasible']} of {points['of']} points, {front['feasible']} of {front['of']} on the front"
    return f"{' and '.join(summary['constraints'])}: {kept}"


def print_studies(rows: Sequence[Mapping[str, Any]], home: str) -> None:
    """Print the studies under `home`, one a line."""
    console = Console()
    if not rows:
        console.print(Text(f"no studies under {home}"))
        return
    console.print(studies_table(rows))


def print_sites(found: Mapping[str, Any]) -> None:
    """Print what `frontier relus --json` holds."""
    console = Console()
    console.print(sites_table(found))
    image = "x".join(str(size) for size in found["image"])
    console.print(Text(f"{found['network']} at {image}: full {found['full']:,}, inner {found['inner']:,} ReLUs"))


def print_check(found: Mapping[str, Any]) -> None:
    """Print what `frontier check --json` holds."""
    console = Console()
    network, search, cost = found["network"], found["search"], found["cost"]
    lines = {
        "space": f"{found['space']} ({found['space_hash']}): {found['question']}",
        "network": f"{network['name']} on {found['data']}, sites {network['sites']}, {found['relus']:,} ReLUs",
        "teacher": f"{'trained already' if found['teacher']['trained'] else 'to be trained'}, {found['training']}",
        "budgets": f"first {', '.join(f'{budget:,}' for budget in found['anchors']) or 'none given'}, then as sampled",
        "objectives": ", ".join(found["objectives"]),
        "search": f"{search['trials']} trials, {search['concurrency']} at once, sampler {search['sampler']}",
        "trial": f"about {duration(cost['trial_s'])} on one core here; teacher {duration(cost['teacher_s'])}",
        "all": f"about {duration(cost['search_s'])}, at most {cost['disk_bytes'] / 1e6:,.1f} MB of weights",
    }
    if found["constraints"]:
        lines["constraints"] = ", ".join(found["constraints"])
    if found["passes"] is not None:
        lines["passes"] = f"{found['passes']:g} network passes per training image for search and finetuning together"
    table = _table({"key": "left"})
    table.show_header = False
    table.add_column(overflow="fold")
    for key, text in lines.items():
        table.add_row(key, Text(text))
    for method, parameters in found["methods"].items():
        for name, domain in parameters.items():
            table.add_row(Text(method), Text(f"{name}: {domain}"))
    console.print(table)


def front_table(front: Sequence[Mapping[str, Any]]) -> Table:
    """One line a point of the front, by rising cost; validation accuracy with test in brackets. The first price among
    the objectives has a column (`about_table` has the others).

    `health` is `ok`, `FAILED` (`about_table` has the names), or blank where no health check was run.
    """
    checked = any(point["health"]["checked"] for point in front)
    table = _table({"trial": "right", "method": "left", "ReLUs": "right", "budget": "right"})
    first = _prices(front)[:1]
    for name in first:
        table.add_column(name.replace("@", "@\n"), justify="right", no_wrap=True)
    for name in ACCURACIES:
        table.add_column(name, justify="right", no_wrap=True)
    if checked:
        table.add_column("health", no_wrap=True)
    if checked or first:
        table.padding = (0, 1, 0, 0)  # or its lines would be longer than 80 columns
    for point in front:
        table.add_row(
            address(point["trial"], point["point"]),
            Text(point["method"]),
            f"{point['relu_count']:,}",
            f"{point['relu_budget']:,}",
            *(amount(name, point["objectives"][name]) for name in first),
            *(f"{100 * point[name]:.1f} ({100 * point['test'][name]['value']:.1f})" for name in ACCURACIES),
            *([_health(point)] if checked else []),
        )
    return table


def _prices(points: Sequence[Mapping[str, Any]]) -> list[str]:
    """The objectives that are prices, in their order."""
    return [name for name in (points[0]["objectives"] or () if points else ()) if "@" in name]


def _health(point: Mapping[str, Any]) -> Text:
    if point["health"]["failed"]:
        return Text("FAILED", style="bold red")
    return Text("ok" if point["health"]["checked"] else "")


def about_table(front: Sequence[Mapping[str, Any]]) -> Table | None:
    """Under the front: what its extra points are, which branch a network serves, its squares, its prices but the first,
    which constraints it violates, which health checks it failed. None if none has any."""
    more = _prices(front)[1:]
    about = [
        point
        for point in front
        if more
        or point["role"] == "extra"
        or any((point["branch"], point["squares"], point["health"]["failed"], point.get("violates")))
    ]
    if not about:
        return None
    columns: dict[str, tuple[str, list[str]]] = {
        "trial": ("right", [address(point["trial"], point["point"]) for point in about]),
        "branch": ("left", [_served(point) for point in about]),
        "squares": ("right", [f"{point['squares']:,}" if point["squares"] else "" for point in about]),
        **{name.replace("@", "@\n"): ("right", [amount(name, p["objectives"][name]) for p in about]) for name in more},
        "violates": ("left", [", ".join(point.get("violates", ())) for point in about]),
        "failed health checks": ("left", [", ".join(point["health"]["failed"]) for point in about]),
        "label": ("left", [f"extra: {point['label']}" if point["role"] == "extra" else "" for point in about]),
    }
    shown = {name: column for name, column in columns.items() if any(column[1])}
    long = ("violates", "failed health checks", "label")
    table = _table({name: justify for name, (justify, _) in shown.items() if name not in long})
    for name in long:
        if name in shown:
            table.add_column(name, overflow="fold")
    for cells in zip(*(cells for _, cells in shown.values()), strict=True):
        table.add_row(*map(Text, cells))
    return table


def _served(point: Mapping[str, Any]) -> str:
    """`clean`: the branch that a deployed network uses; `clean, figures oracle-routed` where they are not of it."""
    routed = ", figures oracle-routed" if point["routing"] == "oracle" else ""
    return f"{point['branch']}{routed}" if point["branch"] else ""


def replicates_table(front: Sequence[Mapping[str, Any]]) -> Table:
    """One line for each point that was run again: `96.4 ± 0.5 (97.1)`, the mean of the other seeds and the winner."""
    table = _table({"trial": "right", "other seeds": "right", **dict.fromkeys(ACCURACIES, "right")})
    for point in front:
        if again := point.get("replicates"):
            cells = [_replicated(one, point[name]) for name, one in again.items()]
            table.add_row(address(point["trial"], point["point"]), str(len(again[ACCURACIES[0]]["values"])), *cells)
    return table


def _replicated(found: Mapping[str, Any], winner: float) -> str:
    sd = "" if found["sd"] is None else f" ± {100 * found['sd']:.1f}"
    return f"{100 * found['mean']:.1f}{sd} ({100 * winner:.1f})"


def studies_table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """One line a study: name, trials by state, when it was begun, and its folder."""
    table = _table({"study": "left", "trials": "left", "begun": "left"})
    table.add_column("folder", overflow="fold")
    for row in rows:
        begun = row["created_at"][:16] or "unreadable"
        table.add_row(Text(row["study"]), by_state(row["trials"]), begun, Text(row["folder"]))
    return table


def sites_table(found: Mapping[str, Any]) -> Table:
    """One line a site in order of execution."""
    table = _table({"site": "left", "shape": "right", "ReLUs": "right", "inner": "left"})
    for site in found["sites"]:
        shape = "x".join(str(size) for size in site["shape"])
        table.add_row(Text(site["path"]), shape, f"{site['relus']:,}", "yes" if site["inner"] else "no")
    return table


def by_state(counts: Mapping[str, int]) -> str:
    """`30 complete, 1 failed`: the states that occur."""
    return ", ".join(f"{n} {state}" for state, n in counts.items() if n) or "no trials"


def _table(columns: Mapping[str, Any]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for name, justify in columns.items():
        table.add_column(name, justify=justify, no_wrap=True)
    return table
