"""A slow sampler asks ahead, in a thread of its own: neither a result nor a worker waits for it.

The next question is asked as soon as the last one was handed out. All that the sampler's memory is asked and told goes
through that one thread, in order, so that results which come in meanwhile are told before the question after it. A
question asked ahead does not know the results that came in while it was asked: with one trial at a time that is one
result, always the same, and the sequence repeats with the seed; with several it depends on which trial ends first, as
it does without asking ahead. A resume knows whatever was told by then.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Callable, Container, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from typing import ParamSpec, final

from frontier import registry
from frontier.driver.memory import Memory
from frontier.driver.questions import Questions
from frontier.results.record import TrialRecord
from frontier.results.spec import TrialSpec

P = ParamSpec("P")


@final
class Sampling:
    """Asks and tells the sampler: at once, or, where its module has trial numbers AHEAD, in a thread and ahead.

    What goes wrong in the thread with what is told there is raised by a later call.
    """

    def __init__(self, questions: Questions, memory: Memory, sampler: str) -> None:
        self._questions, self._memory = questions, memory
        module = registry.load("sampler", sampler)
        self._name, self._up_to = sampler, getattr(module, "UP_TO", sys.maxsize)
        self.slow: range = getattr(module, "AHEAD", range(0))
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sampler") if self.slow else None
        self._ahead: tuple[int, Future[TrialSpec | None]] | None = None
        self._told: deque[Future[None]] = deque()

    def doubt(self, trials: int) -> str | None:
        """Why so many trials are too many for this sampler, if they are."""
        if trials <= self._up_to:
            return None
        return (
            f"sampler {self._name}: a question takes half a minute by trial {self._up_to}, and more with every trial "
            "after it; hybrid goes over to TPE, which answers at once"
        )

    def ask_ahead(self, trial: int) -> None:
        """Begins to ask what will be handed out as this trial, unless something is being asked already."""
        if self._thread and self._ahead is None:
            self._ahead = trial, self._thread.submit(self._questions.of, trial)

    @property
    def ready(self) -> bool:
        """Whether nothing is being asked just now."""
        return self._ahead is None or self._ahead[1].done()

    def of(self, trial: int) -> TrialSpec | None:
        """As Questions.of; where it was asked ahead, what was found then, and it is waited for if need be."""
        if self._thread is None:
            return self._questions.of(trial)
        self.ask_ahead(trial)
        assert self._ahead is not None
        asked, found = self._ahead
        assert asked == trial, f"trial {asked} was asked ahead, not {trial}"
        try:
            return found.result()
        finally:
            self._ahead = None

    def withdraw(self) -> int | None:
        """The trial that was asked ahead and not handed out, and never will be; the sampler is told that it failed."""
        if self._ahead is None:
            return None
        (trial, asked), self._ahead = self._ahead, None
        if not asked.cancel():
            wait_for([asked])
            if asked.exception() is None and asked.result() is not None:
                self.abandon(trial)
        return trial

    def tell(self, trial: int, record: TrialRecord) -> None:
        """As Memory.tell."""
        self._do(self._memory.tell, trial, record)

    def abandon(self, trial: int) -> None:
        """As Memory.abandon."""
        self._do(self._memory.abandon, trial)

    def let_go(self, trial: int) -> None:
        """As Memory.let_go."""
        self._do(self._memory.let_go, trial)

    def reconcile(
        self, finished: Mapping[int, TrialRecord], unfinished: Mapping[int, TrialSpec], ours: Container[int]
    ) -> None:
        """As Memory.reconcile; done when this returns."""
        self._do(self._memory.reconcile, finished, unfinished, ours)
        self.settle()

    def free_strays(self) -> None:
        """As Memory.free_strays."""
        self._do(self._memory.free_strays)

    def settle(self) -> None:
        """Waits until everything is told."""
        while self._told:
            self._told.popleft().result()

    def close(self) -> None:
        """Ends the thread."""
        if self._thread is not None:
            self._thread.shutdown()
        self.settle()

    def _do(self, do: Callable[P, None], *args: P.args, **kwargs: P.kwargs) -> None:
        if self._thread is None:
            do(*args, **kwargs)
            return
        while self._told and self._told[0].done():
            self._told.popleft().result()
        self._told.append(self._thread.submit(do, *args, **kwargs))
