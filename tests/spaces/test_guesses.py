"""A file of guesses: every entry in the space's own values, every mistake with its file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from frontier.api.lookups import load_space
from frontier.errors import InputError
from frontier.spaces.guesses import Written, read_guesses
from frontier.spaces.space import Space


@pytest.fixture
def question(space: Path) -> Space:
    space.write_text(space.read_text().replace("methods:\n", "methods:\n  random: {}\n"))
    return load_space(str(space))


def read(tmp_path: Path, question: Space, text: str) -> list[Written]:
    path = tmp_path / "guesses.yaml"
    path.write_text(text)
    return list(read_guesses(path, question))


def test_entries_may_be_whole_or_partial_or_points_of_other_studies(tmp_path: Path, question: Space) -> None:
    text = """
- {method: snl, relu_budget: 5%, snl.penalty: 0.01, finetune.lr: 0.01}
- {relu_budget: 100}
- other:7.1
"""
    first, second, third = read(tmp_path, question, text)
    assert first.values == {"method": "snl", "relu_budget": 9, "snl.penalty": 0.01, "finetune.lr": 0.01}
    assert second.values == {"relu_budget": 100}
    assert (third.values, third.where) == ("other:7.1", f"{tmp_path / 'guesses.yaml'}:4")


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ("{method: [snl]}", "guesses.yaml:2: unknown method"),
        ("{method: snel}", "guesses.yaml:2: unknown method 'snel'.*Did you mean 'snl'"),
        ("{method: snl, snl.penaltie: 1}", "guesses.yaml:2: 'snl.penaltie' is not.*Did you mean 'snl.penalty'"),
        ("{snl.penalty: 0.01}", "to do: say 'method: snl' beside it"),
        ("{method: random, snl.penalty: 0.01}", "'snl.penalty' is not searched"),
        ("{method: snl, snl.penalty: 7}", "guesses.yaml:2: a value outside the domain of 'snl.penalty'"),
        ("{method: snl, snl.penalty: yes}", "outside the domain"),
        ("{method: snl, snl.penalty: [1, 2]}", "not a value for"),
        ("{relu_budget: 200%}", "above the network's 192 ReLUs"),
        ("{relu_budget: 0.5}", "write 50% for a share"),
        ("{}", "not a guess"),
        ("7", "not a guess"),
    ],
)
def test_a_wrong_entry_is_named_with_its_line(tmp_path: Path, question: Space, entry: str, says: str) -> None:
    with pytest.raises(InputError, match=f"(?s){says}"):
        read(tmp_path, question, f"# mine\n- {entry}\n")


def test_all_mistakes_are_told_at_once(tmp_path: Path, question: Space) -> None:
    with pytest.raises(InputError, match=r"(?s)guesses.yaml:1: .*guesses.yaml:3: "):
        read(tmp_path, question, "- {method: snel}\n- {relu_budget: 5}\n- {relu_budget: 999}\n")


@pytest.mark.parametrize("text", ["", "method: snl\n", "[]\n"])
def test_what_is_no_list_is_refused(tmp_path: Path, question: Space, text: str) -> None:
    with pytest.raises(InputError, match="not a list of guesses"):
        read(tmp_path, question, text)


def test_a_budget_that_the_space_fixes_may_be_said_and_is_no_value(tmp_path: Path, question: Space) -> None:
    fixed = question.model_copy(update={"relu_budget": 96})
    (written,) = read(tmp_path, fixed, "- {method: random, relu_budget: 50%, finetune.lr: 0.01}\n")
    assert written.values == {"method": "random", "finetune.lr": 0.01}
    with pytest.raises(InputError, match="another ReLU budget"):
        read(tmp_path, fixed, "- {relu_budget: 7}\n")
