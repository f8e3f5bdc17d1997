"""ResNet18 on CIFAR-100 with SNL, SENet and AutoReP at the papers' schedules, beside the published numbers.

python benchmarks/published --data DIR [--device cuda] [--methods snl,senet,autorep] [--budgets 12900,25000,50000]
                            [--scale F | --minutes M] [--shared] [--stop-after M] [--plan] [--smoke] [--report]

What is measured on test is the finetuning's epoch that was best on validation (AutoReP has no finetuning: its last).
Trials run one after another and go on where they were, whatever stopped them (Ctrl-C, kill, --stop-after). --scale F
takes F of all epochs; --minutes M measures this machine and halves the epochs until all trials are expected to fit
into M minutes. --smoke runs everything on 64 images, one epoch a stage: minutes on a CPU, and no result. --plan prints
what would run. Needs torch, numpy, safetensors, pyyaml, pydantic and filelock.
"""

from __future__ import annotations

import argparse
import os
import platform
import signal
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import jobs as plans
import papers
import torch

from frontier.__main__ import guarded
from frontier.data._named import shape_of
from frontier.frozen import digest
from frontier.nn.network import Classifier, build
from frontier.results.migrate import read_record
from frontier.results.published import Figure, published
from frontier.results.record import Point, TrialRecord
from frontier.training.forward import forward_of, wants_compile
from frontier.trial.origin import code_version, device_name
from frontier.trial.run import run
from frontier.trial.runtime import Runtime

HOME = Path("results/studies/published")
TRAINING_IMAGES = 45_000  # of CIFAR-100, without the validation split
TIMED_STEPS = 10
SLACK = 0.8  # of the minutes are planned; the rest is loading, compiling and measuring
SMALLEST = 1 / 256
PLANNED_PASSES_PER_S = 120_000  # of ResNet18 at 32 pixels on an H100; half of it if things go badly


def main() -> int:
    arguments = _arguments()
    question = plans.space()
    device = Runtime(home=arguments.home, device=arguments.device).torch_device()
    methods, budgets = arguments.methods.split(","), [int(one) for one in arguments.budgets.split(",")]

    def planned(scale: float) -> list[plans.Job]:
        return plans.jobs(question, methods, budgets, scale=scale, shared=arguments.shared, smoke=arguments.smoke)

    scale = arguments.scale
    if arguments.minutes is not None:
        rate = passes_per_s(planned(1.0)[0], device, arguments.threads)
        scale = fitting(planned, 60 * SLACK * arguments.minutes * rate / TRAINING_IMAGES)
        print(f"measured {rate:,.0f} passes/s; --scale {scale:g} is planned for {arguments.minutes:g} minutes")
    found = planned(scale)
    head(arguments, device, scale)
    if arguments.plan:
        show_plan(found)
        return 0
    stopped = False
    if not arguments.report:
        stopped = work_off(found, arguments)
    table(found, arguments.home)
    return 130 if stopped else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder that holds cifar-100-python; default: FRONTIER_DATA")
    parser.add_argument("--download", action="store_true", help="let torchvision fetch what is missing")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--home", type=Path, default=HOME, help="teachers and trials; default: %(default)s")
    parser.add_argument("--methods", default="snl,senet,autorep")
    parser.add_argument("--budgets", default="12900,25000,50000")
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--scale", type=float, default=1.0, help="share of the papers' epochs; default: %(default)s")
    length.add_argument("--minutes", type=float, help="choose the scale so that all trials are expected to fit")
    parser.add_argument(
        "--shared", action="store_true", help="teacher, finetuning and sites of the space for everybody"
    )
    parser.add_argument("--stop-after", type=float, metavar="MINUTES", help="stop, to be gone on with later")
    parser.add_argument("--plan", action="store_true", help="print what would run")
    parser.add_argument("--smoke", action="store_true", help="on 64 images, one epoch a stage")
    parser.add_argument("--report", action="store_true", help="print what there is and run nothing")
    return parser.parse_args()


def head(arguments: argparse.Namespace, device: torch.device, scale: float) -> None:
    """Hardware, versions and how far the schedules are the papers'."""
    machine = f"{device_name(device)}, {platform.machine()}, {arguments.threads} threads"
    print(f"{machine}, Python {platform.python_version()}, torch {torch.__version__}, {code_version()}")
    kind = "the space's teacher, finetuning and ReLU convention" if arguments.shared else "each paper's own schedule"
    if arguments.smoke:
        print("SMOKE: 64 training images, one epoch a stage, float32: these are no results")
    else:
        print(f"{kind}, {'in full' if scale == 1 else f'{scale:g} of its epochs: NOT the published schedule'}; 1 seed")


def passes_per_s(job: plans.Job, device: torch.device, threads: int) -> float:
    """Network passes a second here: steps of the plain network in the precision of the plan, a step counted as 3."""
    torch.set_num_threads(threads)
    spec = job.spec
    image, classes = shape_of(spec.data)
    body = build(spec.network.name, image, classes, sites=spec.network.sites, options=spec.network.options)
    model = Classifier(body, (0.0,) * image[0], (1.0,) * image[0]).to(device)
    recipe = spec.finetune
    forward = forward_of(model, recipe, device, compiled=wants_compile(recipe, device, lambda _: None))
    pixels = torch.rand(recipe.batch, *image, device=device)
    seconds = []
    for _ in range(TIMED_STEPS + 2):
        started = time.perf_counter()
        forward(pixels).float().sum().backward()
        if device.type == "cuda":
            torch.cuda.synchronize()
        seconds.append(time.perf_counter() - started)
    return 3 * recipe.batch / statistics.median(seconds[2:])


