"""What goes wrong between two processes: a clear error within ten seconds, an exit code, and no process left behind."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from bundles import write_bundle

from frontier.api.measure import measure, serve
from frontier.errors import BlockedError, InputError

WITHIN_S = 10.0
PLUGINS = Path(__file__).parents[1] / "plugins"
MEASURE = [sys.executable, "-m", "frontier", "measure"]
ENGINE = ["--engine", "opened", "--plugin", str(PLUGINS)]  # what goes wrong here has nothing to do with the engine


def children(process: int) -> list[int]:
    """Those that it started and that still run."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if int(fields[1]) == process and fields[0] != "Z":
            found.append(int(folder.name))
    return found


def gone(process: int, within_s: float = WITHIN_S) -> bool:
    until = time.monotonic() + within_s
    while time.monotonic() < until:
        try:
            if (Path("/proc") / str(process) / "stat").read_text().rsplit(")", 1)[1].split()[0] == "Z":
                return True
        except OSError:
            return True
        time.sleep(0.05)
    return False


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_bundle(tmp_path_factory.mktemp("faults") / "bundle")


class Measuring:
    """A command that measures for a long time, once its runs have begun, and the server that it started."""

    def __init__(self, bundle: Path) -> None:
        words = [*MEASURE, str(bundle), "--repeats", "100000", *ENGINE]
        self.process = subprocess.Popen(words, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        self.said: list[str] = []
        self.begun = threading.Event()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            if line.startswith("run "):
                self.begun.set()
            else:
                self.said.append(line)

    def server(self) -> int:
        assert self.begun.wait(100), self.said
        (found,) = children(self.process.pid)
        return found

    def ended(self) -> tuple[int, str]:
        """The exit code and what it said besides its progress."""
        code = self.process.wait(WITHIN_S)
        self.reader.join(WITHIN_S)
        return code, "".join(self.said)


@pytest.fixture
def measuring(bundle: Path) -> Iterator[Measuring]:
    started = Measuring(bundle)
    yield started
    started.process.kill()
    started.process.wait()
    started.reader.join(WITHIN_S)
    assert started.process.stderr is not None
    started.process.stderr.close()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])  # gone, and silent as behind a cut cable
def test_a_server_that_is_lost_is_said_by_the_client(measuring: Measuring, number: int) -> None:
    server = measuring.server()
    os.kill(server, number)
    code, said = measuring.ended()
    assert gone(server)
    assert ("ended by signal 9" in said) == (number == signal.SIGKILL)
    assert code == 3
    assert "error: the other party at 127.0.0.1:" in said
    assert "is lost: " in said
    assert "to do: " in said
    assert "Traceback" not in said


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "code", "says"),
    [(signal.SIGTERM, 130, "stopped by SIGTERM"), (signal.SIGINT, 130, ""), (signal.SIGKILL, -9, "")],
)
def test_a_client_that_is_stopped_leaves_no_server(measuring: Measuring, number: int, code: int, says: str) -> None:
    server = measuring.server()
    measuring.process.send_signal(number)
    found, said = measuring.ended()
    assert (found, says in said, "Traceback" in said) == (code, True, False), said
    assert gone(server)


@pytest.mark.slow
def test_a_server_on_another_host_says_that_its_client_is_gone(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = subprocess.Popen(
        [*MEASURE, str(bundle), "--listen", "127.0.0.1:0", *ENGINE],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert server.stdout is not None
    address = server.stdout.readline().removeprefix("listening on ").strip()

    def leave(progress: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        measure(bundle, engine="opened", connect=address, on_progress=leave)
    _, said = server.communicate(timeout=WITHIN_S)
    assert server.returncode == 3
    assert "is lost: " in said
    assert "Traceback" not in said


@pytest.fixture
def listening(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Path, int], str]]:
    """Starts a server in a thread of this process and says where it listens; what it raised is `errors`."""
    with ThreadPoolExecutor(1) as pool:

        def start(folder: Path, fraction_bits: int = 16) -> str:
            told = threading.Event()
            where: list[str] = []

            def tell(host: str, port: int) -> None:
                where.append(f"{host}:{port}")
                told.set()

            start.serving = pool.submit(  # type: ignore[attr-defined]
                serve, folder, "127.0.0.1:0", engine="opened", fraction_bits=fraction_bits, on_listening=tell
            )
            assert told.wait(30)
            return where[0]

        yield start


def test_two_parties_by_their_address_measure_as_one_command_does(bundle: Path, listening: Callable[..., str]) -> None:
    found = measure(bundle, engine="opened", repeats=1, connect=listening(bundle)).measured
    assert found.parties == "one host"  # at a loopback address
    assert found.max_error < 1e-3
    listening.serving.result(timeout=WITHIN_S)  # type: ignore[attr-defined]


def test_a_wrong_bundle_is_refused_by_both(bundle: Path, listening: Callable[..., str], tmp_path: Path) -> None:
    other, before = write_bundle(tmp_path / "other", share=0.2), sorted(bundle.iterdir())
    with pytest.raises(InputError, match="the mask of the bundle"):
        measure(bundle, engine="opened", connect=listening(other))
    with pytest.raises(InputError, match="the mask of the bundle"):
        listening.serving.result(timeout=WITHIN_S)  # type: ignore[attr-defined]
    assert sorted(bundle.iterdir()) == before


def test_other_settings_are_refused_by_both(bundle: Path, listening: Callable[..., str]) -> None:
    with pytest.raises(InputError, match="the fraction bits"):
        measure(bundle, engine="opened", connect=listening(bundle, 12))
    with pytest.raises(InputError, match="the fraction bits"):
        listening.serving.result(timeout=WITHIN_S)  # type: ignore[attr-defined]


def test_a_stranger_is_refused(bundle: Path, listening: Callable[..., str]) -> None:
    host, _, port = listening(bundle).rpartition(":")
    with socket.create_connection((host, int(port))) as stranger:
        stranger.sendall(b"GET / HTTP/1.1\r\n\r\n")
        with pytest.raises(BlockedError, match="another frame"):
            listening.serving.result(timeout=WITHIN_S)  # type: ignore[attr-defined]


def test_a_port_that_is_taken_is_said(bundle: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(BlockedError, match=f"cannot listen on {address}"):
            serve(bundle, address, engine="opened")


def test_options_of_the_client_are_refused_beside_listen(bundle: Path) -> None:
    words = [str(bundle), "--listen", "127.0.0.1:0", "--repeats", "3"]
    done = subprocess.run([*MEASURE, *words], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert "--repeats with --listen" in done.stderr
