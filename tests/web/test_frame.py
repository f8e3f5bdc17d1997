"""What a view makes of points: two different fronts, limits, brush, ranks under two prices, and its rows."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from visit import TRIAL_MEASURED

from frontier.api.price import price_study
from frontier.latency._link import NAMED
from frontier.reports.theme import DARK, LIGHT
from frontier.web import controls, said, scatter
from frontier.web.axes import AXES, Cost
from frontier.web.desk import Desk
from frontier.web.detail import detail_of
from frontier.web.frame import cheapest, ranked
from frontier.web.library import Library
from frontier.web.rows import csv_of, page_of
from frontier.web.view import Setting, View

WAN = Setting(protocol="delphi", link=NAMED["wan"])
ONE = View(studies=("one",))


def test_every_point_of_the_chosen_studies_is_there_once(desk: Desk) -> None:
    assert len({entry.key for entry in desk.frame(View()).entries}) == 65
    assert {entry.study for entry in desk.frame(ONE).entries} == {"one"}
    assert {entry.point.record.spec.seed for entry in desk.frame(View(seeds=(1,))).entries} == {1}


def test_front_of_this_view_and_non_dominated_in_all_are_different_sets(desk: Desk) -> None:
    entries = desk.frame(ONE).entries
    front = {entry.key for entry in entries if entry.front}
    in_all = {entry.key for entry in entries if entry.point.nondominated}
    assert front < in_all
    for entry in entries:
        beaten = any((o.x <= entry.x and o.y > entry.y) or (o.x < entry.x and o.y >= entry.y) for o in entries)
        assert entry.front is not beaten


def test_the_two_fronts_have_two_different_markers(desk: Desk) -> None:
    traces = {trace.name.rpartition(" (")[0]: trace for trace in scatter.draw(desk.frame(ONE), ONE, LIGHT).data}
    front, in_all = traces[scatter.FRONT], traces["non-dominated in all objectives"]
    assert front.marker.symbol != in_all.marker.symbol
    assert front.marker.color != in_all.marker.color
    assert (len(front.x), len(in_all.x)) == tuple(
        sum(marks) for marks in zip(*((e.front, e.point.nondominated) for e in desk.frame(ONE).entries), strict=True)
    )


def test_groups_differ_by_symbol_and_not_by_colour_alone(desk: Desk) -> None:
    for theme in (LIGHT, DARK):
        figure = scatter.draw(desk.frame(View()), View(), theme)
        grouped = [trace for trace in figure.data if trace.customdata is not None]
        assert len({trace.marker.symbol for trace in grouped}) == len(grouped) == 6  # three methods in two studies
        assert sum(len(trace.customdata) for trace in grouped) == 65


def test_many_points_are_drawn_by_webgl(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    assert {trace.type for trace in scatter.draw(desk.frame(ONE), ONE, LIGHT).data} == {"scatter"}
    monkeypatch.setattr(scatter, "MOST_SVG", 10)
    assert {trace.type for trace in scatter.draw(desk.frame(ONE), ONE, LIGHT).data} == {"scattergl"}


def test_another_price_changes_seconds_and_ranks_and_no_accuracy(desk: Desk) -> None:
    before = View(studies=("one",), x="online_s")
    after = controls.repriced(before, WAN)
    one, other = desk.frame(before).entries, desk.frame(after).entries
    assert [entry.y for entry in one] == [entry.y for entry in other]
    assert all(a.x != b.x for a, b in zip(one, other, strict=True))
    assert after.before == before.setting
    moved = [entry for entry in other if entry.moved]
    assert moved
    assert all(entry.rank != entry.rank_before for entry in moved)
    assert not any(entry.moved for entry in one)
    figure = scatter.draw(desk.frame(after), after, LIGHT)
    assert any(trace.name == f"{scatter.MOVED} ({len(moved)})" for trace in figure.data)
    groups = [trace for trace in figure.data if trace.customdata is not None]
    outlined = {key for trace in groups for key, w in zip(trace.customdata, trace.marker.line.width, strict=True) if w}
    assert outlined == {entry.key for entry in moved}
    front = next(trace for trace in figure.data if trace.name.startswith(scatter.FRONT))  # drawn over the others
    assert sum(w > 0 for w in front.marker.line.width) == sum(entry.front and entry.moved for entry in other)
    plain = scatter.draw(desk.frame(before), before, LIGHT).data
    assert {trace.marker.line.width for trace in plain if trace.customdata is not None} == {0}


def test_where_a_protocol_has_no_price_no_rank_has_changed(desk: Desk) -> None:
    view = controls.repriced(View(studies=("one",)), Setting(protocol="cryptflow2"))  # which has none for a LAN
    entries = desk.frame(view).entries
    assert [entry.cost.online_s for entry in entries] == [None] * 40
    assert "0 changed rank" in said.summary(desk.frame(view), view)


def test_a_front_over_different_questions_is_warned_of(desk: Desk) -> None:
    frame = desk.frame(View())
    assert "cannot be compared" not in said.summary(frame, View())
    first = frame.entries[0]
    record = first.point.record
    spec = record.spec.model_copy(update={"data": record.spec.data.model_copy(update={"name": "digits"})})
    other = replace(first, point=replace(first.point, record=record.model_copy(update={"spec": spec})))
    mixed = replace(frame, entries=(other, *frame.entries[1:]))
    assert "resnet18 on cifar10, resnet18 on digits compares what cannot be compared" in said.summary(mixed, View())


def test_seconds_are_those_of_frontier_price(desk: Desk, home: Path) -> None:
    priced = {p.found.address: p.price for p in price_study("two", protocol="delphi", link="wan", home=home)}
    view = View(studies=("two",), x="online_s", setting=WAN)
    entries = {entry.point.address: entry for entry in desk.frame(view).entries}
    assert priced
    for address, price in priced.items():
        assert price is not None
        assert entries[address].x == price.online_s


def test_equal_seconds_share_a_rank() -> None:
    assert ranked([Cost(2.0), Cost(1.0), Cost(), Cost(2.0), Cost(3.0)]) == [2, 1, None, 2, 4]


def test_limits_and_the_cheapest_that_keeps_to_them(desk: Desk) -> None:
    view = View(studies=("one",), limits=(("clean", 80.0), ("online_s", 2.0)))
    entries = desk.frame(view).entries
    fit = [e for e in entries if e.point.point.validation.clean.value >= 0.8 and (e.cost.online_s or math.inf) <= 2.0]
    assert [e.key for e in entries if e.feasible] == [e.key for e in fit]
    best = cheapest(entries)
    assert best is not None
    assert best.cost.online_s == min(e.cost.online_s for e in fit if e.cost.online_s is not None)
    assert controls.pressed(view, "cheapest", desk.frame(view)).point == best.key
    nothing = View(limits=(("clean", 101.0),))
    assert cheapest(desk.frame(nothing).entries) is None
    assert controls.pressed(nothing, "cheapest", desk.frame(nothing)) == nothing


def test_what_breaks_a_constraint_of_its_study_is_not_feasible(tmp_path: Path, synthetic: Any) -> None:
    study = synthetic.write_study(tmp_path, "bound", 12)
    manifest = study.manifest()
    bound = {**manifest.space, "constraints": ["clean >= 0.7"]}
    (study.folder / "study.json").write_text(manifest.model_copy(update={"space": bound}).model_dump_json())
    library = Library(tmp_path, ("bound",))
    library.refresh()
    frame = Desk(library).frame(View())
    kept = [e for e in frame.entries if e.point.point.validation.clean.value >= 0.7]
    assert 0 < len(kept) < len(frame.entries) == 12
    assert [e for e in frame.entries if e.feasible] == kept
    found = cheapest(frame.entries)
    assert found in kept
    assert said.feasible(frame) == (
        f"{len(kept)} of 12 points are feasible; {12 - len(kept)} break a constraint of their study; "
        f"the cheapest is {found.key}"
    )


def test_what_cannot_be_done_is_said(desk: Desk) -> None:
    frame = desk.frame(View(limits=(("clean", 100.0),)))
    shown = controls.values(View(), desk.known, frame)
    assert controls.refused("cheapest", shown, frame) == ("No point is feasible, so none is the cheapest.",)
    assert "all of them" in controls.refused("studies", {**shown, "studies": []}, frame)[0]
    assert "below" in controls.refused("link", {**shown, "link": controls.OTHER}, frame)[0]
    assert all(controls.refused(name, shown, desk.frame(View())) == () for name in (*controls.CONTROLS, "cheapest"))


def test_the_brush_is_its_table_and_its_csv(desk: Desk) -> None:
    view = View(brush=(1e3, 1e5, 60.0, 80.0))
    frame = desk.frame(view)
    expected = [e.key for e in desk.frame(View()).entries if 1e3 <= e.x <= 1e5 and 60 <= e.y <= 80]
    assert 0 < len(expected) < 65
    assert [entry.key for entry in frame.chosen] == expected
    lines = list(csv.DictReader(io.StringIO(csv_of(frame.chosen, view.setting))))
    assert [line["point"] for line in lines] == expected
    assert all(1e3 <= float(line["relu_count"]) <= 1e5 and 0.6 <= float(line["clean"]) <= 0.8 for line in lines)
    assert page_of(frame.chosen, 99)  # a page beyond the last is the last


def test_no_cell_of_a_csv_is_a_formula(desk: Desk, synthetic: Any) -> None:
    (entry, *_) = desk.frame(View()).entries
    spec = entry.point.record.spec.model_copy(update={"method": "=1+1"})
    record = entry.point.record.model_copy(update={"spec": spec})
    point = type(entry.point)(**{**vars(entry.point), "record": record})
    line = csv_of([type(entry)(**{**vars(entry), "point": point})], View().setting).splitlines()[1]
    assert "'=1+1" in line


def test_what_is_zero_stands_apart_on_a_logarithmic_axis(desk: Desk) -> None:
    view = View(x="online_s", log_x=True)
    assert desk.frame(view).zeros == (None, None)
    assert AXES["relu_count"].log


@pytest.mark.parametrize("seconds", [0.05, 1.0, 7.5])
def test_a_slider_of_seconds_stands_where_it_was_put(seconds: float) -> None:
    ends = (0.01, 10.0)
    place = controls.position(seconds, ends)
    assert controls.seconds_at(place, ends) == pytest.approx(seconds, rel=0.01)


def test_controls_show_what_they_set(desk: Desk) -> None:
    known, frame = desk.known, desk.frame(View())
    shown = controls.values(View(), known, frame)
    changes = {
        "x": "online_s", "y": "corrupted/noise", "colour": "seed", "protocol": "delphi", "link": "wan", "mbit": "10",
        "limit-clean": 75.0, "limit-online_s": 40.0, "seeds": "1, 2", "views": ["clean_vs_relus"], "logs": ["x", "y"],
        "studies": ["two"],
    }  # fmt: skip
    for name, value in changes.items():
        view = controls.changed(View(), name, {**shown, name: value}, known, frame)
        again = controls.values(view, known, frame)[name]
        wanted = {"seeds": "1 2"}.get(name, value)
        assert again == pytest.approx(wanted, abs=1) if name == "limit-online_s" else again == wanted
        assert controls.changed(view, name, controls.values(view, known, frame), known, frame) in (
            view,
            view.model_copy(),
        )


def test_a_legends_mark_is_as_opaque_as_the_groups_best_points(desk: Desk) -> None:
    view = View(limits=(("clean", 75.0),))
    for trace in scatter.draw(desk.frame(view), view, LIGHT).data:
        if trace.customdata is not None:
            opacities = list(trace.marker.opacity) if not isinstance(trace.marker.opacity, float) else [1.0]
            assert opacities[0] == max(opacities)


def test_a_plot_without_points_says_why_and_has_no_axes(desk: Desk) -> None:
    view = View(seeds=(99,))
    figure = scatter.draw(desk.frame(view), view, LIGHT)
    assert (figure.layout.xaxis.visible, figure.layout.yaxis.visible) == (False, False)
    assert figure.layout.annotations[0].text == said.alt(desk.frame(view), view)
    assert "one of these seeds" in said.alt(desk.frame(view), view)


def test_what_was_not_measured_says_why(desk: Desk) -> None:
    def told(key: str, setting: Setting) -> str:
        view = View(setting=setting)
        sections = detail_of(desk.frame(view).by_key[key], view, home="results", mask=False, weights=False).sections
        return dict(line for section in sections for line in section.lines)["measured, online"]

    measured, lan, wan = f"two:{TRIAL_MEASURED}", NAMED["lan"], NAMED["wan"]
    assert told(measured, Setting(protocol="crypten", link=lan)).endswith(" s")
    assert told(measured, Setting(protocol="crypten", link=wan)) == "not measured over this link"
    assert told(measured, Setting(protocol="delphi", link=lan)) == "not measured under this protocol"
    assert told("one:1", Setting(protocol="crypten", link=lan)) == "not measured"


def test_a_legend_is_as_high_as_its_lines_and_takes_nothing_from_the_plot(desk: Desk) -> None:
    few, many = [f"method {i} (3)" for i in range(5)], [f"a study of some length, method {i} (3)" for i in range(24)]
    assert scatter.lines(few) <= scatter.LINES
    assert scatter.lines(many) == 12  # two columns
    assert scatter.lines([*many, "two<br>lines"]) == 14
    figure = scatter.draw(desk.frame(View()), View(colour="seed"), LIGHT)
    layout = figure.layout
    room = layout.height - layout.margin.b - layout.margin.t
    assert room == scatter.HEIGHT - scatter.BELOW - layout.margin.t
