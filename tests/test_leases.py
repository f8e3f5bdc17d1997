"""One of those who ask makes it, the others wait; who dies is followed by one, and who lives by none."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from frontier import leases
from frontier.leases import Lease, LeaseLost, held, once, process

ELSEWHERE = '{"token": "t", "who": "process 7 on elsewhere", "process": "other-boot pid:[1] 7 7"}'

# argv: folder. Makes `made` in it once, with a line in `log` that says so; the first to come kills itself half way.
MAKER = """
import os, signal, sys, time
from pathlib import Path
from frontier.leases import once
folder, dies = Path(sys.argv[1]), sys.argv[2] == "dies"

def make(check):
    with open(folder / "log", "a") as log:
        log.write("making\\n")
    if dies:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.3)
    check()
    (folder / "made").write_text("whole")

def find():
    return (folder / "made").read_text() if (folder / "made").is_file() else None

print(once(folder, "thing", find, make, tell=lambda line: print(line, flush=True)))
"""


def start(folder: Path, how: str = "lives") -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", MAKER, str(folder), how], stdout=subprocess.PIPE, text=True)


def foreign(folder: Path, age_s: float, generation: int = 1) -> Path:
    """A lease of another host, touched `age_s` ago."""
    path = folder / f".thing.lease-{generation}"
    path.write_text(ELSEWHERE)
    at = path.stat().st_mtime - age_s
    os.utime(path, (at, at))
    return path


def nobody(folder: Path) -> bool:
    return not [path for path in folder.iterdir() if path.name.startswith(".thing")]


def test_of_four_processes_one_makes_it(tmp_path: Path) -> None:
    running = [start(tmp_path) for _ in range(4)]
    said = [one.communicate(timeout=60)[0].splitlines() for one in running]
    assert all(lines[-1] == "whole" for lines in said)
    assert (tmp_path / "log").read_text() == "making\n"
    assert nobody(tmp_path)


def test_who_waits_is_told_for_whom_and_follows_the_one_that_dies(tmp_path: Path) -> None:
    first = start(tmp_path, "dies")
    first.communicate(timeout=60)
    assert first.returncode == -signal.SIGKILL
    lines: list[str] = []
    found = once(tmp_path, "thing", lambda: "made" if lines else None, lambda check: check(), tell=lines.append)
    assert found == "made"
    assert lines == [f"process {first.pid} on {os.uname().nodename} is gone; taking over"]
    assert nobody(tmp_path)


def test_a_process_that_lives_is_waited_for_however_long_it_gave_no_sign(tmp_path: Path) -> None:
    with held(tmp_path, "thing") as lease:
        assert lease is not None
        os.utime(next(tmp_path.glob(".thing.lease-*")), (0, 0))
        with held(tmp_path, "thing") as second:
            assert second is None


def test_another_host_is_dead_when_it_has_not_touched_its_lease_for_long(tmp_path: Path) -> None:
    path = foreign(tmp_path, leases.DEAD_AFTER_S - 5)
    with held(tmp_path, "thing") as lease:
        assert lease is None
    foreign(tmp_path, leases.DEAD_AFTER_S + 5)
    lines: list[str] = []
    with held(tmp_path, "thing", lines.append) as lease:
        assert lease is not None
        assert not path.exists()
    assert len(lines) == 1
    assert lines[0].startswith("process 7 on elsewhere gave no sign for 6")
    assert nobody(tmp_path)


def test_ages_do_not_depend_on_the_clock_of_who_looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    foreign(tmp_path, 0)
    monkeypatch.setattr(time, "time", lambda: 4e9)
    with held(tmp_path, "thing") as lease:
        assert lease is None


def test_of_many_that_find_it_dead_one_takes_over(tmp_path: Path) -> None:
    for _ in range(20):
        foreign(tmp_path, 2 * leases.DEAD_AFTER_S)
        begin, end = threading.Barrier(8), threading.Barrier(8)
        owners: list[Lease] = []

        def ask(begin: threading.Barrier = begin, end: threading.Barrier = end, owners: list[Lease] = owners) -> None:
            begin.wait()
            with held(tmp_path, "thing") as lease:
                if lease is not None and not lease.is_lost():
                    owners.append(lease)
                end.wait()

        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(owners) == 1
        assert nobody(tmp_path)


def test_who_stood_still_and_was_followed_stops_and_takes_what_the_other_made(tmp_path: Path) -> None:
    made: list[str] = []

    def make(check: Callable[[], None]) -> None:
        foreign(tmp_path, 0, generation=2)  # another host took over
        try:
            check()
        finally:
            made.append("theirs")
            (tmp_path / ".thing.lease-2").unlink()

    assert once(tmp_path, "thing", lambda: made[0] if made else None, make) == "theirs"
    (tmp_path / ".thing.lease-1").unlink()  # in truth the other one removes it


def test_a_lease_of_the_same_generation_is_another_all_the_same(tmp_path: Path) -> None:
    with held(tmp_path, "thing") as lease:
        assert lease is not None
        path = foreign(tmp_path, 0)
        with pytest.raises(LeaseLost):
            lease.confirm()
    assert path.exists()
    lease.release()
    assert path.exists()


def test_a_lease_that_was_never_finished_writing_is_waited_for_and_then_followed(tmp_path: Path) -> None:
    path = tmp_path / ".thing.lease-1"
    path.touch()
    with held(tmp_path, "thing") as lease:
        assert lease is None
    os.utime(path, (0, 0))
    with held(tmp_path, "thing") as lease:
        assert lease is not None


def test_the_owner_touches_its_lease(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "BEAT_S", 0.01)
    with held(tmp_path, "thing") as lease:
        assert lease is not None
        path = next(tmp_path.glob(".thing.lease-*"))
        os.utime(path, (0, 0))
        while path.stat().st_mtime == 0:
            time.sleep(0.01)


def test_what_goes_wrong_while_it_is_made_is_raised_and_the_next_one_may_try(tmp_path: Path) -> None:
    def fail(check: Callable[[], None]) -> None:
        raise OSError("no room")

    with pytest.raises(OSError, match="no room"):
        once(tmp_path, "thing", lambda: None, fail)
    assert nobody(tmp_path)


def test_waiting_ends_when_the_trial_does(tmp_path: Path) -> None:
    def stop() -> None:
        raise InterruptedError

    lines: list[str] = []
    with held(tmp_path, "thing"), pytest.raises(InterruptedError):
        once(tmp_path, "thing", lambda: None, lambda check: None, tell=lines.append, check=stop)
    assert lines == [f"process {os.getpid()} on {os.uname().nodename}: another process makes it; waiting"]


@pytest.mark.skipif(not leases.PROC.is_dir(), reason="needs /proc")
def test_a_process_is_told_from_a_later_one_with_its_number() -> None:
    boot, namespace, number, started = process().split()
    assert int(number) == os.getpid()
    assert namespace.startswith("pid:")
    assert int(started) > 0
    assert len(boot) == 36
