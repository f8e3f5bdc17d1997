"""The page in a real browser: what its scatter shows, what it asks for, and what its reader can do with it."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from visit import POINTS, TRIAL_MEASURED, Visit

from frontier.reports.theme import DARK, LIGHT
from frontier.web import scatter
from frontier.web.desk import Desk
from frontier.web.view import View

PLAIN = "?study=one&view="  # without linked views, which other tests look at
SCATTER = "document.querySelector('#scatter .js-plotly-plot')"
PLACES = "_fullData.filter(t => t.customdata).map(t => [Array.from(t.x), Array.from(t.y)])"


def test_the_page_shows_all_points_and_asks_nobody_else(visit: Visit) -> None:
    visit.open(anew=True)
    visit.says("#summary", "65 points")
    visit.says("#live", "65 points")
    assert visit.page.locator(POINTS).count() >= 65
    visit.says("#linked", "How it misleads")


def test_a_page_that_is_opened_paused_says_what_it_holds(visit: Visit) -> None:
    visit.open(f"{PLAIN}&paused=1", anew=True)
    visit.says("#live", "65 points")
    visit.says("#pause", "Go on")


def test_two_fronts_have_two_marks_and_several_studies_their_own(visit: Visit, desk: Desk) -> None:
    visit.open("?view=")
    entries = desk.frame(View()).entries
    marks = dict(visit.figure("_fullData.map(t => [t.name.replace('<br>', ' '), t.marker.symbol])"))
    of_its_study = "non-dominated in all objectives of its study"
    front, in_all = sum(e.front for e in entries), sum(e.point.nondominated for e in entries)
    assert 0 < front < in_all
    assert marks[f"{scatter.FRONT} ({front})"] == "diamond"
    assert marks[f"{of_its_study} ({in_all})"] == "circle-open"
    groups = [symbol for name, symbol in marks.items() if name.startswith(("one, ", "two, "))]
    assert len(set(groups)) == len(groups) == 6  # three methods in each of the studies
    visit.says("#summary", f"{front} on the front of this view; {in_all} {of_its_study}")


def test_axes_and_their_scales_are_chosen(visit: Visit) -> None:
    visit.open(PLAIN)
    visit.page.locator("#logs label", has_text="across").click()
    assert visit.wait_query("log_x") == "0"
    visit.settle()
    assert visit.figure("layout.xaxis.type") != "log"
    visit.page.click("#y")
    visit.page.get_by_role("option", name="corrupted (noise) accuracy").click()
    assert visit.wait_query("y") == "corrupted/noise"
    visit.settle()
    assert visit.figure("layout.yaxis.title.text") == "corrupted (noise) accuracy on validation (%)"


def test_a_click_opens_that_very_point(visit: Visit) -> None:
    visit.open(PLAIN)
    traces = visit.figure("_fullData.map(t => [t.name, t.customdata ? Array.from(t.customdata) : []])")
    key = next(data for _, data in traces if data)[2]
    place = visit.page.locator("#scatter .scatterlayer .trace").first.locator("path.point").nth(2).bounding_box()
    visit.page.mouse.click(place["x"] + place["width"] / 2, place["y"] + place["height"] / 2)
    visit.says("#detail-title", f"Point {key}")
    assert visit.wait_query("point") == key
    detail = visit.page.inner_text("#detail")
    for words in (
        "validation images", "penalty", "of that linear layers", "of that ReLUs and squares", "offline", "client sends",
        "health checks", "fidelity", "seed", "code", "frontier trial",
    ):  # fmt: skip
        assert words in detail
    names = [link.get_attribute("download") is not None for link in visit.page.locator("#detail a").all()]
    assert len(names) == 4  # spec, mask, card, CSV: the weights of these are not kept
    with visit.page.expect_download() as downloading:
        visit.page.click("#download-mask")
    assert downloading.value.suggested_filename == f"one-{key.partition(':')[2]}-mask.safetensors"


def test_a_point_in_a_brush_can_be_clicked(visit: Visit, desk: Desk) -> None:
    visit.open(f"{PLAIN}&brush=1000.0,100000.0,50.0,80.0")
    inside = desk.frame(View(studies=("one",), brush=(1e3, 1e5, 50.0, 80.0))).chosen
    traces = visit.figure("_fullData.map(t => t.customdata ? Array.from(t.customdata) : [])")
    at, keys = next((at, keys) for at, keys in enumerate(traces) if inside[0].key in keys)
    marks = visit.page.locator("#scatter .scatterlayer .trace").nth(at).locator("path.point")
    place = marks.nth(keys.index(inside[0].key)).bounding_box()
    visit.page.mouse.click(place["x"] + place["width"] / 2, place["y"] + place["height"] / 2)
    visit.says("#detail-title", f"Point {inside[0].key}")
    assert visit.query("brush") == ["1000.0,100000.0,50.0,80.0"]


def test_there_is_one_brush_however_it_is_drawn(visit: Visit) -> None:
    visit.open(PLAIN)
    visit.drag(0.35, 0.15, 0.55, 0.8)
    visit.says("#summary", "brushed")
    visit.page.keyboard.down("Shift")
    visit.drag(0.6, 0.1, 0.9, 0.7)
    visit.page.keyboard.up("Shift")
    visit.page.wait_for_function(f"() => {SCATTER}.layout.selections.length === 1")
    ends = f"{SCATTER}.layout.selections.flatMap(s => [s.x0, s.x1]).sort((a, b) => a - b)"
    told = "new URLSearchParams(location.search).get('brush').split(',').map(Number)"
    visit.page.wait_for_function(f"() => {ends}.every((end, i) => Math.abs({told}[i] / end - 1) < 1e-4)")
    visit.settle()
    drawn = f"{SCATTER}._fullData.filter(t => t.customdata).reduce((n, t) => n + (t.selectedpoints ?? []).length, 0)"
    said = "document.querySelector('#pages').innerText"
    visit.page.wait_for_function(f"() => {said}.includes(`, ${{{drawn}}} points`)")


def test_the_page_offers_to_send_nothing_anywhere(visit: Visit) -> None:
    visit.open("?study=one&view=clean_vs_relus")
    offered = visit.page.locator(".modebar-btn").evaluate_all("(all) => all.map((one) => one.dataset.title)")
    assert len(offered) >= 6
    assert not [title for title in offered if "cloud" in title.lower() or "share" in title.lower()]


def test_what_is_brushed_is_what_is_downloaded(visit: Visit) -> None:
    visit.open(PLAIN)
    visit.drag(0.35, 0.15, 0.75, 0.8)
    visit.says("#summary", "brushed")
    with visit.settle().page.expect_download() as downloading:
        visit.page.click("#csv")
    lines = list(csv.DictReader(io.StringIO(Path(downloading.value.path()).read_text())))
    traces = visit.figure("_fullData.filter(t => t.customdata).map(t => [Array.from(t.customdata), t.selectedpoints])")
    drawn = {keys[i] for keys, selected in traces for i in selected}
    assert 0 < len(drawn) < 40
    assert {line["point"] for line in lines} == drawn
    assert len(lines) == len(drawn)
    assert set(visit.keys()) <= drawn
    x0, x1, y0, y1 = map(float, visit.wait_query("brush").split(","))
    assert all(x0 <= float(line["relu_count"]) <= x1 and y0 <= 100 * float(line["clean"]) <= y1 for line in lines)


def test_a_brush_can_be_typed(visit: Visit, desk: Desk) -> None:
    visit.open(PLAIN)
    for name, text in (("brush-x0", "1000"), ("brush-x1", "100000"), ("brush-y0", "50"), ("brush-y1", "80")):
        visit.page.fill(f"#{name}", text)
        visit.page.press(f"#{name}", "Enter")
    expected = desk.frame(View(studies=("one",), brush=(1e3, 1e5, 50.0, 80.0))).chosen
    visit.says("#pages", f"{len(expected)} points")
    assert set(visit.keys()) <= {entry.key for entry in expected}
    visit.page.click("#clear")
    visit.says("#pages", "40 points")


BOXES = "layout.selections?.length ?? 0"
FADED = "_fullData.filter(t => t.customdata && t.selectedpoints).length"


def test_a_drawn_brush_can_be_taken_away_and_comes_back(visit: Visit) -> None:
    visit.open(PLAIN)
    visit.drag(0.35, 0.15, 0.75, 0.8)
    visit.says("#summary", "brushed")
    drawn = visit.settle().wait_query("brush")
    assert (visit.figure(BOXES), visit.figure(FADED) > 0) == (1, True)
    visit.page.click("#clear")
    visit.says("#pages", "40 points")
    assert (visit.settle().figure(BOXES), visit.figure(FADED)) == (0, 0)
    pages = visit.page.evaluate("history.length")
    visit.page.go_back()
    visit.says("#summary", "brushed")
    assert (visit.settle().query("brush"), visit.figure(BOXES)) == ([drawn], 1)
    visit.page.go_back()
    visit.says("#pages", "40 points")
    assert (visit.settle().query("brush"), visit.figure(BOXES)) == ([], 0)
    assert visit.page.evaluate("history.length") == pages
    visit.page.go_forward()
    visit.says("#summary", "brushed")
    assert (visit.settle().query("brush"), visit.figure(BOXES)) == ([drawn], 1)


def test_a_double_click_takes_a_brush_away_that_came_with_the_address(visit: Visit) -> None:
    visit.open(f"{PLAIN}&brush=1000,60000,50,90")
    visit.says("#summary", "brushed")
    place = visit.page.locator("#scatter .nsewdrag").first.bounding_box()
    visit.page.mouse.dblclick(place["x"] + 0.02 * place["width"], place["y"] + 0.03 * place["height"])
    visit.says("#pages", "40 points")
    assert (visit.settle().query("brush"), visit.figure(BOXES)) == ([], 0)


def test_an_address_of_ones_own_does_not_stand_in_the_way_back(visit: Visit) -> None:
    visit.open(PLAIN)
    visit.open(f"{PLAIN}&limit_clean=101&brush=1000,60000,50,90&page=9")
    visit.says("#notes", "'101' is no limit of clean accuracy, from 0 to 100 %")
    visit.says("#summary", "brushed")
    visit.settle().page.go_back()
    visit.says("#pages", "40 points")
    assert visit.settle().page.url.endswith(PLAIN)


def test_ends_typed_after_a_box_was_drawn_stay_as_they_were_typed(visit: Visit) -> None:
    visit.open(PLAIN)
    visit.drag(0.35, 0.15, 0.75, 0.8)
    visit.says("#summary", "brushed")
    ends = visit.settle().wait_query("brush").split(",")
    visit.page.fill("#brush-x1", "100000")
    visit.page.press("#brush-x1", "Enter")
    visit.page.wait_for_url("**/*100000*")
    assert visit.settle().wait_query("brush").split(",") == [ends[0], "100000.0", *ends[2:]]
    visit.page.locator("#protocol label", has_text="cheetah").click()
    visit.wait_query("price")
    assert visit.settle().wait_query("brush").split(",") == [ends[0], "100000.0", *ends[2:]]


def test_a_deep_link_restores_the_view_in_a_new_tab(browser: Any, url: str, desk: Desk) -> None:
    query = (
        "?study=one&x=online_s&y=adversarial&price=delphi%2Fwan&limit_clean=60.0&brush=1.0,8.0,0.0,30.0&point=one:3"
        "&view=clean_vs_relus"
    )
    visit = Visit(browser.new_page(), url).open(query)
    view, _ = desk.parse(query)
    frame = desk.frame(view)
    visit.says("#summary", f"{len(frame.chosen)} brushed")
    visit.says("#detail-title", "Point one:3")
    assert visit.page.locator("#protocol input:checked").get_attribute("value") == "delphi"
    assert visit.page.locator("#limit-clean [role=slider]").get_attribute("aria-valuenow") == "60"
    assert visit.page.input_value("#brush-x1") == "8"
    assert visit.figure("layout.selections.length") == 1
    visit.says("#feasible", f"{sum(e.feasible for e in frame.entries)} of 40")
    assert visit.problems == []
    visit.page.close()


def test_what_an_address_says_and_nobody_knows_is_noted(visit: Visit) -> None:
    visit.open("?x=beauty&point=one:99999&study=two&view=")
    visit.says("#notes", "'beauty' is no x that is known here")
    visit.says("#notes", "There is no point one:99999")
    visit.says("#summary", "25 points")


def test_a_view_that_nobody_knows_is_no_wish_for_none(visit: Visit) -> None:
    visit.open("?study=one&view=none")
    visit.says("#notes", "'none' is no view that is known here")
    visit.says("#linked-parallel_coordinates", "All that is traded")


def test_another_protocol_changes_seconds_and_no_accuracy(visit: Visit) -> None:
    visit.open(f"{PLAIN}&x=online_s")
    before = visit.figure(PLACES)
    visit.page.locator("#protocol label", has_text="delphi").click()
    visit.says("#summary", "changed rank by seconds since crypten/lan")
    after = visit.settle().figure(PLACES)
    assert any(name.startswith("rank changed") for name in visit.figure("_fullData.map(t => t.name)"))
    assert [y for _, y in before] == [y for _, y in after]
    assert all(a != b for one, other in zip(before, after, strict=True) for a, b in zip(one[0], other[0], strict=True))


def test_a_network_of_ones_own_prices_all_points_anew(visit: Visit) -> None:
    visit.open(f"{PLAIN}&x=online_s")
    before = visit.figure(PLACES)
    visit.page.fill("#rtt", "80")
    visit.page.press("#rtt", "Enter")
    assert visit.wait_query("price") == "crypten/80,3000"
    after = visit.settle().figure(PLACES)
    assert all(
        b > a + 1 for one, other in zip(before, after, strict=True) for a, b in zip(one[0], other[0], strict=True)
    )
    assert visit.page.locator("#link input:checked").get_attribute("value") == "other"
    visit.page.locator("#link label", has_text="WAN").click()
    visit.says("#summary", "crypten/wan, a model's")


def test_measured_seconds_are_no_model(visit: Visit) -> None:
    visit.open(f"{PLAIN}&x=measured_s", wait="#summary")
    visit.says("#summary", "0 points")
    visit.says("#summary", "40 not shown, for they have no 'measured online time'")


def test_what_was_measured_stands_beside_what_the_model_says(visit: Visit, desk: Desk) -> None:
    key = f"two:{TRIAL_MEASURED}"
    visit.open(f"?study=two&view=&x=measured_s&y=online_s&point={key}")
    (entry,) = desk.frame(View(studies=("two",), x="measured_s", y="online_s")).entries
    assert entry.key == key
    assert entry.measured_s == pytest.approx(1.5 * entry.cost.online_s)
    assert visit.figure(PLACES) == [[[entry.measured_s], [entry.cost.online_s]]]
    visit.says("#summary", "1 points")
    visit.says("#summary", "24 not shown, for they have no 'measured online time'")
    assert visit.terms("#detail")["measured, online"] == f"{entry.measured_s:.3g} s"
    assert visit.terms("#detail")["online"] == f"{entry.cost.online_s:.3g} s"
    visit.page.locator("#link label", has_text="WAN").click()  # nobody measured over that
    visit.says("#summary", "25 not shown")
    assert visit.settle().terms("#detail")["measured, online"] == "not measured over this link"


def test_limits_count_what_is_feasible_and_find_the_cheapest(visit: Visit, desk: Desk) -> None:
    visit.open(PLAIN)
    visit.page.locator("#limit-clean [role=slider]").press("End")
    visit.says("#limit-clean-said", "100 %")
    assert visit.page.locator("#feasible").inner_text().startswith("0 of 40 points are feasible")
    visit.settle().open(f"{PLAIN}&limit_clean=75.5")
    visit.page.locator("#limit-clean [role=slider][aria-valuenow='75.5']").press("ArrowLeft")
    visit.says("#limit-clean-said", "75 %")
    assert visit.query("limit_clean") == ["75.0"]
    expected = [e for e in desk.frame(View(studies=("one",), limits=(("clean", 75.0),))).entries if e.feasible]
    visit.says("#feasible", f"{len(expected)} of 40 points are feasible")
    visit.page.click("#cheapest")
    best = min(expected, key=lambda entry: entry.cost.online_s or 0.0)
    visit.says("#detail-title", f"Point {best.key}")


def test_sliders_are_called_what_they_limit_and_where_they_stand(visit: Visit) -> None:
    visit.open(f"{PLAIN}&limit_clean=75.5&limit_online_s=0.25")
    stands = {"clean": "75.5 %", "corrupted": "any", "adversarial": "any"}
    stands = {f"At least {name}": text for name, text in stands.items()} | {"At most seconds": "0.25 s"}
    for name, text in stands.items():
        slider = visit.page.get_by_role("slider", name=name, exact=True)
        assert visit.page.inner_text(f"#{slider.get_attribute('aria-describedby')}") == text


def test_what_papers_report_lies_beside_and_is_joined_to_nothing(visit: Visit, desk: Desk) -> None:
    visit.open(PLAIN)
    visit.page.locator("#papers label").click()
    assert visit.wait_query("papers") == "1"
    found = desk.papers(View(studies=("one",), papers=True))
    expected = found.placed
    assert {one.of.kind for one in expected} == {"identity", "quadratic", "new_architecture"}
    visit.says("#papers-said", f"{len(expected)} results of papers")
    overlaid = "_fullData.filter(t => t.legend === 'legend2').map(t => [t.name, t.mode, t.marker.symbol, t.x.length])"
    traces = visit.settle().figure(overlaid)
    assert {mode for _, mode, _, _ in traces} == {"markers"}
    assert sum(count for *_, count in traces) == len(expected)
    assert all(("second-hand" in name) is symbol.endswith("-dot") for name, _, symbol, _ in traces)
    assert len({symbol for _, _, symbol, _ in traces}) == len(traces) >= 3
    rows = visit.rows("#papers-said")
    assert [row["in the plot"] for row in rows] == ["yes"] * len(expected) + ["no"] * len(found.left)
    assert [row["source"] for row in rows] == [one.sources for one in (*(one.of for one in expected), *found.left)]
    assert found.left
    visit.says("#papers-said", f"{len(found.left)} more do not say both")
    visit.open(f"{PLAIN}&papers=1&y=adversarial")
    visit.says("#papers-said", "Papers report no 'adversarial accuracy on validation'")


def test_a_papers_number_is_second_hand_where_it_is_and_says_what_must_be_known(visit: Visit, desk: Desk) -> None:
    visit.open(f"{PLAIN}&papers=1")
    rows = visit.rows("#papers-said")
    snl = [row for row in rows if row["method"] == "snl" and row["test accuracy (%)"] in ("88.23", "92.63")]
    assert {row["second-hand"] for row in snl} == {"its seconds"}
    assert all(
        row["source"].startswith("Cho et al.") and "figures/pareto_curve_snl.png" in row["source"] for row in snl
    )
    autorep = {row["note"] for row in rows if row["method"] == "autorep" and row["ReLUs"].startswith("1,800")}
    assert len(autorep) > 1
    by_count = {one.of.accuracy_percent: one.quoted for one in desk.papers(View(papers=True)).placed}
    by_seconds = {one.of.accuracy_percent: one.quoted for one in desk.papers(View(papers=True, x="online_s")).placed}
    assert (by_count[88.23], by_seconds[88.23]) == (False, True)
    for text in ("What they report of whole networks", "What they claim without the figures behind it"):
        visit.says("#papers-said", text)
    visit.page.locator("#papers-said summary", has_text="claim").click()
    visit.says("#papers-said details[open]", "rlnet")


def test_the_keyboard_reaches_everything(visit: Visit) -> None:
    visit.open(PLAIN, anew=True)
    visit.page.keyboard.press("Tab")
    assert visit.page.evaluate("document.activeElement.className") == "skip"
    visit.page.evaluate(
        "window.reached = []; document.addEventListener('focusin', "
        "({ target }) => window.reached.push((target.closest('[id]') || target).id))"
    )
    for _ in range(110):
        visit.page.keyboard.press("Tab")
    reached = set(visit.page.evaluate("window.reached"))
    assert {"limit-clean", "cheapest", "brush-x0", "clear", "csv", "next"} <= reached
    first = visit.page.locator("#table tbody th button").first
    first.focus()
    key = first.inner_text()
    visit.page.keyboard.press("Enter")
    visit.says("#detail-title", f"Point {key}")


def test_the_table_mirrors_the_plot(visit: Visit, desk: Desk) -> None:
    visit.open(PLAIN)
    entries = desk.frame(View(studies=("one",))).entries
    assert visit.keys() == [entry.key for entry in entries[:25]]
    visit.page.click("#next")
    visit.says("#pages", "page 2 of 2")
    assert visit.settle().keys() == [entry.key for entry in entries[25:]]


@pytest.mark.parametrize(("scheme", "theme"), [("dark", DARK), ("light", LIGHT)])
def test_the_page_is_light_or_dark_as_its_reader_is(visit: Visit, scheme: str, theme: Any) -> None:
    visit.page.emulate_media(color_scheme=scheme)
    visit.open(PLAIN)
    assert visit.figure("layout.font.color") == theme.ink
    red, green, blue = (int(theme.paper[i : i + 2], 16) for i in (1, 3, 5))
    assert visit.page.evaluate("getComputedStyle(document.body).backgroundColor") == f"rgb({red}, {green}, {blue})"
