"""The tables of `show`, `list` and `relus`, as text of 80 columns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from frontier.cli._tables import by_state, print_sites, print_studies, print_study


@pytest.fixture(autouse=True)
def _eighty_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.delenv("FORCE_COLOR", raising=False)


def point(trial: int, index: int = 0) -> dict[str, Any]:
    test = {
        name: {"value": 0.961, "n": 360, "low": 0.93, "high": 0.98} for name in ("clean", "corrupted", "adversarial")
    }
    fields = {"trial": trial, "point": index, "method": "streamlinet", "relu_budget": 557_056, "relu_count": 557_055}
    about = {"role": "extra" if index else "asked", "label": "", "branch": None, "routing": "served", "squares": 0}
    scores = {"clean": 0.971, "corrupted": 0.9, "adversarial": 0.1234, "objectives": {"clean": 0.971}, "test": test}
    return {**fields, **about, **scores, "fidelity": "authors_code", "health": {"checked": False, "failed": []}}


def summary(*front: dict[str, Any], routing: str = "served") -> dict[str, Any]:
    about = {"study": "digits", "trials": {"complete": 30}, "hypervolume": 0.5, "routing": routing}
    return about | {"objectives": ["clean", "relu_count"], "front": [*front], "unpriced": {}}


def test_the_front_has_a_line_a_point_that_fits_80_columns(capsys: pytest.CaptureFixture[str]) -> None:
    trials = {"complete": 30, "failed": 1, "pruned": 0}
    print_study(summary(point(7), point(104, 1)) | {"trials": trials, "hypervolume": 0.61234})
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "digits: 30 complete, 1 failed; hypervolume 0.6123"
    assert lines[1].split() == ["trial", "method", "ReLUs", "budget", "clean", "corrupted", "adversarial"]
    assert lines[2].split()[:4] == ["7", "streamlinet", "557,055", "557,056"]
    assert lines[2].rstrip().endswith("97.1 (96.1)  90.0 (96.1)  12.3 (96.1)")
    assert lines[3].split()[0] == "104.1"
    assert max(map(len, lines)) <= 80


def test_a_study_without_a_front_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    print_study(summary() | {"trials": {"complete": 0}, "hypervolume": 0.0})
    assert capsys.readouterr().out == "digits: no trials; hypervolume 0.0000\nno front yet: no trial is complete\n"


def test_prices_have_a_column_with_their_unit_and_points_without_one_are_named(
    capsys: pytest.CaptureFixture[str],
) -> None:
    names = ["clean", "online_s@crypten/wan", "rounds@delphi/lan", "online_bytes@delphi/lan"]
    values = dict(zip(names, (0.971, 3.927, 153.0, 5.9e7), strict=True))
    priced = summary(point(7) | {"objectives": values}) | {
        "objectives": names,
        "unpriced": {"no squares": ["3", "4.1"]},
    }
    print_study(priced)
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split() == ["online_s@"]
    assert lines[2].split()[4] == "crypten/wan"
    assert lines[3].split()[4:6] == ["3.93", "s"]
    assert lines[5].split() == ["rounds@", "online_bytes@"]
    assert lines[7].split() == ["7", "153", "59", "MB"]
    assert max(map(len, lines)) <= 80
    assert lines[-1] == "no price, so on no front: 3, 4.1: no squares"


def test_plain_points_have_no_second_table(capsys: pytest.CaptureFixture[str]) -> None:
    print_study(summary(point(7)))
    out = capsys.readouterr().out
    assert not {"label", "branch", "squares"} & set(out.split())
    assert "reconstruction" not in out
    assert "ORACLE" not in out


def test_labels_branches_squares_and_reconstructions_stand_under_the_front(capsys: pytest.CaptureFixture[str]) -> None:
    snapshot = point(7, 1) | {"label": "snapshot after epoch 7 of the search, width 0.5 of the network of the study"}
    branched = point(9) | {"method": "rlnet", "branch": "clean", "fidelity": "reconstruction", "squares": 1024}
    print_study(summary(point(3), snapshot, branched))
    lines = capsys.readouterr().out.splitlines()
    assert lines[6].split() == ["trial", "branch", "squares", "label"]
    assert lines[7].split()[:5] == ["7.1", "extra:", "snapshot", "after", "epoch"]
    assert any(line.split() == ["9", "clean", "1,024"] for line in lines)
    assert lines[-1] == "reconstruction, not checked against its authors' code: rlnet"
    assert max(map(len, lines)) <= 80


def test_health_checks_stand_in_words_beside_the_front_and_by_name_under_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    failed = ["chance_at_half", "converged", "deterministic", "gradients", "monotone_in_eps", "order", "square"]
    bad = point(104, 1) | {"health": {"checked": True, "failed": failed}}
    print_study(summary(point(3), point(7) | {"health": {"checked": True, "failed": []}}, bad))
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split()[-1] == "health"
    assert lines[2].endswith("12.3 (96.1)" + " " * 8)
    assert [line.split()[-1] for line in lines[3:5]] == ["ok", "FAILED"]
    assert lines[6].split() == ["trial", "failed", "health", "checks", "label"]
    about = " ".join(lines[7:])
    assert all(name in about for name in failed)
    assert lines[-1] == "failed a health check: attacked accuracy may be far too high (docs/checks.md)"
    assert max(map(len, lines)) <= 80


def test_a_front_that_nobody_evaluated_has_no_health_column(capsys: pytest.CaptureFixture[str]) -> None:
    print_study(summary(point(7)))
    assert "health" not in capsys.readouterr().out


def test_oracle_routed_figures_are_said_to_be_no_networks(capsys: pytest.CaptureFixture[str]) -> None:
    print_study(summary(point(9) | {"branch": "clean", "routing": "oracle"}, routing="oracle"))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].endswith("hypervolume 0.5000 (served)")
    assert lines[1] == "ORACLE-ROUTED: NO DEPLOYED NETWORK HAS THESE FIGURES"
    assert lines[-1].split() == ["9", "clean,", "figures", "oracle-routed"]
    print_study(summary(point(9), routing="oracle"))
    assert "these are served figures" in " ".join(capsys.readouterr().out.split())


def test_studies_are_listed_one_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    trials = {"complete": 3, "unfinished": 1}
    row = {
        "study": "digits",
        "created_at": "2026-01-01T00:00:00Z",
        "trials": trials,
        "folder": "results/studies/digits",
    }
    print_studies([row], Path("results"))
    assert "digits  3 complete, 1 unfinished  2026-01-01T00:00  results/studies/digits" in capsys.readouterr().out


def test_an_empty_home_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    print_studies([], Path("results"))
    assert capsys.readouterr().out == "no studies under results\n"


def test_sites_stand_in_order_with_both_totals(capsys: pytest.CaptureFixture[str]) -> None:
    sites = [
        {"path": "relu", "shape": [64, 32, 32], "relus": 65536, "inner": False},
        {"path": "layer1.0.relu1", "shape": [64, 32, 32], "relus": 65536, "inner": True},
    ]
    print_sites({"network": "resnet18", "image": [3, 32, 32], "full": 131072, "inner": 65536, "sites": sites})
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split() == ["relu", "64x32x32", "65,536", "no"]
    assert lines[-1] == "resnet18 at 3x32x32: full 131,072, inner 65,536 ReLUs"


def test_only_states_that_occur_are_named() -> None:
    assert by_state({"complete": 1, "failed": 0}) == "1 complete"
