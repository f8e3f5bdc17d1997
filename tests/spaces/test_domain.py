from __future__ import annotations

import pytest
from pydantic import TypeAdapter

from frontier.errors import InputError
from frontier.spaces import _yaml, budget
from frontier.spaces._document import Document
from frontier.spaces.domain import (
    AnyDomain,
    ChoiceDomain,
    CountDomain,
    FloatDomain,
    IntDomain,
    LogDomain,
    parse,
)

RELUS = 768


def document(text: str) -> tuple[Document, object]:
    read = _yaml.read(f"# head\nkey: {text}\n".encode(), "x.yaml")
    assert isinstance(read.data, dict)
    return read, read.data["key"]


def domain(text: str) -> AnyDomain:
    read, raw = document(text)
    assert isinstance(raw, dict)
    return parse(raw, read, ("key",))


def resolved(text: str) -> int | AnyDomain:
    read, raw = document(text)
    return budget.resolve_budget(raw, RELUS, read, ("key",))


def test_each_form_gives_its_domain() -> None:
    assert domain("{int: [1, 5]}") == IntDomain(low=1, high=5)
    assert domain("{int: [1, 1e3]}") == IntDomain(low=1, high=1000)
    assert domain("{float: [0, 1]}") == FloatDomain(low=0, high=1)
    assert domain("{log: [1e-5, 1e-3]}") == LogDomain(low=1e-5, high=1e-3)
    assert domain("{choice: [a, 1, true]}") == ChoiceDomain(options=("a", 1, True))


def test_a_domain_survives_json() -> None:
    adapter: TypeAdapter[AnyDomain] = TypeAdapter(AnyDomain)
    for one in (IntDomain(low=0, high=3), CountDomain(low=0, high=3), ChoiceDomain(options=(1, 1.0, True, "1"))):
        again = adapter.validate_json(adapter.dump_json(one))
        assert repr(again) == repr(one)


def test_bounds_are_included_and_types_are_kept() -> None:
    assert IntDomain(low=1, high=5).contains(5)
    assert not IntDomain(low=1, high=5).contains(6)
    assert not IntDomain(low=0, high=5).contains(True)
    assert not IntDomain(low=0, high=5).contains(2.0)
    assert FloatDomain(low=0, high=1).contains(1)
    assert not FloatDomain(low=0, high=1).contains("1")
    assert not FloatDomain(low=0, high=1).contains(float("nan"))
    assert ChoiceDomain(options=(1,)).contains(1)
    assert not ChoiceDomain(options=(1,)).contains(True)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{int: [5, 1]}", "the lower bound 5 is not below the upper bound 1"),
        ("{int: [5, 5]}", "the lower bound 5 is not below the upper bound 5"),
        ("{int: [1, 2.5]}", "valid integer"),
        ("{int: [1]}", "expected: two bounds, [lo, hi]"),
        ("{int: 5}", "expected: two bounds, [lo, hi]"),
        ("{float: [a, b]}", "wrong bound at 'key.float[0]'"),
        ("{float: [true, 2]}", "expected: a number"),
        ("{float: [0, .inf]}", "finite number"),
        ("{log: [0, 1]}", "greater than 0"),
        ("{log: [-1, 1]}", "greater than 0"),
        ("{choice: []}", "an empty choice"),
        ("{choice: a}", "expected: a list of options"),
        ("{choice: [a, b, a]}", "the choice contains 'a' twice"),
        ("{choice: [a, null]}", "got: nothing (null)"),
        ("{choices: [a, b]}", "Did you mean 'choice'?"),
        ("{int: [1, 2], log: [1, 2]}", "expected: a constant, {int: [lo, hi]} or"),
        ("{}", "not a domain at 'key'"),
    ],
)
def test_wrong_domain_is_an_error_with_its_line(text: str, message: str) -> None:
    with pytest.raises(InputError) as error:
        domain(text)
    assert str(error.value).startswith("x.yaml:2: ")
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("100%", 768),
        ("1%", 7),
        ("0.1%", 0),
        ("0.5%", 3),
        ("12.5 %", 96),
        ("0%", 0),
        ("0", 0),
        ("768", 768),
        ("1_0", 10),
    ],
)
def test_percentage_is_a_share_of_the_relus_rounded_down(text: str, count: int) -> None:
    assert resolved(text) == count


def test_percentage_is_exact_where_floats_are_not() -> None:
    read, _ = document("0")
    assert budget.resolve_count("0.29%", 100_000, read, ("key",)) == 290  # 0.29 * 100000 / 100 < 290 in floats


def test_budget_domains_hold_counts() -> None:
    assert resolved("{log: [0, 100%]}") == CountDomain(low=0, high=768)
    assert resolved("{int: [1%, 50%]}") == IntDomain(low=7, high=384)
    assert resolved("{choice: [5%, 10, 100%]}") == ChoiceDomain(options=(38, 10, 768))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("769", "the ReLU budget is above the network's 768 ReLUs"),
        ("100.1%", "the ReLU budget is above the network's 768 ReLUs"),
        ("{log: [0, 101%]}", "above the network's 768 ReLUs"),
        ("-1", "the ReLU budget is negative"),
        ("-5%", "the ReLU budget is negative"),
        ("0.05", "to do: write 5% for a share of the ReLUs"),
        ("true", "not a ReLU budget"),
        ("lots", "not a ReLU budget"),
        ("null", "not a ReLU budget"),
        ("[1, 2]", "not a ReLU budget"),
        ("{float: [0, 1]}", "unknown domain 'float'"),
        ("{choice: [0.1%, 0]}", "the choice contains 0 twice"),
        ("{int: [0, 0.1%]}", "the lower bound 0 is not below the upper bound 0"),
    ],
)
def test_wrong_budget_is_an_error_with_its_line(text: str, message: str) -> None:
    with pytest.raises(InputError) as error:
        resolved(text)
    assert str(error.value).startswith("x.yaml:2: ")
    assert message in str(error.value)
