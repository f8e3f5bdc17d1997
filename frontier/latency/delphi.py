"""DELPHI (Mishra et al., USENIX Security 2020): garbled ReLUs, linear layers prepared offline; fitted to raw logs.

Source: the logs of kvgarimella/cryptonite at 4dab8f9 (Garimella et al., ASPLOS 2023), which ran mc2-project/delphi: ten
inferences of a ResNet18 of 557,056 ReLUs on CIFAR-10, both parties on one EPYC 7502, 14.11 +- 0.57 s online. Two other
networks of the same logs, which were not fitted on: ResNet32, 303,104 ReLUs, 8.22 s; VGG16, 284,672 ReLUs, 7.07 s. This
is not the axis that the SNL line of papers prints: see snl_table.

Both parties on one machine: the labels' way is in those times. It is taken to have been as fast as `lan`; a link adds
what it takes longer than that.
"""

from __future__ import annotations

from frontier.latency._constant import Constant
from frontier.latency._formula import Costs, Element, additive
from frontier.latency._link import NAMED, Link
from frontier.latency._price import Price
from frontier.latency._sums import Counts, Sums, additive_sums
from frontier.results.profile import Profile

LOGS = "raw logs, kvgarimella/cryptonite at 4dab8f9"
CODE = "code, mc2-project/delphi at 92bc007"
RESNET18 = "layer by layer, ResNet18 on CIFAR-10, both parties on one EPYC 7502"

ONLINE = "Evaluation of the garbled ReLUs with the labels that the server sends, and the server's linear layers."
OFFLINE = (
    "Homomorphic evaluation of the linear layers, garbling, oblivious transfer. Its seconds are known in parts only."
)
ROUNDS = "Two one-way messages a ReLU layer: shares to the server, labels to the client."

COSTS = Costs(
    relu=Element(
        each_s=Constant(value=22.13e-6, unit="s", source=LOGS, fitted_on=RESNET18),
        layer_s=Constant(value=0.093, unit="s", source=LOGS, fitted_on=RESNET18),
        hops=Constant(value=2, unit="messages", source=CODE),
        busier_bytes=Constant(value=1184, unit="B", source=f"{CODE}: 42 labels of 28 B, and 8 B"),
        bytes=Constant(
            value=1192.95,
            unit="B",
            source=f"{LOGS}: 4,986,594 B to the server for 557,056 ReLUs, 8.95 B each; and 1,184 B",
        ),
        received_bytes=Constant(value=1184, unit="B", source=f"{CODE}: server to client"),
        rounds=Constant(value=2, unit="messages", source=CODE),
    ),
    linear_s=Constant(value=0.43, unit="s", source=f"{LOGS}: the server's linear layers, ResNet18"),
    linear_macs=Constant(value=555_422_720, unit="MACs", source="counted: frontier's resnet18 at 3x32x32"),
    linear_in_layer=True,
    within=NAMED["lan"],
)
CONSTANTS = COSTS.named()


def price(profile: Profile, link: Link) -> Price:
    """By the formula; the linear layer before a site that keeps ReLUs is in that site's 93 ms. Refuses squares."""
    return additive("delphi", COSTS, profile, link)


def sums(counts: Counts, link: Link) -> list[Sums]:
    """Of many networks at once."""
    return additive_sums(COSTS, counts, link)
