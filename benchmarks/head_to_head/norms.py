"""What finished trials' batch norms cost them: test accuracy with their running statistics, and with ones counted anew.

python benchmarks/head_to_head/norms.py TRIAL... --data DIR [--n 2000] [--out DIR]

Each trial of the committed study is run again from its record, to have its weights, which are kept in --out. Running
statistics are an average over the last ten batches or so. Where activations have heavy tails, as after squares, one
batch can carry them far off, and the network in evaluation mode is another one than the network that was trained.
"""

from __future__ import annotations

import argparse
import copy
from pathlib import Path

import torch
from torch import Tensor, nn

from frontier.__main__ import guarded
from frontier.errors import TrialFailed
from frontier.nn.network import Classifier
from frontier.results.migrate import read_record
from frontier.results.store import Study
from frontier.training.batches import Images, to_unit
from frontier.trial.run import run
from frontier.trial.runtime import Runtime
from frontier.trial.source import Source
from frontier.trial.subject import Subject

BATCH = 250


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("trials", type=int, nargs="+", metavar="TRIAL", help="by its number in head_to_head")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--n", type=int, default=2000, help="test images, and training images that are counted")
    parser.add_argument("--home", type=Path, default=Path("results/reference"))
    parser.add_argument("--teachers", type=Path, default=Path("results"), help="home of the teachers")
    parser.add_argument("--out", type=Path, default=Path("results/norms"), help="where the trials are run")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    study = Study(arguments.home, "head_to_head")
    runtime = Runtime(home=arguments.teachers.resolve(), data=arguments.data, device="cpu")
    for trial in arguments.trials:
        report(again(study, trial, arguments.out / str(trial), runtime), arguments.data, arguments.n)


def again(study: Study, trial: int, folder: Path, runtime: Runtime) -> Subject:
    """The trial run once more, where it has not been. Raises TrialFailed where it does not end."""
    path = folder / "record.json"
    if not path.exists():
        run(study.record(trial).spec, folder, runtime, trial=trial)
    record = read_record(path.read_bytes(), where=str(path))
    if record.state != "complete":
        raise TrialFailed(f"the trial failed: {record.reason} (record and log are in {folder})")
    return Subject(folder, trial, 0, record)


def report(subject: Subject, files: Path | None, n: int) -> None:
    """One trial."""
    spec = subject.record.spec
    source = Source.of(spec.data, files)
    model = subject.network(source, torch.device("cpu"))
    test, train = (Images.of(source.images(split, n), torch.device("cpu")) for split in ("test", "train"))
    print(f"trial {subject.trial}: {spec.method} at {subject.point.relu_count} ReLUs, seed {spec.seed}")
    print(f"  the last epoch it logged: {last_epoch(subject.folder / 'log.txt')}")
    print(f"  running statistics as trained: {100 * accuracy(model, test):.1f} % of {len(test)} test images")
    anew = counted_anew(model, train)
    print(f"  counted anew on {len(train)} training images: {100 * accuracy(anew, test):.1f} %", flush=True)


def last_epoch(log: Path) -> str:
    """What a trial's log says of the last epoch that it trained."""
    lines = log.read_text(encoding="utf-8").splitlines()
    return next(line.split(maxsplit=2)[2] for line in reversed(lines) if ": epoch " in line)


def counted_anew(model: Classifier, images: Images) -> Classifier:
    """A copy whose norms have the mean statistics of these images' batches; nothing is trained."""
    anew = copy.deepcopy(model).train()
    for norm in (module for module in anew.modules() if isinstance(module, nn.BatchNorm2d)):
        norm.reset_running_stats()
        norm.momentum = None  # a plain mean over batches
    logits(anew, to_unit(images.pixels))
    return anew.eval()


def accuracy(model: Classifier, images: Images) -> float:
    """The share of images that is classified right."""
    return float((logits(model, to_unit(images.pixels)).argmax(1) == images.labels).double().mean())


@torch.inference_mode()
def logits(model: Classifier, pixels: Tensor) -> Tensor:
    """Batch after batch, in the mode that the model is in."""
    return torch.cat([model(part) for part in pixels.split(BATCH)])


if __name__ == "__main__":
    guarded(main)
