"""What `frontier evaluate` found, as the page's tables: attacks and health checks, and corruptions.

Accuracies are percentages with their 95 % Wilson interval, on the split that the evaluation names.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from frontier.errors import InputError
from frontier.reports.figures._layout import listed
from frontier.reports.points import StudyPoint, front_of
from frontier.reports.tables import percent
from frontier.results.corruption_metrics import ALEXNET, by_corruption, by_severity
from frontier.results.evaluation import Evaluation
from frontier.results.measure import Measure

IN_ROWS = ("eps_255",)  # settings that the table has a row or a column for
MOST_ADDRESSES = 60
# Names are the sections of docs/checks.md, which says why a check is raised and what to do.
CHECKS = {
    "monotone_in_eps": "Accuracy under one attack rose where the attacker was allowed more.",
    "chance_at_half": "At eps = 0.5, where all images can be made grey, more were right than by guessing one class.",
    "order": "A stronger attack left more images right than a weaker one.",
    "converged": "Twice the iterations changed the result: the attack had not come to its end.",
    "gradients": "Gradients at the input were zero, not finite, or not the slope: attacks that follow them are blind.",
    "deterministic": "Two forward passes of the same images differed, or the other images in a batch changed them.",
    "autoattack_warnings": "AutoAttack's own look at the model found something that makes it unreliable.",
    "square": "Square, which uses no gradients, broke images that the attacks with gradients had left right.",
    "deployed": "Not the exported network was attacked: mask, surrogate, norm branch or accuracy differ.",
    "untouched": "The evaluation changed the network's parameters, buffers or modes.",
}


@dataclass(frozen=True)
class Finding:
    """A failed check: its name, whether CHECKS explains it, and what was seen."""

    name: str
    explained: bool
    found: str


@dataclass(frozen=True)
class Line:
    """One evaluation of a point; texts as they stand in the cells."""

    trial: str
    method: str
    fidelity: str
    name: str
    split: str
    settings: str
    n: str
    code: str
    date: str
    device: str


@dataclass(frozen=True)
class AttackLine(Line):
    """`strengths`: by rising eps * 255, the accuracy under each attack of `Robustness.attacks`."""

    clean: str
    strengths: tuple[tuple[str, tuple[str, ...]], ...]
    failed: tuple[Finding, ...]
    verdicts: str


@dataclass(frozen=True)
class CorruptionLine(Line):
    """`severities` and `corruptions` follow the columns of Robustness; `over` says what `overall` is the mean of."""

    overall: str
    over: str
    mce: tuple[tuple[str, str], ...]  # (name of the reference, percent)
    severities: tuple[str, ...]
    corruptions: tuple[str, ...]


@dataclass(frozen=True)
class Robustness:
    """The section: its two tables, what the failed checks mean, and what of the front nobody evaluated."""

    attacks: tuple[str, ...]
    attack_lines: tuple[AttackLine, ...]
    checks: tuple[tuple[str, str], ...]
    severities: tuple[int, ...]
    corruptions: tuple[str, ...]
    corruption_lines: tuple[CorruptionLine, ...]
    not_attacked: str
    not_corrupted: str
    attack_command: str
    corruptions_command: str


def robustness_of(points: Sequence[StudyPoint], study: str) -> Robustness:
    """The evaluations of a study's points, by rising ReLU count, whether or not they are on the front."""
    ordered = sorted(points, key=lambda p: (p.point.relu_count, p.trial, p.index))
    attacked = [(p, found) for p in ordered for found in p.evaluations if found.kind == "attack"]
    corrupted = [(p, found) for p in ordered for found in p.evaluations if found.kind == "corruptions"]
    attacks = _attacks(found for _, found in attacked)
    broken_up = [_broken_up(found) for _, found in corrupted]
    severities = tuple(sorted({severity for levels, _ in broken_up for severity in levels}))
    corruptions = tuple(dict.fromkeys(name for _, names in broken_up for name in names))
    raised = {name for _, found in attacked for name in found.failed}
    command = f"frontier evaluate {shlex.quote(study)}"
    return Robustness(
        attacks=attacks,
        attack_lines=tuple(_attack_line(p, found, attacks) for p, found in attacked),
        checks=tuple((name, meaning) for name, meaning in CHECKS.items() if name in raised),
        severities=severities,
        corruptions=corruptions,
        corruption_lines=tuple(_corruption_line(p, found, severities, corruptions) for p, found in corrupted),
        not_attacked=_lacking(points, lambda found: found.kind == "attack"),
        not_corrupted=_lacking(points, _has_all_common),
        attack_command=command,
        corruptions_command=f"{command} --corruptions common",
    )


