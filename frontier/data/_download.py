"""Fetches an archive through torchvision and moves its files into place one by one, under a lock."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from frontier.errors import BlockedError


def fetch(name: str, source: str, folder: Path, files: Sequence[Path]) -> None:
    """Makes `files` exist under `folder`, from the archive of `torchvision.datasets.<source>`.

    Safe when several processes ask at once: one downloads, the others wait. A file appears whole or not at all.
    Raises BlockedError when the download fails or torchvision is missing.
    """
    try:
        import torchvision.datasets as published
        from filelock import FileLock
        from torchvision.datasets.utils import download_and_extract_archive
    except ImportError as missing:
        raise BlockedError(f"{name}: downloading needs torchvision; run: pip install torchvision filelock") from missing
    archive = getattr(published, source)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / f".{name}.lock"), tempfile.TemporaryDirectory(dir=folder) as landing:
            if all((folder / file).is_file() for file in files):
                return
            download_and_extract_archive(archive.url, landing, filename=archive.filename, md5=archive.tgz_md5)
            for file in files:
                (folder / file).parent.mkdir(exist_ok=True)
                (Path(landing) / file).replace(folder / file)
    except (OSError, RuntimeError) as failure:
        raise BlockedError(
            f"{name}: the download into {folder} failed: {failure}\n"
            f"  to do: unpack {archive.filename} into a folder by hand and point --data or FRONTIER_DATA at it"
        ) from failure
