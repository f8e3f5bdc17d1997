"""A price beside a measurement: by the protocol of its engine, over the link that it was made over."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable

from frontier.errors import InputError
from frontier.frozen import Frozen
from frontier.latency._calibrated import protocol, protocol_of
from frontier.latency._formula import client_cpu_s
from frontier.latency._link import Link
from frontier.latency._observed import is_loopback, link_of
from frontier.results.measured import Measured
from frontier.results.profile import Profile

NEAR = 0.1  # by which a real link may differ from one that is asked for and still stand for it


class Beside(Frozen):
    """What the published constants give for what was measured."""

    protocol: str
    online_s: float
    client_cpu_s: float


def beside(profile: Profile, measured: Measured) -> Beside | None:
    """None where no protocol prices what the engine measures, or not this network (its squares, say)."""
    name = protocol_of(measured.engine)
    if name is None:
        return None
    known = protocol(name)
    try:
        online_s = known.price(profile, link_of(measured), known.costs).online_s
    except InputError:
        return None
    if online_s is None:
        return None
    return Beside(protocol=name, online_s=online_s, client_cpu_s=client_cpu_s(known.costs, profile))


def measured_s(measurements: Iterable[Measured], engine: str | None, link: Link) -> float | None:
    """The median of what this engine took over this link; None where nothing fits. Loopback is nobody's link."""
    found = [one.online_s.median for one in measurements if one.engine == engine and _over(one, link)]
    return statistics.median(found) if found else None


def _over(measured: Measured, link: Link) -> bool:
    """Whether it was measured over this link: emulated as such, or real and near it."""
    if is_loopback(measured):
        return False
    if measured.emulated is not None:
        return link_of(measured) == link
    there = link_of(measured)
    pairs = ((there.rtt_ms, link.rtt_ms), (there.mbit_s, link.mbit_s))
    return all(math.isclose(one, other, rel_tol=NEAR) for one, other in pairs)
