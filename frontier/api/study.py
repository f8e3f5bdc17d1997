"""A study as a reader sees it: its front, its trials, its tables; and what can be made of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from frontier.errors import InputError, RecordError
from frontier.files import writable, write_atomic
from frontier.reports.points import StudyPoint, front_of, points_of
from frontier.results import pareto
from frontier.results.objectives import ACCURACIES, values
from frontier.results.record import TrialRecord, address
from frontier.results.store import Study, StudyManifest, names
from frontier.shelves import DEFAULT_HOME
from frontier.trial.workspace import CANCEL

if TYPE_CHECKING:
    import pandas as pd


def row(found: StudyPoint) -> dict[str, Any]:
    """What `frontier show --json` prints of a point: validation accuracies on top, `test` beside them."""
    validation, test = found.point.validation, found.point.test
    return {
        "trial": found.trial,
        "point": found.index,
        "method": found.record.spec.method,
        "relu_budget": found.point.relu_budget,
        "relu_count": found.point.relu_count,
        "clean": validation.clean.value,
        "corrupted": validation.corrupted.value,
        "adversarial": validation.adversarial.value,
        "validation": {name: getattr(validation, name).model_dump() for name in ACCURACIES},
        "test": {name: getattr(test, name).model_dump() for name in ACCURACIES},
        "knobs": found.record.spec.knobs,
        "seed": found.record.spec.seed,
    }


class StudyView:
    """An existing study, read from its files at every call, so that it is right while a search runs."""

    def __init__(self, home: Path, name: str) -> None:
        self.files = Study.open(home, name)
        self.name, self.home = name, home

    @property
    def manifest(self) -> StudyManifest:
        return self.files.manifest()

    def records(self) -> list[tuple[int, TrialRecord | RecordError]]:
        """All finished trials; one whose record cannot be read stands with the reason."""
        return list(self.files.records())

    def points(self) -> tuple[StudyPoint, ...]:
        """All points of all complete trials; `nondominated` says which are on the front."""
        return points_of(self.files.records())

    def front(self) -> tuple[StudyPoint, ...]:
        """The non-dominated points on validation, by rising ReLU count."""
        return front_of(self.points())

    def hypervolume(self) -> float:
        """Of the validation front, in the unit box (results.pareto)."""
        return pareto.hypervolume([values(found.point) for found in self.points()], self.manifest.relus)

    def counts(self) -> dict[str, int]:
        """Trials by state: complete, pruned, failed, unfinished, unreadable."""
        counts = {"complete": 0, "pruned": 0, "failed": 0, "unfinished": 0, "unreadable": 0}
        for trial in self.files.trials():
            if not self.files.finished(trial):
                counts["unfinished"] += 1
        for _, record in self.records():
            counts[record.state if isinstance(record, TrialRecord) else "unreadable"] += 1
        return counts

    def trial(self, number: int) -> TrialRecord:
        """The record of a finished trial."""
        return self.files.record(number)

    def summary(self) -> dict[str, Any]:
        """What `frontier show --json` prints."""
        return {
            "study": self.name,
            "trials": self.counts(),
            "hypervolume": self.hypervolume(),
            "front": [row(found) for found in self.front()],
        }

    def to_pandas(self) -> pd.DataFrame:
        """One row a point of a complete trial: address, objectives, test accuracies, knobs, `on_front`."""
        import pandas as pd

        rows = []
        for found in self.points():
            fields = row(found)
            rows.append(
                {name: fields[name] for name in fields if name not in ("validation", "test", "knobs")}
                | {f"test_{name}": fields["test"][name]["value"] for name in ACCURACIES}
                | fields["knobs"]
                | {"address": found.address, "on_front": found.nondominated}
            )
        return pd.DataFrame(rows)

    def report(self, out: Path | str | None = None) -> Path:
        """Render the report as one HTML file; returns its path (default reports/rendered/NAME.html)."""
        from frontier.reports.page import render

        path = Path(out) if out is not None else Path("reports") / "rendered" / f"{self.name}.html"
        page = render(self.manifest, self.records())
        writable(path.parent, "--out")
        if path.is_dir():
            raise InputError("is a folder", where=str(path), expected="a file", fix="give another one with --out")
        write_atomic(path, page)
        return path

    def export(self, trial: int | str, out: Path | str, *, data: Path | str | None = None) -> Path:
        """Write the bundle of a point (`7`, or `7.1` for an extra point) to the new folder `out`."""
        from frontier.trial import bundle
        from frontier.trial.runtime import Runtime
        from frontier.trial.source import Source

        number, index = parse_address(trial)
        record = self.trial(number)
        folder = self.files.trial_folder(number)
        if record.state != "complete" or index >= len(record.points):
            raise InputError(
                f"trial {number} has no point {index}: it is {record.state}",
                where=str(folder),
                expected=f"one of {', '.join(found.address for found in self.points()) or 'none'}",
                got=str(trial),
            )
        runtime = Runtime(home=self.home, data=Path(data) if data is not None else None)
        source = Source(record.spec.data.name, runtime.data_folder())
        bundle.export(record, folder, Path(out), study=self.name, point=index, data=source.dataset())
        return Path(out)

    def free_weights(self) -> tuple[list[Path], int]:
        """Delete the weights of every finished trial that is not on the front; masks and records stay.

        Returns the files that are gone and their size in bytes.
        """
        front = {found.address for found in self.front()}
        trials = [trial for trial in self.files.trials() if self.files.finished(trial)]
        return self.free_weights_of(trials, front)

    def free_weights_of(self, trials: Iterable[int], front: Collection[str]) -> tuple[list[Path], int]:
        """The same for these trials alone; `front` holds the addresses of the points whose weights stay."""
        freed, size_bytes = [], 0
        for trial in trials:
            for path in self.files.trial_folder(trial).glob("weights*.safetensors"):
                index = int(path.stem.partition("-")[2] or 0)
                if address(trial, index) not in front:
                    size_bytes += path.stat().st_size
                    path.unlink()
                    freed.append(path)
        return freed, size_bytes

    def cancel(self, trial: int | None = None) -> None:
        """Ask a running search, or one of its trials, to stop.

        A search hands out nothing more and ends when its running trials have; a trial stops after its current epoch.
        """
        if trial is None:
            (self.files.folder / CANCEL).touch()
            return
        if trial not in self.files.trials():
            raise InputError(f"study '{self.name}' has no trial {trial}", where=str(self.files.folder / "trials"))
        if self.files.finished(trial):
            raise InputError(f"trial {trial} has finished already", where=str(self.files.trial_folder(trial)))
        (self.files.trial_folder(trial) / CANCEL).touch()


def parse_address(text: int | str) -> tuple[int, int]:
    """`7` -> (7, 0); `7.1` -> (7, 1)."""
    trial, _, index = str(text).partition(".")
    if not trial.isdecimal() or (index and not index.isdecimal()):
        raise InputError("not a trial", where="--trial", expected="N, or N.K for an extra point", got=text)
    return int(trial), int(index or 0)


def open_study(name: str, home: Path | str = DEFAULT_HOME) -> StudyView:
    """An existing study. Raises InputError with the nearest name if there is none."""
    return StudyView(Path(home), name)


def list_studies(home: Path | str = DEFAULT_HOME) -> list[StudyView]:
    """All studies under `home`, by name."""
    return [StudyView(Path(home), name) for name in names(Path(home))]


def overview(view: StudyView) -> dict[str, Any]:
    """What `frontier list --json` prints of a study; `problem` says why its manifest cannot be read, if so."""
    try:
        created_at, problem = view.manifest.created_at, None
    except RecordError as error:
        created_at, problem = "", str(error)
    return {
        "study": view.name,
        "created_at": created_at,
        "problem": problem,
        "trials": view.counts(),
        "folder": str(view.files.folder),
    }
