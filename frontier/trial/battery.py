"""A battery: FGSM, PGD, PGD with restarts and a strongest attack, at rising eps, with one flag an image and attack.

An attack is not trusted: what it returns is put back into the ball and into [0, 1] and classified again, and an image
withstands it only if the network is right both on the image and on what the attack made of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from torch import Tensor

from frontier import registry
from frontier.attacks import autoattack, fgsm, pgd
from frontier.nn.network import Classifier
from frontier.results.spec import Scalar
from frontier.trial.measure import allowed, classified
from frontier.trial.source import SUBSET_SEED

FGSM: Final = "fgsm"
AUTOATTACK: Final = "autoattack"
HALF: Final = "pgd at half"  # PGD at HALF_EPS: for a check alone
HALF_EPS = 0.5  # every image can be made plain grey
STEP = 2.5  # PGD's step is STEP * eps / steps


@dataclass(frozen=True)
class Effort:
    """How hard the attacks try: iterations of PGD, of PGD with restarts, and of the strongest attack."""

    steps: int = 20
    long_steps: int = 100
    restarts: int = 5
    attack_steps: int = autoattack.STANDARD_STEPS


FULL = Effort()


@dataclass(frozen=True)
class Battery:
    """`attack` is the strongest of it, by its name on the axis; `eps_255` rises."""

    attack: str
    eps_255: tuple[float, ...]
    effort: Effort = FULL
    seed: int = SUBSET_SEED

    @property
    def short(self) -> str:
        """The name of PGD without restarts."""
        return f"pgd-{self.effort.steps}"

    @property
    def long(self) -> str:
        """The name of PGD with restarts."""
        return f"pgd-{self.effort.long_steps}x{self.effort.restarts}"

    @property
    def names(self) -> tuple[str, ...]:
        """The attacks, weakest first."""
        if self.attack == FGSM:
            return (FGSM,)
        iterated = (FGSM, self.short, self.long)
        return iterated if self.attack == "pgd" else (*iterated, self.attack)

    @property
    def doubled(self) -> str:
        """The name of PGD with restarts and twice the iterations: no part of `worst`, only to see that it changes
        nothing."""
        return f"pgd-{2 * self.effort.long_steps}x{self.effort.restarts}"

    @property
    def ordered(self) -> tuple[str, ...]:
        """Those of which each is known to be at least as strong as the one before."""
        return tuple(name for name in self.names if name in (FGSM, self.short, self.long, AUTOATTACK))

    def settings(self) -> dict[str, Scalar | tuple[Scalar, ...]]:
        """All that is needed to repeat it, for the record."""
        effort = self.effort
        found: dict[str, Scalar | tuple[Scalar, ...]] = {"eps_255": self.eps_255, "seed": self.seed}
        if self.attack != FGSM:
            found |= {"pgd_steps": effort.steps, "pgd_long_steps": effort.long_steps}
            found |= {"pgd_restarts": effort.restarts, "pgd_step_size": f"{STEP:g} eps / steps", "pgd_loss": "ce"}
        if self.attack == AUTOATTACK:
            standard = effort.attack_steps == autoattack.STANDARD_STEPS
            found["version"] = "standard" if standard else f"reduced to {effort.attack_steps} iterations"
        elif self.attack in self.names[3:]:
            found["attack_steps"] = effort.attack_steps
        return found


@dataclass(frozen=True)
class Step:
    """Where an evaluation stands: `stage` runs, `done` of `of` are over, and `left` images still withstand them."""

    stage: str
    done: int
    of: int
    left: int


Tell = Callable[[Step], None]


@dataclass(frozen=True)
class Outcome:
    """Which images the network gets right: flags, bool (N,)."""

    battery: Battery
    labels: Tensor
    correct: Tensor  # as they are
    robust: dict[tuple[str, float], Tensor]  # under one attack alone, (attack, eps_255); `doubled` is among them
    worst: dict[float, Tensor]  # by eps_255: under all attacks of the battery, at smaller eps as well
    stages: dict[float, dict[str, Tensor]]  # by eps_255: after each stage of AutoAttack
    at_half: Tensor  # under PGD at HALF_EPS
    nonfinite: int  # how often the network gave NaN or infinite logits
    warnings: tuple[str, ...] = ()  # AutoAttack's own, of the model

    def count(self, name: str, eps_255: float) -> int:
        """How many images withstand one attack alone."""
        return int(self.robust[name, eps_255].sum())


def run(model: Classifier, pixels: Tensor, labels: Tensor, battery: Battery, tell: Tell) -> Outcome:
    """Attack the images, (N, C, H, W) in [0, 1]. The model is in evaluation mode, and nothing here changes it."""
    correct, nonfinite = classified(model, pixels, labels)
    checked = (battery.doubled,) if battery.long in battery.names else ()
    plan = [(name, eps_255) for eps_255 in battery.eps_255 for name in (*battery.names, *checked)]
    plan.append((HALF, 255 * HALF_EPS))
    robust: dict[tuple[str, float], Tensor] = {}
    worst: dict[float, Tensor] = {}
    stages: dict[float, dict[str, Tensor]] = {}
    warnings: dict[str, None] = {}  # an ordered set
    standing = correct
    for done, (name, eps_255) in enumerate(plan):
        step = Step(f"{name}/{eps_255:g}", done, len(plan), int(standing.sum()))
        tell(step)
        found = _attack(model, pixels, labels, battery, name, eps_255 / 255, step, tell)
        right, bad = classified(model, allowed(found.adversarial, pixels, eps_255 / 255), labels)
        nonfinite += bad
        robust[name, eps_255] = correct & right
        if found.robust:
            stages[eps_255] = found.robust
        warnings |= dict.fromkeys(found.warnings)
        if name in battery.names:
            standing = standing & robust[name, eps_255]
            worst[eps_255] = standing
    at_half = robust.pop((HALF, 255 * HALF_EPS))
    return Outcome(battery, labels, correct, robust, worst, stages, at_half, nonfinite, tuple(warnings))


def _attack(
    model: Classifier, pixels: Tensor, labels: Tensor, battery: Battery, name: str, eps: float, step: Step, tell: Tell
) -> autoattack.Outcome:
    """What one attack makes of all images, and, of AutoAttack, the flags after each of its stages and its warnings."""
    effort, seed = battery.effort, battery.seed
    if name == AUTOATTACK:

        def log(line: str) -> None:
            tell(replace(step, stage=f"{step.stage}: {line}"))

        return autoattack.attack(model, pixels, labels, eps=eps, steps=effort.attack_steps, seed=seed, log=log)
    if name == FGSM:
        moved = fgsm.run(model, pixels, labels, eps=eps, seed=seed)
    elif name in (battery.short, HALF):
        moved = pgd.run(model, pixels, labels, eps=eps, steps=effort.steps, seed=seed)
    elif name in (battery.long, battery.doubled):
        steps = effort.long_steps * (2 if name == battery.doubled else 1)
        moved = pgd.run(model, pixels, labels, eps=eps, steps=steps, restarts=effort.restarts, seed=seed)
    else:
        attack = registry.load("attack", name)
        moved = attack.run(model, pixels, labels, eps=eps, steps=effort.attack_steps, seed=seed)
    return autoattack.Outcome(moved, {})
