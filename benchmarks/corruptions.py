"""How long the common corruptions take beside one image at a time, how far they move an image, and how they look.

python benchmarks/corruptions.py --data DIR [--images 10000] [--sample 100] [--repeats 3] [--whole] [--grid FILE.png]

Three parts: the time of ours, 1,000 images at once, beside the straightforward way on a sample, in one process on one
core, interleaved; the mean distortion by corruption and severity; with --grid a picture of all 15 x 5. With --whole the
set is also written once by the function behind `frontier corrupt`, to a folder that is removed. Ends with 1 where the
distortion of a corruption that has to grow with severity does not.
"""

from __future__ import annotations

import argparse
import itertools
import os
import platform
import statistics
import sys
import tempfile
import time
from importlib import metadata
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from one_image import ONE_IMAGE
from PIL import Image, ImageDraw, ImageFont

from frontier import registry
from frontier.api.corrupt import corrupt
from frontier.corruptions._apply import SEVERITIES, apply, family, group
from frontier.corruptions._place import label_of
from frontier.trial.source import Source

Images = npt.NDArray[np.uint8]
SEED = 0
GROWING = ("gaussian_noise", "shot_noise", "impulse_noise", "contrast", "brightness", "pixelate", "jpeg_compression")
NEED_NOT = ("elastic_transform", "glass_blur", "saturate")  # which by their parameters rightly do not
GRID_IMAGE = 12  # of the test split
LIBRARIES = ("numpy", "scipy", "pillow", "opencv-python-headless", "scikit-image")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder with the original CIFAR-10 files; default: FRONTIER_DATA")
    parser.add_argument("--images", type=int, default=10_000, help="of the test split: size of the set")
    parser.add_argument("--block", type=int, default=1000, help="images of ours in a timed call")
    parser.add_argument("--sample", type=int, default=100, help="images for one image at a time")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--whole", action="store_true", help="write the whole set once, as frontier corrupt does")
    parser.add_argument("--grid", type=Path, help="write the picture there, and do nothing else")
    arguments = parser.parse_args()
    folder = arguments.data or (Path(os.environ["FRONTIER_DATA"]) if os.environ.get("FRONTIER_DATA") else None)
    test = Source("cifar10", folder).images("test", None).images
    if arguments.grid is not None:
        grid(test[GRID_IMAGE]).save(arguments.grid, optimize=True)
        print(f"{arguments.grid}: {label_of('cifar10')}, test image {GRID_IMAGE}, seed {SEED}")
        return 0
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:1])
    cv2.setNumThreads(1)
    print(f"{platform.machine()} {processor()}, one core, Python {platform.python_version()}, ", end="")
    print(", ".join(f"{name} {metadata.version(name)}" for name in LIBRARIES))
    print(f"{label_of('cifar10')}, seed {SEED}\n")
    times(test, arguments.images, arguments.block, arguments.sample, arguments.repeats)
    if arguments.whole:
        whole(folder)
    return distortions(test[: arguments.images])


def times(test: Images, images: int, block: int, sample: int, repeats: int) -> None:
    """A table of milliseconds per image, all five severities together."""
    print(f"ms an image, severities 1 to 5 together; medians of {repeats} interleaved repeats")
    print(f"ours: {block} images at once; beside it: {sample} images, one at a time\n")
    print("| corruption | ours | one image at a time | ratio |\n|---|--:|--:|--:|")
    ours_ms, theirs_ms = [], []
    for name in group("common"):
        apply(name, test[:2], 1, SEED)  # loads what is made once
        mine, others = [], []
        for _ in range(repeats):
            mine.append(1e3 * timed(lambda name=name: at_once(name, test[:block])) / block)
            others.append(1e3 * timed(lambda name=name: one_by_one(name, test[:sample])) / sample)
        ours_ms.append(statistics.median(mine))
        theirs_ms.append(statistics.median(others))
        print(f"| {name} | {ours_ms[-1]:.3f} | {theirs_ms[-1]:.3f} | {theirs_ms[-1] / ours_ms[-1]:.1f} |", flush=True)
    ours, theirs = sum(ours_ms), sum(theirs_ms)
    print(f"| all 15 | {ours:.3f} | {theirs:.3f} | {theirs / ours:.1f} |\n")
    print(f"for {images:,} images, from these: ours {images * ours / 1e3:.0f} s, ", end="")
    print(f"one image at a time {images * theirs / 1e3:.0f} s\n", flush=True)


