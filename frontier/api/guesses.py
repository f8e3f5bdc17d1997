"""A person's guesses, from files and from points of other studies, checked against the space before anything runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

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
FORM = "a YAML file of guesses, or STUDY:N[.K]"


def guesses_of(sources: Sequence[str | Path], space: Space, home: Path) -> tuple[Guess, ...]:
    """The guesses in files (`mine.yaml`) and behind addresses (`other:7.1`, `DIR/studies/other:7`), in their order.

    Raises InputError, with file and line where there is one, for what the space does not search or allow.
    """
    return tuple(guess for source in sources for guess in _of(source, space, home))


def _of(source: str | Path, space: Space, home: Path) -> Iterator[Guess]:
    if Path(source).is_file():
        for written in read_guesses(Path(source), space):
            if isinstance(written.values, str):
                yield _of_point(written.values, space, home, written.where)
            else:
                yield Guess(values=written.values, source=written.where)
    elif ":" in str(source):
        yield _of_point(str(source), space, home, OPTION)
    else:
        raise InputError("no such file", where=OPTION, expected=FORM, got=str(source))


def _of_point(text: str, space: Space, home: Path, where: str) -> Guess:
    """What a point of another study was asked, as far as this space searches it; its own constants stay behind."""
    name, _, number = text.rpartition(":")
    try:
        study = study_at(name, home)
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


def study_at(name: str, home: Path) -> Study:
    """A study of this home by its name, or of any other by the path or URL of its folder. Raises InputError."""
    if (url := url_of(name)) is not None:
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
