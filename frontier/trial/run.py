"""The story of one trial: teacher, linearize, measure, record. TrialSpec in, TrialRecord out."""

from __future__ import annotations

import gc
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from frontier import registry
from frontier.disk import is_full, refusing_full
from frontier.errors import BlockedError, Pruned, TrialFailed
from frontier.results.record import Origin, Teacher, TrialRecord
from frontier.results.spec import TrialSpec
from frontier.results.store import write_record
from frontier.training.batches import Images
from frontier.training.context import Context
from frontier.training.forward import can_compile
from frontier.training.relu_layers import STAGE as RELU_LAYERS
from frontier.training.relu_layers import limited
from frontier.training.task import Linearized
from frontier.trial import origin
from frontier.trial.check import check, knobs_of, relu_layers_of
from frontier.trial.climb import climbing
from frontier.trial.judge import judge
from frontier.trial.measure import clean, watch_of
from frontier.trial.parts import plugins
from frontier.trial.runtime import Runtime
from frontier.trial.source import Source
from frontier.trial.teacher import School, task_of
from frontier.trial.workspace import Workspace, claim


@refusing_full()
def run(spec: TrialSpec, folder: Path, runtime: Runtime, *, trial: int | None = None) -> TrialRecord:
    """Run one trial in `folder` and write its record there.

    What goes wrong inside the trial is a FAILED record with the reason; its traceback is in log.txt. Bad input (an
    unknown name, missing data) is raised, so is what the machine lacks (BlockedError; room on the disk among it), and
    so is an interruption: all leave no record. On a folder with checkpoints the trial goes on from them.
    """
    for plugged in runtime.plugins:
        registry.plug_in(plugged)
    device = runtime.torch_device()
    source = Source.of(spec.data, runtime.data_folder(), runtime.download, home=runtime.home)
    check(spec)
    used = plugins(spec)
    source.ready(spec.measure)
    torch.set_num_threads(runtime.threads)
    torch.manual_seed(spec.seed)
    gc.collect()  # a worker that is used again must not carry the last trial's memory
    claim(folder, spec)
    workspace = Workspace(folder, deadline_s=runtime.deadline_s)
    context = workspace.context(device)
    if runtime.pruner is not None:
        context = climbing(context, spec, source, folder, runtime.pruner)
    started_at = datetime.now(UTC).isoformat(timespec="seconds")
    found: dict[str, Any]
    try:
        found = {"state": "complete"} | _story(spec, source, runtime, workspace, context)
    except Pruned as stop:
        found = {"state": "pruned", "reason": str(stop)}
    except TrialFailed as failure:
        workspace.log(f"failed: {failure}")
        found = {"state": "failed", "reason": str(failure)}
    except BlockedError:  # what the machine or the store lacks is no failure of the trial: it waits and is run again
        raise
    except Exception as error:  # a trial may fail in any way; the search must go on
        if is_full(error):
            raise
        workspace.log(traceback.format_exc())
        found = {"state": "failed", "reason": f"{type(error).__name__}: {error}"}
    record = TrialRecord(
        trial=trial,
        spec=spec,
        origin=Origin(
            code_version=origin.code_version(),
            fidelity=registry.load("method", spec.method).FIDELITY,
            device=origin.device_name(device),
            threads=runtime.threads,
            compiled=spec.finetune.compile and can_compile(device) is None,
            libraries=origin.libraries(),
            plugins=used,
            host=origin.host(),
            started_at=started_at,
            wall_s=workspace.wall_s,
            reused=context.reused,
        ),
        **found,
    )
    record = write_record(folder, record)
    workspace.finish()
    workspace.log(f"{record.state}" + (f": {record.reason}" if record.reason else ""))
    return record


def _story(spec: TrialSpec, source: Source, runtime: Runtime, workspace: Workspace, context: Context) -> dict[str, Any]:
    """Teacher, linearize, measure: the fields of a complete record."""
    data = source.dataset()
    train = Images.of(source.images("train", spec.data.train_images), context.device)
    with workspace.stage("teacher"):
        school = School(spec, data, train, runtime.home, context)
        teacher = school.teacher()
        trajectories = school.trajectories(teacher, runtime.trajectories_bytes)
    with workspace.stage("measure_teacher"):
        context.reused.update(source.reused(spec.measure))  # before a rung makes any
        by_teacher = {
            split: clean(teacher, Images.of(source.images(split, count), context.device))
            for split, count in (("validation", spec.measure.validation_images), ("test", spec.measure.test_images))
        }
    validation = Images.of(source.images("validation", spec.measure.validation_images), context.device)
    task = task_of(school, teacher, validation, trajectories)
    layers = relu_layers_of(spec)
    notes: tuple[str, ...] = ()
    if layers is not None:
        with workspace.stage(RELU_LAYERS):
            task, notes = limited(task, layers)
    with workspace.stage("linearize"):
        linearized: Linearized = registry.load("method", spec.method).linearize(task, knobs_of(spec))
    with workspace.stage("measure"):
        points = judge(
            spec, task.relu_budget, linearized, source, workspace.folder, context, keep_weights=runtime.keep_weights
        )
    return {
        "points": points,
        "teacher": Teacher(hash=spec.teacher_hash, **by_teacher),
        "passes": {stage: round(passes, 4) for stage, passes in context.passes.items()},
        "shared_passes": dict(context.shared),
        "notes": (*notes, *linearized.notes),
        "corruption_sets": source.corruption_sets(spec.measure, watch_of(context)),
    }
