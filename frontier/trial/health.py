"""The health checks that a battery's flags decide, and the thresholds of all: docs/checks.md has a section for each.

A check never changes a number. One that fails is a finding about the network or the attack, for a person to look at.
"""

from __future__ import annotations

from itertools import combinations, pairwise
from typing import Final

from frontier.results.evaluation import Check
from frontier.trial.battery import AUTOATTACK, FGSM, Outcome

CHECKS: Final = (
    "monotone_in_eps",
    "chance_at_half",
    "order",
    "converged",
    "gradients",
    "deterministic",
    "autoattack_warnings",
    "square",
    "deployed",
    "untouched",
)
FEW_IMAGES = 3  # that any two runs may differ by
FEW_SHARE = 0.005  # of the images, where that is more
ABOVE_CHANCE = 0.01  # accuracy above the share of the largest class, at eps = 0.5
ZERO_GRADIENTS = 0.01  # share of the correct images that may give an attack nothing to go by
PROBE = 1e-4  # a step, in [0, 1] pixel units, over which the margin must follow its gradient ...
SLOPES = (0.5, 2.0)  # ... within these factors; networks of ReLUs and squares were seen between 0.89 and 1.08
COMPANY = 1e-3  # of an image's largest logit, by which other images in its batch may change a logit: rounding
SQUARE_SHARE = 0.002  # of the images that Square may break after AutoAttack's white-box part


def allowance(n: int) -> float:
    """By how many of `n` images two runs of about the same strength may differ."""
    return max(FEW_SHARE * n, FEW_IMAGES)


def verdicts(outcome: Outcome) -> tuple[Check, ...]:
    """The checks for which the flags are enough."""
    return monotone(outcome), chance(outcome), order(outcome), converged(outcome), warned(outcome), square(outcome)


def monotone(outcome: Outcome) -> Check:
    """Under one attack alone, no more images withstand a larger eps. FGSM, whose one step overshoots, counts only where
    nothing else was run."""
    battery = outcome.battery
    names = tuple(name for name in battery.names if name != FGSM) or battery.names
    if len(battery.eps_255) < 2:
        return Check(name="monotone_in_eps", passed=None, found=f"one eps alone: {battery.eps_255[0]:g}/255")
    rises = [
        (outcome.count(name, larger) - outcome.count(name, smaller), name, smaller, larger)
        for name in names
        for smaller, larger in combinations(battery.eps_255, 2)
    ]
    most, name, smaller, larger = max(rises)
    found = f"{name}: {most:+d} of {len(outcome.labels)} images from eps {smaller:g} to {larger:g}/255"
    return Check(name="monotone_in_eps", passed=most <= FEW_IMAGES, found=f"largest change {found}")


def chance(outcome: Outcome) -> Check:
    """At eps = 0.5 an attack can make every image plain grey: accuracy is then at most that of a constant answer."""
    n = len(outcome.labels)
    largest = int(outcome.labels.bincount().max()) / n
    accuracy = int(outcome.at_half.sum()) / n
    found = f"{_percent(accuracy)} under {outcome.battery.short} at eps 0.5; the largest class is {_percent(largest)}"
    return Check(name="chance_at_half", passed=accuracy <= largest + ABOVE_CHANCE, found=found)


def order(outcome: Outcome) -> Check:
    """No attack leaves more images than the weaker one before it, each alone."""
    names, n = outcome.battery.ordered, len(outcome.labels)
    if len(names) < 2:
        return Check(name="order", passed=None, found=f"one attack alone: {names[0]}")
    told, most = [], 0
    for eps_255 in outcome.battery.eps_255:
        counts = [outcome.count(name, eps_255) for name in names]
        most = max(most, *(stronger - weaker for weaker, stronger in pairwise(counts)))
        together, unions = outcome.correct, []
        for name in names:
            together = together & outcome.robust[name, eps_255]
            unions.append(int(together.sum()))
        told.append(f"eps {eps_255:g}: {_chain(counts)} (together {_chain(unions)})")
    found = f"images of {n} under {', '.join(names)}: {'; '.join(told)}"
    return Check(name="order", passed=most <= FEW_IMAGES, found=found)


def converged(outcome: Outcome) -> Check:
    """Twice the iterations change next to nothing."""
    battery, n = outcome.battery, len(outcome.labels)
    if battery.long not in battery.names:
        return Check(name="converged", passed=None, found=f"{battery.names[0]} has no iterations")
    moved, eps_255 = max((_moved(outcome, eps_255), eps_255) for eps_255 in battery.eps_255)
    found = f"{battery.doubled} instead of {battery.long} moves at most {moved} of {n} images (eps {eps_255:g}/255)"
    return Check(name="converged", passed=moved <= allowance(n), found=found)


def _moved(outcome: Outcome, eps_255: float) -> int:
    """Images that twice the iterations break and the single do not, or the other way round, whichever are more."""
    single, double = (outcome.robust[name, eps_255] for name in (outcome.battery.long, outcome.battery.doubled))
    return max(int((single & ~double).sum()), int((double & ~single).sum()))


def warned(outcome: Outcome) -> Check:
    """AutoAttack's own look at the model found nothing."""
    name = "autoattack_warnings"
    if AUTOATTACK not in outcome.battery.names:
        return Check(name=name, passed=None, found=f"needs --attack {AUTOATTACK}")
    found = "; ".join(outcome.warnings) or "AutoAttack has nothing to say against the model"
    return Check(name=name, passed=not outcome.warnings, found=found)


def square(outcome: Outcome) -> Check:
    """A gradient-free attack breaks next to nothing that AutoAttack's gradients left standing."""
    n = len(outcome.labels)
    broken = []
    for eps_255, stages in outcome.stages.items():
        names = list(stages)
        if "square" in names:
            white_box = stages[names[names.index("square") - 1]]
            broken.append((int(white_box.sum()) - int(stages["square"].sum()), eps_255, int(white_box.sum())))
    if not broken:
        return Check(name="square", passed=None, found=f"needs --attack {AUTOATTACK}")
    most, eps_255, left = max(broken)
    found = f"Square broke at most {most} of the {left} images (of {n}) left before it (eps {eps_255:g}/255)"
    return Check(name="square", passed=not (most > SQUARE_SHARE * n and most > FEW_IMAGES), found=found)


def _chain(counts: list[int]) -> str:
    return " ".join(map(str, counts))


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
