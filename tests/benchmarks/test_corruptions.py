"""The straightforward way that the benchmark measures beside does what ours does, so that their times compare."""

import importlib
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from frontier import registry
from frontier.corruptions._apply import apply, group

pytest.importorskip("cv2")
pytest.importorskip("skimage")

WITHOUT_CHANCE = {"defocus_blur", "zoom_blur", "brightness", "contrast", "pixelate", "jpeg_compression"}
N = 20


@pytest.fixture(scope="module")
def one_image() -> ModuleType:
    folder = str(Path(__file__).parents[2] / "benchmarks")
    sys.path.insert(0, folder)
    try:
        return importlib.import_module("one_image")
    finally:
        sys.path.remove(folder)


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    """Smooth in places and rough in others, as photographs are: uint8 (N, 3, 32, 32)."""
    rng = np.random.default_rng(0)
    smooth, rough = (gaussian_filter(rng.normal(size=(N, 3, 32, 32)), (0, 0, s, s)) for s in (5, 1))
    return np.clip(120 + 700 * smooth + 60 * rough, 0, 255).astype(np.uint8)


def test_every_common_corruption_has_a_straightforward_twin(one_image: ModuleType) -> None:
    assert set(one_image.ONE_IMAGE) == set(group("common"))


@pytest.mark.parametrize("name", group("common"))
def test_both_ways_corrupt_alike(one_image: ModuleType, images: np.ndarray, name: str) -> None:
    rng = np.random.default_rng(1)
    parameters = registry.load("corruption", name).PARAMETERS
    moved = []
    for severity in (2, 5):
        ours = apply(name, images, severity, 0).astype(int)
        rows = [one_image.ONE_IMAGE[name](image.transpose(1, 2, 0), parameters[severity - 1], rng) for image in images]
        theirs = np.stack(rows).transpose(0, 3, 1, 2).astype(int)
        if name in WITHOUT_CHANCE:
            assert np.abs(ours - theirs).max() <= 1
        moved.append([np.abs(corrupted - images.astype(int)).mean() for corrupted in (ours, theirs)])
    for ours_moved, theirs_moved in moved:
        assert ours_moved == pytest.approx(theirs_moved, rel=0.25)
