"""From a study's records, and what lies beside them, to what its figures look at."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from frontier.masks.mask import Mask
from frontier.reports.clock import ended_s
from frontier.reports.points import Records, StudyPoint, points_of
from frontier.reports.published import CLASSES, PublishedPoint, published_points
from frontier.reports.studied import Studied, no_masks
from frontier.results.published import Published
from frontier.results.record import TrialRecord
from frontier.results.store import StudyManifest
from frontier.spaces.constraints import constraints_of
from frontier.spaces.goals import FOUR, Goals


@dataclass(frozen=True)
class Beside:
    """What lies beside a study's records: its events in order, its mask files, studies of the same space with other
    seeds (manifest and records of each), and what papers report."""

    events: Sequence[Mapping[str, Any]] = ()
    mask: Callable[[StudyPoint], Mask] = no_masks
    seeds: Sequence[tuple[StudyManifest, Records]] = ()
    published: Published | None = None


NOTHING = Beside()


def study_of(
    manifest: StudyManifest,
    records: Records,
    *,
    goals: Goals = FOUR,
    oracle_routed: bool = False,
    beside: Beside = NOTHING,
    overlays: Collection[str] = CLASSES,
    pair: tuple[str, ...] = (),
) -> Studied:
    """All that figures may look at. `overlays`: the classes of published figures that are laid beside."""
    known = list(records)
    limits = constraints_of(manifest.space.get("constraints") or ())
    ended, clock = ended_s(beside.events, known)
    return Studied(
        points_of(known, goals=goals, relus=manifest.relus, oracle_routed=oracle_routed, constraints=limits),
        name=manifest.name,
        ended_s=ended,
        clock=clock,
        mask=beside.mask,
        pair=pair,
        seeds=tuple(
            study_of(other, found, goals=goals, oracle_routed=oracle_routed, overlays=())
            for other, found in beside.seeds
        ),
        published=_published(known, beside.published, overlays),
    )


def _published(records: Records, found: Published | None, overlays: Collection[str]) -> tuple[PublishedPoint, ...]:
    """Those of the records' own data set and convention of sites; nothing where no record says them."""
    spec = next((record.spec for _, record in records if isinstance(record, TrialRecord)), None)
    if spec is None or found is None:
        return ()
    return published_points(found, data=spec.data.name, sites=spec.network.sites, classes=overlays)