def fitting(planned: plans.Planned, limit: float) -> float:
    """The largest of 1, 1/2, 1/4, ... whose passes per training image are within the limit."""
    scale = 1.0
    while plans.passes(planned(scale)) > limit and scale > SMALLEST:
        scale /= 2
    return scale


def folder_of(job: plans.Job, home: Path) -> Path:
    """Named after what is run, so that the same plan finds its trials again."""
    return home / "trials" / f"{job.method}-{'-'.join(map(str, job.budgets))}-{digest(job.spec)}"


def record_of(job: plans.Job, home: Path) -> TrialRecord | None:
    path = folder_of(job, home) / "record.json"
    return read_record(path.read_bytes(), where=str(path)) if path.is_file() else None


def show_plan(found: Sequence[plans.Job]) -> None:
    for job in found:
        spec = job.spec
        print(
            f"{job.method:8} {', '.join(map(str, job.budgets))} of {spec.network.name} {spec.network.sites}: "
            f"teacher {spec.teacher.recipe.epochs} epochs, finetuning {spec.finetune.epochs}, "
            + ", ".join(f"{key} {spec.knobs[key]}" for key in plans.EPOCHS if key in spec.knobs)
        )
    images = TRAINING_IMAGES * plans.passes(found)
    minutes = images / PLANNED_PASSES_PER_S / 60
    print(f"about {images / 1e6:.0f} million passes: {minutes:.0f} minutes on an H100, planned, not measured")


def work_off(found: Sequence[plans.Job], arguments: argparse.Namespace) -> bool:
    """Run what has no record yet; whether it was stopped before the end. A stopped trial goes on from its last
    checkpoint, one that a deadline of `Runtime` ends would count as failed."""
    runtime = Runtime(
        home=arguments.home.resolve(),
        data=arguments.data,
        download=arguments.download,
        device=arguments.device,
        threads=arguments.threads,
    )
    started = time.monotonic()
    if arguments.stop_after is not None:
        signal.signal(signal.SIGALRM, signal.default_int_handler)
        signal.setitimer(signal.ITIMER_REAL, 60 * arguments.stop_after)
    try:
        for job in found:
            if record_of(job, arguments.home) is None:
                folder = folder_of(job, arguments.home)
                print(f"{time.monotonic() - started:6.0f} s  {folder.name} ...", file=sys.stderr, flush=True)
                run(job.spec, folder, runtime)
    except KeyboardInterrupt:
        print("stopped; the same command goes on", file=sys.stderr)
        return True
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    return False


def table(found: Sequence[plans.Job], home: Path) -> None:
    """Ours beside the published numbers, in percent."""
    papers_say, space = published(), plans.space()
    print(f"\n{'method':8} {'sites':5} {'budget':>6} {'count':>6} {'teacher':>7} {'valid.':>6} {'test':>6} ", end="")
    print(f"{'95 % interval':>14} {'publ.':>6} {'at':>6} {'diff.':>6}  source")
    cited = {}
    for job in found:
        record = record_of(job, home)
        for budget in job.budgets:
            beside = papers.beside(papers_say, space, job.method, budget)
            row(job, budget, record, beside)
            cited |= dict.fromkeys(figure.source for figure in beside)
    print("\nSources (percent on test; most papers choose their checkpoint by it, ours is the last epoch's):")
    for source in cited:
        print(f"  {source}: {papers_say.cite(source)}")
    print("\nTrials:")
    for note in notes(found, home):
        print(note)


def row(job: plans.Job, budget: int, record: TrialRecord | None, beside: Sequence[Figure]) -> None:
    """A line for each published figure beside this budget, or one without."""
    sites, point = job.spec.network.sites, point_at(record, budget)
    said = f"{job.method:8} {sites:5} {budget:6} "
    test = None
    if record is None or point is None:
        state = "not run" if record is None else record.state if record.state != "complete" else "no point"
        said += f"{state:>6} {'':7} {'':6} {'':6} {'':14}"
    else:
        test = 100 * point.test.clean.value
        interval = f"{100 * point.test.clean.low:.1f}-{100 * point.test.clean.high:.1f}"
        teacher = 100 * record.teacher.test.value if record.teacher else float("nan")
        said += (
            f"{point.relu_count:6} {teacher:7.2f} {100 * point.validation.clean.value:6.2f} {test:6.2f} {interval:>14}"
        )
    for index, figure in enumerate(beside):
        difference = "" if test is None or figure.accuracy is None else f"{test - figure.accuracy:+.2f}"
        other = "" if figure.sites == sites else f", counted {figure.sites or 'nobody says how'}"
        other += ", network not said" if figure.network is None else ""
        front = said if index == 0 else " " * len(said)
        print(f"{front} {figure.accuracy:6.2f} {figure.relus:6} {difference:>6}  {figure.source}{other}")
    if not beside:
        print(f"{said} {'-':>6} {'':6} {'':6}  no published figure within {papers.NEAR:.0%}")


def point_at(record: TrialRecord | None, budget: int) -> Point | None:
    points = record.points if record is not None else ()
    return next((point for point in points if point.relu_budget == budget), None)


def notes(found: Sequence[plans.Job], home: Path) -> list[str]:
    """What failed, what a trial says of itself, and how long it took where."""
    said = []
    for job in found:
        record = record_of(job, home)
        if record is None:
            continue
        minutes = sum(record.origin.wall_s.values()) / 60
        what = (
            f"failed: {record.reason}" if record.state != "complete" else "; ".join(record.notes) or "nothing to note"
        )
        name = f"{job.method} {', '.join(map(str, job.budgets))}"
        said.append(f"  {name}: {minutes:.1f} min on {record.origin.device}; {what}")
    return said


if __name__ == "__main__":
    guarded(main)
