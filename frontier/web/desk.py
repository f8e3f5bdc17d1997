"""Desk: what all callbacks of a page ask: the library, the prices, and the last few frames made of them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from threading import Lock
from typing import Any, Final

from frontier import registry
from frontier.api.report import masks_of
from frontier.reports.facts import Facts, facts_of
from frontier.reports.points import StudyPoint, front_of
from frontier.reports.published import published_points
from frontier.reports.sources import Beside, study_of
from frontier.reports.studied import Side, Studied
from frontier.reports.theme import Theme
from frontier.results.published import Published, published
from frontier.spaces.goals import PriceOf
from frontier.web.frame import Entry, Frame, frame_of
from frontier.web.library import Library, Loaded, Snapshot
from frontier.web.linked import Linked, brushed, linked
from frontier.web.papers import Papers, papers_of
from frontier.web.prices import Prices
from frontier.web.recent import Recent
from frontier.web.scatter import MOST_SVG
from frontier.web.view import Known, View, parse

FRAMES, TABLES = 6, 24  # kept: of views, and of figures
LIVE_MS, ENDED_MS = 2_000, 20_000  # until a page looks again: an ended search may be resumed, its records be added to
MANY: Final = 4  # studies that are counted where the page says how their searches ended
NO_MATTER: Final = {
    "point": "",
    "beside": "",
    "paused": False,
    "papers": False,
    "views": None,
    "page": 0,
    "colour": "method",
}


class Desk:
    """One for a server; safe to be asked from several threads."""

    def __init__(self, library: Library) -> None:
        self.library, self._prices = library, Prices()
        self.easel = Lock()  # held while a figure is made: two at once would both be late
        points = sum(len(study.points) for study in library.snapshot.studies.values())
        # decided once: a page keeps what it was allowed when it was opened, and WebGL needs more than others do
        self.webgl = points > MOST_SVG // 2
        self._frames: Recent[tuple[int, View], Frame] = Recent(FRAMES)
        self._facts: Recent[tuple[int, str], Facts] = Recent(TABLES)
        self._whole: Recent[tuple[Any, ...], Studied] = Recent(TABLES)
        self._rows: Recent[tuple[Any, ...], Any] = Recent(TABLES)

    @cached_property
    def known(self) -> Known:
        """The names that a view may use."""
        studies = tuple(self.library.snapshot.studies)
        return Known(studies, tuple(registry.names("protocol")), tuple(registry.names("figure")))

    def parse(self, query: str | None) -> tuple[View, tuple[str, ...]]:
        """The view of a query, and notes for what had to be left out: also a point that is not there."""
        view, notes = parse(query if isinstance(query, str) else "", self.known)
        for name in ("point", "beside"):
            if (key := getattr(view, name)) and self.find(key) is None:
                notes = (*notes, f"There is no point {key}.")
                view = view.model_copy(update={name: ""})
        shown = view.point.rpartition(":")[0]
        if view.point and view.beside and view.studies and shown not in view.studies:
            notes = (*notes, f"The study {shown} is not shown, so nothing is laid beside its point {view.point}.")
        return view, notes

    def frame(self, view: View) -> Frame:
        """The points of a view as the library holds them now."""
        snapshot = self.library.snapshot
        shown = view.model_copy(update=NO_MATTER)
        return self._frames.get((snapshot.version, shown), lambda: frame_of(snapshot, shown, self._prices))

    def looked(self) -> dict[str, Any]:
        """What the page says of the library as it is now, and when that was (seconds since 1970)."""
        snapshot = self.library.snapshot
        ends: dict[str, list[str]] = {}
        for name, one in snapshot.studies.items():
            ends.setdefault(one.ended, []).append(name)
        of = {text: names if len(names) < MANY else [f"{len(names)} studies"] for text, names in ends.items() if text}
        said = "; ".join(f"{', '.join(names)}: {text}" for text, names in of.items())
        points = sum(len(one.points) for one in snapshot.studies.values())
        ended = snapshot.ended
        again_ms = ENDED_MS if ended else LIVE_MS
        return {"at": time.time(), "points": points, "said": said, "ended": ended, "again_ms": again_ms}

    def find(self, key: str) -> Loaded | None:
        """The study of a point, if there is such a point."""
        name, _, address = key.rpartition(":")
        study = self.library.snapshot.studies.get(name)
        return study if study is not None and address in study.by_address else None

    def entry(self, key: str, view: View | None = None) -> Entry | None:
        """A point by its name, as a view shows it; where that hides it, as a view of its study does."""
        study = self.find(key)
        if study is None:
            return None
        plain = View(studies=(study.name,), setting=(view or View()).setting)
        for one in (view, plain) if view is not None else (plain,):
            if (entry := self.frame(one).by_key.get(key)) is not None:
                return entry
        return None

    def papers(self, view: View) -> Papers:
        """What papers report of the data sets of a view's studies; nothing unless it asks."""
        if not view.papers:
            return Papers()
        shown = [study for study in self.library.snapshot.studies.values() if study.points]
        specs = [s.points[0].record.spec for s in shown if not view.studies or s.name in view.studies]
        asked = dict.fromkeys((spec.data.name, spec.network.sites) for spec in specs)
        found = (one for data, sites in asked for one in published_points(self._published, data=data, sites=sites))
        return papers_of(self._published, tuple(dict.fromkeys(found)), {data for data, _ in asked}, view)

    @cached_property
    def _published(self) -> Published:
        return published()

    def linked(self, name: str, view: View, theme: Theme) -> list[tuple[str, Linked]]:
        """A figure of each study of a view that has points, by the study's name."""
        module, chosen = registry.load("figure", name), self.frame(view).chosen
        snapshot, found = self.library.snapshot, []
        for study in snapshot.studies.values():
            if study.manifest is not None and study.points and (not view.studies or study.name in view.studies):
                here = [entry.point for entry in chosen if entry.study == study.name]
                studied = self._studied(snapshot, study, view, here)
                guest = studied.guest.name if studied.guest else ""
                key = (snapshot.version, study.name, view.studies, name, studied.price, studied.pair, guest)
                whole = self._rows.get(key, partial(module.data, studied))
                rows = whole
                if view.brush is not None or view.seeds:
                    some = {*(point.address for point in here), *studied.pair, *([guest] if guest else [])}
                    scaled = getattr(module, "SCALED", False)
                    rows = module.data(replace(studied, points=here)) if scaled else brushed(whole, some)
                facts = self._facts.get((snapshot.version, study.name), partial(_facts, study))
                found.append((study.name, linked(module, rows, whole, replace(facts, price=studied.price), theme)))
        return found

    def _studied(self, snapshot: Snapshot, study: Loaded, view: View, brushed: Sequence[StudyPoint]) -> Studied:
        """All that a figure may look at, priced as the view prices, and its selected points side by side; where none is
        selected, two neighbours in the middle of those brushed points that are non-dominated."""
        shown = [one for one in snapshot.studies.values() if not view.studies or one.name in view.studies]
        whole = self._whole.get((snapshot.version, study.name, view.studies), partial(_whole, shown, study))
        keys = [key.rpartition(":") for key in (view.beside, view.point) if key]
        pair = [address for name, _, address in keys if name == study.name]
        if not pair and view.brush is not None:
            best = front_of(brushed)
            middle = max((len(best) - 1) // 2, 0)
            pair = [point.address for point in best[middle : middle + 2]]
        price = PriceOf("online_s", view.setting.protocol, view.setting.link)
        return replace(whole, price=price, pair=tuple(pair), guest=self._guest(snapshot, study, view))

    def _guest(self, snapshot: Snapshot, study: Loaded, view: View) -> Side | None:
        """The point that is laid beside this study's selected one, where it is of another study."""
        name, _, address = view.beside.rpartition(":")
        other = snapshot.studies.get(name)
        point = other.by_address.get(address) if other is not None else None
        if other is None or point is None or other is study or view.point.rpartition(":")[0] != study.name:
            return None
        return Side(view.beside, point, masks_of(other.files))

    def folder(self, entry: Entry) -> Path:
        """Where a point's files lie; those of a home at a URL are fetched."""
        files = self.library.snapshot.studies[entry.study].files
        files.fetch_files(entry.point.trial, entry.point.record)
        return files.trial_folder(entry.point.trial)


def _facts(study: Loaded) -> Facts:
    assert study.manifest is not None
    return facts_of(study.manifest, study.records, goals=study.points[0].goals)


def _whole(shown: Sequence[Loaded], study: Loaded) -> Studied:
    """With those that are shown and ask the same question with other seeds, and what papers report."""
    assert study.manifest is not None
    seeds = {study.manifest.seed: study}
    for other in shown:
        if other.manifest is not None and other.manifest.space_hash == study.manifest.space_hash:
            seeds.setdefault(other.manifest.seed, other)
    others = [(one.manifest, one.records) for one in seeds.values() if one is not study and one.manifest is not None]
    beside = Beside(tuple(study.files.events()), masks_of(study.files), others, published())
    return study_of(study.manifest, study.records, goals=study.points[0].goals, beside=beside)
