"""Which sampler finds more with the same number of trials, on recorded trials of a space.

python benchmarks/samplers record   --space digits --trials 1500 --home DIR [--workers 2] [--data DIR]
python benchmarks/samplers compact  --space digits --home DIR [--with FOLDER ...]
python benchmarks/samplers simulate --space digits [--samplers gp,tpe] [--seeds 10] [--trials 120] [--concurrency 4]
                                    [--pruner none]
python benchmarks/samplers live     --space digits --home DIR --samplers gp,random --seeds 3 --trials 60
python benchmarks/samplers --report --space digits [--figure FILE.html]

`record` trains random trials, each tenth once more under another seed, and writes them into one table; what the table
holds already, say of another machine, is not trained again. `compact` writes that table of what has been recorded so
far, and of the studies in the folders given. `simulate` fits a model to the table, prints its errors on trials left
out, and searches it with every sampler; the slow ones (gp, hybrid) with 5 seeds unless --samplers names them; without a
pruner and, where trials were recorded with rungs, with one. `live` runs searches that train. All of them can be stopped
at any moment and go on where they were; --report prints what the evidence file holds and runs nothing.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import cuts
import evidence
import figure
import live
import recording
import simulation
import table
import words
from answers import row_in
from columns import told
from landscape import Landscape, landscape_of

from frontier import registry
from frontier.__main__ import guarded
from frontier.api.lookups import load_space
from frontier.errors import InputError
from frontier.results.store import Study
from frontier.spaces.space import Space
from frontier.trial import origin

SLOW, SLOW_SEEDS = ("gp", "hybrid"), 5
PARTS = ("record", "compact", "simulate", "live")
PRUNER, NONE = "stratified", "none"
USUAL_TRIALS = {"record": 1500, "simulate": 120, "live": 60}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", nargs="?", choices=PARTS)
    parser.add_argument("--space", default="digits", help="a search space, by name or path")
    parser.add_argument("--trials", type=int, help="record: 1500 and a tenth more; simulate: 120; live: 60")
    parser.add_argument("--home", type=Path, default=Path("results"), help="takes the studies and the teachers")
    parser.add_argument("--data", type=Path, help="folder with the data sets' files")
    parser.add_argument("--workers", type=int, default=2, help="processes that record, one thread each")
    parser.add_argument("--with", dest="others", type=Path, nargs="+", default=[], help="compact: studies' folders")
    parser.add_argument("--samplers", help="separated by commas; all of them by default")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--concurrency", type=int, default=4, help="trials at once in a simulated search")
    parser.add_argument("--pruner", help=f"simulate: this one besides none; '{NONE}': without one alone")
    parser.add_argument("--table", type=Path, help="default: in results/reference/samplers")
    parser.add_argument("--out", type=Path, help="the evidence; default: in results/reference/samplers")
    parser.add_argument("--figure", type=Path, help="write the figure to this HTML file")
    parser.add_argument("--report", action="store_true", help="print the evidence and run nothing")
    arguments = parser.parse_args()
    if arguments.part is None and not arguments.report:
        parser.error("say what to do: " + ", ".join(PARTS) + ", or --report")
    space = load_space(arguments.space)
    recorded = arguments.table or table.place_of(space.name)
    out = arguments.out or evidence.place_of(space.name)
    trials = arguments.trials or USUAL_TRIALS.get(arguments.part or "", 0)
    if arguments.report:
        return say(evidence.read(out), arguments)
    if arguments.part == "record":
        missing = recording.record(arguments.space, arguments.home, trials, arguments.workers, arguments.data, recorded)
        write_table(space, arguments, recorded)
        return 1 if missing else 0
    if arguments.part == "compact":
        write_table(space, arguments, recorded)
        return 0
    if arguments.part == "live":
        names = chosen(arguments.samplers or "gp,random")
        evidence.read(out)  # a missing file is better known before than after an hour
        for seed in range(arguments.seeds):
            for name in names:
                live.search(space, arguments.space, arguments.home, name, seed, trials, arguments.data)
                ran = list(live.found(space, arguments.home, names, arguments.seeds))
                evidence.add(out, lambda there, ran=ran: evidence.with_live(there, ran))
        return say(evidence.read(out), arguments)
    simulate(space, arguments, recorded, out, trials)
    return say(evidence.read(out), arguments)


def write_table(space: Space, arguments: argparse.Namespace, path: Path) -> None:
    """The table of what the home holds, and of the other studies."""
    others = [Study(folder.parent.parent, folder.name) for folder in arguments.others]
    mine = recording.study_of(arguments.home, space)
    about = table.compact(space, [*([mine] if mine.exists() else []), *others], path).about
    left = f"; {about.left_out} records are of other questions and left out" if about.left_out else ""
    print(f"{path}: {about.trials} trials, {path.stat().st_size / 1000:.0f} kB{left}")


def chosen(names: str | None) -> list[str]:
    """Samplers by name. Raises InputError for one that there is not."""
    found = names.split(",") if names else registry.names("sampler")
    for name in found:
        registry.load("sampler", name)
    return found


def simulate(space: Space, arguments: argparse.Namespace, recorded: Path, out: Path, trials: int) -> None:
    """Fit the model, then run what the evidence does not hold yet."""
    given = table.read(recorded, space)
    landscape = landscape_of(given, space)
    if out.exists():
        there = evidence.read(out)
        if there.table != given.hash:
            raise InputError(
                "holds searches over another table", where=str(out), fix="remove it, or give another file with --out"
            )
    else:
        evidence.write(begun(space, given, landscape), out)
    print("\n".join(words.model_table(evidence.read(out))), flush=True)
    for setting in _settings(arguments, trials, landscape, evidence.read(out)):
        if not any(done(run, setting) for run in evidence.read(out).runs):
            run = simulation.simulate(landscape, setting)
            evidence.add(out, lambda there, run=run: evidence.with_run(there, run))
            print(f"{words.name_of(run)}, seed {setting.seed}: done", file=sys.stderr, flush=True)


def begun(space: Space, given: table.Table, landscape: Landscape) -> evidence.Evidence:
    """What is known before the first search."""
    rows = given.complete.drop_duplicates("draw").reset_index(drop=True)
    parameters = [row_in(space, row) for row in rows.to_dict("records")]
    volume, seconds = simulation.dense(landscape)
    return evidence.Evidence(
        space=space.name,
        space_hash=space.space_hash,
        table=given.hash,
        recorded=given.about.trials,
        pairs=landscape.pairs,
        fits=landscape.fits,
        batches=tuple(cut for size in words.MARKS for cut in cuts.batches(landscape, parameters, told(rows), size)),
        pruned_batches=tuple(
            cut
            for size in words.MARKS
            if landscape.levels
            for cut in cuts.pruned_batches(landscape, given, PRUNER, size)
        ),
        dense=volume,
        dense_trials=simulation.DENSE,
        random_s=round(seconds, 4),
        code_version=origin.code_version(),
        machine=origin.machine(),
    )


def done(run: evidence.Run, setting: simulation.Setting) -> bool:
    """Whether it is what the setting asks for, and as long."""
    same = (run.sampler, run.seed, run.concurrency, run.pruner) == (
        setting.sampler,
        setting.seed,
        setting.concurrency,
        setting.pruner,
    )
    return same and len(run.exact) >= setting.trials and run.ended_s[-1] >= setting.until_s


def _settings(
    arguments: argparse.Namespace, trials: int, landscape: Landscape, found: evidence.Evidence
) -> list[simulation.Setting]:
    """Seed after seed, so that what there is can be compared at any moment; the slow ones last. With rungs every search
    goes on until as many random trials would be done, so that all are compared in equal time."""
    names = chosen(arguments.samplers)
    few = () if arguments.samplers else SLOW
    asked = arguments.pruner or (PRUNER if landscape.levels else NONE)
    pruners = [None] if asked == NONE else [None, asked]
    until_s = found.time_of(trials, arguments.concurrency) if landscape.levels else 0.0
    settings = [
        simulation.Setting(name, seed, trials, arguments.concurrency, pruner, until_s)
        for seed in range(arguments.seeds)
        for name in names
        for pruner in pruners
        if name not in few or seed < SLOW_SEEDS
    ]
    return sorted(settings, key=lambda one: one.sampler in SLOW)


def say(found: evidence.Evidence, arguments: argparse.Namespace) -> int:
    """Print the report, and draw the figure where it is asked for."""
    for line in words.report(found, arguments.concurrency):
        print(line)
    if arguments.figure:
        figure.write(found, arguments.concurrency, arguments.figure)
    return 0


if __name__ == "__main__":
    guarded(main, "interrupted; the same command goes on")
