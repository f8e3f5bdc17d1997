"""From a search-space file to a Space: read, check every key, resolve budgets, knobs and names.

What a method's knobs, a data set's shape, a network's ReLUs, the names on an axis and the groups of corruptions are,
the caller passes in; nothing is imported upward.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from frontier.errors import InputError, nearest
from frontier.frozen import Frozen
from frontier.results.spec import DataSpec, NetworkSpec, Recipe
from frontier.spaces import _yaml
from frontier.spaces._complaints import complaint, lost_booleans, refused
from frontier.spaces._corruptions import Groups, resolve_corruptions, words
from frontier.spaces._document import Document, KeyPath, dotted
from frontier.spaces._settings import resolve_settings
from frontier.spaces.budget import resolve_anchors, resolve_budget
from frontier.spaces.constraints import constraint_of, constraints_of
from frontier.spaces.domain import Domain
from frontier.spaces.file import SpaceFile
from frontier.spaces.goals import Goals, goal_of, goals_of, without_squares
from frontier.spaces.space import Space, Value

QUADRATIC = "degree2"  # of the surrogates of frontier.nn the one that is a square

KnobsOf = Callable[[str], type[Frozen]]  # method -> its frozen Knobs model
ShapeOf = Callable[[DataSpec], object]  # shape of a data set's images; raises InputError for wrong options
RelusOf = Callable[[NetworkSpec, DataSpec], int]  # ReLUs of the built network; raises InputError for wrong options
NamesOf = Callable[[str], Sequence[str]]  # axis (data, backbone, method, corruption, attack, sampler) -> names
RefuseOfficial = Callable[[str], None]  # data -> InputError where it has no official corrupted images


@dataclass(frozen=True)
class Lookups:
    """What is known above: see the types of the fields, and `_corruptions.Groups`."""

    knobs_of: KnobsOf
    shape_of: ShapeOf
    relus_of: RelusOf
    names_of: NamesOf
    groups: Groups
    refuse_official: RefuseOfficial


def load(path: Path, lookups: Lookups) -> Space:
    """The Space in a file. Raises InputError with file, line and key for whatever is wrong with it."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"cannot read the search space ({error.strerror})", where=str(path), expected="a YAML file"
        ) from None
    return loads(content, str(path), lookups)


def loads(content: bytes, where: str, lookups: Lookups) -> Space:
    """The Space in the bytes of a file; `where` is that file in messages, and its stem the default name."""
    document = _yaml.read(content, where)
    file = _checked(document)
    unknown = list(_unknown_entries(file, document, lookups))
    if unknown:
        raise complaint(unknown)
    measure = resolve_corruptions(file.measure, lookups.names_of("corruption"), lookups.groups, document)
    if measure.official:
        with _placed(document, ("measure", "official" if file.measure.official else "corruptions")):
            lookups.refuse_official(file.data.name)
    with _placed(document, ("data",)):
        lookups.shape_of(file.data)
    with _placed(document, ("network",)):
        relus = lookups.relus_of(file.network, file.data)
    budget = resolve_budget(file.relu_budget, relus, document, ("relu_budget",))
    with _placed(document, ("objectives",)):
        goals = goals_of(file.objectives)
    with _placed(document, ("constraints",)):
        limits = constraints_of(file.constraints)
    methods = {
        method: resolve_settings(lookups.knobs_of(method), file.methods[method], document, ("methods", method))
        for method in sorted(file.methods)
    }
    squaring = [method for method, knobs in methods.items() if _may_square(knobs)]
    asked = {"objectives": goals, "constraints": Goals(tuple(limit.goal for limit in limits))}
    unpriced = [(key, price) for key, of in asked.items() for price in without_squares(of)]
    for key, price in unpriced if squaring else ():
        raise document.error(
            (key,),
            f"'{price.name}' has no price for squares",
            expected=f"a protocol that prices what '{squaring[0]}' may put in the place of a ReLU",
            fix="take crypten, or keep the surrogate 'degree2' out of the space",
        )
    fields = {
        **{key: getattr(file, key) for key in SpaceFile.model_fields if key in Space.model_fields},
        "name": file.name or Path(where).stem,
        "question": " ".join(file.question.split()),  # one line
        "relus": relus,
        "relu_budget": budget,
        "anchors": resolve_anchors(list(file.anchors), budget, relus, document, ("anchors",)),
        "methods": methods,
        "finetune": resolve_settings(Recipe, file.finetune, document, ("finetune",)),
        "measure": measure,
        "objectives": goals.names,
        "constraints": tuple(limit.text for limit in limits),
    }
    return Space.model_validate(fields)


