"""CrypTen 0.4.1 as the ReLU engine of two parties: secret shares in a 64-bit ring, its tuples dealt beforehand.

Linear layers are those of DELPHI: the server holds the weights and works on int64 shares, with nothing sent. A ReLU is
a prefix circuit of 7 AND rounds, a conversion and a multiplication; a square is one opening of x - r. Bytes and rounds
are those of CrypTen's own counters at 775868a. The dealer and all that is offline were simulated where it was timed.
"""

from __future__ import annotations

from frontier.latency._constant import Constant
from frontier.latency._formula import Costs, Element, additive
from frontier.latency._link import Link
from frontier.latency._price import Price
from frontier.latency._sums import Counts, Sums, additive_sums
from frontier.results.profile import Profile

ENGINE = "crypten"  # what measures it

COUNTER = "CrypTen's counter"
TIMED = "timed, CrypTen 0.4.1 with prefetched tuples, two processes on one shared 4-core EPYC, 2026"
LOOPBACK = "loopback runs of 3 and of 17 convolutions"
PROTOCOL = "the protocol"

ONLINE = (
    "ReLUs and squares on shares with tuples that are there already, and the server's linear layers on int64 shares."
)
OFFLINE = "The dealer's tuples and the masks of the linear layers: simulated, so that their seconds are unknown."
ROUNDS = "Exchanges in which both parties send at once: 9 a layer with ReLUs, 1 a layer that has squares alone."

COSTS = Costs(
    relu=Element(
        each_s=Constant(value=0.75e-6, unit="s", source=TIMED, fitted_on=LOOPBACK),
        layer_s=Constant(value=0.008, unit="s", source=TIMED, fitted_on=LOOPBACK),
        hops=Constant(value=10, unit="messages", source=f"{PROTOCOL}: the 9 exchanges, and one message more"),
        busier_bytes=Constant(value=240, unit="B", source=f"{COUNTER}: 232 B, and 8 B more"),
        bytes=Constant(value=464, unit="B", source=COUNTER),
        received_bytes=Constant(value=232, unit="B", source=f"{COUNTER}: each party sends the same"),
        rounds=Constant(value=9, unit="exchanges", source=COUNTER),
    ),
    square=Element(
        each_s=Constant(value=0.05e-6, unit="s", source=TIMED),
        layer_s=Constant(value=0, unit="s", source="no such term in the formula of these runs"),
        hops=Constant(value=2, unit="messages", source=f"{PROTOCOL}: the exchange, and one message more"),
        busier_bytes=Constant(value=16, unit="B", source=f"{COUNTER}: 8 B, and 8 B more"),
        bytes=Constant(value=16, unit="B", source=COUNTER),
        received_bytes=Constant(value=8, unit="B", source=f"{COUNTER}: each party sends the same"),
        rounds=Constant(value=1, unit="exchanges", source=COUNTER),
    ),
    linear_s=Constant(value=0.08, unit="s", source=TIMED, fitted_on=LOOPBACK),
    linear_macs=Constant(value=549_131_264, unit="MACs", source="counted: resnet18 at 3x32x32 without its shortcuts"),
)
CONSTANTS = COSTS.named()


def price(profile: Profile, link: Link, costs: Costs = COSTS) -> Price:
    """By the formula; squares have a price here."""
    return additive("crypten", costs, profile, link)


def sums(counts: Counts, link: Link) -> list[Sums]:
    """Of many networks at once."""
    return additive_sums(COSTS, counts, link)
