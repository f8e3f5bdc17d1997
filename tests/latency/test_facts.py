"""What papers, logs and counters say, as numbers that the prices must give; and where they do not fit, by how much."""

from __future__ import annotations

import pytest
from priced import profile, spread

from frontier.latency import cheetah, crypten, cryptflow2, delphi, snl_table
from frontier.latency._constant import Constant
from frontier.latency._formula import Costs, additive
from frontier.latency._link import NAMED, Link, parse_link

LAN, WAN, SLOW = NAMED["lan"], NAMED["wan"], parse_link("40,100")
ONE_HOST = Link(rtt_ms=0, mbit_s=1e9)
COUNTS = (12_900, 49_900, 120_000, 557_056)
ALL = 557_056


def seconds(protocol: object, link: Link) -> list[float]:
    return [protocol.price(spread(count), link).online_s for count in COUNTS]


# Seconds for 12.9K, 49.9K, 120K and all ReLUs of a ResNet18 over 17 layers, by hand from the constants.
CRYPTEN = {LAN: (0.26, 0.31, 0.41, 1.02), WAN: (3.73, 3.93, 4.32, 6.75), SLOW: (3.92, 4.65, 6.05, 14.8)}
CHEETAH = {LAN: (0.41, 0.72, 1.30, 4.90), WAN: (7.90, 8.26, 8.95, 13.3), SLOW: (7.97, 8.54, 9.62, 16.3)}
DELPHI = {LAN: (1.87, 2.69, 4.24, 13.9), WAN: (2.85, 4.43, 7.42, 26.1), SLOW: (3.77, 7.97, 15.9, 65.6)}
NO_LAYER_TERM = {LAN: (0.76, 1.70, 3.47, 14.5), WAN: (1.74, 3.43, 6.64, 26.7), SLOW: (2.66, 6.98, 15.2, 66.2)}


@pytest.mark.parametrize("link", [LAN, WAN, SLOW], ids=str)
def test_the_seconds_of_a_resnet18_are_those_computed_by_hand(link: Link) -> None:
    for protocol, table in ((crypten, CRYPTEN), (cheetah, CHEETAH), (delphi, DELPHI)):
        assert seconds(protocol, link) == pytest.approx(table[link], rel=0.005, abs=0.006)


@pytest.mark.parametrize("link", [LAN, WAN, SLOW], ids=str)
def test_the_formula_also_gives_the_delphi_that_had_no_layer_term(link: Link) -> None:
    def constant(value: float) -> Constant:
        return Constant(value=value, unit="s", source="superseded")

    relu = delphi.COSTS.relu.model_copy(update={"each_s": constant(22.1e-6), "layer_s": constant(0)})
    macs = constant(spread(0).macs)
    older = Costs(relu=relu, linear_s=constant(0.43), linear_macs=macs)
    found = [additive("delphi", older, spread(count), link).online_s for count in COUNTS]
    assert found == pytest.approx(NO_LAYER_TERM[link], rel=0.005, abs=0.006)


def test_the_order_of_the_protocols_flips_with_the_network_and_with_the_count() -> None:
    def order(count: int, link: Link) -> list[str]:
        found = {
            p.__name__.rpartition(".")[2]: p.price(spread(count), link).online_s for p in (delphi, crypten, cheetah)
        }
        return sorted(found, key=lambda name: found[name])

    assert order(12_900, LAN) == ["crypten", "cheetah", "delphi"]
    assert order(12_900, WAN) == ["delphi", "crypten", "cheetah"]
    assert order(49_900, WAN) == ["crypten", "delphi", "cheetah"]
    assert order(ALL, WAN) == ["crypten", "cheetah", "delphi"]


def test_the_same_count_in_fewer_layers_is_faster() -> None:
    packed = crypten.price(profile([0] * 11 + [748, 16_384, 8192, 8192, 8192, 8192]), WAN)
    assert packed.online_s == pytest.approx(1.64, abs=0.01)  # 1.82 s was measured; 4.18 s where it is spread
    assert (packed.rounds, crypten.price(spread(49_900), WAN).rounds) == (9 * 6, 9 * 17)


# DELPHI


@pytest.mark.parametrize("link", [ONE_HOST, LAN], ids=str)
def test_delphi_meets_the_network_it_was_fitted_on_within_5_percent(link: Link) -> None:
    price = delphi.price(spread(ALL), link)
    assert price.online_s == pytest.approx(14.11, rel=0.05)
    assert price.online_s == pytest.approx(22.13e-6 * ALL + 17 * 0.093, abs=0.01)
    assert (price.received_bytes, price.rounds) == (1184 * ALL, 34)
    assert price.sent_bytes == pytest.approx(4_986_594, rel=1e-3)


