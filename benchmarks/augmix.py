"""How long AugMix takes an image on one CPU core: what RLNet's training pays beside its network passes.

python benchmarks/augmix.py [--size 32] [--images 500] [--repeats 5]
"""

import argparse
import platform
import statistics
import time

import numpy as np
import PIL
import torch

from frontier.training.augmix import augmix


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=32, help="pixels a side")
    parser.add_argument("--images", type=int, default=500)
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    dice = torch.Generator().manual_seed(0)
    pixels = torch.rand(arguments.images, 3, arguments.size, arguments.size, generator=dice)
    seconds = []
    for repeat in range(arguments.repeats):
        started = time.perf_counter()
        augmix(pixels, np.random.default_rng(repeat))
        seconds.append(time.perf_counter() - started)
    each = [1e3 * one / arguments.images for one in seconds]
    print(
        f"{platform.machine()}, 1 thread, Pillow {PIL.__version__}, {arguments.images} images of 3x{arguments.size}^2"
    )
    print(f"{statistics.median(each):.2f} ms an image (median of {len(each)}, {min(each):.2f} to {max(each):.2f})")


if __name__ == "__main__":
    main()
