"""The formula that protocols share: what each ReLU costs, and what its layer pays once, however few it keeps.

    T = T_lin + sum over layers that keep any of [hops RTT/2 + layer_s + k (each_s + 8 busier_bytes / BW)]
      + RTT + 8 B_in / BW

k: the layer's ReLUs; BW: bit/s of one direction; B_in: bytes of the image, 8 an element. Where each_s was timed with
its bytes under way, a link adds only what it takes longer than the one of that time (`within`). A layer with neither
ReLUs nor squares has no term. In one with both they are evaluated side by side: it waits for the slower and works for
both.
"""

from __future__ import annotations

from collections.abc import Mapping

from frontier.frozen import Frozen
from frontier.latency._constant import Constant
from frontier.latency._link import Link
from frontier.latency._price import LayerPrice, Price, refuse_squares
from frontier.results.profile import Profile, SiteProfile

WORD_BYTES = 8  # an element of the input, as an element of a 64-bit ring


class Element(Frozen):
    """What a ReLU, or a square, costs: for each one, and for each layer that has any."""

    each_s: Constant
    layer_s: Constant
    hops: Constant  # messages that wait for one another, half a round trip each
    busier_bytes: Constant  # for each one, in the direction that carries more: what transfers are timed by
    bytes: Constant  # for each one, both directions
    received_bytes: Constant | None = None  # of `bytes`, what the client receives; None: not known
    rounds: Constant


class Costs(Frozen):
    """The constants of one protocol. `linear_s` is the linear part of a network of `linear_macs` MACs; that of another
    is taken to be in proportion to its MACs."""

    relu: Element
    square: Element | None = None  # None: no source says
    linear_s: Constant
    linear_macs: Constant
    linear_in_layer: bool = False  # whether `layer_s` was fitted on times that hold the linear layers as well
    within: Link | None = None  # the link whose transfers are in `each_s` already

    def named(self) -> dict[str, Constant]:
        """All constants by name, such as `relu.each_s`."""
        parts = {"relu.": self.relu, "square.": self.square, "": self}
        return {
            f"{prefix}{name}": value
            for prefix, part in parts.items()
            for name, value in (part or ())
            if isinstance(value, Constant)
        }

    def replaced(self, values: Mapping[str, float], source: str) -> Costs:
        """With other values of the constants of these names, which were fitted to what `source` says."""
        parts: dict[str, dict[str, Constant]] = {"": {}, "relu": {}, "square": {}}
        for name, constant in self.named().items():
            if name in values:
                part, _, key = name.rpartition(".")
                changed = {"value": values[name], "source": source, "fitted_on": source}
                parts[part][key] = constant.model_copy(update=changed)
        square = None if self.square is None else self.square.model_copy(update=parts["square"])
        elements = {"relu": self.relu.model_copy(update=parts["relu"]), "square": square}
        return self.model_copy(update={**parts[""], **elements})


def additive(protocol: str, costs: Costs, profile: Profile, link: Link) -> Price:
    """The price of a profile by the formula above. Raises InputError for squares without a known cost."""
    if costs.square is None:
        refuse_squares(profile, protocol)
    layers = tuple(_layer(costs, site, link) for site in profile.sites)
    linear_s = linear_in(
        costs, profile.macs, len(profile.sites), sum(not _elements(costs, site) for site in profile.sites)
    )
    exchanged_s = input_output_s(profile.input_elements, link)
    online_bytes = sum(layer.bytes or 0 for layer in layers)
    received_bytes = _received_bytes(costs, profile)
    return Price(
        online_s=sum(layer.online_s or 0.0 for layer in layers) + linear_s + exchanged_s,
        offline_s=None,
        online_bytes=online_bytes,
        sent_bytes=None if received_bytes is None else online_bytes - received_bytes,
        received_bytes=received_bytes,
        rounds=sum(layer.rounds or 0 for layer in layers),
        layers=layers,
        linear_s=linear_s,
        input_output_s=exchanged_s,
    )


def client_cpu_s(costs: Costs, profile: Profile) -> float:
    """The client's own work: what the layers take of it, without waiting, transfers and the server's linear layers."""
    return sum(_work_s(costs, site) for site in profile.sites)


def _elements(costs: Costs, site: SiteProfile) -> list[tuple[Element, int]]:
    """What a site evaluates, and how many of each."""
    found = ((costs.relu, site.kept), (costs.square, site.squares))
    return [(element, count) for element, count in found if element is not None and count]


def _layer(costs: Costs, site: SiteProfile, link: Link) -> LayerPrice:
    elements = _elements(costs, site)
    waiting_s = link.waiting_s(max((element.hops.value for element, _ in elements), default=0.0))
    transfers_s = sum(count * transfer_s(costs, element, link) for element, count in elements)
    return LayerPrice(
        path=site.path,
        relus=site.kept,
        squares=site.squares,
        online_s=waiting_s + transfers_s + _work_s(costs, site),
        bytes=sum(round(count * element.bytes.value) for element, count in elements),
        rounds=round(max((element.rounds.value for element, _ in elements), default=0.0)),
    )


def _work_s(costs: Costs, site: SiteProfile) -> float:
    return sum(element.layer_s.value + count * element.each_s.value for element, count in _elements(costs, site))


def transfer_s(costs: Costs, element: Element, link: Link) -> float:
    """Of the busier direction of one ReLU or square, beyond what its `each_s` holds."""
    size = element.busier_bytes.value
    held_s = 0.0 if costs.within is None else costs.within.transfer_s(size)
    return max(0.0, link.transfer_s(size) - held_s)


def _received_bytes(costs: Costs, profile: Profile) -> int | None:
    """The client's; None where the costs do not say how bytes split, even if there is nothing to split."""
    if any(element.received_bytes is None for element in (costs.relu, costs.square) if element is not None):
        return None
    found = (one for site in profile.sites for one in _elements(costs, site))
    return sum(round(count * element.received_bytes.value) for element, count in found if element.received_bytes)


def linear_in(costs: Costs, macs: int, sites: int, idle: int) -> float:
    """T_lin. Where `layer_s` holds the linear layers too, only the share of the `idle` sites is left: they pay none."""
    whole_s = costs.linear_s.value * macs / costs.linear_macs.value
    if not costs.linear_in_layer or not sites:
        return whole_s
    return whole_s * idle / sites


def input_output_s(input_elements: int, link: Link) -> float:
    """The image's way to the server and the answer's way back."""
    return link.waiting_s(2) + link.transfer_s(WORD_BYTES * input_elements)
