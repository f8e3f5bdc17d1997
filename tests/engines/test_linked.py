"""A measurement over an emulated link: what was asked lies between, late runs count for nothing, all is gone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from bundles import write_bundle

import frontier
from frontier.api import measure as measuring
from frontier.engines._emulated import Emulated
from frontier.engines._namespaces import MOUNTED
from frontier.errors import InputError, VerificationError
from frontier.latency._link import Link
from frontier.results.measured import Run

PLUGINS = Path(__file__).parents[1] / "plugins"


@pytest.fixture(autouse=True)
def opened(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine `opened` of the plug-ins: CrypTen plays no part here."""
    monkeypatch.setenv("FRONTIER_PLUGINS", str(PLUGINS))


def namespaces(of: int) -> list[str]:
    """Those that the process of this number has made; others may measure meanwhile."""
    return [path.name for path in MOUNTED.glob("frontier-*") if path.name.split("-")[2] == str(of)]


@pytest.mark.usefixtures("root")
def test_the_parties_are_joined_by_the_link_that_was_asked_for(tmp_path: Path) -> None:
    network = Path("/proc/thread-self/ns/net")
    outside = network.stat().st_ino
    found = frontier.measure(write_bundle(tmp_path / "bundle"), engine="opened", repeats=2, link="30,100").measured
    assert found.emulated is not None
    assert (found.emulated.rtt_ms, found.emulated.mbit_s) == (30, 100)
    assert found.link.rtt_ms >= 30
    assert found.online_s.min >= 0.03 * found.counted.rounds / 2
    assert network.stat().st_ino == outside
    assert namespaces(os.getpid()) == []


@pytest.mark.usefixtures("root")
def test_a_link_that_is_killed_ends_the_measurement_and_leaves_nothing(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "frontier", "measure", str(write_bundle(tmp_path / "bundle")), "--engine", "opened"]
    words += ["--plugin", str(PLUGINS), "--link", "40,400", "--repeats", "1000"]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        while "run 1/" not in process.stderr.readline():
            assert process.poll() is None
        (link,) = subprocess.run(
            ["pgrep", "-P", str(process.pid), "-f", "_link_process"], capture_output=True, text=True, check=True
        ).stdout.split()
        os.kill(int(link), signal.SIGKILL)
        said = process.stderr.read()
        assert process.wait(20) == 3
    assert "is lost: nothing moved for" in said or "the link's process is gone" in said
    assert namespaces(process.pid) == []


def run(online_s: float) -> Run:
    seconds = {"online_s": online_s, "client_cpu_s": 0.0, "server_cpu_s": 0.0}
    return Run(repeat=0, image=0, max_error=0, largest_logit=1, argmax_equal=True, decided=True, **seconds)


@pytest.mark.parametrize(
    ("rtt_ms", "late_ms", "online_s", "counts"),
    [
        (40, 10.0, 0.1, True),
        (40, 10.1, 0.1, False),
        (0.3, 9.9, 0.2, True),
        (0.3, 10.1, 0.2, False),
        (40, None, 0.1, True),
    ],
)
def test_a_run_counts_unless_the_link_was_late(
    rtt_ms: float, late_ms: float | None, online_s: float, counts: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Emulated, "lateness_ms", lambda self, *, anew: late_ms)
    link = Link(rtt_ms=rtt_ms, mbit_s=100)
    between = Emulated(link, "tun", {}, "", {}, None)  # type: ignore[arg-type]  # no process is asked
    judged = measuring._timely(run(online_s), between)
    assert (judged.discarded is None, judged.late_ms) == (counts, late_ms)


@pytest.mark.usefixtures("root")
def test_late_runs_alone_are_no_measurement(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Emulated, "lateness_ms", lambda self, *, anew: 1e6)
    with pytest.raises(VerificationError, match="no run counts; the first: a packet of the emulated link was"):
        frontier.measure(write_bundle(tmp_path / "bundle"), engine="opened", repeats=1, link="1,100")
    assert namespaces(os.getpid()) == []


def test_a_link_is_emulated_on_one_host_only(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="emulated on one host"):
        frontier.measure(write_bundle(tmp_path / "bundle"), engine="opened", connect="127.0.0.1:1", link="wan")
