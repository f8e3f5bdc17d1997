"""A person's guesses, from files, points of studies and papers, checked against the space before anything runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from frontier.api.from_papers import from_papers, is_papers
from frontier.api.study import parse_address
from frontier.driver.guesses import Guess
from frontier.driver.parameters import assignment
from frontier.errors import InputError
from frontier.mirror import home_at
from frontier.objects import url_of
from frontier.results.store import Study
from frontier.spaces.guesses import read_guesses
from frontier.spaces.space import Space

OPTION = "--enqueue"
FORM = "a YAML file of guesses, STUDY:N[.K], published or published:METHOD"


class Given(NamedTuple):
    """The guesses, and what there is to say of those that are none."""

    guesses: tuple[Guess, ...]
    notes: tuple[str, ...]


def guesses_of(sources: Sequence[str | Path], space: Space, home: Path) -> Given:
    """The guesses in files (`mine.yaml`), behind addresses (`other:7.1`, `DIR/studies/other:7`) and of papers
    (`published`, `published:snl`), in their order.

    Raises InputError, with file and line where there is one, for what the space does not search or allow, and for
    papers of which nothing is left.
    """
    notes: list[str] = []
    guesses = tuple(guess for source in sources for guess in _of(source, space, home, notes))
    return Given(guesses, tuple(notes))


def _of(source: str | Path, space: Space, home: Path, notes: list[str]) -> Iterator[Guess]:
    if Path(source).is_file():
        for written in read_guesses(Path(source), space):
            if isinstance(written.values, str):
                yield from _named(written.values, space, home, written.where, notes)
            else:
                yield Guess(values=written.values, source=written.where)
    else:
        yield from _named(str(source), space, home, OPTION, notes)


def _named(text: str, space: Space, home: Path, where: str, notes: list[str]) -> Iterator[Guess]:
    if is_papers(text):
        guesses, note = from_papers(text, space, where)
        notes.append(note)
        yield from guesses
    elif ":" in text:
        yield _of_point(text, space, home, where)
    else:
        raise InputError("no such file", where=where, expected=FORM, got=text)


def _of_point(text: str, space: Space, home: Path, where: str) -> Guess:
    """What a point of another study was asked, as far as this space searches it; its own constants stay behind."""
    url_of(text, where)  # one that carries credentials is not quoted
    name, _, number = text.rpartition(":")
    try:
        study = study_at(name, home, where)
        trial, index = parse_address(number)
        record = study.record(trial)
        if index and index >= len(record.points):
            raise InputError(f"trial {trial} has no point {index}", expected=f"0 to {len(record.points) - 1}")
        budget = record.points[index].relu_budget if index else record.spec.relu_budget
        return Guess(values=assignment(space, record.spec, budget), source=f"{study.name}:{number}")
    except InputError as error:
        what = f"{error.where}: {error.what}" if error.where else error.what
        raise InputError(
            f"'{text}' cannot be a guess: {what}", where=where, expected=error.expected, got=error.got, fix=error.fix
        ) from None


def study_at(name: str, home: Path, where: str) -> Study:
    """A study of this home by its name, or of any other by the path or URL of its folder. Raises InputError; `where`:
    the option or the place that names it."""
    if (url := url_of(name, where)) is not None:
        elsewhere, found, name = url.rpartition("/studies/")
        if not found:
            raise InputError("not the folder of a study", where=url, expected="URL/studies/NAME")
        return Study.open(home_at(elsewhere), name)
    folder = Path(name)
    if folder.name == name:
        return Study.open(home, name)
    if folder.resolve().parent.name != "studies":
        raise InputError("not the folder of a study", where=name, expected="HOME/studies/NAME")
    return Study.open(folder.resolve().parents[1], folder.resolve().name)
