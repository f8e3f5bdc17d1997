"""Plays the faults: each is given a scene whose search has not begun, and says what it saw of the broken run."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import examine
import hosts
from postgres_server import Server
from scenes import WAIT_S, Scene, end, wait_for
from small_disk import SmallDisk

LONG_GRACE, SHORT_GRACE = "60", "0.5"
BY_ITSELF, RESUME, ANEW = "by itself", "--resume", "the same command"


@dataclass(frozen=True)
class Seen:
    """`before`: the records when the fault came. `exit_code`: of the driver that was disturbed; minus the signal's
    number where one killed it. `torn`: half-written files directly after the fault."""

    before: dict[int, bytes]
    exit_code: int
    went_on: str
    said: str
    torn: list[str]


def killed_driver(scene: Scene) -> Seen:
    """kill -9."""
    with running(scene) as driver:
        scene.at_gate(driver)
        before = examine.snapshot(scene.study)
        driver.kill()
        code = driver.wait()
        torn = examine.half_written(scene.seen, at_rest=False)
        scene.gate.release()
        return went_on(scene, before, code, torn)


def killed_worker(scene: Scene) -> Seen:
    """kill -9 of the process that runs the trial."""
    with running(scene) as driver:
        at = scene.at_gate(driver)
        before = examine.snapshot(scene.study)
        os.kill(int(str(at["process"])), signal.SIGKILL)
        torn = examine.half_written(scene.seen, at_rest=False)
        scene.gate.release()
        return went_on(scene, before, driver.wait(timeout=WAIT_S), torn)


def terminated(grace: str) -> Callable[[Scene], Seen]:
    """SIGTERM to the driver while a trial stands at the gate: it is let go on, or not before the grace is over."""

    def play(scene: Scene) -> Seen:
        with running(scene, "--grace", grace) as driver:
            scene.at_gate(driver)
            before = examine.snapshot(scene.study)
            driver.terminate()
            if grace == LONG_GRACE:
                wait_for(lambda: "stopping" in events(scene), "the driver to stop")
                scene.gate.release()
            code = driver.wait(timeout=WAIT_S)
            torn = examine.half_written(scene.seen, at_rest=False)
            scene.gate.release()
            return went_on(scene, before, code, torn)

    return play


def no_room(disk: SmallDisk) -> Callable[[Scene], Seen]:
    """The disk is filled, and emptied when the driver has ended."""

    def play(scene: Scene) -> Seen:
        with running(scene) as driver:
            scene.at_gate(driver)
            before = examine.snapshot(scene.study)
            disk.fill()
            scene.gate.release()
            code = driver.wait(timeout=WAIT_S)
            torn = examine.half_written(scene.seen, at_rest=False)
            disk.empty()
            return went_on(scene, before, code, torn)

    return play


def stopped_server(server: Server) -> Callable[[Scene], Seen]:
    """PostgreSQL is stopped as if its machine were switched off, and started again when the driver has noticed."""

    def play(scene: Scene) -> Seen:
        with running(scene) as driver:
            scene.at_gate(driver)
            before = examine.snapshot(scene.study)
            server.stop()
            try:
                scene.gate.release()
                wait_for(lambda: "warning" in events(scene) or driver.poll() is not None, "the driver to notice")
                torn = examine.half_written(scene.seen, at_rest=False)
            finally:
                server.start()
            return went_on(scene, before, driver.wait(timeout=WAIT_S), torn)

    return play


def second_driver_killed(scene: Scene) -> Seen:
    """Two drivers at once; kill -9 of the one that stands at the gate."""
    with running(scene) as one:
        wait_for(lambda: scene.study.exists() or one.poll() is not None, "the study")
        with running(scene, "--resume") as other:
            at = scene.at_gate(one, other)
            doomed, left = (one, other) if one.pid == at["process"] else (other, one)
            before = examine.snapshot(scene.study)
            doomed.kill()
            doomed.wait()
            torn = examine.half_written(scene.seen, at_rest=False)
            scene.gate.release()
            code = left.wait(timeout=WAIT_S)
            seen = went_on(scene, before, code, torn)
            return Seen(seen.before, doomed.returncode, seen.went_on, seen.said, seen.torn)


def two_drivers(scene: Scene) -> Seen:
    """Two drivers at once; nobody is disturbed."""
    with running(scene) as one:
        wait_for(lambda: scene.study.exists() or one.poll() is not None, "the study")
        with running(scene, "--resume") as other:
            codes = [one.wait(timeout=WAIT_S), other.wait(timeout=WAIT_S)]
            return went_on(scene, {}, max(codes), [])


def lost_node(cluster: hosts.Cluster, *, cut: bool) -> Callable[[Scene], Seen]:
    """The host on which the trial runs loses its power; or it is `cut` off and works on, without knowing."""

    def play(scene: Scene) -> Seen:
        with running(scene) as driver:
            at = scene.at_gate(driver)
            (host,) = [one for one in cluster.workers if one.name == at["host"]]
            before = examine.snapshot(scene.study)
            if cut:
                cluster.pull_cable(host)
            else:
                host.stop()
            torn = examine.half_written(scene.seen, at_rest=False)
            scene.gate.release()
            return went_on(scene, before, driver.wait(timeout=WAIT_S), torn)

    return play


def went_on(scene: Scene, before: dict[int, bytes], code: int, torn: list[str]) -> Seen:
    """Resumes the search unless it has come to its end; raises AssertionError when it can not be brought there."""
    said = scene.said()
    if code == 0:
        return Seen(before, code, BY_ITSELF, said, torn)
    how = RESUME if scene.study.exists() else ANEW
    again = scene.start(*([RESUME] if how == RESUME else [])).wait(timeout=WAIT_S)
    assert again == 0, f"--resume ended with {again}: {scene.said()[-2000:]}"
    return Seen(before, code, how, said, torn)


@contextmanager
def running(scene: Scene, *more: str) -> Iterator[subprocess.Popen[bytes]]:
    """A driver, gone at the end whatever happens."""
    with ExitStack() as stack:
        driver = scene.start(*more)
        stack.callback(end, driver)
        yield driver


def events(scene: Scene) -> set[str]:
    """Names of those that were written down so far."""
    return {event["event"] for event in scene.study.events()}
