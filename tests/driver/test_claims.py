"""Who holds which trial: numbers are claimed once, and pass from a dead driver to one living driver."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import search_fakes as fakes

from frontier.driver import presence
from frontier.driver.claims import Claims, end_of, sweep
from frontier.driver.lock import driving, sharing
from frontier.driver.presence import Presence, bury, lives, living, remains
from frontier.errors import InputError
from frontier.results.store import Study


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return fakes.study(tmp_path)


@pytest.fixture
def drivers(study: Study) -> Iterator[tuple[Presence, Presence]]:
    with Presence(study.folder) as one, Presence(study.folder) as other:
        yield one, other


# numbers


@pytest.mark.parametrize(
    ("taken", "total", "end"),
    [((), 3, 3), ((0, 1, 2), 3, 0), ((0, 2), 4, 4), ((0, 5), 3, 2), ((3,), 1, 0), ((1, 2), 3, 1)],
)
def test_free_numbers_are_claimed_up_to_an_end_that_gives_the_total(
    taken: tuple[int, ...], total: int, end: int
) -> None:
    assert end_of(taken, total) == end
    whole = set(taken) | set(range(end))
    assert len(whole) == max(total, len(taken))


def test_the_end_does_not_move_while_numbers_below_it_are_claimed() -> None:
    taken = {1, 4, 9}
    end = end_of(taken, 8)
    for number in set(range(end)) - taken:
        taken.add(number)
        assert end_of(taken, 8) == (end if len(taken) < 8 else 0)


def test_two_drivers_claim_every_number_once(study: Study, drivers: tuple[Presence, Presence]) -> None:
    claims = [Claims(study, 7, driver) for driver in drivers]
    claimed = [one.claim() for _ in range(4) for one in claims]
    assert sorted(number for number in claimed if number is not None) == list(range(7))
    assert claimed.count(None) == 1
    assert [claims[0].holds(trial) for trial in range(7)] == [not claims[1].holds(trial) for trial in range(7)]
    assert study.trials() == list(range(7))


def test_a_replicate_is_one_from_its_first_moment(
    study: Study, drivers: tuple[Presence, Presence], monkeypatch: pytest.MonkeyPatch
) -> None:
    came: list[list[str]] = []
    rename = Path.rename

    def renamed(path: Path, target: Path) -> Path:
        found = rename(path, target)
        came.append(sorted(entry.name for entry in target.iterdir()))
        return found

    monkeypatch.setattr(Path, "rename", renamed)
    assert Claims(study, 1, drivers[0], replicates=True).claim() == 0
    assert came == [[f"driver-{drivers[0].name}", "replicate"]]
    assert Claims(study, 2, drivers[1]).claim() == 1
    assert Claims(study, 2, drivers[1]).claim() == 2  # two trials are asked for, beside the replicate
    assert Claims(study, 2, drivers[1]).claim() is None


def test_a_number_that_has_become_free_is_claimed_in_the_end(study: Study) -> None:
    claims = Claims(study, 3, None)
    assert [claims.claim() for _ in range(3)] == [0, 1, 2]
    study.trial_folder(1).rmdir()
    assert [claims.claim(), claims.claim()] == [1, None]


def test_a_number_is_given_back_where_one_was_killed_while_it_did(
    study: Study, drivers: tuple[Presence, Presence]
) -> None:
    claims = Claims(study, 1, drivers[0])
    for _ in range(2):
        assert claims.claim() == 0
        left = study.folder / "trials" / ".0.released"
        left.mkdir()
        (left / "driver-gone").touch()
        claims.release(0)
        assert list((study.folder / "trials").iterdir()) == []


def test_folders_are_not_listed_for_each_claim(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    listings = []
    trials = study.trials
    monkeypatch.setattr(study, "trials", lambda: listings.append(1) or trials())
    claims = Claims(study, 50, None)
    assert [claims.claim() for _ in range(50)] == list(range(50))
    assert len(listings) == 1


def test_of_two_that_take_a_trial_over_one_gets_it(study: Study, drivers: tuple[Presence, Presence]) -> None:
    with Presence(study.folder) as gone:
        trial = Claims(study, 1, gone).claim()
    assert trial == 0
    claims = [Claims(study, 1, driver) for driver in drivers]
    assert claims[0].owner(0) == gone.name
    assert claims[0].take_over(0)
    assert claims[0].take_over(0)
    assert [one.holds(0) for one in claims] == [True, False]
    assert claims[1].owner(0) == drivers[0].name


def test_a_trial_of_a_driver_that_worked_alone_can_be_taken_over(
    study: Study, drivers: tuple[Presence, Presence]
) -> None:
    assert Claims(study, 1, None).claim() == 0
    claims = Claims(study, 1, drivers[0])
    assert claims.owner(0) is None
    assert claims.take_over(0)
    assert claims.holds(0)


# who lives

DRIVER = """
import sys, time
from pathlib import Path
from frontier.driver.claims import Claims
from frontier.driver.presence import Presence
with Presence(Path(sys.argv[1])) as me:
    print(me.name, flush=True)
    time.sleep(60)
"""


def test_a_driver_that_is_killed_is_dead_at_once(study: Study) -> None:
    command = [sys.executable, "-c", DRIVER, str(study.folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as driver:
        assert driver.stdout is not None
        name = driver.stdout.readline().strip()
        assert living(study.folder) == {name}
        driver.send_signal(signal.SIGSTOP)  # it lives, however long it stands still
        os.utime(study.folder / "drivers" / name, (0, 0))
        assert lives(study.folder, name)
        driver.kill()
        driver.wait()
    assert not lives(study.folder, name)
    assert remains(study.folder) == {name}
    bury(study.folder, name)
    sweep(study, name)
    assert not remains(study.folder)


def test_a_driver_that_leaves_leaves_nothing(study: Study) -> None:
    with Presence(study.folder) as driver:
        assert lives(study.folder, driver.name)
    assert not lives(study.folder, driver.name)
    assert not remains(study.folder)


def test_another_hosts_driver_is_dead_when_its_file_is_old_by_the_file_systems_clock(study: Study) -> None:
    folder = study.folder / "drivers"
    folder.mkdir()
    other = folder / "elsewhere.00000000.1.abcdef"
    other.touch()
    now = other.stat().st_mtime
    assert lives(study.folder, other.name)
    os.utime(other, (now, now - presence.DEAD_AFTER_S / 2))
    assert lives(study.folder, other.name)
    os.utime(other, (now, now - 2 * presence.DEAD_AFTER_S))
    assert not lives(study.folder, other.name)


def test_a_driver_that_was_taken_for_dead_appears_again(study: Study) -> None:
    with Presence(study.folder) as driver:
        bury(study.folder, driver.name)
        assert not lives(study.folder, driver.name)
        driver.touch()
        assert lives(study.folder, driver.name)


# alone or together


def test_one_that_works_alone_and_those_that_share_keep_each_other_out(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("frontier.driver.lock.ENTERING_S", 0.0)
    with driving(study.folder), pytest.raises(InputError, match=f"process {os.getpid()} is working"):
        sharing(study.folder).__enter__()
    with ExitStack() as stack:
        first = stack.enter_context(sharing(study.folder))
        stack.enter_context(sharing(study.folder))
        with pytest.raises(InputError, match=first.name):
            driving(study.folder).__enter__()
    with driving(study.folder):
        pass
