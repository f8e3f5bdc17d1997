"""What the figures share: the frame in a theme's colours, the mark of points that failed a health check, and the ReLU
axis, which is logarithmic and yet shows 0."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from frontier.reports.theme import Theme

CLEAR = "rgba(0,0,0,0)"
FLAG = "□"  # before the name of a point that failed a health check: the shape that it has in the scatters
HIDDEN = {"in_table": False}  # the metadata of a row's field that a table cannot show
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"


def frame(theme: Theme, *, x: dict[str, Any], y: dict[str, Any], height: int, top: int = 36) -> go.Figure:
    """An empty figure with the given axes; tool bar and legend in the upper margin of `top` px, transparent ground."""
    axis = {
        "gridcolor": theme.grid,
        "linecolor": theme.muted,
        "zeroline": False,
        "ticks": "outside",
        "automargin": True,
    }
    return go.Figure(
        layout={
            "template": go.layout.Template(),
            "height": height,
            "margin": {"l": 56, "r": 16, "t": top, "b": 56},
            "paper_bgcolor": CLEAR,
            "plot_bgcolor": CLEAR,
            "font": {"family": FONT, "size": 13, "color": theme.ink},
            "hoverlabel": {
                "bgcolor": theme.paper,
                "bordercolor": theme.muted,
                "font": {"color": theme.ink},
                "align": "left",
            },
            "hovermode": "closest",
            "modebar": {"bgcolor": CLEAR, "color": theme.muted, "activecolor": theme.ink},
            "legend": {"orientation": "h", "x": 0, "xanchor": "left", "y": 1.02, "yanchor": "bottom"},
            "xaxis": axis | {"tickcolor": theme.muted} | x,
            "yaxis": axis | {"tickcolor": theme.muted} | y,
        }
    )


def flagged_mark(theme: Theme) -> dict[str, Any]:
    """The mark round a point that failed a health check: a square, wider than any other mark of the figures."""
    return {"symbol": "square-open", "size": 17, "color": theme.flag, "line": {"width": 2}}


def bars(middles: Sequence[float], lows: Sequence[float], highs: Sequence[float], **style: Any) -> dict[str, Any]:
    """Plotly error bars from low to high round each middle, all in the unit of the axis."""
    return {
        "type": "data",
        "symmetric": False,
        "array": [round(high - middle, 3) for high, middle in zip(highs, middles, strict=True)],
        "arrayminus": [round(middle - low, 3) for middle, low in zip(middles, lows, strict=True)],
        "width": 0,
        **style,
    }


def listed(addresses: Sequence[str], most: int = 8) -> str:
    """`trial 3`, `trials 3, 7.1`, or the first `most` of them `and 12 more`."""
    more = f" and {len(addresses) - most} more" if len(addresses) > most else ""
    return f"{'trial' if len(addresses) == 1 else 'trials'} {', '.join(addresses[:most])}{more}"


def log_ticks(low: float, high: float) -> list[float]:
    """Numbers between the two at 1, 2 and 5 of each decade, fewer of them over many decades; equal steps over a small
    part of one."""
    decades = math.log10(high / low)
    if decades < 0.7:
        return _even_ticks(low, high)
    steps = (1, 2, 5) if decades < 2.5 else (1, 3) if decades < 4 else (1,)
    first = math.floor(math.log10(low) + 1e-9)
    ticks = [m * 10.0**e for e in range(first, first + math.ceil(decades) + 2) for m in steps]
    return [tick for tick in ticks if low <= tick * (1 + 1e-9) and tick <= high]


def _even_ticks(low: float, high: float) -> list[float]:
    """Two to six multiples of 1, 2 or 5 times a power of ten."""
    rough = (high - low) / 5
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= rough)
    first = math.ceil(low / step - 1e-9)
    return [float(f"{k * step:.12g}") for k in range(first, math.floor(high / step + 1e-9) + 1)]


@dataclass(frozen=True)
class CountAxis:
    """A logarithmic axis of ReLU counts. `zero` is the abscissa where a count of 0 is drawn, None if there is none."""

    low: float
    high: float
    zero: float | None

    @classmethod
    def of(cls, counts: Sequence[int]) -> CountAxis:
        """The axis for these counts: 0 stands one step to the left of the decade of the smallest other count."""
        positive = [count for count in counts if count > 0] or [1]
        low = 10.0 ** math.floor(math.log10(min(positive)))
        high = max(positive) * 1.6
        step = max(math.log10(high / low) / 8, 0.15)
        return cls(low, high, low / 10 ** (1.5 * step) if 0 in counts else None)

    def place(self, count: int) -> float:
        """Where on the axis a count is drawn, in ReLUs."""
        return float(count) if count > 0 or self.zero is None else self.zero

    def layout(self) -> dict[str, Any]:
        """The plotly axis: ticks at 1, 2 and 5 of each decade (fewer over many decades), and one at 0."""
        decades = math.log10(self.high / self.low)
        ticks = log_ticks(self.low, self.high)
        values, texts = ticks, [short(tick) for tick in ticks]
        title = "measured ReLU count (log scale)"
        left = math.log10(self.low) - 0.08 * decades
        if self.zero is not None:
            values, texts = [self.zero, *ticks], ["0", *texts]
            title = "measured ReLU count (log scale; 0 stands apart)"
            left = math.log10(self.zero) - 0.06 * decades
        return {
            "type": "log",
            "range": [left, math.log10(self.high)],
            "tickvals": values,
            "ticktext": texts,
            "title": {"text": title},
        }

    def part_zero(self, figure: go.Figure, theme: Theme) -> None:
        """Draw the line that parts 0 from the logarithmic scale, where the axis has a 0."""
        if self.zero is not None:
            middle = math.sqrt(self.zero * self.low)
            figure.add_shape(
                type="line", xref="x", yref="paper", x0=middle, x1=middle, y0=0, y1=1,
                line={"color": theme.muted, "width": 1, "dash": "dot"}, layer="below",
            )  # fmt: skip


def short(count: float) -> str:
    """`950`, `12k`, `1.5M`: a count in at most five characters."""
    for size, unit in ((1e6, "M"), (1e3, "k")):
        if count >= size:
            return f"{count / size:.3g}{unit}"
    return f"{count:.3g}"
