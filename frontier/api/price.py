"""What private inference of a network would cost: of a profile, of a study's points, of a bundle, or of a plan.

A price is what a protocol's published or fitted constants say (docs/latency.md); nothing is run but for a plan, whose
network is built and watched once. Studies and bundles are priced from their records alone, without torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from frontier import registry
from frontier.errors import InputError
from frontier.latency._link import Link, parse_link
from frontier.latency._price import Price
from frontier.reports.points import StudyPoint
from frontier.results.profile import Profile
from frontier.shelves import DEFAULT_HOME

PROTOCOL, LINK = "crypten", "lan"  # the protocol that prices squares as well
IMAGE, CLASSES = "3x32x32", 10


@dataclass(frozen=True)
class PricedPoint:
    """A point of a study with its price, or with the reason why it has none."""

    found: StudyPoint
    price: Price | None
    problem: str | None = None

    def summary(self) -> dict[str, Any]:
        """Trial, point, ReLU count and squares, and the keys of the price: all null, beside `problem`, without one."""
        priced = dict.fromkeys(key for key, field in Price.model_fields.items() if not field.exclude)
        return {
            "trial": self.found.trial,
            "point": self.found.index,
            "relu_count": self.found.point.relu_count,
            "squares": self.found.point.profile.squares,
            "problem": self.problem,
            **(priced if self.price is None else self.price.model_dump(mode="json")),
        }


def price(profile: Profile, *, protocol: str = PROTOCOL, link: Link | str = LINK) -> Price:
    """The price of one inference with this profile. `link`: `lan`, `wan`, or `RTT_MS,MBIT_S` such as `40,400`.

    Raises InputError for a protocol or a link that is none, and where the protocol has no price for what the profile
    holds (squares, under most).
    """
    module = registry.load("protocol", protocol)
    found: Price = module.price(profile, parse_link(link) if isinstance(link, str) else link)
    return found


def price_study(
    study: str,
    trials: Sequence[int | str] = (),
    *,
    protocol: str = PROTOCOL,
    link: Link | str = LINK,
    home: Path | str = DEFAULT_HOME,
) -> tuple[PricedPoint, ...]:
    """The prices of a study's front by rising ReLU count, or of these points (`7`, `7.1`), from the records alone.

    A point of the front that the protocol has no price for stands with the reason; one that was asked for by its
    address raises InputError.
    """
    from frontier.api.study import open_study

    where = parse_link(link) if isinstance(link, str) else link
    registry.load("protocol", protocol)  # a wrong name is no problem of one point
    priced = []
    for found in open_study(study, home).chosen(trials):
        try:
            priced.append(PricedPoint(found, price(found.point.profile, protocol=protocol, link=where)))
        except InputError as error:
            if trials:
                raise
            priced.append(PricedPoint(found, None, f"{error.what}; {error.fix}" if error.fix else error.what))
    return tuple(priced)


def price_bundle(folder: Path | str, *, protocol: str = PROTOCOL, link: Link | str = LINK) -> Price:
    """The price of an exported network, from its manifest alone. Raises InputError where there is no bundle."""
    from frontier.trial.manifest import read_manifest

    return price(read_manifest(Path(folder)).results.profile, protocol=protocol, link=link)


def price_plan(
    backbone: str,
    relus: int,
    *,
    image: str = IMAGE,
    last_layers: int | None = None,
    classes: int = CLASSES,
    protocol: str = PROTOCOL,
    link: Link | str = LINK,
) -> Price:
    """The price of a network with `relus` ReLUs that nobody has trained: spread over its sites in proportion to their
    sizes, or packed into the last `last_layers` of them. What is removed is linear.

    `backbone` by name or as `pkg.module:factory`, `image` as CxHxW; all sites are there, a stem's too. Raises
    InputError for a network that is none, and for more ReLUs than fit.
    """
    from frontier.api.plan import plan
    from frontier.api.relus import parse_image
    from frontier.nn.network import backbone as backbone_of
    from frontier.nn.network import build, relu_sites
    from frontier.nn.profile import profile

    size = parse_image(image)
    network = build(backbone, size, classes)
    relu_sites(backbone, network, size, classes=classes)  # refuses what is no network of plain ReLUs
    plain = profile(network, size, outer=backbone_of(backbone).outer)
    return price(plan(plain, relus, last_layers), protocol=protocol, link=link)
