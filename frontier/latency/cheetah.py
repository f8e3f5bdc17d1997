"""Cheetah (Huang et al., USENIX Security 2022) as the ReLU engine of two parties, as SPU 0.9.5 runs it: no dealer.

ReLUs by silent oblivious transfer in a 64-bit ring; linear layers as under crypten, not Cheetah's homomorphic ones.
Seconds and messages were tuned on the runs that they describe, so that no agreement with those is a test of them.
"""

from __future__ import annotations

from frontier.latency._constant import Constant
from frontier.latency._formula import Costs, Element, additive
from frontier.latency._link import Link
from frontier.latency._price import Price
from frontier.latency._sums import Counts, Sums, additive_sums
from frontier.results.profile import Profile

ENGINE = "spu_cheetah"  # what measures it

TIMED = "timed, SPU 0.9.5 CHEETAH, two processes on one shared 4-core EPYC, 2026"
ROUGH = "how is not recorded"
SAME = "the same runs: 3 and 17 convolutions, loopback and emulated links"

ONLINE = "ReLUs by oblivious transfer, its correlations included, and the server's linear layers on int64 shares."
OFFLINE = "The masks of the linear layers: simulated, so that their seconds are unknown. ReLUs need nothing beforehand."
ROUNDS = "Messages that wait for one another, 20 a ReLU layer, from how its time grows with the round-trip time."

COSTS = Costs(
    relu=Element(
        each_s=Constant(value=8.0e-6, unit="s", source=f"{TIMED}: 6.3 us with 2 threads, 12.2 with 1", fitted_on=SAME),
        layer_s=Constant(value=0.010, unit="s", source=f"{TIMED}; {ROUGH}", fitted_on=SAME),
        hops=Constant(value=22, unit="messages", source=TIMED, fitted_on=SAME),
        busier_bytes=Constant(value=92, unit="B", source=f"{TIMED}; {ROUGH}", fitted_on=SAME),
        bytes=Constant(
            value=103, unit="B", source="derived from SPU's README at 02ac612d, 820 bits; 101 to 116 B were measured"
        ),
        rounds=Constant(value=20, unit="messages", source=TIMED, fitted_on="round trips of 20, 40 and 80 ms"),
    ),
    linear_s=Constant(value=0.08, unit="s", source=f"{TIMED}; {ROUGH}", fitted_on=SAME),
    linear_macs=Constant(value=549_131_264, unit="MACs", source="counted: resnet18 at 3x32x32 without its shortcuts"),
)
CONSTANTS = COSTS.named()


def price(profile: Profile, link: Link, costs: Costs = COSTS) -> Price:
    """By the formula. How the bytes split between the parties is not known. Refuses squares."""
    return additive("cheetah", costs, profile, link)


def sums(counts: Counts, link: Link) -> list[Sums]:
    """Of many networks at once."""
    return additive_sums(COSTS, counts, link)
