"""Goals: names, values, what the sampler is told, front and hypervolume when an objective is a price."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frontier.errors import InputError
from frontier.latency import crypten, delphi
from frontier.latency._link import NAMED, Link
from frontier.results.measure import Measure
from frontier.results.profile import LinearProfile, Profile, SiteProfile
from frontier.results.record import MaskFile, Point, ReluCount, Scores
from frontier.results.spec import NetworkSpec
from frontier.spaces.goals import FOUR, goal_of, goals_of, whole_network, without_squares

WAN = "online_s@crypten/wan"
SITES = ((64, 32), (64, 16), (64, 8))  # (ReLUs, MACs) of three layers


def network(*kept: int, squares: tuple[int, ...] = (0, 0, 0)) -> Profile:
    return Profile(
        sites=tuple(
            SiteProfile(path=f"relu{i}", shape=(relus, 1, 1), relus=relus, kept=kept[i], squares=squares[i])
            for i, (relus, _) in enumerate(SITES)
        ),
        linear=(LinearProfile(path="conv", kind="conv2d", macs=10**6, input_elements=3072, output_elements=64),),
    )


def point(profile: Profile, clean: float = 0.5, spec: NetworkSpec | None = None) -> Point:
    scores = Scores(clean=Measure.of(clean, 100), corrupted=Measure.of(0.4, 100), adversarial=Measure.of(0.25, 100))
    return Point(
        network=spec,
        relu_budget=profile.kept,
        relu_count=profile.kept,
        counts=ReluCount(full=profile.kept, inner=profile.kept),
        validation=scores,
        test=scores,
        profile=profile,
        mask=MaskFile(file="mask.safetensors", hash="0"),
    )


def test_the_four_are_the_accuracies_and_the_count() -> None:
    assert FOUR.names == ("clean", "corrupted", "adversarial", "relu_count")
    assert FOUR.values(point(network(10, 0, 0))) == (0.5, 0.4, 0.25, 10.0)
    assert FOUR.told(point(network(0, 0, 0))) == (0.5, 0.4, 0.25, 0.0)
    assert FOUR.told(point(network(10, 0, 0)))[3] == 1


def test_a_price_is_that_of_the_points_profile() -> None:
    goals = goals_of(["clean", WAN, "rounds@crypten/wan", "online_bytes@delphi/lan"])
    profile = network(5, 0, 7)
    expected = (crypten.price(profile, NAMED["wan"]), delphi.price(profile, NAMED["lan"]))
    assert goals.values(point(profile)) == (0.5, expected[0].online_s, 18, expected[1].online_bytes)
    assert goals.objectives[1].unit == "s"


def test_a_name_is_the_same_for_every_way_to_write_the_link() -> None:
    assert goal_of("online_s@crypten/40,400") == goal_of(WAN)
    assert goal_of("rounds@crypten/ 20.0 , 100").objective.name == "rounds@crypten/20,100"
    assert goal_of("rounds@crypten/20,100").price.link == Link(rtt_ms=20, mbit_s=100)


@pytest.mark.parametrize("link", ["40,1234567", "20.1234567,100", "0.00001,100", "0,123456789012"])
def test_a_name_keeps_every_digit_of_its_link(link: str) -> None:
    name = goal_of(f"rounds@crypten/{link}").objective.name
    assert goal_of(name) == goal_of(f"rounds@crypten/{link}")
    assert name == f"rounds@crypten/{link}"


@pytest.mark.parametrize(
    ("names", "says"),
    [
        (["clean", "speed"], ["unknown objective 'speed'", "COST@PROTOCOL/LINK", "online_s@crypten/wan"]),
        (["clean", "relu_cuont"], ["Did you mean 'relu_count'?"]),
        (["clean", "online_s"], ["unknown objective 'online_s'", "COST@PROTOCOL/LINK"]),
        (["clean", "online@crypten/wan"], ["unknown objective 'online@crypten/wan'"]),
        (["clean", "online_s@crypten"], ["unknown objective 'online_s@crypten'"]),
        (["clean", "online_s@crytpen/wan"], ["unknown protocol 'crytpen'", "Did you mean 'crypten'?"]),
        (["clean", "online_s@crypten/wlan"], ["not a link in the objective 'online_s@crypten/wlan'", "got: wlan"]),
        (["clean", "online_s@crypten/40"], ["not a link", "RTT_MS,MBIT_S", "got: 40"]),
        (["clean", "offline_s@crypten/wan"], ["no source says what 'offline_s@crypten/wan' is"]),
        (["clean", "online_s@cryptflow2/lan"], ["no source says"]),
        (["clean", "sent_bytes@cheetah/lan"], ["no source says"]),
        (["clean", WAN, "online_s@crypten/40,400"], ["'online_s@crypten/wan' is there twice"]),
        (["clean", "corrupted"], ["no trade-off", "at least one cost", "got: clean, corrupted"]),
        ([WAN], ["no trade-off", "at least one of clean, corrupted, adversarial"]),
        ([], ["no trade-off", "got: no objective"]),
    ],
)
def test_names_that_are_none_are_refused_with_what_would_be_one(names: list[str], says: list[str]) -> None:
    with pytest.raises(InputError) as refused:
        goals_of(names)
    for part in says:
        assert part in str(refused.value)


def test_a_point_with_squares_has_no_price_where_the_protocol_has_none() -> None:
    goals = goals_of(["clean", "online_s@delphi/lan"])
    squared = point(network(5, 0, 0, squares=(0, 3, 0)))
    assert goals.values(squared) is None
    assert goals.told(squared) is None
    assert "no price for squares" in goals.problem(squared)
    assert not goals.problem(point(network(5, 0, 0)))
    assert [price.protocol for price in without_squares(goals_of(["clean", WAN, "rounds@delphi/lan"]))] == ["delphi"]


def test_the_front_is_by_the_price_and_not_by_the_count() -> None:
    packed, spread = point(network(30, 0, 0), 0.6), point(network(8, 8, 8), 0.6)
    assert FOUR.front([FOUR.values(packed), FOUR.values(spread)]) == [1]
    goals = goals_of(["clean", WAN])
    assert goals.front([goals.values(packed), goals.values(spread)]) == [0]


def test_the_front_rises_by_the_first_cost_and_equal_points_stay() -> None:
    rows = [(0.9, 0.8, 0.1, 20), (0.5, 0.5, 0.1, 10), (0.9, 0.8, 0.1, 20), (0.9, 0.8, 0.0, 20)]
    assert FOUR.front(rows) == [1, 0, 2]


def test_hypervolume_of_one_point_is_the_product_of_its_gains() -> None:
    # 10 of 100 ReLUs gain 1 - log10(10)/log10(100) = 1/2
    assert FOUR.hypervolume([(0.5, 0.8, 0.25, 10)], 100) == pytest.approx(0.5 * 0.8 * 0.25 * 0.5)
    assert FOUR.hypervolume([], 100) == 0


def test_the_whole_network_gains_nothing_and_no_relu_gains_all() -> None:
    assert FOUR.hypervolume([(1, 1, 1, 100)], 100) == 0
    assert FOUR.hypervolume([(1, 1, 1, 0)], 100) == FOUR.hypervolume([(1, 1, 1, 1)], 100) == 1
    goals, whole = goals_of(["clean", WAN]), network(64, 64, 64)
    none, full = (goals.values(point(profile, 1.0)) for profile in (network(0, 0, 0), whole))
    assert goals.hypervolume([full], 192, whole) == pytest.approx(0, abs=1e-12)
    assert goals.hypervolume([none], 192, whole) == pytest.approx(1)
    half = goals.values(point(network(1, 0, 0), 1.0))
    assert 0 < goals.hypervolume([half], 192, whole) < 1


def test_a_network_of_one_relu_has_no_logarithmic_axis() -> None:
    with pytest.raises(ValueError, match="at least 2"):
        FOUR.hypervolume([(1, 1, 1, 1)], 1)


@given(st.lists(st.integers(0, 64), min_size=3, max_size=3), st.integers(0, 2))
@settings(deadline=None, max_examples=50)
def test_one_more_relu_never_gains_by_a_price(kept: list[int], site: int) -> None:
    goals, whole = goals_of(["clean", WAN, "online_bytes@crypten/wan"]), network(64, 64, 64)
    more = [min(64, count + (i == site)) for i, count in enumerate(kept)]
    fewer_row, more_row = (goals.values(point(network(*counts))) for counts in (kept, more))
    assert goals.hypervolume([more_row], 192, whole) <= goals.hypervolume([fewer_row], 192, whole) + 1e-12


def test_the_ends_are_those_of_the_studys_own_network() -> None:
    narrow = point(network(1, 1, 1), spec=NetworkSpec(name="tinynet", options={"width": 0.5}))
    own = point(network(2, 0, 0))
    assert whole_network([narrow, own]) == own.profile
    assert whole_network([narrow]) == narrow.profile
    assert whole_network([]) is None
