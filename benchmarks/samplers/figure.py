"""Figure: hypervolume over trials, a line a sampler: the mean over seeds, and a band of one standard deviation."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
from evidence import Evidence
from plotly.io import to_html

from frontier.files import write_named
from frontier.reports.figures._layout import frame
from frontier.reports.theme import LIGHT

# Okabe and Ito's palette; the dash tells the lines apart without their colour
STYLES = (
    ("0,114,178", "solid"),
    ("213,94,0", "dash"),
    ("0,158,115", "dot"),
    ("204,121,167", "dashdot"),
    ("230,159,0", "longdash"),
    ("86,180,233", "longdashdot"),
    ("27,36,48", "solid"),
)


def draw(found: Evidence, concurrency: int) -> go.Figure:
    """Of the simulated searches without a pruner, in % of the dense sample."""
    names = sorted({run.sampler for run in found.runs if (run.concurrency, run.pruner) == (concurrency, None)})
    figure = frame(
        LIGHT,
        x={"title": {"text": f"trials ended, {concurrency} at once"}},
        y={"title": {"text": "hypervolume without noise, % of a dense sample"}},
        height=460,
    )
    for at, name in enumerate(names):
        color, dash = STYLES[at % len(STYLES)]
        runs = found.of(name, concurrency)
        length = min(len(run.exact) for run in runs)
        curves = 100 * np.array([run.exact[:length] for run in runs]) / found.dense
        mean, deviation = curves.mean(axis=0).round(2), curves.std(axis=0, ddof=1 if len(runs) > 1 else 0).round(2)
        trials = list(range(1, length + 1))
        figure.add_scatter(
            x=trials + trials[::-1],
            y=[*(mean + deviation), *(mean - deviation)[::-1]],
            fill="toself",
            fillcolor=f"rgba({color},0.12)",
            line={"width": 0},
            legendgroup=name,
            showlegend=False,
            hoverinfo="skip",
        )
        figure.add_scatter(
            x=trials,
            y=list(mean),
            name=f"{name} ({len(runs)} seeds)",
            legendgroup=name,
            line={"color": f"rgb({color})", "dash": dash, "width": 2},
            hovertemplate=f"{name}, %{{x}} trials: %{{y:.1f}} %<extra></extra>",
        )
    return figure


def write(found: Evidence, concurrency: int, path: Path) -> None:
    """A page that opens without a network."""
    script = files("frontier.reports").joinpath("assets/plotly-cartesian.min.js").read_text(encoding="utf-8")
    plot = to_html(draw(found, concurrency), include_plotlyjs=False, full_html=False)
    head = f'<meta charset="utf-8">\n<title>Samplers on {found.space}</title>'
    write_named(path, f"<!doctype html>\n{head}\n<script>{script}</script>\n{plot}\n", "--figure")
