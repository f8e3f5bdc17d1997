"""Published figures: what papers report, JSON files on the shelf `results/published`, every figure with its source.

They are set beside what is measured here and never joined to it: other recipes, other choices of the checkpoint. What a
source does not say is None.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, ValidationError, model_validator

from frontier import shelves
from frontier.errors import InputError
from frontier.frozen import Frozen, first_problem

SHELF, SUFFIX = "results/published", ".json"

# What stands where a ReLU was: something linear, which costs nothing online; something of degree 2, which does; or it
# is another network altogether. Only the first is like for like with networks that are linearized here.
Class = Literal["identity", "quadratic", "new_architecture"]
Quantity = Literal[
    "accuracy_points",
    "corrupted_points",
    "adversarial_points",
    "times_fewer_relus",
    "times_fewer_macs",
    "times_fewer_bytes",
    "times_faster",
]
Percent = Annotated[float, Field(gt=1, le=100)]  # a fraction in its place is refused


class Source(Frozen):
    """Where a figure was read. `secondary`: neither in the paper itself nor in its authors' repository."""

    paper: str
    venue: str | None
    where: str
    secondary: bool


class Online(Frozen):
    """The online phase of one inference, as the source has it, over the link and by the protocol that it names."""

    seconds: float | None = Field(gt=0)
    megabytes: float | None = Field(gt=0)
    protocol: str | None
    link: str | None
    source: str

    @property
    def under(self) -> str:
        """Protocol and link, `unknown` where the source does not say."""
        return ", ".join(part or "unknown" for part in (self.protocol, self.link))


class Robust(Frozen):
    """Accuracy in % under an attack or under corruptions, which `under` names with their strength."""

    kind: Literal["adversarial", "corrupted"]
    accuracy: Percent
    under: str


class _Network(Frozen):
    """`relus` are counted in the convention `sites`; `outer` of them lie where `inner` has none, such as in a ResNet's
    stem. `about`: the count was read off roughly. `accuracy`: top-1 on the test set in %."""

    network: str | None
    data: str
    sites: Literal["full", "inner"] | None
    relus: int | None = Field(gt=0)
    accuracy: Percent | None
    source: str
    outer: int | None = Field(default=None, ge=0)
    about: bool = False
    online: Online | None = None
    robust: tuple[Robust, ...] = ()
    note: str | None = None

    @model_validator(mode="after")
    def _counted(self) -> Self:
        if self.outer is not None and (self.sites != "full" or self.relus is None or self.outer > self.relus):
            raise ValueError("'outer' is a part of a count whose convention is 'full'")
        return self

    def relus_in(self, sites: str) -> int | None:
        """The count in a convention; None where the source does not say enough. A network of `inner` sites has no
        ReLU elsewhere, so its count is that of either."""
        if self.relus is None or self.sites is None:
            return None
        if self.sites in (sites, "inner"):
            return self.relus
        return None if self.outer is None else self.relus - self.outer


class Figure(_Network):
    """One network with few ReLUs. `reduction`: how many times fewer, where a source says that in place of a count."""

    method: str
    kind: Class = Field(alias="class")
    reduction: float | None = Field(default=None, gt=1)


class Baseline(_Network):
    """One network with all its ReLUs: where others start from, what robust training reaches, what a protocol takes."""


class Claim(Frozen):
    """What an abstract says without the figures behind it. `data` is empty and `kind` None where it does not say."""

    method: str
    kind: Class | None = Field(alias="class")
    network: str | None
    data: tuple[str, ...]
    quantity: Quantity
    value: float = Field(gt=0)
    up_to: bool
    at: str | None  # what was held equal
    against: str | None
    source: str


class Published(Frozen):
    """One file, or all of the shelf."""

    format: Literal["frontier-published"] = "frontier-published"
    version: Literal[1] = 1
    sources: dict[str, Source]
    figures: tuple[Figure, ...] = ()
    baselines: tuple[Baseline, ...] = ()
    claims: tuple[Claim, ...] = ()

    @model_validator(mode="after")
    def _sourced(self) -> Self:
        networks = (*self.figures, *self.baselines)
        named = {one.source for one in networks} | {claim.source for claim in self.claims}
        named |= {one.online.source for one in networks if one.online is not None}
        if missing := named - self.sources.keys():
            raise ValueError(f"no source named {', '.join(sorted(missing))}")
        return self

    def cite(self, name: str) -> str:
        """A source in words, second-hand ones marked so."""
        source = self.sources[name]
        paper = source.paper if source.venue is None else f"{source.paper}, {source.venue}"
        return f"{paper}: {source.where}{' (secondary)' if source.secondary else ''}"


def read_published(path: Path) -> Published:
    """Raises InputError for what is no such file, and for one that names a source which it does not have."""
    try:
        return Published.model_validate_json(path.read_bytes())
    except OSError as error:
        why = error.strerror or str(error)
    except ValidationError as error:
        why = first_problem(error)
    raise InputError(f"no published figures ({why})", where=str(path), expected="as in results/published/README.md")


def published() -> Published:
    """All files of the shelf as one, in the order of their names. Raises InputError as `read_published` does, and where
    two files mean different sources by one name."""
    sources: dict[str, Source] = {}
    figures: list[Figure] = []
    baselines: list[Baseline] = []
    claims: list[Claim] = []
    for name in shelves.available(SHELF, SUFFIX):
        path = shelves.find(SHELF, name, SUFFIX)
        found = read_published(path)
        _refuse_another(found.sources, sources, path)
        sources |= found.sources
        figures += found.figures
        baselines += found.baselines
        claims += found.claims
    return Published(sources=sources, figures=tuple(figures), baselines=tuple(baselines), claims=tuple(claims))


def _refuse_another(new: Mapping[str, Source], known: Mapping[str, Source], path: Path) -> None:
    for name, source in new.items():
        if known.get(name, source) != source:
            raise InputError(
                f"the source '{name}' is another one in another file",
                where=str(path),
                expected=known[name].model_dump_json(),
                got=source.model_dump_json(),
            )
