"""What the evidence says, in lines: the model's errors, the samplers beside random, simulated beside live."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from statistics import fmean, stdev

from evidence import Evidence, Live, Run
from live import CONCURRENCY as INLINE

MARKS = (30, 60, 120)
YARDSTICK = "random"


def report(found: Evidence, concurrency: int) -> Iterator[str]:
    """All of it. `concurrency`: of the simulated searches in the table."""
    yield f"{found.space} ({found.space_hash}): {found.recorded} recorded trials, code {found.code_version}"
    yield from ("", "The model on trials that it was not fitted to; accuracies as fractions, ReLU counts in decades")
    yield from model_table(found)
    yield from ("", "Random searches cut out of the recorded trials: hypervolume as recorded and as simulated")
    yield from batch_table(found)
    if found.pruned_batches:
        yield ""
        yield "The same, one trial after another before the pruner: share that it stops, and hypervolume of the others"
        yield from pruned_batch_table(found)
    simulated = [run for run in found.runs if run.concurrency == concurrency]
    if simulated:
        yield ""
        yield (
            f"Simulated, {concurrency} trials at once; hypervolume without noise in % of that of {found.dense_trials} "
            f"random trials ({found.dense:.4f}); mean +- standard deviation over seeds"
        )
        yield from sampler_table(found, concurrency)
        yield f"seconds to ask: on {found.machine}, which other work shared"
    if any(run.pruner for run in simulated):
        yield ""
        yield (
            "The same searches without and with a pruner; pruned trials count as trials. In the time of N: what had "
            "ended when N random trials"
        )
        yield (
            f"that nobody looks at would be done on average, {concurrency} at once, {found.random_s:.3g} s each "
            f"({', '.join(f'{found.time_of(mark, concurrency):.4g}' for mark in MARKS)} s); looking at rungs takes time"
        )
        yield from pruner_table(found, concurrency)
        yield ""
        yield "With the pruner less without, in that %, in the time of N; mean +- deviation, seed by seed"
        yield from difference_table(found, concurrency)
    elif simulated:
        yield "nothing is said of pruning: no search with a pruner was simulated"
    if found.live:
        yield from ("", "Live beside simulated, one trial at once: hypervolume of what was observed")
        yield from live_table(found)


def model_table(found: Evidence) -> Iterator[str]:
    """`own error`: the part of the error that is not the noise of the held-out trial."""
    head = ["method, objective", "model", "RMSE", "seed noise", "own error", "rank correlation", "RMSE of the others"]
    rows = [
        [
            f"{fit.method}, {fit.objective}",
            fit.model,
            f"{fit.rmse:.4f}",
            f"{fit.noise:.4f}",
            f"{max(0.0, fit.rmse**2 - fit.noise**2) ** 0.5:.4f}",
            "-" if fit.rank is None else f"{fit.rank:.3f}",
            ", ".join(f"{name} {rmse:.4f}" for name, rmse in fit.others.items()),
        ]
        for fit in found.fits
    ]
    yield from table(head, rows)
    yield f"seed noise: from {found.pairs} trials that were run again under another seed"


def batch_table(found: Evidence) -> Iterator[str]:
    rows = []
    for size in sorted({size for size, _, _ in found.batches}):
        recorded = [volume for length, volume, _ in found.batches if length == size]
        simulated = [volume for length, _, volume in found.batches if length == size]
        rows.append([f"{size} trials", str(len(recorded)), spread(recorded, 4), spread(simulated, 4)])
    return table(["search of", "searches", "recorded", "simulated"], rows)


def pruned_batch_table(found: Evidence) -> Iterator[str]:
    rows = []
    for size in sorted({cut[0] for cut in found.pruned_batches}):
        columns = list(zip(*(cut[1:] for cut in found.pruned_batches if cut[0] == size), strict=True))
        cells = [spread([100 * value for value in columns[0]]), spread(columns[1], 4)]
        cells += [spread([100 * value for value in columns[2]]), spread(columns[3], 4)]
        rows.append([f"{size} trials", str(len(columns[0])), *cells])
    head = ["search of", "searches", "recorded: % stopped", "hypervolume", "simulated: % stopped", "hypervolume"]
    return table(head, rows)


def pruner_table(found: Evidence, concurrency: int) -> Iterator[str]:
    """A line for every sampler without and with each pruner. `pruned`: of the trials in the time of the last mark."""
    rows = []
    last = found.time_of(MARKS[-1], concurrency)
    for name, pruner in sorted(
        {(run.sampler, run.pruner or "") for run in found.runs if run.concurrency == concurrency}
    ):
        runs = found.of(name, concurrency, pruner or None)
        cells = [spread([100 * run.exact[mark - 1] / found.dense for run in _reached(runs, mark)]) for mark in MARKS]
        cells += [spread(list(_in_time(found, runs, mark, concurrency).values())) for mark in MARKS]
        lasted = [(run, trials) for run in runs if (trials := run.by(last))]
        stopped = [100 * sum(at < trials for at in run.pruned) / trials for run, trials in lasted]
        counts = [spread([float(trials) for _, trials in lasted], 0), spread(stopped, 0)]
        rows.append([name, pruner or "none", str(len(runs)), *cells, *counts])
    marks = [*(f"at {mark}" for mark in MARKS), *(f"in the time of {mark}" for mark in MARKS)]
    return table(["sampler", "pruner", "seeds", *marks, f"trials by that of {MARKS[-1]}", "% pruned"], rows)


def difference_table(found: Evidence, concurrency: int) -> Iterator[str]:
    """Of the seeds that have both."""
    rows = []
    for name, pruner in sorted(
        {(run.sampler, run.pruner) for run in found.runs if run.concurrency == concurrency and run.pruner}
    ):
        cells, seeds = [], 0
        for mark in MARKS:
            without = _in_time(found, found.of(name, concurrency), mark, concurrency)
            with_it = _in_time(found, found.of(name, concurrency, pruner), mark, concurrency)
            both = [with_it[seed] - without[seed] for seed in with_it if seed in without]
            cells.append(spread(both, 2))
            seeds = max(seeds, len(both))
        rows.append([name, pruner, str(seeds), *cells])
    return table(["sampler", "pruner", "seeds", *(f"in the time of {mark}" for mark in MARKS)], rows)


def sampler_table(found: Evidence, concurrency: int) -> Iterator[str]:
    """Best at the end first. `as random at 120 after`: trials, of the mean curves. Seconds: of the ten asks before."""
    names = sorted({run.sampler for run in found.runs if (run.concurrency, run.pruner) == (concurrency, None)})
    by_name = {name: found.of(name, concurrency) for name in names}
    yardstick = _mean_curve(by_name.get(YARDSTICK, ()))
    last = MARKS[-1]
    rows = []
    for name in sorted(names, key=lambda name: -max(_mean_curve(by_name[name]), default=0.0)):
        runs, curve = by_name[name], _mean_curve(by_name[name])
        cells = [spread([100 * run.exact[mark - 1] / found.dense for run in _reached(runs, mark)]) for mark in MARKS]
        reached = "-"
        if len(yardstick) >= last:
            reached = next((str(n + 1) for n, volume in enumerate(curve) if volume >= yardstick[last - 1]), "never")
        asks = [_seconds([fmean(run.ask_s[mark - 10 : mark]) for run in _reached(runs, mark)]) for mark in MARKS[1:]]
        rows.append([name, str(len(runs)), *cells, reached, *asks])
    marks = [f"at {mark}" for mark in MARKS]
    head = ["sampler", "seeds", *marks, f"as random at {last} after", *(f"s to ask {mark}" for mark in marks[1:])]
    return table(head, rows)


def live_table(found: Evidence) -> Iterator[str]:
    rows = []
    for name in sorted({run.sampler for run in found.live}):
        for mark in MARKS:
            mine = [one for one in found.live if one.sampler == name]
            live = [run.observed[mark - 1] for run in _reached(mine, mark)]
            model = [run.observed[mark - 1] for run in _reached(found.of(name, INLINE), mark)]
            if live:
                counts = f"{len(live)}, {len(model)}"
                rows.append([f"{name} at {mark}", counts, spread(live, 4), spread(model, 4) if model else "-"])
    return table(["sampler", "seeds live, simulated", "live", "simulated"], rows)


def name_of(run: Run) -> str:
    return f"{run.sampler} with {run.pruner}" if run.pruner else run.sampler


def _in_time(found: Evidence, runs: Sequence[Run], mark: int, concurrency: int) -> dict[int, float]:
    """By seed: % of the dense sample's hypervolume when so many random trials would be done."""
    seconds = found.time_of(mark, concurrency)
    there = {run.seed: (run, trials) for run in runs if (trials := run.by(seconds)) is not None}
    return {
        seed: 100 * (run.exact[trials - 1] if trials else 0.0) / found.dense for seed, (run, trials) in there.items()
    }


def _seconds(values: Sequence[float]) -> str:
    return f"{fmean(values):.2f}" if values else "-"


def _reached(runs: Iterable[Run] | Iterable[Live], mark: int) -> list[Run] | list[Live]:
    return [run for run in runs if len(run.observed) >= mark]  # type: ignore[return-value]


def _mean_curve(runs: Sequence[Run]) -> list[float]:
    """Over as many trials as all of them have."""
    return [fmean(volumes) for volumes in zip(*(run.exact for run in runs), strict=False)]


def spread(values: Sequence[float], digits: int = 1) -> str:
    """`mean +- standard deviation`; the mean alone of one value."""
    if not values:
        return "-"
    deviation = f" +- {stdev(values):.{digits}f}" if len(values) > 1 else ""
    return f"{fmean(values):.{digits}f}{deviation}"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Columns as wide as their widest cell; the first one to the left, the others to the right."""
    cells = [list(head), *(list(row) for row in rows)]
    widths = [max(len(row[at]) for row in cells) for at in range(len(head))]
    for row in cells:
        others = [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        yield "  ".join([row[0].ljust(widths[0]), *others]).rstrip()
