"""Controls: what each of them shows of a view, and the view that its change makes. Pure; the callbacks only carry."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from frontier.latency._link import NAMED, Link
from frontier.results.objectives import ACCURACIES
from frontier.web.frame import Frame, cheapest
from frontier.web.rows import pages
from frontier.web.view import LIMITS, Box, Known, Setting, View

OTHER: Final = "other"  # link that is neither named one
STEPS: Final = 100  # where a slider ends
STEP: Final = 0.5  # of a press of a key
MOST_RTT_MS, MOST_MBIT_S = 1e6, 1e9
BRUSH: Final = ("brush-x0", "brush-x1", "brush-y0", "brush-y1")
# component -> the property that holds what its reader chose
CONTROLS: Final[Mapping[str, str]] = {
    "studies": "value",
    "x": "value",
    "y": "value",
    "logs": "value",
    "colour": "value",
    "protocol": "value",
    "link": "value",
    "rtt": "value",
    "mbit": "value",
    **{f"limit-{name}": "value" for name in LIMITS},
    "seeds": "value",
    "papers": "value",
    "views": "value",
    **dict.fromkeys(BRUSH, "value"),
}
USUAL: Final = ("parallel_coordinates", "kept_relus_by_site")  # linked figures at first, of those that there are


def usual(known: Known) -> tuple[str, ...]:
    return tuple(name for name in USUAL if name in known.figures)


def values(view: View, known: Known, frame: Frame) -> dict[str, Any]:
    """What the controls show of a view, by component."""
    link = view.setting.link
    limits = dict(view.limits)
    named = next((name for name, one in NAMED.items() if one == link), OTHER)
    return {
        "studies": list(view.studies or known.studies),
        "x": view.x,
        "y": view.y,
        "logs": [letter for letter, log in zip("xy", view.logs, strict=True) if log],
        "colour": view.colour,
        "protocol": view.setting.protocol,
        "link": named,
        "rtt": digits(link.rtt_ms),
        "mbit": digits(link.mbit_s),
        **{f"limit-{name}": limits.get(name, 0.0) for name in ACCURACIES},
        "limit-online_s": position(limits.get("online_s"), seconds_of(frame)),
        "seeds": " ".join(map(str, view.seeds)),
        "papers": ["papers"] if view.papers else [],
        "views": list(usual(known) if view.views is None else view.views),
        **dict(zip(BRUSH, map(digits, view.brush) if view.brush else ("",) * 4, strict=True)),
    }


def changed(view: View, at: str, given: Mapping[str, Any], known: Known, frame: Frame) -> View:
    """The view after the control `at` was moved; `given` are the values of all of them."""
    value = given[at]
    if at in ("x", "y"):
        return view.model_copy(update={at: value, f"log_{at}": None, "brush": None, "page": 0})
    if at == "studies":
        some = tuple(name for name in known.studies if name in (value or ()))
        every = len(some) in (0, len(known.studies))
        return view.model_copy(update={"studies": () if every else some, "page": 0})
    if at == "logs":
        logs = ("x" in value, "y" in value)
        changes = {f"log_{letter}": log for letter, log, old in zip("xy", logs, view.logs, strict=True) if log != old}
        return view.model_copy(update={**changes, "brush": view.brush if logs == view.logs else None})
    if at in ("protocol", "link", "rtt", "mbit"):
        return repriced(view, _setting(view.setting, at, given))
    if at.startswith("limit-"):
        return _limited(view, at.removeprefix("limit-"), value, frame)
    if at in BRUSH:
        ends = [_typed(given[name]) for name in BRUSH]
        started = any(given[name] for name in BRUSH)
        return view if started and None in ends else view.model_copy(update={"brush": _box(ends), "page": 0})
    if at == "seeds":
        return view.model_copy(update={"seeds": _seeds(value or ""), "page": 0})
    if at == "views":
        return view.model_copy(update={"views": tuple(name for name in known.figures if name in (value or ()))})
    if at == "papers":
        return view.model_copy(update={"papers": bool(value)})
    return view.model_copy(update={at: value})


def refused(at: Any, given: Mapping[str, Any], frame: Frame) -> tuple[str, ...]:
    """Notes on what was asked of the control or button `at` and cannot be; `frame` is what it was asked of."""
    if at == "cheapest" and cheapest(frame.entries) is None:
        return ("No point is feasible, so none is the cheapest.",)
    if at == "studies" and not given[at]:
        return ("No study was left, so all of them are shown.",)
    if at == "link" and given[at] == OTHER:
        return ("Type the round trip and the bandwidth of another network below.",)
    if at == "seeds":
        words = _words(given[at] or "")
        return tuple(f"'{word[:40]}' is no seed; it is left out." for word in words if _seed(word) is None)
    if at in BRUSH:
        wrong = [str(given[end])[:40] for end in BRUSH if given[end] and _typed(given[end]) is None]
        return tuple(f"'{text}' is no number; the brush stays as it was." for text in wrong)
    if at in ("rtt", "mbit") and _link(given) is None:
        ends = f"from 0 to below {MOST_RTT_MS:,.0f}, a bandwidth one of Mbit/s above 0 and below {MOST_MBIT_S:,.0f}"
        return (f"A round trip is a number of ms {ends}; both stay as they were.",)
    return ()


def digits(number: float) -> str:
    """As short as it can be read back."""
    return f"{number:.15g}" if float(f"{number:.15g}") == number else repr(number)


def repriced(view: View, setting: Setting) -> View:
    """With another price; what ranks are compared with is the one before. A limit of seconds was one of the other's."""
    if setting == view.setting:
        return view
    axes = {view.x, view.y} & {"online_s", "online_mb", "rounds", "measured_s"}
    limits = tuple(pair for pair in view.limits if pair[0] != "online_s")
    brush = None if axes else view.brush
    return view.model_copy(update={"setting": setting, "before": view.setting, "limits": limits, "brush": brush})


