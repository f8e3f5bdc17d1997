"""What the evidence says: points per hour by side, accuracies side by side, and what sharing the rest is worth."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from typing import Any

SIDES = {"full": "full runs", "trajectory": "one trajectory", "snapshots": "snapshots"}
ACCURACIES = ("clean", "corrupted", "adversarial")

Trials = Sequence[dict[str, Any]]


def lines(found: dict[str, Any]) -> Iterator[str]:
    """The report, line by line."""
    libraries = found["libraries"]
    how = "compiled" if found["compiled"] else "eager"
    yield f"{found['question']}: {found['machine']}, {found['threads']} thread, torch {libraries.get('torch')}, {how}"
    yield f"code {found['code_version']}"
    budgets = found["budgets"]
    yield f"{len(budgets)} budgets fixed beforehand: {', '.join(map(str, budgets))} ReLUs; one teacher for all sides"
    by_method: dict[str, list[dict[str, Any]]] = {}
    for one in found["trials"]:
        if one["side"] in SIDES:
            by_method.setdefault(one["method"], []).append(one)
    for method, trials in by_method.items():
        yield from _method(method, trials, budgets, found["same_record"])
    yield from _shared(found["trials"], by_method)


def seconds(one: dict[str, Any]) -> float:
    return float(sum(one["wall_s"].values()))


def whole(trials: Trials, budgets: Sequence[int], side: str) -> dict[int, list[dict[str, Any]]]:
    """The trials of a side by seed, where all budgets are there."""
    by_seed: dict[int, list[dict[str, Any]]] = {}
    for one in trials:
        if one["side"] == side:
            by_seed.setdefault(one["seed"], []).append(one)
    expected = 1 if side == "snapshots" else len(budgets)
    return {seed: some for seed, some in by_seed.items() if len(some) == expected}


def per_hour(some: Trials) -> float:
    return 3600 * sum(len(one["points"]) for one in some) / sum(map(seconds, some))


def _method(method: str, trials: Trials, budgets: Sequence[int], same: dict[str, bool]) -> Iterator[str]:
    full = {seed: per_hour(some) for seed, some in whole(trials, budgets, "full").items()}
    yield f"\n{method}: points per hour, seed by seed; ratio to full runs of the same seed, median (lowest to highest)"
    for side, words in SIDES.items():
        found = whole(trials, budgets, side)
        rates = {seed: per_hour(some) for seed, some in found.items() if seed in full}
        if not rates:
            continue
        ratios = [rate / full[seed] for seed, rate in rates.items()]
        ratio = f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
        points = sum(len(one["points"]) for some in found.values() for one in some)
        each = "  ".join(f"{rate:7.1f}" for rate in rates.values())
        yield f"  {words:15} {points:3d} points  {each}  ratio {ratio}"
    yield from _stages(trials)
    mine = [equal for name, equal in same.items() if name.startswith(f"{method}-")]
    yield f"  records of one trajectory that equal the full run's in every number: {sum(mine)} of {len(mine)}"
    yield f"  test accuracy, %, mean +- standard deviation over seeds: {', '.join(SIDES.values())}"
    yield "  ReLUs   " + " | ".join(f"{name:^42}" for name in ACCURACIES)
    for budget in budgets:
        cells = []
        for name in ACCURACIES:
            for side in SIDES:
                values = [
                    100 * point["test"][name]
                    for one in trials
                    if one["side"] == side
                    for point in one["points"]
                    if point["relu_budget"] == budget
                ]
                cells.append(_spread(values))
        yield f"  {budget:<8}" + " | ".join("".join(f"{cell:>14}" for cell in cells[at : at + 3]) for at in (0, 3, 6))


def _stages(trials: Trials) -> Iterator[str]:
    """Where the seconds of a full run go, and the epochs of its search."""
    full = [one for one in trials if one["side"] == "full"]
    if full:
        linearize, measure = (
            statistics.mean(one["wall_s"][stage] for one in full) for stage in ("linearize", "measure")
        )
        search = statistics.mean(one["passes"].get("search", 0) for one in full)
        finetune = statistics.mean(one["passes"].get("finetune", 0) for one in full)
        yield (
            f"  a full run: {linearize:.0f} s of search and finetuning ({search:.0f} and {finetune:.0f} passes on "
            f"average), {measure:.0f} s of measuring"
        )


def _spread(values: Sequence[float]) -> str:
    if not values:
        return "-"
    deviation = f"{statistics.stdev(values):.1f}" if len(values) > 1 else "-"
    return f"{statistics.mean(values):.1f} +- {deviation}"


def _shared(trials: Trials, by_method: dict[str, list[dict[str, Any]]]) -> Iterator[str]:
    """Seconds that a trial saves where teacher, sensitivity run and corrupted images are there."""
    pair = {one["side"]: one["wall_s"] for one in trials if one["side"] in ("made", "reused")}
    if len(pair) < 2:
        return
    made, reused = pair["made"], pair["reused"]
    saved = {
        "teacher": made["teacher"] - reused["teacher"],
        "sensitivity run": made["linearize"] - reused["linearize"],
        "corrupted images": made["measure"] - reused["measure"],
    }
    yield "\nshared besides: the first trial makes them, all later ones save (one trial of SENet and the same again), s"
    yield "  " + ", ".join(f"{name} {value:.0f}" for name, value in saved.items())
    for method, some in by_method.items():
        for side in SIDES:
            mine = [one for one in some if one["side"] == side]
            if not mine:
                continue
            each = sum(map(seconds, mine)) / sum(len(one["points"]) for one in mine)
            trial = sum(map(seconds, mine)) / len(mine)
            points = trial / each
            alone = (trial + saved["teacher"] + saved["corrupted images"]) / points
            yield (
                f"  {method}, {SIDES[side]}: {3600 / each:.1f} points per hour; were teacher and corrupted images made "
                f"anew in each trial, {3600 / alone:.1f} (computed from the seconds above)"
            )
