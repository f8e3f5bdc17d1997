"""Profiles to price: a network of so many sites with so many ReLUs and squares, and the MACs of a ResNet18."""

from __future__ import annotations

from collections.abc import Sequence

from frontier.results.profile import LinearProfile, Profile, SiteProfile

RESNET18_MACS = 549_131_264  # at 3x32x32, without its shortcuts
PIXELS = 3 * 32 * 32


def profile(kept: Sequence[int], squares: Sequence[int] | None = None, macs: int = RESNET18_MACS) -> Profile:
    """One site for each number of `kept`; `squares` beside them, none if not given."""
    beside = squares or [0] * len(kept)
    sites = (
        SiteProfile(path=f"site{index}", shape=(relus + square,), relus=relus + square + 1, kept=relus, squares=square)
        for index, (relus, square) in enumerate(zip(kept, beside, strict=True))
    )
    first = LinearProfile(path="conv", kind="conv2d", macs=macs, input_elements=PIXELS, output_elements=1)
    return Profile(sites=tuple(sites), linear=(first,))


def spread(relus: int, sites: int = 17) -> Profile:
    """`relus` over `sites` as evenly as whole numbers can be."""
    return profile([relus // sites + (index < relus % sites) for index in range(sites)])
