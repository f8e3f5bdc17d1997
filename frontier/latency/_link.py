"""Link: what lies between client and server: the round-trip time, and the bandwidth of each direction."""

from __future__ import annotations

import math
import re
from typing import Final

from pydantic import Field

from frontier.errors import InputError
from frontier.frozen import Frozen


class Link(Frozen):
    """Symmetric and full duplex, never shared with others."""

    rtt_ms: float = Field(ge=0)
    mbit_s: float = Field(gt=0)  # each way

    def waiting_s(self, hops: float) -> float:
        """Seconds for so many messages, one after the other, each of half a round trip."""
        return hops * self.rtt_ms / 2e3

    def transfer_s(self, size_bytes: float) -> float:
        """Seconds for so many bytes in one direction."""
        return 8 * size_bytes / (self.mbit_s * 1e6)


# Source: OpenCheetah, scripts/throttle.sh at f71d4d4
NAMED: Final = {"lan": Link(rtt_ms=0.3, mbit_s=3000), "wan": Link(rtt_ms=40, mbit_s=400)}
NUMBERS = re.compile(r"(\d+\.?\d*|\.\d+) *, *(\d+\.?\d*|\.\d+)", re.ASCII)


def parse_link(text: str) -> Link:
    """`lan`, `wan`, or RTT_MS,MBIT_S: `40,400` is 40 ms and 400 Mbit/s each way. Raises InputError."""
    if text in NAMED:
        return NAMED[text]
    numbers = NUMBERS.fullmatch(text.strip())
    if numbers is None or not _usable(*map(float, numbers.groups())):
        raise InputError(
            "not a link",
            where="--link",
            expected="lan, wan, or RTT_MS,MBIT_S with a bandwidth above 0, such as 40,400",
            got=text,
        )
    return Link(rtt_ms=float(numbers[1]), mbit_s=float(numbers[2]))


def _usable(rtt_ms: float, mbit_s: float) -> bool:
    return math.isfinite(rtt_ms) and 0 < mbit_s < math.inf
