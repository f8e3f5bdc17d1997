"""A view and the query of its address are one thing said twice; what nobody understands falls back and is named."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from frontier.latency._link import Link
from frontier.web.axes import AXES
from frontier.web.view import COLOURS, LIMITS, Known, Setting, View, parse, printed

KNOWN = Known(studies=("a", "b.c-d", "Z_9"), protocols=("crypten", "delphi"), figures=("clean_vs_relus", "mask_atlas"))
finite = st.floats(allow_nan=False, allow_infinity=False)
settings = st.builds(
    Setting,
    protocol=st.sampled_from(KNOWN.protocols),
    link=st.builds(Link, rtt_ms=st.floats(0, 1e9, allow_nan=False), mbit_s=st.floats(1e-6, 1e12, allow_nan=False)),
)
keys = st.builds(
    lambda study, trial, point: f"{study}:{trial}{point}",
    st.sampled_from(KNOWN.studies),
    st.integers(0, 10**9),
    st.sampled_from(["", ".1", ".12"]),
)


def _box(numbers: list[float]) -> tuple[float, float, float, float]:
    (x0, x1), (y0, y1) = sorted(numbers[:2]), sorted(numbers[2:])
    return x0, x1, y0, y1


views = st.builds(
    View,
    studies=st.lists(st.sampled_from(KNOWN.studies), unique=True).map(tuple),
    x=st.sampled_from(tuple(AXES)),
    y=st.sampled_from(tuple(AXES)),
    log_x=st.none() | st.booleans(),
    log_y=st.none() | st.booleans(),
    colour=st.sampled_from(COLOURS),
    setting=settings,
    before=st.none() | settings,
    limits=st.dictionaries(st.sampled_from(LIMITS), st.floats(0, 100)).map(
        lambda found: tuple((name, found[name]) for name in LIMITS if name in found)
    ),
    brush=st.none() | st.lists(finite, min_size=4, max_size=4).map(_box),
    point=st.just("") | keys,
    beside=st.just("") | keys,
    seeds=st.lists(st.integers(0, 2**31), unique=True).map(tuple),
    paused=st.booleans(),
    papers=st.booleans(),
    views=st.none() | st.lists(st.sampled_from(KNOWN.figures), unique=True).map(tuple),
    page=st.integers(0, 10**6),
)


@given(views)
def test_a_printed_view_is_read_back_as_it_was(view: View) -> None:
    assert parse(printed(view), KNOWN) == (view, ())


@given(st.text(max_size=200))
def test_no_query_is_an_error(text: str) -> None:
    view, _ = parse(text, KNOWN)
    assert isinstance(view, View)


def test_the_usual_view_needs_no_query() -> None:
    assert printed(View()) == ""
    assert parse("", KNOWN) == (View(), ())


@pytest.mark.parametrize(
    "query",
    [
        "?x=accuracy", "?y=", "?study=other", "?price=delphi", "?price=nobody/lan", "?price=delphi/nan,1",
        "?brush=1,2,3", "?brush=2,1,0,1", "?brush=nan,1,0,1", "?limit_clean=inf", "?point=a:../../etc",
        "?point=a:1.x", "?point=other:1", "?seed=-1", "?paused=yes", "?view=nobody", "?page=1e3", "?colour=red",
        "?log_x=2", "?unheard=of", "?limit_clean=100.5", "?limit_corrupted=-1", "?limit_online_s=-0.1",
    ],
)  # fmt: skip
def test_what_means_nothing_falls_back_with_a_note(query: str) -> None:
    view, notes = parse(query, KNOWN)
    assert view == View()
    assert len(notes) == 1


def test_one_bad_value_spoils_no_other() -> None:
    view, notes = parse("?x=online_s&y=wrong&limit_clean=80&study=a&study=nobody&seed=3", KNOWN)
    assert (view.x, view.y, view.limits, view.studies, view.seeds) == (
        "online_s",
        "clean",
        (("clean", 80.0),),
        ("a",),
        (3,),
    )
    assert [("wrong" in notes[0]), ("nobody" in notes[1])] == [True, True]


def test_an_endless_query_is_not_read() -> None:
    view, notes = parse("?" + "seed=1&" * 5000, KNOWN)
    assert view == View()
    assert "too long" in notes[0]


def test_a_view_cannot_hold_what_it_does_not_know() -> None:
    unknown: dict[str, Any] = {"folder": "/"}
    with pytest.raises(ValueError, match="Extra inputs"):
        View(**unknown)
