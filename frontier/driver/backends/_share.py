"""The share of a machine that a trial is given, and that a worker takes and no more: threads, and a GPU's memory."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace

from threadpoolctl import threadpool_limits

from frontier.driver.work import Work
from frontier.errors import BlockedError

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
RAYS_PARTS = 10_000  # Ray divides a GPU into so many; a seventh is rounded down, or seven were more than one


def packed(work: Work, gpus_gib: Sequence[float]) -> Work:
    """With the share of a GPU that a trial's memory comes to on the smallest of these; the work itself where no memory
    was asked for. Raises BlockedError where there is no GPU, or the smallest has too little."""
    if work.gpu_gib is None:
        return work
    smallest = min(gpus_gib, default=0.0)
    if fitting := int(smallest / work.gpu_gib):
        return replace(work, gpu=max(RAYS_PARTS // fitting, 1) / RAYS_PARTS)
    found = f"the smallest GPU has {smallest:.3g}" if gpus_gib else "there is no GPU"
    raise BlockedError(
        f"a trial asks for {work.gpu_gib:g} GiB of a GPU's memory, and {found}; lower gpu_gib of the space "
        "(--gpu-gib), or start the search where there is more"
    )


def variables(work: Work) -> dict[str, str]:
    """What thread pools read when their library is loaded."""
    return dict.fromkeys(THREADS, str(work.runtime.threads))


def take_share(work: Work) -> None:
    """Limits the pools that are loaded and those that will be; a trial limits PyTorch's itself.

    Workers of a cluster that was joined inherit the environment of their node, not that of the driver. Ray divides a
    GPU only in its books: without a limit the first of two trials that share one could take all of its memory.
    """
    os.environ.update(variables(work))
    threadpool_limits(limits=work.runtime.threads)
    if 0 < work.gpu < 1:
        import torch

        if torch.cuda.is_available():
            torch.cuda.set_per_process_memory_fraction(work.gpu)
