"""The profile of a network, measured in one run: its activation sites, and its linear layers with their MACs."""

from __future__ import annotations

from collections.abc import Collection

from torch import nn

from frontier.nn._watch import watch
from frontier.nn.counter import count_activation
from frontier.results.profile import LinearProfile, Profile


def profile(model: nn.Module, image: tuple[int, int, int], *, outer: Collection[str] = ()) -> Profile:
    """Of a plain or gated network, for one image (C, H, W). `outer`: see a backbone's OUTER."""
    run = watch(model, image)
    return Profile(
        sites=tuple(count_activation(one, inner=one.path not in outer) for one in run.activations),
        linear=tuple(
            LinearProfile(
                path=layer.path,
                kind=layer.kind,
                macs=layer.macs,
                input_elements=layer.input_elements,
                output_elements=layer.output_elements,
            )
            for layer in run.products
        ),
    )
