"""No question is asked twice: a sampler that repeats itself is asked again, then the space is drawn from at random.

A question is a specification without its seed. Where every draw was asked before, the space is taken to hold no other
question: for a space of a few choices that is so, and one that is nearly asked out may end with a question left.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import final

from frontier.driver.guesses import First
from frontier.driver.memory import Memory
from frontier.driver.seeds import derive
from frontier.frozen import digest
from frontier.results.spec import Scalar, TrialSpec
from frontier.spaces.space import Space

DRAWS = 4  # of the sampler for one trial
AT_RANDOM = 1000  # draws from the whole space after those
NO_OTHER = "the space holds no other question"


@final
class Questions:
    """Finds what to ask under a number. One thread at a time asks for it."""

    def __init__(self, space: Space, memory: Memory, seed: int, first: First) -> None:
        self._space, self._memory, self._seed, self._first = space, memory, seed, first
        self._before: set[str] = set()

    def note(self, specs: Iterable[TrialSpec]) -> None:
        """These were asked, here or elsewhere."""
        self._before.update(map(_question, specs))

    def known(self, spec: TrialSpec) -> bool:
        """Whether it was asked."""
        return _question(spec) in self._before

    def of(self, trial: int) -> TrialSpec | None:
        """What to ask under this number; None where every draw was asked before. Raises BlockedError as Memory.ask."""
        spec = self._by_sampler(trial) or self._at_random(trial)
        if spec is not None:
            self.note([spec])
        return spec

    def _by_sampler(self, trial: int) -> TrialSpec | None:
        for spec in self._fresh(trial, self._memory, DRAWS, self._first.fixed(trial, self.known)):
            if not self._memory.asked_elsewhere(trial):
                return spec
        return None

    def _at_random(self, trial: int) -> TrialSpec | None:
        for spec in self._fresh(trial, Memory(None, self._space, "random", self._seed), AT_RANDOM):
            self._memory.adopt(trial, spec)
            if not self._memory.asked_elsewhere(trial):
                return spec
            self._memory.abandon(trial)
        return None

    def _fresh(
        self, trial: int, memory: Memory, draws: int, fixed: Mapping[str, Scalar] | None = None
    ) -> Iterator[TrialSpec]:
        seed = derive(self._space.space_hash, self._seed, trial)
        for assignment in memory.ask(trial, fixed, draws=draws):
            spec = self._space.spec(assignment, seed=seed)
            if not self.known(spec):
                yield spec


def _question(spec: TrialSpec) -> str:
    """Equal for specs that differ in nothing but the seed."""
    return digest(spec.model_dump(mode="json", exclude={"seed"}))
