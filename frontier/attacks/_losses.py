"""What an attack climbs: a loss by image, (N,), of logits (N, classes) and labels (N,)."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

from torch import Tensor
from torch.nn.functional import cross_entropy

from frontier.errors import InputError

Loss = Callable[[Tensor, Tensor], Tensor]
Name = Literal["ce", "dlr"]


def margin(logits: Tensor, labels: Tensor) -> Tensor:
    """Largest other logit minus the label's: positive where the image is misclassified."""
    own = logits.gather(1, labels[:, None])
    others = logits.scatter(1, labels[:, None], -math.inf)
    return others.amax(dim=1) - own[:, 0]


def ce(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy. Its gradient vanishes in floating point where the label's logit is far above all others."""
    return cross_entropy(logits, labels, reduction="none")


def dlr(logits: Tensor, labels: Tensor) -> Tensor:
    """Difference of logits ratio: the margin over the distance from the largest logit to the third largest.

    Neither a shift nor a scale of the logits changes it (Croce and Hein, ICML 2020, equation 6). Raises InputError
    below three classes.
    """
    if logits.shape[1] < 3:
        raise InputError(
            "the DLR loss compares three logits",
            expected="at least 3 classes",
            got=logits.shape[1],
            fix="use the loss 'ce'",
        )
    first, _, third = logits.topk(3, dim=1).values.unbind(dim=1)
    return margin(logits, labels) / (first - third + 1e-12)


LOSSES: dict[str, Loss] = {"ce": ce, "dlr": dlr}
