"""Profile: what a linearized network computes, layer by layer; all that a latency protocol needs to price it."""

from __future__ import annotations

from frontier.frozen import Frozen


class SiteProfile(Frozen):
    """One activation site. `relus` positions exist, `kept` of them are evaluated as ReLUs, `squares` as x^2."""

    path: str
    shape: tuple[int, ...]  # (C, H, W)
    relus: int
    kept: int
    squares: int = 0
    inner: bool = True  # False for the stem / final ReLU that the `inner` convention leaves out


class LinearProfile(Frozen):
    """One convolution or fully connected layer, per image."""

    path: str
    kind: str  # "conv2d" or "linear"
    macs: int
    input_elements: int
    output_elements: int


class Profile(Frozen):
    """Sites in order of execution, linear layers in order of execution."""

    sites: tuple[SiteProfile, ...]
    linear: tuple[LinearProfile, ...]

    @property
    def kept(self) -> int:
        """ReLUs evaluated in the built network."""
        return sum(site.kept for site in self.sites)

    @property
    def kept_inner(self) -> int:
        """ReLUs evaluated without the stem / final one (SNL's convention)."""
        return sum(site.kept for site in self.sites if site.inner)

    @property
    def squares(self) -> int:
        """Positions that are squared: each costs a multiplication of two secrets."""
        return sum(site.squares for site in self.sites)

    @property
    def relus(self) -> int:
        """All activation positions of the built network."""
        return sum(site.relus for site in self.sites)

    @property
    def input_elements(self) -> int:
        """Numbers that the first linear layer takes: those of an image."""
        return self.linear[0].input_elements if self.linear else 0

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one forward pass of one image."""
        return sum(layer.macs for layer in self.linear)
