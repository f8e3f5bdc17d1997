"""Numbers that are a driver's own and not handed out yet."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import final

from frontier.driver.ahead import Sampling
from frontier.driver.company import Company
from frontier.driver.questions import NO_OTHER
from frontier.errors import BlockedError
from frontier.objects import Unreachable
from frontier.results.spec import TrialSpec


@final
class Unasked:
    """The first of them may be asked ahead. `exhausted`: the space holds no other question, which is said once."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._numbers: deque[int] = deque()
        self._say = say
        self.exhausted = False

    def __len__(self) -> int:
        return len(self._numbers)

    def __iter__(self) -> Iterator[int]:
        return iter(self._numbers)

    def extend(self, numbers: Iterable[int]) -> None:
        """Takes over what another driver has left."""
        self._numbers.extend(numbers)

    def first(self, company: Company) -> int | None:
        """None when the total is reached."""
        if not self._numbers and (trial := company.claim()) is not None:
            self._numbers.append(trial)
        return self._numbers[0] if self._numbers else None

    def ask(self, company: Company, sampling: Sampling) -> tuple[int, TrialSpec] | None:
        """A trial that nobody has asked yet; None when the total is reached or nothing can be drawn any more. Raises
        Unreachable where a guess cannot be marked at the home's URL."""
        if self.exhausted or (trial := self.first(company)) is None:
            return None
        try:
            spec = sampling.of(trial)
        except Unreachable:
            raise
        except BlockedError:  # the sampler's memory is out of reach, which the search finds out by itself
            return None
        self._numbers.popleft()
        if spec is not None:
            return trial, spec
        self.exhausted = True
        company.release(trial)
        self._say(NO_OTHER)
        return None

    def give_back(self, company: Company, sampling: Sampling) -> None:
        """What was asked ahead and not handed out leaves nothing."""
        if (trial := sampling.withdraw()) is not None:
            self._numbers.remove(trial)
            company.release(trial)
