"""1,797 handwritten digits of 1x8x8 pixels that ship inside scikit-learn: 1,077 train, 360 validation, 360 test.

Source: `sklearn.datasets.load_digits`, the test part of "Optical Recognition of Handwritten Digits" (Alpaydin and
Kaynak, UCI, 1998). Grey values 0..16 become round(v * 255 / 16).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from frontier.data._dataset import Dataset, Split
from frontier.data._split import SPLIT_SEED, balanced_order
from frontier.errors import BlockedError

IMAGE = (1, 8, 8)
CLASSES = 10
VALIDATION = TEST = 360


def load(folder: Path | None, *, download: bool = False) -> Dataset:
    """The digits. `folder` and `download` play no part: the images are inside scikit-learn.

    Raises BlockedError where scikit-learn is not installed.
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError as missing:
        raise BlockedError("digits: scikit-learn is not installed; run: pip install scikit-learn") from missing
    grey, labels = load_digits(return_X_y=True)
    images = np.rint(grey.reshape(-1, *IMAGE) * 255 / 16).astype(np.uint8)
    whole = Split(images, labels.astype(np.int64))
    order = balanced_order(whole.labels, SPLIT_SEED)
    return Dataset.of(
        "digits",
        CLASSES,
        train=whole.take(order[VALIDATION + TEST :]),
        validation=whole.take(order[:VALIDATION]),
        test=whole.take(order[VALIDATION : VALIDATION + TEST]),
    )
