"""The report: a study's records as one self-contained HTML page, the same bytes for the same records.

Scripts are allowed by their hash and connections not at all (Content-Security-Policy), so that no text of a record can
run or load anything, even if an escape were missed.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

from jinja2 import Environment, FunctionLoader, StrictUndefined
from plotly.offline import get_plotlyjs_version

from frontier.reports.blocks import blocks, script_json
from frontier.reports.facts import Facts, facts_of
from frontier.reports.figures._layout import listed
from frontier.reports.points import (
    Records,
    StudyPoint,
    absent_of,
    feasible_of,
    front_of,
    unpriced_of,
)
from frontier.reports.replicates import replicated_lines
from frontier.reports.robustness import robustness_of
from frontier.reports.sources import NOTHING, Beside, study_of
from frontier.reports.spec import ALL, ReportSpec
from frontier.reports.tables import branch_lines, front_line, shown
from frontier.reports.theme import DARK, LIGHT, swap
from frontier.results.objectives import ACCURACIES
from frontier.results.store import StudyManifest
from frontier.spaces.constraints import constraints_of
from frontier.spaces.goals import FOUR, Goals

ELSEWHERE = ("https://cdn.plot.ly/un/", "https://cloud.plotly.com/newchart")  # in plotly's bundle


def render(
    manifest: StudyManifest,
    records: Records,
    *,
    goals: Goals = FOUR,
    oracle_routed: bool = False,
    beside: Beside = NOTHING,
    spec: ReportSpec = ALL,
) -> str:
    """The page, with the figures of `spec` that have something to show; of oracle-routed accuracies where that is asked
    for. `goals` are the objectives that its front is of, `beside` is what lies beside the records."""
    known = sorted(records, key=lambda pair: pair[0])
    limits = constraints_of(manifest.space.get("constraints") or ())
    studied = study_of(manifest, known, goals=goals, oracle_routed=oracle_routed, beside=beside, overlays=spec.overlays)
    points, absent = studied.points, absent_of(known)
    facts = facts_of(manifest, known, goals=goals, oracle_routed=oracle_routed)
    figures, empty = blocks(studied, facts, spec) if points else ([], [])
    front = front_of(points)
    script, plotly = _text("_page.js"), bundle()
    environment = Environment(
        loader=FunctionLoader(_text),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("_page.html.j2").render(
        policy=_policy(script, plotly),
        facts=facts,
        facts_listed=_listed(facts, [limit.text for limit in limits]),
        tiles=_tiles(points, front, Counter(trial.state for trial in absent), constrained=bool(limits)),
        figures=figures,
        empty=empty,
        flagged=_flagged(points),
        front=[front_line(point, manifest.name) for point in front],
        shown=shown(front),
        unpriced=[(reason, listed(addresses)) for reason, addresses in unpriced_of(points).items()],
        branches=[line for point in front for line in branch_lines(point)],
        replicated=replicated_lines(front),
        robustness=robustness_of(points, manifest.name),
        absent=absent,
        colors=script_json(json.dumps(swap(LIGHT, DARK))),
        css=_text("_page.css"),
        script=script,
        plotly=plotly,
        plotly_version=get_plotlyjs_version(),
    )


def _tiles(
    points: Sequence[StudyPoint], front: Sequence[StudyPoint], absent: Counter[str], *, constrained: bool
) -> list[tuple[str, str]]:
    tiles = [("complete trials", str(len({point.trial for point in points})))]
    tiles += [(state, str(absent[state])) for state in ("failed", "pruned", "unreadable") if absent[state]]
    tiles.append(("points on the front", f"{len(front)} of {len(points)}"))
    if constrained:
        kept = feasible_of(points)["front"]
        tiles.append(("of the front keep to the constraints", f"{kept['feasible']} of {kept['of']}"))
    if flagged := sum(bool(point.flags) for point in points):
        tiles.append(("failed a health check", f"{flagged} of {sum(point.checked for point in points)}"))
    if points:
        best = max(point.point.validation.clean.value for point in points)
        routed = ", oracle-routed" if any(point.routing == "oracle" for point in points) else ""
        tiles.append((f"best clean, validation{routed}", f"{100 * best:.1f}%"))
    return tiles


def _flagged(points: Sequence[StudyPoint]) -> str:
    """What stands under every figure, plug-ins' too, as soon as a point of the study failed a health check."""
    flagged = [point.address for point in points if point.flags]
    return f"{listed(flagged).capitalize()} failed a health check." if flagged else ""


def _listed(facts: Facts, constraints: Sequence[str]) -> list[tuple[str, str]]:
    return [
        ("Data", facts.data),
        ("Network", facts.network),
        ("Methods (fidelity)", facts.methods),
        *([("Norm branches", facts.branches)] if facts.branches else []),
        ("Images", "; ".join(f"{name}: {facts.counted(name)}" for name in ACCURACIES)),
        ("Corruptions", facts.corruptions),
        ("Attack", facts.attack),
        ("Objectives", ", ".join(facts.goals.names)),
        *([("Constraints", ", ".join(constraints))] if constraints else []),
        ("Seeds", facts.seeds),
        ("Sampler", facts.sampler),
        ("Code version", facts.code),
        ("Space", facts.space_hash),
    ]


def _policy(*scripts: str) -> str:
    hashes = (base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts)
    allowed = " ".join(f"'sha256-{value}'" for value in hashes)
    return f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:"


@cache
def bundle() -> str:
    """Plotly, without the addresses of its makers' servers: nothing in a report asks them, and nothing could."""
    text = _text("assets/plotly-cartesian.min.js")
    for address in ELSEWHERE:
        text = text.replace(address, "")
    return text


def _text(name: str) -> str:
    return files("frontier.reports").joinpath(name).read_text(encoding="utf-8")
