"""What private inference takes between two real processes, measured beside priced.

python benchmarks/latency resnet18 --data DIR [--rounds 3] [--repeats 2] [--links loopback,wan]
python benchmarks/latency laboratory --data DIR [--seeds 3] [--budgets 665 1064] [--links loopback,lan,wan]
python benchmarks/latency resnet18|laboratory --report [FILE]
python benchmarks/latency laboratory --record HOME

`resnet18` measures plans that nobody has trained, ReLUs spread over all layers or packed into the last ones, and exits
with 1 where the prices are further off than docs/latency.md promises. `laboratory` trains networks as
benchmarks/head_to_head does, and measures those. Emulated links take root. It can be stopped at any moment and goes on
where it was; --report prints what a file holds and runs nothing. --record puts the laboratory's sessions into the
records of HOME's study `latency`, as `frontier measure --study` would have, so that pages and reports show them.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import evidence
import laboratory
import networks
import plans
import resnet18
import sessions
import words
from evidence import Evidence

from frontier.__main__ import guarded
from frontier.errors import InputError
from frontier.results.store import Study
from frontier.trial.manifest import read_manifest

REFERENCE = Path("results/reference")
LINKS = {"resnet18": "loopback,wan", "laboratory": "loopback,lan,wan"}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=tuple(LINKS))
    parser.add_argument("--data", type=Path, help="folder with the original CIFAR-10 files; default: FRONTIER_DATA")
    parser.add_argument("--engine", default="crypten")
    parser.add_argument("--rounds", type=int, default=3, help="every network over every link, so many times")
    parser.add_argument("--repeats", type=int, default=2, help="runs each time")
    parser.add_argument("--links", help="out of loopback, lan, wan, separated by commas")
    parser.add_argument("--calm", type=float, metavar="LOAD", help="wait until the load average is below this")
    parser.add_argument("--budgets", type=int, nargs="+", default=networks.USUAL_BUDGETS, help="of the laboratory")
    parser.add_argument("--contenders", nargs="+", default=networks.USUAL, choices=tuple(networks.CONTENDERS))
    parser.add_argument("--seeds", type=int, default=len(networks.SEEDS), help="of the laboratory")
    parser.add_argument("--workers", type=int, default=2, help="networks trained at once, one thread each")
    parser.add_argument("--home", type=Path, default=Path("results"), help="takes weights, has the teachers")
    parser.add_argument("--out", type=Path, help="the file of figures; default: in results/reference/latency")
    parser.add_argument("--report", nargs="?", type=Path, const=Path(), help="print this file and measure nothing")
    parser.add_argument("--record", type=Path, metavar="HOME", help="enter the file's sessions into the records there")
    arguments = parser.parse_args()
    out = arguments.out or _file(arguments.part, arguments.engine)
    if arguments.record is not None:
        found = evidence.read(out)
        entered = networks.enter(found, arguments.record)
        print(f"{entered} of {len(found.sessions)} sessions entered into {networks.STUDY}; the others were there")
        return 0
    if arguments.report is not None:
        return say(evidence.read(out if arguments.report == Path() else arguments.report))
    found = _resnet18(arguments, out) if arguments.part == "resnet18" else _laboratory(arguments, out)
    return say(found)


def say(found: Evidence) -> int:
    """Print the report; returns the exit code, 1 where a promise is broken."""
    module = resnet18 if found.part == "resnet18" else laboratory
    lines, kept = resnet18.report(found) if found.part == "resnet18" else (_laboratory_report(found), True)
    for line in [*module.headline(found), "", *words.conditions(found), "", *lines]:
        print(line)
    return 0 if kept else 1


def _laboratory_report(found: Evidence) -> list[str]:
    other = _file("resnet18", found.engine)
    return laboratory.report(found, resnet18.calibration(evidence.read(other)) if other.exists() else None)


def _resnet18(arguments: argparse.Namespace, out: Path) -> Evidence:
    folder = arguments.home / "bundles"
    made = {one.name: one for one in plans.listed()}
    listed = []
    for one in made.values():
        manifest = read_manifest(plans.bundle(one, arguments.home, folder, arguments.data))
        listed.append(
            evidence.Network(
                name=one.name,
                kind=one.layout,
                relu_budget=one.relus,
                seed=plans.SEED,
                mask_hash=manifest.mask_hash,
                profile=manifest.results.profile,
            )
        )
    return sessions.work_off(
        _begun(arguments, out, listed),
        out,
        lambda network: plans.bundle(made[network.name], arguments.home, folder, arguments.data),
        arguments.data,
    )


def _laboratory(arguments: argparse.Namespace, out: Path) -> Evidence:
    wanted = [
        one
        for one in networks.listed(REFERENCE)
        if one.relu_budget in arguments.budgets and one.contender in arguments.contenders and one.seed < arguments.seeds
    ]
    if not wanted:
        raise InputError("no network has these budgets", where="--budgets", got=str(arguments.budgets))
    networks.train(wanted, arguments.home, REFERENCE, arguments.data, arguments.workers)
    study = Study.open(arguments.home, networks.STUDY)
    listed = []
    for one in wanted:
        point = study.record(one.trial).points[0]
        listed.append(
            evidence.Network(
                name=one.name,
                kind=one.contender,
                relu_budget=one.relu_budget,
                seed=one.seed,
                mask_hash=point.mask.hash,
                profile=point.profile,
                trial=one.trial,
                test=point.test,
            )
        )
    made = {one.name: one for one in wanted}
    return sessions.work_off(
        _begun(arguments, out, listed),
        out,
        lambda network: networks.bundle(made[network.name], arguments.home, arguments.home / "bundles", arguments.data),
        arguments.data,
    )


def _begun(arguments: argparse.Namespace, out: Path, listed: list[evidence.Network]) -> Evidence:
    """The file to go on with, or an empty one. Raises InputError where it is of other networks."""
    wanted = Evidence(
        part=arguments.part,
        engine=arguments.engine,
        links=tuple((arguments.links or LINKS[arguments.part]).split(",")),
        rounds=arguments.rounds,
        repeats=arguments.repeats,
        calm=arguments.calm,
        networks=tuple(listed),
    )
    if not out.exists():
        return wanted
    there = evidence.read(out)
    asked = there.model_copy(update={"sessions": (), "failed": (), "rounds": wanted.rounds})
    if asked != wanted or any(session.round >= wanted.rounds for session in there.sessions):
        raise InputError(
            "holds measurements of other networks or settings", where=str(out), fix="give another file with --out"
        )
    return there.model_copy(update={"rounds": wanted.rounds})


def _file(part: str, engine: str) -> Path:
    return REFERENCE / "latency" / f"{part}-{engine}.json"


if __name__ == "__main__":
    guarded(main, "interrupted; the same command goes on")
