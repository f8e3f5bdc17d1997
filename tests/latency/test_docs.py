"""docs/latency.md holds every constant and every price that the code has, and no other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from priced import spread

from frontier import registry
from frontier.latency._link import parse_link

PAGE = (Path(__file__).parents[2] / "docs" / "latency.md").read_text(encoding="utf-8")
BUILT_IN = "frontier.latency."
PROTOCOLS = [n for n in registry.names("protocol") if registry.load("protocol", n).__name__.startswith(BUILT_IN)]


def rows(heading: str) -> list[list[str]]:
    """The cells of the first table under a heading, without its two lines of head."""
    (part,) = re.findall(rf"^#+ {heading}\n(.*?)(?=^#|\Z)", PAGE, flags=re.DOTALL | re.MULTILINE)
    lines = [line for line in part.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_the_constants_are_those_of_the_code() -> None:
    assert rows("The constants") == [
        [f"`{name}`", f"`{key}`", f"{constant.value:.10g} {constant.unit}", constant.source, constant.fitted_on or "no"]
        for name in PROTOCOLS
        for key, constant in registry.load("protocol", name).CONSTANTS.items()
    ]


@pytest.mark.parametrize("row", rows("Which protocol is faster depends on the network"), ids=lambda row: row[0])
def test_the_seconds_are_those_of_the_code(row: list[str]) -> None:
    link, count = row[0].split(";")
    relus = int(count.replace(",", ""))
    for name, printed in zip(("delphi", "crypten", "cheetah"), row[1:], strict=True):
        price = registry.load("protocol", name).price(spread(relus), parse_link(link))
        assert printed.strip("*") == f"{price.online_s:.2f}"
    fastest = min(float(cell.strip("*")) for cell in row[1:])
    assert [cell for cell in row[1:] if cell.startswith("**")] == [f"**{fastest:.2f}**"]


def test_the_page_says_of_every_protocol_what_is_online_and_what_a_round_is() -> None:
    for name in PROTOCOLS:
        module = registry.load("protocol", name)
        assert [f"`{name}`", module.ONLINE, module.OFFLINE, module.ROUNDS] in rows("The protocols")
