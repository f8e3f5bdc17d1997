"""Constraints: how they are written, how far a point is from one, and what they do to a space's hash."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from frontier.api.lookups import load_space
from frontier.errors import InputError
from frontier.latency import crypten
from frontier.latency._link import NAMED
from frontier.results.measure import Measure
from frontier.results.profile import LinearProfile, Profile, SiteProfile
from frontier.results.record import MaskFile, Point, ReluCount, Scores
from frontier.spaces.constraints import UNPRICED, constraint_of, constraints_of, violated
from frontier.spaces.space import Space


def point(clean: float = 0.5, kept: int = 10, squares: int = 0) -> Point:
    profile = Profile(
        sites=(SiteProfile(path="relu", shape=(64, 1, 1), relus=64, kept=kept, squares=squares),),
        linear=(LinearProfile(path="conv", kind="conv2d", macs=10**6, input_elements=3072, output_elements=64),),
    )
    scores = Scores(clean=Measure.of(clean, 100), corrupted=Measure.of(0.4, 100), adversarial=Measure.of(0.25, 100))
    counts = ReluCount(full=kept, inner=kept)
    mask = MaskFile(file="mask.safetensors", hash="0")
    return Point(
        relu_budget=kept, relu_count=kept, counts=counts, validation=scores, test=scores, profile=profile, mask=mask
    )


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("clean >= 0.8", "clean >= 0.8"),
        ("clean>=80%", "clean >= 0.8"),
        ("relu_count <= 1e3", "relu_count <= 1000"),
        ("online_s@crypten/40,400 <= 2.50", "online_s@crypten/wan <= 2.5"),
    ],
)
def test_a_constraint_reads_the_same_however_it_was_written(written: str, text: str) -> None:
    assert constraint_of(written).text == text
    assert constraint_of(text) == constraint_of(written)


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("clean", "not a constraint"),
        ("clean == 0.8", "not a constraint"),
        ("clean >= high", "not a constraint"),
        ("clean >= .", "without a number"),
        ("cleen >= 0.8", "Did you mean 'clean'"),
        ("clean <= 0.8", "bounded from below"),
        ("relu_count >= 5", "bounded from above"),
        ("clean >= 80", "write 0.8, or 80%"),
        ("relu_count <= 5%", "an amount in ReLUs"),
        ("relu_count <= -1", "negative cost"),
        ("relu_count <= 1e999", "nothing misses"),
    ],
)
def test_what_is_no_constraint_is_refused_with_what_is_meant(written: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        constraint_of(written)


def test_two_constraints_on_one_objective_are_refused() -> None:
    with pytest.raises(InputError, match="two constraints on 'online_s@crypten/wan'"):
        constraints_of(["online_s@crypten/wan <= 2", "online_s@crypten/40,400 <= 3"])


def test_a_violation_is_in_the_scale_that_the_sampler_is_told() -> None:
    assert constraint_of("clean >= 0.8").violation(point(clean=0.5)) == pytest.approx(0.3)
    assert constraint_of("clean >= 0.8").violation(point(clean=0.9)) == pytest.approx(-0.1)
    assert constraint_of("clean >= 0.8").violation(point(clean=0.8)) == 0
    assert constraint_of("relu_count <= 1").violation(point(kept=10)) == pytest.approx(1)
    assert constraint_of("relu_count <= 0").violation(point(kept=1)) > 0  # though log10 tells 0 and 1 not apart
    assert constraint_of("relu_count <= 0").violation(point(kept=0)) == 0
    seconds = crypten.price(point().profile, NAMED["wan"]).online_s
    price = constraint_of(f"online_s@crypten/wan <= {seconds / 2}")
    assert price.violation(point()) == pytest.approx(math.log10(2))


def test_a_point_without_a_price_keeps_to_no_constraint_on_it() -> None:
    limits = constraints_of(["online_s@delphi/wan <= 1e9", "clean >= 0.9", "relu_count <= 100"])
    assert limits[0].violation(point(squares=3)) == UNPRICED
    assert violated(limits, point(squares=3)) == ("online_s@delphi/wan <= 1000000000", "clean >= 0.9")
    assert violated((), point()) == ()


def load(path: Path, *lines: str) -> Space:
    path.write_text("\n".join([path.read_text(), *lines, ""]))
    return load_space(str(path))


def test_a_space_without_constraints_has_the_hash_and_the_json_that_it_had(space: Path) -> None:
    plain = load_space(str(space))
    assert "constraints" not in plain.model_dump(mode="json")
    assert load(space, "constraints: []").space_hash == plain.space_hash


def test_constraints_are_part_of_the_question_and_survive_the_manifest(space: Path) -> None:
    plain = load_space(str(space))
    bounded = load(space, "constraints: [clean >= 80%, online_s@crypten/wan <= 2.0]")
    assert bounded.constraints == ("clean >= 0.8", "online_s@crypten/wan <= 2")
    assert bounded.space_hash != plain.space_hash
    again = Space.model_validate(bounded.model_dump(mode="json"))
    assert (again.limits, again.space_hash) == (bounded.limits, bounded.space_hash)


def test_one_constraint_needs_no_list(space: Path) -> None:
    assert load(space, "constraints: clean >= 0.8").constraints == ("clean >= 0.8",)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("constraints: [clean >= 0.8, cleen >= 0.9]", r"machinery.yaml:19: unknown objective 'cleen'"),
        ("constraints: [clean >= 0.8, clean >= 0.9]", r"machinery.yaml:19: two constraints on 'clean'"),
        ("constraints: {clean: 0.8}", r"machinery.yaml:19: wrong value for 'constraints'"),
    ],
)
def test_a_wrong_constraint_is_named_with_its_line(space: Path, line: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        load(space, line)


def test_a_price_that_squares_have_not_cannot_be_a_constraint_where_there_may_be_squares(space: Path) -> None:
    space.write_text(space.read_text().replace("exact: yes", "exact: yes, surrogate: degree2"))
    with pytest.raises(InputError, match="has no price for squares"):
        load(space, "constraints: [online_s@delphi/wan <= 2]")
