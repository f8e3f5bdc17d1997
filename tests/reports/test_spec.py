"""A spec chooses figures, protocols and overlays; what is wrong with it is named with file and key."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from frontier import registry, shelves
from frontier.errors import InputError
from frontier.reports.page import bundle, render
from frontier.reports.published import PublishedPoint
from frontier.reports.sources import Beside
from frontier.reports.spec import ReportSpec, chosen, read_spec
from frontier.results.published import published
from frontier.results.record import TrialRecord
from frontier.results.store import StudyManifest

Study = list[tuple[int, TrialRecord]]
BUNDLE = bundle()


def sections(page: str) -> list[str]:
    return re.findall(r'data-figure="figure-([^"]*)"', page.replace(BUNDLE, ""))


@pytest.mark.parametrize("name", shelves.available("reports/specs"))
def test_every_shipped_spec_is_read(name: str) -> None:
    assert chosen(read_spec(name))


def test_the_default_has_every_figure_in_its_order_and_papers_beside() -> None:
    spec = read_spec()
    assert chosen(spec)[0].key == "clean_vs_relus"
    assert {one.key for one in chosen(spec)} == set(registry.names("figure"))
    assert set(spec.overlays) == {"identity", "quadratic", "new_architecture"}


def test_figures_come_in_the_order_of_the_spec_and_others_fill_in(manifest: StudyManifest, study: Study) -> None:
    page = render(manifest, study, spec=ReportSpec(figures=("kept_relus_by_site", "clean_vs_relus")))
    assert sections(page) == ["kept_relus_by_site", "clean_vs_relus"]
    keys = [one.key for one in chosen(ReportSpec(figures=("adversarial_vs_relus", "others", "clean_vs_relus")))]
    assert (keys[0], keys[-1], len(keys)) == ("adversarial_vs_relus", "clean_vs_relus", len(registry.names("figure")))


def test_figures_of_seconds_are_drawn_once_for_each_protocol(manifest: StudyManifest, study: Study) -> None:
    spec = ReportSpec(figures=("clean_vs_seconds", "clean_vs_relus"), protocols=("crypten/wan", "delphi/lan"))
    page = render(manifest, study, spec=spec)
    assert sections(page) == ["clean_vs_seconds", "clean_vs_seconds-2", "clean_vs_relus"]
    assert "Clean accuracy against priced online seconds: crypten/wan" in page
    assert "Clean accuracy against priced online seconds: delphi/lan" in page
    assert "Seconds: online_s@delphi/lan" in page
    assert "<h2>Clean accuracy against ReLU count</h2>" in page


def test_overlays_choose_what_papers_are_shown(manifest: StudyManifest, study: Study) -> None:
    papers = published()
    data = min(figure.data for figure in papers.figures)
    records = []
    for trial, record in study:
        spec = record.spec.model_copy(update={"data": record.spec.data.model_copy(update={"name": data})})
        records.append((trial, record.model_copy(update={"spec": spec})))
    beside, figures = Beside(published=papers), ("published_vs_relus",)
    with_papers = render(manifest, records, spec=ReportSpec(figures=figures, overlays=("identity",)), beside=beside)
    assert sections(with_papers) == ["published_vs_relus"]
    assert "ReLU removed" in with_papers
    assert "another architecture (" not in with_papers
    without = render(manifest, records, spec=ReportSpec(figures=figures), beside=beside)
    assert sections(without) == []
    assert "no published figure of this data set is at hand" in without


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("figures: [clean_vs_relu]", "Did you mean 'clean_vs_relus'?"),
        ("figures: []", "figures"),
        ("figures: [clean_vs_relus, clean_vs_relus]", "clean_vs_relus is there twice"),
        ("figure: [clean_vs_relus]", "figure"),
        ("protocols: [crypten]", "PROTOCOL/LINK"),
        ("overlays: [papers]", "overlays"),
        ("- clean_vs_relus", "not a report's spec"),
    ],
)
def test_what_is_wrong_is_named_with_its_file(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    with pytest.raises(InputError) as error:
        read_spec(str(path))
    assert said in str(error.value)
    assert str(path) in str(error.value)


def test_a_spec_that_is_not_there_is_answered_with_the_nearest_name() -> None:
    with pytest.raises(InputError, match="short"):
        read_spec("shrt")


def test_the_page_of_everything_is_small_loads_nothing_and_repeats_itself(
    manifest: StudyManifest, study: Study, make_mask: object, make_published: Callable[..., PublishedPoint]
) -> None:
    """Twelve figures and more, of forty trials, with masks, another seed and papers."""
    beside = Beside(mask=make_mask, seeds=[(manifest, study[:20])], published=published())  # type: ignore[arg-type]
    made = render(manifest, study, spec=read_spec(), beside=beside)
    assert len(sections(made)) >= 12
    assert len(made.encode()) < 2.5e6
    assert made == render(manifest, study, spec=read_spec(), beside=beside)
    assert not re.search(r"https?://|//cdn|@import|url\(", made.replace(BUNDLE, ""))
