"""What a reader may choose on the page: other costs, another network, other groups; and how, without a mouse."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from visit import TRIAL_MEASURED, Visit

from frontier.latency._link import Link
from frontier.reports.theme import LIGHT
from frontier.results.store import Study
from frontier.web.axes import AXES
from frontier.web.desk import Desk
from frontier.web.library import Library
from frontier.web.scatter import FRONT, draw
from frontier.web.view import COLOURS, Setting, View

PLAIN = "?study=one&view="
PLACES = "_fullData.filter(t => t.customdata).flatMap(t => Array.from(t.x))"


@pytest.mark.parametrize("name", ["online_mb", "rounds"])
def test_what_moves_and_how_often_are_axes(visit: Visit, desk: Desk, name: str) -> None:
    visit.open(PLAIN)
    visit.page.click("#x")
    visit.page.get_by_role("option", name=AXES[name].title.removesuffix(" on validation"), exact=True).click()
    assert visit.wait_query("x") == name
    visit.settle()
    expected = [entry.x for entry in desk.frame(View(studies=("one",), x=name)).entries]
    assert sorted(visit.figure(PLACES)) == pytest.approx(sorted(expected))


def test_bandwidth_and_round_trip_of_ones_own_price_all_points(visit: Visit, desk: Desk) -> None:
    visit.open(f"{PLAIN}&x=online_s")
    for name, text in (("rtt", "7"), ("mbit", "25")):
        visit.page.fill(f"#{name}", text)
        visit.page.press(f"#{name}", "Enter")
        visit.settle()
    assert visit.query("price") == ["crypten/7,25"]
    setting = Setting(link=Link(rtt_ms=7.0, mbit_s=25.0))
    expected = [entry.x for entry in desk.frame(View(studies=("one",), x="online_s", setting=setting)).entries]
    assert sorted(visit.figure(PLACES)) == pytest.approx(sorted(expected))


@pytest.mark.parametrize(
    ("name", "text", "kept", "note"),
    [
        ("seeds", "0 nought", "0", "'nought' is no seed; it is left out"),
        ("rtt", "-7", "0.3", "A round trip is a number of ms from 0 to below 1,000,000"),
        ("mbit", "0", "3000", "both stay as they were"),
        ("brush-x0", "left", "", "'left' is no number; the brush stays as it was"),
    ],
)
def test_what_is_typed_and_means_nothing_is_said(visit: Visit, name: str, text: str, kept: str, note: str) -> None:
    visit.open(PLAIN)
    visit.page.fill(f"#{name}", text)
    visit.page.press(f"#{name}", "Enter")
    visit.says("#notes", note)
    visit.settle()
    visit.says("#notes", note)
    assert visit.page.input_value(f"#{name}") in (kept, text if name.startswith("brush") else kept)


def test_a_click_that_ends_the_typing_counts_as_well(visit: Visit) -> None:
    """No Enter: the field is left by a click on a choice, and the page hears of both at once."""
    visit.open(PLAIN)
    visit.page.fill("#seeds", "1")
    visit.page.locator("#logs label", has_text="up").click()
    assert visit.wait_query("log_y")
    assert visit.wait_query("seed") == "1"


@pytest.mark.parametrize("colour", COLOURS)
def test_symbols_tell_apart_what_was_chosen(visit: Visit, desk: Desk, colour: str) -> None:
    visit.open("?view=")
    visit.page.locator("#colour label", has_text=colour).click()
    visit.settle()
    groups = visit.figure(
        "_fullData.filter(t => t.customdata).map(t => [t.name, t.marker.symbol, t.customdata.length])"
    )
    assert sum(count for *_, count in groups) == 65
    assert len({symbol for _, symbol, _ in groups}) == len(groups)
    shown = {
        "method": "one, snl", "study": "two (25)", "fidelity": "one, paper (40)", "health": "two, not checked (25)",
        "seed": "one, seed 0",
    }  # fmt: skip
    assert any(name.startswith(shown[colour]) for name, *_ in groups)


def test_the_keyboard_moves_the_limits_step_by_step(visit: Visit) -> None:
    """Also where prices are near to each other, so that three digits of seconds would be no step."""
    visit.open("?study=one&view=&price=cheetah/wan")
    for name, key in (("online_s", "ArrowLeft"), ("adversarial", "ArrowRight")):
        slider = visit.page.locator(f"#limit-{name} [role=slider]")
        slider.focus()
        places = []
        for _ in range(3):
            visit.page.keyboard.press(key)
            visit.settle()
            places.append(float(slider.get_attribute("aria-valuenow")))
        steps = [abs(after - before) for before, after in pairwise(places)]
        assert steps == pytest.approx([0.5, 0.5], abs=0.06), (name, places)
        assert visit.query(f"limit_{name}")
    visit.says("#feasible", "feasible")


def test_many_groups_have_a_symbol_each(home: Path, tmp_path: Path, synthetic: Any) -> None:
    for number in range(4):
        synthetic.write_study(tmp_path, f"s{number}", 30, seed=number)
    library = Library(tmp_path, [f"s{number}" for number in range(4)])
    library.refresh()
    view = View(colour="seed")
    figure = draw(Desk(library).frame(view), view, LIGHT)
    groups = [trace for trace in figure.data if trace.customdata is not None]
    assert len(groups) > 7
    assert len({trace.marker.symbol for trace in groups}) == len(groups)
    (front,) = (trace for trace in figure.data if trace.name.startswith(FRONT))
    assert front.legendrank < 1000  # before all groups: a long legend is cut at its end


def test_the_keyboard_changes_an_axis_and_a_protocol(visit: Visit) -> None:
    visit.open(f"{PLAIN}&x=online_s")
    visit.page.locator("#protocol input:checked").focus()
    visit.page.keyboard.press("ArrowDown")
    assert visit.wait_query("price") == "cryptflow2/lan"
    visit.open(PLAIN)
    visit.page.locator("#y").focus()
    visit.page.keyboard.press("Enter")
    visit.page.wait_for_function("() => document.activeElement.value === 'clean'")
    visit.page.keyboard.press("ArrowDown")
    visit.page.wait_for_function("() => document.activeElement.value === 'corrupted'")
    visit.page.keyboard.press("Enter")
    assert visit.wait_query("y") == "corrupted"


def test_a_model_that_was_kept_can_be_downloaded(visit: Visit, home: Path) -> None:
    visit.open(f"?study=two&view=&point=two:{TRIAL_MEASURED}")
    with visit.page.expect_download() as downloading:
        visit.page.click("#download-model")
    assert downloading.value.suggested_filename == f"two-{TRIAL_MEASURED}-model.safetensors"
    kept = Study.open(home, "two").trial_folder(TRIAL_MEASURED) / "weights.safetensors"
    assert Path(downloading.value.path()).read_bytes() == kept.read_bytes()