def test_delphi_is_too_dear_for_the_networks_it_was_not_fitted_on() -> None:
    resnet32, vgg16 = (
        delphi.price(spread(relus, layers), ONE_HOST) for relus, layers in ((303_104, 31), (284_672, 15))
    )
    assert resnet32.online_s / 8.22 == pytest.approx(1.17, abs=0.01)
    assert vgg16.online_s / 7.07 == pytest.approx(1.09, abs=0.01)


def test_the_linear_part_of_delphi_is_in_the_layers_that_keep_relus() -> None:
    macs = 555_422_720
    assert delphi.price(profile([1] * 17, macs=macs), LAN).linear_s == 0
    assert delphi.price(profile([0] * 17, macs=macs), LAN).linear_s == pytest.approx(0.43)
    assert delphi.price(profile([0] * 11 + [1] * 6, macs=macs), LAN).linear_s == pytest.approx(0.43 * 11 / 17)


# The table of the SNL line: (ReLUs, seconds)

RESNET18 = [(12_900, 0.291), (49_900, 1.066), (60_000, 1.28), (59_400, 1.265), (99_600, 2.12), (198_100, 4.18),
            (298_800, 6.281)]  # fmt: skip
WIDE_RESNET = [(120_000, 2.802), (180_000, 4.054)]


@pytest.mark.parametrize(("relus", "printed_s"), RESNET18)
@pytest.mark.parametrize("link", [LAN, WAN, ONE_HOST], ids=str)
def test_the_resnet18_rows_of_snl_within_3_percent_over_any_link(relus: int, printed_s: float, link: Link) -> None:
    price = snl_table.price(spread(relus), link)
    assert price.online_s == pytest.approx(printed_s, rel=0.03)
    assert price.notes == ("snl_table ignores the link: the table names none",)
    assert (price.online_bytes, price.rounds) == (None, None)


@pytest.mark.parametrize(("relus", "printed_s"), WIDE_RESNET)
def test_the_wide_resnet_rows_lie_on_another_line(relus: int, printed_s: float) -> None:
    assert printed_s - snl_table.price(spread(relus), LAN).online_s == pytest.approx(0.298 - 0.021, abs=0.02)
    assert printed_s == pytest.approx(20.87e-6 * relus + 0.298, rel=0.001)


def test_the_two_axes_of_delphi_are_not_mixed() -> None:
    assert delphi.CONSTANTS["relu.each_s"].value == 22.13e-6
    assert snl_table.CONSTANTS["relu.each_s"].value == 20.95e-6


# CrypTen


def test_crypten_counts_9_rounds_and_464_bytes_a_relu_and_1_and_16_a_square() -> None:
    price = crypten.price(profile([5, 0, 7, 0], [0, 3, 2, 0]), WAN)
    assert [layer.rounds for layer in price.layers] == [9, 1, 9, 0]  # squares beside ReLUs wait with them
    assert [layer.bytes for layer in price.layers] == [464 * 5, 16 * 3, 464 * 7 + 16 * 2, 0]
    assert price.sent_bytes == price.received_bytes == 232 * 12 + 8 * 5
    both, relus = price.layers[2].online_s, crypten.price(profile([7]), WAN).layers[0].online_s
    assert both - relus == pytest.approx(2 * (0.05e-6 + 8 * 16 / 400e6), rel=1e-6)


def test_the_bytes_of_autorep_with_squares_and_of_its_network_with_all_relus() -> None:
    network = 491_520
    budget = 12_900
    sites = [(network - budget) // 16] * 15
    squares = [*sites, network - budget - sum(sites)]
    assert crypten.price(profile([budget] + [0] * 15, squares), LAN).online_bytes == 13_643_520
    assert crypten.price(spread(network, 16), LAN).online_bytes == 228_065_280
    assert crypten.price(spread(budget, 16), LAN).online_bytes == 464 * budget


# Cheetah, CrypTFlow2


def test_cheetah_lies_within_the_measured_bytes_and_does_not_say_how_they_split() -> None:
    price = cheetah.price(spread(10_000), LAN)
    assert 101 <= price.online_bytes / 10_000 <= 116
    assert (price.sent_bytes, price.received_bytes, price.rounds) == (None, None, 20 * 17)


def test_cryptflow2_has_seconds_on_the_wan_of_its_source_only() -> None:
    there = cryptflow2.price(spread(1000), WAN)
    assert there.online_s == pytest.approx(5.6 * cheetah.price(spread(1000), WAN).online_s)
    assert there.online_bytes == 1_121_000
    assert "ResNet50" in there.notes[0]
    for link in (LAN, SLOW):
        elsewhere = cryptflow2.price(spread(1000), link)
        assert (elsewhere.online_s, elsewhere.rounds, elsewhere.online_bytes) == (None, None, 1_121_000)
        assert "unknown" in elsewhere.notes[0]
