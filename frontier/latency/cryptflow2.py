"""CrypTFlow2 (Rathee et al., CCS 2020): ReLUs by classical oblivious transfer. Seconds only as a ratio to Cheetah's.

The one published ratio that could be read is of a whole ResNet50 on a WAN, linear layers included, where it took 5.6
times as long as Cheetah and 12.9 times as many bytes (abstract of Huang et al., USENIX Security 2022). Of the ReLU
alone the bytes were counted. On other links than that WAN its seconds are unknown.
"""

from __future__ import annotations

from frontier.latency import cheetah
from frontier.latency._constant import Constant
from frontier.latency._link import NAMED, Link
from frontier.latency._price import LayerPrice, Price, refuse_squares
from frontier.latency._sums import UNPRICED, Counts, Sums, whole
from frontier.results.profile import Profile

ONLINE = "All: the ratio is that of whole inferences, linear layers included."
OFFLINE = "Nothing that a source says."
ROUNDS = "Unknown: the counters of its code and of Cheetah's do not count what is counted here."

CONSTANTS = {
    "wan_ratio": Constant(
        value=5.6, unit="times Cheetah's seconds", source="abstract of the Cheetah paper: ResNet50, end to end, WAN"
    ),
    "relu.bytes": Constant(
        value=1121, unit="B", source="counted: EzPC's SCI at f24bf3e, 64 bits, radix 4, a million ReLUs on loopback"
    ),
}
RATIO = "seconds: 5.6 times those of cheetah, the ratio of a whole ResNet50 on a WAN; no measurement of this network"
ELSEWHERE = f"seconds unknown: {NAMED['wan'].rtt_ms:g} ms and {NAMED['wan'].mbit_s:g} Mbit/s (wan) is the only link"


def price(profile: Profile, link: Link) -> Price:
    """Bytes by count; seconds by the ratio on the WAN, and unknown elsewhere. Refuses squares."""
    refuse_squares(profile, "cryptflow2")
    known = link == NAMED["wan"]
    beside = cheetah.price(profile, link)

    def seconds(of_cheetah: float | None) -> float | None:
        return CONSTANTS["wan_ratio"].value * of_cheetah if known and of_cheetah is not None else None

    layers = tuple(
        LayerPrice(
            path=layer.path,
            relus=layer.relus,
            squares=0,
            online_s=seconds(layer.online_s),
            bytes=round(layer.relus * CONSTANTS["relu.bytes"].value),
            rounds=None,
        )
        for layer in beside.layers
    )
    return Price(
        online_s=seconds(beside.online_s),
        offline_s=None,
        online_bytes=sum(layer.bytes or 0 for layer in layers),
        sent_bytes=None,
        received_bytes=None,
        rounds=None,
        layers=layers,
        linear_s=seconds(beside.linear_s),
        input_output_s=seconds(beside.input_output_s),
        notes=(RATIO if known else ELSEWHERE,),
    )


def sums(counts: Counts, link: Link) -> list[Sums]:
    """Of many networks at once."""
    known, ratio, each = link == NAMED["wan"], CONSTANTS["wan_ratio"].value, CONSTANTS["relu.bytes"].value
    sizes = whole(counts.kept * each).sum(axis=1).tolist()
    found = []
    for squared, size, beside in zip(counts.squared, sizes, cheetah.sums(counts, link), strict=True):
        seconds = ratio * beside.online_s if known and beside.online_s is not None else None
        found.append(UNPRICED if squared else Sums(online_s=seconds, online_bytes=size))
    return found
