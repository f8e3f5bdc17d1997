"""Callbacks: the address bar is the page's one state. Controls write it, and all that is shown is read from it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dash import ALL, Dash, Input, Output, State, ctx, no_update
from dash.dependencies import ClientsideFunction
from dash.exceptions import PreventUpdate

from frontier.mirror import shown
from frontier.reports.theme import DARK, LIGHT
from frontier.web import parts, scatter
from frontier.web.controls import BRUSH, CONTROLS, brushed, changed, pressed, refused, values
from frontier.web.desk import Desk
from frontier.web.detail import detail_of
from frontier.web.downloads import mask_file, weights_file
from frontier.web.rows import pages
from frontier.web.said import alt, feasible, summary
from frontier.web.view import View, printed

BUTTONS = ("pause", "cheapest", "unlimit", "clear", "previous", "next")
PRESSED = ("pick", "beside", "alone", "close")  # of the buttons that come and go
THEMES = {"light": LIGHT, "dark": DARK}
URL, VERSION, SCHEME = Input("url", "search"), Input("version", "data"), Input("scheme", "data")


def connect(app: Dash, desk: Desk) -> None:
    """All callbacks of a page."""
    _in_the_browser(app, desk)
    _state(app, desk)
    _live(app, desk)
    _plot(app, desk)
    _words(app, desk)
    for name in desk.known.figures:
        _figure(app, desk, name)


def _in_the_browser(app: Dash, desk: Desk) -> None:
    """Small things that need no server: the colour scheme, the box of a brush, how old the figures are and whether to
    look for newer ones, and which of the linked ones are to be drawn anew."""
    connected: Callable[..., None] = app.clientside_callback
    for function, output, inputs in (
        ("scheme", Output("scheme", "data"), [Input("url", "pathname")]),
        ("box", Output("box", "data"), [Input("scatter", "selectedData"), State("url", "search")]),
        ("live", Output("live", "children"), [Input("tick", "n_intervals"), Input("looked", "data"), VERSION]),
        (
            "rest",
            [Output("poll", "disabled"), Output("poll", "interval"), Output("pause", "children"),
             Output("pause", "disabled")],
            [URL, Input("looked", "data")],
        ),
    ):  # fmt: skip
        connected(ClientsideFunction("frontier", function), output, inputs)
    wanted = [f"wanted-{name}" for name in desk.known.figures]
    connected(
        ClientsideFunction("frontier", "wanted"),
        [Output(name, "data") for name in wanted],
        [Input("drawn", "data")],  # the scatter comes first
        [State("url", "search"), State("version", "data"), State("scheme", "data"), State("figures", "data"),
         *(State(name, "data") for name in wanted)],
    )  # fmt: skip


def _state(app: Dash, desk: Desk) -> None:
    @app.callback(
        Output("url", "search"),
        {name: Output(name, kept) for name, kept in CONTROLS.items()},
        Output("notes", "children"),
        inputs={
            "query": URL,
            "given": {name: Input(name, kept) for name, kept in CONTROLS.items()},
            "box": Input("box", "data"),
            "others": [
                Input("scatter", "clickData"),
                *(Input(name, "n_clicks") for name in BUTTONS),
                Input({"type": "graph", "name": ALL, "study": ALL}, "clickData"),
                Input("pressed", "data"),
            ],
        },
    )
    def follow(query: str | None, given: dict[str, Any], box: Any, others: Any) -> tuple[Any, dict[str, Any], Any]:
        view, said = desk.parse(query)
        acts = [(ctx.triggered_prop_ids.get(one["prop_id"]), one["value"]) for one in ctx.triggered]
        acts = [(at, value) for at, value in acts if value or at in ("url", "box", *CONTROLS)]
        if ctx.triggered and not acts:
            raise PreventUpdate  # buttons and marks that have just come into being
        moves = [act for act in acts if act[0] != "url"]
        if moves and (text := given["seeds"] or "") != values(view, desk.known, desk.frame(view))["seeds"]:
            # a click elsewhere ended the typing, and no address knows of it yet
            moves = [("seeds", text), *(act for act in moves if act[0] != "seeds")]
        for at, value in moves:
            view = _moved(desk, view, at, given, box, value)
            said += refused(at, given, desk.frame(view))
        frame = desk.frame(view)
        if view.page >= (there := pages(frame.chosen)):
            said += (f"There is no page {view.page + 1}; this is the last.",)
            view = view.model_copy(update={"page": there - 1})
        text = printed(view)
        wanted = values(view, desk.known, frame)
        typed = any(at in BRUSH for at, _ in moves)
        typing = BRUSH if typed and view.brush is None else ()  # an end that stands alone is no brush yet
        kept = {name for name in CONTROLS if name in typing or wanted[name] == given[name]}
        outputs = {name: no_update if name in kept else wanted[name] for name in CONTROLS}
        # what nobody did here is not written: an address of one's own would stand in the way back
        return (text if moves and text != (query or "") else no_update), outputs, parts.notes(said)


def _moved(desk: Desk, view: View, at: Any, given: dict[str, Any], box: Any, value: Any) -> View:
    """The view after what its reader just did; `value` is of what did it, and of a click all about the mark."""
    frame = desk.frame(view)
    if at == "scatter" or (isinstance(at, dict) and at["type"] == "graph"):
        named = str((value.get("points") or [{}])[0].get("customdata") or "")
        key = named if ":" in named else f"{at['study']}:{named}"  # of a guest from another study the whole
        return view if desk.find(key) is None else pressed(view, "pick", frame, key)
    if at == "pressed":
        button, key = str(value[0]), str(value[1])
        known = button in PRESSED and (button != "pick" or desk.find(key) is not None)
        return pressed(view, button, frame, key) if known else view
    if at == "box":
        return brushed(view, box["ends"])
    return pressed(view, at, frame) if at in BUTTONS else changed(view, at, given, desk.known, frame)


def _live(app: Dash, desk: Desk) -> None:
    @app.callback(
        Output("version", "data"), Output("looked", "data"), Input("poll", "n_intervals"), State("version", "data"),
        prevent_initial_call=True,
    )  # fmt: skip
    def look(n: int | None, version: int | None) -> tuple[Any, Any]:
        snapshot = desk.library.refresh()
        return (no_update if snapshot.version == version else snapshot.version), desk.looked()


def _plot(app: Dash, desk: Desk) -> None:
    @app.callback(
        Output("scatter", "figure"), Output("drawn", "data"), Output("scatter-alt", "children"),
        URL, VERSION, SCHEME, State("drawn", "data"), State("box", "data"),
    )  # fmt: skip
    def plot(
        query: str | None, version: int | None, scheme: str | None, drawn: list[Any] | None, box: Any
    ) -> tuple[Any, ...]:
        """`drawn`: the view that the plot shows, without its brush and with it, and how many boxes had been drawn by
        hand; a box that is newer than that is in the plot already."""
        if scheme not in THEMES or version is None:
            raise PreventUpdate
        view, _ = desk.parse(query)
        same = view.model_copy(update={"views": None, "page": 0, "paused": False})
        key = f"{version} {scheme} {printed(same)}"
        unbrushed = f"{version} {scheme} {printed(same.model_copy(update={'brush': None}))}"
        nth = box["nth"] if box else 0
        now = [unbrushed, key, nth]
        before = drawn or ["", "", 0]
        plotly_drew = before[0] == unbrushed and nth > before[2] and brushed(view, box["ends"]).brush == view.brush
        if before[:2] == now[:2] or plotly_drew:
            return no_update, now, no_update
        frame = desk.frame(view)
        with desk.easel:
            figure = scatter.draw(
                frame, view, THEMES[scheme], webgl=desk.webgl, papers=desk.papers(view).placed, boxes=nth
            )
        return figure, now, alt(frame, view)


def _words(app: Dash, desk: Desk) -> None:
    @app.callback(
        Output("summary", "children"), Output("feasible", "children"), Output("table", "children"),
        Output("pages", "children"), Output("csv", "href"), Output("limit-online_s-said", "children"),
        *(Output(f"limit-{name}-said", "children") for name in ("clean", "corrupted", "adversarial")),
        Output("papers-said", "children"), Output("detail", "children"), URL, VERSION,
    )  # fmt: skip
    def words(query: str | None, version: int | None) -> tuple[Any, ...]:
        view, _ = desk.parse(query)
        frame = desk.frame(view)
        limits = dict(view.limits)
        number = min(view.page + 1, pages(frame.chosen))
        seconds = f"{limits['online_s']:.3g} s" if "online_s" in limits else "any"
        percents = (
            f"{limits[name]:g} %" if name in limits else "any" for name in ("clean", "corrupted", "adversarial")
        )
        return (
            summary(frame, view), feasible(frame), parts.table(frame.chosen, view),
            f"page {number} of {pages(frame.chosen)}, {len(frame.chosen)} points",
            f"/files/brushed.csv{printed(view)}", seconds, *percents,
            parts.papers(desk.papers(view), view) if view.papers else [], _detail(desk, view),
        )  # fmt: skip

    @app.callback(Output("absent", "children"), VERSION)
    def absent(version: int | None) -> Any:
        return [part for study in desk.library.snapshot.studies.values() for part in parts.left_out(study)]


def _detail(desk: Desk, view: View) -> Any:
    """All of the selected point."""
    entry = desk.entry(view.point, view) if view.point else None
    if entry is None:
        return "Choose a point, in the plot or in the table, to see all that is known of it."
    folder = desk.folder(entry)
    files = {"mask": mask_file(folder, entry) is not None, "weights": weights_file(folder, entry) is not None}
    return parts.detail(detail_of(entry, view, home=shown(desk.library.home), **files))


def _figure(app: Dash, desk: Desk, name: str) -> None:
    @app.callback(
        Output(f"linked-{name}", "children"),
        Input(f"wanted-{name}", "data"), State("url", "search"), State("scheme", "data"),
        prevent_initial_call=True,
    )  # fmt: skip
    def draw(wanted: str, query: str | None, scheme: str) -> list[Any]:
        if not wanted:
            return []
        with desk.easel:
            found = desk.linked(name, desk.parse(query)[0], THEMES[scheme])
        return [parts.figure(f"{name}-{study}", study, one) for study, one in found]