def pressed(view: View, button: str, frame: Frame, key: str = "") -> View:
    """The view after a button; `key` is the point that it stands by."""
    if button == "cheapest":
        found = cheapest(frame.entries)
        return view if found is None else view.model_copy(update={"point": found.key})
    if button == "pick":
        return view.model_copy(update={"point": key})
    if button in ("previous", "next"):
        page = min(view.page, pages(frame.chosen) - 1) + (1 if button == "next" else -1)
        return view.model_copy(update={"page": min(max(page, 0), pages(frame.chosen) - 1)})
    changes: dict[str, dict[str, Any]] = {
        "pause": {"paused": not view.paused},
        "clear": {"brush": None, "page": 0},
        "unlimit": {"limits": ()},
        "beside": {"beside": view.point},
        "alone": {"beside": ""},
        "close": {"point": ""},
    }
    return view.model_copy(update=changes[button])


def brushed(view: View, box: list[float] | None) -> View:
    """The view after somebody drew a box in the scatter, or took it away; six digits are as near as a pixel."""
    found = _box(box or (None,) * 4)
    rounded = None if found is None else tuple(float(f"{end:.6g}") for end in found)
    return view.model_copy(update={"brush": rounded, "page": 0})


def seconds_of(frame: Frame) -> tuple[float, float]:
    """The least and the most priced seconds of a frame, rounded outwards a little."""
    found = [entry.cost.online_s for entry in frame.entries if entry.cost.online_s]
    return (0.99 * min(found), 1.01 * max(found)) if found else (0.1, 10.0)


def position(limit_s: float | None, ends: tuple[float, float]) -> float:
    """Where a slider of seconds stands, from 0 to STEPS on a logarithmic scale; at its end without a limit."""
    low, high = ends
    if limit_s is None or limit_s <= 0:
        return float(STEPS) if limit_s is None else 0.0
    share = math.log(limit_s / low) / math.log(high / low)
    return round(min(max(share, 0.0), 1.0) * STEPS, 3)


def seconds_at(place: float, ends: tuple[float, float]) -> float:
    """The inverse of `position`, with three significant digits, or as many more as leave the slider where it is."""
    low, high = ends
    exact = low * (high / low) ** (place / STEPS)
    rounded = (float(f"{exact:.{digits}g}") for digits in range(3, 15))
    return next((one for one in rounded if abs(position(one, ends) - place) < STEP / 10), exact)


def _limited(view: View, name: str, value: Any, frame: Frame) -> View:
    limits = dict(view.limits)
    limits.pop(name, None)
    number = float(value) if value not in (None, "") else None
    if number is not None and name == "online_s" and number < STEPS:
        limits[name] = seconds_at(number, seconds_of(frame))
    elif number and name != "online_s":
        limits[name] = number
    return view.model_copy(update={"limits": tuple((one, limits[one]) for one in LIMITS if one in limits)})


def _setting(now: Setting, at: str, given: Mapping[str, Any]) -> Setting:
    if at == "protocol":
        return now.model_copy(update={"protocol": given["protocol"]})
    if at == "link":
        return now if given["link"] not in NAMED else now.model_copy(update={"link": NAMED[given["link"]]})
    return now.model_copy(update={"link": _link(given) or now.link})


def _link(given: Mapping[str, Any]) -> Link | None:
    """The link that was typed; None while it is none."""
    rtt, mbit = _typed(given["rtt"]), _typed(given["mbit"])
    if rtt is None or mbit is None or not (0 <= rtt < MOST_RTT_MS and 0 < mbit < MOST_MBIT_S):
        return None
    return Link(rtt_ms=rtt, mbit_s=mbit)


def _box(ends: Any) -> Box | None:
    if any(one is None for one in ends):
        return None
    x0, x1, y0, y1 = map(float, ends)
    return min(x0, x1), max(x0, x1), min(y0, y1), max(y0, y1)


def _typed(text: Any) -> float | None:
    """The number that somebody typed; None while it is none."""
    try:
        number = float(text)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def _seeds(text: str) -> tuple[int, ...]:
    found = map(_seed, _words(text))
    return tuple(dict.fromkeys(seed for seed in found if seed is not None))


def _words(text: str) -> list[str]:
    return text.replace(",", " ").split()


def _seed(word: str) -> int | None:
    return int(word) if word.isascii() and word.isdecimal() and len(word) <= 18 else None
