"""A mask is a value: for every activation site the positions (C, H, W) that keep their ReLU."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from frontier.errors import MaskError, nearest
from frontier.frozen import canonical_json

Bits = NDArray[np.bool_]
PATH = re.compile(r"[A-Za-z0-9_#]+(\.[A-Za-z0-9_#]+)*")  # a module path; `#2` marks the second use of one ReLU


@dataclass(frozen=True)
class MaskDiff:
    """How two masks of one network differ, in positions. `hamming` is the fraction of a site that differs."""

    kept_in_both: int
    only_left: int
    only_right: int
    hamming: dict[str, float]


@dataclass(frozen=True, eq=False)
class Mask:
    """Sites in the order given (order of execution); equality and hash look at sites and bits, not at the order."""

    _sites: tuple[tuple[str, tuple[int, ...]], ...]
    _packed: tuple[bytes, ...]  # one byte a position: immutable, unlike an array that owns its memory

    @classmethod
    def of(cls, bits: Mapping[str, NDArray[Any]]) -> Mask:
        """From bool arrays (C, H, W) by site path; they are copied. Raises MaskError for anything else."""
        for path, array in bits.items():
            if not PATH.fullmatch(path):
                raise MaskError("not a module path", where=repr(path)[:120], expected="names joined by dots")
            if array.dtype != np.bool_ or array.ndim == 0 or array.size == 0:
                got = f"{array.dtype} {array.shape}"
                raise MaskError("not mask bits", where=path, expected="a non-empty bool array (C, H, W)", got=got)
        return cls(
            tuple((path, tuple(array.shape)) for path, array in bits.items()),
            tuple(array.tobytes() for array in bits.values()),
        )

    @classmethod
    def ones(cls, sites: Iterable[tuple[str, tuple[int, ...]]]) -> Mask:
        """Every ReLU kept."""
        return cls.of({path: np.ones(shape, np.bool_) for path, shape in sites})

    @classmethod
    def zeros(cls, sites: Iterable[tuple[str, tuple[int, ...]]]) -> Mask:
        """No ReLU kept."""
        return cls.of({path: np.zeros(shape, np.bool_) for path, shape in sites})

    @property
    def sites(self) -> tuple[tuple[str, tuple[int, ...]], ...]:
        """(path, shape) of every site."""
        return self._sites

    @cached_property
    def _arrays(self) -> dict[str, Bits]:
        pairs = zip(self._sites, self._packed, strict=True)
        return {path: np.frombuffer(packed, np.bool_).reshape(shape) for (path, shape), packed in pairs}

    def bits(self, path: str) -> Bits:
        """Read-only bool array of one site. Raises MaskError with the nearest path where there is none."""
        if path not in self._arrays:
            raise MaskError(f"the mask has no site '{path}'", expected=nearest(path, self._arrays))
        return self._arrays[path]

    @cached_property
    def counts(self) -> dict[str, int]:
        """ReLUs kept, by site."""
        return {path: int(np.count_nonzero(array)) for path, array in self._arrays.items()}

    @property
    def count(self) -> int:
        """ReLUs kept."""
        return sum(self.counts.values())

    @property
    def relus(self) -> int:
        """Positions: the ReLUs of the network with all of them kept."""
        return sum(map(len, self._packed))

    @cached_property
    def hash(self) -> str:
        """SHA-256 (hex) of sites and bits: equal masks have equal hashes on every machine."""
        state = hashlib.sha256(canonical_json(dict(self._sites)).encode())
        for path in sorted(self._arrays):
            state.update(np.packbits(self._arrays[path]).tobytes())
        return state.hexdigest()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Mask) and self.hash == other.hash

    def __hash__(self) -> int:
        return hash(self.hash)

    def diff(self, other: Mask) -> MaskDiff:
        """Positions kept by both, by this one only, by `other` only. Raises MaskError if the sites differ."""
        if dict(self._sites) != dict(other._sites):
            odd = sorted({path for path, _ in set(self._sites) ^ set(other._sites)})
            raise MaskError("the masks belong to different networks", got=f"other sites or shapes at {odd[:5]}")
        pairs = {path: (array, other.bits(path)) for path, array in self._arrays.items()}
        return MaskDiff(
            kept_in_both=sum(int(np.count_nonzero(left & right)) for left, right in pairs.values()),
            only_left=sum(int(np.count_nonzero(left & ~right)) for left, right in pairs.values()),
            only_right=sum(int(np.count_nonzero(~left & right)) for left, right in pairs.values()),
            hamming={path: float(np.mean(left != right)) for path, (left, right) in pairs.items()},
        )
