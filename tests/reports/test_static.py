"""Figures as SVG and PNG; where kaleido or Chrome is missing, what to run is said."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import plotly.graph_objects as go
import pytest
from typer.testing import CliRunner

from frontier import registry
from frontier.cli._app import app
from frontier.errors import BlockedError
from frontier.reports.points import points_of
from frontier.reports.static import write_images
from frontier.reports.studied import Studied
from frontier.reports.theme import LIGHT
from frontier.results.record import TrialRecord

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")


def figures(study: list[tuple[int, TrialRecord]]) -> Iterator[tuple[str, go.Figure]]:
    for name in ("clean_vs_relus", "hypervolume_over_trials"):
        figure = registry.load("figure", name)
        yield name, figure.draw(figure.data(Studied(points_of(study))), LIGHT)


def test_without_kaleido_the_extra_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, study: list[tuple[int, TrialRecord]]
) -> None:
    monkeypatch.setitem(sys.modules, "kaleido", None)
    with pytest.raises(BlockedError, match=r"pip install 'relu-frontier\[static\]'"):
        write_images(figures(study), tmp_path, "svg")


def test_without_chrome_what_to_install_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, study: list[tuple[int, TrialRecord]]
) -> None:
    kaleido = pytest.importorskip("kaleido")
    from kaleido.errors import ChromeNotFoundError

    def missing(*_: object, **__: object) -> None:
        raise ChromeNotFoundError

    monkeypatch.setattr(kaleido, "write_fig_from_object_sync", missing)
    with pytest.raises(BlockedError, match="apt-get install chromium"):
        write_images(figures(study), tmp_path, "svg")


def test_the_command_says_what_is_missing_and_writes_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "kaleido", None)
    home = str(Path(__file__).parents[2] / "results" / "reference")
    words = ["report", "cifar10_lab", "--home", home, "--format", "svg", "--out", str(tmp_path / "images")]
    done = CliRunner().invoke(app, words)
    assert isinstance(done.exception, BlockedError)
    assert not (tmp_path / "images").exists()


@pytest.mark.filterwarnings("default")
@pytest.mark.skipif(not any(map(shutil.which, BROWSERS)), reason="no Chrome")
def test_each_figure_is_a_file_that_loads_nothing(tmp_path: Path, study: list[tuple[int, TrialRecord]]) -> None:
    pytest.importorskip("kaleido")
    paths = write_images(figures(study), tmp_path / "images", "svg")
    assert [path.name for path in paths] == ["clean_vs_relus.svg", "hypervolume_over_trials.svg"]
    text = paths[0].read_text(encoding="utf-8")
    assert text.startswith("<svg")
    assert "front of this view" in text
    assert 'href="http' not in text
    (png,) = write_images(list(figures(study))[:1], tmp_path, "png")
    assert png.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    (pdf,) = write_images(list(figures(study))[:1], tmp_path, "pdf")
    assert pdf.read_bytes()[:5] == b"%PDF-"
