"""Figures as files of their own, SVG, PNG or PDF, drawn by Chrome through kaleido; nothing is loaded from a network."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.resources import as_file, files
from pathlib import Path
from typing import Literal, get_args

import plotly.graph_objects as go

from frontier.errors import BlockedError
from frontier.files import writable
from frontier.reports.theme import LIGHT

Format = Literal["svg", "png", "pdf"]
FORMATS: tuple[Format, ...] = get_args(Format)
WIDTH_PX, SCALE = 1000, 2  # of a figure; pixels of a PNG for each of these


def write_images(figures: Iterable[tuple[str, go.Figure]], folder: Path, form: Format) -> list[Path]:
    """Write `FOLDER/NAME.FORMAT` for each figure, light, without menus; returns the paths in their order.

    Raises BlockedError without kaleido or Chrome, saying what to run.
    """
    try:
        import kaleido
        from kaleido.errors import ChromeNotFoundError
    except ImportError:
        raise BlockedError("images need kaleido; run: pip install 'relu-frontier[static]'") from None
    writable(folder, "--out")
    made, paths = [], []
    for name, figure in figures:
        paths.append(folder / f"{name}.{form}")
        figure.update_layout(paper_bgcolor=LIGHT.paper, updatemenus=[])
        size = {
            "format": form,
            "width": WIDTH_PX,
            "height": figure.layout.height or 480,
            "scale": SCALE if form == "png" else 1,
        }
        made.append({"fig": figure.to_dict(), "path": str(paths[-1]), "opts": size})
    bundle = files("frontier.reports") / "assets" / "plotly-cartesian.min.js"
    try:
        with as_file(bundle) as path:
            kaleido.write_fig_from_object_sync(
                made, cancel_on_error=True, kopts={"plotlyjs": path.as_uri(), "mathjax": False}
            )
    except ChromeNotFoundError:
        raise BlockedError(
            "images need Chrome or Chromium, and none was found; on Debian and Ubuntu run: apt-get install chromium"
        ) from None
    return paths
