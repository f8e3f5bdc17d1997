"""The online phase of an inference: what each party does once the client has its image, and nothing else is timed.

The client sends its masked image, then speaks at gates alone; the server walks through all steps on its own shares.
At a gate both evaluate ReLUs and squares in the engine, and the client hands over its new shares of them, masked by
what it drew offline, so that it knows its share of the next linear layer's input. What is passed through sends nothing.
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor

from frontier.engines._channel import Channel
from frontier.engines._offline import Shares, Weights, polynomial, pooled
from frontier.engines._plan import Add, Gate, Plan, Pool, Product, Reshape, Scale, Step
from frontier.engines._ring import SERVER, truncate

INPUT, HANDOVER, OUTPUT = "input", "handover", "output"


class Evaluator(Protocol):
    """What an engine offers to a party."""

    cpu_s: float  # of the last inference in processes of its own, known once it is finished

    def deal(self, seed: int, counts: tuple[tuple[int, int], ...]) -> None:
        """Offline: get ready for gates of so many ReLUs and squares, in this order."""

    def evaluate(self, relus: Tensor, squares: Tensor) -> tuple[Tensor, Tensor]:
        """This party's shares of x -> of relu(x), and of x^2 (truncated); one of them may be empty."""

    def finish(self) -> None:
        """After an inference and its clock: whatever the engine has not counted yet goes into the channel's tally.

        Raises VerificationError if the inference was not the one that was dealt for."""


def client_run(plan: Plan, shares: Shares, image: Tensor, channel: Channel, engine: Evaluator) -> Tensor:
    """The logits in the ring, of an encoded image (C, H, W)."""
    channel.send(image - shares.values[0], INPUT)
    for step, fresh in zip(plan.steps, shares.fresh, strict=True):
        if isinstance(step, Gate) and len(step.relus) + len(step.squares):
            mine = shares.values[step.source].flatten()
            relus, squares = engine.evaluate(mine[step.relus], mine[step.squares])
            channel.send(torch.cat([relus - fresh.relus, squares - fresh.squares]), HANDOVER)
    return shares.values[-1] + channel.receive(plan.elements[1], OUTPUT).view(plan.shapes[-1])


def server_run(
    plan: Plan, weights: Weights, offsets: tuple[Tensor, ...], channel: Channel, engine: Evaluator, fraction_bits: int
) -> None:
    """Ends when the masked logits are sent."""
    values = [channel.receive(plan.elements[0], INPUT).view(plan.shapes[0])]
    for step, factor, offset in zip(plan.steps, weights.factors, offsets, strict=True):
        if isinstance(step, Gate):
            values.append(_gate(step, values[step.source], factor, offset, channel, engine, fraction_bits))
        else:
            values.append(_local(step, values, factor, offset, fraction_bits))
    channel.send(values[-1], OUTPUT)


def _local(step: Step, values: list[Tensor], factor: Tensor, offset: Tensor, fraction_bits: int) -> Tensor:
    if isinstance(step, Add):
        return values[step.left] + values[step.right]
    x = values[step.source]
    if isinstance(step, Product):
        return truncate(step.linear(x, factor) + offset, fraction_bits, SERVER)
    if isinstance(step, Scale):
        return truncate(x * factor + offset, fraction_bits, SERVER)
    if isinstance(step, Pool):
        return pooled(step, x, fraction_bits, SERVER)
    assert isinstance(step, Reshape)
    return x.reshape(step.shape)


def _gate(
    step: Gate, x: Tensor, factor: Tensor, offset: Tensor, channel: Channel, engine: Evaluator, fraction_bits: int
) -> Tensor:
    flat = x.flatten()
    relus = squares = flat[:0]
    if len(step.relus) + len(step.squares):
        relus, squares = engine.evaluate(flat[step.relus], flat[step.squares])
        handed = channel.receive(len(relus) + len(squares), HANDOVER)
        relus, squares = relus + handed[: len(relus)], squares + handed[len(relus) :]
    there = flat[step.polynomials]
    out = flat.clone()
    out[step.relus] = relus
    out[step.polynomials] = truncate(polynomial(step, factor, there, squares) + offset, fraction_bits, SERVER)
    return out.view(x.shape)
