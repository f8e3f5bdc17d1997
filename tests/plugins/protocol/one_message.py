"""A protocol under which every ReLU layer is one message of a byte a ReLU: an example, and nobody's protocol."""

from __future__ import annotations

from frontier.latency._constant import Constant
from frontier.latency._formula import Costs, Element, additive
from frontier.latency._link import Link
from frontier.latency._price import Price
from frontier.results.profile import Profile

ONLINE = "One message a layer."
OFFLINE = "Nothing that is priced."
ROUNDS = "One a ReLU layer."
ENGINE = "opened"  # what measures it: frontier calibrate fits COSTS to that


def invented(value: float, unit: str) -> Constant:
    return Constant(value=value, unit=unit, source="invented for this example")


COSTS = Costs(
    relu=Element(
        each_s=invented(1e-6, "s"),
        layer_s=invented(0, "s"),
        hops=invented(1, "messages"),
        busier_bytes=invented(1, "B"),
        bytes=invented(1, "B"),
        received_bytes=invented(1, "B"),
        rounds=invented(1, "messages"),
    ),
    linear_s=invented(0.1, "s"),
    linear_macs=invented(1e9, "MACs"),
)
CONSTANTS = COSTS.named()


def price(profile: Profile, link: Link, costs: Costs = COSTS) -> Price:
    """By the formula of the built-in protocols. Refuses squares."""
    return additive("one_message", costs, profile, link)
