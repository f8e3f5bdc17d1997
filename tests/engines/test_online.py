"""The online phase on shares gives the exported network's logits, under an engine that opens all."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
from bundles import channels, linearized
from torch import Tensor

from frontier import registry
from frontier.engines._channel import Channel
from frontier.engines._lower import lower
from frontier.engines._offline import Weights, client_shares, server_offsets
from frontier.engines._online import HANDOVER, INPUT, OUTPUT, client_run, server_run
from frontier.engines._plan import Plan
from frontier.engines._ring import CLIENT, SERVER, decode, draw, encode, truncate
from frontier.errors import InputError
from frontier.nn.network import build

BITS = 16
IMAGE = (3, 16, 16)


def inference(plan: Plan, image: Tensor, seed: int = 0) -> tuple[Tensor, Channel]:
    """Both parties in two threads; the logits, and the client's channel with its counters."""
    engine = registry.load("engine", "opened")

    def serve(channel: Channel) -> None:
        weights = Weights.of(plan, BITS)
        offsets = server_offsets(plan, weights, client_shares(plan, seed, BITS), channel.check)
        with engine.evaluator(channel, SERVER, BITS) as evaluator:
            server_run(plan, weights, offsets, channel, evaluator, BITS)

    with channels() as (client, server), ThreadPoolExecutor(1) as pool:
        serving = pool.submit(serve, server)
        with engine.evaluator(client, CLIENT, BITS) as evaluator:
            words = client_run(plan, client_shares(plan, seed, BITS), encode(image, BITS), client, evaluator)
        serving.result()
        return decode(words, BITS), client


@pytest.mark.parametrize("name", ["airnet", "resnet18", "tinynet", "wrn16_8"])  # the others have the same layers
def test_networks_give_their_logits_on_shares(name: str) -> None:
    options = {"width": 8} if "width" in getattr(registry.load("backbone", name), "WIDTHS", ()) else {}
    torch.manual_seed(0)
    body = linearized(build(name, IMAGE, 10, options=options), IMAGE, "degree1")  # untrained squares grow without end
    plan = lower(body, IMAGE)
    image = torch.randn(IMAGE, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    expected = body.double()(image[None])[0].detach()
    logits, channel = inference(plan, image)
    assert float((logits - expected).abs().max()) < 1e-2 * float(expected.abs().max())
    evaluated = sum(relus + squares for relus, squares in plan.counts)
    assert channel.tally[INPUT].sent_bytes == 8 * image.numel()
    assert channel.tally[HANDOVER].sent_bytes == 8 * evaluated
    assert channel.tally[OUTPUT].received_bytes == 80


@pytest.mark.parametrize("surrogate", ["identity", "degree0", "degree1", "degree2"])
@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_every_surrogate_gives_its_logits_on_shares(surrogate: str, share: float) -> None:
    shape = (1, 8, 8)
    body = linearized(build("tinynet", shape, 10), shape, surrogate, share)
    image = torch.randn(shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    logits, channel = inference(lower(body, shape), image)
    assert float((logits - body.double()(image[None])[0].detach()).abs().max()) < 1e-3
    idle = share == 0 and surrogate != "degree2"
    assert ("engine" in channel.tally, HANDOVER in channel.tally) == (not idle, not idle)


def test_the_client_sends_its_image_masked() -> None:
    plan = lower(linearized(build("tinynet", (1, 8, 8), 10), (1, 8, 8)), (1, 8, 8))
    one, other = (client_shares(plan, seed, BITS).values[0] for seed in (0, 1))
    assert int((one == other).sum()) == 0
    assert torch.equal(one, client_shares(plan, 0, BITS).values[0])
    assert float((one >> 60).unique().numel()) > 8  # all over the ring


def test_shares_are_truncated_to_the_unit() -> None:
    values = torch.linspace(-30, 30, 10_001, dtype=torch.float64)
    client = draw((10_001,), torch.Generator().manual_seed(0))
    server = encode(values, 2 * BITS) - client
    found = truncate(client, BITS, CLIENT) + truncate(server, BITS, SERVER)
    assert int((found - encode(values, BITS)).abs().max()) <= 1


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 2.0**31])
def test_what_fixed_point_cannot_hold_is_refused(value: float) -> None:
    with pytest.raises(InputError, match="fixed point cannot hold"):
        encode(torch.tensor([value]), BITS)
