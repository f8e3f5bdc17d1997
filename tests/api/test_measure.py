"""Which runs of a measurement count, and what is refused before anything is started."""

from __future__ import annotations

import pytest
import torch

from frontier.api.measure import _judged, measure
from frontier.engines._session import Inference
from frontier.errors import InputError
from frontier.results.measured import Counted, Run, Spread

CLEAR = [1.0, 3.0, 2.0]
NOTHING = Counted(
    sent_bytes=0, received_bytes=0, rounds=0, input_bytes=0, handover_bytes=0, output_bytes=0, header_bytes=0
)


def judged(logits: list[float], clear: list[float] = CLEAR, fraction_bits: int = 16) -> Run:
    given = torch.tensor(logits, dtype=torch.float64)
    found = Inference(online_s=1.0, client_cpu_s=0.1, server_cpu_s=0.2, logits=given, counted=NOTHING)
    return _judged(found, torch.tensor(clear, dtype=torch.float64), 2, 1, fraction_bits)


def test_a_run_that_agrees_counts() -> None:
    run = judged([1.001, 2.99, 2.0])
    assert (run.discarded, run.argmax_equal, run.decided) == (None, True, True)
    assert run.max_error == pytest.approx(0.01)
    assert run.largest_logit == 3.0
    assert (run.repeat, run.image, run.online_s, run.client_cpu_s, run.server_cpu_s) == (2, 1, 1.0, 0.1, 0.2)


def test_a_run_that_is_off_by_more_than_a_hundredth_of_the_largest_logit_is_discarded() -> None:
    assert judged([1.031, 3.0, 2.0]).discarded == "a logit is off by 0.031, and 0.03 is tolerated"
    assert judged([3.7e6, 3.0, 2.0]).discarded is not None
    assert judged([1.029, 3.0, 2.0]).discarded is None


def test_fewer_fraction_bits_are_borne_with() -> None:
    assert judged([1.1, 3.0, 2.0], fraction_bits=14).discarded is not None
    assert judged([1.1, 3.0, 2.0], fraction_bits=12).discarded is None


def test_another_class_counts_only_where_the_margin_in_clear_is_small() -> None:
    run = judged([1.0, 2.99, 3.0], clear=[1.0, 3.0, 2.99])
    assert (run.argmax_equal, run.decided, run.discarded) == (False, False, None)


def test_a_spread_is_of_the_runs_that_count() -> None:
    assert Spread.of([1.0, 2.0, 6.0]) == Spread(median=2.0, min=1.0, max=6.0, mean=3.0)


@pytest.mark.parametrize(("repeats", "images"), [(0, 1), (1, 0), (10**6, 2)])
def test_nothing_to_measure_is_refused(repeats: int, images: int) -> None:
    with pytest.raises(InputError, match="nothing to measure"):
        measure("absent", repeats=repeats, images=images)
