"""Stops a process at a chosen point of a trial until it is released or killed; Python reads this file when it starts.

An audit hook sees which files a process opens and renames, so that nothing of frontier is changed and no time is
guessed. FRONTIER_FAULT_GATE is a folder with gate.json, what to stop at; the first process that comes to it writes
`reached` there and stands still until there is a file `released`. Each attempt at a trial is a line in `attempts`.
"""

from __future__ import annotations

import json
import os
import re
import sys
import threading
import time
from typing import Any

LOCK = re.compile(r"^(.*/trials/(\d+))/\.lock$")  # taken at the start of every attempt


class Gate:
    """`at`: `event` (open or rename) of a file whose path matches `path`; where given: in an attempt at the `trial`,
    whose log holds the text `log`; the file itself holds `itself`; the folder of the file has a file `beside`."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        with open(os.path.join(folder, "gate.json"), encoding="utf-8") as file:
            self.at: dict[str, Any] = json.load(file)
        self.trial, self.trial_folder = -1, ""
        self.busy = threading.local()

    def __call__(self, event: str, args: tuple[Any, ...]) -> None:
        if event not in ("open", "os.rename") or getattr(self.busy, "here", False):
            return
        path = args[0] if event == "open" else args[1]
        if isinstance(path, int) or path is None:
            return
        self.busy.here = True
        try:
            self._look(event.removeprefix("os."), os.fsdecode(path))
        finally:
            self.busy.here = False

    def _look(self, event: str, path: str) -> None:
        if event == "open" and (found := LOCK.match(path)):
            self.trial, self.trial_folder = int(found[2]), found[1]
            self._write("attempts", f"{self.trial} {os.uname().nodename} {os.getpid()}\n")
        at = self.at
        if event != at.get("event") or not re.search(at["path"], path):
            return
        if at.get("trial", self.trial) != self.trial:
            return
        beside = os.path.join(os.path.dirname(path), at.get("beside", ""))
        if (
            self._holds(f"{self.trial_folder}/log.txt", "log")
            and self._holds(path, "itself")
            and os.path.exists(beside)
        ):
            self._stand()

    def _holds(self, path: str, key: str) -> bool:
        if key not in self.at:
            return True
        try:
            with open(path, encoding="utf-8") as file:
                return self.at[key] in file.read()
        except OSError:
            return False

    def _stand(self) -> None:
        try:
            os.mkdir(f"{self.folder}/taken")  # one process alone succeeds
        except FileExistsError:
            return
        self._write("reached.part", json.dumps({"process": os.getpid(), "host": os.uname().nodename}))
        os.rename(f"{self.folder}/reached.part", f"{self.folder}/reached")
        while not os.path.exists(f"{self.folder}/released"):
            time.sleep(0.02)

    def _write(self, name: str, text: str) -> None:
        with open(f"{self.folder}/{name}", "a", encoding="utf-8") as file:
            file.write(text)


if os.environ.get("FRONTIER_FAULT_GATE"):
    sys.addaudithook(Gate(os.environ["FRONTIER_FAULT_GATE"]))
