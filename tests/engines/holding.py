"""A caller that holds an emulated link with a program on each side, says what is there as JSON, and waits."""

import json
import signal
import subprocess
import sys

from frontier.engines._emulated import emulated
from frontier.latency._link import Link

signal.signal(signal.SIGINT, signal.default_int_handler)  # whatever it was started from
with emulated(Link(rtt_ms=1, mbit_s=100)) as emulation:
    inside = [subprocess.Popen(emulation.command(side, ["sleep", "1000"])) for side in ("client", "server")]
    pids = [process.pid for process in inside]
    said = {"namespaces": list(emulation.namespaces.values()), "link": emulation.process.pid, "inside": pids}
    sys.stdout.write(json.dumps(said) + "\n")
    sys.stdout.flush()
    sys.stdin.read()
