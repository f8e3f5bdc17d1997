"""The page: its parts and their order. What they show comes from callbacks; every control has a label and an id."""

from __future__ import annotations

from typing import Any

from dash import dcc, html

from frontier.reports.figures._layout import CLEAR
from frontier.results.objectives import ACCURACIES
from frontier.web.axes import AXES
from frontier.web.controls import OTHER, STEP, STEPS, usual
from frontier.web.scatter import HEIGHT
from frontier.web.view import COLOURS, Known, View

TICK_MS = 1_000
# The last one would offer to send the figure to a host of plotly's.
MODEBAR = ["lasso2d", "pan2d", "autoScale2d", "zoomIn2d", "zoomOut2d", "sendChartToCloud"]
GRAPH = dcc.Graph.Config(
    displaylogo=False, modeBarButtonsToRemove=MODEBAR, responsive=True, showTips=False, plotlyServerURL=""
)
# Before there is anything to see: without axes, whose labels a browser would lay out for nothing.
BLANK = {"layout": {"height": HEIGHT, "paper_bgcolor": CLEAR, "plot_bgcolor": CLEAR,
                    "xaxis": {"visible": False}, "yaxis": {"visible": False}}}  # fmt: skip


def layout(known: Known, version: int, looked: dict[str, Any]) -> html.Div:
    """Everything, empty; `known` gives the choices. `version` and what was `looked` at are the library's as the page is
    opened, so that it asks for all at once."""
    return html.Div(
        [
            dcc.Location(id="url", refresh=False),
            dcc.Store(id="scheme"),
            dcc.Store(id="version", data=version),
            dcc.Store(id="looked", data=looked),
            dcc.Store(id="box"),
            dcc.Store(id="pressed"),
            dcc.Store(id="drawn"),
            dcc.Store(id="figures", data={"all": known.figures, "usual": usual(known)}),
            dcc.Interval(id="poll", interval=looked["again_ms"]),
            dcc.Interval(id="tick", interval=TICK_MS),
            html.A("To the plot", href="#plot", className="skip"),
            html.Header([html.H1("frontier"), html.P(id="live", role="status"), _button("pause", "Pause")]),
            html.Div(id="notes", role="alert"),
            html.Div([_controls(known), _main()], className="columns"),
            html.Section(
                [
                    html.H2("Linked views"),
                    html.P("Of the brushed points, or of all.", className="quiet"),
                    *_linked(known),
                ],
                id="linked",
            ),
        ],
        id="page",
    )


def _controls(known: Known) -> html.Form:
    plain = View()
    names = [{"label": axis.title.removesuffix(" on validation"), "value": name} for name, axis in AXES.items()]
    return html.Form(
        [
            _group("Axes", _select("x", "Across", names, plain.x), _select("y", "Up", names, plain.y),
                   _checks("logs", "Logarithmic", {"x": "across", "y": "up"}, ["x"])),
            _group("Price, a model's",
                   _radios("protocol", "Protocol", {name: name for name in known.protocols}, plain.setting.protocol),
                   _radios("link", "Network", {"lan": "LAN", "wan": "WAN", OTHER: "as below"}, "lan"),
                   _number("rtt", "Round trip (ms)"), _number("mbit", "Bandwidth (Mbit/s)")),
            _group("Limits", *(_slider(f"limit-{name}", f"At least {name}", 0) for name in ACCURACIES),
                   _slider("limit-online_s", "At most seconds", STEPS), html.P(id="feasible", role="status"),
                   _button("cheapest", "Cheapest feasible"), _button("unlimit", "No limits")),
            _group("Points", _checks("studies", "Studies", {name: name for name in known.studies}, list(known.studies)),
                   _radios("colour", "Symbol and colour by", {name: name for name in COLOURS}, plain.colour),
                   _checks("papers", "Beside them", {"papers": "what papers report"}, []),
                   _field("seeds", "Only seeds", dcc.Input(id="seeds", type="text", debounce=True, placeholder="all"))),
            _group("Brush", *(_number(f"brush-{end}", label) for end, label in
                              (("x0", "Across from"), ("x1", "Across to"), ("y0", "Up from"), ("y1", "Up to"))),
                   _button("clear", "No brush")),
            _group("Linked views", _checks("views", "Shown", {name: name.replace("_", " ") for name in known.figures},
                                           list(usual(known)))),
        ],
        id="controls",
    )  # fmt: skip


def _main() -> html.Main:
    return html.Main(
        [
            html.Div(
                [html.P(id="summary", role="status"),
                 dcc.Graph(id="scatter", config=GRAPH, figure=BLANK),
                 html.P(id="scatter-alt", className="quiet"), html.Div(id="papers-said")],
                id="plot", tabIndex=-1,
            ),
            html.Section([html.H2("Points"), html.Div(id="table"), html.Nav(
                [_button("previous", "Previous"), html.Span(id="pages"), _button("next", "Next"),
                 html.A("Download these points (CSV)", id="csv", href="/files/brushed.csv")], className="row")]),
            html.Section(html.Div(id="detail"), id="point", **named("aria", live="polite")),
            html.Section(html.Div(id="absent"), id="left-out"),
        ]
    )  # fmt: skip


def _linked(known: Known) -> list[html.Div]:
    return [
        html.Div([dcc.Store(id=f"wanted-{name}"), html.Div(id=f"linked-{name}")], className="view")
        for name in known.figures
    ]


def _group(title: str, *parts: Any) -> html.Fieldset:
    return html.Fieldset([html.Legend(title), *parts])


def _button(name: str, text: str) -> html.Button:
    return html.Button(text, id=name, type="button")


def _field(name: str, label: str, part: Any) -> html.Div:
    return html.Div([html.Label(label, htmlFor=name), part], className="field")


def _select(name: str, label: str, options: list[dict[str, str]], value: str) -> html.Div:
    part = dcc.Dropdown(id=name, options=options, value=value, clearable=False, searchable=False)
    return _labelled(name, label, part)


def _number(name: str, label: str) -> html.Div:
    """A text, for an input of numbers keeps to itself what is none, and nobody could say so."""
    return _field(name, label, dcc.Input(id=name, type="text", debounce=True, autoComplete="off"))


def _slider(name: str, label: str, value: float) -> html.Div:
    part = dcc.Slider(0, STEPS, STEP, id=name, value=value, marks=None, updatemode="mouseup", allow_direct_input=False)
    words = html.Span([label, " ", html.Output(id=f"{name}-said")], id=f"{name}-label")
    return html.Div([words, part], className="field slider", role="group", **named("aria", labelledby=f"{name}-label"))


def _radios(name: str, label: str, options: dict[str, str], value: str) -> html.Div:
    return _labelled(name, label, dcc.RadioItems(id=name, options=options, value=value, inline=True))


def _checks(name: str, label: str, options: dict[str, str], value: list[str]) -> html.Div:
    return _labelled(name, label, dcc.Checklist(id=name, options=options, value=value, inline=True))


def _labelled(name: str, label: str, part: Any) -> html.Div:
    """A part that is no single input: a group with its name."""
    words = html.Span(label, id=f"{name}-label")
    return html.Div([words, part], className="field", role="group", **named("aria", labelledby=f"{name}-label"))


def named(prefix: str, **attributes: str) -> dict[str, Any]:
    """Attributes whose names have a dash, such as `aria-label`, as Dash takes them."""
    return {f"{prefix}-{name}": value for name, value in attributes.items()}
