"""Desk: what all callbacks of a page ask: the library, the prices, and the last few frames made of them."""

from __future__ import annotations

import threading
from collections import OrderedDict
from functools import cached_property
from pathlib import Path
from typing import Final

from frontier import registry
from frontier.reports.facts import facts_of
from frontier.reports.theme import Theme
from frontier.web.frame import Entry, Frame, frame_of
from frontier.web.library import Library, Loaded
from frontier.web.linked import Linked, linked
from frontier.web.prices import Prices
from frontier.web.view import Known, View, parse

KEPT: Final = 6  # frames
NO_MATTER: Final = {"point": "", "beside": "", "paused": False, "views": None, "page": 0, "colour": "method"}


class Desk:
    """One for a server; safe to be asked from several threads."""

    def __init__(self, library: Library) -> None:
        self.library, self._prices = library, Prices()
        self._frames: OrderedDict[tuple[int, View], Frame] = OrderedDict()
        self._lock = threading.Lock()

    @cached_property
    def known(self) -> Known:
        """The names that a view may use."""
        studies = tuple(self.library.snapshot.studies)
        return Known(studies, tuple(registry.names("protocol")), tuple(registry.names("figure")))

    def parse(self, query: str | None) -> tuple[View, tuple[str, ...]]:
        """The view of a query, and notes for what had to be left out: also a point that is not there."""
        view, notes = parse(query or "", self.known)
        for name in ("point", "beside"):
            if (key := getattr(view, name)) and self.find(key) is None:
                notes = (*notes, f"There is no point {key}.")
                view = view.model_copy(update={name: ""})
        return view, notes

    def frame(self, view: View) -> Frame:
        """The points of a view as the library holds them now."""
        snapshot = self.library.snapshot
        key = (snapshot.version, view.model_copy(update=NO_MATTER))
        with self._lock:
            if key not in self._frames:
                self._frames[key] = frame_of(snapshot, key[1], self._prices)
                while len(self._frames) > KEPT:
                    self._frames.popitem(last=False)
            self._frames.move_to_end(key)
            return self._frames[key]

    def find(self, key: str) -> Loaded | None:
        """The study of a point, if there is such a point."""
        name, _, address = key.rpartition(":")
        study = self.library.snapshot.studies.get(name)
        if study is None or not any(point.address == address for point in study.points):
            return None
        return study

    def entry(self, key: str, view: View | None = None) -> Entry | None:
        """A point by its name, as a view shows it; where that hides it, as a view of its study does."""
        study = self.find(key)
        if study is None:
            return None
        plain = View(studies=(study.name,), setting=(view or View()).setting)
        for one in (view, plain) if view is not None else (plain,):
            for entry in self.frame(one).entries:
                if entry.key == key:
                    return entry
        return None

    def linked(self, name: str, view: View, theme: Theme) -> list[tuple[str, Linked]]:
        """A figure of each study of a view that has points, by a name of its own."""
        module = registry.load("figure", name)
        chosen = self.frame(view).chosen
        found = []
        for study in self.library.snapshot.studies.values():
            if study.manifest is None or not study.points or (view.studies and study.name not in view.studies):
                continue
            some = None if view.brush is None else {e.point.address for e in chosen if e.study == study.name}
            facts = facts_of(study.manifest, study.records, goals=study.points[0].goals)
            found.append((f"{name}-{study.name}", linked(module, module.data(study.points), some, facts, theme)))
        return found

    def folder(self, entry: Entry) -> Path:
        """Where a point's files lie."""
        return self.library.snapshot.studies[entry.study].files.trial_folder(entry.point.trial)