def _line(point: StudyPoint, found: Evaluation) -> dict[str, str]:
    n = {measure.n for measure in found.accuracies.values()} or {found.n}
    return {
        "trial": point.address,
        "method": point.record.spec.method,
        "fidelity": point.fidelity,
        "name": found.name,
        "split": found.split,
        "settings": ", ".join(
            f"{name} {_text(value)}" for name, value in found.settings.items() if name not in IN_ROWS
        ),
        "n": f"{found.n:,}" if n == {found.n} else f"{min(n):,} to {max(n):,}",
        "code": found.code_version,
        "date": found.started_at[:10],
        "device": found.device,
    }


def _attack_line(point: StudyPoint, found: Evaluation, attacks: Sequence[str]) -> AttackLine:
    at = {(name, eps): m for key, m in found.accuracies.items() for name, _, eps in [key.rpartition("/")] if name}
    strengths = sorted({eps for _, eps in at}, key=lambda eps: ([float(n) for n in re.findall(r"\d+\.?\d*", eps)], eps))
    return AttackLine(
        **_line(point, found),
        clean=_percent(found.accuracies.get("clean")),
        strengths=tuple((eps, tuple(_percent(at.get((name, eps))) for name in attacks)) for eps in strengths),
        failed=tuple(Finding(c.name, c.name in CHECKS, c.found) for c in found.checks if c.passed is False),
        verdicts=_verdicts(found),
    )


def _corruption_line(
    point: StudyPoint, found: Evaluation, severities: Sequence[int], corruptions: Sequence[str]
) -> CorruptionLine:
    levels, names = _broken_up(found)
    return CorruptionLine(
        **_line(point, found),
        overall=_percent(found.accuracies.get("mean")),
        over=f"{len(names)} corruptions x {len(levels)} severities",
        mce=tuple((name, f"{value:.1f}%") for name, value in found.metrics.items()),
        severities=tuple(_percent(levels.get(severity)) for severity in severities),
        corruptions=tuple(_percent(names.get(name)) for name in corruptions),
    )


def _broken_up(found: Evaluation) -> tuple[dict[int, Measure], dict[str, Measure]]:
    """Accuracy by severity and by corruption; nothing where a record's cells do not fit together."""
    cells = {key: measure for key, measure in found.accuracies.items() if "/" in key}
    try:
        return by_severity(cells), by_corruption(cells)
    except InputError:
        return {}, {}


def _attacks(evaluations: Iterable[Evaluation]) -> tuple[str, ...]:
    """All attacks that occur, the weakest first and `worst`, which is over all of them, last."""
    names = {name for found in evaluations for key in found.accuracies if (name := key.rpartition("/")[0])}
    return tuple(sorted(names, key=_strength))


def _strength(attack: str) -> tuple[int, list[int], str]:
    kinds = ("fgsm", "pgd", "", "autoattack", "worst")
    kind = attack.partition("-")[0]
    return kinds.index(kind if kind in kinds else ""), [int(number) for number in re.findall(r"\d+", attack)], attack


def _verdicts(found: Evaluation) -> str:
    """`7 passed; did not apply: square (AutoAttack was not run)`."""
    passed = sum(check.passed is True for check in found.checks)
    idle = [f"{check.name} ({check.found})" for check in found.checks if check.passed is None]
    if not found.checks:
        return "no checks were run"
    return f"{passed} passed" + (f"; did not apply: {', '.join(idle)}" if idle else "")


def _has_all_common(found: Evaluation) -> bool:
    return found.kind == "corruptions" and {key.partition("/")[0] for key in found.accuracies} >= ALEXNET.errors.keys()


def _lacking(points: Sequence[StudyPoint], wanted: Callable[[Evaluation], bool]) -> str:
    """The front's points without an evaluation that is wanted; nothing where all have one."""
    front = front_of(points)
    lacking = [p.address for p in front if not any(map(wanted, p.evaluations))]
    if len(lacking) == len(front):
        return "the whole front" if front else ""
    return f"{listed(lacking, most=MOST_ADDRESSES)} of the front" if lacking else ""


def _percent(measure: Measure | None) -> str:
    return percent(measure) if measure is not None else ""


def _text(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(map(_text, value))
    return f"{value:g}" if isinstance(value, float) else str(value)
