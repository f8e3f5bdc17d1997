"""What every method says of itself, built in or plugged in."""

from __future__ import annotations

from typing import Any

from frontier import registry


def methods() -> list[dict[str, Any]]:
    """What `frontier methods --json` prints: name, fidelity, paper and deviations of each method, by name."""
    return [_said(name) for name in registry.names("method")]


def _said(name: str) -> dict[str, Any]:
    module = registry.load("method", name)
    return {
        "name": name,
        "fidelity": module.FIDELITY,
        "paper": module.PAPER,
        "deviations": list(module.DEVIATIONS),
    }
