"""Said: what the page says in words about a frame."""

from __future__ import annotations

from frontier.web.axes import AXES
from frontier.web.frame import Frame, cheapest
from frontier.web.view import View


def summary(frame: Frame, view: View) -> str:
    """What the plot holds, in one line."""
    moved = sum(entry.moved for entry in frame.entries)
    said = [
        f"{len(frame.entries)} points",
        f"{sum(entry.front for entry in frame.entries)} on the front of this view",
        f"{sum(entry.point.nondominated for entry in frame.entries)} {in_all(frame)}",
    ]
    if view.brush is not None:
        said.append(f"{len(frame.chosen)} brushed")
    if frame.hidden:
        said.append(f"{frame.hidden} not shown, for they have no '{AXES[view.x].title}' or no '{AXES[view.y].title}'")
    if view.before is not None:
        said.append(f"{moved} changed rank by seconds since {view.before.text}")
    return f"{'; '.join(said)}. Seconds, bytes and rounds: {view.setting.text}, a model's.{_mixed(frame)}"


def in_all(frame: Frame) -> str:
    """What a ring means: no point is held against those of another study."""
    several = len({entry.study for entry in frame.entries}) > 1
    return "non-dominated in all objectives" + (" of its study" if several else "")


def _mixed(frame: Frame) -> str:
    """A warning where a front is over points that answer different questions."""
    specs = (entry.point.record.spec for entry in frame.entries)
    asked = sorted({f"{spec.network.name} on {spec.data.name}" for spec in specs})
    return f" A front over {', '.join(asked)} compares what cannot be compared." if len(asked) > 1 else ""


def feasible(frame: Frame) -> str:
    """How many points keep to the limits, and which of them is the cheapest."""
    count, best = sum(entry.feasible for entry in frame.entries), cheapest(frame.entries)
    said = [f"{count} of {len(frame.entries)} points are feasible"]
    if broken := sum(bool(entry.point.violated) for entry in frame.entries):
        said.append(f"{broken} break a constraint of their study")
    return "; ".join([*said, f"the cheapest is {best.key}"] if best else said)


def nothing(view: View) -> str:
    """Why no point is there."""
    seeds = " and one of these seeds" if view.seeds else ""
    return f"No point has both '{AXES[view.y].title}' and '{AXES[view.x].title}'{seeds}."


def alt(frame: Frame, view: View) -> str:
    """The plot for somebody who cannot see it; the table below has its points."""
    if not frame.entries:
        return nothing(view)
    front = sorted((entry for entry in frame.entries if entry.front), key=lambda entry: entry.at)
    first, last = front[0].key, front[-1].key
    ends = f"is {first}" if first == last else f"goes from {first} to {last}"
    which = "every point" if view.brush is None else "the brushed ones"
    axes = f"{AXES[view.y].title} against {AXES[view.x].title}"
    return f"{axes}; the front of this view {ends}. The table below has {which}."
