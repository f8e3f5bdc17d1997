"""Hosts on one machine: each a network, a process tree, a name and a temporary folder of its own, joined by a switch.

Linux namespaces, made by `unshare`; nothing of them lies in the machine's own network, and a host whose first process
is killed is gone with all that ran on it, as by a power cut. The file system is shared, as a home on NFS would be.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

NETWORK = "198.18.7."  # RFC 2544: for tests between networks
GCS = 6379
DASHBOARD = 8265
START_S = 90.0
SETTINGS = {
    "RAY_memory_usage_threshold": "0.99",  # other programs fill the memory, too
    # a host that is cut off is given up after seconds, not after a minute
    "RAY_health_check_initial_delay_ms": "2000",
    "RAY_health_check_period_ms": "1000",
    "RAY_health_check_timeout_ms": "2000",
    "RAY_health_check_failure_threshold": "4",
}
# Reaps what it inherits, as a first process must.
FIRST = """
hostname "$1" && ip link set lo up && mount -t tmpfs -o size=2g tmpfs "$2" && mount -t tmpfs -o size=1g tmpfs /dev/shm
echo ready
while :; do sleep 1000 & wait; done
"""
SWITCH = "ip link add name br0 type bridge && ip link set br0 up && echo ready && exec sleep infinity"


Database = Callable[["Host", Path], str]


def possible() -> str | None:
    """Why no hosts can be made here; None where they can."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "network namespaces take Linux and root"
    if not all(map(shutil.which, ("unshare", "nsenter", "setpriv", "ip"))):
        return "network namespaces take the programs unshare, nsenter, setpriv and ip"
    tried = ["unshare", "--net", "--mount", "--uts", "--pid", "--fork", "--mount-proc", "true"]
    if subprocess.run(tried, capture_output=True, check=False).returncode:
        return "root may not make namespaces here, as in most containers"
    return None


