"""Guesses, constraints, warm start and replicates through `frontier.search`, on trials that are really run."""

from __future__ import annotations

from pathlib import Path

import pytest

import frontier
from frontier.cli._tables import print_study
from frontier.errors import InputError


def test_guesses_from_a_file_and_from_another_study_are_run_first(space: Path, tmp_path: Path) -> None:
    first = frontier.search(space, home=tmp_path, backend="inline", trials=3)
    file = tmp_path / "mine.yaml"
    file.write_text("- {relu_budget: 10%, snl.penalty: 0.02}\n- machinery:2\n")
    view = frontier.search(
        space, name="second", home=tmp_path, backend="inline", trials=4, enqueue=[file, "machinery:2"]
    )
    assert view.trial(0).spec.relu_budget == 19
    assert view.trial(0).spec.knobs["penalty"] == 0.02
    theirs, ours = first.trial(2).spec, view.trial(1).spec
    assert (ours.relu_budget, ours.knobs, ours.finetune) == (theirs.relu_budget, theirs.knobs, theirs.finetune)
    assert [view.trial(trial).spec.relu_budget for trial in (2, 3)] == [192, 0]  # the anchors


@pytest.mark.parametrize(
    ("guess", "says"),
    [
        ("nothing.yaml", "--enqueue: no such file"),
        ("nothing:3", "no study 'nothing'"),
        ("machinery:7", "has no record"),
        ("machinery:0.4", "has no point 4"),
        ("machinery:best", "not a trial"),
    ],
)
def test_a_guess_that_is_none_is_refused_before_anything_is_written(
    space: Path, tmp_path: Path, guess: str, says: str
) -> None:
    frontier.search(space, home=tmp_path, backend="inline", trials=1)
    with pytest.raises(InputError, match=says):
        frontier.search(space, name="second", home=tmp_path, backend="inline", trials=1, enqueue=[guess])
    assert not (tmp_path / "studies" / "second").exists()


@pytest.mark.parametrize("option", ["enqueue", "warm_start"])
def test_credentials_in_a_url_are_refused_and_not_quoted(space: Path, tmp_path: Path, option: str) -> None:
    (tmp_path / "mine.yaml").write_text("- s3://me:top-secret@bucket/studies/mine:7\n")
    named = ["s3://me:top-secret@bucket/studies/mine:7", "s3://me:top-secret@bucket", str(tmp_path / "mine.yaml")]
    for source in named if option == "enqueue" else named[:2]:
        with pytest.raises(InputError, match="leave credentials to the environment") as caught:
            frontier.search(space, home=tmp_path / "home", backend="inline", **{option: [source]})  # type: ignore[arg-type]
        assert "top-secret" not in str(caught.value)


def test_a_guess_from_a_study_with_wider_ranges_is_refused_where_it_does_not_fit(space: Path, tmp_path: Path) -> None:
    frontier.search(space, home=tmp_path, backend="inline", trials=1)
    space.write_text(space.read_text().replace("[0, 100%]", "[0, 50%]").replace("anchors: [100%, 0]\n", ""))
    with pytest.raises(InputError, match=r"(?s)outside the domain of 'relu_budget'.*got: 192"):
        frontier.search(space, name="second", home=tmp_path, backend="inline", enqueue=["machinery:0"])


def test_the_front_says_what_violates_the_constraints(
    space: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    space.write_text(space.read_text() + "constraints: [relu_count <= 100]\n")
    view = frontier.search(space, home=tmp_path, backend="inline", trials=2)
    assert {point.trial: point.violated for point in view.points()} == {0: ("relu_count <= 100",), 1: ()}
    summary = view.summary()
    assert summary["constraints"] == ["relu_count <= 100"]
    assert summary["feasible"]["points"] == {"of": 2, "feasible": 1}
    assert {row["trial"]: row["violates"] for row in summary["front"]}.get(0, ["relu_count <= 100"])
    print_study(summary)
    shown = capsys.readouterr().out
    assert "relu_count <= 100: kept by 1 of 2 points" in shown
    page = view.report(tmp_path / "page.html").read_text()
    assert "of the front keep to the constraints" in page
    assert ("violates relu_count &lt;= 100" in page) == any(p.violated for p in view.front())


def test_a_study_without_constraints_says_nothing_of_them(space: Path, tmp_path: Path) -> None:
    view = frontier.search(space, home=tmp_path, backend="inline", trials=1)
    assert "constraints" not in view.summary()
    assert "keep to the constraints" not in view.report(tmp_path / "page.html").read_text()


def test_replicates_stand_beside_the_winners(space: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    view = frontier.search(space, home=tmp_path, backend="inline", trials=2, replicate=2)
    assert view.counts()["complete"] == 2
    front = view.front()
    assert len(view.files.trials()) == 2 + 2 * len({point.trial for point in front})
    row = view.summary()["front"][0]
    found = row["replicates"]["clean"]
    assert len(found["values"]) == 2
    assert found["mean"] == pytest.approx(sum(found["values"]) / 2)
    assert found["sd"] >= 0
    print_study(view.summary())
    assert "other seeds" in capsys.readouterr().out
    assert "The front, with other seeds" in view.report(tmp_path / "page.html").read_text()
    again = frontier.search(space, home=tmp_path, backend="inline", resume=True, trials=2, replicate=2)
    assert len(again.files.trials()) == len(view.files.trials())
    assert len(again.to_pandas()) == len(view.points())


def test_no_other_seed_is_refused(space: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--replicate"):
        frontier.search(space, home=tmp_path, backend="inline", trials=2, replicate=0)


def test_a_study_learns_from_another_one_and_is_not_changed_by_it(space: Path, tmp_path: Path) -> None:
    frontier.search(space, home=tmp_path, backend="inline", trials=2)
    view = frontier.search(
        space, name="second", home=tmp_path, backend="inline", trials=1, sampler="tpe", warm_start=["machinery"]
    )
    assert view.counts()["complete"] == 1
    assert len(view.points()) == 1
    assert "machinery:1" in (view.files.folder / "warm_start.json").read_text()
