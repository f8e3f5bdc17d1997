"""The images of a trial: a data set by name, folder and options, loaded once a process and shared by its trials."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from frontier.corruptions import _official, _sets
from frontier.corruptions._apply import apply
from frontier.corruptions._make import NOBODY, Watch
from frontier.corruptions._place import CorruptedSplit
from frontier.data import _named
from frontier.data._dataset import Dataset, Split
from frontier.errors import InputError
from frontier.frozen import canonical_json, digest
from frontier.results.record import CorruptionSet
from frontier.results.spec import DataSpec, MeasureSpec

SUBSET_SEED = 0  # all trials of all studies are measured on the same images


@dataclass(frozen=True)
class Source:
    """`folder` holds the original files where the data set needs any; `home` is where corrupted images are kept."""

    name: str
    folder: Path | None
    download: bool = False
    options: str = "{}"  # canonical JSON, so that equal sources are one key of a cache
    home: Path | None = None

    @classmethod
    def of(cls, data: DataSpec, folder: Path | None, download: bool = False, *, home: Path | None = None) -> Source:
        """Where the images of a spec come from."""
        return cls(data.name, folder, download, canonical_json(data.options), home)

    def dataset(self) -> Dataset:
        return _dataset(self.name, self.folder, self.options, self.download)

    def ready(self, measure: MeasureSpec) -> None:
        """Loads the data set and looks at the official files, where a measurement needs them. Raises InputError."""
        if measure.official:
            _official.refuse_without(self.name)
            _official.check(self.name, self.folder, self.dataset().test, measure.corruptions)
        self.dataset()

    def images(self, split: str, count: int | None) -> Split:
        """The first choice of `count` images of a split (None: all), the same for everybody."""
        return self.dataset().subset(split, count, SUBSET_SEED)

    def corrupted(self, split: str, count: int | None, corruption: str, severity: int, watch: Watch = NOBODY) -> Split:
        """The same images in the same order, corrupted; labels unchanged.

        They are rows of the set of the whole split, which lies under `home` and is made when first asked for; without
        a home it is made in memory, with the same result.
        """
        data, chosen = self.dataset(), self.dataset().chosen(split, count, SUBSET_SEED)
        whole = data.split(split)
        if self.home is None:
            return Split(apply(corruption, whole.images, severity, SUBSET_SEED)[chosen], whole.labels[chosen])
        images = _sets.rows(self.corrupted_split(split), corruption, severity, chosen, watch)
        return Split(images, whole.labels[chosen])

    def official(self, count: int | None, corruption: str, severity: int) -> Split:
        """The images of the test split, as the official files have them corrupted. Raises InputError."""
        data, chosen = self.dataset(), self.dataset().chosen("test", count, SUBSET_SEED)
        images = _official.rows(self.name, self.folder, data.test, corruption, severity, chosen)
        return Split(images, data.test.labels[chosen])

    def corrupted_split(self, split: str) -> CorruptedSplit:
        """Where the corrupted images of a split are kept. Raises InputError for a source without a home."""
        if self.home is None:
            raise InputError("corrupted images are kept under a home folder, and this source has none")
        data = DataSpec(name=self.name, options=json.loads(self.options))
        return CorruptedSplit.under(self.home, data, split, self.dataset().split(split), SUBSET_SEED)

    def corruption_set(self, split: str, corruptions: Iterable[str], watch: Watch = NOBODY) -> CorruptionSet:
        """Label and hash of the corrupted images of "validation" or "test"; those that are not there are made.

        The split "official" stands for the official files.
        """
        if split == "official":
            hashes = _official.hashes(self.name, self.folder, corruptions)
            return CorruptionSet(label=_official.label_of(self.name), hash=digest(hashes))
        kept = self.corrupted_split(split)
        return CorruptionSet(label=kept.label, hash=digest(_sets.hashes(kept, corruptions, watch)))

    def reused(self, measure: MeasureSpec) -> dict[str, str]:
        """The corruptions of a measurement whose images are there already, by `corruptions/SPLIT`."""
        if self.home is None:
            return {}
        found: dict[str, str] = {}
        for split in ("validation", "test"):
            missing = _sets.missing(self.corrupted_split(split), measure.corruptions)
            there = [corruption for corruption in measure.corruptions if corruption not in missing]
            found |= {f"corruptions/{split}": ", ".join(there)} if there else {}
        return found

    def corruption_sets(self, measure: MeasureSpec, watch: Watch = NOBODY) -> dict[str, CorruptionSet]:
        """Those that a measurement uses, by split."""
        splits = ["validation", "test", *(["official"] if measure.official else [])]
        return {split: self.corruption_set(split, measure.corruptions, watch) for split in splits}


@functools.lru_cache(maxsize=2)
def _dataset(name: str, folder: Path | None, options: str, download: bool) -> Dataset:
    return _named.load(name, folder, json.loads(options), download=download)
