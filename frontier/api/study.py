"""A study as a reader sees it: its front, its trials, its tables; and what can be made of it."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from frontier.errors import InputError, RecordError
from frontier.latency._beside import beside
from frontier.mirror import home_at, mirror_of, publish, shown
from frontier.reports.points import StudyPoint, feasible_of, front_of, points_of, unpriced_of, volume_of
from frontier.reports.replicates import spreads
from frontier.results.measured import Measured
from frontier.results.migrate import read_record
from frontier.results.objectives import ACCURACIES
from frontier.results.profile import Profile
from frontier.results.record import Splits, TrialRecord, address
from frontier.results.routing import WARNING
from frontier.results.store import CANCEL, TRAJECTORIES, Study, StudyManifest, names
from frontier.shelves import DEFAULT_HOME
from frontier.spaces.constraints import Constraint, constraints_of
from frontier.spaces.goals import FOUR, Goals, goals_of

if TYPE_CHECKING:
    import pandas as pd

    from frontier.reports.static import Format
    from frontier.trial.subject import Subject


def row(found: StudyPoint) -> dict[str, Any]:
    """What `frontier show --json` prints of a point: validation accuracies on top, `test` beside them.

    `objectives` are the values by what the front is of, null where the point has no price; `violates` are the
    constraints of the study's space that it does not keep to; `replicates` is what other seeds got. `branch` is the one
    that is served; `routing` says whether the figures are of it, `branches` holds those of each. `evaluations` are what
    counts of `frontier evaluate`, and `health` says which of its checks failed. `measurements` are those of `frontier
    measure`, each with what the `protocol` of its engine is `priced` at over the same link.
    """
    validation = found.point.validation
    return {
        "trial": found.trial,
        "point": found.index,
        "method": found.record.spec.method,
        "relu_budget": found.point.relu_budget,
        "relu_count": found.point.relu_count,
        "squares": found.point.profile.squares,
        "role": found.point.role,
        "label": found.point.label,
        "fidelity": found.record.origin.fidelity,
        "branch": found.point.branch,
        "routing": found.routing,
        "clean": validation.clean.value,
        "corrupted": validation.corrupted.value,
        "adversarial": validation.adversarial.value,
        "objectives": found.by_objective or None,
        "violates": list(found.violated),
        "replicates": {
            name: {"values": list(one.values), "mean": one.mean, "sd": one.sd} for name, one in spreads(found).items()
        },
        **_measures(Splits(validation=validation, test=found.point.test)),
        "branches": {branch: _measures(scores) for branch, scores in found.point.branches.items()},
        "knobs": found.record.spec.knobs,
        "seed": found.record.spec.seed,
        "passes": found.record.passes,
        "health": {"checked": found.checked, "failed": list(found.flags)},
        "evaluations": [evaluation.model_dump(mode="json") for evaluation in found.evaluations],
        "measurements": [_measurement(found.served.profile, measured) for measured in found.measurements],
    }


def _measurement(profile: Profile, measured: Measured) -> dict[str, Any]:
    """A measurement, and the price beside it; None where there is no price."""
    price = beside(profile, measured)
    return {
        "measured": measured.model_dump(mode="json"),
        "protocol": None if price is None else price.protocol,
        "priced": None if price is None else {"online_s": price.online_s, "client_cpu_s": price.client_cpu_s},
    }


def _measures(scores: Splits) -> dict[str, Any]:
    """`{"validation": {"clean": {value, n, low, high}, ...}, "test": {...}}`."""
    return {
        split: {name: getattr(getattr(scores, split), name).model_dump() for name in ACCURACIES}
        for split in ("validation", "test")
    }


class StudyView:
    """An existing study, read from its files at every call, so that it is right while a search runs."""

    def __init__(self, home: Path, name: str, objectives: Sequence[str] = ()) -> None:
        """`objectives`: what the front and the hypervolume are of, in place of what was searched for."""
        self.files = Study.open(home, name)
        self.name, self.home = name, home
        self._goals = goals_of(objectives) if objectives else None

    @property
    def manifest(self) -> StudyManifest:
        return self.files.manifest()

    @property
    def goals(self) -> Goals:
        """What the front is of."""
        return self._goals or goals_of(self.manifest.space.get("objectives") or FOUR.names)

    @property
    def constraints(self) -> tuple[Constraint, ...]:
        """What the space says that a point should keep to, whatever the front is of."""
        return constraints_of(self.manifest.space.get("constraints") or ())

    def records(self) -> list[tuple[int, TrialRecord | RecordError]]:
        """All finished trials; one whose record cannot be read stands with the reason."""
        return list(self.files.records())

    def points(self, *, oracle: bool = False) -> tuple[StudyPoint, ...]:
        """All points of all complete trials; `nondominated` says which are on the front.

        With `oracle` the accuracies of networks with norm branches are oracle-routed (results.routing): no deployed
        network has them. The front is then that of those figures.
        """
        records, relus = self.files.records(), self.manifest.relus
        return points_of(records, goals=self.goals, relus=relus, oracle_routed=oracle, constraints=self.constraints)

    def front(self, *, oracle: bool = False) -> tuple[StudyPoint, ...]:
        """The non-dominated points on validation, by the first objective that is a cost; `oracle` as in `points`."""
        return front_of(self.points(oracle=oracle))

    def hypervolume(self) -> float:
        """Of the validation front, in the unit box (`Goals.hypervolume`). Always of the served figures."""
        return volume_of(self.points())

    def counts(self) -> dict[str, int]:
        """Trials by state: complete, pruned, failed, unfinished, unreadable. Replicates do not count."""
        counts = {"complete": 0, "pruned": 0, "failed": 0, "unfinished": 0, "unreadable": 0}
        for trial in self.files.trials():
            if not self.files.finished(trial):
                counts["unfinished"] += not self.files.is_replicate(trial)
        for _, record in self.records():
            if isinstance(record, RecordError):
                counts["unreadable"] += 1
            elif record.spec.replicates is None:
                counts[record.state] += 1
        return counts

    def trial(self, number: int) -> TrialRecord:
        """The record of a finished trial."""
        return self.files.record(number)

    def summary(self, *, oracle: bool = False) -> dict[str, Any]:
        """What `frontier show --json` prints; `oracle` as in `points`, and `warning` says so. The hypervolume is that
        of the served figures in any case."""
        warning = {"routing": "oracle", "warning": WARNING} if oracle else {"routing": "served"}
        points = self.points(oracle=oracle)
        limits = [limit.text for limit in self.constraints]
        constrained = {"constraints": limits, "feasible": feasible_of(points)} if limits else {}
        return {
            "study": self.name,
            **warning,
            "objectives": list(self.goals.names),
            **constrained,
            "trials": self.counts(),
            "hypervolume": volume_of(points),
            "front": [row(found) for found in front_of(points)],
            "unpriced": unpriced_of(points),
        }

    def to_pandas(self, *, oracle: bool = False) -> pd.DataFrame:
        """One row a point of a complete trial: address, objectives, test accuracies, knobs, `on_front`, and `health`:
        `ok`, the health checks that failed, or nothing where it was not checked. Beside each accuracy stand the number
        of its images and the ends of its 95 % interval (`clean_n`, `clean_low`, `clean_high`).

        A knob with the name of another column stands under `knob_NAME`. `oracle` as in `points`.
        """
        import pandas as pd

        rows = []
        for found in self.points(oracle=oracle):
            fields = row(found)
            columns = {name: value for name, value in fields.items() if not isinstance(value, dict | list)}
            for split, prefix in (("validation", ""), ("test", "test_")):
                for name, measure in fields[split].items():
                    columns[prefix + name] = measure["value"]
                    columns |= {f"{prefix}{name}_{part}": measure[part] for part in ("n", "low", "high")}
            columns["health"] = found.health
            columns |= {"address": found.address, "on_front": found.nondominated}
            knobs = {f"knob_{name}" if name in columns else name: value for name, value in fields["knobs"].items()}
            rows.append(columns | knobs)
        return pd.DataFrame(rows)

    def report(
        self, out: Path | str | None = None, *, oracle: bool = False, spec: str = "default", seeds: Sequence[str] = ()
    ) -> Path:
        """Render the report as one HTML file; returns its path (default reports/rendered/NAME.html).

        With `oracle` (as in `points`) the default is NAME-oracle.html, beside the report of what is deployed; with
        objectives of the reader's own it is NAME-repriced.html. `spec` chooses the figures (docs/reports.md); `seeds`
        are studies of the same space with other seeds, for bands over them.
        """
        from frontier.api.report import RENDERED, write_page

        path = Path(out) if out is not None else RENDERED / f"{self._file(oracle)}.html"
        return write_page(self, path, oracle=oracle, spec=spec, seeds=seeds)

    def figures(
        self,
        out: Path | str | None = None,
        *,
        form: Format = "svg",
        oracle: bool = False,
        spec: str = "default",
        seeds: Sequence[str] = (),
    ) -> list[Path]:
        """Write the report's figures as SVG or PNG, one file each (default folder reports/rendered/NAME)."""
        from frontier.api.report import RENDERED, write_figures

        folder = Path(out) if out is not None else RENDERED / self._file(oracle)
        return write_figures(self, folder, form, oracle=oracle, spec=spec, seeds=seeds)

    def _file(self, oracle: bool) -> str:
        return f"{self.name}{'-oracle' if oracle else ''}{'-repriced' if self._goals else ''}"

    def export(self, trial: int | str, out: Path | str, *, data: Path | str | None = None) -> Path:
        """Write the bundle of a point (`7`, or `7.1` for an extra point) to the new folder `out`."""
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
        self.files.fetch_files(number, record)
        return _export(record, folder, Path(out), study=self.name, point=index, data=data)

    def chosen(self, trials: Sequence[int | str] = (), *, oracle: bool = False) -> tuple[StudyPoint, ...]:
        """These points (`7`, `7.1`), or the front in its order; `oracle` as in `points`.

        Raises InputError where there is no such point, and where there is no front yet.
        """
        points = {found.address: found for found in self.points(oracle=oracle)}
        asked = [address(*parse_address(trial)) for trial in trials]
        unknown = [one for one in asked if one not in points]
        if unknown:
            raise InputError(
                f"study '{self.name}' has no point {', '.join(unknown)}",
                where="--trial",
                expected=f"one of {', '.join(points) or 'none: no trial is complete'}",
            )
        if not points:
            raise InputError(
                f"study '{self.name}' has no front yet: no trial is complete",
                where=str(self.files.folder),
                fix="go on with its search first",
            )
        return tuple(points[one] for one in dict.fromkeys(asked)) or self.front(oracle=oracle)

    def subjects(self, trials: Sequence[int | str] = ()) -> tuple[Subject, ...]:
        """What can be evaluated: the points that `chosen` gives, with their folders."""
        from frontier.trial.subject import Subject

        chosen = self.chosen(trials)
        for found in chosen:
            self.files.fetch_files(found.trial, found.record)
        return tuple(
            Subject(self.files.trial_folder(found.trial), found.trial, found.index, found.record) for found in chosen
        )

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
            for path in self.files.weights(trial):
                index = int(path.stem.partition("-")[2] or 0)
                if address(trial, index) not in front:
                    self.files.free_at_url(trial, path.name)
                    with contextlib.suppress(FileNotFoundError):  # another driver was quicker
                        size = path.stat().st_size
                        path.unlink()
                        size_bytes += size
                        freed.append(path)
        return freed, size_bytes

    def cancel(self, trial: int | None = None) -> None:
        """Ask a running search, or one of its trials, to stop.

        A search hands out nothing more and ends when its running trials have; a trial stops after its current epoch.
        """
        if trial is None:
            (self.files.folder / CANCEL).touch()
            publish(self.files.folder / CANCEL)
            return
        if trial not in self.files.trials():
            raise InputError(f"study '{self.name}' has no trial {trial}", where=str(self.files.folder / "trials"))
        if self.files.finished(trial):
            raise InputError(f"trial {trial} has finished already", where=str(self.files.trial_folder(trial)))
        if mirror := mirror_of(self.files.folder):
            raise InputError(
                "one trial cannot be cancelled on an object store: its worker does not look there",
                where=mirror.shown(self.files.trial_folder(trial)),
                fix="cancel the search, or give its trials a deadline (--trial-deadline)",
            )
        (self.files.trial_folder(trial) / CANCEL).touch()


