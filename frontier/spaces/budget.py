"""ReLU budgets: `5%` of the network's ReLUs, rounded down, or a count; what a Space holds is always a count."""

from __future__ import annotations

import math
import re
from fractions import Fraction

from frontier.spaces._document import Document, KeyPath, dotted
from frontier.spaces.domain import AnyDomain, ChoiceDomain, CountDomain, IntDomain, Kind, parse

PERCENT = re.compile(r"([-+]?(?:\d+(?:\.\d*)?|\.\d+)) ?%")
KINDS: dict[str, Kind] = {"int": IntDomain, "log": CountDomain, "choice": ChoiceDomain}


def resolve_count(raw: object, relus: int, document: Document, path: KeyPath) -> int:
    """The count that `raw` asks of a network with `relus` ReLUs. Raises InputError outside 0..`relus` (0%..100%)."""
    allowed = f"0 to {relus} ReLUs, or 0% to 100%"
    match = PERCENT.fullmatch(raw) if isinstance(raw, str) else None
    if match:
        count = math.floor(Fraction(match[1]) * relus / 100)
        too_large = Fraction(match[1]) > 100
    elif isinstance(raw, int) and not isinstance(raw, bool):
        count, too_large = raw, raw > relus
    else:
        fix = f"write {100 * raw:g}% for a share of the ReLUs" if isinstance(raw, float) and 0 < raw <= 1 else None
        raise document.error(
            path, f"not a ReLU budget at '{dotted(path)}'", expected=f"a whole number: {allowed}", got=raw, fix=fix
        )
    if too_large:
        raise document.error(
            path, f"the ReLU budget is above the network's {relus} ReLUs", expected=allowed, got=raw, fix="100% is all"
        )
    if count < 0:
        raise document.error(path, "the ReLU budget is negative", expected=allowed, got=raw)
    return count


def resolve_budget(raw: object, relus: int, document: Document, path: KeyPath) -> int | AnyDomain:
    """`relu_budget` of a space file: a constant, or an int, log or choice domain whose bounds may be percentages."""
    if not isinstance(raw, dict):
        return resolve_count(raw, relus, document, path)

    def read(value: object, document: Document, path: KeyPath) -> int:
        return resolve_count(value, relus, document, path)

    return parse(raw, document, path, kinds=KINDS, read=read)


def resolve_anchors(
    raw: list[object], budget: int | AnyDomain, relus: int, document: Document, path: KeyPath
) -> tuple[int, ...]:
    """The budgets that a search asks first. Raises InputError for one outside `budget`, and for one given twice."""
    anchors: list[int] = []
    for i, value in enumerate(raw):
        count = resolve_count(value, relus, document, (*path, i))
        inside = count == budget if isinstance(budget, int) else budget.contains(count)
        if not inside:
            raise document.error(
                (*path, i),
                "an anchor outside 'relu_budget'",
                expected=f"{budget} ReLUs",
                got=f"{value} = {count} ReLUs",
            )
        if count in anchors:
            raise document.error((*path, i), f"two anchors are both {count} ReLUs", fix="remove one of them")
        anchors.append(count)
    return tuple(anchors)
