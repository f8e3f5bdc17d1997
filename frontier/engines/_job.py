"""Job: an exported network made ready for two parties, and the hello by which they know that both have the same."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from frontier import registry
from frontier.engines._lower import lower
from frontier.engines._plan import Plan
from frontier.errors import InputError, VerificationError
from frontier.nn.network import Classifier
from frontier.trial.bundle import load
from frontier.trial.manifest import WEIGHTS, Manifest, read_manifest
from frontier.trial.origin import DISTRIBUTION

SMALLEST_BITS, LARGEST_BITS = 8, 20  # products have twice as many, and their integer part needs room in 64 bits
TITLES = {
    "engine": "the engine",
    "versions": "the versions",
    "fraction_bits": "the fraction bits (--fraction-bits)",
    "mask": "the mask of the bundle",
    "weights": "the weights of the bundle",
    "plan": "the lowered network",
    "byteorder": "the order of bytes in memory",
}


@dataclass(frozen=True, eq=False)
class Job:
    """A bundle's network, lowered, and the engine that it is run with."""

    manifest: Manifest
    model: Classifier
    plan: Plan
    engine: ModuleType
    name: str  # the engine's
    fraction_bits: int

    def hello(self) -> dict[str, Any]:
        """What both parties must have in common; their random streams depend on torch."""
        versions = registry.versions(DISTRIBUTION, *self.engine.DISTRIBUTIONS)
        return {
            "engine": self.name,
            "versions": [f"{name} {version.partition('+')[0]}" for name, version in versions.items()],
            "fraction_bits": self.fraction_bits,
            "mask": self.manifest.mask_hash,
            "weights": self.manifest.sha256[WEIGHTS],
            "plan": self.plan.hash,
            "byteorder": sys.byteorder,
        }


def prepare(folder: Path, engine: str, fraction_bits: int) -> Job:
    """Load and lower a bundle. Raises BlockedError where the engine is missing, InputError for what cannot be run."""
    module = registry.load("engine", engine)
    module.check()
    if not SMALLEST_BITS <= fraction_bits <= LARGEST_BITS:
        expected = f"{SMALLEST_BITS} to {LARGEST_BITS}"
        raise InputError("too few or too many", where="--fraction-bits", expected=expected, got=fraction_bits)
    if sys.byteorder != "little":
        raise InputError("this machine's byte order is not the wire's", expected="little", got=sys.byteorder)
    manifest, model = read_manifest(folder), load(folder)
    plan = lower(model.body, manifest.image)
    profile = manifest.results.profile
    if plan.counts != tuple((site.kept, site.squares) for site in profile.sites):
        raise VerificationError(f"{folder}: the network's ReLUs and squares are not those of its manifest")
    return Job(manifest, model, plan, module, engine, fraction_bits)


def agree(mine: Mapping[str, Any], theirs: Mapping[str, Any], peer: str) -> None:
    """Raises InputError that names what the two hellos differ in."""
    different = [title for key, title in TITLES.items() if mine[key] != theirs.get(key)]
    if different:
        key = next(key for key in TITLES if mine[key] != theirs.get(key))
        raise InputError(
            f"the other party has something else: {', '.join(different)}",
            where=peer,
            expected=str(mine[key]),
            got=str(theirs.get(key, "nothing"))[:100],
            fix="give both parties the same bundle and the same settings",
        )
