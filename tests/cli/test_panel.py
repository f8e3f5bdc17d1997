"""The panel's plain lines, its screen and the arithmetic below them, on a synthetic study of twenty trials."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from frontier.cli._panel import PlainLines, choose, duration, follow, panel, printable
from frontier.cli._progress import Progress

HINT = "frontier search digits --resume"


def event(name: str, second: int, **fields: Any) -> dict[str, Any]:
    minutes, seconds = divmod(second, 60)
    return {"v": 1, "ts": f"2026-01-01T00:{minutes:02d}:{seconds:02d}.000+00:00", "event": name, **fields}


def counts(complete: int, failed: int = 0, unfinished: int = 0) -> dict[str, int]:
    return {"complete": complete, "pruned": 0, "failed": failed, "unfinished": unfinished, "unreadable": 0}


def begun() -> dict[str, Any]:
    return event("started", 0, study="digits", space_hash="ab", sampler="hybrid", seed=0, trials=20, relus=1280)


def asked(trial: int, second: int) -> dict[str, Any]:
    return event("asked", second, trial=trial, method="snl", relu_budget=100 * trial)


def finished(trial: int, second: int, *, state: str = "complete") -> dict[str, Any]:
    fine = state == "complete"
    return event(
        "finished",
        second,
        trial=trial,
        state=state,
        reason=None if fine else "loss became\nNaN \x1b[31m",
        method="snl",
        relu_budget=100 * trial,
        relu_count=100 * trial if fine else None,
        clean=0.5 + 0.02 * trial if fine else None,
        corrupted=0.4 if fine else None,
        adversarial=0.2 if fine else None,
        points=1 if fine else 0,
        clean_by_point=[(100 * trial, 0.5 + 0.02 * trial)] if fine else [],
        wall_s=8.0,
    )


def standing(second: int, complete: int, failed: int, volume: float) -> dict[str, Any]:
    front = [str(i) for i in range(complete)]
    return event("front", second, counts=counts(complete, failed, 1), front=front, hypervolume=volume)


EVENTS = [
    begun(),
    asked(0, 0),
    finished(0, 10),
    standing(10, 1, 0, 0.10),
    asked(1, 10),
    finished(1, 20, state="failed"),
    standing(20, 1, 1, 0.10),
    event("nobody knows this one", 21),
    asked(2, 20),
    finished(2, 30),
    standing(30, 2, 1, 0.25),
    event("stopping", 31, reason="Ctrl-C"),
    event("interrupted", 32, reason="Ctrl-C", counts=counts(2, 1)),
]


def resumed(second: int, *, trials: int) -> dict[str, Any]:
    stands = {"counts": counts(2, 1, 1), "front": ["0", "2"], "hypervolume": 0.25}
    return event("resumed", second, study="digits", trials=trials, again=[3], **stands)


def reduced(events: list[dict[str, Any]]) -> Progress:
    progress = Progress()
    for each in events:
        progress = progress.reduce(each)
    return progress


def test_plain_lines_are_exactly_these() -> None:
    stream = io.StringIO()
    with follow("plain", resume=HINT, stream=stream) as tell:
        for each in EVENTS:
            tell(each)
    assert stream.getvalue().splitlines() == [
        "frontier search digits · 20 trials · sampler hybrid · seed 0 · 1,280 ReLUs",
        "1/20 (5%) done 1 | front 1 points, best clean 50.0% @ 0 ReLUs (trial 0) | hv 0.100 (+0.100 in last 1)",
        "warning: trial 1 failed: loss became NaN [31m",
        (
            "2/20 (10%) done 1 failed 1 | front 1 points, best clean 50.0% @ 0 ReLUs (trial 0) "
            "| hv 0.100 (+0.100 in last 2) | ETA 3m 00s"
        ),
        (
            "3/20 (15%) done 2 failed 1 | front 2 points, best clean 54.0% @ 200 ReLUs (trial 2) "
            "| hv 0.250 (+0.250 in last 3) | ETA 2m 50s"
        ),
        "stopping (Ctrl-C): 0 running trials may finish",
        (
            "interrupted (Ctrl-C); 3/20 (15%) done 2 failed 1 | front 2 points, best clean 54.0% @ 200 ReLUs (trial 2) "
            "| hv 0.250 (+0.250 in last 3) | ETA 3m 01s"
        ),
        f"go on with: {HINT}",
    ]


def test_a_plain_line_waits_for_five_percent_or_thirty_seconds() -> None:
    stream = io.StringIO()
    lines = PlainLines(stream, Progress(), "")
    lines.tell({**begun(), "trials": 1000})
    for trial in range(80):
        lines.tell(finished(trial, trial))
        lines.tell(standing(trial, trial + 1, 0, 0.1))
    shown = [line.split()[0] for line in stream.getvalue().splitlines()[1:]]
    assert shown == ["31/1000", "61/1000"]


def test_a_resumed_driver_keeps_what_was_there_and_measures_its_own_pace() -> None:
    before = reduced(EVENTS)
    progress = before.reduce(resumed(600, trials=30))
    assert (progress.ended, progress.trials, progress.eta_s, progress.phase) == (3, 30, None, "running")
    for trial in (3, 4):
        progress = progress.reduce(finished(trial, 600 + 5 * trial))
    assert progress.eta_s == pytest.approx((20 / 2) * 25)
    assert progress.sampler == "hybrid"
    assert progress.best is not None
    assert progress.best.address == "4"


def test_an_extra_point_can_be_the_best() -> None:
    told = finished(3, 40) | {"clean_by_point": [(300, 0.56), (5000, 0.9), (700, 0.6)]}
    best = reduced([*EVENTS, told]).best
    assert best is not None
    assert (best.address, best.relu_count, best.clean) == ("3.1", 5000, 0.9)


def test_a_resumed_study_shows_its_front_before_any_trial_has_finished() -> None:
    stream = io.StringIO()
    with follow("plain", stream=stream) as tell:
        tell(resumed(600, trials=20))
    assert stream.getvalue().splitlines() == [
        "frontier search digits · 20 trials, resumed; 3/20 (15%) done 2 failed 1 | front 2 points | hv 0.250",
    ]


def test_the_gain_in_hypervolume_is_over_the_last_twenty_trials() -> None:
    progress = reduced([begun(), *(standing(i, i + 1, 0, 0.01 * (i + 1)) for i in range(50))])
    gain, over = progress.gain
    assert over == 20
    assert gain == pytest.approx(0.20)


@pytest.mark.parametrize(
    "broken",
    [{}, {"event": "finished"}, {"event": "finished", "ts": "yesterday"}, {"event": "front", "ts": None}, {"event": 3}],
)
def test_events_that_are_unknown_or_broken_change_nothing(broken: dict[str, Any]) -> None:
    progress = reduced(EVENTS[:4])
    assert progress.reduce(broken) is progress


def test_the_panel_fits_a_terminal_of_80_by_24() -> None:
    many = [begun()]
    for trial in range(15):
        many += [asked(trial, trial), finished(trial, trial), standing(trial, trial + 1, 0, 0.1)]
    many += [asked(trial, 20) for trial in range(15, 19)]
    many.append(event("warning", 20, message="a very long warning " * 20))
    console = Console(file=io.StringIO(), width=80, height=24, force_terminal=False)
    with console.capture() as capture:
        console.print(panel(reduced(many), "frontier search digits --name digits --home results --resume"))
    lines = capture.get().splitlines()
    assert len(lines) <= 18
    assert max(map(len, lines)) <= 80
    assert any(line.startswith("trials") and "15/20" in line and "done 15" in line and "ETA" in line for line in lines)
    assert any("#18 snl @ 1,800" in line for line in lines)


def test_the_rich_panel_leaves_no_escape_codes_where_there_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    stream = io.StringIO()
    with follow("rich", resume=HINT, past=EVENTS[:4], stream=stream) as tell:
        tell(EVENTS[4])
    assert "#1 snl @ 100" in stream.getvalue()
    assert "\x1b" not in stream.getvalue()


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "environment", "chosen"),
    [
        (Terminal(), {"TERM": "xterm"}, "rich"),
        (Terminal(), {"TERM": "dumb"}, "plain"),
        (Terminal(), {"TERM": "xterm", "CI": "true"}, "plain"),
        (io.StringIO(), {"TERM": "xterm"}, "plain"),
    ],
)
def test_auto_is_rich_only_on_a_capable_terminal(stream: io.StringIO, environment: dict[str, str], chosen: str) -> None:
    assert choose("auto", stream, environment) == chosen
    assert choose("none", stream, environment) == "none"


def test_no_color_is_honoured_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    stream = Terminal()
    with follow("rich", past=EVENTS[:7], stream=stream):
        pass
    assert "\x1b[33m" not in stream.getvalue()
    assert "\x1b[31m" not in stream.getvalue()


def test_the_mode_none_says_nothing() -> None:
    stream = io.StringIO()
    with follow("none", stream=stream) as tell:
        for each in EVENTS:
            tell(each)
    assert stream.getvalue() == ""


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (45.4, "45s"), (185, "3m 05s"), (4320, "1h 12m"), (183_600, "2d 3h")],
)
def test_durations_have_two_units_at_most(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_control_characters_never_reach_the_terminal() -> None:
    assert printable("a\x1b]0;title\x07\nb\u202e") == "a ]0;title b"
