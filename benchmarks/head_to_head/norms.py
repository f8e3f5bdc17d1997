"""What a finished trial's batch norms cost it: test accuracy with its running statistics, and with ones counted anew.

frontier trial results/reference/studies/head_to_head/trials/N/spec.json --out FOLDER --data DIR    (keeps the weights)
python benchmarks/head_to_head/norms.py FOLDER --data DIR [--n 2000]

Running statistics are an average over the last ten batches or so. Where activations have heavy tails, as after squares,
one batch can carry them far off, and the network in evaluation mode is another one than the network that was trained.
"""

from __future__ import annotations

import argparse
import copy
from pathlib import Path

import torch
from torch import Tensor, nn

from frontier.nn.network import Classifier
from frontier.results.migrate import read_record
from frontier.training.batches import Images, to_unit
from frontier.trial.bundle import assemble
from frontier.trial.source import Source

BATCH = 250


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="a trial's, with record, mask and weights")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--n", type=int, default=2000, help="test images, and training images that are counted")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    path = arguments.folder / "record.json"
    record = read_record(path.read_bytes(), where=str(path))
    point, source = record.points[0], Source.of(record.spec.data, arguments.data)
    data = source.dataset()
    made_of = (point.network or record.spec.network, data.image, data.classes, data.mean, data.std)
    model = assemble(*made_of, arguments.folder, point.mask.file, point.weights or "weights.safetensors")
    test, train = (Images.of(source.images(split, arguments.n), torch.device("cpu")) for split in ("test", "train"))
    print(f"{record.spec.method} at {point.relu_count} ReLUs, seed {record.spec.seed}, {len(test)} test images")
    print(f"running statistics as trained: {100 * accuracy(model, test):.1f} %")
    print(f"counted anew on {len(train)} training images: {100 * accuracy(counted_anew(model, train), test):.1f} %")


def counted_anew(model: Classifier, images: Images) -> Classifier:
    """A copy whose norms have the mean statistics of these images' batches; nothing is trained."""
    anew = copy.deepcopy(model).train()
    for norm in (module for module in anew.modules() if isinstance(module, nn.BatchNorm2d)):
        norm.reset_running_stats()
        norm.momentum = None  # a plain mean over batches
    logits(anew, to_unit(images.pixels))
    return anew.eval()


def accuracy(model: Classifier, images: Images) -> float:
    """The share of images that is classified right."""
    return float((logits(model, to_unit(images.pixels)).argmax(1) == images.labels).double().mean())


@torch.inference_mode()
def logits(model: Classifier, pixels: Tensor) -> Tensor:
    """Batch after batch, in the mode that the model is in."""
    return torch.cat([model(part) for part in pixels.split(BATCH)])


if __name__ == "__main__":
    main()
