"""A worker takes its share of the machine and no more: threads of every pool, and of a divided GPU the memory."""

from __future__ import annotations

import os

from threadpoolctl import threadpool_limits

from frontier.driver.work import Work

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


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
