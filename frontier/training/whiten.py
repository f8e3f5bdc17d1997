"""Whitening the first layer from data: its filters become the scaled eigenvectors of the images' patches.

The recipe of the CIFAR speed runs (Jordan, airbench94, 2024): a k x k convolution with 2*C*k*k filters, half of
them the negatives of the other half, whose outputs have unit variance; it is not trained afterwards.
"""

from __future__ import annotations

import torch

from frontier.nn.network import Classifier
from frontier.training.batches import Images, to_unit

IMAGES = 5000
EPS = 1e-2  # airbench has 5e-4, which amplifies faint patterns, and adversarial noise with them


@torch.no_grad()
def whiten(model: Classifier, train: Images) -> None:
    """Set and freeze `model.body.whiten` where the backbone has one; other networks are left as they are."""
    stem = getattr(model.body, "whiten", None)
    if stem is None:
        return
    pixels = model.normalised(to_unit(train.pixels[:IMAGES]))
    size = stem.kernel_size[0]
    channels = pixels.shape[1]
    patches = pixels.unfold(2, size, 1).unfold(3, size, 1).permute(0, 2, 3, 1, 4, 5).reshape(-1, channels * size * size)
    values, vectors = torch.linalg.eigh(patches.T @ patches / len(patches))
    filters = (vectors / (values + EPS).sqrt()).T.reshape(-1, channels, size, size)
    stem.weight.copy_(torch.cat([filters, -filters]))
    if stem.bias is not None:
        stem.bias.zero_()
