"""A link by its name or by two numbers."""

from __future__ import annotations

import pytest

from frontier.errors import InputError
from frontier.latency._link import Link, parse_link


@pytest.mark.parametrize(
    ("text", "link"),
    [
        ("lan", Link(rtt_ms=0.3, mbit_s=3000)),
        ("wan", Link(rtt_ms=40, mbit_s=400)),
        ("40,400", Link(rtt_ms=40, mbit_s=400)),
        ("0, .5", Link(rtt_ms=0, mbit_s=0.5)),
    ],
)
def test_a_link_is_read(text: str, link: Link) -> None:
    assert parse_link(text) == link


@pytest.mark.parametrize(
    "text", ["man", "", "40", "40,0", "-1,5", "40,400,1", "nan,1", "1,inf", "1e3,4", "1," + "9" * 400]
)
def test_what_is_no_link_is_refused_with_what_is_one(text: str) -> None:
    with pytest.raises(InputError, match="lan, wan, or RTT_MS,MBIT_S"):
        parse_link(text)


def test_a_hop_is_half_a_round_trip_and_bytes_are_eight_bits() -> None:
    assert Link(rtt_ms=40, mbit_s=400).waiting_s(2) == pytest.approx(0.04)
    assert Link(rtt_ms=40, mbit_s=400).transfer_s(1_000_000) == pytest.approx(0.02)
