"""SPU's process as the party sees it: asked and waited for while the other party lives, and gone in the end."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, final

from frontier.engines._channel import Channel
from frontier.engines._spu_process import Frame, pack, unpack
from frontier.errors import BlockedError

THREADS = 1  # SPU's, as torch's
GIVEN_UP_S = 8.0  # for the two to reach each other; there is no such limit to what they compute
END_S = 5.0
STILL_S = 2.0
STOPPED = ("T", "t")  # the states of /proc/PID/stat, proc(5)


@final
class Beside:
    """A process that answers, `_spu_party` says to what."""

    def __init__(self, process: subprocess.Popen[bytes], complaints: IO[bytes], channel: Channel) -> None:
        self._process, self._complaints, self._channel = process, complaints, channel
        self._moved = time.monotonic()  # when it was last seen not to be stopped

    def ask(self, message: dict[str, Any], raw: bytes = b"", *, within_s: float = float("inf")) -> Frame:
        """The answer. Raises BlockedError where there is none: the other party, or SPU, is gone or gave up."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._moved = time.monotonic()
        try:
            self._process.stdin.write(pack(message, raw))
            self._process.stdin.flush()
        except BrokenPipeError:
            raise self._ended() from None
        if not self._channel.wait_for(self._process.stdout.fileno(), within_s, self._runs):
            raise BlockedError(f"SPU gave no answer within {within_s:g} s")
        answer = unpack(self._process.stdout)
        if answer is None:
            raise self._ended()
        if "error" in answer[0]:
            raise BlockedError(f"SPU failed: {str(answer[0]['error']).splitlines()[0]}")
        return answer

    def _runs(self) -> None:
        """Raises BlockedError if the process has stood still for `STILL_S`: it would neither answer nor end."""
        with contextlib.suppress(OSError):
            state = Path(f"/proc/{self._process.pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
            now = time.monotonic()
            self._moved = self._moved if state in STOPPED else now
            if now - self._moved > STILL_S:
                raise BlockedError("SPU's process stands still: somebody stopped it (SIGSTOP)")

    def _ended(self) -> BlockedError:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(END_S)
        self._complaints.seek(0)
        said = self._complaints.read().decode(errors="replace").strip().splitlines()[-1:]
        return BlockedError("; ".join([f"SPU's process ended by itself, with code {self._process.returncode}", *said]))


@contextlib.contextmanager
def beside(channel: Channel) -> Iterator[Beside]:
    """A process that is loading SPU; killed in the end, whatever it does."""
    with tempfile.TemporaryFile() as complaints:
        process = subprocess.Popen(
            [sys.executable, "-m", "frontier.engines._spu_process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=complaints,
            env=os.environ | {"OMP_NUM_THREADS": str(THREADS)},
            start_new_session=True,  # a Ctrl-C is for the party, which ends it
        )
        try:
            yield Beside(process, complaints, channel)
        finally:
            process.kill()
            with contextlib.suppress(BrokenPipeError), process:  # closes the pipes and waits
                pass
