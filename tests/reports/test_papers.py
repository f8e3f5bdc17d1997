"""What papers report beside a study: grey, with source and class, joined to nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from frontier import registry
from frontier.reports.points import points_of
from frontier.reports.published import PublishedPoint, published_points
from frontier.reports.studied import Studied
from frontier.reports.theme import LIGHT
from frontier.results.published import Figure, Online, Published, Source
from frontier.results.record import TrialRecord

Study = list[tuple[int, TrialRecord]]
MakePublished = Callable[..., PublishedPoint]
FIGURES = [registry.load("figure", name) for name in ("published_vs_relus", "published_vs_seconds")]


@pytest.fixture
def papers() -> Published:
    """A count in either convention, one that cannot be turned, another data set; one second-hand source."""
    usual = {"network": "resnet18", "data": "cifar10", "accuracy": 80.0, "source": "paper", "class": "identity"}
    online = Online(seconds=1.5, megabytes=None, protocol=None, link="lan", source="table")
    figures = [
        usual | {"method": "snl", "sites": "inner", "relus": 12_000},
        usual | {"method": "snl", "sites": "full", "relus": 15_000, "outer": 1_000, "online": online},
        usual | {"method": "autorep", "sites": "full", "relus": 9_000, "class": "quadratic"},
        usual | {"method": "snl", "sites": "inner", "relus": 5, "data": "cifar100"},
    ]
    sources = {
        "paper": Source(paper="Cho et al.", venue="ICML 2022", where="figure 3", secondary=False),
        "table": Source(paper="Others", venue=None, where="table 1", secondary=True),
    }
    return Published(sources=sources, figures=tuple(Figure.model_validate(figure) for figure in figures))


def test_counts_are_turned_into_the_studys_convention_or_say_which_they_have(papers: Published) -> None:
    found = published_points(papers, data="cifar10", sites="inner")
    assert [(p.method, p.relu_count, p.sites) for p in found] == [
        ("autorep", 9_000, "full"),
        ("snl", 12_000, ""),
        ("snl", 14_000, ""),
    ]
    assert {p.source for p in found} == {"Cho et al., ICML 2022: figure 3"}
    (timed,) = [p for p in found if p.online_s]
    assert timed.sources == "Cho et al., ICML 2022: figure 3; online: Others: table 1 (secondary)"
    assert (timed.under, timed.quoted(online=True), timed.quoted(online=False)) == ("unknown, lan", True, False)
    assert [p.kind for p in published_points(papers, data="cifar10", sites="full", classes=["quadratic"])] == [
        "quadratic"
    ]


@pytest.mark.parametrize("figure", FIGURES)
def test_papers_are_grey_marks_in_a_legend_of_their_own(
    figure: object, study: Study, make_published: MakePublished
) -> None:
    papers = (
        make_published(),
        make_published(secondary=True),
        make_published(kind="quadratic"),
        make_published(kind="new_architecture"),
    )
    rows = figure.data(Studied(points_of(study), published=papers))  # type: ignore[attr-defined]
    drawn = json.loads(figure.draw(rows, LIGHT).to_json())["data"]  # type: ignore[attr-defined]
    theirs = [trace for trace in drawn if trace.get("legend") == "legend2"]
    assert len(theirs) == 4
    assert {trace["marker"]["color"] for trace in theirs} == {LIGHT.other}
    assert len({trace["marker"]["symbol"] for trace in theirs}) == 4
    assert {trace["mode"] for trace in drawn} == {"markers"}
    assert all("Cho et al." in text for trace in theirs for text in trace["text"])
    assert sum("quoted by others" in trace["name"] for trace in theirs) == 1
    alt = figure.alt(rows)  # type: ignore[attr-defined]
    assert "4 that papers report" in alt
    assert "1 of them as others quote them" in alt


def test_a_published_number_without_a_count_is_left_out(study: Study, make_published: MakePublished) -> None:
    bare = Studied(points_of(study), published=(make_published(relu_count=None, online_s=None),))
    assert [figure.data(bare) for figure in FIGURES] == [(), ()]
    timed = replace(bare, published=(make_published(relu_count=None),))
    assert FIGURES[0].data(timed) == ()
    assert len(FIGURES[1].data(timed)) == len(study) + 1


def test_ours_are_test_accuracies_of_a_front_chosen_on_validation(study: Study, make_published: MakePublished) -> None:
    points = points_of(study)
    rows = FIGURES[0].data(Studied(points, published=(make_published(),)))
    by_address = {point.address: point for point in points}
    for row in rows[:-1]:
        assert row.accuracy_percent == pytest.approx(100 * by_address[row.trial].point.test.clean.value)
    clean = registry.load("figure", "clean_vs_relus").data(Studied(points))
    assert {r.trial for r in rows if r.front_of_this_view} == {r.trial for r in clean if r.front_of_this_view}
