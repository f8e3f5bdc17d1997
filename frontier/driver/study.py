"""Search keeps a study's books: it hands out trials, is told their records, and goes on where a crash left off.

Records are the truth: whatever the sampler's database, the events or Ray say, a trial is finished when its record is
there, waits when only its spec is there, and was never handed out when neither is.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self, final

from frontier.driver import events
from frontier.driver.folders import look
from frontier.driver.lock import driving
from frontier.driver.memory import Memory
from frontier.driver.seeds import derive
from frontier.driver.standing import Standing
from frontier.driver.work import Asked, write_failed
from frontier.errors import InputError, RecordError
from frontier.frozen import digest
from frontier.results.record import TrialRecord
from frontier.results.spec import TrialSpec
from frontier.results.store import Study
from frontier.spaces.space import Space
from frontier.trial.workspace import CANCEL

DRAWS = 4  # how often a specification is drawn before a repetition of an earlier one is accepted
FAILURES_IN_A_ROW = 10  # then the study stops

OnEvent = Callable[[events.Event], None]


@final
class Search:
    """A context manager: entering locks the study and catches up with its records, leaving unlocks it."""

    def __init__(
        self, study: Study, space: Space, *, trials: int, on_event: OnEvent | None = None, database: bool = True
    ) -> None:
        """`trials` is the study's total, also on resume. Without `database` the sampler's memory is not written.

        Raises InputError if `space` is another question than the one that the study was made for.
        """
        self.study, self.space, self.trials = study, space, trials
        self._manifest = study.manifest()
        if space.space_hash != self._manifest.space_hash:
            raise InputError(
                "the study was made for another question",
                where=str(study.folder),
                expected=f"space {self._manifest.space_hash}",
                got=space.space_hash,
                fix="resume with the space it was made with, or take another --name",
            )
        self._on_event, self._database = on_event, database
        self._standing = Standing(space.goals, self._manifest.relus)
        self._waiting: dict[int, TrialSpec] = {}
        self._again: deque[int] = deque()
        self._asked_before: set[str] = set()
        self._failures_in_a_row = 0
        self._stopped: str | None = None
        self._stack = ExitStack()
        self._writing = 0  # depth of what must not be interrupted
        self._postponed = False

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.enter_context(driving(self.study.folder))
            self._cancel_file.unlink(missing_ok=True)
            self._catch_up()
            stack.callback(self._memory.close)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    # what is to do

    def interrupt(self) -> None:
        """Raises KeyboardInterrupt; while the search asks or tells only after that, for in the middle of it the
        sampler's database would stay locked."""
        if self._writing:
            self._postponed = True
        else:
            raise KeyboardInterrupt

    def ask(self) -> Asked | None:
        """The next trial to run, or None when the total is handed out or the search is stopped.

        Trials that an earlier driver left unfinished come first, under their old numbers.
        """
        with self._undisturbed():
            return self._ask()

    def _ask(self) -> Asked | None:
        if self.stopped:
            return None
        if self._again:
            trial = self._again.popleft()
        elif self.handed_out < self.trials:
            trial = self._new()
        else:
            return None
        spec = self._waiting[trial]
        self._emit(events.Asked(trial=trial, method=spec.method, relu_budget=spec.relu_budget))
        return Asked(trial, spec, self.study.trial_folder(trial), self._manifest.code_version)

    def collect(self, trial: int) -> None:
        """Reads the record that the trial has written and tells it; one that cannot be read is kept aside."""
        with self._undisturbed():
            self._collect(trial)

    def _collect(self, trial: int) -> None:
        if trial in self._standing:
            return
        try:
            record = self.study.record(trial)
        except RecordError as error:
            del self._waiting[trial]
            self._memory.abandon(trial)
            self._set_aside(trial, error)
        else:
            self.tell(trial, record)

    def tell(self, trial: int, record: TrialRecord) -> None:
        """A trial's outcome; a second time it is a no-op."""
        if trial in self._standing:
            return
        self._memory.tell(trial, record)
        del self._waiting[trial]
        self._standing.add(trial, record)
        self._emit(events.Finished.of(trial, record))
        self._emit(events.Front(counts=self.counts(), front=self.front(), hypervolume=self.hypervolume()))
        self._failures_in_a_row = self._failures_in_a_row + 1 if record.state == "failed" else 0

    def give_up(self, trial: int, reason: str) -> None:
        """The trial's worker died and wrote nothing: FAILED, with its last words. With a record, that counts."""
        if not self.study.finished(trial):
            spec = self._waiting[trial]
            write_failed(Asked(trial, spec, self.study.trial_folder(trial), self._manifest.code_version), reason)
        self.collect(trial)

    def stop(self, reason: str) -> None:
        """Hands out nothing more; trials that run may finish."""
        if self._stopped is None:
            self._stopped = reason
            self._emit(events.Stopping(reason=reason))

    # where it stands

    @property
    def stopped(self) -> str | None:
        """Why nothing more is handed out, or None. A file `cancel` in the study's folder stops it too."""
        if self._stopped is None and self._cancel_file.exists():
            self.stop("cancelled")
        if self._stopped is None and self.too_many_failures:
            self.stop(f"{FAILURES_IN_A_ROW} trials failed in a row")
        return self._stopped

    @property
    def handed_out(self) -> int:
        """Trials that count towards the total: finished, waiting for their record, and unreadable ones."""
        counts = self.counts()
        return counts.complete + counts.pruned + counts.failed + counts.unfinished + counts.unreadable

    @property
    def complete(self) -> bool:
        """Whether every trial of the total was handed out and has ended."""
        return not self._waiting and self.handed_out >= self.trials

    @property
    def fruitless(self) -> bool:
        """Whether every trial of the total has ended and none of them is complete."""
        return self.complete and not self.counts().complete

    @property
    def too_many_failures(self) -> bool:
        """Whether the last trials failed, one after another; then nothing more is handed out."""
        return self._failures_in_a_row >= FAILURES_IN_A_ROW

    @property
    def remaining(self) -> int:
        """How many times `ask` will hand out a trial if nothing stops it."""
        return len(self._again) + max(0, self.trials - self.handed_out)

    def counts(self) -> events.Counts:
        return self._standing.counts(unfinished=len(self._waiting))

    def front(self) -> tuple[str, ...]:
        """Addresses (`N`, `N.K`) of the non-dominated points on validation, by the first objective that is a cost."""
        return self._standing.front()

    def hypervolume(self) -> float:
        return self._standing.hypervolume()

    def finish(self) -> None:
        """Says how the driver ends: done when every trial that was asked for has its record, else interrupted."""
        counts = self.counts()
        if self.complete:
            self._emit(events.Done(counts=counts, front=self.front(), hypervolume=self.hypervolume()))
        else:
            self._emit(events.Interrupted(reason=self._stopped or "the driver ended early", counts=counts))

    def collect_all(self) -> None:
        """Tells every record that a backend had no time to tell."""
        for trial in sorted(self._waiting):
            if self.study.finished(trial):
                self.collect(trial)

    # how it is done

    @contextmanager
    def _undisturbed(self) -> Iterator[None]:
        self._writing += 1
        try:
            yield
        finally:
            self._writing -= 1
        if self._postponed and not self._writing:
            self._postponed = False
            raise KeyboardInterrupt

    @property
    def _cancel_file(self) -> Path:
        return self.study.folder / CANCEL

    def _new(self) -> int:
        trial = self.study.claim()
        seed = derive(self.space.space_hash, self._manifest.seed, trial)
        anchor = self.space.anchors[trial] if trial < len(self.space.anchors) else None
        for _, assignment in zip(range(DRAWS), self._memory.ask(trial, anchor), strict=False):
            spec = self.space.spec(assignment, seed=seed)
            if _question(spec) not in self._asked_before:
                break
        self.study.write_spec(trial, spec)
        self._waiting[trial] = spec
        self._asked_before.add(_question(spec))
        return trial

    def _catch_up(self) -> None:
        """Reads all folders, tells the sampler, says whether this is a start or a resume."""
        found = look(self.study)
        for trial, record in found.finished.items():
            self._standing.add(trial, record)
        self._waiting.update(found.unfinished)
        self._again.extend(found.unfinished)
        specs = [record.spec for record in found.finished.values()] + list(found.unfinished.values())
        self._asked_before.update(map(_question, specs))
        folder = self.study.folder if self._database else None
        self._memory = Memory(folder, self.space, self._manifest.sampler, self._manifest.seed)
        self._memory.reconcile(found.finished, self._waiting)
        for trial, error in found.unreadable.items():
            self._set_aside(trial, error)
        self._emit(self._resumed() if self.handed_out else self._started())
        if self._memory.lost:
            self._emit(events.Warned(message=self._memory.lost))

    def _set_aside(self, trial: int, error: RecordError) -> None:
        self._standing.add_unreadable(trial)
        self._emit(events.Warned(trial=trial, message=str(error)))

    def _started(self) -> events.Started:
        about = self._manifest
        return events.Started(
            study=about.name,
            space_hash=about.space_hash,
            sampler=about.sampler,
            seed=about.seed,
            trials=self.trials,
            relus=about.relus,
        )

    def _resumed(self) -> events.Resumed:
        return events.Resumed(
            study=self.study.name,
            trials=self.trials,
            counts=self.counts(),
            again=tuple(self._again),
            front=self.front(),
            hypervolume=self.hypervolume(),
        )

    def _emit(self, event: events.Event) -> None:
        self.study.append_event(event.model_dump(mode="json"))
        if self._on_event:
            self._on_event(event)


def _question(spec: TrialSpec) -> str:
    """Equal for specs that differ in nothing but the seed."""
    return digest(spec.model_dump(mode="json", exclude={"seed"}))
