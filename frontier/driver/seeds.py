"""Seeds are digests of what they belong to, so they are the same before and after a resume."""

from __future__ import annotations

from frontier.frozen import digest


def derive(*parts: str | int) -> int:
    """31 bits out of the SHA-256 of `parts`: equal parts give equal seeds, whatever was drawn before."""
    return int(digest(list(parts), 8), 16) & 0x7FFFFFFF


def unit(*parts: str | int) -> float:
    """A number in [0, 1) that is a digest of `parts`, of 52 bits."""
    return int(digest(list(parts), 13), 16) / 2**52
