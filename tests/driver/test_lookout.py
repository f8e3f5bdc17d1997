"""Who drives a study, seen from outside: nothing is written, no driver is kept out, and what is unknown is said."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import search_fakes as fakes

from frontier.driver import lookout, presence
from frontier.driver.lock import driving, sharing
from frontier.driver.lookout import ALONE, Lookout, Seen
from frontier.results.store import Study


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return fakes.study(tmp_path)


@contextmanager
def untouched(folder: Path) -> Iterator[None]:
    """Nothing is made, removed or written in this block."""

    def files() -> dict[Path, tuple[int, int]]:
        return {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in [folder, *folder.rglob("*")]}

    before = files()
    yield
    assert files() == before


def test_one_that_works_alone_is_seen_while_it_works(study: Study) -> None:
    look = Lookout(study.folder).look
    assert look() == Seen(frozenset())
    with driving(study.folder), untouched(study.folder):
        assert look() == Seen(frozenset({ALONE}))
    assert look() == Seen(frozenset())
    (study.folder / "driver.pid").write_text("1\n")  # as one leaves it that was killed
    with untouched(study.folder):
        assert look() == Seen(frozenset())


def test_a_driver_may_begin_while_somebody_looks(study: Study) -> None:
    (study.folder / "driver.pid").write_text("1\n")
    (study.folder / "driver.lock").touch()
    for _ in range(20):
        with driving(study.folder):
            pass
        (study.folder / "driver.pid").write_text("1\n")
        assert Lookout(study.folder).look().drivers == frozenset()


def test_those_that_share_are_seen_by_name_and_who_died_by_what_is_left(study: Study) -> None:
    look = Lookout(study.folder).look
    with sharing(study.folder) as first:
        with sharing(study.folder) as second, untouched(study.folder):
            assert look().drivers == {first.name, second.name}
        (study.folder / "drivers" / second.name).touch()
        assert look() == Seen(frozenset({first.name}), died=frozenset({second.name}))


def test_another_hosts_driver_lives_while_it_touches_its_file(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = study.folder / presence.FOLDER
    folder.mkdir()
    fresh, late, slow = (folder / f"{name}.00000000.1.abcdef" for name in ("fresh", "late", "slow"))
    now = time.time()
    for path, age in ((fresh, 0.0), (late, 3600.0), (slow, -3600.0)):  # the last one's clock is an hour ahead
        path.touch()
        os.utime(path, (now - age, now - age))
    look = Lookout(study.folder).look
    with untouched(study.folder):
        assert look() == Seen(frozenset({fresh.name, slow.name}), died=frozenset({late.name}))
    os.utime(late, (now - 3590, now - 3590))  # its clock is an hour behind, and it lives after all
    assert look().drivers == {fresh.name, late.name, slow.name}
    monkeypatch.setattr(lookout, "DEAD_AFTER_S", 0.0)
    assert look().drivers == frozenset()


def test_over_a_network_file_system_a_lone_driver_may_live_unseen(
    study: Study, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookout, "file_system", lambda folder: "nfs4")
    assert Lookout(study.folder).look() == Seen(frozenset())
    with driving(study.folder):
        assert Lookout(study.folder).look().drivers == {ALONE}
    (study.folder / "driver.pid").write_text("1\n")
    assert Lookout(study.folder).look() == Seen(frozenset(), sure=False)
