"""A search with a pruner: pruned trials count, are told as such, and are on no front; the question stays the same."""

from __future__ import annotations

from pathlib import Path

import pytest

import frontier
from frontier.api.lookups import load_space
from frontier.errors import InputError


@pytest.fixture
def longer(space: Path) -> Path:
    """Epochs enough for two rungs."""
    space.write_text(space.read_text().replace("finetune: {epochs: 2", "finetune: {epochs: 4"))
    return space


def test_pruned_trials_count_and_are_on_no_front(longer: Path, tmp_path: Path) -> None:
    study = frontier.search(longer, home=tmp_path, backend="inline", trials=5, pruner="record_holders")
    counts = study.counts()
    assert counts["complete"] + counts["pruned"] == 5
    assert counts["complete"] >= 1
    assert counts["pruned"] >= 1
    pruned = [number for number, record in study.records() if record.state == "pruned"]
    assert not {int(found.address.partition(".")[0]) for found in study.front()} & set(pruned)
    again = frontier.search(longer, home=tmp_path, backend="inline", trials=5, resume=True)
    assert again.counts() == counts


def test_a_study_is_resumed_with_the_pruner_that_it_was_made_with(longer: Path, tmp_path: Path) -> None:
    frontier.search(longer, home=tmp_path, backend="inline", trials=1)
    with pytest.raises(InputError, match="was made with another value"):
        frontier.search(longer, home=tmp_path, backend="inline", trials=2, resume=True, pruner="stratified")


def test_a_pruner_is_no_part_of_the_question(longer: Path) -> None:
    plain = load_space(str(longer))
    longer.write_text(longer.read_text().replace("sampler: random", "sampler: random, pruner: stratified"))
    pruning = load_space(str(longer))
    assert pruning.search.pruner == "stratified"
    assert pruning.space_hash == plain.space_hash
    assert "pruner" not in plain.search.model_dump()


def test_an_unknown_pruner_is_refused_with_its_line(longer: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="unknown pruner 'stratify'"):
        frontier.search(longer, home=tmp_path, backend="inline", trials=1, pruner="stratify")
    longer.write_text(longer.read_text().replace("sampler: random", "sampler: random, pruner: asha"))
    with pytest.raises(InputError, match=r"machinery\.yaml:\d+: unknown pruner 'asha'"):
        load_space(str(longer))
