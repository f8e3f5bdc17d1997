"""Outlines in a stack of grey images, and how far every pixel is from them: OpenCV's Canny and its 5x5 L2 distance.

Sources: Canny (IEEE PAMI 8(6), 1986), with Sobel gradients and their L1 norm; Borgefors (CVGIP 34(3), 1986), distances
in steps of 1 (straight), 1.4 (diagonal) and 2.1969 (a knight's move). The images of a stack never touch each other.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import ndimage

Layers = npt.NDArray[np.uint8]
Whole = npt.NDArray[np.int32]
_TAN_22_5 = 13573  # tan(22.5 degrees) * 2**15, as OpenCV rounds it
PIXEL = 10_000  # the unit of distances is 1 / PIXEL pixels: whole numbers, so that truncation meets no rounding error
_DIAGONAL, _KNIGHT = 14_000, 21_969


def outlines(layers: Layers, low: int, high: int) -> npt.NDArray[np.bool_]:
    """Where layers (N, H, W) have edges: ridges of the gradient above `low`, joined to a pixel above `high`."""
    across, down = _sobel(layers)
    strength = np.abs(across) + np.abs(down)
    ridge = (strength > low) & _is_ridge(strength, across, down)
    one_image = np.zeros((3, 3, 3), dtype=bool)
    one_image[1] = True
    parts, count = ndimage.label(ridge, one_image)
    kept = np.zeros(count + 1, dtype=bool)
    kept[parts[ridge & (strength > high)]] = True
    edges: npt.NDArray[np.bool_] = kept[parts]
    return edges


def distance(edges: npt.NDArray[np.bool_], furthest: int) -> Whole:
    """(N, H, W): the shortest way to an edge of the same image, at most `furthest` pixels, in 1 / PIXEL pixels."""
    rows = np.where(edges, 0, furthest)  # to the nearest edge of the same column
    height, width = rows.shape[1:]
    for row in range(1, height):
        np.minimum(rows[:, row], rows[:, row - 1] + 1, out=rows[:, row])
    for row in range(height - 2, -1, -1):
        np.minimum(rows[:, row], rows[:, row + 1] + 1, out=rows[:, row])
    shortest = _lengths(0, furthest)[rows]
    for columns in range(1, min(width, furthest)):
        length = _lengths(columns, furthest)[rows]
        np.minimum(shortest[:, :, columns:], length[:, :, :-columns], out=shortest[:, :, columns:])
        np.minimum(shortest[:, :, :-columns], length[:, :, columns:], out=shortest[:, :, :-columns])
    return shortest


def _lengths(columns: int, furthest: int) -> Whole:
    """The way to a pixel `columns` to the side and 0, 1, ... `furthest` rows away, at most `furthest` pixels."""
    rows = np.arange(furthest + 1)
    longer, shorter = np.maximum(rows, columns), np.minimum(rows, columns)
    knights = np.minimum(shorter, longer - shorter)
    straight = longer - shorter - knights
    length = _KNIGHT * knights + _DIAGONAL * (shorter - knights) + PIXEL * straight
    nearest: Whole = np.minimum(length, furthest * PIXEL).astype(np.int32)
    return nearest


def _sobel(layers: Layers) -> tuple[Whole, Whole]:
    """Derivatives along rows and along columns; the border pixel goes on."""
    padded = np.pad(layers, ((0, 0), (1, 1), (1, 1)), mode="edge").astype(np.int32)
    rows = padded[:, :-2] + 2 * padded[:, 1:-1] + padded[:, 2:]
    columns = padded[:, :, :-2] + 2 * padded[:, :, 1:-1] + padded[:, :, 2:]
    return rows[:, :, 2:] - rows[:, :, :-2], columns[:, 2:] - columns[:, :-2]


def _is_ridge(strength: Whole, across: Whole, down: Whole) -> npt.NDArray[np.bool_]:
    """Where the strength is largest along the gradient, rounded to 45 degrees; outside the image it is 0."""
    padded = np.pad(strength, ((0, 0), (1, 1), (1, 1)))

    def beside(row: int, column: int) -> Whole:
        height, width = strength.shape[1:]
        return padded[:, 1 + row : 1 + row + height, 1 + column : 1 + column + width]

    run, rise = np.abs(across), np.abs(down) << 15
    flat, steep = rise < run * _TAN_22_5, rise > run * _TAN_22_5 + (run << 16)
    level = (strength > beside(0, -1)) & (strength >= beside(0, 1))
    upright = (strength > beside(-1, 0)) & (strength >= beside(1, 0))
    falling = (strength > beside(-1, -1)) & (strength > beside(1, 1))
    rising = (strength > beside(-1, 1)) & (strength > beside(1, -1))
    slanted = np.where((across ^ down) < 0, rising, falling)
    return np.where(flat, level, np.where(steep, upright, slanted))
