"""Every figure keeps the contract of its axis; they are tested on their data, not on pixels."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import is_dataclass, replace
from typing import Any

import pytest
from plotly.colors import sample_colorscale, unlabel_rgb

from frontier import registry
from frontier.reports.facts import facts_of
from frontier.reports.figures._layout import CountAxis, log_ticks, short
from frontier.reports.points import StudyPoint, points_of
from frontier.reports.spec import figures_in_order
from frontier.reports.studied import Studied
from frontier.reports.theme import DARK, LIGHT, Theme, swap
from frontier.results.record import Point, TrialRecord
from frontier.results.store import StudyManifest

NAMES = registry.names("figure")
MakePoint = Callable[..., Point]
MakeRecord = Callable[..., TrialRecord]
MakeWhole = Callable[[list[tuple[int, TrialRecord]]], Studied]
SCATTERS = (
    "clean_vs_relus",
    "corrupted_vs_relus",
    "adversarial_vs_relus",
    "clean_vs_seconds",
    "published_vs_relus",
    "published_vs_seconds",
)


@pytest.fixture
def four(make_point: MakePoint, make_record: MakeRecord) -> tuple[StudyPoint, ...]:
    """Trial 1 is dominated in the clean view and robust; trial 2 is dominated everywhere; trial 3 keeps no ReLU."""
    points = [(100, 0.9, 0.7, 0.1), (200, 0.85, 0.6, 0.5), (300, 0.8, 0.5, 0.05), (0, 0.5, 0.4, 0.1)]
    return points_of([(i, make_record(make_point(*values))) for i, values in enumerate(points)])


def traces(figure: Any) -> dict[str, Any]:
    return {trace["name"].rsplit(" (", 1)[0]: trace for trace in json.loads(figure.to_json())["data"]}


@pytest.mark.parametrize("name", NAMES)
def test_a_figure_has_words_rows_and_the_same_shape_in_both_themes(
    name: str, manifest: StudyManifest, study: list[tuple[int, TrialRecord]], make_whole: MakeWhole
) -> None:
    figure = registry.load("figure", name)
    rows = figure.data(make_whole(study))
    assert figure.TITLE
    assert figure.MISLEADS.endswith(".")
    assert "\n" not in figure.MISLEADS
    assert figure.caption(facts_of(manifest, study))
    assert len(figure.alt(rows)) > 40
    assert rows
    assert all(is_dataclass(row) for row in rows)
    colors = swap(LIGHT, DARK)
    light = json.loads(figure.draw(rows, LIGHT).to_json(), object_pairs_hook=lambda pairs: _swapped(pairs, colors))
    assert light == json.loads(figure.draw(rows, DARK).to_json())


def _swapped(pairs: list[tuple[str, Any]], colors: dict[str, str]) -> dict[str, Any]:
    return {key: colors.get(value, value) if isinstance(value, str) else value for key, value in pairs}


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("trials", [0, 1])
@pytest.mark.parametrize("whole", [False, True])
def test_a_figure_of_nothing_or_one_point_is_drawn(
    name: str, trials: int, whole: bool, study: list[tuple[int, TrialRecord]], make_whole: MakeWhole
) -> None:
    figure = registry.load("figure", name)
    rows = figure.data(make_whole(study[:trials]) if whole else Studied(points_of(study[:trials])))
    assert figure.draw(rows, LIGHT).to_json()
    assert figure.alt(rows)


@pytest.mark.parametrize("name", NAMES)
def test_rows_of_a_point_carry_its_address(
    name: str, study: list[tuple[int, TrialRecord]], make_whole: MakeWhole
) -> None:
    rows = registry.load("figure", name).data(make_whole(study))
    known = {point.address for point in points_of(study)} | {""}
    assert {str(getattr(row, "trial", "")) for row in rows} <= known


def test_every_figure_has_a_place_of_its_own_in_the_report() -> None:
    orders = [figure.ORDER for _, figure in figures_in_order()]
    assert all(type(order) is int for order in orders)
    assert orders == sorted(set(orders))
    assert figures_in_order()[0][0] == "clean_vs_relus"


def test_each_theme_uses_a_color_for_one_role_only() -> None:
    assert len(swap(LIGHT, DARK)) == len(LIGHT.__dataclass_fields__)
    assert not set(swap(LIGHT, DARK)) & set(swap(DARK, LIGHT))


def luminance(color: str) -> float:
    """WCAG 2 relative luminance of `#rrggbb`."""
    shares = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", [LIGHT, DARK])
def test_words_and_marks_stand_out_from_the_paper(theme: Theme) -> None:
    def contrast(color: str) -> float:
        low, high = sorted((luminance(color), luminance(theme.paper)))
        return (high + 0.05) / (low + 0.05)

    assert min(contrast(color) for color in (theme.ink, theme.muted)) >= 4.5
    assert min(contrast(color) for color in (theme.front, theme.nondominated, theme.test, theme.other)) >= 3


def test_numbers_stand_out_from_their_cells(four: tuple[StudyPoint, ...]) -> None:
    figure = registry.load("figure", "kept_relus_by_site")
    for percent in range(101):
        parts = unlabel_rgb(sample_colorscale("Cividis", percent / 100)[0])
        cell = "#" + "".join(f"{round(part):02x}" for part in parts)
        ink = {"black": 0.0, "white": 1.0}[figure._ink(float(percent))]
        low, high = sorted((luminance(cell), ink))
        assert (high + 0.05) / (low + 0.05) >= 4.5
    rows = figure.data(Studied(four))
    words = next(trace for trace in figure.draw(rows, LIGHT).data if trace.type == "scatter")
    assert len(words.text) == len(words.textfont.color) == len(rows)


def test_the_front_of_the_view_and_the_front_of_all_objectives_are_different_marks(
    four: tuple[StudyPoint, ...],
) -> None:
    figure = registry.load("figure", "clean_vs_relus")
    rows = figure.data(Studied(four))
    assert [row.trial for row in rows if row.front_of_this_view] == ["3", "0"]
    assert [row.trial for row in rows if row.nondominated_in_all] == ["3", "0", "1"]
    drawn = traces(figure.draw(rows, LIGHT))
    view, everywhere = drawn["front of this view"], drawn["non-dominated in all objectives"]
    assert (len(view["x"]), len(everywhere["x"]), len(drawn["other points"]["x"])) == (2, 3, 2)
    assert view["marker"]["symbol"] != everywhere["marker"]["symbol"]
    assert view["marker"]["color"] != everywhere["marker"]["color"]


@pytest.mark.parametrize("name", SCATTERS)
def test_every_scatter_marks_both_fronts_apart(name: str, four: tuple[StudyPoint, ...], make_whole: MakeWhole) -> None:
    """Of four objectives: nearly all points are non-dominated, and few are on the front of the view."""
    figure = registry.load("figure", name)
    rows = figure.data(replace(make_whole([]), points=four))
    ours = [row for row in rows if row.trial]
    assert {row.trial for row in ours if row.nondominated_in_all} == {"0", "1", "3"}
    drawn = traces(figure.draw(rows, LIGHT))
    view = next(trace for label, trace in drawn.items() if label.startswith("front of this view"))
    everywhere = drawn["non-dominated in all objectives"]
    assert len(everywhere["x"]) == 3
    assert len(view["x"]) == sum(row.front_of_this_view for row in ours) < 4
    assert view["marker"]["symbol"] != everywhere["marker"]["symbol"]
    assert view["marker"]["color"] != everywhere["marker"]["color"]


def test_the_line_is_a_step_and_carries_the_interval(four: tuple[StudyPoint, ...]) -> None:
    figure = registry.load("figure", "clean_vs_relus")
    rows = figure.data(Studied(four))
    view = traces(figure.draw(rows, LIGHT))["front of this view"]
    assert view["line"]["shape"] == "hv"
    best = four[0].point.validation.clean
    assert view["y"][1] == pytest.approx(100 * best.value)
    assert view["error_y"]["array"][1] == pytest.approx(100 * (best.high - best.value), abs=1e-3)
    assert view["error_y"]["arrayminus"][1] == pytest.approx(100 * (best.value - best.low), abs=1e-3)


def test_test_accuracy_stands_beside_and_moves_no_front(four: tuple[StudyPoint, ...]) -> None:
    figure = registry.load("figure", "clean_vs_relus")
    drawn = traces(figure.draw(figure.data(Studied(four)), LIGHT))
    assert drawn["the same points on test"]["y"] == pytest.approx([49.0, 89.0])
    assert drawn["the same points on test"]["x"] == drawn["front of this view"]["x"]


def test_a_network_without_relus_is_drawn_at_a_tick_of_its_own(four: tuple[StudyPoint, ...]) -> None:
    figure = registry.load("figure", "adversarial_vs_relus")
    drawn = figure.draw(figure.data(Studied(four)), LIGHT)
    axis = json.loads(drawn.to_json())["layout"]["xaxis"]
    place = traces(drawn)["front of this view"]["x"][0]
    assert axis["ticktext"][0] == "0"
    assert axis["tickvals"][0] == place
    assert 0 < place < 100
    assert 10 ** axis["range"][0] < place
    assert "0 stands apart" in axis["title"]["text"]


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0.085, 0.118, [0.09, 0.1, 0.11]),
        (1.0, 1.01, [1.0, 1.005, 1.01]),
        (1000, 4000, [1000, 2000, 3000, 4000]),
        (1000, 60_000, [1000, 2000, 5000, 10_000, 20_000, 50_000]),
        (1, 1e5, [1, 10, 100, 1000, 10_000, 100_000]),
    ],
)
def test_a_logarithmic_axis_has_ticks_however_short_it_is(low: float, high: float, ticks: list[float]) -> None:
    assert log_ticks(low, high) == pytest.approx(ticks)


def test_an_axis_without_zero_has_no_tick_for_it() -> None:
    axis = CountAxis.of([10, 1000])
    assert axis.zero is None
    assert "0" not in axis.layout()["ticktext"]


@pytest.mark.parametrize(("count", "text"), [(1, "1"), (950, "950"), (12_900, "12.9k"), (1_500_000, "1.5M")])
def test_counts_are_short_on_the_axis(count: int, text: str) -> None:
    assert short(count) == text


def test_hover_tells_the_whole_point(four: tuple[StudyPoint, ...]) -> None:
    figure = registry.load("figure", "clean_vs_relus")
    text = traces(figure.draw(figure.data(Studied(four)), LIGHT))["front of this view"]["text"][1]
    for part in ("trial 0", "snl", "budget 103", "100 ReLUs", "penalty=0.0001", "test 89.0%", "validation 90.0%"):
        assert part in text


def test_kept_relus_by_site_add_up_to_the_count(study: list[tuple[int, TrialRecord]]) -> None:
    rows = registry.load("figure", "kept_relus_by_site").data(Studied(points_of(study)))
    for trial in {row.trial for row in rows}:
        assert sum(row.kept for row in rows if row.trial == trial) == next(
            row.relu_count for row in rows if row.trial == trial
        )


def test_hypervolume_never_falls_and_long_studies_are_sampled(study: list[tuple[int, TrialRecord]]) -> None:
    figure = registry.load("figure", "hypervolume_over_trials")
    volumes = [row.hypervolume for row in figure.data(Studied(points_of(study)))]
    assert volumes == sorted(volumes)
    repeated = [(i, study[i % len(study)][1]) for i in range(300)]
    rows = figure.data(Studied(points_of(repeated)))
    assert len(rows) == figure.MOST_ROWS
    assert (rows[0].trial, rows[-1].trial) == (0, 299)
    assert rows[-1].hypervolume == pytest.approx(volumes[-1])
