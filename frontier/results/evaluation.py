"""Evaluation: what a finished network was put through later, by `frontier evaluate`, and the health checks it met.

A record gains evaluations and loses nothing: they are appended. Of the same one made twice the later one counts; one
with fewer images or other settings stands beside it, so that no failed check is outlived by a weaker look.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from frontier.frozen import Frozen, canonical_json
from frontier.results.measure import Measure
from frontier.results.spec import Scalar

Kind = Literal["attack", "corruptions"]


class Check(Frozen):
    """A health check by the name of its section in docs/checks.md."""

    name: str
    passed: bool | None  # None: it did not apply, and `found` says why
    found: str  # what was seen, in words and numbers


class Evaluation(Frozen):
    """Accuracies of one point of a trial on a split, with all that is needed to repeat them.

    An attack's `accuracies` are keyed `clean`, `fgsm/8`, `pgd-20/8`, ..., `worst/8`: the attack and eps * 255, where
    `worst` counts the images that withstand every attack at that eps. Those of corruptions are keyed
    `gaussian_noise/3`, and `mean`; `metrics` then holds the mCE by the name of its reference, in percent.
    """

    point: int
    kind: Kind
    name: str  # the strongest attack, or the label of the corruption set
    split: Literal["validation", "test"] = "test"
    n: int
    settings: dict[str, Scalar | tuple[Scalar, ...]] = {}
    accuracies: dict[str, Measure]
    metrics: dict[str, float] = {}
    checks: tuple[Check, ...] = ()
    code_version: str
    device: str
    libraries: dict[str, str] = {}
    started_at: str = ""  # ISO 8601, UTC
    wall_s: float = 0.0

    @property
    def failed(self) -> tuple[str, ...]:
        """Names of the checks that it did not pass."""
        return tuple(check.name for check in self.checks if check.passed is False)

    @property
    def key(self) -> tuple[int, Kind, str, str, int, str]:
        """Of several evaluations with one key the last one counts."""
        return self.point, self.kind, self.name, self.split, -self.n, canonical_json(self.settings)


def latest(evaluations: Iterable[Evaluation], point: int) -> tuple[Evaluation, ...]:
    """What counts of one point's evaluations: the last one of each key, by kind, name and split, most images first."""
    last = {found.key: found for found in evaluations if found.point == point}
    return tuple(last[key] for key in sorted(last))


def flags_of(evaluations: Iterable[Evaluation]) -> tuple[str, ...]:
    """The health checks that failed, each once, by name. Of what `latest` returns: what counts no more raises none."""
    return tuple(sorted({name for found in evaluations for name in found.failed}))


def checked(evaluations: Iterable[Evaluation]) -> bool:
    """Whether any health check had a verdict: one that only did not apply says nothing."""
    return any(check.passed is not None for found in evaluations for check in found.checks)
