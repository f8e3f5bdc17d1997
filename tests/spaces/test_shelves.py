from __future__ import annotations

from pathlib import Path

import pytest

from frontier import registry, shelves
from frontier.api.lookups import load_space
from frontier.errors import InputError
from frontier.trial.check import knobs_of


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


def test_every_promised_space_is_shipped() -> None:
    papers = {"cifar10_resnet18", "cifar100_resnet18", "cifar100_wrn22_8", "tiny_imagenet_resnet18", "robust_front"}
    assert papers | {"digits", "cifar10_lab", "head_to_head"} <= set(shelves.available("search_spaces"))


@pytest.mark.parametrize("name", shelves.available("search_spaces"))
def test_both_ends_of_every_domain_of_a_shipped_space_make_a_trial(name: str) -> None:
    space = load_space(name)
    for method in space.method_names:
        domains = space.parameters(method)
        module = registry.load("method", method)
        for end in (0, -1):
            assigned = {key: domain.probes[end] for key, domain in domains.items()}
            knobs = knobs_of(space.spec({"method": method} | assigned, seed=0))
            if space.passes is not None:  # the search leaves at least an epoch of finetuning
                assert module.passes(knobs) + 4 <= space.passes


def test_the_papers_spaces_hold_every_method_and_say_how_to_run_them_without_a_gpu() -> None:
    ours = {path.stem for path in (shelves.PACKAGE / "methods").glob("[!_]*.py")}  # plug-ins are no paper's
    for name in ("cifar10_resnet18", "cifar100_resnet18", "cifar100_wrn22_8", "tiny_imagenet_resnet18"):
        space = load_space(name)
        assert set(space.method_names) == ours
        assert (space.network.sites, space.resources.gpu) == ("inner", 1)
        assert "# On a CPU" in shelves.find("search_spaces", name).read_text(encoding="utf-8")
