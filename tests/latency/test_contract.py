"""What every protocol owes: prices that add up, that never fall with the count, and constants with their sources."""

from __future__ import annotations

from types import ModuleType

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from priced import profile, spread

from frontier import registry
from frontier.errors import InputError
from frontier.latency._constant import Constant
from frontier.latency._link import NAMED, Link, parse_link
from frontier.latency._price import Price
from frontier.latency._sums import Counts, Sums
from frontier.results.profile import Profile

LINKS = [*NAMED.values(), parse_link("0,1")]
KEYS = {"online_s", "offline_s", "online_bytes", "sent_bytes", "received_bytes", "rounds", "layers"}
LAYER_KEYS = {"path", "relus", "squares", "online_s", "bytes", "rounds"}


@pytest.fixture(params=registry.names("protocol"))
def protocol(request: pytest.FixtureRequest) -> ModuleType:
    return registry.load("protocol", request.param)


def knows_squares(protocol: ModuleType) -> bool:
    return any(name.startswith("square.") for name in protocol.CONSTANTS)


def test_it_says_what_it_is_and_every_constant_names_its_source(protocol: ModuleType) -> None:
    for said in (protocol.ONLINE, protocol.OFFLINE, protocol.ROUNDS):
        assert said.endswith(".")
    assert protocol.CONSTANTS
    for constant in protocol.CONSTANTS.values():
        assert isinstance(constant, Constant)
        assert constant.source
        assert constant.unit
        assert constant.fitted_on != ""


@pytest.mark.parametrize("link", LINKS, ids=str)
def test_the_parts_of_a_price_add_up(protocol: ModuleType, link: object) -> None:
    kept = [0, 1, 10, 997, 65_536]
    squares = [5, 0, 3, 0, 0] if knows_squares(protocol) else None
    price: Price = protocol.price(profile(kept, squares), link)
    assert [layer.relus for layer in price.layers] == kept
    assert [layer.squares for layer in price.layers] == (squares or [0] * 5)
    assert set(price.model_dump(mode="json")) == KEYS
    assert set(price.model_dump(mode="json")["layers"][0]) == LAYER_KEYS
    assert Price.model_validate_json(price.model_dump_json()).layers == price.layers
    parts = [*(layer.online_s for layer in price.layers), price.linear_s, price.input_output_s]
    if price.online_s is None:
        assert parts == [None] * len(parts)
        assert price.notes
    else:
        assert price.online_s == pytest.approx(sum(part for part in parts if part is not None), rel=1e-12)
        assert None not in parts
    for total, of_layers in (
        (price.online_bytes, [layer.bytes for layer in price.layers]),
        (price.rounds, [layer.rounds for layer in price.layers]),
    ):
        assert of_layers == [None] * 5 if total is None else sum(filter(None, of_layers)) == total
    if price.sent_bytes is None or price.received_bytes is None:
        assert price.sent_bytes is price.received_bytes is None
    else:
        assert price.sent_bytes + price.received_bytes == price.online_bytes


@given(
    networks=st.lists(
        st.lists(st.tuples(st.integers(0, 70_000), st.integers(0, 3).map(lambda n: 500 * n)), max_size=19), max_size=4
    ),
    rtt_ms=st.floats(0, 500),
    mbit_s=st.floats(0.1, 1e5),
)
@example(networks=[[(5, 0), (0, 0)], [(0, 0)], []], rtt_ms=0.3, mbit_s=3000.0)
def test_sums_of_many_are_those_of_each_to_the_last_bit(
    networks: list[list[tuple[int, int]]], rtt_ms: float, mbit_s: float
) -> None:
    link = Link(rtt_ms=rtt_ms, mbit_s=mbit_s)
    profiles = [profile([kept for kept, _ in sites], [squares for _, squares in sites]) for sites in networks]
    for name in registry.names("protocol"):
        module = registry.load("protocol", name)
        if hasattr(module, "sums"):
            assert module.sums(Counts.of(profiles), link) == [_sums_of(module, one, link) for one in profiles]


def _sums_of(protocol: ModuleType, one: Profile, link: Link) -> Sums:
    try:
        price: Price = protocol.price(one, link)
    except InputError:
        return Sums()
    return Sums(*(getattr(price, name) for name in Sums._fields))


@pytest.mark.parametrize("link", LINKS, ids=str)
def test_a_layer_without_relus_costs_nothing_but_its_linear_part(protocol: ModuleType, link: object) -> None:
    price = protocol.price(profile([0, 40, 0]), link)
    for layer in (price.layers[0], price.layers[2]):
        assert not layer.online_s
        assert not layer.bytes
        assert not layer.rounds
    none = protocol.price(profile([0, 0, 0]), link)
    if none.online_s is not None:
        assert none.online_s == pytest.approx(none.linear_s + none.input_output_s)
        assert none.online_s > 0


def test_more_relus_or_a_worse_link_never_cost_less(protocol: ModuleType) -> None:
    for better, worse in ((NAMED["lan"], NAMED["wan"]), (parse_link("40,400"), parse_link("40,100"))):
        prices = [protocol.price(spread(count), better) for count in (0, 1, 17, 1000, 1001, 557_056)]
        sizes = [price.online_bytes for price in prices]
        assert sizes == [None] * 6 or sizes == sorted(set(sizes))
        seconds = [price.online_s for price in prices]
        assert seconds == [None] * 6 or seconds == sorted(set(seconds))
        slower = protocol.price(spread(1000), worse).online_s
        assert None in (slower, seconds[3]) or slower >= seconds[3]


def test_squares_have_a_price_or_are_refused_with_a_cure(protocol: ModuleType) -> None:
    squares = profile([0, 3], [4, 0])
    if knows_squares(protocol):
        assert protocol.price(squares, NAMED["lan"]).layers[0].bytes > 0
        return
    with pytest.raises(InputError, match="no price for squares") as refused:
        protocol.price(squares, NAMED["lan"])
    assert "crypten" in str(refused.value)
