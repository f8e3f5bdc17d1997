"""What `frontier evaluate` prints for people: accuracies with their intervals, and every failed check, loudly."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from frontier.api.evaluate import Evaluated, Findings
from frontier.results.corruption_metrics import by_severity
from frontier.results.evaluation import Evaluation
from frontier.results.measure import Measure

EXPLAINED = "docs/checks.md says of each check why it is raised and what to do"
MEAN = "mean"


def print_findings(findings: Findings) -> None:
    """Print the tables, the notes, and the checks that failed."""
    console = Console()
    attacked = [found for found in findings.evaluated if found.evaluation.kind == "attack"]
    corrupted = [found for found in findings.evaluated if found.evaluation.kind == "corruptions"]
    if attacked:
        console.print(attack_table(attacked))
        _print_health(console, attacked)
    if corrupted:
        console.print(corruption_table(corrupted))
        references = dict.fromkeys(name for one in corrupted for name in one.evaluation.metrics)
        if references:
            console.print(Text(f"mCE in percent of the errors of: {', '.join(references)}"))
    if findings.evaluated:
        under = "test accuracy in percent, under it the 95 % interval; worst: under every attack up to that eps"
        console.print(under, style="dim", highlight=False)
    for note in findings.notes:
        console.print(Text(f"note: {note}"))


def attack_table(evaluated: Sequence[Evaluated]) -> Table:
    """One line a point and eps, one column an attack."""
    names = list(dict.fromkeys(name for one in evaluated for name, _ in _cells(one.evaluation)))
    names = [*(name for name in names if name != "worst"), "worst"]
    table = _table(["trial", "n", "clean", "eps/255", *names])
    for one in evaluated:
        cells = _cells(one.evaluation)
        strengths = dict.fromkeys(eps for _, eps in cells)
        for at, eps in enumerate(strengths):
            accuracies = [_cell(cells.get((name, eps))) for name in names]
            address, n, clean = ("", "", Text()) if at else _head(one)
            table.add_row(address, n, clean, eps, *accuracies)
    return table


def corruption_table(evaluated: Sequence[Evaluated]) -> Table:
    """One line a point: the mean over corruptions and severities, each severity's, and the mCE."""
    table = _table(["trial", "n", MEAN, *(f"sev. {severity}" for severity in range(1, 6)), "mCE"])
    for one in evaluated:
        found = one.evaluation
        parts = {key: measure for key, measure in found.accuracies.items() if key != MEAN}
        relative = "\n".join(f"{value:.1f}" for value in found.metrics.values())
        severities = [_cell(measure) for measure in by_severity(parts).values()]
        table.add_row(one.address, str(found.n), _cell(found.accuracies[MEAN]), *severities, Text(relative))
    labels = ", ".join(dict.fromkeys(one.evaluation.name for one in evaluated))
    table.title, table.title_justify = Text(labels), "left"
    return table


def _print_health(console: Console, evaluated: Iterable[Evaluated]) -> None:
    failing = False
    for one in evaluated:
        checks = one.evaluation.checks
        failed = [check for check in checks if check.passed is False]
        failing = failing or bool(failed)
        for check in failed:
            console.print(Text(f"CHECK FAILED  {one.address}: {check.name}: {check.found}", style="bold red"))
        if checks and not failed:
            idle = [check.name for check in checks if check.passed is None]
            apart = f" (did not apply: {', '.join(idle)})" if idle else ""
            console.print(Text(f"{one.address}: all health checks passed{apart}"))
    if failing:
        console.print(Text(f"{EXPLAINED}; the records and the report carry the flag", style="red"))


def _cells(found: Evaluation) -> Mapping[tuple[str, str], Measure]:
    """(attack, eps * 255) -> accuracy."""
    keyed = {key.rpartition("/")[::2]: measure for key, measure in found.accuracies.items() if "/" in key}
    return {(name, eps): measure for (name, eps), measure in keyed.items()}


def _head(one: Evaluated) -> tuple[str, str, Text]:
    return one.address, str(one.evaluation.n), _cell(one.evaluation.accuracies["clean"])


def _cell(measure: Measure | None) -> Text:
    """`45.2` above `42.1-48.3`."""
    if measure is None:
        return Text()
    interval = f"{100 * measure.low:.1f}-{100 * measure.high:.1f}"
    return Text.assemble(f"{100 * measure.value:.1f}\n", (interval, "dim"))


def _table(columns: Sequence[str]) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0), header_style="bold")
    for name in columns:
        table.add_column(Text(name), justify="right", overflow="fold")
    return table
