"""What was measured, as rows to fit: one network over one link, its figures the medians of all its measurements."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from frontier.latency._link import Link
from frontier.results.measured import Measured
from frontier.results.profile import Profile

LOOPBACK = "loopback"


class Observation(NamedTuple):
    """A network's profile, and a measurement of it."""

    profile: Profile
    measured: Measured


@dataclass(frozen=True)
class Row:
    """Seconds of one network over one link. `runs` are those that count."""

    profile: Profile
    link: Link
    loopback: bool
    online_s: float
    client_cpu_s: float
    server_cpu_s: float
    runs: int

    @property
    def budget(self) -> tuple[int, int]:
        """ReLUs and squares."""
        return self.profile.kept, self.profile.squares

    @property
    def relu_layers(self) -> int:
        return sum(1 for site in self.profile.sites if site.kept)

    @property
    def square_layers(self) -> int:
        """That have squares and no ReLU."""
        return sum(1 for site in self.profile.sites if site.squares and not site.kept)

    @property
    def link_name(self) -> str:
        """For people: `loopback`, or the round trip and the bandwidth."""
        return LOOPBACK if self.loopback else f"{self.link.rtt_ms:.4g} ms, {self.link.mbit_s:.4g} Mbit/s"


def link_of(measured: Measured) -> Link:
    """The link that a measurement is to be priced over: the emulated one as it was set, or the real one as measured,
    with the slower of its two directions."""
    if measured.emulated is not None:
        return Link(rtt_ms=measured.emulated.rtt_ms, mbit_s=measured.emulated.mbit_s)
    return Link(rtt_ms=measured.link.rtt_ms, mbit_s=min(measured.link.up_mbit_s, measured.link.down_mbit_s))


def is_loopback(measured: Measured) -> bool:
    """Whether no link lay between the parties."""
    return measured.emulated is None and measured.parties == "one host"


def rows_of(observations: Iterable[Observation]) -> tuple[Row, ...]:
    """One row for each profile and link, by falling ReLU count. Loopback is one link, however fast it was."""
    groups: dict[tuple[Profile, Link | None], list[Observation]] = {}
    for one in observations:
        link = None if is_loopback(one.measured) else link_of(one.measured)
        groups.setdefault((one.profile, link), []).append(one)
    rows = [_row(profile, link, [one.measured for one in group]) for (profile, link), group in groups.items()]
    return tuple(sorted(rows, key=lambda row: (not row.loopback, row.link_name, *(-count for count in row.budget))))


def _row(profile: Profile, link: Link | None, group: Sequence[Measured]) -> Row:
    return Row(
        profile=profile,
        link=link if link is not None else _typical([link_of(measured) for measured in group]),
        loopback=link is None,
        online_s=statistics.median(measured.online_s.median for measured in group),
        client_cpu_s=statistics.median(measured.client_cpu_s.median for measured in group),
        server_cpu_s=statistics.median(measured.server_cpu_s.median for measured in group),
        runs=sum(measured.counting for measured in group),
    )


def _typical(links: Sequence[Link]) -> Link:
    return Link(
        rtt_ms=statistics.median(link.rtt_ms for link in links),
        mbit_s=statistics.median(link.mbit_s for link in links),
    )
