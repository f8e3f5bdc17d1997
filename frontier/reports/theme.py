"""Colours of the figures, light and dark: Okabe and Ito's palette for marks, Cividis for scales.

Colour is never the only channel: every kind of mark has a symbol or dash of its own as well. Each colour is used for
one role, so that a page can hold a figure once and swap the palette (`swap`) when its reader's scheme is dark.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Theme:
    """CSS colours by role. `ink` and `muted` have a contrast of at least 4.5 against `paper`, marks at least 3."""

    paper: str
    ink: str
    muted: str
    grid: str
    front: str
    nondominated: str
    test: str
    other: str
    flag: str  # what failed a health check
    interval: str


LIGHT = Theme(
    paper="#ffffff",
    ink="#1b2430",
    muted="#566170",
    grid="#e4e8ee",
    front="#0072b2",
    nondominated="#d55e00",
    test="#00805e",
    other="#8a93a0",
    flag="#a8005c",
    interval="rgba(0,114,178,0.45)",
)
DARK = Theme(
    paper="#12161c",
    ink="#e8ecf2",
    muted="#a3adba",
    grid="#2a323d",
    front="#56b4e9",
    nondominated="#e69f00",
    test="#2fc79a",
    other="#7c8796",
    flag="#f08cc0",
    interval="rgba(86,180,233,0.45)",
)

# Okabe and Ito's, but those that mark fronts; for groups of points, each of which has a symbol of its own as well
CATEGORIES = {
    LIGHT: ("#8a93a0", "#00805e", "#a05a83", "#8f6a00", "#3b7fb0"),
    DARK: ("#7c8796", "#2fc79a", "#cc79a7", "#c9a227", "#4f93c4"),
}


def swap(before: Theme, after: Theme) -> dict[str, str]:
    """Each colour of one theme -> the colour of the same role in another one."""
    return dict(zip(asdict(before).values(), asdict(after).values(), strict=True))
