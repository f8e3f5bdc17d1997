"""The live line of an evaluation: what it says, and when a plain line is due."""

from __future__ import annotations

import io

import pytest

from frontier.api.evaluate import Progress
from frontier.cli._steps import PlainSteps, follow
from frontier.errors import InputError
from frontier.trial.battery import Step


def at(done: int, stage: str, step: int) -> Progress:
    return Progress(f"{done}.1", done, 2, Step(stage, step, 5, 1234 - step))


def test_plain_lines_come_where_a_point_begins_and_every_half_minute() -> None:
    out, clock = io.StringIO(), iter([0.0, 10.0, 31.0, 32.0])
    lines = PlainSteps(out, lambda: next(clock))
    for progress in (at(0, "fgsm/8", 0), at(0, "pgd-20/8", 1), at(0, "autoattack/8", 2), at(1, "fgsm/8", 0)):
        lines.tell(progress)
    assert out.getvalue().splitlines() == [
        "point 0.1 (1/2) fgsm/8 (0/5) 1,234 images left",
        "point 0.1 (1/2) autoattack/8 (2/5) 1,232 images left",
        "point 1.1 (2/2) fgsm/8 (0/5) 1,234 images left",
    ]


@pytest.mark.parametrize(("mode", "shown"), [("rich", "pgd-20/8"), ("plain", "fgsm/8"), ("none", "")])
def test_every_mode_follows(mode: str, shown: str) -> None:
    out = io.StringIO()
    with follow(mode, out) as tell:
        tell(at(0, "fgsm/8", 0))
        tell(at(0, "pgd-20/8", 1))
    assert shown in out.getvalue()
    assert bool(out.getvalue()) is (mode != "none")


def test_an_unknown_mode_is_refused() -> None:
    with pytest.raises(InputError, match="unknown choice"), follow("loud", io.StringIO()):
        pass
