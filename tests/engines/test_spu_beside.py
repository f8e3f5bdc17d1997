"""SPU's process beside a party, whether SPU is installed or not: what goes wrong in it is said, and it is gone."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from bundles import channels

from frontier.engines import _spu_import
from frontier.engines._channel import CUT
from frontier.engines._spu_beside import Beside, beside
from frontier.engines._spu_process import pack, unpack
from frontier.errors import BlockedError


def alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def number(spu: Beside) -> int:
    return spu._process.pid


def test_frames_hold_a_message_and_numbers() -> None:
    stream = io.BytesIO(pack({"do": "run"}, b"12345678") + pack({}) + pack({"cut": 1}, b"1234")[:-1])
    assert [unpack(stream) for _ in range(4)] == [({"do": "run"}, b"12345678"), ({}, b""), None, None]


def test_what_fails_in_it_is_said_and_it_goes_on() -> None:
    with channels() as (here, _), beside(here) as spu:
        for _ in range(2):
            with pytest.raises(BlockedError, match=r"SPU failed: (BlockedError: SPU is not installed|ValueError)"):
                spu.ask({"do": "nothing that it knows"})
        process = number(spu)
        assert alive(process)
    assert not alive(process)


def test_a_process_that_ends_by_itself_is_said() -> None:
    with channels() as (here, _), beside(here) as spu:
        os.kill(number(spu), signal.SIGKILL)
        with pytest.raises(BlockedError, match="SPU's process ended by itself, with code -9"):
            spu.ask({"do": "link"})


def test_a_process_that_does_not_answer_is_given_up() -> None:
    with channels() as (here, _), beside(here) as spu:
        os.kill(number(spu), signal.SIGSTOP)
        with pytest.raises(BlockedError, match=r"no answer within 0\.3 s"):
            spu.ask({"do": "link"}, within_s=0.3)
        process = number(spu)
    assert not alive(process)


def test_the_other_party_is_looked_after_meanwhile() -> None:
    with channels() as (here, there), beside(here) as spu:
        os.kill(number(spu), signal.SIGSTOP)
        there.close()
        with pytest.raises(BlockedError, match=f"is lost: {CUT}"):
            spu.ask({"do": "link"})


def test_it_ends_with_the_party_that_started_it() -> None:
    code = (
        "import os; from frontier.engines._spu_beside import beside\n"
        "with beside(None) as spu: print(spu._process.pid, flush=True); os.kill(os.getpid(), 9)"
    )
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, check=False)
    assert done.returncode == -9
    until = time.monotonic() + 10
    while alive(int(done.stdout)):
        assert time.monotonic() < until
        time.sleep(0.05)


def test_without_spu_the_commands_are_named(tmp_path: Path) -> None:
    code = (
        "import sys; from importlib import metadata\n"
        "def absent(name): raise metadata.PackageNotFoundError(name)\n"
        "metadata.version = absent\n"
        f"sys.argv = ['frontier', 'measure', {str(tmp_path)!r}, '--engine', 'spu_cheetah']\n"
        "from frontier.__main__ import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert done.stderr == (
        "error: SPU is not installed here; run: make setup-pi-spu\n"
        "  and measure from there: .venv-spu/bin/frontier measure BUNDLE --engine spu_cheetah\n"
    )


def test_another_version_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_spu_import.metadata, "version", lambda name: "0.9.4")
    with pytest.raises(BlockedError, match=r"SPU 0\.9\.4 is installed, and 0\.9\.5 is what is measured"):
        _spu_import.check()
