"""Search keeps a study's books: it hands out trials, is told their records, and goes on where a crash left off.

Records are the truth: whatever the sampler's database, the events or Ray say, a trial is finished when its record is
there, waits when only its spec is there, and was never handed out when neither is.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self, final

from frontier.disk import refusing_full
from frontier.driver import events
from frontier.driver.ahead import Sampling
from frontier.driver.claims import SCRATCH, Claims
from frontier.driver.company import Company
from frontier.driver.database import Database
from frontier.driver.guesses import First, Guess
from frontier.driver.halt import Halt
from frontier.driver.lock import driving, sharing
from frontier.driver.memory import Memory
from frontier.driver.presence import Presence
from frontier.driver.questions import Questions
from frontier.driver.replicates import Copies
from frontier.driver.standing import Standing
from frontier.driver.steady import Steady
from frontier.driver.storage import Storage
from frontier.driver.unasked import Unasked
from frontier.driver.undisturbed import Undisturbed
from frontier.driver.voice import OnEvent, Voice
from frontier.driver.warm import Elsewhere, remember
from frontier.driver.work import Asked, write_failed
from frontier.errors import BlockedError, InputError, RecordError
from frontier.objects import Unreachable
from frontier.results.record import TrialRecord
from frontier.results.spec import TrialSpec
from frontier.results.store import CANCEL, Study
from frontier.spaces.space import Space

BY_ONE = "other drivers work on the study: replicates wait until one alone is told to make them (--resume --replicate)"


@final
class Search:
    """A context manager: entering locks the study and catches up with its records, leaving unlocks it."""

    def __init__(
        self,
        study: Study,
        space: Space,
        *,
        trials: int,
        on_event: OnEvent | None = None,
        database: bool = True,
        storage: Storage | None = None,
        guesses: Sequence[Guess] = (),
        notes: Sequence[str] = (),
        warm: Sequence[Elsewhere] = (),
        replicate: int = 0,
    ) -> None:
        """`trials` is the study's total, also on resume. Without `database` the sampler's memory is not written; in a
        `storage` several drivers may share it, and then the total counts the trials of all of them. `guesses` are asked
        first, `notes` are said at the start, the sampler learns from `warm`, and a driver that is alone when the total
        is reached runs each trial of the front again with `replicate` other seeds.

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
        self._shared = storage is not None
        self._database = Database.of(study.folder, self._manifest, storage) if database else Database()
        self._guesses, self._notes, self._warm, self._seeds = guesses, notes, warm, replicate
        self._copies = Copies(study)
        self._undisturbed = Undisturbed()
        self._standing = Standing(space.goals, self._manifest.relus)
        self._voice = Voice(study, self._standing, self.counts, on_event)
        self._steadily = Steady(
            storage, warn=self._voice.warn, hurried=lambda: self._undisturbed.postponed, folder=study.folder
        )
        self._halt = Halt(study.folder / CANCEL, self._steadily, self._voice.stopping)
        self._presence: Presence | None = None
        self._waiting: dict[int, TrialSpec] = {}
        self._again: deque[int] = deque()
        self._unasked = Unasked(self._voice.stopping)
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with refusing_full(self.study.folder), ExitStack() as stack:
            if self._shared:
                self._presence = stack.enter_context(sharing(self.study.folder))
                self._voice.driver = self._presence.name
            else:
                stack.enter_context(driving(self.study.folder))
            with self._alone():
                self._catch_up(stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    # what is to do

    def interrupt(self) -> None:
        """Raises KeyboardInterrupt; while the search asks or tells only after that."""
        self._undisturbed.interrupt()

    def ask(self) -> Asked | None:
        """The next trial to run, or None when the total is handed out or the search is stopped.

        Trials that an earlier driver left unfinished come first, under their old numbers.
        """
        asked = None
        with self._undisturbed(), self._halt.for_room():
            self._look_around()
            asked = self._ask()
        return asked  # noqa: RET504 - None where there was no room

    def _ask(self) -> Asked | None:
        if self._presence is not None and self._presence.overtaken:
            self.stop("another driver has taken the study over")
        if self.stopped:
            return None
        copied = self._hand_out(*self._copies.claim()) if self._copies and not self._again else None
        trial = self._again.popleft() if self._again else copied or self._new()
        if trial is None:
            return None
        if (
            not self._again
            and self.handed_out in self._sampling.slow
            and (later := self._unasked.first(self._company)) is not None
        ):
            self._sampling.ask_ahead(later)
        self._voice.asked(trial, self._waiting[trial])
        return self._handed(trial)

    def wait(self) -> bool:
        """Waits while other drivers run trials of the study, just begun ones too; true when there is something to hand
        out after all: one of them has died, perhaps while our last trial ran, or has given a number back."""
        while not self.stopped:
            if self._again or (self._unasked and not self._unasked.exhausted):
                return True
            if self._presence is None or (self._reached and not self._company.elsewhere):
                return False
            self._company.pause()
            with self._undisturbed(), self._halt.for_room():
                self._look_around()
            if self.remaining:
                return not self.stopped
        return False

    def collect(self, trial: int) -> None:
        """Reads the record that the trial has written and tells it; one that cannot be read is kept aside."""
        with self._undisturbed(), self._halt.for_room():
            self._collect(trial)
            self._look_around()

    def _collect(self, trial: int) -> None:
        if trial in self._standing or trial not in self._waiting:
            return
        try:
            record = self.study.record(trial)
        except RecordError as error:
            del self._waiting[trial]
            self._sampling.abandon(trial)
            self._set_aside(trial, error)
        else:
            self.tell(trial, record)

    def tell(self, trial: int, record: TrialRecord) -> None:
        """A trial's outcome; a second time it is a no-op, and so it is if another driver tells of the trial by now."""
        if trial in self._standing:
            return
        if not self._holds(trial):
            return
        del self._waiting[trial]
        self._sampling.tell(trial, record)
        self._standing.add(trial, record)
        self._voice.finished(trial, record)
        self._halt.note(record.state)

    def give_up(self, trial: int, reason: str) -> None:
        """The trial's worker died and wrote nothing: FAILED, with its last words. With a record, that counts."""
        with self._halt.for_room():
            if not self.study.arrived(trial) and self._holds(trial):
                write_failed(self._handed(trial), reason)
        if self.study.finished(trial):
            self.collect(trial)

    def stop(self, reason: str) -> None:
        """Hands out nothing more; trials that run may finish. The first reason stays."""
        self._halt.now(reason)

    # where it stands

    @property
    def stopped(self) -> str | None:
        """Why nothing more is handed out, or None. A file `cancel` in the study's folder stops it too."""
        return self._halt.look()

    @property
    def blocked(self) -> BlockedError | None:
        """Why the books cannot be kept any more, if so: the disk is full, or the sampler's memory out of reach. Then
        nothing more is handed out."""
        return self._halt.refused or self._steadily.lost

    @property
    def handed_out(self) -> int:
        """Trials that count towards the total: finished, waiting for their record, and unreadable ones."""
        counts = self.counts()
        return counts.complete + counts.pruned + counts.failed + counts.unfinished + counts.unreadable

    @property
    def complete(self) -> bool:
        """Whether every trial of the total, or all that the space holds, was handed out and has ended."""
        return self._reached and not (self._waiting or self._copies or self._company.elsewhere)

    @property
    def fruitless(self) -> bool:
        """Whether every trial of the total has ended and none of them is complete."""
        return self.complete and not self.counts().complete

    @property
    def too_many_failures(self) -> bool:
        """Whether the last trials failed, one after another; then nothing more is handed out."""
        return self._halt.too_many_failures

    @property
    def ready(self) -> bool:
        """Whether `ask` answers at once; else the sampler is being asked ahead."""
        return bool(self._again) or self._halt.told is not None or self._sampling.ready

    @property
    def remaining(self) -> int:
        """How many times `ask` will hand out a trial if nothing stops it."""
        fresh = 0 if self._unasked.exhausted else len(self._unasked) + max(0, self.trials - self.handed_out)
        return len(self._again) + len(self._copies) + fresh

    @property
    def scratch(self) -> Path:
        """A folder of this driver's own for what need not outlive it."""
        folder = self.study.folder / SCRATCH
        return folder / self._presence.name if self._presence else folder

    def counts(self) -> events.Counts:
        """Of all drivers' trials."""
        unfinished = sum(spec.replicates is None for spec in self._waiting.values()) + len(self._unasked)
        return self._standing.counts(unfinished=unfinished + len(self._company.elsewhere))

    def front(self) -> tuple[str, ...]:
        """Addresses (`N`, `N.K`) of the non-dominated points on validation, by the first objective that is a cost."""
        return self._standing.front()

    def hypervolume(self) -> float:
        return self._standing.hypervolume()

    def finish(self) -> None:
        """Says how the driver ends: done when every trial that was asked for has its record, else interrupted."""
        with self._halt.for_room():
            if self._shared and not self._company.present():
                self._sampling.free_strays()
            if self.complete:
                self._voice.done()
            else:
                self._voice.interrupted(self._halt.told or "the driver ended early")

    def collect_all(self) -> None:
        """Tells every record that a backend had no time to tell, and gives back a number that was asked ahead; waits
        until the sampler has heard of all."""
        for trial in sorted(self._waiting):
            with suppress(Unreachable):
                if self.study.arrived(trial):
                    self.collect(trial)
        with self._halt.for_room():
            self._give_back()
            self._sampling.settle()

    # how it is done

    @property
    def _reached(self) -> bool:
        """Whether every trial of the total, or all that the space holds, was handed out."""
        return self._unasked.exhausted or (self.handed_out >= self.trials and not self._unasked)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """While this lasts no other driver catches up with the study or takes over its trials."""
        with ExitStack() as stack:
            self._steadily(lambda: stack.enter_context(self._database.alone()))
            yield

    def _new(self) -> int | None:
        if (fresh := self._unasked.ask(self._company, self._sampling)) is None:
            return None
        if self.stopped:  # while the sampler was asked
            self._sampling.abandon(fresh[0])
            self._company.release(fresh[0])
            return None
        return self._hand_out(*fresh)

    def _hand_out(self, trial: int, spec: TrialSpec) -> int:
        self.study.write_spec(trial, spec)
        self._waiting[trial] = spec
        return trial

    def _give_back(self) -> None:
        self._unasked.give_back(self._company, self._sampling)

    def _catch_up(self, stack: ExitStack) -> None:
        """Reads all folders, tells the sampler, says whether this is a start or a resume."""
        self._claims = Claims(self.study, self.trials, self._presence)
        self._company = Company(self.study, self._claims, self._presence)
        if not self._company.present():  # else it is meant for them, and for this driver too
            self._halt.forget_cancel()
        found, self._memory = self._company.begin(lambda: self._opened(stack))
        for trial, record in found.finished.items():
            self._standing.add(trial, record)
        self._waiting.update(found.unfinished)
        self._again.extend(found.unfinished)
        self._questions.note(record.spec for record in found.finished.values())
        self._questions.note(found.unfinished.values())
        self._memory.learn(remember(self.study, self._warm))
        beside = bool(self._seeds and self._company.present())
        if self._seeds and not (beside or self.counts().unfinished or self.handed_out < self.trials):
            self._copies.plan(self.front(), found, self._seeds, self.trials, self._presence)
        for trial, error in found.unreadable.items():
            self._set_aside(trial, error)
        if self.handed_out:
            self._voice.resumed(self.trials, tuple(self._again))
        else:
            self._voice.started(self._manifest, self.trials)
        doubts = (self._memory.lost, BY_ONE if beside else None, self._sampling.doubt(self.trials))
        for said in (*self._notes, *filter(None, doubts)):
            self._voice.warn(said)
        if (waiting := self._first.left(self._questions.known) - max(0, self.trials - self.handed_out)) > 0:
            self._voice.warn(f"{waiting} guesses wait: raise the total with --trials")

    def _opened(self, stack: ExitStack) -> Memory:
        about = self._manifest
        memory = Memory(self._database, self.space, about.sampler, about.seed, self._steadily)
        stack.callback(memory.close)
        self._first = First(self.study, self.space, self._guesses, shared=self._shared)
        self._questions = Questions(self.space, memory, about.seed, self._first)
        self._sampling = Sampling(self._questions, memory, about.sampler)
        stack.callback(self._sampling.close)
        stack.callback(self._give_back)
        return memory

    def _look_around(self) -> None:
        """Learns now and then what the other drivers have done; what a dead one left is handed out here."""
        if not self._company.due():
            return
        known = self._standing.trials | self._waiting.keys() | set(self._unasked)
        try:
            news = self._company.news(known, self._sampling, self._alone)
        except BlockedError:
            return
        for trial, record in news.finished.items():
            self._standing.add(trial, record)
            self._questions.note([record.spec])
            self._voice.finished(trial, record, ours=False)
        for trial, error in news.unreadable.items():
            self._set_aside(trial, error)
        self._questions.note(news.asked.values())
        self._waiting.update(news.unfinished)
        self._again.extend(news.unfinished)
        self._unasked.extend(news.unasked)
        if taken := sorted([*news.unfinished, *news.unasked]):
            self._voice.warn(f"goes on with what another driver has left: trials {', '.join(map(str, taken))}")

    def _holds(self, trial: int) -> bool:
        """Whether the trial is ours still. If others have taken this driver for dead one of them runs it by now."""
        if self._claims.holds(trial):
            return True
        del self._waiting[trial]
        self._sampling.let_go(trial)
        self._company.elsewhere.add(trial)
        self._voice.warn("is another driver's by now", trial)
        return False

    def _handed(self, trial: int) -> Asked:
        return Asked(trial, self._waiting[trial], self.study.trial_folder(trial), self._manifest.code_version)

    def _set_aside(self, trial: int, error: RecordError) -> None:
        self._standing.add_unreadable(trial, replicate=self.study.is_replicate(trial))
        self._voice.warn(str(error), trial)
