"""What a driver says: an event is written down once, by the driver that it happened to, and passed on to listeners."""

from __future__ import annotations

from collections.abc import Callable
from typing import final

from frontier.driver import events
from frontier.driver.standing import Standing
from frontier.results.record import TrialRecord
from frontier.results.spec import TrialSpec
from frontier.results.store import Study, StudyManifest

OnEvent = Callable[[events.Event], None]


@final
class Voice:
    """Of one driver. `driver` names it where several share the study: each then writes a file of its own."""

    def __init__(
        self, study: Study, standing: Standing, counts: Callable[[], events.Counts], on_event: OnEvent | None
    ) -> None:
        self._study, self._standing, self._counts, self._on_event = study, standing, counts, on_event
        self.driver: str | None = None

    def started(self, about: StudyManifest, trials: int) -> None:
        self._say(events.Started.of(about, trials))

    def resumed(self, trials: int, again: tuple[int, ...]) -> None:
        front, volume = self._standing.front(), self._standing.hypervolume()
        self._say(
            events.Resumed(
                study=self._study.name,
                trials=trials,
                counts=self._counts(),
                again=again,
                front=front,
                hypervolume=volume,
            )
        )

    def asked(self, trial: int, spec: TrialSpec) -> None:
        self._say(events.Asked(trial=trial, method=spec.method, relu_budget=spec.relu_budget))

    def finished(self, trial: int, record: TrialRecord, *, ours: bool = True) -> None:
        """What another driver has finished it has written down itself."""
        self._say(events.Finished.of(trial, record), ours)
        front, volume = self._standing.front(), self._standing.hypervolume()
        self._say(events.Front(counts=self._counts(), front=front, hypervolume=volume), ours)

    def warn(self, message: str, trial: int | None = None) -> None:
        self._say(events.Warned(message=message, trial=trial))

    def stopping(self, reason: str) -> None:
        self._say(events.Stopping(reason=reason))

    def done(self) -> None:
        front, volume = self._standing.front(), self._standing.hypervolume()
        self._say(events.Done(counts=self._counts(), front=front, hypervolume=volume))

    def interrupted(self, reason: str) -> None:
        self._say(events.Interrupted(reason=reason, counts=self._counts()))

    def _say(self, event: events.Event, ours: bool = True) -> None:
        try:
            if ours:
                self._study.append_event(event.model_dump(mode="json"), self.driver)
        finally:
            if self._on_event:
                self._on_event(event)
