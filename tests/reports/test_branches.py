"""Extra points, norm branches, squares and fidelities as the page shows them, served and oracle-routed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest

from frontier import registry
from frontier.reports.facts import facts_of
from frontier.reports.figures.hypervolume_over_trials import data as volumes_of
from frontier.reports.page import bundle, render
from frontier.reports.points import front_of, points_of
from frontier.reports.studied import Studied
from frontier.reports.theme import LIGHT
from frontier.results.record import Point, TrialRecord
from frontier.results.store import StudyManifest
from frontier.spaces.goals import FOUR

MakePoint = Callable[..., Point]
MakeRecord = Callable[..., TrialRecord]
Study = list[tuple[int, TrialRecord]]
BUNDLE = bundle()
RELUS = 1280


@pytest.fixture
def mixed(make_point: MakePoint, make_record: MakeRecord) -> Study:
    """Trial 0 is plain, 1 has a snapshot and a narrower extra, 2 has branches, 3 squares and a reconstructed method."""
    snapshot = make_point(900, 0.93, 0.7, 0.3, role="extra", label="snapshot after epoch 7 of the search")
    narrow = make_point(320, 0.88, 0.66, 0.2, role="extra", label="width 0.5", narrower=2)
    branched = make_point(500, 0.9, 0.7, 0.1, branches={"adversarial": (0.8, 0.6, 0.5)})
    return [
        (0, make_record(make_point(1000, 0.91, 0.69, 0.3))),
        (1, make_record(make_point(600, 0.9, 0.69, 0.2), snapshot, narrow)),
        (2, make_record(branched, method="rlnet", fidelity="paper")),
        (3, make_record(make_point(400, 0.89, 0.68, 0.45, squares=64), method="deepreduce", fidelity="reconstruction")),
    ]


def own(page: str) -> str:
    return page.replace(BUNDLE, "")


def header(page: str, section: str) -> list[str]:
    table = own(page).split(f'<section id="{section}">')[1].split("</thead>")[0]
    return re.findall(r"<th[^>]*>([^<]*)</th>", table)


def test_a_plain_study_has_no_column_and_no_word_of_all_this(manifest: StudyManifest, study: Study) -> None:
    page = own(render(manifest, study))
    accuracies = ["clean", "corrupted", "adversarial"]
    assert header(page, "front") == ["trial", "method", "ReLUs", "budget", *accuracies, "export it"]
    assert header(page, "clean_vs_relus")[:3] == ["trial", "method", "fidelity"]
    assert not {"role", "label", "branch", "routing", "squares"} & set(header(page, "clean_vs_relus"))
    assert 'id="branches"' not in page
    assert "oracle-routed" not in page.lower()


def test_extras_are_marked_labelled_and_measured_against_the_studys_network(
    manifest: StudyManifest, mixed: Study
) -> None:
    page = render(manifest, mixed)
    assert "<small>extra point</small>" in page
    assert header(page, "front")[:4] == ["trial", "label", "method", "branch served"]
    assert {"role", "label"} <= set(header(page, "clean_vs_relus"))
    figure = registry.load("figure", "clean_vs_relus")
    rows = figure.data(Studied(points_of(mixed, relus=RELUS)))
    (narrow,) = [row for row in rows if row.trial == "1.2"]
    assert (narrow.label, narrow.kept_percent) == ("width 0.5", 25.0)
    drawn = json.loads(figure.draw(rows, LIGHT).to_json())["data"]
    (extras,) = [trace for trace in drawn if trace["name"] == "extra points (2)"]
    assert (extras["x"], extras["marker"]["symbol"]) == ([320, 900], "triangle-up-open")
    text = "".join(text for trace in drawn for text in trace.get("text", ()))
    assert "<b>trial 1.2</b> · extra: width 0.5 · snl (authors_code)" in text
    assert "2 of them extra points" in figure.alt(rows)


def test_squares_are_shown_as_soon_as_one_point_has_any(manifest: StudyManifest, mixed: Study) -> None:
    page = render(manifest, mixed)
    assert "squares" in header(page, "front")
    assert "squares" in header(page, "clean_vs_relus")
    assert '<td class="number">64</td>' in page
    assert "ReLUs (31.2%), budget 403, 64 squares" in page
    assert "squares" in header(page, "kept_relus_by_site")
    assert "squares" not in header(render(manifest, mixed[:3]), "front")


def test_a_reconstruction_is_called_so_wherever_the_method_is_named(
    manifest: StudyManifest, mixed: Study, make_record: MakeRecord
) -> None:
    failed = make_record(state="failed", reason="NaN", method="deepreduce", fidelity="reconstruction")
    page = own(render(manifest, [*mixed, (4, failed)])).replace("<td>reconstruction", "(reconstruction)")
    named = [page[m.end() : m.end() + 50] for m in re.finditer("deepreduce", page)]
    assert len(named) >= 6
    for after in named:
        assert re.match(r"( |</td>|<small>|\\u003csmall>)*\(?reconstruction", after), after


def test_every_branch_is_listed_with_the_served_one_marked(manifest: StudyManifest, mixed: Study) -> None:
    page = own(render(manifest, mixed))
    table = page.split('<section id="branches">')[1].split("</section>")[0]
    assert re.findall(r"<td>(\w+)<small>((?:not )?served)", table) == [
        ("adversarial", "not served"),
        ("clean", "served"),
    ]
    assert table.count("<small>test ") == 6
    assert table.count('class="served"') == 1
    assert "80.0% [" in table
    assert "rlnet: adversarial, clean; served: clean. The attacker knows which branch is served" in page


def test_oracle_routing_moves_the_front_and_says_that_nobody_can_have_it(manifest: StudyManifest, mixed: Study) -> None:
    served, routed = points_of(mixed), points_of(mixed, oracle_routed=True)
    assert [p.routing for p in routed] == ["served"] * 4 + ["oracle", "served"]
    assert [FOUR.values(p.point)[2] for p in (served[4], routed[4])] == [0.1, 0.5]
    assert routed[4].served == served[4].point
    assert "2" in {p.address for p in front_of(routed)}
    page = own(render(manifest, mixed, oracle_routed=True))
    assert "<title>digits · ORACLE-ROUTED · frontier</title>" in page
    assert "No deployed network has the figures of 1 of 6 points" in page
    assert page.count("Oracle-routed: no deployed network has these figures.") >= 3
    assert "oracle-routed, no deployed network" in page
    assert "best clean, validation, oracle-routed" in page
    assert "routing" in header(page, "adversarial_vs_relus")
    assert "figures oracle-routed" in page


def test_hypervolume_is_that_of_the_served_figures_in_any_case(manifest: StudyManifest, mixed: Study) -> None:
    served, routed = (points_of(mixed, relus=RELUS, oracle_routed=oracle) for oracle in (False, True))
    assert volumes_of(Studied(served)) == volumes_of(Studied(routed))
    assert volumes_of(Studied(served))[-1].hypervolume == pytest.approx(
        FOUR.hypervolume([FOUR.values(p.point) for p in served], RELUS)
    )
    caption = registry.load("figure", "hypervolume_over_trials").caption(facts_of(manifest, mixed, oracle_routed=True))
    assert caption.startswith("Of the served figures")


def test_a_study_of_narrow_networks_alone_is_measured_in_the_studys_relus(
    make_point: MakePoint, make_record: MakeRecord
) -> None:
    points = points_of([(0, make_record(make_point(320, 0.8, 0.6, 0.2, narrower=2)))], relus=RELUS)
    (last,) = volumes_of(Studied(points))
    assert last.hypervolume == pytest.approx(FOUR.hypervolume([FOUR.values(points[0].point)], RELUS))


def test_oracle_routing_of_a_study_without_branches_says_that_nothing_is_routed(
    manifest: StudyManifest, study: Study
) -> None:
    page = own(render(manifest, study, oracle_routed=True))
    assert "No point has the branches clean and adversarial" in page
    assert "<b>oracle-routed</b>" not in page


def test_sites_of_narrower_and_shorter_networks_share_the_rows_in_order(
    make_point: MakePoint, make_record: MakeRecord
) -> None:
    short = make_point(20, 0.6, 0.4, 0.1, role="extra", label="width 0.25", narrower=4)
    profile = short.profile.model_copy(update={"sites": short.profile.sites[2:]})
    short = short.model_copy(update={"profile": profile})
    figure = registry.load("figure", "kept_relus_by_site")
    points = points_of([(0, make_record(make_point(600, 0.9, 0.69, 0.2), short))], relus=RELUS)
    rows = figure.data(Studied(points))
    drawn = json.loads(figure.draw(rows, LIGHT).to_json())
    assert drawn["layout"]["yaxis"]["ticktext"] == [site.path for site in points[0].point.profile.sites]
    column = [line[0] for line in drawn["data"][0]["text"]]
    assert column[:2] == ["", ""]
    assert "of 32 kept" in column[-1]
    assert "trial 0.1 (width 0.25)" in column[-1]


def test_hundreds_of_points_on_the_front_are_sampled(make_point: MakePoint, make_record: MakeRecord) -> None:
    extras = [
        make_point(i, 0.5 + i / 3000, 0.4, 0.1, role="extra", label=f"snapshot after epoch {i}") for i in range(1, 700)
    ]
    points = points_of([(0, make_record(make_point(1200, 0.95, 0.7, 0.2), *extras))], relus=RELUS)
    figure = registry.load("figure", "kept_relus_by_site")
    rows = figure.data(Studied(points))
    assert len(front_of(points)) == 700
    assert len({row.trial for row in rows}) == figure.MOST_POINTS
    assert (rows[0].trial, rows[-1].trial) == ("0.1", "0")
    assert figure.draw(rows, LIGHT).to_json()
