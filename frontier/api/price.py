"""What private inference of a network would cost: of a profile, of a study's points, of a bundle, or of a plan.

A price is what a protocol's published or fitted constants say (docs/latency.md); nothing is run but for a plan, whose
network is built and watched once. Studies and bundles are priced from their records alone, without torch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from frontier import registry
from frontier.errors import InputError
from frontier.latency._beside import measured_s
from frontier.latency._calibrated import calibrated, note_of
from frontier.latency._calibrated import protocol as calibratable
from frontier.latency._link import Link, parse_link
from frontier.latency._price import Price
from frontier.reports.points import StudyPoint
from frontier.results.calibration import Calibration, read_calibration
from frontier.results.profile import Profile
from frontier.shelves import DEFAULT_HOME

PROTOCOL, LINK = "crypten", "lan"  # the protocol that prices squares as well
IMAGE, CLASSES = "3x32x32", 10
Constants = Calibration | Path | str | None  # those of a calibration, or its file; None: the published ones


@dataclass(frozen=True)
class PricedPoint:
    """A point of a study with its price, or with the reason why it has none; and what was measured over that link by
    the engine that the protocol is the price of, if anything was."""

    found: StudyPoint
    price: Price | None
    problem: str | None = None
    measured_s: float | None = None

    def summary(self) -> dict[str, Any]:
        """Trial, point, ReLU count, squares, measured seconds, and the keys of the price: all null, beside `problem`,
        where there is none."""
        priced = dict.fromkeys(key for key, field in Price.model_fields.items() if not field.exclude)
        return {
            "trial": self.found.trial,
            "point": self.found.index,
            "relu_count": self.found.point.relu_count,
            "squares": self.found.point.profile.squares,
            "measured_s": self.measured_s,
            "problem": self.problem,
            **(priced if self.price is None else self.price.model_dump(mode="json")),
        }


def price(
    profile: Profile, *, protocol: str | None = None, link: Link | str = LINK, constants: Constants = None
) -> Price:
    """The price of one inference with this profile. `link`: `lan`, `wan`, or `RTT_MS,MBIT_S` such as `40,400`.

    `constants`: what `frontier calibrate` fitted, in place of the published ones; `protocol` is theirs then, and
    `crypten` without. Raises InputError for a protocol, a link or constants that are none, and where the protocol has
    no price for what the profile holds (squares, under most).
    """
    return _pricing(protocol, constants).price(profile, parse_link(link) if isinstance(link, str) else link)


def price_study(
    study: str,
    trials: Sequence[int | str] = (),
    *,
    protocol: str | None = None,
    link: Link | str = LINK,
    constants: Constants = None,
    home: Path | str = DEFAULT_HOME,
) -> tuple[PricedPoint, ...]:
    """The prices of a study's front in its order, or of these points (`7`, `7.1`), from the records alone.

    A point of the front that the protocol has no price for stands with the reason; one that was asked for by its
    address raises InputError.
    """
    from frontier.api.study import open_study

    where = parse_link(link) if isinstance(link, str) else link
    pricing = _pricing(protocol, constants)  # what is wrong with these is no problem of one point
    priced = []
    for found in open_study(study, home).chosen(trials):
        taken = measured_s(found.measurements, pricing.engine, where)
        try:
            priced.append(PricedPoint(found, pricing.price(found.point.profile, where), measured_s=taken))
        except InputError as error:
            if trials:
                raise
            problem = f"{error.what}; {error.fix}" if error.fix else error.what
            priced.append(PricedPoint(found, None, problem, taken))
    return tuple(priced)


def price_bundle(
    folder: Path | str, *, protocol: str | None = None, link: Link | str = LINK, constants: Constants = None
) -> Price:
    """The price of an exported network, from its manifest alone. Raises InputError where there is no bundle."""
    from frontier.trial.manifest import read_manifest

    found = read_manifest(Path(folder)).results.profile
    return price(found, protocol=protocol, link=link, constants=constants)


def price_plan(
    backbone: str,
    relus: int,
    *,
    image: str = IMAGE,
    last_layers: int | None = None,
    classes: int = CLASSES,
    protocol: str | None = None,
    link: Link | str = LINK,
    constants: Constants = None,
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
    return price(plan(plain, relus, last_layers), protocol=protocol, link=link, constants=constants)


class _Pricing(NamedTuple):
    """How a profile is priced over a link, and the engine that measures what is priced, if there is one."""

    price: Callable[[Profile, Link], Price]
    engine: str | None


def _pricing(protocol: str | None, constants: Constants) -> _Pricing:
    """The protocol as it is, or with the constants of a calibration, which its prices say."""
    if constants is None:
        module = registry.load("protocol", protocol or PROTOCOL)
        return _Pricing(module.price, getattr(module, "ENGINE", None))
    if isinstance(constants, Calibration):
        found, where = constants, "--constants"
    else:
        found, where = read_calibration(Path(constants)), str(constants)
    known = calibratable(found.protocol, where) if protocol is None else calibratable(protocol)
    costs, note = calibrated(known, found, where), note_of(found)

    def with_constants(profile: Profile, link: Link) -> Price:
        price = known.price(profile, link, costs)
        return price.model_copy(update={"notes": (*price.notes, note)})

    return _Pricing(with_constants, known.engine)
