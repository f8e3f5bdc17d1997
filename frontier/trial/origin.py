"""Where a record comes from: code version, libraries, device, host."""

from __future__ import annotations

import functools
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from frontier import registry

if TYPE_CHECKING:
    import torch

DISTRIBUTION = "relu-frontier"
GIVEN_VERSION = "FRONTIER_CODE_VERSION"  # of the checkout that a cluster's copy was made from, which has no .git
CPU_INFO = Path("/proc/cpuinfo")
LIBRARIES = ("numpy", "torch", "torchvision", "safetensors", "pydantic", "scipy", "scikit-learn", "pillow")


@functools.cache
def code_version() -> str:
    """The distribution's version, and in a checkout or a copy of one that was sent to a cluster the commit (`.dirty`
    where files were changed)."""
    version = registry.versions(DISTRIBUTION).get(DISTRIBUTION, "0+unknown")
    root = Path(__file__).resolve().parents[2]
    git = shutil.which("git")
    if git is None or not (root / ".git").exists():
        return os.environ.get(GIVEN_VERSION) or version
    asked = [git, "-C", str(root), "describe", "--always", "--dirty=.dirty", "--exclude=*"]
    answer = subprocess.run(asked, capture_output=True, text=True, check=False)  # noqa: S603
    return f"{version}+g{answer.stdout.strip()}" if answer.returncode == 0 else version


def libraries() -> dict[str, str]:
    """Versions of what a result can depend on, and of Python."""
    return {"python": platform.python_version(), **registry.versions(*LIBRARIES)}


def host() -> str:
    """Name and processor of the machine, for people."""
    return f"{platform.node()} {platform.machine()} {sys.platform}"


def machine() -> str:
    """Processor and cores of this machine, without its name: what seconds depend on."""
    found = platform.processor() or platform.machine()
    if CPU_INFO.is_file():
        models = [line.partition(":")[2] for line in CPU_INFO.read_text().splitlines() if line.startswith("model name")]
        found = " ".join(models[0].split()) if models else found
    return f"{found}, {os.cpu_count()} cores, {sys.platform}"


def device_name(device: torch.device) -> str:
    if device.type != "cuda":
        return "cpu"
    from torch.cuda import get_device_name

    return get_device_name(device)
