"""Published numbers: results/published/SPACE.yaml, checked, and those that stand beside one of ours."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import yaml
from pydantic import Field

from frontier.frozen import Frozen

FOLDER = Path(__file__).parents[2] / "results" / "published"
NEAR = 0.05  # a published count this close, relatively, stands beside a budget


class Source(Frozen):
    """Where a number was read. `secondary`: not in the paper itself nor in its authors' repository."""

    paper: str
    where: str
    secondary: bool


class Number(Frozen):
    """Top-1 accuracy on the test set in percent, at `relus` ReLUs in the convention `sites`."""

    method: str
    relus: int = Field(gt=0)
    accuracy: float = Field(gt=1, le=100)
    source: str
    network: str
    sites: Literal["full", "inner"]


class Published(Frozen):
    """One file."""

    space: str
    sources: dict[str, Source]
    numbers: tuple[Number, ...]

    def beside(self, method: str, budget: int) -> list[Number]:
        """In the order of the file."""
        return [one for one in self.numbers if one.method == method and abs(one.relus - budget) <= NEAR * budget]

    def cite(self, name: str) -> str:
        """A source in words."""
        source = self.sources[name]
        return f"{source.paper}: {source.where}{' (secondary)' if source.secondary else ''}"


def read(path: Path) -> Published:
    """Raises ValueError for what is not such a file, or names a source that it does not have."""
    found = Published.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    missing = {one.source for one in found.numbers} - found.sources.keys()
    if missing:
        raise ValueError(f"{path}: no source named {', '.join(sorted(missing))}")
    return found
