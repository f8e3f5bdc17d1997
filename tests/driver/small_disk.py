"""A disk of some megabytes, to be filled: a tmpfs in a mount namespace of its own, seen from outside through /proc."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import final

MEGABYTES = 80  # corrupted images are not made where less than 64 MB would stay free
BLOCK = bytes(1 << 16)


def possible() -> str | None:
    """Why no disk can be mounted here; None where one can."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "mounting a small disk takes Linux and root"
    if not all(map(shutil.which, ("unshare", "nsenter", "setpriv", "mount"))):
        return "mounting a small disk takes the programs unshare, nsenter, setpriv and mount"
    tried = ["unshare", "--mount", "sh", "-c", "mount -t tmpfs -o size=1m tmpfs /mnt"]
    if subprocess.run(tried, capture_output=True, check=False).returncode:
        return "root may not mount here, as in most containers"
    return None


@final
class SmallDisk:
    """`folder` is where programs find it that are started by `words`, `seen` the same folder for everybody else."""

    def __init__(self, process: int, folder: Path) -> None:
        self._process, self.folder = process, folder
        self.seen = Path(f"/proc/{process}/root") / folder.relative_to("/")

    def words(self, command: Sequence[str], cwd: Path) -> list[str]:
        """The command, run where the disk is mounted."""
        return ["nsenter", "--target", str(self._process), "--mount", "--", "env", "-C", str(cwd), *command]

    def fill(self) -> None:
        """Until there is no room for one more byte."""
        with open(self.seen / "filling", "ab", buffering=0) as file:
            for block in (BLOCK, b"\0"):
                with contextlib.suppress(_Full):
                    while True:
                        _write(file.fileno(), block)

    def empty(self) -> None:
        """Makes room again."""
        (self.seen / "filling").unlink()


class _Full(Exception):
    pass


def _write(file: int, block: bytes) -> None:
    try:
        os.write(file, block)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        raise _Full from None


@contextlib.contextmanager
def small_disk(megabytes: int = MEGABYTES) -> Iterator[SmallDisk]:
    """Gone at the end, and when its maker is killed."""
    with tempfile.TemporaryDirectory(prefix="frontier-disk-") as temporary:
        mounted = f'mount -t tmpfs -o size={megabytes}m tmpfs "$1" && echo ready && exec sleep infinity'
        command = ["setpriv", "--pdeathsig", "KILL", "unshare", "--mount", "sh", "-c", mounted, "sh", temporary]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout is not None
                assert process.stdout.readline() == "ready\n", "the disk was not mounted"
                yield SmallDisk(process.pid, Path(temporary))
            finally:
                process.kill()
