"""What the page shows, number by number: against the records, the report's own data and what a reader chose."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from visit import Visit

from frontier import registry
from frontier.latency._link import NAMED
from frontier.masks.file import load
from frontier.results.store import Study
from frontier.web.desk import Desk
from frontier.web.view import Setting, View

PLAIN = "?study=one&view="


def test_seeds_that_were_typed_are_all_that_is_shown(visit: Visit, desk: Desk) -> None:
    visit.open(PLAIN)
    visit.page.fill("#seeds", "1, 2")
    visit.page.press("#seeds", "Enter")
    assert visit.wait_query("seed")
    rows = visit.settle().rows("#table")
    assert {row["seed"] for row in rows} == {"1", "2"}
    expected = desk.frame(View(studies=("one",), seeds=(1, 2))).entries
    shown = visit.figure("_fullData.filter(t => t.customdata).flatMap(t => Array.from(t.customdata))")
    assert sorted(shown) == sorted(entry.key for entry in expected)
    assert visit.page.locator("#notes").inner_text() == ""


def test_the_axis_up_is_logarithmic_on_request(visit: Visit) -> None:
    visit.open(PLAIN)
    assert visit.figure("layout.yaxis.type || 'linear'") == "linear"
    visit.page.locator("#logs label", has_text="up").click()
    visit.page.wait_for_function("() => document.querySelector('#scatter .js-plotly-plot').layout.yaxis.type === 'log'")


@pytest.mark.parametrize("name", ["clean", "corrupted", "adversarial", "online_s"])
def test_every_limit_counts_its_feasible_points(visit: Visit, desk: Desk, name: str) -> None:
    values = sorted(
        entry.cost.online_s if name == "online_s" else 100 * getattr(entry.point.point.validation, name).value
        for entry in desk.frame(View(studies=("one",))).entries
    )
    middle = round(values[len(values) // 2], 3)
    visit.open(f"{PLAIN}&limit_{name}={middle}")
    expected = sum(entry.feasible for entry in desk.frame(View(studies=("one",), limits=((name, middle),))).entries)
    assert 0 < expected < len(values)
    visit.says("#feasible", f"{expected} of {len(values)}")
    visit.page.click("#cheapest")
    frame = desk.frame(View(studies=("one",), limits=((name, middle),)))
    cheapest = min((entry for entry in frame.entries if entry.feasible), key=lambda entry: entry.cost.online_s)
    assert visit.wait_query("point") == cheapest.key


def test_a_point_is_told_with_intervals_and_its_files_hold_it(visit: Visit, home: Path) -> None:
    visit.open(f"{PLAIN}&point=one:3")
    record = Study.open(home, "one").record(3)
    point = record.points[0]
    terms = visit.terms("#detail")
    for name in ("clean", "corrupted", "adversarial"):
        found = getattr(point.validation, name)
        assert terms[name].startswith(f"{100 * found.value:.1f}% [{100 * found.low:.1f}, {100 * found.high:.1f}] of ")
        assert f"{found.n:,} validation images" in terms[name]
    files = {}
    for kind in ("spec", "mask", "card", "csv"):
        with visit.page.expect_download() as downloading:
            visit.page.click(f"#download-{kind}")
        files[kind] = Path(downloading.value.path())
    assert json.loads(files["spec"].read_text()) == record.spec.model_dump(mode="json")
    assert load(files["mask"]).hash == point.mask.hash
    assert str(point.relu_count) in files["card"].read_text()
    (row,) = csv.DictReader(files["csv"].read_text().splitlines())
    assert str(point.relu_count) in row.values()


def test_the_line_of_a_point_is_priced_and_marked_as_its_view_has_it(visit: Visit, desk: Desk) -> None:
    visit.open(f"{PLAIN}&point=one:3&price=cheetah%2Fwan&limit_clean=99&x=online_s")
    with visit.page.expect_download() as downloading:
        visit.page.click("#download-csv")
    (row,) = csv.DictReader(Path(downloading.value.path()).read_text().splitlines())
    assert (row["protocol"], row["link"], row["feasible"]) == ("cheetah", "wan", "False")
    priced = desk.frame(View(studies=("one",), setting=Setting(protocol="cheetah", link=NAMED["wan"])))
    assert float(row["online_s"]) == priced.by_key["one:3"].cost.online_s


def test_up_is_better_on_all_parallel_axes(visit: Visit) -> None:
    place = "#linked-parallel_coordinates"
    visit.open("?study=one&view=parallel_coordinates")
    ticks: list[list[Any]] = visit.figure("layout.annotations.map(a => [a.x, a.y, a.text])", place)
    scale = {"k": 1e3, "%": 1.0, " s": 1.0, " MB": 1.0}
    for axis in sorted({x for x, _, _ in ticks}):
        texts = [text for _, text in sorted((y, text) for x, y, text in ticks if x == axis)]
        values = []
        for text in texts:
            unit = next((unit for unit in scale if text.endswith(unit)), "")
            values.append(float(text.removesuffix(unit)) * scale.get(unit, 1.0))
        rising = texts[0].endswith("%")
        assert values == sorted(values, reverse=not rising), texts
    assert "up is better on every axis" in visit.page.inner_text(f"{place} figcaption")


def test_hypervolume_names_its_reference_point_and_bands_rise(visit: Visit) -> None:
    visit.open("?view=hypervolume_over_trials&view=hypervolume_over_time&view=bands_over_seeds")
    for name in ("hypervolume_over_trials", "hypervolume_over_time"):
        assert "reference point 0 on each" in visit.page.inner_text(f"#linked-{name} figcaption")
    rows = visit.rows("#linked-bands_over_seeds")
    for share in ("25", "50", "75"):
        attained = [float(row[f"attained by {share} percent"] or "nan") for row in rows]
        attained = [value for value in attained if not np.isnan(value)]
        assert attained, share
        assert attained == sorted(attained), "more ReLUs attain no less"
    for row in rows:
        low, high = row["attained by 75 percent"], row["attained by 25 percent"]
        assert not low or float(low) <= float(high)
    assert "2 runs (studies) attain: one, two." in visit.page.inner_text("#linked-bands_over_seeds")


def test_bands_are_over_the_studies_that_are_shown_and_one_alone_has_none(visit: Visit) -> None:
    visit.open("?study=one&view=bands_over_seeds")
    visit.says("#linked-bands_over_seeds", "there are no two runs to compare")
    assert visit.page.locator("#linked-bands_over_seeds .js-plotly-plot").count() == 0


def test_importance_has_intervals_around_its_values(visit: Visit) -> None:
    visit.open("?study=one&view=knob_importance")
    rows = [row for row in visit.rows("#linked-knob_importance") if row["importance"]]
    assert rows
    for row in rows:
        assert float(row["low"]) <= float(row["importance"]) <= float(row["high"])


def test_the_atlas_counts_what_two_masks_share(visit: Visit, home: Path) -> None:
    """The way there goes by clicks: a point, laid beside another one of another study."""
    visit.open("?view=mask_atlas&point=one:3")
    visit.page.get_by_text("Lay it beside another").click()
    assert visit.wait_query("beside") == "one:3"
    visit.open("?view=mask_atlas&beside=one:3&brush=&point=two:5")
    place = "#linked-mask_atlas figure:has(h3:has-text(': two'))"
    masks = {}
    for study, trial in (("one", 3), ("two", 5)):
        files = Study.open(home, study)
        masks[f"{study}:{trial}"] = load(files.trial_folder(trial) / files.record(trial).points[0].mask.file)
    rows = [row for row in visit.rows(place) if row["channel"] == "all"]
    assert {rows[0]["trial"], rows[0]["other"]} == {"one:3", "5"}
    for row in rows:
        one, two = masks["one:3"].bits(row["site"]), masks["two:5"].bits(row["site"])
        assert int(row["kept by both"]) == int((one & two).sum())
        counts = {"one:3": int(one.sum()), "5": int(two.sum())}
        assert (int(row["kept"]), int(row["other kept"])) == (counts[row["trial"]], counts[row["other"]])
    menu = visit.page.locator(f"{place} .updatemenu-header")
    menu.scroll_into_view_if_needed()
    menu.click()
    visit.page.locator(f"{place} .updatemenu-dropdown-button", has_text="single channel 1").click()
    shown = visit.page.locator(place).locator(".js-plotly-plot").evaluate("p => p._fullData.map(t => t.visible)")
    assert shown.count(True) == 5 * len(rows)
    assert not shown[0]


def test_the_dark_figures_are_dark_and_their_menu_can_be_read(browser: Any, url: str) -> None:
    tab = browser.new_context(viewport={"width": 1000, "height": 900}, color_scheme="dark").new_page()
    dark = Visit(tab, url)
    names = [one for one in registry.names("figure") if registry.load("figure", one).__name__.startswith("frontier.")]
    dark.open("?point=one:3&" + "&".join(f"view={name}" for name in names))
    for name in names:
        ink = dark.figure("_fullLayout.font.color", f"#linked-{name}")
        assert sum(int(ink[i : i + 2], 16) for i in (1, 3, 5)) > 3 * 180, name
    texts = "[...document.querySelectorAll('#linked-mask_atlas .updatemenu-item-text')].map(t => t.style.fill)"
    ground = "[...document.querySelectorAll('#linked-mask_atlas .updatemenu-item-rect')].map(r => r.style.fill)"
    assert set(tab.evaluate(texts)) == {"rgb(16, 21, 28)"}
    assert set(tab.evaluate(ground)) == {"rgb(244, 250, 255)"}
    assert dark.problems == []
    tab.context.close()
