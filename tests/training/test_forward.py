"""Compiling where that is possible, and saying so where it is not."""

import shutil

import pytest
import torch
from torch import nn

from frontier.results.spec import Recipe
from frontier.training.forward import can_compile, forward_of, wants_compile

CPU = torch.device("cpu")


def test_without_a_compiler_training_is_eager_and_a_line_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    lines: list[str] = []
    assert not wants_compile(Recipe(epochs=1, lr=1, compile=True), CPU, lines.append)
    assert lines == ["torch.compile: off, no C++ compiler was found; training runs eagerly, slower"]
    assert can_compile(torch.device("cuda")) is None


def test_what_was_not_asked_for_is_not_mentioned() -> None:
    lines: list[str] = []
    assert not wants_compile(Recipe(epochs=1, lr=1), CPU, lines.append)
    assert lines == []


def test_the_precision_is_the_recipes() -> None:
    model = nn.Linear(4, 2)
    pixels = torch.rand(3, 4)
    for precision, dtype in (("float32", torch.float32), ("bfloat16", torch.bfloat16)):
        recipe = Recipe.model_validate({"epochs": 1, "lr": 1, "precision": precision})
        assert forward_of(model, recipe, CPU, compiled=False)(pixels).dtype == dtype


def test_the_twentieth_network_of_a_worker_is_still_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[object] = []

    def compiler(graph: torch.fx.GraphModule, inputs: list[torch.Tensor]) -> object:
        compiled.append(graph)
        return graph.forward

    compile_ = torch.compile
    monkeypatch.setattr(torch, "compile", lambda model: compile_(model, backend=compiler))
    for width in range(20):
        model = nn.Sequential(nn.Linear(4, width + 1), nn.ReLU())
        forward_of(model, Recipe(epochs=1, lr=1, compile=True), CPU, compiled=True)(torch.rand(3, 4))
    assert len(compiled) == 20
