"""Guesses are handed out before the anchors and before anything that the sampler thinks of, each once.

    HOME/studies/NAME/guesses.json           all that were given so far
                     /trials/7/guess.json    which of them trial 7 is; written before its spec

A trial's folder without a spec was never handed out and is removed, its guess with it: so each is handed out exactly
once, whatever is killed when.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import final

from pydantic import TypeAdapter, ValidationError

from frontier.driver.parameters import BUDGET, METHOD
from frontier.errors import RecordError
from frontier.files import write_atomic
from frontier.frozen import Frozen
from frontier.mirror import publish
from frontier.results.spec import Scalar, TrialSpec
from frontier.results.store import Study
from frontier.spaces.space import Space

FILE, MARK = "guesses.json", "guess.json"


class Guess(Frozen):
    """Values by the space's parameters, all of them or some; `source` is the place that it was read from."""

    values: dict[str, Scalar]
    source: str


STORED = TypeAdapter(tuple[Guess, ...])


@final
class First:
    """What trials are told to ask before the sampler is free: the guesses, then the space's anchors."""

    def __init__(self, study: Study, space: Space, new: Sequence[Guess] = (), *, shared: bool = False) -> None:
        """Reads what the study knows and adds what is new to it; the same values twice are one guess. `shared`: other
        drivers may hand out guesses of the study as well."""
        self._study, self._space, self._shared = study, space, shared
        self._guesses = _stored(study)
        before = [guess.values for guess in self._guesses]
        added = [guess for i, guess in enumerate(new) if guess.values not in [*before, *(g.values for g in new[:i])]]
        if added:
            self._guesses += tuple(added)
            write_atomic(study.folder / FILE, STORED.dump_json(self._guesses, indent=1) + b"\n")
            publish(study.folder / FILE)
        self._taken = _marks(study) if self._guesses else {}  # trial -> place in `_guesses`

    def left(self, asked: Callable[[TrialSpec], bool]) -> int:
        """How many guesses are still to be handed out; `asked` as in `fixed`."""
        return len(self._open(asked))

    def fixed(self, trial: int, asked: Callable[[TrialSpec], bool]) -> Mapping[str, Scalar]:
        """The values that this new trial, whose folder is there, is to ask; empty where the sampler is free.

        `asked` says whether a specification was asked before: such a guess is left out.
        """
        if not self._guesses:
            return self._anchored(trial)
        if self._shared:
            self._taken = _marks(self._study)
        mine = _mark(self._study, trial)  # where an ask was cut off the number is asked for again
        for place in [mine] if mine is not None and mine in range(len(self._guesses)) else self._open(asked)[:1]:
            guess = self._guesses[place]
            mark = json.dumps({"guess": place, "source": guess.source})
            write_atomic(self._study.trial_folder(trial) / MARK, mark + "\n")
            publish(self._study.trial_folder(trial) / MARK)
            self._taken[trial] = place
            return guess.values
        return self._anchored(trial)

    def _anchored(self, trial: int) -> Mapping[str, Scalar]:
        number = trial - sum(other < trial for other in self._taken)
        return {BUDGET: self._space.anchors[number]} if number < len(self._space.anchors) else {}

    def _open(self, asked: Callable[[TrialSpec], bool]) -> list[int]:
        taken = set(self._taken.values())
        waiting = [place for place in range(len(self._guesses)) if place not in taken]
        return [place for place in waiting if not self._known(self._guesses[place], asked)]

    def _known(self, guess: Guess, asked: Callable[[TrialSpec], bool]) -> bool:
        """Whether the guess leaves nothing to the sampler, and that was asked before."""
        methods = self._space.method_names
        method = str(guess.values.get(METHOD, methods[0] if len(methods) == 1 else None))
        if method not in methods or not self._space.parameters(method).keys() <= guess.values.keys():
            return False
        return asked(self._space.spec({METHOD: method, **guess.values}, seed=0))


def _stored(study: Study) -> tuple[Guess, ...]:
    path = study.folder / FILE
    if not path.is_file():
        return ()
    try:
        return STORED.validate_json(path.read_bytes())
    except ValidationError as error:
        raise RecordError(
            f"not a list of guesses ({error.errors()[0]['msg']})", where=str(path), fix="remove it: trials stay"
        ) from None


def _marks(study: Study) -> dict[int, int]:
    """Which guess each trial is, of those that are one."""
    marks = {trial: _mark(study, trial) for trial in study.trials()}
    return {trial: mark for trial, mark in marks.items() if mark is not None}


def _mark(study: Study, trial: int) -> int | None:
    """Which guess a trial is; -1 where its mark cannot be read."""
    try:
        return int(json.loads((study.trial_folder(trial) / MARK).read_bytes())["guess"])
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):
        return -1
