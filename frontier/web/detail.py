"""Detail: all that is known of one point, as sections of labelled texts, sites, commands and downloads."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from frontier import registry
from frontier.errors import InputError
from frontier.latency._price import Price
from frontier.reports.tables import NOT_CHECKED, NOT_EVALUATED, amount, percent
from frontier.results.objectives import ACCURACIES
from frontier.results.record import Point
from frontier.web.frame import Entry
from frontier.web.prices import Prices
from frontier.web.view import Setting, View, printed

UNKNOWN: Final = "no source says"
Line = tuple[str, str]


@dataclass(frozen=True)
class Section:
    title: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Detail:
    """`sites`: path, kept, of so many, percent. `downloads`: label and address within the page."""

    key: str
    sections: tuple[Section, ...]
    sites: tuple[tuple[str, int, int, float], ...]
    commands: tuple[Line, ...]
    downloads: tuple[Line, ...]


def detail_of(entry: Entry, view: View, *, home: str, mask: bool, weights: bool) -> Detail:
    """`mask` and `weights` say whether these files are there; `home` is what commands name with --home."""
    found, setting = entry.point, view.setting
    sites = found.point.profile.sites
    return Detail(
        key=entry.key,
        sections=(
            Section("Objectives", _objectives(entry)),
            Section("Method and knobs", _method(entry)),
            Section(f"Latency, modelled: {setting.text}", _latency(entry, setting)),
            Section("Health", _health(entry)),
            Section("Where it comes from", _origin(entry)),
        ),
        sites=tuple((site.path, site.kept, site.relus, 100 * site.kept / max(site.relus, 1)) for site in sites),
        commands=_commands(entry, home),
        downloads=_downloads(entry, view, mask=mask, weights=weights),
    )


def price_of(point: Point, setting: Setting) -> Price | str:
    """The whole price of a point, or the reason why it has none."""
    try:
        found: Price = registry.load("protocol", setting.protocol).price(point.profile, setting.link)
    except InputError as error:
        return error.what
    return found


def _objectives(entry: Entry) -> tuple[Line, ...]:
    point = entry.point.point
    lines = []
    for name in ACCURACIES:
        seen, unseen = getattr(point.validation, name), getattr(point.test, name)
        lines.append((name, f"{percent(seen)} of {seen.n:,} validation images; test {percent(unseen)} of {unseen.n:,}"))
    lines.append(
        ("ReLU count", f"{point.relu_count:,} ({entry.point.kept_percent:.3g}%), asked for {point.relu_budget:,}")
    )
    if entry.point.replicates:
        lines.append(("other seeds", f"{len(entry.point.replicates)} replicates of this point"))
    marks = [
        text
        for text, holds in (
            ("front of this view", entry.front),
            ("non-dominated in all objectives", entry.point.nondominated),
        )
        if holds
    ]
    lines.append(("place", "; ".join(marks) or "dominated"))
    return tuple(lines)


def _method(entry: Entry) -> tuple[Line, ...]:
    spec = entry.point.record.spec
    knobs = tuple((name, str(value)) for name, value in sorted(spec.knobs.items()))
    extra = (("extra point", entry.point.point.label),) if entry.point.point.label else ()
    return (("method", spec.method), ("fidelity", entry.point.fidelity), *extra, *knobs)


def _latency(entry: Entry, setting: Setting) -> tuple[Line, ...]:
    price = price_of(entry.point.point, setting)
    took = _measured(entry, setting)
    if isinstance(price, str):
        return (("no price", price), ("measured", took))
    relus_s = sum(layer.online_s or 0.0 for layer in price.layers)
    seconds = (
        ("online", price.online_s),
        ("of that ReLUs and squares", relus_s),
        ("of that linear layers", price.linear_s),
        ("of that input and output", price.input_output_s),
        ("offline", price.offline_s),
    )
    sizes = (
        ("online, both ways", price.online_bytes),
        ("client sends", price.sent_bytes),
        ("client receives", price.received_bytes),
    )
    return (
        *((label, UNKNOWN if value is None else f"{value:.3g} s") for label, value in seconds),
        *((label, UNKNOWN if size is None else amount("_bytes", size)) for label, size in sizes),
        ("rounds", UNKNOWN if price.rounds is None else f"{price.rounds:,}"),
        ("measured, online", took),
        *(("note", note) for note in price.notes),
    )


def _measured(entry: Entry, setting: Setting) -> str:
    """What the engine of a protocol took over a link, or why nobody knows."""
    if entry.measured_s is not None:
        return f"{entry.measured_s:.3g} s"
    if not entry.point.measurements:
        return "not measured"
    engines = {one.engine for one in entry.point.measurements}
    return "not measured over this link" if Prices.engine(setting) in engines else "not measured under this protocol"


def _health(entry: Entry) -> tuple[Line, ...]:
    found = entry.point
    verdict = found.health or (NOT_CHECKED if found.evaluations else NOT_EVALUATED)
    checks = [
        (
            check.name,
            f"{'passed' if check.passed else 'did not apply' if check.passed is None else 'FAILED'}: {check.found}",
        )
        for evaluation in found.evaluations
        for check in evaluation.checks
    ]
    limits = [("breaks a constraint", text) for text in found.violated]
    return (("health checks", verdict), *checks, *limits)


def _origin(entry: Entry) -> tuple[Line, ...]:
    record = entry.point.record
    spec, origin = record.spec, record.origin
    libraries = ", ".join(f"{name} {version}" for name, version in sorted(origin.libraries.items()))
    lines = (
        ("study", entry.study),
        ("trial", entry.point.address),
        ("seed", str(spec.seed)),
        ("data, network", f"{spec.data.name}, {spec.network.name} ({spec.network.sites})"),
        ("code", origin.code_version),
        ("libraries", libraries),
        ("device", f"{origin.device}, {origin.threads} threads"),
        ("began", origin.started_at),
        ("mask", entry.point.point.mask.hash),
        ("space", spec.space_hash or ""),
        *(("note", note) for note in record.notes),
    )
    return tuple(line for line in lines if line[1])


def _commands(entry: Entry, home: str) -> tuple[Line, ...]:
    study, address = shlex.quote(entry.study), entry.point.address
    out = shlex.quote(f"{entry.study}-{address}")
    where = f" --home {shlex.quote(home)}"
    return (
        (
            "run it again, with the spec below",
            f"frontier trial spec-{entry.study}-{entry.point.trial}.json --out again",
        ),
        ("export it", f"frontier export {study} --trial {address} --out {out}{where}"),
    )


def _downloads(entry: Entry, view: View, *, mask: bool, weights: bool) -> tuple[Line, ...]:
    """The line of a table is priced and marked as the view has it."""
    base = f"/files/{quote(entry.study)}/{entry.point.address}"
    kinds = (("spec", True), ("mask", mask), ("model", weights), ("card", True), ("csv", True))
    asked = {"csv": printed(view)}
    return tuple((kind, f"{base}/{kind}{asked.get(kind, '')}") for kind, there in kinds if there)
