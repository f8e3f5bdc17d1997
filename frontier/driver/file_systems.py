"""Which folders lie on a file system that other hosts may write to, where SQLite's locks do not hold."""

from __future__ import annotations

from pathlib import Path

from frontier.errors import InputError
from frontier.objects import url_of

MOUNTS = Path("/proc/self/mounts")
NETWORK = frozenset({
    "9p", "afs", "beegfs", "ceph", "cifs", "coda", "gfs", "gfs2", "glusterfs", "gpfs", "lustre", "ncpfs", "nfs", "nfs3",
    "nfs4", "ocfs2", "orangefs", "panfs", "pvfs2", "smb2", "smb3", "smbfs", "vboxsf", "wekafs",
    *(f"fuse.{name}" for name in (
        "beegfs", "blobfuse", "blobfuse2", "ceph", "cephfs", "gcsfuse", "geesefs", "glusterfs", "goofys", "juicefs",
        "mfs", "moosefs", "mount-s3", "nfs", "rclone", "s3fs", "seaweedfs", "sshfs",
    )),
})  # fmt: skip


def file_system(folder: Path) -> str:
    """The type of the file system that `folder` lies on or would be made on (`ext4`); "" where no system says it."""
    if not MOUNTS.is_file():
        return ""
    path, found = folder.resolve(), ("", "")
    for line in MOUNTS.read_text(encoding="utf-8", errors="surrogateescape").splitlines():
        point, kind = line.split(" ")[1:3]
        point = point.replace("\\040", " ").replace("\\011", "\t").replace("\\134", "\\")
        if path.is_relative_to(point) and len(point) >= len(found[0]):
            found = (point, kind)
    return found[1]


def refuse_sqlite_on(home: Path | str) -> None:
    """Raises InputError where a database file in `home` would not be safe, and for a URL that is no home's."""
    if (url := url_of(home)) is not None:
        raise InputError(
            "SQLite cannot lie on an object store",
            where=url,
            expected="the sampler's memory in PostgreSQL",
            fix="give --storage postgresql://USER:PASSWORD@HOST/DATABASE, or a local --home",
        )
    kind = file_system(Path(home) / "studies")  # it may be a link, or a mount of its own
    if kind in NETWORK:
        raise InputError(
            f"SQLite is not safe on a network file system ({kind})",
            where=str(home),
            expected="a home on a disk of this machine, or the sampler's memory in PostgreSQL",
            fix="give --storage postgresql://USER:PASSWORD@HOST/DATABASE, or a local --home",
        )
