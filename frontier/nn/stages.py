"""Stages: the sites of a network grouped by the spatial size at which they work, in order of execution.

DeepReDuce's S1..S4 and the four stage outputs of attention transfer, for any network: in a ResNet at full
convention the stem belongs to the first stage.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from frontier.nn.sites import Site


def stages(sites: Sequence[Site]) -> tuple[tuple[Site, ...], ...]:
    """Neighbouring sites of equal (H, W) together."""
    return tuple(tuple(group) for _, group in groupby(sites, key=lambda site: site.shape[1:]))


def stage_outputs(sites: Sequence[Site]) -> tuple[str, ...]:
    """The path of the last activation of each stage that has height and width."""
    return tuple(stage[-1].path for stage in stages(sites) if len(stage[-1].shape) > 1)
