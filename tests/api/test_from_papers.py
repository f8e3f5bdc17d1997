"""A search that begins where papers have been: each place once, and what is left out is said."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

import frontier
from frontier.api.guesses import guesses_of
from frontier.api.lookups import load_space
from frontier.driver.guesses import Guess
from frontier.driver.study import Search
from frontier.errors import InputError
from frontier.results.published import published
from frontier.results.store import Study, StudyManifest
from frontier.spaces.domain import CountDomain
from frontier.spaces.space import Space

NOWHERE = Path("nowhere")


@pytest.fixture(scope="module")
def cifar10() -> Space:
    return load_space("cifar10_resnet18")


def places(guesses: tuple[Guess, ...], method: str) -> list[int]:
    return [int(guess.values["relu_budget"]) for guess in guesses if guess.values["method"] == method]


def test_every_place_on_the_spaces_data_and_network_is_a_guess(cifar10: Space) -> None:
    guesses, (note,) = guesses_of(["published"], cifar10, NOWHERE)
    assert places(guesses, "snl") == [12900, 14900, 25000, 29800, 40000, 49400, 60000, 69800, 79100, 99900]
    assert places(guesses, "senet") == [82_000 - 655]  # 82K of them with the stem's
    assert places(guesses, "deepreduce") == [114_000]
    assert all(guess.values.keys() == {"method", "relu_budget"} for guess in guesses)
    assert guesses[0].source == "published: snl-figure"
    for said in (
        "12 guesses from 12 published figures",
        "of methods that the space lacks",
        "whose network nobody says",
    ):
        assert said in note
    assert "1 whose count of 'inner' sites nobody says" in note  # SENet's 150K
    assert "\n" not in note


def test_a_place_that_several_papers_report_is_one_guess_that_names_them() -> None:
    guesses, (note,) = guesses_of(["published:autorep"], load_space("cifar100_resnet18"), NOWHERE)
    assert {guess.values["method"] for guess in guesses} == {"autorep"}
    assert places(guesses, "autorep") == [12_900, 50_000, 15_000, 25_000]
    assert guesses[0].source == "published: autorep-quoted, autorep-repository"
    assert note == (
        "4 guesses from 6 published figures of autorep on cifar100 with resnet18; left out: 1 whose network nobody says"
    )


def test_every_figure_is_a_guess_or_counted_as_left_out() -> None:
    space = load_space("cifar100_resnet18")
    guesses, (note,) = guesses_of(["published"], space, NOWHERE)
    looked_at = [f for f in published().figures if f.data == "cifar100" and f.network in ("resnet18", None)]
    used, left = note.split("; left out: ")
    counted = int(used.split(" from ")[1].split()[0]) + sum(int(part.split()[0]) for part in left.split(", "))
    assert counted == len(looked_at)
    assert "of ReLU counts outside the space's" in left
    for guess in guesses:
        assert space.relu_budget.contains(guess.values["relu_budget"])


def test_a_full_network_takes_counts_as_they_are(cifar10: Space) -> None:
    network = cifar10.network.model_copy(update={"sites": "full"})
    full = cifar10.model_copy(update={"network": network, "relus": 557_056})
    guesses, _ = guesses_of(["published"], full, NOWHERE)
    assert places(guesses, "senet") == [82_000, 150_000]
    assert places(guesses, "snl")[0] == 12_900


def test_a_space_of_one_budget_is_asked_for_the_method_alone(cifar10: Space) -> None:
    fixed = cifar10.model_copy(update={"relu_budget": 12_900, "anchors": ()})
    guesses, _ = guesses_of(["published:snl"], fixed, NOWHERE)
    assert [guess.values for guess in guesses] == [{"method": "snl"}]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("published:sln", r"(?s)a method 'sln'.*snl"),
        ("published:relupruner", r"(?s)nothing to ask.*of methods that the space lacks"),
        ("published:7", "no study 'published'"),
    ],
)
def test_nothing_to_ask_is_refused(cifar10: Space, tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        guesses_of([text], cifar10, tmp_path)


def test_a_network_that_no_paper_has_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"(?s)--enqueue: nothing to ask.*tinynet.*none is known"):
        frontier.search("digits", home=tmp_path, backend="inline", trials=1, enqueue=["published"])
    assert not (tmp_path / "studies").exists()


def test_a_network_with_options_is_another_one(cifar10: Space) -> None:
    narrow = cifar10.model_copy(update={"network": cifar10.network.model_copy(update={"options": {"width": 8}})})
    with pytest.raises(InputError, match="of the network without options"):
        guesses_of(["published"], narrow, NOWHERE)


def test_a_file_of_guesses_may_name_papers(cifar10: Space, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("- {method: fisher}\n- published:senet\n")
    guesses, notes = guesses_of([file], cifar10, NOWHERE)
    assert [guess.values["method"] for guess in guesses] == ["fisher", "senet"]
    assert len(notes) == 1


def test_a_search_asks_them_first_says_what_it_left_out_and_hands_out_the_rest_on_resume(
    cifar10: Space, tmp_path: Path
) -> None:
    space = cifar10.model_copy(update={"relu_budget": CountDomain(low=6000, high=40_000), "anchors": (40_000,)})
    guesses, notes = guesses_of(["published:snl"], space, tmp_path)
    assert len(guesses) == 5
    study = Study.create(tmp_path, _manifest(space), "name: papers\n")
    with Search(study, space, trials=10, guesses=guesses, notes=notes) as running:
        asked = [running.ask() for _ in range(3)]
    assert [(one.spec.method, one.spec.relu_budget) for one in asked if one] == [
        ("snl", 12_900),
        ("snl", 14_900),
        ("snl", 25_000),
    ]
    assert {one.spec.knobs["penalty"] for one in asked if one} != {1e-5}  # the sampler's
    with Search(study, space, trials=10) as running:
        again = [running.ask() for _ in range(6)]
    assert [one.spec.relu_budget for one in again if one] == [12_900, 14_900, 25_000, 29_800, 40_000, 40_000]
    assert json.loads((study.trial_folder(3) / "guess.json").read_text())["source"] == "published: snl-figure"
    warned = [event["message"] for event in study.events() if event["event"] == "warning"]
    assert warned == list(notes)


def _manifest(space: Space) -> StudyManifest:
    return StudyManifest(
        name="papers",
        space=space.model_dump(mode="json"),
        space_hash=space.space_hash,
        seed=0,
        sampler="random",
        relus=space.relus,
        created_at=datetime.now(UTC).isoformat(timespec="seconds"),
        code_version="0",
    )
