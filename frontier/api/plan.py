"""A plan: where the ReLUs of a network would be if so many were kept, without training anything."""

from __future__ import annotations

from collections.abc import Sequence

from frontier.errors import InputError
from frontier.results.profile import Profile
from frontier.training.allocation import whole


def plan(profile: Profile, relus: int, last_layers: int | None = None) -> Profile:
    """The plain network's profile with exactly `relus` kept: over all sites in proportion to their sizes, or packed
    into the last `last_layers` sites, the last one filled first. What is not kept is linear.

    Raises InputError for more ReLUs than there are, and for more than the last sites hold.
    """
    if not 0 <= relus <= profile.relus:
        raise InputError(
            "not a number of ReLUs of this network", where="--relus", expected=f"0 to {profile.relus}", got=relus
        )
    sizes = [site.relus for site in profile.sites]
    kept = whole(sizes, sizes, relus) if last_layers is None else _packed(sizes, relus, last_layers)
    sites = (site.model_copy(update={"kept": count}) for site, count in zip(profile.sites, kept, strict=True))
    return profile.model_copy(update={"sites": tuple(sites)})


def _packed(sizes: Sequence[int], relus: int, last_layers: int) -> list[int]:
    if not 1 <= last_layers <= len(sizes):
        raise InputError(
            "not a number of layers of this network",
            where="--last-layers",
            expected=f"1 to {len(sizes)}, the sites that have ReLUs",
            got=last_layers,
        )
    fits = sum(sizes[-last_layers:])
    if relus > fits:
        raise InputError(
            f"so many ReLUs do not fit into the last {last_layers} of {len(sizes)} layers",
            where="--relus",
            expected=f"at most {fits}",
            got=relus,
            fix="keep fewer, or give more layers with --last-layers",
        )
    kept = []
    for size in reversed(sizes):
        kept.append(min(size, relus))
        relus -= kept[-1]
    return kept[::-1]
