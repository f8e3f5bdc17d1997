"""Replicates: trials of the front run again with other seeds, so that what chance gave the winners can be seen.

A replicate has a number and a record of its own, and its spec says of which trial it is one. It counts towards no
total, stands on no front, and the sampler is not told of it: it asks nothing new, and told twice a point would weigh
twice.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import final

from frontier.driver.claims import Claims
from frontier.driver.folders import Found
from frontier.driver.presence import Presence
from frontier.driver.seeds import derive
from frontier.results.spec import TrialSpec
from frontier.results.store import Study


@final
class Copies:
    """The replicates that were not handed out; none before they are planned."""

    def __init__(self, study: Study) -> None:
        self._study = study
        self._specs: deque[TrialSpec] = deque()
        self._claims: Claims | None = None

    def plan(self, front: Sequence[str], found: Found, seeds: int, total: int, presence: Presence | None) -> None:
        """What every trial of the front (addresses `N`, `N.K`) lacks to have been run with so many other seeds. The
        study has its `total`, and this driver is alone on it."""
        self._specs = missing(front, found, seeds, self._study.manifest().seed)
        self._claims = Claims(self._study, total + len(self._specs), presence, replicates=True)

    def __len__(self) -> int:
        return len(self._specs)

    def claim(self) -> tuple[int, TrialSpec]:
        """The next one, under a number that is ours."""
        assert self._claims is not None
        trial = self._claims.claim()
        assert trial is not None, "as many numbers are claimed as replicates are planned"
        self._study.mark_replicate(trial)
        return trial, self._specs.popleft()


def missing(front: Sequence[str], found: Found, seeds: int, study_seed: int) -> deque[TrialSpec]:
    """See `Copies.plan`; one that waits for its record is not missing. Seeds are digests, so that a resume finds the
    same."""
    specs = [*(record.spec for record in found.finished.values()), *found.unfinished.values()]
    there = {(spec.replicates, spec.seed) for spec in specs}
    trials = dict.fromkeys(int(address.partition(".")[0]) for address in front)
    wanted: deque[TrialSpec] = deque()
    for number in range(seeds):  # one seed of every trial before the next of any
        for trial in trials:
            spec = found.finished[trial].spec
            seed = derive(spec.space_hash or "", study_seed, "replicate", trial, number)
            if (trial, seed) not in there:
                wanted.append(spec.model_copy(update={"seed": seed, "replicates": trial}))
    return wanted
