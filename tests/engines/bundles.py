"""Networks that are linearized at random, as bundles; two joined channels; and whether an engine is there."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from frontier import registry
from frontier.api.measure import measure
from frontier.engines._channel import Channel
from frontier.errors import BlockedError
from frontier.masks.file import save
from frontier.nn.gates import FrozenGate
from frontier.nn.network import Classifier, build
from frontier.nn.profile import profile
from frontier.nn.sites import Site
from frontier.nn.surgery import gate, mask_of
from frontier.results.measured import Measured
from frontier.results.migrate import read_record
from frontier.results.spec import DataSpec, NetworkSpec
from frontier.trial.bundle import save_weights
from frontier.trial.manifest import MANIFEST, MASK, WEIGHTS, Manifest

RECORD = Path(__file__).parents[1] / "results" / "record_v1.json"
Image = tuple[int, int, int]
NETWORKS: dict[str, dict[str, Any]] = {
    "many": {"share": 0.6, "surrogate": "degree1"},
    "mixed": {"surrogate": "degree2"},
    "squares": {"surrogate": "degree2", "share": 0.0},
}


def require(engine: str) -> None:
    """Skips, with the reason, where it is not installed; in CI CrypTen must be."""
    try:
        registry.load("engine", engine).check()
    except BlockedError as missing:
        if engine == "crypten" and "CI" in os.environ:
            raise
        pytest.skip(str(missing))


def linearized(body: nn.Module, image: Image, surrogate: str = "degree2", share: float = 0.3) -> nn.Module:
    """`share` of the ReLUs kept at random, a surrogate elsewhere, and batch norms that do something."""
    drawn = torch.Generator().manual_seed(0)

    def frozen(site: Site) -> FrozenGate:
        kept = torch.rand(site.shape, generator=drawn) < share
        if surrogate == "identity":
            return FrozenGate(kept)
        degree = int(surrogate[-1])
        sizes = torch.tensor([[0.1], [0.5], [0.05]])[: degree + 1]
        coefficients = torch.randn(degree + 1, site.shape[0], generator=drawn) * sizes
        if degree == 2:
            coefficients[2, 0] = 0.0  # one channel of the quadratic surrogate that is affine
        return FrozenGate(kept, coefficients)

    for module in body.modules():
        if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
            for values, low, high in (
                (module.running_mean, -0.2, 0.2),
                (module.running_var, 0.5, 1.5),
                (module.weight.data, 0.5, 1.5),
                (module.bias.data, -0.2, 0.2),
            ):
                assert values is not None
                values.copy_(torch.rand(values.shape, generator=drawn) * (high - low) + low)
    return gate(body.eval(), image, frozen).eval()


def write_bundle(
    folder: Path,
    name: str = "tinynet",
    image: Image = (1, 8, 8),
    surrogate: str = "identity",
    share: float = 0.3,
    **options: int,
) -> Path:
    """As `frontier export` would write it, of a network that nobody has trained."""
    torch.manual_seed(0)
    body = linearized(build(name, image, 10, options=options), image, surrogate, share)
    channels = image[0]
    model = Classifier(body, (0.4,) * channels, (0.3,) * channels)
    folder.mkdir(parents=True, exist_ok=True)
    save(mask_of(body), folder / MASK)
    save_weights(model, folder / WEIGHTS)
    record = read_record(RECORD.read_bytes(), where=str(RECORD))
    data = DataSpec(name="digits" if image == (1, 8, 8) else "cifar10")
    counted = profile(body, image)
    results = record.points[0].model_copy(update={"profile": counted, "relu_count": counted.kept})
    manifest = Manifest(
        study="made",
        trial=0,
        point=0,
        network=NetworkSpec(name=name, options=options),
        image=image,
        classes=10,
        mean=(0.4,) * channels,
        std=(0.3,) * channels,
        relu_count=counted.kept,
        mask_hash=mask_of(body).hash,
        sha256={file: hashlib.sha256((folder / file).read_bytes()).hexdigest() for file in (MASK, WEIGHTS)},
        results=results,
        spec=record.spec.model_copy(update={"data": data}),
        origin={},
    )
    (folder / MANIFEST).write_text(manifest.model_dump_json())
    return folder


@contextlib.contextmanager
def channels() -> Iterator[tuple[Channel, Channel]]:
    """Two parties in one process, joined over loopback."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        here = socket.create_connection(server.getsockname())
        there, _ = server.accept()
    with contextlib.closing(Channel(here)) as client, contextlib.closing(Channel(there)) as other:
        yield client, other


@functools.cache
def measured(engine: str, network: str, fraction_bits: int = 16) -> Measured:
    """One of NETWORKS between two processes, two images twice; measured once for all tests of a process."""
    with tempfile.TemporaryDirectory() as folder:
        bundle = write_bundle(Path(folder) / "bundle", **NETWORKS[network])
        return measure(bundle, engine=engine, repeats=2, images=2, fraction_bits=fraction_bits).measured
