"""Constants come back from measurements that they made; what these cannot tell apart stays; errors are held out."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

import pytest
from observed import measured, observation
from priced import profile, spread

from frontier.errors import InputError
from frontier.latency import crypten
from frontier.latency._calibrate import calibrate
from frontier.latency._calibrated import calibrated, note_of, protocol, protocol_of
from frontier.latency._fit import fit
from frontier.latency._formula import Costs, client_cpu_s
from frontier.latency._link import NAMED, Link
from frontier.latency._observed import Observation, is_loopback, link_of, rows_of
from frontier.results.calibration import Calibration
from frontier.results.profile import Profile

CRYPTEN = protocol("crypten")
WAN, LAN = NAMED["wan"], NAMED["lan"]
TRUE = {
    "relu.each_s": 0.4e-6, "relu.layer_s": 0.011, "relu.hops": 12.5, "relu.busier_bytes": 301, "linear_s": 0.15,
    "square.each_s": 0.09e-6, "square.layer_s": 0.002, "square.hops": 3, "square.busier_bytes": 21,
}  # fmt: skip
PACKED = {12_900: 2, 50_000: 6, 180_000: 11}


def packed(relus: int) -> Profile:
    layers = PACKED[relus]
    return profile([0] * (17 - layers) + [relus // layers + (index < relus % layers) for index in range(layers)])


RELUS = [spread(557_056), spread(0), *(make(count) for count in PACKED for make in (spread, packed))]
SQUARES = [profile([0] * 17, [count] * 9 + [0] * 8) for count in (100, 200_000)]
MIXED = [profile([2_000] * 17, [20_000] * 9 + [5_000] * 8), profile([900] * 3 + [0] * 14, [9_000] * 17)]


def observed(
    profiles: Sequence[Profile], values: Mapping[str, float] = TRUE, links: Sequence[Link | None] = (None, WAN)
) -> list[Observation]:
    costs = crypten.COSTS.replaced(values, "a test")
    return [observation(one, costs, link) for one in profiles for link in links]


def values_of(found: Calibration) -> dict[str, float]:
    return {name: constant.value for name, constant in found.constants.items() if constant.fitted}


def test_the_constants_that_made_the_measurements_come_back() -> None:
    found = calibrate(CRYPTEN, observed([*RELUS, *SQUARES, *MIXED]))
    assert values_of(found) == pytest.approx(TRUE, rel=1e-6)
    assert (found.measurements, found.runs) == (24, 72)


def test_without_squares_those_of_squares_keep_what_is_published() -> None:
    found = calibrate(CRYPTEN, observed(RELUS))
    known = {name: value for name, value in TRUE.items() if not name.startswith("square.")}
    assert values_of(found) == pytest.approx(known, rel=1e-6)
    for name, constant in found.constants.items():
        if name.startswith("square."):
            assert (constant.value, constant.runs) == (crypten.COSTS.named()[name].value, 0)
            assert constant.note.endswith(": in none of these runs")
    assert all(row.ratio == pytest.approx(1) for row in found.compared if row.ratio is not None)


def test_one_network_cannot_tell_a_relu_from_its_layer() -> None:
    found = calibrate(CRYPTEN, observed([spread(557_056)], links=[None]))
    assert set(values_of(found)) == {"relu.each_s", "linear_s"}
    assert found.constants["relu.layer_s"].value == crypten.COSTS.relu.layer_s.value
    assert "not told from the others" in found.constants["relu.layer_s"].note
    work_s = client_cpu_s(calibrated(CRYPTEN, found), spread(557_056))
    assert work_s == pytest.approx(client_cpu_s(crypten.COSTS.replaced(TRUE, "x"), spread(557_056)))
    assert [row.held_out for row in found.compared] == [False, False]  # nothing is left to price it by


def test_what_is_lost_in_the_noise_keeps_what_is_published() -> None:
    few = [profile([count, count], macs=100_000) for count in (20, 90)]
    noisy = [
        observation(one, crypten.COSTS, link, off)
        for one, off in zip(few, (1.2, 0.8), strict=True)
        for link in (None, WAN)
    ]
    found = calibrate(CRYPTEN, noisy)
    assert set(values_of(found)) == {"relu.layer_s", "relu.hops"}
    for name in ("relu.each_s", "relu.busier_bytes", "linear_s"):
        assert found.constants[name].value == crypten.COSTS.named()[name].value
        assert found.constants[name].note.endswith(": too little of these runs to be seen")


@pytest.mark.parametrize("networks", [1, 4, 30, 100])
def test_many_networks_do_not_bring_out_what_is_a_hundredth_of_each(networks: int) -> None:
    noise, layer_s = random.Random(0), crypten.COSTS.relu.layer_s.value
    relus = round(0.01 * layer_s / crypten.COSTS.relu.each_s.value)
    each = [profile([relus + index % 7] * (1 + index % 17), macs=1000) for index in range(networks)]
    found = fit(crypten.COSTS, rows_of(observation(one, crypten.COSTS, None, noise.uniform(0.9, 1.1)) for one in each))
    assert found["relu.each_s"].runs == 0
    assert found["relu.each_s"].note.endswith(": too little of these runs to be seen")
    assert found["relu.layer_s"].value == pytest.approx(layer_s, rel=0.12)


def test_what_is_half_of_few_networks_is_seen_among_many() -> None:
    without = [profile([1_000] * (1 + index)) for index in range(17)]
    some = profile([0] * 17, [500_000] * 17)
    found = calibrate(CRYPTEN, observed([*without, some], links=[None]))
    assert found.constants["square.each_s"].runs == 3


def test_without_loopback_the_work_stays_and_without_a_link_the_waiting_does() -> None:
    usual = {name: constant.value for name, constant in crypten.COSTS.named().items()}
    loopback = calibrate(CRYPTEN, observed(RELUS, links=[None]))
    assert set(values_of(loopback)) == {"relu.each_s", "relu.layer_s", "linear_s"}
    over = calibrate(CRYPTEN, observed(RELUS, {**usual, "relu.hops": 14}, links=[WAN]))
    assert values_of(over) == pytest.approx({"relu.hops": 14, "relu.busier_bytes": 240}, rel=1e-6)


def test_a_fast_link_on_a_busy_machine_does_not_spoil_the_hops() -> None:
    usual, busy = observed(RELUS), crypten.COSTS.replaced(TRUE, "a test")
    slow = [observation(one, busy, LAN, off=3.0) for one in RELUS]
    assert values_of(calibrate(CRYPTEN, [*usual, *slow])) == values_of(calibrate(CRYPTEN, usual))


def test_of_several_measurements_of_a_network_the_median_counts() -> None:
    costs = crypten.COSTS.replaced(TRUE, "a test")
    outlier = [observation(RELUS[0], costs, link, off=5.0) for link in (None, WAN)]
    found = calibrate(CRYPTEN, [*observed(RELUS), *observed(RELUS), *outlier])
    known = {name: value for name, value in TRUE.items() if not name.startswith("square.")}
    assert values_of(found) == pytest.approx(known, rel=1e-6)
    assert sum(row.runs for row in found.compared if row.quantity == "wall") == found.runs == 3 * 34


# held out


def test_every_budget_is_priced_by_a_fit_without_it() -> None:
    true = crypten.COSTS.replaced(TRUE, "a test")
    wrong = [observation(spread(50_000), true, link, off=1.2) for link in (None, WAN)]
    right = observed([one for one in RELUS if one.kept != 50_000])
    found = calibrate(CRYPTEN, [*right, *wrong])
    assert all(row.held_out for row in found.compared)
    of_wrong = [row.ratio for row in found.compared if row.relus == 50_000]
    assert of_wrong == [pytest.approx(1 / 1.2)] * 3
    assert found.largest_error("wall", "40 ms, 400 Mbit/s") == pytest.approx(1 - 1 / 1.2)
    assert found.largest_error("client CPU", "loopback") == pytest.approx(1 - 1 / 1.2)
    assert found.largest_error("client CPU", "40 ms, 400 Mbit/s") is None


def test_the_constants_rest_on_what_was_not_held_out() -> None:
    costs = crypten.COSTS.replaced(TRUE, "a test")
    update = {"machine": "Another", "measured_at": "2025-01-01T00:00:00+00:00", "load": {"client_before": 99.0}}
    aside = [measured(spread(50_000), costs, link).model_copy(update=update) for link in (None, WAN)]
    rest = observed([one for one in RELUS if one.kept != 50_000])
    found = calibrate(CRYPTEN, [*rest, *(Observation(spread(50_000), one) for one in aside)], hold_out=[50_000])
    assert (found.machines, found.load) == (("Abacus 3, 2 cores, linux",), (0.5, 1.5))
    assert found.measured_at[0] == "2026-01-01T00:00:00+00:00"
    assert "fitted to 36 runs" in note_of(found)


def test_given_budgets_are_not_fitted_on_and_one_set_of_constants_prices_all() -> None:
    true = crypten.COSTS.replaced(TRUE, "a test")
    wrong = [observation(one(50_000), true, link, off=2.0) for one in (spread, packed) for link in (None, WAN)]
    right = observed([one for one in RELUS if one.kept != 50_000])
    found = calibrate(CRYPTEN, [*right, *wrong], hold_out=[50_000])
    assert found.held_out == (50_000,)
    assert (found.measurements, found.runs) == (12, 36)
    assert values_of(found)["relu.hops"] == pytest.approx(TRUE["relu.hops"])
    assert all(row.ratio == pytest.approx(0.5) for row in found.compared if row.relus == 50_000)
    assert {row.held_out for row in found.compared if row.relus == 50_000} == {True}
    assert {row.held_out for row in found.compared if row.relus != 50_000} == {False}


def test_a_network_that_evaluates_nothing_has_no_ratio_of_cpu_seconds() -> None:
    found = calibrate(CRYPTEN, observed(RELUS))
    rows = {(row.quantity, row.link): row.ratio for row in found.compared if row.relus == 0}
    assert rows[("client CPU", "loopback")] is None
    assert rows[("wall", "40 ms, 400 Mbit/s")] == pytest.approx(1)


@pytest.mark.parametrize(
    ("profiles", "hold_out", "says"),
    [
        ([], [], "no measurements"),
        ([spread(0)], [5], "no network of 5 ReLUs was measured"),
        ([spread(5)], [5], "everything is held out"),
    ],
)
def test_nothing_to_fit_is_refused(profiles: list[Profile], hold_out: list[int], says: str) -> None:
    with pytest.raises(InputError, match=says):
        calibrate(CRYPTEN, observed(profiles), hold_out)


def test_measurements_that_tell_nothing_apart_are_refused() -> None:
    with pytest.raises(InputError, match="tell no constant apart"):
        calibrate(CRYPTEN, observed([spread(0)], links=[WAN]))


# what is fitted, and to what


def test_the_link_is_the_emulated_one_or_the_slower_direction_of_the_real_one() -> None:
    here = measured(spread(5), crypten.COSTS)
    assert is_loopback(here)
    assert link_of(measured(spread(5), crypten.COSTS, WAN)) == WAN
    link = here.link.model_copy(update={"rtt_ms": 11.0, "up_mbit_s": 90.0})
    there = here.model_copy(update={"parties": "two hosts", "link": link})
    assert not is_loopback(there)
    assert link_of(there) == Link(rtt_ms=11, mbit_s=90)
    (row,) = rows_of([Observation(spread(5), there)])
    assert (row.link_name, row.runs) == ("11 ms, 90 Mbit/s", 3)


def test_runs_that_were_discarded_are_not_counted() -> None:
    some = measured(spread(5), crypten.COSTS, discarded=2)
    (row,) = rows_of([Observation(spread(5), some)])
    assert row.runs == 1


def test_only_protocols_that_an_engine_measures_can_be_calibrated() -> None:
    assert (protocol_of("crypten"), protocol_of("nobody")) == ("crypten", None)
    for name in ("delphi", "snl_table", "cryptflow2"):
        with pytest.raises(InputError, match=r"cannot be fitted here[\s\S]*cheetah, crypten, one_message"):
            protocol(name)


def test_a_calibration_prices_with_its_constants_and_says_where_they_are_from() -> None:
    found = calibrate(CRYPTEN, observed([*RELUS, *SQUARES, *MIXED]))
    costs: Costs = calibrated(CRYPTEN, found)
    usual = crypten.price(spread(50_000), WAN)
    assert crypten.price(spread(50_000), WAN, costs).online_s != usual.online_s
    assert crypten.price(spread(50_000), WAN, costs).online_bytes == usual.online_bytes
    assert "9 of 9 constants fitted to 72 runs of crypten on Abacus 3, 2 cores, linux, 2026-01-01" in note_of(found)
    with pytest.raises(InputError, match=r"not those of crypten[\s\S]*got: one of cheetah"):
        calibrated(CRYPTEN, found.model_copy(update={"protocol": "cheetah"}))
