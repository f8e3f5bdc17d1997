"""SPU's CHEETAH between two processes: its counts are those of the protocol, and what goes wrong ends clearly.

All of it is skipped where SPU is not installed; `.venv-spu/bin/python -m pytest tests/engines` runs it.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from bundles import NETWORKS, channels, measured, require, write_bundle
from torch import Tensor

import frontier
from frontier.engines import spu_cheetah
from frontier.engines._channel import ENGINE, Tally
from frontier.engines._ring import CLIENT, SERVER, decode, draw, encode

RELU_ROUNDS = 21
WITHIN_S = 10.0


@pytest.fixture(autouse=True)
def there() -> None:
    require("spu_cheetah")


def between_two(relus: Tensor, squares: Tensor, fraction_bits: int) -> tuple[Tensor, Tensor, Tally]:
    """Both parties' results added up, and the client's tally, of one gate."""
    words = encode(torch.cat([relus, squares]), fraction_bits)
    mask = draw(words.shape, torch.Generator().manual_seed(1))

    def evaluated(party: int) -> tuple[Tensor, Tensor, Tally]:
        share = mask if party == CLIENT else words - mask
        with spu_cheetah.evaluator(ends[party], party, fraction_bits) as engine:
            engine.deal(0, ((len(relus), len(squares)),))
            found = engine.evaluate(share[: len(relus)], share[len(relus) :])
            engine.finish()
            assert engine.cpu_s > 0
            return *found, ends[party].counted(ENGINE)

    with channels() as ends, ThreadPoolExecutor(1) as pool:
        serving = pool.submit(evaluated, SERVER)
        (a, b, client), (c, d, server) = evaluated(CLIENT), serving.result()
    assert (client.sent_bytes, client.received_bytes) == (server.received_bytes, server.sent_bytes)
    assert client.rounds == server.rounds
    return decode(a + c, fraction_bits), decode(b + d, fraction_bits), client


@pytest.mark.slow
@pytest.mark.parametrize("fraction_bits", [12, 18])
def test_shares_go_in_and_come_out(fraction_bits: int) -> None:
    values = torch.linspace(-40, 40, 2001, dtype=torch.float64)
    relus, squares, _ = between_two(values, values[::10] / 4, fraction_bits)
    unit = 2.0**-fraction_bits
    assert float((relus - values.relu()).abs().max()) <= unit
    assert float((squares - (values[::10] / 4) ** 2).abs().max()) < 25 * unit  # x is a unit off, and 2 x is up to 20


def test_relus_take_the_bytes_of_the_protocol() -> None:
    none = torch.empty(0, dtype=torch.float64)
    _, _, tally = between_two(torch.zeros(3000, dtype=torch.float64), none, 16)
    assert 90 < (tally.sent_bytes + tally.received_bytes) / 3000 < 120
    assert tally.rounds == RELU_ROUNDS


@pytest.mark.slow
@pytest.mark.parametrize("network", NETWORKS)
def test_every_run_agrees_with_the_network_in_clear(network: str) -> None:
    found = measured("spu_cheetah", network)
    assert found.max_error < 1e-3
    assert [run for run in found.runs if run.decided and not run.argmax_equal] == []
    assert found.discarded == ()
    assert found.varies == spu_cheetah.VARIES
    assert all(run.counted is not None for run in found.runs)
    if found.relus and not found.squares:
        assert found.counted.rounds == RELU_ROUNDS * found.relu_layers
        assert 90 < found.counted.online_bytes / found.relus < 120


@pytest.mark.slow
@pytest.mark.usefixtures("root")
def test_it_runs_over_an_emulated_link(tmp_path: Path) -> None:
    bundle = write_bundle(tmp_path / "bundle", **NETWORKS["many"])
    found = frontier.measure(bundle, engine="spu_cheetah", repeats=1, link="10,100").measured
    assert found.counted.rounds == RELU_ROUNDS * found.relu_layers
    assert found.online_s.min >= 0.01 * found.counted.rounds / 2


def below(process: int) -> dict[int, str]:
    """The processes that it started and those that they started, with their commands."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rsplit(")", 1)[1].split()
            command = (folder / "cmdline").read_text()
        except OSError:
            continue
        if int(fields[1]) == process and fields[0] != "Z":
            found |= {int(folder.name): command} | below(int(folder.name))
    return found


class Measuring:
    """A command that measures for a long time, once its runs have begun."""

    def __init__(self, bundle: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "frontier", "measure", bundle, "--engine", "spu_cheetah", "--repeats", "100000"],
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stderr is not None
        for line in self.process.stderr:
            if line.startswith("run 1/"):
                break
        self.others = below(self.process.pid)

    def one(self, *named: str) -> int:
        (found,) = [number for number, words in self.others.items() if all(name in words for name in named)]
        return found

    def ended(self) -> tuple[int, str]:
        """The exit code, and what it said besides its progress; all others are gone with it."""
        assert self.process.stderr is not None
        code = self.process.wait(WITHIN_S)
        said = [line for line in self.process.stderr if not line.startswith("run ")]
        until = time.monotonic() + WITHIN_S
        while any(alive(number) for number in self.others):
            assert time.monotonic() < until, self.others
            time.sleep(0.05)
        return code, "".join(said)


def alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_bundle(tmp_path_factory.mktemp("faults") / "bundle")


@pytest.fixture
def measuring(bundle: Path) -> Iterator[Measuring]:
    started = Measuring(bundle)
    yield started
    started.process.kill()
    started.process.wait()
    assert started.process.stderr is not None
    started.process.stderr.close()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_a_server_that_is_lost_is_said(measuring: Measuring, number: int) -> None:
    os.kill(measuring.one("_serve"), number)
    code, said = measuring.ended()
    assert code == 3, said
    assert "is lost: " in said
    assert "Traceback" not in said


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "words"),
    [
        (signal.SIGKILL, "SPU's process ended by itself, with code -9"),
        (signal.SIGSTOP, "SPU's process stands still: somebody stopped it"),
    ],
)
@pytest.mark.parametrize("party", ["server", "client"])
def test_an_spu_that_is_lost_is_said(measuring: Measuring, party: str, number: int, words: str) -> None:
    server = measuring.one("_serve")
    (of_server,) = below(server)
    (of_client,) = measuring.others.keys() - {server, of_server}
    os.kill(of_server if party == "server" else of_client, number)
    code, said = measuring.ended()
    assert code == 3, said
    assert words in said
    assert "Traceback" not in said


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 130), (signal.SIGINT, 130), (signal.SIGKILL, -9)])
def test_a_client_that_is_stopped_leaves_nothing(measuring: Measuring, number: int, code: int) -> None:
    assert len(measuring.others) == 3  # the server, and an SPU beside each party
    measuring.process.send_signal(number)
    found, said = measuring.ended()
    assert found == code, said
    assert "Traceback" not in said
