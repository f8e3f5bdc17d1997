"""What one machine has for a search: versions, processors, the home and the data as it sees them. It imports no Ray."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from frontier import registry
from frontier.frozen import Frozen

DEVICES = (
    "import json, torch; found = map(torch.cuda.get_device_properties, range(torch.cuda.device_count())); "
    "print(json.dumps([(device.name, device.total_memory) for device in found]))"
)
LIBRARIES = ("ray", "torch", "torchvision", "optuna", "numpy", "pydantic", "safetensors", "scipy", "scikit-learn")


class Machine(Frozen):
    """A machine as a process on it sees it. Memory and disk are in GiB."""

    host: str
    python: str
    code: str  # frontier's version, with the commit in a checkout
    libraries: dict[str, str]
    cpus: int
    memory_gib: float
    gpus: tuple[str, ...]  # `NVIDIA H200 (139 GiB)`
    home: str
    home_error: str | None  # why nothing can be written there
    free_gib: float | None  # on the disk of the home
    sees: bool | None  # whether the file that was asked about is there; None: none was
    data: str | None
    data_readable: bool


def look(home: str, data: str | None, file: str | None = None) -> Machine:
    """This machine, with `home` and the folder `data` tried; `file` is one that another machine has just written."""
    from frontier.trial.origin import code_version

    error, free = _try(Path(home))
    return Machine(
        host=platform.node(),
        python=platform.python_version(),
        code=code_version(),
        libraries=registry.versions(*LIBRARIES),
        cpus=len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1,
        memory_gib=round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        gpus=_gpus(),
        home=home,
        home_error=error,
        free_gib=free,
        sees=None if file is None else Path(file).is_file(),
        data=data,
        data_readable=data is not None and os.access(data, os.R_OK | os.X_OK) and Path(data).is_dir(),
    )


def _try(home: Path) -> tuple[str | None, float | None]:
    """Why nothing can be written to the home, and what is free there. A home that does not exist is not made: the
    folder that it would be made in counts."""
    folder = next((place for place in (home, *home.absolute().parents) if place.exists()), Path("/"))
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".frontier-"):
            pass
    except OSError as error:
        return f"{folder}: {error.strerror or error}", None
    return None, round(shutil.disk_usage(folder).free / 2**30, 1)


def gpus_gib() -> tuple[float, ...]:
    """The memory of each GPU."""
    return tuple(gib for _, gib in _devices())


def _gpus() -> tuple[str, ...]:
    return tuple(f"{name} ({gib:.0f} GiB)" for name, gib in _devices())


def _devices() -> list[tuple[str, float]]:
    """Name and GiB of each GPU, by a process of its own: in a task that asked for no GPU Ray hides them all, and this
    process may be a trial's later."""
    seen = {name: value for name, value in os.environ.items() if (name, value) != ("CUDA_VISIBLE_DEVICES", "")}
    done = subprocess.run([sys.executable, "-c", DEVICES], env=seen, capture_output=True, text=True, check=True)  # noqa: S603
    return [(name, size / 2**30) for name, size in json.loads(done.stdout)]
