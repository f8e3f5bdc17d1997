"""The linked views in a real browser: each figure of the report, over the one selection, with its data as a table."""

from __future__ import annotations

from visit import Visit

from frontier import registry
from frontier.web.desk import Desk
from frontier.web.view import View

SOME = "?study=one&brush=1000.0,100000.0,50.0,80.0"
BRUSHED = View(studies=("one",), brush=(1e3, 1e5, 50.0, 80.0))


def test_a_linked_figure_comes_when_it_is_asked_for(visit: Visit) -> None:
    visit.open("?study=one&view=")
    visit.page.locator("#views label", has_text="clean vs seconds").first.click()
    visit.says("#linked", registry.load("figure", "clean_vs_seconds").TITLE)
    assert "clean_vs_seconds" in visit.query("view")


def test_every_figure_of_the_report_is_a_view(visit: Visit) -> None:
    names = registry.names("figure")
    visit.open("?" + "&".join(f"view={name}" for name in names))
    for name in names:
        visit.says(f"#linked-{name}", registry.load("figure", name).TITLE)
        assert visit.rows(f"#linked-{name}"), name
        assert visit.figure("_fullData.length", f"#linked-{name}") > 0
    over_trials = [float(row["hypervolume"]) for row in visit.rows("#linked-hypervolume_over_trials")]
    assert over_trials == sorted(over_trials)
    over_time = visit.rows("#linked-hypervolume_over_time")
    assert (len(over_time), {row["clock"] for row in over_time}) == (40, {"events"})
    assert "penalty" in {row["knob"] for row in visit.rows("#linked-knob_importance")}
    assert {row["severity"] for row in visit.rows("#linked-corrupted_by_severity")} == {"0", "1", "3", "5"}
    bands = visit.rows("#linked-bands_over_seeds")
    assert {(row["runs"], row["over"]) for row in bands} == {("2", "studies")}
    assert {"attained by 25 percent", "attained by 50 percent", "attained by 75 percent"} <= bands[0].keys()


def test_the_parallel_coordinates_keep_their_axes_under_a_brush(visit: Visit, desk: Desk) -> None:
    ticks = "layout.annotations.map(a => [a.x, a.y, a.text])"
    place = "#linked-parallel_coordinates"
    visit.open("?study=one&view=parallel_coordinates")
    whole = visit.figure(ticks, place)
    visit.open(f"{SOME}&view=parallel_coordinates")
    expected = {entry.point.address for entry in desk.frame(BRUSHED).chosen}
    assert visit.figure(ticks, place) == whole
    assert {row["trial"] for row in visit.rows(place)} == expected


def test_a_click_in_a_linked_figure_opens_the_point(visit: Visit) -> None:
    visit.open("?study=one&view=clean_vs_relus")
    place = "#linked-clean_vs_relus"
    first = "_fullData.map((t, i) => [i, t.customdata && t.customdata[0]]).find(([, trial]) => trial)"
    i, trial = visit.figure(first, place)
    visit.page.locator(f"{place} .scatterlayer .trace").nth(i).locator("path.point").first.click(force=True)
    visit.says("#detail-title", f"Point one:{trial}")


def test_two_masks_are_laid_side_by_side(visit: Visit) -> None:
    visit.open("?study=one&view=mask_atlas&point=one:3")
    visit.page.get_by_text("Lay it beside another").click()
    assert visit.wait_query("beside") == "one:3"
    visit.page.locator("#table tbody th button", has_text="one:5").first.click()
    visit.says("#detail-title", "Point one:5")
    visit.says("#linked-mask_atlas", "both keep")
    rows = visit.settle().rows("#linked-mask_atlas")
    assert list(rows[0].values())[:2] == ["3", "5"]
    assert len({row["site"] for row in rows}) == 17
    assert set(visit.figure("_fullData.map(t => t.type)", "#linked-mask_atlas")) == {"heatmap"}


def test_masks_of_two_studies_are_laid_side_by_side(visit: Visit) -> None:
    visit.open("?view=mask_atlas&point=one:3&beside=two:5")
    visit.says("#linked-mask_atlas", "both keep")
    rows = visit.rows("#linked-mask_atlas")
    assert set(list(rows[0].values())[:2]) == {"3", "two:5"}
    assert {row["site"] for row in rows} == {row["site"] for row in rows if int(row["positions"]) > 0}
    assert visit.page.locator("#notes").inner_text() == ""


def test_a_guest_that_keeps_less_is_opened_by_its_row(visit: Visit, desk: Desk) -> None:
    counts = {name: desk.frame(View()).by_key[name].point.point.relu_count for name in ("one:3", "two:5")}
    less, more = sorted(counts, key=lambda name: counts[name])
    visit.open(f"?view=mask_atlas&point={more}&beside={less}")
    place = f"#linked-mask_atlas figure:has(h3:has-text(': {more.partition(':')[0]}'))"
    visit.rows(place)
    visit.page.locator(f"{place} tbody th button").first.click()
    visit.says("#detail-title", f"Point {less}")


def test_a_press_in_a_table_leaves_it_open_and_keeps_the_focus(visit: Visit) -> None:
    visit.open("?study=one&view=clean_vs_relus")
    for place in ("#table", "#linked-clean_vs_relus"):
        visit.rows(place)
        button = visit.page.locator(f"{place} tbody th button").nth(2)
        key = button.get_attribute("data-key")
        button.focus()
        visit.page.keyboard.press("Enter")
        visit.says("#detail-title", f"Point {key}")
        visit.settle()
        assert visit.page.evaluate("document.activeElement.dataset.key") == key
        assert visit.page.evaluate(f"document.activeElement.closest('{place}') !== null")
    assert visit.page.locator("#linked-clean_vs_relus details").first.get_attribute("open") is not None


def test_a_click_on_a_column_of_kept_relus_opens_its_point(visit: Visit) -> None:
    visit.open("?study=one&view=kept_relus_by_site")
    place = "#linked-kept_relus_by_site"
    last = visit.figure("_fullData[0].customdata[0].at(-1)", place)
    box = visit.page.locator(f"{place} .nsewdrag").first.bounding_box()
    columns = visit.figure("_fullData[0].z[0].length", place)
    x = box["x"] + box["width"] * (1 - 0.5 / columns)
    visit.page.locator(f"{place} .nsewdrag").first.scroll_into_view_if_needed()
    box = visit.page.locator(f"{place} .nsewdrag").first.bounding_box()
    visit.page.mouse.move(x, box["y"] + box["height"] / 2)
    visit.page.mouse.click(x, box["y"] + box["height"] / 2)
    visit.says("#detail-title", f"Point one:{last}")


def test_kept_relus_are_there_as_count_and_percent(visit: Visit) -> None:
    visit.open("?study=one&point=one:3&view=kept_relus_by_site")
    rows = visit.rows("#detail")
    assert len(rows) == 17
    row = rows[0]
    assert row["percent"] == f"{100 * int(row['kept'].replace(',', '')) / int(row['of'].replace(',', '')):.3g}%"
    assert {"kept", "kept percent"} <= visit.rows("#linked-kept_relus_by_site")[0].keys()
