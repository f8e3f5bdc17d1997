"""Figure: what 25, 50 and 75 % of the seeds attain: bands of clean accuracy against ReLU count.

A run is one seed: a study of the same space, or, of one study, the replicates of its front that have the same rank. The
surface of 50 % is the empirical attainment surface of level one half: what at least half of the runs attain (Grunert da
Fonseca et al. 2001).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import moocore
import numpy as np
import plotly.graph_objects as go

from frontier.reports.facts import Facts
from frontier.reports.figures._layout import HIDDEN, CountAxis, frame
from frontier.reports.points import StudyPoint, by_count, front_of
from frontier.reports.studied import Studied
from frontier.reports.theme import Theme

ORDER = 55
TITLE = "What the seeds attain"
MISLEADS = (
    "A surface is no run: no single seed need have it; and of few seeds the quarters are hardly more than the best and "
    "the worst of them."
)
LEVELS = (25, 50, 75)


@dataclass(frozen=True, kw_only=True)
class Row:
    """At this ReLU count: the clean accuracy on validation, in percent, that at least so many percent of the `runs`
    attain with no more ReLUs; None where too few of them have a point there. `over`: what a run is; `of`: which."""

    relu_count: int
    attained_by_25_percent: float | None
    attained_by_50_percent: float | None
    attained_by_75_percent: float | None
    runs: int
    over: Literal["studies", "replicates"]
    of: str = field(default="", metadata=HIDDEN)


def data(studied: Studied) -> tuple[Row, ...]:
    """One row a ReLU count at which a surface rises; none with fewer than two runs. Studies with other seeds go before
    replicates. Winners are no run: chance favoured them."""
    runs, over, of = _runs(studied)
    if len(runs) < 2:
        return ()
    points = np.array([[count, -gain] for run in runs for count, gain in run], float)
    sets = np.array([i for i, run in enumerate(runs) for _ in run])
    surfaces = {level: _surface(points, sets, level) for level in LEVELS}
    counts = sorted({count for surface in surfaces.values() for count, _ in surface})
    made = []
    for count in counts:
        first, second, third = (_at(surfaces[level], count) for level in LEVELS)
        made.append(
            Row(
                relu_count=count,
                attained_by_25_percent=first,
                attained_by_50_percent=second,
                attained_by_75_percent=third,
                runs=len(runs),
                over=over,
                of=of,
            )
        )
    return tuple(made)


def draw(rows: Sequence[Row], theme: Theme) -> go.Figure:
    """Three step lines and the band between the outer two."""
    axis = CountAxis.of([row.relu_count for row in rows])
    figure = frame(
        theme,
        x=axis.layout(),
        y={"title": {"text": "clean accuracy on validation (%)"}, "ticksuffix": "%"},
        height=420,
        top=68,
    )
    axis.part_zero(figure, theme)

    def step(some: Sequence[Row], level: str, **options: Any) -> None:
        """To the right end of the axis; rows have their value."""
        places, heights = [axis.place(row.relu_count) for row in some], [round(getattr(row, level), 3) for row in some]
        x, y = [*places, *([axis.high] if places else [])], [*heights, *heights[-1:]]
        figure.add_scatter(x=x, y=y, mode="lines", **options)

    # the band begins where both of its ends are known: plotly would fill a wedge towards a line that begins elsewhere
    both = [row for row in rows if None not in (row.attained_by_25_percent, row.attained_by_75_percent)]
    unseen: dict[str, Any] = {"showlegend": False, "hoverinfo": "skip", "line": {"shape": "hv", "width": 0}}
    step(both, "attained_by_25_percent", **unseen)
    step(both, "attained_by_75_percent", **unseen, fill="tonexty", fillcolor=theme.interval)
    lines = (
        ("at least 25% of the seeds", "attained_by_25_percent", "dot", 1.5),
        ("at least 75% of the seeds", "attained_by_75_percent", "dash", 1.5),
        ("at least 50% of the seeds", "attained_by_50_percent", "solid", 2.5),
    )
    for name, level, dash, width in lines:
        known = [row for row in rows if getattr(row, level) is not None]
        step(
            known, level, name=name, line={"shape": "hv", "color": theme.front, "width": width, "dash": dash},
            text=[f"{row.relu_count:,} ReLUs: {getattr(row, level):.1f}% by {name}" for row in (*known, *known[-1:])],
            hovertemplate="%{text}<extra></extra>",
        )  # fmt: skip
    return figure


def alt(rows: Sequence[Row]) -> str:
    """What the lines show, for somebody who cannot see them."""
    if not rows:
        return (
            "What the seeds attain: there are no two runs to compare, which takes either replicates of the front "
            "(search with --replicate), or searches of the same space with other seeds (together on a page; of a "
            "report: --seeds)."
        )
    last = rows[-1]
    known = [row for row in rows if row.attained_by_25_percent is not None and row.attained_by_75_percent is not None]
    widest = max(
        known, key=lambda row: (row.attained_by_25_percent or 0) - (row.attained_by_75_percent or 0), default=None
    )
    apart = (
        f" They are farthest apart at {widest.relu_count:,} ReLUs: {widest.attained_by_75_percent:.1f}% and "
        f"{widest.attained_by_25_percent:.1f}%."
        if widest is not None
        else ""
    )
    half = "" if last.attained_by_50_percent is None else f" Half of them reach {last.attained_by_50_percent:.1f}%."
    return (
        f"Step lines of the clean accuracy that 25, 50 and 75% of {last.runs} runs ({last.over}) attain"
        f"{f': {last.of}' if last.of else ''}.{half}{apart}"
    )


def caption(facts: Facts) -> str:
    """What a run is."""
    return (
        "Empirical attainment surfaces. A run is a study of the same space with a seed of its own, or, of one study, "
        "the replicates of equal rank of its front, the winners themselves left out. "
        f"{facts.measured('clean')}"
    )


def _runs(studied: Studied) -> tuple[list[list[tuple[int, float]]], Literal["studies", "replicates"], str]:
    """(ReLU count, clean accuracy in percent) of every point of every run; what a run is, and their names."""
    if studied.seeds:
        some = [one for one in (studied, *studied.seeds) if one.points]
        names = ", ".join(sorted(one.name for one in some if one.name))
        return [[_seen(p) for p in one.points] for one in some], "studies", names
    front = [point for point in by_count(front_of(studied.points)) if point.replicates]
    most = max((len(point.replicates) for point in front), default=0)
    ranked = [[point.replicates[i] for point in front if len(point.replicates) > i] for i in range(most)]
    return [[(one.relu_count, 100 * one.validation.clean.value) for one in run] for run in ranked], "replicates", ""


def _seen(found: StudyPoint) -> tuple[int, float]:
    return found.point.relu_count, 100 * found.point.validation.clean.value


def _surface(points: np.ndarray, sets: np.ndarray, level: int) -> list[tuple[int, float]]:
    """Corners of the surface by rising count: what at least `level` percent of the sets attain."""
    found = moocore.eaf(points, sets, percentiles=[level])
    return sorted((round(count), -loss) for count, loss, _ in found)


def _at(surface: Sequence[tuple[int, float]], count: int) -> float | None:
    """The best that is attained with no more ReLUs."""
    return max((gain for there, gain in surface if there <= count), default=None)
