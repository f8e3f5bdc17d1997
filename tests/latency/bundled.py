"""Bundles as they would be if the constants of TRUE were: a manifest and measurements, nothing else."""

from __future__ import annotations

from pathlib import Path

from observed import measured
from priced import spread

from frontier.latency import crypten
from frontier.latency._link import NAMED, Link
from frontier.results.migrate import read_record
from frontier.trial.manifest import Manifest

RECORD = Path(__file__).parents[1] / "results" / "record_v1.json"
TRUE = {"relu.each_s": 0.4e-6, "relu.layer_s": 0.011, "relu.hops": 12.0, "relu.busier_bytes": 300.0, "linear_s": 0.1}
COUNTS = (0, 50_000, 180_000, 557_056)


def bundle(folder: Path, relus: int, links: tuple[Link | None, ...] = (None, NAMED["wan"])) -> Path:
    """A new folder with a network of so many ReLUs, measured once over each link; None is loopback."""
    record = read_record(RECORD.read_bytes(), where="x")
    network = spread(relus)
    manifest = Manifest(
        study="made", trial=0, point=0, network=record.spec.network, image=(3, 32, 32), classes=10, mean=(0.5,) * 3,
        std=(1.0,) * 3, relu_count=relus, mask_hash=str(relus), sha256={}, spec=record.spec, origin={},
        results=record.points[0].model_copy(update={"relu_count": relus, "profile": network}),
    )  # fmt: skip
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text(manifest.model_dump_json())
    for index, link in enumerate(links):
        found = measured(network, crypten.COSTS.replaced(TRUE, "a test"), link, mask_hash=str(relus))
        (folder / f"measured-crypten-{index}.json").write_text(found.model_dump_json())
    return folder