def free_trajectories(home: Path | str = DEFAULT_HOME) -> tuple[list[Path], int]:
    """Delete the states of mask searches that trials keep for each other, but those being added to right now.

    Returns the files that are gone and their size in bytes. Trials that would have gone on from them walk all the way.
    """
    from frontier.training.kept import free

    return free(home_at(home) / TRAJECTORIES)


def export_trial(folder: Path | str, out: Path | str, *, data: Path | str | None = None) -> Path:
    """Write the bundle of the asked point of a trial that stands by itself, in a folder that `frontier trial` wrote."""
    path = Path(folder) / "record.json"
    try:
        record = read_record(path.read_bytes(), where=str(path))
    except OSError as error:
        what = f"cannot read the record ({error.strerror})"
        raise InputError(what, where=str(path), expected="a folder that frontier trial wrote") from None
    if record.state != "complete":
        raise InputError(f"the trial is {record.state}: {record.reason}", where=str(path))
    return _export(record, Path(folder), Path(out), study="", point=0, data=data)


def _export(record: TrialRecord, folder: Path, out: Path, *, study: str, point: int, data: Path | str | None) -> Path:
    from frontier.trial import bundle
    from frontier.trial.runtime import Runtime
    from frontier.trial.source import Source

    runtime = Runtime(home=folder, data=Path(data) if data is not None else None)
    source = Source.of(record.spec.data, runtime.data_folder())
    bundle.export(record, folder, out, study=study, point=point, data=source.dataset())
    return out


def parse_address(text: int | str) -> tuple[int, int]:
    """`7` -> (7, 0); `7.1` -> (7, 1)."""
    trial, _, index = str(text).partition(".")
    if not trial.isdecimal() or (index and not index.isdecimal()):
        raise InputError("not a trial", where="--trial", expected="N, or N.K for an extra point", got=text)
    return int(trial), int(index or 0)


def open_study(name: str, home: Path | str = DEFAULT_HOME, *, objectives: Sequence[str] = ()) -> StudyView:
    """An existing study. With `objectives`, such as `clean` and `online_s@crypten/wan`, its front is that of them, and
    nobody trains anything for it. Raises InputError with the nearest name if there is none, or for wrong objectives."""
    return StudyView(home_at(home), name, objectives)


def list_studies(home: Path | str = DEFAULT_HOME) -> list[StudyView]:
    """All studies under `home`, by name."""
    folder = home_at(home)
    return [StudyView(folder, name) for name in names(folder)]


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
        "folder": shown(view.files.folder),
    }