def at_once(name: str, images: Images) -> None:
    for severity in SEVERITIES:
        apply(name, images, severity, SEED)


def one_by_one(name: str, images: Images) -> None:
    parameters: Any = registry.load("corruption", name).PARAMETERS
    rng = np.random.default_rng(SEED)
    channels_last = np.ascontiguousarray(images.transpose(0, 2, 3, 1))
    for severity in SEVERITIES:
        for image in channels_last:
            ONE_IMAGE[name](image, parameters[severity - 1], rng)


def whole(folder: Path | None) -> None:
    """The whole set, made, written, hashed and read back, by one process."""
    with tempfile.TemporaryDirectory() as home:
        started = time.perf_counter()
        found = corrupt("cifar10", home=home, data=folder, workers=1)
        seconds = time.perf_counter() - started
    cells = f"{len(found['corruptions'])} x {found['severities']} x {found['images']:,} images"
    print(f"written as one set: {cells}, {found['bytes'] / 1e9:.2f} GB in {seconds:.0f} s\n", flush=True)


def distortions(images: Images) -> int:
    """A table of mean distortion; 1 if one of GROWING does not grow."""
    print(f"mean |corrupted - clean|, pixels in [0, 1], {len(images):,} images\n")
    print("| corruption | family | 1 | 2 | 3 | 4 | 5 | grows |\n|---|---|--:|--:|--:|--:|--:|---|")
    failed = []
    for name in (*group("common"), *group("held_out")):
        means = [distortion(images, apply(name, images, severity, SEED)) for severity in SEVERITIES]
        grows = all(before < after for before, after in itertools.pairwise(means))
        if name in GROWING and not grows:
            failed.append(name)
        said = "yes" if grows else "no, and need not" if name in NEED_NOT else "no"
        print(f"| {name} | {family(name)} | {' | '.join(f'{mean:.4f}' for mean in means)} | {said} |", flush=True)
    print(f"\nmust grow and do: {', '.join(name for name in GROWING if name not in failed)}")
    if failed:
        print(f"must grow and do not: {', '.join(failed)}")
    return 1 if failed else 0


def distortion(clean: Images, corrupted: Images) -> float:
    """Mean absolute difference in [0, 1]."""
    blocks = range(0, len(clean), 1000)
    sums = [int(np.abs(clean[at : at + 1000].astype(int) - corrupted[at : at + 1000]).sum()) for at in blocks]
    return sum(sums) / clean.size / 255


def grid(image: Images, cell: int = 64, gap: int = 4, head: int = 54, margin: int = 24) -> Image.Image:
    """15 columns, a corruption each, and 5 rows, a severity each, of one image (3, 32, 32), under their label."""
    names = group("common")
    step = cell + gap
    sheet = Image.new("RGB", (margin + len(names) * step, head + len(SEVERITIES) * step), "white")
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(11)
    title = f"{label_of('cifar10')}: test image {GRID_IMAGE}, severities 1 to 5"
    pen.text((margin, gap), title, "black", ImageFont.load_default(13))
    for column, name in enumerate(names):
        left = margin + column * step
        words = "\n".join(name.split("_"))
        pen.multiline_text((left + cell / 2, head - gap), words, "black", font, anchor="md", align="center", spacing=1)
        for row, severity in enumerate(SEVERITIES):
            corrupted = apply(name, image[None], severity, SEED)[0].transpose(1, 2, 0)
            picture = Image.fromarray(corrupted).resize((cell, cell), Image.Resampling.NEAREST)
            sheet.paste(picture, (left, head + row * step))
    for row, severity in enumerate(SEVERITIES):
        pen.text((margin / 2, head + row * step + cell / 2), str(severity), "black", font, anchor="mm")
    return sheet


def timed(call: Any) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def processor() -> str:
    """The processor's own name, where the system tells it."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    named = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor()


if __name__ == "__main__":
    sys.exit(main())
