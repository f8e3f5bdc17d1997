"""5,000 synthetic points in the page: seconds to the first render, of a protocol switch and of a brush; server memory.

python benchmarks/browse [--points 5000] [--repeats 3]

A browser without a window visits `frontier browse`. A render ends when plotly has drawn, a switch when the plot shows
the other seconds, a brush when the table has its points. Every repeat has a new tab without a cache.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import synthetic
from playwright.sync_api import sync_playwright

from frontier.__main__ import guarded
from frontier.errors import BlockedError

PROTOCOLS = ("delphi", "cheetah", "snl_table")  # one a repeat, so that none was priced before
DRAWN = "() => document.querySelector('#scatter .js-plotly-plot')?._fullData?.some(t => t.customdata?.length)"
FIRST = "document.querySelector('#scatter .js-plotly-plot')._fullData.find(t => t.customdata).x[0]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--points", type=int, default=5000)
    parser.add_argument("--repeats", type=int, default=len(PROTOCOLS))
    arguments = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        raise BlockedError("a browser is missing; Debian, Ubuntu: apt-get install chromium")
    shown = ", ".join(f"{name} {version(name)}" for name in ("dash", "plotly", "playwright"))
    browser = subprocess.run([chromium, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    print(
        f"{_processor()}, {len(os.sched_getaffinity(0))} cores, Python {platform.python_version()}, {shown}, {browser}"
    )
    with tempfile.TemporaryDirectory() as folder:
        synthetic.write_study(Path(folder), "synthetic", arguments.points)
        measure(Path(folder), chromium, arguments.points, arguments.repeats)


def measure(home: Path, chromium: str, points: int, repeats: int) -> None:
    """Prints the medians."""
    command = [sys.executable, "-u", "-m", "frontier", "browse", "synthetic", "--home", str(home), "--port", "0"]
    began = time.perf_counter()
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        opened_s = time.perf_counter() - began
        found: dict[str, list[float]] = {"first render": [], "protocol switch": [], "brush": []}
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
            for i in range(repeats):
                page = browser.new_context(viewport={"width": 1400, "height": 1000}).new_page()
                for name, seconds in visit(page, url, PROTOCOLS[i % len(PROTOCOLS)]).items():
                    found[name].append(seconds)
                page.context.close()
            browser.close()
        print(f"{points} points, medians of {repeats}:")
        for name, seconds in found.items():
            print(f"  {name:16} {statistics.median(seconds):6.2f} s  ({min(seconds):.2f} to {max(seconds):.2f})")
        print(f"  records read     {opened_s:6.2f} s  once, before the page answers, imports included")
        print(f"  server's memory  {_resident_mb(server.pid):6.0f} MB")
    finally:
        server.terminate()
        server.wait()


def visit(page: Any, url: str, protocol: str) -> dict[str, float]:
    """Seconds of each of the three."""
    return {
        "first render": timed(lambda: page.goto(f"{url}?x=online_s"), lambda: page.wait_for_function(DRAWN)),
        "protocol switch": switch(page, protocol),
        "brush": brush(page),
    }


def switch(page: Any, protocol: str) -> float:
    page.wait_for_timeout(3000)
    before = page.evaluate(FIRST)
    choose = page.locator("#protocol label", has_text=protocol)
    return timed(choose.click, lambda: page.wait_for_function(f"() => {FIRST} !== {before!r}"))


def brush(page: Any) -> float:
    page.wait_for_timeout(3000)
    plot = page.locator("#scatter .nsewdrag").first.bounding_box()
    before = page.inner_text("#pages")
    mouse = page.mouse
    mouse.move(plot["x"] + 0.3 * plot["width"], plot["y"] + 0.2 * plot["height"])
    mouse.down()
    mouse.move(plot["x"] + 0.7 * plot["width"], plot["y"] + 0.8 * plot["height"], steps=3)
    other = "(before) => document.querySelector('#pages').innerText !== before"
    return timed(mouse.up, lambda: page.wait_for_function(other, arg=before))


def timed(act: Callable[[], Any], ended: Callable[[], Any]) -> float:
    began = time.perf_counter()
    act()
    ended()
    return time.perf_counter() - began


def _resident_mb(process: int) -> float:
    lines = Path(f"/proc/{process}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine())


if __name__ == "__main__":
    guarded(main)
