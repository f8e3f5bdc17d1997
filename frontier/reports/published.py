"""What papers report, as figures take it: the published figures of a study's data set, in its convention of sites."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import get_args

from frontier.results.published import Class, Figure, Published

ROUGH = "count read off roughly"
CLASSES: tuple[Class, ...] = get_args(Class)  # of what stands where a ReLU was


@dataclass(frozen=True)
class PublishedPoint:
    """One network of a paper. What the source does not say is None; `sites` is its convention of counting where it
    could not be turned into the study's. `source` is of count and accuracy, `online_source` of seconds and megabytes;
    `secondary`: somebody else's table or rerun. `note`: what else must be known of it."""

    method: str
    kind: Class
    network: str
    relu_count: int | None
    accuracy_percent: float | None
    online_s: float | None
    online_mb: float | None
    under: str  # protocol and link of the seconds, as the source has them
    source: str
    secondary: bool
    sites: str = ""
    online_source: str = ""
    online_secondary: bool = False
    note: str = ""

    @property
    def sources(self) -> str:
        """Of all its numbers."""
        other = self.online_source and self.online_source != self.source
        return f"{self.source}; online: {self.online_source}" if other else self.source

    def quoted(self, *, online: bool) -> bool:
        """Whether it is second-hand where it is shown; `online`: by its seconds or megabytes."""
        return self.secondary or (online and self.online_secondary)


def published_points(
    found: Published, *, data: str, sites: str, classes: Collection[str] = CLASSES
) -> tuple[PublishedPoint, ...]:
    """Those of this data set and these classes, counted in the convention `sites` where their source allows it; by
    method, count and source."""
    some = [figure for figure in found.figures if figure.data == data and figure.kind in classes]
    made = [_point(found, figure, sites) for figure in some]
    return tuple(sorted(made, key=lambda p: (p.method, p.relu_count or 0, p.accuracy_percent or 0, p.source)))


def _point(found: Published, figure: Figure, sites: str) -> PublishedPoint:
    count, online = figure.relus_in(sites), figure.online
    return PublishedPoint(
        method=figure.method,
        kind=figure.kind,
        network=figure.network or "network unknown",
        relu_count=figure.relus if count is None else count,
        accuracy_percent=figure.accuracy,
        online_s=online.seconds if online else None,
        online_mb=online.megabytes if online else None,
        under=online.under if online else "",
        source=found.cite(figure.source),
        secondary=found.sources[figure.source].secondary,
        sites="" if count is not None else figure.sites or "convention unknown",
        online_source=found.cite(online.source) if online else "",
        online_secondary=bool(online and found.sources[online.source].secondary),
        note="; ".join(part for part in (ROUGH if figure.about else "", figure.note or "") if part),
    )
