"""The page's section on evaluations: attacks with their checks, corruptions with the name of the reference."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from frontier.reports.page import bundle, render
from frontier.reports.points import points_of
from frontier.reports.robustness import CHECKS, robustness_of
from frontier.results.corruption_metrics import ALEXNET
from frontier.results.evaluation import Evaluation
from frontier.results.measure import Measure
from frontier.results.record import Point, TrialRecord
from frontier.results.store import StudyManifest

MakePoint = Callable[..., Point]
MakeRecord = Callable[..., TrialRecord]
MakeAttack = Callable[..., Evaluation]
MakeCorruptions = Callable[..., Evaluation]
Study = list[tuple[int, TrialRecord]]
BUNDLE = bundle()
DOCUMENT = Path(__file__).parents[2] / "docs" / "checks.md"


@pytest.fixture
def evaluated(
    make_point: MakePoint, make_record: MakeRecord, make_attack: MakeAttack, make_corruptions: MakeCorruptions
) -> Study:
    """Trial 0 was attacked and corrupted, 1 never; 2 is dominated and was attacked with FGSM alone."""
    weak = make_attack(name="fgsm")
    accuracies = {key: m for key, m in weak.accuracies.items() if key == "clean" or key.startswith("fgsm")}
    weak = weak.model_copy(update={"accuracies": accuracies})
    evaluations = (make_attack(failed=("order", "mystery")), make_corruptions())
    return [
        (0, make_record(make_point(100, 0.9, 0.7, 0.31), evaluations=evaluations)),
        (1, make_record(make_point(10, 0.7, 0.5, 0.2))),
        (2, make_record(make_point(200, 0.6, 0.4, 0.1), evaluations=(weak,))),
    ]


def section(page: str) -> str:
    return page.replace(BUNDLE, "").split('<section id="robustness">')[1].split("</section>")[0]


def test_attacks_stand_from_weak_to_strong_with_a_row_an_eps(evaluated: Study) -> None:
    found = robustness_of(points_of(evaluated), "digits")
    assert found.attacks == ("fgsm", "pgd-20", "autoattack", "worst")
    strong, weak = found.attack_lines
    assert (strong.trial, weak.trial) == ("0", "2")
    assert [eps for eps, _ in strong.strengths] == ["4", "8"]
    assert strong.strengths[1][1][0] == "30.0% [21.9, 39.6]"
    assert [accuracies[1:] for _, accuracies in weak.strengths] == [("", "", "")] * 2
    assert (strong.n, strong.clean, strong.code, strong.date) == (
        "100",
        "90.0% [82.6, 94.5]",
        "0.2.0+def",
        "2026-02-03",
    )
    assert strong.settings == "seed 0"


def test_strengths_are_in_the_order_of_numbers(evaluated: Study, make_attack: MakeAttack) -> None:
    eps = ("16", "2", "127.5")
    names = ("pgd-100x5", "square", "pgd-20")
    accuracies = {f"{name}/{e}": Measure.of(0.5, 100) for e in eps for name in names}
    changed = make_attack().model_copy(update={"accuracies": accuracies})
    record = evaluated[0][1].model_copy(update={"evaluations": (changed,)})
    found = robustness_of(points_of([(0, record)]), "digits")
    assert found.attacks == ("pgd-20", "pgd-100x5", "square")
    assert [e for e, _ in found.attack_lines[0].strengths] == ["2", "16", "127.5"]


def test_failed_checks_are_named_seen_and_explained(manifest: StudyManifest, evaluated: Study) -> None:
    shown = section(render(manifest, evaluated))
    assert 'failed <a href="#check-order">order</a></b><small>4 of 100 images</small>' in shown
    assert f'<dt id="check-order">order</dt><dd>{CHECKS["order"]}</dd>' in shown
    assert "failed mystery</b>" in shown
    assert "check-mystery" not in shown
    assert "1 passed; did not apply: square (AutoAttack was not run)" in shown
    assert set(re.findall(r'href="#([^"]+)"', shown)) <= set(re.findall(r'id="([^"]+)"', shown))


def test_every_check_that_is_documented_is_explained_here_too() -> None:
    if not DOCUMENT.is_file():
        pytest.skip("docs/checks.md is not there yet")
    sections = re.findall(r"^## `?(\w+)`?$", DOCUMENT.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert set(CHECKS) <= set(sections)


def test_corruptions_show_the_mean_its_breakdown_and_the_reference(manifest: StudyManifest, evaluated: Study) -> None:
    page = render(manifest, evaluated)
    (line,) = robustness_of(points_of(evaluated), "digits").corruption_lines
    assert (line.overall[:5], line.over) == ("75.0%", "2 corruptions x 2 severities")
    assert [cell[:5] for cell in line.severities] == ["80.0%", "70.0%"]
    assert [cell[:5] for cell in line.corruptions] == ["85.0%", "65.0%"]
    assert "87.2%<small>reference: teacher 0123</small>" in section(page)
    assert "CIFAR-10-C-style (regenerated)" in section(page)


def test_cells_that_do_not_fit_together_do_not_hide_the_page(
    manifest: StudyManifest, evaluated: Study, make_corruptions: MakeCorruptions
) -> None:
    odd = make_corruptions().model_copy(
        update={
            "accuracies": {"fog/1": Measure.of(0.5, 10), "frost/2": Measure.of(0.5, 10), "a/b": Measure.of(0.5, 10)}
        }
    )
    record = evaluated[0][1].model_copy(update={"evaluations": (odd,)})
    assert "CIFAR-10-C-style (regenerated)" in section(render(manifest, [(0, record)]))


def test_what_was_never_evaluated_is_said_with_the_command(manifest: StudyManifest, evaluated: Study) -> None:
    shown = section(render(manifest, evaluated))
    assert "Not evaluated: trial 1 of the front: <code>frontier evaluate digits</code>" in shown
    nothing = section(render(manifest, evaluated[1:2]))
    assert "Not evaluated: the whole front: <code>frontier evaluate digits</code>" in nothing
    assert "<table" not in nothing


def test_a_point_without_all_common_corruptions_is_said_with_the_command(
    manifest: StudyManifest, evaluated: Study, make_corruptions: MakeCorruptions
) -> None:
    command = "<code>frontier evaluate digits --corruptions common</code>"
    assert f"Not evaluated on corruptions: the whole front: {command}" in section(render(manifest, evaluated))
    cells = {f"{name}/{severity}": Measure.of(0.5, 10) for name in ALEXNET.errors for severity in (1, 5)}
    held_out = make_corruptions(label="CIFAR-10-C-style (regenerated), held-out")
    whole = make_corruptions().model_copy(update={"accuracies": cells})
    record = evaluated[0][1].model_copy(update={"evaluations": (whole, held_out)})
    shown = section(render(manifest, [(0, record), *evaluated[1:]]))
    assert f"Not evaluated on corruptions: trial 1 of the front: {command}" in shown
    assert "CIFAR-10-C-style (regenerated), held-out" in shown


def test_official_files_have_a_column_of_their_own(
    manifest: StudyManifest, make_point: MakePoint, make_record: MakeRecord
) -> None:
    measured = make_record(make_point(100, 0.9, 0.7, 0.3, official=0.66))
    page = render(manifest, [(0, measured), (1, make_record(make_point(10, 0.8, 0.6, 0.2)))]).replace(BUNDLE, "")
    front = page.split('<section id="front">')[1].split("</section>")[0]
    assert "corrupted, official files</th>" in front
    assert "<td>test 66.0% [63.0, 68.9]</td>" in front
    figure = page.split('<section id="corrupted_vs_relus">')[1].split("</section>")[0]
    assert ">official percent</th>" in figure
    assert "official files, test 66.0% [63.0, 68.9]" in figure
    assert "official" not in page.split('<section id="clean_vs_relus">')[1].split("</section>")[0]


def test_the_same_records_give_the_same_page(manifest: StudyManifest, evaluated: Study) -> None:
    assert render(manifest, evaluated) == render(manifest, evaluated[::-1])
