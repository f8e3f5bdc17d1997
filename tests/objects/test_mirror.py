"""Mirrors: what is finished is published, what is missing fetched, and of several machines one makes what all need."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from frontier import leases
from frontier.leases import held
from frontier.mirror import fetch, home_at, mirror_of, once_anywhere, publish, shown
from frontier.objects import Bucket

Machine = Callable[[str], Path]


def obtain(home: Path, made: list[str], content: str = "made") -> str:
    """A thing of two files; who makes it is noted."""
    folder = home / "teachers" / "abc"
    folder.mkdir(parents=True, exist_ok=True)

    def find() -> str | None:
        path = folder / "weights"
        if path.is_file() and (text := path.read_text()) != "torn":
            return text
        path.unlink(missing_ok=True)
        return None

    def make(check: Callable[[], None]) -> None:
        check()
        made.append(str(home))
        (folder / "recipe").write_text("recipe")
        (folder / "weights").write_text(content)

    return once_anywhere(folder, "weights", ("recipe", "weights"), find, make)


def test_a_folder_is_a_home_of_its_own_and_no_mirror(tmp_path: Path, memory: str) -> None:
    assert home_at(tmp_path) == tmp_path
    assert home_at("results") == Path("results")
    assert mirror_of(tmp_path / "studies") is None
    (tmp_path / "file").write_text("1")
    publish(tmp_path / "file")
    assert Bucket(memory).keys() == {}
    assert not fetch(tmp_path / "none")


def test_every_machine_has_a_mirror_of_its_own(machine: Machine, memory: str) -> None:
    one = machine("one")
    assert one == home_at(f"{memory}/")
    assert shown(one / "studies") == f"{memory}/studies"
    (one / "file").write_text("1")
    publish(one / "file")
    two = machine("two")
    assert one != two
    assert fetch(two / "file")
    assert (two / "file").read_text() == "1"
    assert home_at("memory://bucket/other") != two


def test_two_stores_under_one_url_have_two_mirrors(tmp_path: Path, home: str, monkeypatch: pytest.MonkeyPatch) -> None:
    one = home_at(home)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    assert home_at(home) != one


def test_what_one_machine_has_made_the_next_one_fetches(machine: Machine, memory: str) -> None:
    made: list[str] = []
    assert obtain(machine("one"), made) == "made"
    assert obtain(machine("two"), made, "made again") == "made"
    assert len(made) == 1
    assert set(Bucket(memory).keys()) == {"teachers/abc/recipe", "teachers/abc/weights"}


def test_what_is_there_in_part_or_torn_is_made_again(machine: Machine, memory: str) -> None:
    made: list[str] = []
    Bucket(memory).put("teachers/abc/recipe", b"recipe")
    assert obtain(machine("one"), made) == "made"
    Bucket(memory).put("teachers/abc/weights", b"torn")
    assert obtain(machine("two"), made, "made again") == "made again"
    assert Bucket(memory).get("teachers/abc/weights") == b"made again"
    assert len(made) == 2


def test_what_was_made_and_not_published_is_published_later(machine: Machine, memory: str) -> None:
    home, made = machine("one"), []
    (home / "teachers" / "abc").mkdir(parents=True)
    (home / "teachers" / "abc" / "weights").write_text("made before a crash")
    (home / "teachers" / "abc" / "recipe").write_text("recipe")
    assert obtain(home, made) == "made before a crash"
    assert obtain(machine("two"), made) == "made before a crash"
    assert made == []


def test_a_lease_at_a_url_is_held_by_one_and_followed_when_its_owner_is_dead(
    machine: Machine, memory: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = machine("one")
    mirror = mirror_of(home)
    assert mirror is not None
    place = mirror.place(home / "studies")
    with held(place, "driver") as first:
        assert first is not None
        with held(place, "driver") as second:
            assert second is None
    assert Bucket(memory).keys() == {}
    elsewhere = json.dumps({"token": "t", "who": "process 1 on far", "process": "boot 1 2"})
    assert place.create(".driver.lease-1", elsewhere)
    with held(place, "driver") as lease:
        assert lease is None, "it may live"
    monkeypatch.setattr(leases, "DEAD_AFTER_S", -1.0)
    told: list[str] = []
    with held(place, "driver", told.append) as lease:
        assert lease is not None
        assert not lease.is_lost()
        place.create(".driver.lease-3", elsewhere)
        assert lease.is_lost()
    assert "far" in told[0]
