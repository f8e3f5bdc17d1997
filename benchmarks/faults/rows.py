"""The rows of the matrix: every fault at every stage for which it makes sense, under each backend that it can meet."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import hosts
import play
import postgres_server
import postgresql
import small_disk
import story
from scenes import Scene, environment
from stages import OF_A_TRIAL, OF_A_WORKER, Gate

from frontier.driver.storage import STORAGE

BY_DRIVER = ("specification being written", "being told")
NOWHERE = "-"
Play = Callable[[Scene], play.Seen]


@dataclass(frozen=True)
class Row:
    """A fault that comes when the search is at a stage."""

    fault: str
    stage: str
    backend: str

    @property
    def key(self) -> str:
        return f"{self.fault}, {self.stage}, {self.backend}"


@dataclass(frozen=True)
class Fault:
    """`words` for the table; `stages` by backend."""

    words: str
    stages: dict[str, tuple[str, ...]]


FAULTS = {
    "kill-driver": Fault(
        "kill -9 of the driver",
        {
            "inline": ("study being written", *OF_A_WORKER, *BY_DRIVER),
            "ray": ("specification being written", "mask search", "record being written", "being told"),
        },
    ),
    "kill-worker": Fault("kill -9 of a worker", {"ray": OF_A_WORKER}),
    "kill-node": Fault("a node loses its power", {"ray": OF_A_TRIAL}),
    "cut-node": Fault("a node is cut off and works on", {"ray": ("mask search", "record being written")}),
    "stop-postgresql": Fault(
        "PostgreSQL stopped and started",
        {"inline": ("specification being written", "mask search", "being told"), "ray": ("mask search", "being told")},
    ),
    "two-drivers": Fault("two drivers on one study", {"inline": (NOWHERE,)}),
    "kill-one-of-two": Fault(
        "two drivers, kill -9 of one",
        {"inline": ("specification being written", *OF_A_TRIAL, "record written, not told")},
    ),
    "sigterm": Fault(f"SIGTERM, {play.LONG_GRACE} s of grace", {"inline": ("mask search",), "ray": ("mask search",)}),
    "sigterm-short": Fault(
        f"SIGTERM, {play.SHORT_GRACE} s of grace",
        {"inline": ("mask search", "record being written"), "ray": ("mask search", "evaluation")},
    ),
    "full-disk": Fault(
        "the disk full",
        {
            "inline": (*OF_A_WORKER, *BY_DRIVER),
            "ray": ("specification being written", *OF_A_TRIAL, "being told"),
        },
    ),
}


def rows(faults: list[str] | None = None, backend: str | None = None, stages: list[str] | None = None) -> list[Row]:
    """Those of the matrix, or of some faults, one backend and some stages alone."""
    return [
        Row(name, stage, each)
        for name, fault in FAULTS.items()
        for each, at in fault.stages.items()
        for stage in at
        if (not faults or name in faults) and backend in (None, each) and (not stages or stage in stages)
    ]


def impossible(row: Row) -> str | None:
    """Why the row cannot be played on this machine; None where it can."""
    if row.fault in ("kill-node", "cut-node"):
        return hosts.possible() or (None if postgresql.installed() else "PostgreSQL, or psycopg, is not installed")
    if row.fault in ("stop-postgresql", "two-drivers", "kill-one-of-two"):
        return None if postgresql.installed() else "PostgreSQL, or psycopg, is not installed"
    return small_disk.possible() if row.fault == "full-disk" else None


@contextmanager
def stage_set(row: Row, trials: int) -> Iterator[tuple[Scene, Play]]:
    """The scene of a row, and who plays the fault in it. Everything is gone at the end."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="faults-")))
        folder.chmod(0o711)  # a database's user has to pass
        gate = Gate(folder / "gate", None if row.stage == NOWHERE else row.stage)
        home = folder / "home"
        scene = Scene(folder, home, home, row.backend, trials, gate)
        if row.fault in ("kill-node", "cut-node"):
            yield _on_hosts(row, scene, stack)
            return
        if row.fault in ("stop-postgresql", "two-drivers", "kill-one-of-two"):
            programs = postgres_server.programs()
            assert programs is not None
            server = postgres_server.Server(programs)
            server.start()
            stack.callback(server.remove)
            scene.environment[STORAGE] = server.database()
            by_fault: dict[str, Play] = {
                "stop-postgresql": play.stopped_server(server),
                "two-drivers": play.two_drivers,
                "kill-one-of-two": play.second_driver_killed,
            }
            yield scene, by_fault[row.fault]
            return
        if row.fault == "full-disk":
            disk = stack.enter_context(small_disk.small_disk())
            scene.home, scene.seen, scene.words = disk.folder / "home", disk.seen / "home", disk.words
            yield scene, play.no_room(disk)
            return
        alone: dict[str, Play] = {
            "kill-driver": play.killed_driver,
            "kill-worker": play.killed_worker,
            "sigterm": play.terminated(play.LONG_GRACE),
            "sigterm-short": play.terminated(play.SHORT_GRACE),
        }
        yield scene, alone[row.fault]


def _on_hosts(row: Row, scene: Scene, stack: ExitStack) -> tuple[Scene, Play]:
    """A head and two workers; the driver runs on the head."""
    stack.enter_context(_environment(environment(scene.gate)))
    cluster = stack.enter_context(hosts.cluster(workers=2, database=story.own_database()))
    scene.options = ("--address", cluster.gcs, "--cpu", "1")
    scene.environment, scene.words, scene.afar = cluster.head.environment, cluster.head.words, True
    return scene, play.lost_node(cluster, cut=row.fault == "cut-node")


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    """Of this process, and so of the hosts that it makes."""
    before = dict(os.environ)
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
