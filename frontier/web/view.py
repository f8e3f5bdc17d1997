"""View: all that the page shows, as one frozen value, and its way into a URL's query and back.

What a query says and nobody understands falls back to the default, with a note that the page shows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

from frontier.errors import InputError
from frontier.frozen import Frozen
from frontier.latency._link import NAMED, Link, parse_link
from frontier.results.objectives import ACCURACIES
from frontier.spaces.goals import digits_of
from frontier.web.axes import AXES

COLOURS: Final = ("method", "study", "fidelity", "health", "seed")
LIMITS: Final = (*ACCURACIES, "online_s")  # least percent of each accuracy, and the most seconds
PROTOCOL: Final = "crypten"  # the one that prices squares as well
MOST_QUERY = 8_000  # characters of a query that are read at all
Box = tuple[float, float, float, float]  # x from, x to, y from, y to, in the units of the axes


class Setting(Frozen):
    """A protocol over a link."""

    protocol: str = PROTOCOL
    link: Link = NAMED["lan"]

    @property
    def text(self) -> str:
        """`crypten/wan`, `delphi/40,400`."""
        return f"{self.protocol}/{link_text(self.link)}"


class View(Frozen):
    """What is shown. Points are named STUDY:ADDRESS; an empty tuple of studies or seeds stands for all of them."""

    studies: tuple[str, ...] = ()
    x: str = "relu_count"
    y: str = "clean"
    log_x: bool | None = None  # None: as the axis has it
    log_y: bool | None = None
    colour: str = "method"
    setting: Setting = Setting()
    before: Setting | None = None  # what points were priced by before; ranks are compared with it
    limits: tuple[tuple[str, float], ...] = ()  # by name in the order of LIMITS
    brush: Box | None = None
    point: str = ""
    beside: str = ""
    seeds: tuple[int, ...] = ()
    paused: bool = False
    papers: bool = False  # whether published results are laid over the scatter
    views: tuple[str, ...] | None = None  # linked figures; None: the usual ones
    page: int = 0  # of the table

    @property
    def logs(self) -> tuple[bool, bool]:
        """Whether x and y are logarithmic."""
        given = ((self.log_x, self.x), (self.log_y, self.y))
        first, second = (AXES[name].log if log is None else log for log, name in given)
        return first, second


@dataclass(frozen=True)
class Known:
    """The names that a query may use."""

    studies: tuple[str, ...]
    protocols: tuple[str, ...]
    figures: tuple[str, ...]


def link_text(link: Link) -> str:
    """`lan`, `wan`, or RTT_MS,MBIT_S."""
    named = next((name for name, one in NAMED.items() if one == link), None)
    return named or f"{digits_of(link.rtt_ms)},{digits_of(link.mbit_s)}"


def printed(view: View) -> str:
    """The query of a view, with `?` where it says anything: only what is not the default."""
    plain = View()
    pairs: list[tuple[str, str]] = [("study", name) for name in view.studies]
    pairs += [
        (name, getattr(view, name)) for name in ("x", "y", "colour") if getattr(view, name) != getattr(plain, name)
    ]
    pairs += [(name, _flag(log)) for name in ("log_x", "log_y") if (log := getattr(view, name)) is not None]
    if view.setting != plain.setting:
        pairs.append(("price", view.setting.text))
    if view.before is not None:
        pairs.append(("before", view.before.text))
    pairs += [(f"limit_{name}", repr(value)) for name, value in view.limits]
    if view.brush is not None:
        pairs.append(("brush", ",".join(map(repr, view.brush))))
    pairs += [(name, getattr(view, name)) for name in ("point", "beside") if getattr(view, name)]
    pairs += [("seed", str(seed)) for seed in view.seeds]
    pairs += [(name, _flag(True)) for name in ("paused", "papers") if getattr(view, name)]
    if view.views is not None:
        pairs += [("view", name) for name in view.views or ("",)]
    if view.page:
        pairs.append(("page", str(view.page)))
    return f"?{urlencode(pairs)}" if pairs else ""


def parse(query: str, known: Known) -> tuple[View, tuple[str, ...]]:
    """The view that a query describes, and a note for all of it that had to be left out."""
    notes: list[str] = []
    if len(query) > MOST_QUERY:
        return View(), ("The address is too long, so nothing of it is used.",)
    given: dict[str, list[str]] = {}
    for key, text in parse_qsl(query.removeprefix("?"), keep_blank_values=True):
        given.setdefault(key, []).append(text)
    found: dict[str, Any] = {}
    limits: dict[str, float] = {}
    for key, texts in given.items():
        read = _READERS.get(key)
        if read is None:
            notes.append(f"'{_short(key)}' means nothing here and is left out.")
            continue
        field, several, one = read
        values = []
        for text in texts if several else texts[-1:]:
            try:
                values.append(one(text, known))
            except (ValueError, InputError):
                what = _LIMITED.get(field, f"{key.replace('_', ' ')} that is known here")
                notes.append(f"'{_short(text)}' is no {what}; it is left out.")
        if key.startswith("limit_"):
            limits.update(zip([field], values, strict=False))
        elif several and values:
            found[field] = tuple(dict.fromkeys(value for value in values if value != ""))  # `view=` is no view at all
        elif values:
            found[field] = values[0]
    ordered = tuple((name, limits[name]) for name in LIMITS if name in limits)
    return View(**found, limits=ordered), tuple(notes)


def _flag(value: bool) -> str:
    return "1" if value else "0"


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:37]}..."


def _number(text: str, known: Known) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return number


def _percent(text: str, known: Known) -> float:
    if not 0 <= (number := _number(text, known)) <= 100:
        raise ValueError(text)
    return number


def _seconds(text: str, known: Known) -> float:
    if (number := _number(text, known)) < 0:
        raise ValueError(text)
    return number


def _box(text: str, known: Known) -> Box:
    x0, x1, y0, y1 = (_number(part, known) for part in text.split(","))
    if x0 > x1 or y0 > y1:
        raise ValueError(text)
    return x0, x1, y0, y1


def _bool(text: str, known: Known) -> bool:
    if text not in ("0", "1"):
        raise ValueError(text)
    return text == "1"


def _count(text: str, known: Known) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= 18):
        raise ValueError(text)
    return int(text)


def _setting(text: str, known: Known) -> Setting:
    protocol, _, link = text.partition("/")
    return Setting(protocol=_of(known.protocols)(protocol), link=parse_link(link))


def _address(text: str, known: Known) -> str:
    study, _, address = text.rpartition(":")
    trial, _, index = address.partition(".")
    _of(known.studies)(study)
    if not 0 < len(address) < 30 or not trial.isdecimal() or (index and not index.isdecimal()) or not address.isascii():
        raise ValueError(text)
    return text


def _of(names: Sequence[str]) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in names:
            raise ValueError(text)
        return text

    return read


_LIMITED: Final = {  # what a limit may be
    "online_s": "limit of seconds, from 0 on",
    **{name: f"limit of {name} accuracy, from 0 to 100 %" for name in ACCURACIES},
}
Reader = tuple[str, bool, Callable[[str, Known], Any]]  # field, whether there may be several, how one is read
_READERS: Final[dict[str, Reader]] = {
    "study": ("studies", True, lambda text, known: _of(known.studies)(text)),
    "x": ("x", False, lambda text, known: _of(tuple(AXES))(text)),
    "y": ("y", False, lambda text, known: _of(tuple(AXES))(text)),
    "log_x": ("log_x", False, _bool),
    "log_y": ("log_y", False, _bool),
    "colour": ("colour", False, lambda text, known: _of(COLOURS)(text)),
    "price": ("setting", False, _setting),
    "before": ("before", False, _setting),
    **{f"limit_{name}": (name, False, _seconds if name == "online_s" else _percent) for name in LIMITS},
    "brush": ("brush", False, _box),
    "point": ("point", False, _address),
    "beside": ("beside", False, _address),
    "seed": ("seeds", True, _count),
    "paused": ("paused", False, _bool),
    "papers": ("papers", False, _bool),
    "view": ("views", True, lambda text, known: _of(("", *known.figures))(text)),
    "page": ("page", False, _count),
}