def _may_square(knobs: Mapping[str, Value]) -> bool:
    """Whether quadratics are among what a method may put in the place of a ReLU."""
    surrogate = knobs.get("surrogate")
    return QUADRATIC in (surrogate.probes if isinstance(surrogate, Domain) else (surrogate,))


def _checked(document: Document) -> SpaceFile:
    if not isinstance(document.data, dict):
        got = "an empty file" if document.data is None else type(document.data).__name__
        raise InputError(
            "not a search space", where=f"{document.name}:1", expected="a mapping with question, data, ...", got=got
        )
    try:
        file = SpaceFile.model_validate(document.data)
    except ValidationError as error:
        raise refused(error, SpaceFile, document, ()) from None
    lost = list(lost_booleans(document.data, file, document, ()))
    if lost:
        raise complaint(lost)
    if not file.methods:
        raise document.error(
            ("methods",), "an empty space: no method", expected="at least one", fix="add one, such as 'snl: {}'"
        )
    return file


@dataclass(frozen=True)
class _Name:
    """A name in the file that must be one of `known`."""

    kind: str
    name: str
    path: KeyPath


def _names(file: SpaceFile) -> Iterator[_Name]:
    yield _Name("data", file.data.name, ("data", "name"))
    if ":" not in file.network.name:  # pkg.module:factory is on no axis; building it tells whether it is there
        yield _Name("backbone", file.network.name, ("network", "name"))
    for method in file.methods:
        yield _Name("method", method, ("methods", method))
    for i, corruption in enumerate(file.measure.corruptions):
        yield _Name("corruption", corruption, ("measure", "corruptions", i))
    yield _Name("attack", file.measure.attack, ("measure", "attack"))
    yield _Name("sampler", file.search.sampler, ("search", "sampler"))
    if file.search.pruner is not None:
        yield _Name("pruner", file.search.pruner, ("search", "pruner"))


def _unknown_entries(file: SpaceFile, document: Document, lookups: Lookups) -> Iterator[InputError]:
    """Complaints about names not on their axis, strengths out of range, and lists that hold one thing twice."""
    for item in _names(file):
        known = [*lookups.names_of(item.kind), *(words(lookups.groups) if item.kind == "corruption" else ())]
        if item.name not in known:
            yield document.error(item.path, f"unknown {item.kind} '{item.name}'. {nearest(item.name, known)}")
    yield from _unreadable("objectives", file.objectives, goal_of, document)
    yield from _unreadable("constraints", file.constraints, constraint_of, document)
    for i, severity in enumerate(file.measure.severities):
        if not 1 <= severity <= 5:
            yield document.error(
                ("measure", "severities", i), "unknown corruption severity", expected="1 to 5", got=severity
            )
    for i, eps in enumerate(file.measure.attack_eps_255):
        if eps <= 0:
            yield document.error(("measure", "attack_eps_255", i), "not an attack strength", expected="> 0", got=eps)
    lists: dict[KeyPath, Sequence[object]] = {
        ("measure", "severities"): file.measure.severities,
        ("measure", "attack_eps_255"): [f"{eps_255:g}" for eps_255 in file.measure.attack_eps_255],  # as recorded
    }
    for path, values in lists.items():
        for i, value in enumerate(values):
            if value in values[:i]:
                yield document.error((*path, i), f"'{value}' is in '{dotted(path)}' twice", fix="remove one of them")


def _unreadable(
    key: str, texts: Sequence[str], read: Callable[[str], object], document: Document
) -> Iterator[InputError]:
    for i, text in enumerate(texts):
        try:
            read(text)
        except InputError as error:
            yield _at(document, (key, i), error)


@contextlib.contextmanager
def _placed(document: Document, path: KeyPath) -> Iterator[None]:
    """What a look-up complains about is said with the file and the line of `path`."""
    try:
        yield
    except InputError as error:
        raise _at(document, path, error) from None


def _at(document: Document, path: KeyPath, error: InputError) -> InputError:
    got = {} if error.got is None else {"got": error.got}
    return document.error(path, error.what, expected=error.expected, fix=error.fix, **got)
