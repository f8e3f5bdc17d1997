"""Figure: every point as a line across all that is traded, up is better on each axis."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import plotly.graph_objects as go

from frontier.errors import InputError
from frontier.reports.facts import Facts
from frontier.reports.figures._layout import frame, listed, short
from frontier.reports.points import StudyPoint, evenly, failed
from frontier.reports.studied import Studied
from frontier.reports.theme import Theme

ORDER = 45
TITLE = "All that is traded, point by point"
MISLEADS = (
    "The order of the axes and the lines on top decide what is seen, and a crossing between two axes says nothing of "
    "others; every axis is stretched over this study's own range."
)
SCALED = True
MOST_LINES = 200  # of more points all that are non-dominated, up to as many, and others evenly


@dataclass(frozen=True, kw_only=True)
class Row:
    """One point: accuracies on validation in percent, and what it costs; seconds and bytes are those of `price`."""

    trial: str
    method: str
    fidelity: str
    clean_percent: float
    corrupted_percent: float
    adversarial_percent: float
    relu_count: int
    price: str
    online_s: float | None
    online_mb: float | None
    rounds: float | None
    nondominated_in_all: bool
    violates: str = ""
    health: str = ""  # `ok`, `failed NAME, ...`, or nothing: no health check was run


class _Axis(NamedTuple):
    """`log`: a cost, drawn downward so that up is better."""

    title: str
    field: str
    log: bool
    text: Callable[[float], str]


def _percent(value: float) -> str:
    return f"{value:.3g}%"


def _count(value: float) -> str:
    return short(round(value))


AXES = (
    _Axis("clean", "clean_percent", False, _percent),
    _Axis("corrupted", "corrupted_percent", False, _percent),
    _Axis("adversarial", "adversarial_percent", False, _percent),
    _Axis("ReLUs", "relu_count", True, _count),
    _Axis("online", "online_s", True, lambda value: f"{value:.3g} s"),
    _Axis("moved", "online_mb", True, lambda value: f"{value:.3g} MB"),
    _Axis("rounds", "rounds", True, _count),
)
TICKS = 5


def data(studied: Studied) -> tuple[Row, ...]:
    """One row a point, by trial and index; of a long study MOST_LINES, the non-dominated first of all."""
    points = studied.points
    if len(points) > MOST_LINES:
        best = [p for p in points if p.nondominated]
        best = [best[i] for i in evenly(len(best), MOST_LINES)]
        rest = [p for p in points if not p.nondominated]
        room = MOST_LINES - len(best)
        chosen = {p.address for p in best} | {rest[i].address for i in (evenly(len(rest), room) if room > 1 else ())}
        points = [p for p in points if p.address in chosen]
    return tuple(_row(point, studied) for point in points)


def draw(rows: Sequence[Row], theme: Theme, whole: Sequence[Row] = ()) -> go.Figure:
    """A line a point; those that no other one dominates in all objectives wider, with diamonds, above the others. The
    axes are those of `whole` besides, so that they stay when some of its points are looked at."""
    scales = [_Scale.of(axis, [getattr(row, axis.field) for row in (*rows, *whole)]) for axis in AXES]
    shown = [scale for scale in scales if scale is not None]
    figure = frame(
        theme,
        x={
            "tickvals": list(range(len(shown))),
            "ticktext": [f"<b>{scale.axis.title}</b>" for scale in shown],
            "range": [-0.25, len(shown) - 0.45],
            "showgrid": False,
            "side": "top",
            "ticks": "",
        },
        y={"visible": False, "range": [-0.06, 1.06]},
        height=480,
        top=92,
    )
    figure.update_layout(legend={"y": 1.12})
    figure.update_layout(
        shapes=[
            {"type": "line", "x0": place, "x1": place, "y0": 0, "y1": 1, "line": {"color": theme.muted, "width": 1},
             "layer": "below"}
            for place in range(len(shown))
        ],
        annotations=[
            {"x": place, "y": scale.height(value), "text": scale.axis.text(value), "showarrow": False,
             "xanchor": "left", "xshift": 6, "font": {"size": 11, "color": theme.muted}, "bgcolor": theme.paper,
             "borderpad": 1}
            for place, scale in enumerate(shown)
            for value in scale.ticks()
        ],
    )  # fmt: skip
    kinds = (
        ("dominated", False, {"color": theme.other, "width": 1, "dash": "dot"}, {"symbol": "circle", "size": 4}, 0.8),
        (
            "non-dominated in all objectives", True, {"color": theme.nondominated, "width": 1.6},
            {"symbol": "diamond", "size": 6}, 0.9,
        ),
    )  # fmt: skip
    for name, kept, line, marker, opacity in kinds:
        some = [row for row in rows if row.nondominated_in_all is kept]
        x, y, text = _lines(some, shown)
        figure.add_scatter(
            x=x, y=y, text=text, name=f"{name} ({len(some)})", mode="lines+markers", line=line, opacity=opacity,
            marker=marker | {"color": line["color"]}, hovertemplate="trial %{text}<extra></extra>", connectgaps=False,
            customdata=[trial for row in some for trial in (*[row.trial] * len(shown), None)],
        )  # fmt: skip
    if flagged := [row for row in rows if failed(row.health)]:
        x, y, _ = _lines(flagged, shown)
        figure.add_scatter(
            x=x, y=y, name=f"failed a health check ({len(flagged)})", mode="markers", hoverinfo="skip",
            marker={"symbol": "square-open", "size": 10, "color": theme.flag, "line": {"width": 1.5}},
        )  # fmt: skip
    return figure


def alt(rows: Sequence[Row]) -> str:
    """What the lines show, for somebody who cannot see them."""
    if not rows:
        return "Parallel coordinates: no points yet."
    kept = sum(row.nondominated_in_all for row in rows)
    spans = [_Scale.of(axis, [getattr(row, axis.field) for row in rows]) for axis in AXES]
    told = "; ".join(f"{s.axis.title} {s.axis.text(s.worst)} to {s.axis.text(s.best)}" for s in spans if s is not None)
    flagged = [row.trial for row in rows if failed(row.health)]
    marked = f" {len(flagged)} failed a health check: {listed(flagged)}." if flagged else ""
    return (
        f"Parallel coordinates of {len(rows)} points, {kept} of them non-dominated in all objectives; up is better on "
        f"every axis. From worst to best: {told}.{marked}"
    )


def caption(facts: Facts) -> str:
    """What was measured, and whose seconds."""
    return (
        f"Accuracies on validation; costs on a logarithmic scale, turned so that up is better. Seconds, megabytes and "
        f"rounds: {facts.pricing.name.partition('@')[2]}, a model's price (docs/latency.md). {facts.measured('clean')} "
        f"Corrupted images: {facts.corruption_label}. Attack: {facts.attack}."
    )


class _Scale(NamedTuple):
    """An axis over the values of a study; `best` is drawn at 1, `worst` at 0."""

    axis: _Axis
    worst: float
    best: float

    @classmethod
    def of(cls, axis: _Axis, values: Sequence[float | None]) -> _Scale | None:
        """None where no point has a value."""
        told = [value for value in values if value is not None]
        if not told:
            return None
        low, high = min(told), max(told)
        return cls(axis, high, low) if axis.log else cls(axis, low, high)

    def height(self, value: float) -> float:
        """Where on the axis a value lies, 0 to 1; in the middle where all are equal."""
        at, worst, best = (self._placed(number) for number in (value, self.worst, self.best))
        return 0.5 if worst == best else (at - worst) / (best - worst)

    def ticks(self) -> list[float]:
        """Values from worst to best, evenly spread as they are drawn; counts are whole."""
        if self.worst == self.best:
            return [self.best]
        ends = self._placed(self.worst), self._placed(self.best)
        places = [ends[0] + (ends[1] - ends[0]) * i / (TICKS - 1) for i in range(TICKS)]
        values = [10**place - (self._shift if self.axis.log else 0) if self.axis.log else place for place in places]
        return [self.worst, *values[1:-1], self.best]

    @property
    def _shift(self) -> float:
        """Added before the logarithm where 0 is among the values."""
        return 1.0 if min(self.worst, self.best) <= 0 else 0.0

    def _placed(self, value: float) -> float:
        return math.log10(max(value + self._shift, 1e-12)) if self.axis.log else value


def _lines(rows: Sequence[Row], scales: Sequence[_Scale]) -> tuple[list[Any], list[Any], list[str]]:
    """The polylines of the rows, one after the other, with a gap between them."""
    x: list[Any] = []
    y: list[Any] = []
    text: list[str] = []
    for row in rows:
        for place, scale in enumerate(scales):
            value = getattr(row, scale.axis.field)
            x.append(place)
            y.append(None if value is None else round(scale.height(value), 4))
            text.append("" if value is None else f"{row.trial}: {scale.axis.text(value)}")
        x.append(None)
        y.append(None)
        text.append("")
    return x, y, text


def _row(found: StudyPoint, studied: Studied) -> Row:
    scores, price = found.point.validation, studied.pricing
    try:
        whole = studied.priced(found)
        seconds, size, rounds = whole.online_s, whole.online_bytes, whole.rounds
    except InputError:
        seconds = size = rounds = None
    return Row(
        trial=found.address,
        method=found.record.spec.method,
        fidelity=found.fidelity,
        clean_percent=100 * scores.clean.value,
        corrupted_percent=100 * scores.corrupted.value,
        adversarial_percent=100 * scores.adversarial.value,
        relu_count=found.point.relu_count,
        price=price.name.partition("@")[2],
        online_s=seconds,
        online_mb=None if size is None else size / 1e6,
        rounds=rounds,
        nondominated_in_all=found.nondominated,
        violates=", ".join(found.violated),
        health=found.health,
    )
