"""The images of a trial: a data set by name, folder and options, loaded once a process and shared by its trials."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from pathlib import Path

from frontier.corruptions._apply import apply
from frontier.data import _named
from frontier.data._dataset import Dataset, Split
from frontier.frozen import canonical_json
from frontier.results.spec import DataSpec

SUBSET_SEED = 0  # all trials of all studies are measured on the same images


@dataclass(frozen=True)
class Source:
    """`folder` holds the original files where the data set needs any."""

    name: str
    folder: Path | None
    download: bool = False
    options: str = "{}"  # canonical JSON, so that equal sources are one key of a cache

    @classmethod
    def of(cls, data: DataSpec, folder: Path | None, download: bool = False) -> Source:
        """Where the images of a spec come from."""
        return cls(data.name, folder, download, canonical_json(data.options))

    def dataset(self) -> Dataset:
        return _dataset(self)

    def images(self, split: str, count: int | None) -> Split:
        """The first choice of `count` images of a split (None: all), the same for everybody."""
        return self.dataset().subset(split, count, SUBSET_SEED)

    def corrupted(self, split: str, count: int | None, corruption: str, severity: int) -> Split:
        """The same images, corrupted; labels unchanged."""
        return _corrupted(self, split, count, corruption, severity)


@functools.lru_cache(maxsize=2)
def _dataset(source: Source) -> Dataset:
    return _named.load(source.name, source.folder, json.loads(source.options), download=source.download)


@functools.lru_cache(maxsize=64)
def _corrupted(source: Source, split: str, count: int | None, corruption: str, severity: int) -> Split:
    images = source.images(split, count)
    return Split(apply(corruption, images.images, severity, SUBSET_SEED), images.labels)