@dataclass
class Host:
    """One host. `first` is its first process, by the number that it has outside."""

    name: str
    address: str
    first: int
    temporary: Path
    environment: dict[str, str] = field(default_factory=dict)

    def start(self, words: Sequence[str], *, cwd: Path = Path("/"), **options: Any) -> subprocess.Popen[str]:
        """Starts a program on the host. The process that is handed back is the door: `inside` is the program."""
        environment = {**os.environ, **self.environment}
        return subprocess.Popen(self.words(words, cwd), env=environment, text=True, start_new_session=True, **options)

    def words(self, words: Sequence[str], cwd: Path) -> list[str]:
        """The command that runs this one on the host; its environment is the caller's to give."""
        there = ["nsenter", "--target", str(self.first), "--net", "--mount", "--uts", "--pid", "--"]
        # env: whoever enters another mount namespace finds himself at its root
        return [*there, "env", "-C", str(cwd), *words]

    def run(self, words: Sequence[str], timeout: float = START_S) -> str:
        """What a program on the host prints. Raises CalledProcessError with what it complained about."""
        with self.start(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            try:
                out, errors = process.communicate(timeout=timeout)
            except subprocess.TimeoutExpired:
                kill(process)
                raise
        if process.returncode:
            raise AssertionError(f"{self.name}: {' '.join(words)} ended with {process.returncode}\n{out}\n{errors}")
        return out

    def stop(self) -> None:
        """Cuts the power."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.first, signal.SIGKILL)


@dataclass
class Cluster:
    """A head and its workers; the head has no CPU for trials, each worker has one."""

    head: Host
    workers: tuple[Host, ...]
    switch: int
    token: Path

    @property
    def gcs(self) -> str:
        return f"{self.head.address}:{GCS}"

    @property
    def jobs(self) -> str:
        return f"http://{self.head.address}:{DASHBOARD}"

    def pull_cable(self, host: Host) -> None:
        """Cuts a host off; it runs on and does not know."""
        _in_net(self.switch, "ip", "link", "set", host.name, "down")


def inside(door: subprocess.Popen[str]) -> int:
    """The program behind a door that `Host.start` handed back."""
    children = Path(f"/proc/{door.pid}/task/{door.pid}/children").read_text().split()
    return int(children[0])


def kill(door: subprocess.Popen[str], number: int = signal.SIGKILL) -> None:
    """Sends a signal to the program behind a door."""
    with contextlib.suppress(ProcessLookupError, IndexError, FileNotFoundError):
        os.kill(inside(door), number)


@contextlib.contextmanager
def cluster(
    workers: int = 2, *, dashboard: bool = False, token: bool = True, database: Database | None = None
) -> Iterator[Cluster]:
    """A Ray cluster of a head and some workers, with token authentication unless told otherwise. Gone at the end.

    `database` starts a server on the head, in a new folder, and hands back the URL that the head's programs are given.
    """
    with contextlib.ExitStack() as stack:
        temporary = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fh-", dir="/tmp")))  # short: sockets
        file = temporary / "token"
        file.write_text(os.urandom(32).hex())
        file.chmod(0o600)
        (temporary / "ray").mkdir()
        switch = stack.enter_context(_first_process(["--net"], ["sh", "-c", SWITCH]))
        hosts = [
            stack.enter_context(_host(name, number, switch, temporary / "ray", file if token else None))
            for number, name in enumerate(["head", *(f"worker{n}" for n in range(1, workers + 1))], start=1)
        ]
        made = Cluster(hosts[0], tuple(hosts[1:]), switch, file)
        temporary.chmod(0o711)  # the server's user has to pass
        if database is not None:
            made.head.environment["FRONTIER_STORAGE"] = database(made.head, temporary / "database")
        _start_head(made, dashboard)
        for worker in made.workers:
            worker.run([*_ray(), "start", "--address", made.gcs, "--num-cpus", "1", *_common(worker)])
        yield made


def _start_head(made: Cluster, dashboard: bool) -> None:
    shown = ["--include-dashboard", "true", "--dashboard-host", "0.0.0.0"] if dashboard else []  # noqa: S104
    shown = shown or ["--include-dashboard", "false"]
    port = ["--port", str(GCS), "--num-cpus", "0", "--temp-dir", str(made.head.temporary)]
    made.head.run([*_ray(), "start", "--head", *port, *shown, *_common(made.head)])


def _ray() -> list[str]:
    return [sys.executable, "-m", "ray.scripts.scripts"]


def _common(host: Host) -> list[str]:
    return ["--node-ip-address", host.address, "--object-store-memory", str(100 * 2**20), "--disable-usage-stats"]


@contextlib.contextmanager
def _host(name: str, number: int, switch: int, temporary: Path, token: Path | None) -> Iterator[Host]:
    spaces = ["--net", "--mount", "--uts", "--pid", "--mount-proc", "--fork", "--kill-child"]
    with _first_process(spaces, ["bash", "-c", FIRST, "first", name, str(temporary)]) as first:
        address = f"{NETWORK}{number}"
        _in_net(switch, "ip", "link", "add", "name", name, "type", "veth", "peer", "name", "eth0", "netns", str(first))
        _in_net(switch, "ip", "link", "set", name, "master", "br0", "up")
        _in_net(first, "ip", "address", "add", f"{address}/24", "dev", "eth0")
        _in_net(first, "ip", "link", "set", "eth0", "up")
        _in_net(first, "ip", "route", "add", "default", "dev", "eth0")
        mode = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN_PATH": str(token)} if token else {"RAY_AUTH_MODE": "disabled"}
        own = {"HOME": str(temporary), "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
        yield Host(name, address, first, temporary, SETTINGS | mode | own)


@contextlib.contextmanager
def _first_process(spaces: Sequence[str], words: Sequence[str]) -> Iterator[int]:
    """The first process in new namespaces, as soon as it says that it is ready."""
    ours = ["setpriv", "--pdeathsig", "KILL"]  # who is killed cleans nothing up
    with subprocess.Popen([*ours, "unshare", *spaces, "--", *words], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n", f"{words} did not come up"
            yield inside(process) if "--fork" in spaces else process.pid
        finally:
            process.kill()


def _in_net(of: int, *words: str) -> None:
    subprocess.run(["nsenter", "--target", str(of), "--net", "--", *words], check=True, capture_output=True)


def wait_until(true: object, what: str, seconds: float) -> None:
    """Polls a function until it hands back something true. Raises AssertionError when the time is over."""
    end = time.monotonic() + seconds
    while not true():  # type: ignore[operator]
        assert time.monotonic() < end, f"waited {seconds:g} s for: {what}"
        time.sleep(0.1)
