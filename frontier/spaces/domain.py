"""Domains: what a search may vary. In a space file: `{int: [lo, hi]}`, `{float: [lo, hi]}`, `{log: [lo, hi]}`,
`{choice: [a, b]}`; anything else is a constant. Both bounds are included."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationError, model_validator

from frontier.errors import nearest
from frontier.frozen import Frozen
from frontier.results.spec import Scalar
from frontier.spaces._document import Document, KeyPath, dotted


class Domain(Frozen, ABC):
    """A set of values that a search may draw from; `str()` says it in words."""

    @classmethod
    @abstractmethod
    def of(cls, values: Sequence[object]) -> Self:
        """From the list in the space file. Raises pydantic's ValidationError."""

    @property
    @abstractmethod
    def probes(self) -> tuple[Scalar, ...]:
        """Values whose acceptance stands for that of the whole domain."""

    @abstractmethod
    def contains(self, value: Scalar) -> bool: ...


class _Range(Domain):
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[object]) -> Self:
        low, high = values
        return cls.model_validate({"low": low, "high": high})

    @model_validator(mode="after")
    def _rising(self) -> Self:
        if not self.low < self.high:
            raise ValueError(f"the lower bound {self.low} is not below the upper bound {self.high}")
        return self

    @property
    def probes(self) -> tuple[Scalar, ...]:
        return (self.low, self.high)

    def contains(self, value: Scalar) -> bool:
        return isinstance(value, int | float) and not isinstance(value, bool) and self.low <= value <= self.high

    def __str__(self) -> str:
        return f"{self.low:g} to {self.high:g}"


class FloatDomain(_Range):
    """Uniform on [low, high]."""

    kind: Literal["float"] = "float"


class LogDomain(_Range):
    """Log-uniform on [low, high], low > 0."""

    kind: Literal["log"] = "log"
    low: float = Field(gt=0)

    def __str__(self) -> str:
        return f"{super().__str__()}, logarithmic"


class _WholeRange(_Range):
    low: int
    high: int

    def contains(self, value: Scalar) -> bool:
        return isinstance(value, int) and super().contains(value)

    def __str__(self) -> str:
        return f"{self.low} to {self.high}"


class IntDomain(_WholeRange):
    """Whole numbers, uniform on low..high."""

    kind: Literal["int"] = "int"


class CountDomain(_WholeRange):
    """Whole numbers, log-uniform in value + 1, so that 0 is included: `{log: [0, 100%]}` of a ReLU budget."""

    kind: Literal["log_count"] = "log_count"
    low: int = Field(ge=0)

    def __str__(self) -> str:
        return f"{super().__str__()}, logarithmic"


class ChoiceDomain(Domain):
    """One of `options`, in the author's order."""

    kind: Literal["choice"] = "choice"
    options: tuple[Scalar, ...]

    @classmethod
    def of(cls, values: Sequence[object]) -> Self:
        return cls.model_validate({"options": tuple(values)})

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        if not self.options:
            raise ValueError("an empty choice")
        for i, option in enumerate(self.options):
            if any(_same(option, other) for other in self.options[:i]):
                raise ValueError(f"the choice contains {option!r} twice")
        return self

    @property
    def probes(self) -> tuple[Scalar, ...]:
        return self.options

    def contains(self, value: Scalar) -> bool:
        return any(_same(value, option) for option in self.options)

    def __str__(self) -> str:
        return f"one of {', '.join(map(str, self.options))}"


def _same(a: Scalar, b: Scalar) -> bool:
    """Equal and of one type: True is not 1."""
    return type(a) is type(b) and a == b


AnyDomain = Annotated[IntDomain | FloatDomain | LogDomain | CountDomain | ChoiceDomain, Field(discriminator="kind")]
Kind = type[IntDomain] | type[FloatDomain] | type[LogDomain] | type[CountDomain] | type[ChoiceDomain]
KINDS: Mapping[str, Kind] = {"int": IntDomain, "float": FloatDomain, "log": LogDomain, "choice": ChoiceDomain}
Read = Callable[[object, Document, KeyPath], Scalar]


def read_scalar(raw: object, document: Document, path: KeyPath) -> Scalar:
    """A bound or an option as it stands. Raises InputError for null, lists and mappings."""
    if isinstance(raw, bool | int | float | str):
        return raw
    raise document.error(path, f"not a value for '{dotted(path)}'", expected="a number, text, true or false", got=raw)


def parse(
    raw: Mapping[str, object],
    document: Document,
    path: KeyPath,
    *,
    kinds: Mapping[str, Kind] = KINDS,
    read: Read = read_scalar,
) -> AnyDomain:
    """The domain written at `path`. `read` turns each bound or option into its value. Raises InputError."""
    forms = " or ".join(f"{{{kind}: [{'a, b' if kind == 'choice' else 'lo, hi'}]}}" for kind in kinds)
    if len(raw) != 1:
        raise document.error(path, f"not a domain at '{dotted(path)}'", expected=f"a constant, {forms}", got=dict(raw))
    ((kind, values),) = raw.items()
    if kind not in kinds:
        raise document.error(
            (*path, kind), f"unknown domain '{kind}' at '{dotted(path)}'. {nearest(kind, kinds)}", expected=forms
        )
    path = (*path, kind)
    if not isinstance(values, list) or (kind != "choice" and len(values) != 2):
        wanted = "a list of options" if kind == "choice" else "two bounds, [lo, hi]"
        raise document.error(path, f"wrong domain at '{dotted(path)}'", expected=wanted, got=values)
    scalars = [read(value, document, (*path, i)) for i, value in enumerate(values)]
    for i, scalar in enumerate(scalars):
        if kind != "choice" and isinstance(scalar, bool | str):
            where = (*path, i)
            raise document.error(where, f"wrong bound at '{dotted(where)}'", expected="a number", got=scalar)
    try:
        return kinds[kind].of(scalars)
    except ValidationError as error:
        reasons = "; ".join(item["msg"].removeprefix("Value error, ") for item in error.errors())
        raise document.error(path, f"wrong domain at '{dotted(path)}': {reasons}", expected=forms, got=values) from None
