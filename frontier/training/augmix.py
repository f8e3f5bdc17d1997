"""AugMix: an image mixed with chains of harmless operations on it (Hendrycks et al., ICLR 2020).

As RLNet trains with it: width 3, depth 1 to 3, severity 3, Dirichlet(1, 1, 1) and Beta(1, 1), and the nine operations
that are none of the common corruptions (colour, contrast, brightness and sharpness are left out). Operations and
magnitudes follow google-research/augmix, commit 9b9824c; its consistency loss (JSD) is not used. The operations work
on bytes, the mixing in real numbers; weights add up to 1 and normalisation is affine, so mixing before it, as here,
is the same as mixing after it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from frontier.errors import BlockedError, InputError

if TYPE_CHECKING:  # Pillow is needed by those alone who augment
    from PIL.Image import Image

OPERATIONS = (
    "autocontrast",
    "equalize",
    "posterize",
    "rotate",
    "solarize",
    "shear_x",
    "shear_y",
    "translate_x",
    "translate_y",
)
WIDTH = 3  # chains an image
DEPTHS = (1, 2, 3)  # operations in a chain
SEVERITY = 3.0  # levels are drawn from 0.1 to this, of 10
SMALLEST_LEVEL = 0.1
SIGNS = (-1, 1)

Pixels = NDArray[np.float32]


def augmix(pixels: Tensor, dice: np.random.Generator) -> Tensor:
    """Every image (B, C, H, W) mixed with chains of its own. uint8, or float in [0, 1]; out comes the same.

    All random numbers are from `dice`. Raises InputError unless there are 1 or 3 channels, BlockedError where Pillow
    is not installed.
    """
    if pixels.ndim != 4 or pixels.shape[1] not in (1, 3):
        raise InputError("AugMix: these are not images", expected="(B, 1 or 3, H, W)", got=tuple(pixels.shape))
    floating = pixels.is_floating_point()
    unit = (pixels if floating else pixels.float() / 255).detach().float().cpu().numpy()
    mixed = torch.from_numpy(np.stack([augmixed(image, dice) for image in unit]) if len(unit) else unit)
    if not floating:
        mixed = (mixed * 255).round()
    return mixed.to(device=pixels.device, dtype=pixels.dtype)


def augmixed(image: Pixels, dice: np.random.Generator) -> Pixels:
    """One image, float (C, H, W) in [0, 1]."""
    weights = dice.dirichlet([1.0] * WIDTH)
    share = dice.beta(1.0, 1.0)
    chains = [chain(image, dice) for _ in range(WIDTH)]
    return mixture(image, chains, weights, share)


def mixture(image: Pixels, chains: list[Pixels], weights: NDArray[np.float64], share: float) -> Pixels:
    """(1 - m) image + m sum_k w_k chain_k with m = `share`: a convex combination."""
    mixed = sum(weight * changed for weight, changed in zip(weights, chains, strict=True))
    return np.asarray((1 - share) * image + share * mixed, dtype=np.float32)


def chain(image: Pixels, dice: np.random.Generator) -> Pixels:
    """The image, as bytes, after one to three operations."""
    picture = to_picture(image)
    for _ in range(DEPTHS[dice.integers(len(DEPTHS))]):
        operation = OPERATIONS[dice.integers(len(OPERATIONS))]
        level = dice.uniform(SMALLEST_LEVEL, SEVERITY)
        side = picture.height if operation == "translate_y" else picture.width
        picture = operate(picture, operation, magnitude(operation, level, side) * SIGNS[dice.integers(2)])
    return to_pixels(picture)


def magnitude(operation: str, level: float, side: int) -> float:
    """How strong an operation is at `level` of 10, for images of `side` pixels, before a direction is chosen.

    posterize: bits taken from 4; solarize: taken from the threshold 256; rotate: whole degrees; shear: slope;
    translate: whole pixels; autocontrast and equalize have none."""
    if operation == "posterize":
        return int(level * 4 / 10)
    if operation == "solarize":
        return int(level * 256 / 10)
    if operation == "rotate":
        return int(level * 30 / 10)
    if operation.startswith("shear"):
        return level * 0.3 / 10
    if operation.startswith("translate"):
        return int(level * (side / 3) / 10)
    return 0


def operate(picture: Image, operation: str, amount: float) -> Image:
    """The picture after one operation; `amount`: its magnitude, the sign is the direction of those that have one."""
    pillow, operations = _pillow()
    if operation in ("autocontrast", "equalize"):
        changed = getattr(operations, operation)(picture)
    elif operation == "posterize":
        changed = operations.posterize(picture, 4 - int(abs(amount)))
    elif operation == "solarize":
        changed = operations.solarize(picture, 256 - int(abs(amount)))
    elif operation == "rotate":
        changed = picture.rotate(amount, resample=pillow.Resampling.BILINEAR)
    else:
        moved = {
            "shear_x": (1, amount, 0, 0, 1, 0),
            "shear_y": (1, 0, 0, amount, 1, 0),
            "translate_x": (1, 0, amount, 0, 1, 0),
            "translate_y": (1, 0, 0, 0, 1, amount),
        }[operation]
        changed = picture.transform(picture.size, pillow.Transform.AFFINE, moved, resample=pillow.Resampling.BILINEAR)
    result: Image = changed
    return result


def to_picture(image: Pixels) -> Image:
    """Float (C, H, W) in [0, 1] -> a grey or an RGB picture."""
    pillow, _ = _pillow()
    raw = np.clip(np.rint(image * 255), 0, 255).astype(np.uint8)
    picture: Image = pillow.fromarray(raw[0] if len(raw) == 1 else np.ascontiguousarray(raw.transpose(1, 2, 0)))
    return picture


def to_pixels(picture: Image) -> Pixels:
    """The way back from `to_picture`."""
    raw = np.asarray(picture)
    unit: Pixels = (raw[None] if raw.ndim == 2 else raw.transpose(2, 0, 1)).astype(np.float32) / np.float32(255)
    return unit


def _pillow() -> tuple[Any, Any]:
    try:
        from PIL import Image, ImageOps
    except ImportError as missing:
        raise BlockedError("AugMix: Pillow is not installed; run: pip install pillow") from missing
    return Image, ImageOps
