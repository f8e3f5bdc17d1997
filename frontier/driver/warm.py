"""Warm start: what other studies measured is put into the sampler's memory, and nowhere else.

HOME/studies/NAME/warm_start.json holds the points, so that the memory can be rebuilt when the other study is gone. They
count towards no total and are on no front.
"""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import TypeAdapter, ValidationError

from frontier.errors import RecordError
from frontier.files import write_atomic
from frontier.frozen import Frozen
from frontier.mirror import publish
from frontier.results.spec import Scalar
from frontier.results.store import Study

FILE = "warm_start.json"


class Elsewhere(Frozen):
    """A point of another study: `values` by the space's parameters, `told` as the sampler is told the objectives,
    `violations` by constraint; `source` is its address, `other:7.1`."""

    source: str
    values: dict[str, Scalar]
    told: tuple[float, ...]
    violations: dict[str, float] = {}


STORED = TypeAdapter(tuple[Elsewhere, ...])


def remember(study: Study, new: Sequence[Elsewhere] = ()) -> tuple[Elsewhere, ...]:
    """All points that the study was ever started with, these among them; one of each source."""
    known = _stored(study)
    sources = {point.source for point in known}
    added = tuple(point for point in new if point.source not in sources)
    if added:
        write_atomic(study.folder / FILE, STORED.dump_json(known + added, indent=1) + b"\n")
        publish(study.folder / FILE)
    return known + added


def _stored(study: Study) -> tuple[Elsewhere, ...]:
    path = study.folder / FILE
    if not path.is_file():
        return ()
    try:
        return STORED.validate_json(path.read_bytes())
    except ValidationError as error:
        what = f"not the points of a warm start ({error.errors()[0]['msg']})"
        raise RecordError(what, where=str(path), fix="remove it; the sampler then goes on without them") from None
