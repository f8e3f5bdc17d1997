"""The page in a real browser: what it shows, what it asks for, and what its reader can do with it."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from frontier import registry
from frontier.reports.theme import DARK, LIGHT
from frontier.web.desk import Desk
from frontier.web.view import View

WAIT_MS = 30_000
POINTS = "#scatter .scatterlayer path.point"


class Visit:
    """A page of its own, and all that went wrong on it."""

    def __init__(self, page: Any, url: str) -> None:
        self.page, self.url = page, url
        self.problems: list[str] = []
        page.set_default_timeout(WAIT_MS)
        page.on("console", lambda said: said.type in ("error", "warning") and self.problems.append(said.text))
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("request", lambda asked: self._asked(asked.url))

    def _asked(self, url: str) -> None:
        if not url.startswith((self.url, "data:", "blob:")):
            self.problems.append(f"asked for {url}")

    def open(self, query: str = "") -> Visit:
        self.page.goto(self.url + query)
        self.page.wait_for_selector(POINTS)
        self.says("#summary", "points")
        return self

    def says(self, place: str, text: str) -> None:
        """Waits until an element says so."""
        self.page.locator(place, has_text=text).first.wait_for()

    def query(self, name: str) -> list[str]:
        return parse_qs(urlsplit(self.page.url).query).get(name, [])

    def wait_query(self, name: str) -> str:
        self.page.wait_for_url(lambda url: name in parse_qs(urlsplit(url).query))
        return self.query(name)[-1]

    def table(self) -> list[str]:
        return [text.strip() for text in self.page.locator("#table tbody th").all_inner_texts()]

    def figure(self, path: str) -> Any:
        """A part of the figure as plotly holds it."""
        return self.page.evaluate(f"document.querySelector('#scatter .js-plotly-plot').{path}")


@pytest.fixture
def visit(browser: Any, url: str) -> Iterator[Visit]:
    context = browser.new_context(viewport={"width": 1400, "height": 1000})
    found = Visit(context.new_page(), url)
    yield found
    context.close()
    assert found.problems == []


def test_the_page_shows_all_points_and_asks_nobody_else(visit: Visit) -> None:
    visit.open()
    visit.says("#summary", "65 points")
    visit.says("#live", "65 points")
    assert visit.page.locator(POINTS).count() >= 65
    visit.says("#linked", "How it misleads")


def test_a_click_opens_that_very_point(visit: Visit) -> None:
    visit.open("?study=one")
    traces = visit.figure("_fullData.map(t => [t.name, t.customdata ? Array.from(t.customdata) : []])")
    key = next(data for _, data in traces if data)[2]
    place = visit.page.locator("#scatter .scatterlayer .trace").first.locator("path.point").nth(2).bounding_box()
    visit.page.mouse.click(place["x"] + place["width"] / 2, place["y"] + place["height"] / 2)
    visit.says("#detail-title", f"Point {key}")
    assert visit.wait_query("point") == key
    detail = visit.page.inner_text("#detail")
    for words in ("validation images", "penalty", "of that linear layers", "health checks", "seed", "frontier trial"):
        assert words in detail
    visit.says("#detail", "Kept ReLUs by layer")


def test_what_is_brushed_is_what_is_downloaded(visit: Visit) -> None:
    visit.open("?study=one")
    plot = visit.page.locator("#scatter .nsewdrag").first.bounding_box()
    mouse = visit.page.mouse
    mouse.move(plot["x"] + 0.35 * plot["width"], plot["y"] + 0.15 * plot["height"])
    mouse.down()
    mouse.move(plot["x"] + 0.5 * plot["width"], plot["y"] + 0.5 * plot["height"], steps=4)
    mouse.move(plot["x"] + 0.75 * plot["width"], plot["y"] + 0.8 * plot["height"], steps=4)
    mouse.up()
    visit.says("#summary", "brushed")
    with visit.page.expect_download() as downloading:
        visit.page.click("#csv")
    lines = list(csv.DictReader(io.StringIO(Path(downloading.value.path()).read_text())))
    traces = visit.figure("_fullData.filter(t => t.customdata).map(t => [Array.from(t.customdata), t.selectedpoints])")
    drawn = {keys[i] for keys, selected in traces for i in selected}
    assert 0 < len(drawn) < 40
    assert {line["point"] for line in lines} == drawn
    assert len(lines) == len(drawn)
    assert set(visit.table()) <= drawn
    x0, x1, y0, y1 = map(float, visit.wait_query("brush").split(","))
    assert all(x0 <= float(line["relu_count"]) <= x1 and y0 <= 100 * float(line["clean"]) <= y1 for line in lines)


def test_a_deep_link_restores_the_view_in_a_new_tab(visit: Visit, desk: Desk) -> None:
    query = "?study=one&x=online_s&y=adversarial&price=delphi%2Fwan&limit_clean=60.0&brush=1.0,8.0,0.0,30.0&point=one:3"
    visit.open(query)
    view, _ = desk.parse(query)
    frame = desk.frame(view)
    visit.says("#summary", f"{len(frame.chosen)} brushed")
    visit.says("#detail-title", "Point one:3")
    assert visit.page.locator("#protocol input:checked").get_attribute("value") == "delphi"
    assert visit.page.locator("#limit-clean [role=slider]").get_attribute("aria-valuenow") == "60"
    assert visit.page.input_value("#brush-x1") == "8"
    assert visit.figure("layout.selections.length") == 1
    visit.says("#feasible", f"{sum(e.feasible for e in frame.entries)} of 40")


def test_what_an_address_says_and_nobody_knows_is_noted(visit: Visit) -> None:
    visit.open("?x=beauty&point=one:99999&study=two")
    visit.says("#notes", "'beauty' is no x that is known here")
    visit.says("#notes", "There is no point one:99999")
    visit.says("#summary", "25 points")


def test_another_protocol_changes_seconds_and_no_accuracy(visit: Visit) -> None:
    visit.open("?study=one&x=online_s")
    get = "_fullData.filter(t => t.customdata).map(t => [Array.from(t.x), Array.from(t.y)])"
    before = visit.figure(get)
    visit.page.locator("#protocol label", has_text="delphi").click()
    visit.says("#summary", "changed rank by seconds since crypten/lan")
    visit.page.wait_for_function(
        "document.querySelector('#scatter .js-plotly-plot')._fullData.some(t => t.name.startsWith('rank changed'))"
    )
    after = visit.figure(get)
    assert [y for _, y in before] == [y for _, y in after]
    assert all(a != b for one, other in zip(before, after, strict=True) for a, b in zip(one[0], other[0], strict=True))


def test_limits_count_what_is_feasible_and_find_the_cheapest(visit: Visit, desk: Desk) -> None:
    visit.open("?study=one")
    visit.page.locator("#limit-clean [role=slider]").press("End")
    visit.says("#feasible", "0 of 40 points are feasible")
    visit.open("?study=one&limit_clean=75.5")
    visit.page.locator("#limit-clean [role=slider]").press("ArrowLeft")
    visit.says("#limit-clean-said", "75 %")
    assert visit.query("limit_clean") == ["75.0"]
    expected = [e for e in desk.frame(View(studies=("one",), limits=(("clean", 75.0),))).entries if e.feasible]
    visit.says("#feasible", f"{len(expected)} of 40 points are feasible")
    visit.page.click("#cheapest")
    best = min(expected, key=lambda entry: entry.cost.online_s or 0.0)
    visit.says("#detail-title", f"Point {best.key}")


def test_the_keyboard_reaches_everything(visit: Visit) -> None:
    visit.open("?study=one")
    visit.page.keyboard.press("Tab")
    assert visit.page.evaluate("document.activeElement.className") == "skip"
    reached = set()
    for _ in range(120):
        visit.page.keyboard.press("Tab")
        reached.add(visit.page.evaluate("(document.activeElement.closest('[id]') || document.activeElement).id"))
    assert {"limit-clean", "cheapest", "brush-x0", "clear", "csv", "next"} <= reached
    first = visit.page.locator("#table tbody th button").first
    first.focus()
    key = first.inner_text()
    visit.page.keyboard.press("Enter")
    visit.says("#detail-title", f"Point {key}")


def test_a_brush_can_be_typed(visit: Visit, desk: Desk) -> None:
    visit.open("?study=one")
    for name, text in (("brush-x0", "1000"), ("brush-x1", "100000"), ("brush-y0", "50"), ("brush-y1", "80")):
        visit.page.fill(f"#{name}", text)
        visit.page.press(f"#{name}", "Enter")
    expected = desk.frame(View(studies=("one",), brush=(1e3, 1e5, 50.0, 80.0))).chosen
    visit.says("#pages", f"{len(expected)} points")
    assert set(visit.table()) <= {entry.key for entry in expected}
    visit.page.click("#clear")
    visit.says("#pages", "40 points")


@pytest.mark.parametrize(("scheme", "theme"), [("light", LIGHT), ("dark", DARK)])
def test_the_page_is_light_or_dark_as_its_reader_is(visit: Visit, scheme: str, theme: Any) -> None:
    visit.page.emulate_media(color_scheme=scheme)
    visit.open("?study=one")
    assert visit.figure("layout.font.color") == theme.ink
    red, green, blue = (int(theme.paper[i : i + 2], 16) for i in (1, 3, 5))
    assert visit.page.evaluate("getComputedStyle(document.body).backgroundColor") == f"rgb({red}, {green}, {blue})"


def test_a_linked_figure_comes_when_it_is_asked_for(visit: Visit) -> None:
    visit.open("?study=one")
    visit.page.locator("#views label", has_text="clean vs seconds").first.click()
    visit.says("#linked", registry.load("figure", "clean_vs_seconds").TITLE)
    assert "clean_vs_seconds" in visit.query("view")


def test_every_figure_of_the_report_is_a_view(visit: Visit) -> None:
    names = registry.names("figure")
    visit.open("?study=one&" + "&".join(f"view={name}" for name in names))
    for name in names:
        visit.says(f"#linked-{name}", registry.load("figure", name).TITLE)
    assert {"mask_atlas", "parallel_coordinates", "knob_importance", "bands_over_seeds"} <= {*names}


def test_two_masks_are_laid_side_by_side(visit: Visit) -> None:
    visit.open("?study=one&view=mask_atlas&point=one:3")
    visit.page.get_by_text("Lay it beside another").click()
    assert visit.wait_query("beside") == "one:3"
    visit.page.locator("#table tbody th button", has_text="one:5").first.click()
    visit.says("#detail-title", "Point one:5")
    visit.says("#linked-mask_atlas", "kept by both")
    cells = visit.page.locator("#linked-mask_atlas tbody tr").first.locator("td").all_text_contents()
    assert cells[:2] == ["3", "5"]


def test_kept_relus_are_there_as_count_and_percent(visit: Visit) -> None:
    visit.open("?study=one&point=one:3&view=kept_relus_by_site")
    visit.says("#detail", "Kept ReLUs by layer")
    rows = visit.page.locator("#detail details tbody tr")
    assert rows.count() == 17
    _, kept, of, percent = rows.first.locator("td").all_inner_texts()
    assert percent == f"{100 * int(kept.replace(',', '')) / int(of.replace(',', '')):.3g}%"


def test_points_appear_while_a_search_runs(
    browser: Any, tmp_path: Path, synthetic: Any, serve: Callable[..., Any]
) -> None:
    study = synthetic.write_study(tmp_path, "live", 5)
    study.append_event({"event": "started", "ts": "1"})
    with serve(tmp_path, "live") as url:
        visit = Visit(browser.new_page(), url).open()
        visit.says("#live", "updated")
        for trial in range(5, 9):
            synthetic.write_trial(study, trial)
        visit.says("#summary", "9 points")
        visit.page.click("#pause")
        visit.says("#pause", "Go on")
        synthetic.write_trial(study, 9)
        visit.page.wait_for_timeout(3_000)
        assert "9 points" in visit.page.inner_text("#summary")
        visit.page.click("#pause")
        visit.says("#summary", "10 points")
        study.append_event({"event": "done", "ts": "2"})
        visit.says("#live", "live: the search is done")
        assert visit.problems == []
        visit.page.close()


def test_a_study_without_points_says_so(
    browser: Any, tmp_path: Path, synthetic: Any, serve: Callable[..., Any]
) -> None:
    synthetic.Study.create(tmp_path, synthetic.manifest("empty"), "")
    study = synthetic.write_study(tmp_path, "torn", 2)
    (study.trial_folder(1) / "record.json").write_text("{")
    with serve(tmp_path) as url:
        visit = Visit(browser.new_page(), url).open()
        visit.says("#absent", "empty has no point: it has no finished trial yet")
        visit.says("#absent", "torn: 1 unreadable")
        visit.says("#summary", "1 points")
        assert visit.problems == []
        visit.page.close()


def test_a_token_lets_in_and_its_lack_does_not(browser: Any, home: Path, serve: Callable[..., Any]) -> None:
    with serve(home, "one", "--token", "auto") as url:
        context = browser.new_context()
        page = context.new_page()
        plain = url.partition("?")[0]
        assert page.goto(plain).status == 401
        page.goto(url)
        page.wait_for_selector(POINTS, timeout=WAIT_MS)
        assert page.url == plain
        (cookie,) = context.cookies()
        assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
        context.close()
