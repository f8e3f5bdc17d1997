"""What an emulated link gives beside what it was set to. Needs Linux and root.

python benchmarks/link.py [--repeats 3] [--seconds 1.5] [LINK ...]

Links as `frontier price --link` takes them; `none` delays nothing and has no rate: what the emulation itself costs.
Each repeat has a link, two processes and one TCP connection of its own, and repeats are interleaved. Round trips are
echoes of 8 bytes. "first 8 MiB" is what a new connection carries first (slow start included), "then" the rate of a
transfer of about --seconds after it. Lateness is what the link's process itself saw.
"""

import argparse
import os
import platform
import statistics
import subprocess
import sys
from dataclasses import dataclass, field
from json import loads
from pathlib import Path

from frontier.engines._emulated import emulated
from frontier.latency._link import Link, parse_link

ECHO = [sys.executable, str(Path(__file__).with_name("echo.py"))]
LINKS = ["40,400", "40,100", "20,100", "0.3,1000", "0.3,3000", "none"]
NONE = Link(rtt_ms=0, mbit_s=1e6)
ECHOES = 50
FIRST = 8 << 20
UNHINDERED_MBIT_S = 3000  # about what one process carries


@dataclass
class Got:
    """Of all repeats of one link."""

    rtt_ms: list[float] = field(default_factory=list)
    first: list[float] = field(default_factory=list)
    then: list[float] = field(default_factory=list)
    late_ms: list[float | None] = field(default_factory=list)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("links", nargs="*", default=LINKS, metavar="LINK")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1.5)
    arguments = parser.parse_args()
    got = {name: Got() for name in arguments.links}
    made_by, load = "", os.getloadavg()[0]
    for _ in range(arguments.repeats):
        for name, results in got.items():
            made_by = measure(NONE if name == "none" else parse_link(name), arguments.seconds, results)
    print(
        f"kernel {platform.release()}, {os.cpu_count()} cores, Python {platform.python_version()}, {made_by}, "
        f"load {load:.1f} before and {os.getloadavg()[0]:.1f} after, {arguments.repeats} interleaved repeats: medians; "
        "in brackets the least and the most\n\n"
        "| set | RTT got (ms) | first 8 MiB (Mbit/s) | then (Mbit/s) | worst lateness (ms) |\n|---|---|---|---|---|"
    )
    for name, results in got.items():
        set_to = "none" if name == "none" else "{0.rtt_ms:g} ms / {0.mbit_s:g} Mbit/s".format(parse_link(name))
        late = [each for each in results.late_ms if each is not None]
        print(
            f"| {set_to} | {row(results.rtt_ms, '.2f')} | {row(results.first, '.0f')} | {row(results.then, '.0f')} "
            f"| {row(late, '.2f') if late else 'the kernel does not say'} |"
        )


def measure(link: Link, seconds: float, results: Got) -> str:
    """Adds one repeat's figures; what the link was made with."""
    size = int(seconds * min(link.mbit_s, UNHINDERED_MBIT_S) * 1e6 / 8)
    with emulated(link) as emulation:
        address = emulation.addresses["server"]
        serving = emulation.command("server", [*ECHO, "serve", address])
        with subprocess.Popen(serving, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout
            server.stdout.readline()
            emulation.lateness_ms(anew=True)
            calling = emulation.command("client", [*ECHO, "call", address, str(ECHOES), str(FIRST), str(size)])
            answer = loads(subprocess.run(calling, check=True, capture_output=True, text=True).stdout)
            results.late_ms.append(emulation.lateness_ms())
        results.rtt_ms += answer["rtt_ms"]
        results.first.append(answer["mbit_s"][0])
        results.then.append(answer["mbit_s"][1])
        return f"emulated by {emulation.by}, {emulation.congestion}"


def row(numbers: list[float], shape: str) -> str:
    return f"{statistics.median(numbers):{shape}} ({min(numbers):{shape}} to {max(numbers):{shape}})"


if __name__ == "__main__":
    main()
