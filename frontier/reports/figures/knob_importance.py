"""Figure: which knobs of a method the objectives depend on, with an interval, where there are points enough to say."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
import plotly.graph_objects as go

from frontier.reports.facts import Facts
from frontier.reports.figures._importance import importance
from frontier.reports.figures._layout import frame
from frontier.reports.points import StudyPoint, evenly
from frontier.reports.studied import Studied
from frontier.reports.theme import Theme

ORDER = 60
TITLE = "Which knobs matter"
MISLEADS = (
    "It is correlation in the part of the space that the search looked at, by a model's errors: a knob that was hardly "
    "varied there, or matters together with another one only, looks unimportant."
)
FEWEST = 20  # points of a method: below, a forest learns nothing that an interval does not swallow
MOST = 1000  # points of a method: more are sampled evenly, for the numbers hardly change and the hours do
BUDGET = "relu_budget"
TOO_FEW, NO_KNOB, UNEXPLAINED = "too few points", "no knob varies", "the model explains nothing"
SYMBOLS = ("circle", "diamond", "triangle-up", "square", "pentagon", "star", "triangle-down", "hexagon")


@dataclass(frozen=True, kw_only=True)
class Row:
    """One knob of one method for one objective. `importance`: the rise of the squared error, as a share of the
    objective's variance, with its 95 % interval over `points`; `explained` is the share that the model predicts of
    points which it has not seen. `problem`: why there is no number, or why it means nothing."""

    method: str
    fidelity: str
    knob: str = ""
    objective: str
    points: int
    importance: float | None = None
    low: float | None = None
    high: float | None = None
    explained: float | None = None
    doubt: str = ""
    problem: str = ""


def data(studied: Studied) -> tuple[Row, ...]:
    """One row a method, objective and knob that varies, by falling importance; for a method with too few points one row
    that says so. Of the asked points that have a value by every objective."""
    by_method: dict[tuple[str, str], list[StudyPoint]] = {}
    for point in studied.points:
        if point.index == 0 and point.values is not None:
            by_method.setdefault((point.record.spec.method, point.fidelity), []).append(point)
    return tuple(row for named, points in sorted(by_method.items()) for row in _rows(*named, points))


def draw(rows: Sequence[Row], theme: Theme) -> go.Figure:
    """A line a knob, a mark with its interval for each objective; hollow where the model explains nothing."""
    shown = [row for row in rows if row.importance is not None]
    one = len({row.method for row in shown}) == 1
    names = list(dict.fromkeys(_name(row, one) for row in shown))
    objectives = list(dict.fromkeys(row.objective for row in shown))
    figure = frame(
        theme,
        x={"title": {"text": "rise of the squared error when shuffled (share of the variance)"}, "rangemode": "tozero"},
        y={
            "tickvals": list(range(len(names))),
            "ticktext": [escape(name) for name in names],
            "range": [len(names) - 0.4, -0.6],
            "showgrid": True,
        },
        height=190 + 48 * max(len(names), 1),
        top=92,
    )
    colors = (theme.front, theme.nondominated, theme.test, theme.flag, theme.muted, theme.other)
    for i, objective in enumerate(objectives):
        some = [row for row in shown if row.objective == objective]
        shift = 0.6 * ((i + 0.5) / len(objectives) - 0.5)
        color, symbol = colors[i % len(colors)], SYMBOLS[i % len(SYMBOLS)]
        figure.add_scatter(
            x=[_rounded(row.importance) for row in some],
            y=[round(names.index(_name(row, one)) + shift, 3) for row in some],
            name=escape(objective),
            mode="markers",
            marker={
                "symbol": [f"{symbol}-open" if row.doubt else symbol for row in some],
                "size": 9,
                "color": color,
            },
            error_x={
                "type": "data",
                "symmetric": False,
                "array": [_rounded((row.high or 0) - (row.importance or 0)) for row in some],
                "arrayminus": [_rounded((row.importance or 0) - (row.low or 0)) for row in some],
                "color": color,
                "thickness": 1.2,
                "width": 0,
            },
            text=[_hover(row) for row in some],
            hovertemplate="%{text}<extra></extra>",
        )
    return figure


def alt(rows: Sequence[Row]) -> str:
    """What the marks show, for somebody who cannot see them."""
    if not rows:
        return "Which knobs matter: no points yet."
    missing = "".join(
        f" {_method(row)}: {row.problem} ({row.points}; at least {FEWEST} are needed)."
        if row.problem == TOO_FEW
        else f" {_method(row)}: {row.problem}."
        for row in rows
        if row.importance is None
    )
    told = []
    for method, objective in dict.fromkeys((row.method, row.objective) for row in rows if row.importance is not None):
        some = [row for row in rows if (row.method, row.objective) == (method, objective)]
        first = some[0]
        if first.doubt:
            told.append(f"{_method(first)}, {objective}: {first.doubt}")
        else:
            told.append(
                f"{_method(first)}, {objective}: most of all {first.knob} ({first.importance:.2f}, {first.low:.2f} to "
                f"{first.high:.2f}, n = {first.points})"
            )
    return f"Which knobs matter.{missing} {'; '.join(told)}{'.' if told else ''}".strip()


def caption(facts: Facts) -> str:
    """How it is computed, of what."""
    return (
        "Permutation importance of extremely randomized trees on points that they were not grown on, 5 folds; 95% "
        f"intervals by resampling points. Methods with fewer than {FEWEST} points are left out. Costs by their "
        "logarithm, accuracies on validation. Asked points alone, knobs and the asked budget. "
        f"{facts.measured('clean')}"
    )


def _rows(method: str, fidelity: str, points: Sequence[StudyPoint]) -> list[Row]:
    points = [points[i] for i in evenly(len(points), MOST)]
    names = points[0].goals.names
    features = {name: column for name, column in _features(points).items() if len(set(column)) > 1}
    problem = TOO_FEW if len(points) < FEWEST else NO_KNOB if not features else ""
    if problem:
        return [Row(method=method, fidelity=fidelity, objective=", ".join(names), points=len(points), problem=problem)]
    minimized = [objective.minimized for objective in points[0].goals.objectives]
    targets = [
        [math.log(max(v, 1e-9)) if low else v for v, low in zip(p.values or (), minimized, strict=True)] for p in points
    ]
    found = importance(np.array(list(features.values()), float).T, np.array(targets, float))
    made = []
    for target, objective in enumerate(names):
        explained = float(found.explained[target])
        order = sorted(range(len(features)), key=lambda i: (-found.mean[i, target], i))
        made += [
            Row(
                method=method,
                fidelity=fidelity,
                knob=list(features)[i],
                objective=objective,
                points=len(points),
                importance=float(found.mean[i, target]),
                low=float(found.low[i, target]),
                high=float(found.high[i, target]),
                explained=explained,
                doubt="" if explained > 0 else UNEXPLAINED,
            )
            for i in order
        ]
    return made


def _features(points: Sequence[StudyPoint]) -> dict[str, list[float]]:
    """Columns by name: the asked budget by its logarithm, numbers as they are (those over two decades by theirs), words
    by their rank in the alphabet, knobs that are missing as -1."""
    columns: dict[str, list[object]] = {BUDGET: [point.point.relu_budget for point in points]}
    for name in sorted({name for point in points for name in point.record.spec.knobs}):
        columns[name] = [point.record.spec.knobs.get(name) for point in points]
    return {name: _numbers(column) for name, column in columns.items()}


def _numbers(column: Sequence[object]) -> list[float]:
    if all(isinstance(value, int | float) for value in column):
        numbers = [float(value) for value in column if isinstance(value, int | float)]
        wide = min(numbers) > 0 and max(numbers) > 100 * min(numbers)
        return [math.log(number) for number in numbers] if wide else numbers
    ranks = {text: float(i) for i, text in enumerate(sorted({repr(value) for value in column if value is not None}))}
    return [-1.0 if value is None else ranks[repr(value)] for value in column]


def _name(row: Row, one: bool) -> str:
    return row.knob if one else f"{_method(row)}: {row.knob}"


def _method(row: Row) -> str:
    return f"{row.method} ({row.fidelity})"


def _rounded(value: float | None) -> float:
    return round(value or 0.0, 3)


def _hover(row: Row) -> str:
    doubt = f"<br>{row.doubt}" if row.doubt else ""
    return (
        f"<b>{escape(row.knob)}</b> of {escape(_method(row))}, for {escape(row.objective)}<br>{row.importance:.3f} "
        f"[{row.low:.3f}, {row.high:.3f}], n = {row.points}<br>the model explains {100 * (row.explained or 0):.0f}%"
        f"{doubt}"
    )
