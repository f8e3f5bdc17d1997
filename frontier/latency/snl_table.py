"""The latency axis that the SNL line of papers prints: 20.95 us a ReLU and 0.021 s, whatever the link or the layers.

Fitted to the ResNet18 rows of SNL (Cho et al., ICML 2022) as ReLUPruner (AAAI 2026) reprints them; whether those were
measured network by network or computed from a cost per ReLU is not known. No row for a link, bytes or rounds is given.
The rows of its Wide ResNets (CIFAR from 120K ReLUs on) lie on another line, 20.87 us and 0.298 s, which is not priced
here. These are not the constants of DELPHI's logs: see delphi, and never mix the two.
"""

from __future__ import annotations

from frontier.latency._constant import Constant
from frontier.latency._link import Link
from frontier.latency._price import LayerPrice, Price, refuse_squares
from frontier.latency._sums import UNPRICED, Counts, Sums
from frontier.results.profile import Profile

ROWS = "SNL's ResNet18 rows, CIFAR-100: 12.9K 0.291 s, 49.9K 1.066 s"
REPRINT = "SNL's latency table as ReLUPruner (AAAI 2026) reprints it"

ONLINE = "What the table's authors count as online; they name no link."
OFFLINE = "Not in the table."
ROUNDS = "Not in the table."

CONSTANTS = {
    "relu.each_s": Constant(value=20.95e-6, unit="s", source=REPRINT, fitted_on=ROWS),
    "linear_s": Constant(value=0.021, unit="s", source=REPRINT, fitted_on=ROWS),
}
NOTE = "snl_table ignores the link: the table names none"


def price(profile: Profile, link: Link) -> Price:
    """The line of the table; `link` plays no part, and `notes` says so. Refuses squares."""
    refuse_squares(profile, "snl_table")
    layers = tuple(
        LayerPrice(
            path=site.path,
            relus=site.kept,
            squares=0,
            online_s=site.kept * CONSTANTS["relu.each_s"].value,
            bytes=None,
            rounds=None,
        )
        for site in profile.sites
    )
    linear_s = CONSTANTS["linear_s"].value
    return Price(
        online_s=sum(layer.online_s or 0.0 for layer in layers) + linear_s,
        offline_s=None,
        online_bytes=None,
        sent_bytes=None,
        received_bytes=None,
        rounds=None,
        layers=layers,
        linear_s=linear_s,
        input_output_s=0.0,
        notes=(NOTE,),
    )


def sums(counts: Counts, link: Link) -> list[Sums]:
    """Of many networks at once."""
    each_s, linear_s = CONSTANTS["relu.each_s"].value, CONSTANTS["linear_s"].value
    return [
        UNPRICED if squared else Sums(sum(seconds) + linear_s)
        for squared, seconds in zip(counts.squared, (counts.kept * each_s).tolist(), strict=True)
    ]
