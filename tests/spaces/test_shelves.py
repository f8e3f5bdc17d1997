from __future__ import annotations

from pathlib import Path

import pytest

from frontier import shelves
from frontier.errors import InputError


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory, and a package in a checkout beside it, both empty."""
    working = tmp_path / "working"
    working.mkdir()
    monkeypatch.chdir(working)
    monkeypatch.setattr(shelves, "PACKAGE", tmp_path / "checkout" / "frontier")
    return working


def put(folder: Path, name: str, text: str = "") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text)
    return folder / name


def test_working_directory_wins_over_wheel_and_wheel_over_checkout(here: Path) -> None:
    checkout = put(here.parent / "checkout/search_spaces", "a.yaml")
    assert shelves.find("search_spaces", "a") == checkout
    shipped = put(shelves.PACKAGE / "_shelves/search_spaces", "a.yaml")
    assert shelves.find("search_spaces", "a") == shipped
    mine = put(here / "search_spaces", "a.yaml")
    assert shelves.find("search_spaces", "a") == mine


def test_a_path_is_taken_as_it_stands(here: Path) -> None:
    put(here / "search_spaces", "a.yaml")
    other = put(here / "elsewhere", "a.yaml")
    assert shelves.find("search_spaces", "elsewhere/a.yaml").resolve() == other
    assert shelves.find("search_spaces", str(other)) == other
    with pytest.raises(InputError, match=r"no file 'a\.yaml'"):
        shelves.find("search_spaces", "a.yaml")


def test_names_of_all_places_are_available_once(here: Path) -> None:
    put(here / "search_spaces", "b.yaml")
    put(here / "search_spaces", ".hidden.yaml")
    put(here / "search_spaces", "README.md")
    put(shelves.PACKAGE / "_shelves/search_spaces", "a.yaml")
    put(shelves.PACKAGE / "_shelves/search_spaces", "b.yaml")
    assert shelves.available("search_spaces") == ["a", "b"]
    assert shelves.available("reports/specs") == []


def test_unknown_name_names_the_nearest(here: Path) -> None:
    put(here / "search_spaces", "digits.yaml")
    with pytest.raises(InputError, match="Did you mean 'digits'"):
        shelves.find("search_spaces", "digit")
    with pytest.raises(InputError, match="Did you mean 'digits'"):
        shelves.find("search_spaces", "./digitz.yaml")


def test_a_folder_is_refused(here: Path) -> None:
    (here / "x").mkdir()
    with pytest.raises(InputError, match="a folder, not a file"):
        shelves.find("search_spaces", "./x")


def test_shipped_spaces_are_on_the_shelf_of_a_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert {"digits", "cifar10_lab"} <= set(shelves.available("search_spaces"))
