"""Sessions: every network over every link, then all of them again, so that a drift of the load meets all alike.

A session has processes and, where a link is emulated, namespaces of its own, which are gone before the next one starts:
the weights of several networks in the ring do not fit into memory together.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import evidence
from evidence import LOOPBACK, Evidence, Network, Session

from frontier.api.measure import measure
from frontier.errors import VerificationError

ATTEMPTS = 5  # at a session none of whose runs counts, as where the emulated link was late
LOOK_S = 5.0  # between two looks at the load
BundleOf = Callable[[Network], Path]


def work_off(found: Evidence, path: Path, bundle: BundleOf, data: Path | None) -> Evidence:
    """Measure what is not in the evidence yet, and write the file after every session: it can be stopped at any moment
    and goes on where it was. Raises VerificationError where a session fails again and again."""
    there = {(one.network, one.link, one.round) for one in found.sessions}
    wanted = [one for one in _listed(found) if (one[0].name, *one[1:]) not in there]
    for done, (network, link, number) in enumerate(wanted, 1):
        folder = bundle(network)
        for attempt in range(1, ATTEMPTS + 1):
            _wait(found.calm)
            try:
                session = _session(found, network, link, number, folder, data)
                break
            except VerificationError as error:
                said = f"{network.name} over {link}, round {number}: {error}"
                print(said, file=sys.stderr, flush=True)
                found = found.model_copy(update={"failed": (*found.failed, said)})
                evidence.write(found, path)
                if attempt == ATTEMPTS:
                    raise
        found = found.model_copy(update={"sessions": (*found.sessions, session)})
        evidence.write(found, path)
        median_s, load = session.measured.online_s.median, session.measured.load["client_before"]
        print(
            f"{done}/{len(wanted)} {network.name} over {link}, round {number}: {median_s:.3f} s, load {load:.1f}",
            file=sys.stderr,
            flush=True,
        )
    return found


def _wait(calm: float | None) -> None:
    """Until the load average over a minute is below this."""
    while calm is not None and os.getloadavg()[0] >= calm:
        time.sleep(LOOK_S)


def _listed(found: Evidence) -> Iterator[tuple[Network, str, int]]:
    for number in range(found.rounds):
        for network in found.networks:
            for link in found.links:
                yield network, link, number


def _session(found: Evidence, network: Network, link: str, number: int, folder: Path, data: Path | None) -> Session:
    measured = measure(
        folder,
        engine=found.engine,
        repeats=found.repeats,
        seed=number,
        link=None if link == LOOPBACK else link,
        data=data,
    )
    measured.path.unlink()  # what `frontier measure` leaves in the bundle; here it stands in the evidence
    return Session(network=network.name, link=link, round=number, measured=measured.measured)
