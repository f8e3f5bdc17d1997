"""Judging what a method hands back: counted by running it, every claim measured again."""

from __future__ import annotations

from pathlib import Path

from frontier.errors import TrialFailed
from frontier.masks.file import save as save_mask
from frontier.nn.branches import is_branched
from frontier.nn.network import Classifier, backbone
from frontier.nn.profile import profile
from frontier.nn.surgery import mask_of
from frontier.results.profile import Profile
from frontier.results.record import MaskFile, Point, ReluCount, Splits
from frontier.results.spec import TrialSpec
from frontier.training.context import Context
from frontier.training.task import Candidate, Linearized
from frontier.trial.bundle import save_weights
from frontier.trial.check import relu_layers_of
from frontier.trial.measure import scores
from frontier.trial.source import Source


def judge(
    spec: TrialSpec,
    relu_budget: int,
    linearized: Linearized,
    source: Source,
    folder: Path,
    context: Context,
    *,
    keep_weights: bool,
) -> tuple[Point, ...]:
    """The candidates as the record's points; masks, and weights if they are kept, are written to `folder`.

    `relu_budget` is the method's task's: the spec's, or less. Raises TrialFailed unless the first candidate, and it
    alone, is the one that was asked for, and every one keeps to its budget and to the spec's `relu_layers`, shows the
    mask that it computes with, and is finite.
    """
    roles = [candidate.role for candidate in linearized.candidates]
    if roles != ["asked", *["extra"] * (len(roles) - 1)]:
        raise TrialFailed(f"{spec.method}: handed back {roles}; the asked network comes first, and only one is asked")
    claimed = linearized.candidates[0].relu_budget
    if claimed != relu_budget:
        raise TrialFailed(f"{spec.method}: claims a budget of {claimed}, asked was {relu_budget}")
    points = []
    for index, candidate in enumerate(linearized.candidates):
        counted = count(spec, candidate, candidate.model, source)
        for branch, other in candidate.others.items():
            if count(spec, candidate, other, source).sites != counted.sites:
                raise TrialFailed(
                    f"{spec.method}: the branch '{branch}' evaluates other ReLUs than '{candidate.branch}'"
                )
        points.append(measured(spec, candidate, counted, index, source, folder, context, keep_weights=keep_weights))
    return tuple(points)


def count(spec: TrialSpec, candidate: Candidate, model: Classifier, source: Source) -> Profile:
    """What a network of the candidate evaluates, by running it. Raises TrialFailed where it is not what it claims."""
    model.eval()
    if is_branched(model):
        raise TrialFailed(f"{spec.method}: hands back a network with several norm branches; one has to be chosen")
    if not all(bool(value.isfinite().all()) for value in model.state_dict().values() if value.is_floating_point()):
        raise TrialFailed(f"{spec.method}: the network's weights are NaN or infinite")
    counted = profile(model.body, source.dataset().image, outer=backbone(spec.network.name).outer)
    if counted.kept > candidate.relu_budget:
        raise TrialFailed(
            f"{spec.method}: the network evaluates {counted.kept} ReLUs, its budget is {candidate.relu_budget}"
        )
    layers, allowed = sum(site.kept > 0 for site in counted.sites), relu_layers_of(spec)
    if allowed is not None and layers > allowed:
        raise TrialFailed(f"{spec.method}: the network keeps ReLUs at {layers} sites, relu_layers is {allowed}")
    shown = mask_of(model.body).count
    if shown != counted.kept:
        raise TrialFailed(f"{spec.method}: the network evaluates {counted.kept} ReLUs, its masks show {shown}")
    return counted


def measured(
    spec: TrialSpec,
    candidate: Candidate,
    counted: Profile,
    index: int,
    source: Source,
    folder: Path,
    context: Context,
    *,
    keep_weights: bool,
) -> Point:
    """The point of a counted candidate: measured on validation and test, its files written."""
    served = splits(spec, candidate.model, source, context)
    others = {branch: splits(spec, other, source, context) for branch, other in candidate.others.items()}
    network = None if candidate.options is None else spec.network.model_copy(update={"options": candidate.options})
    suffix = f"-{index}" if index else ""
    mask = mask_of(candidate.model.body)
    mask_file = MaskFile(file=f"mask{suffix}.safetensors", hash=mask.hash)
    weights_file = f"weights{suffix}.safetensors" if keep_weights else None
    save_mask(mask, folder / mask_file.file, network=(network or spec.network).name, dataset=spec.data.name)
    if weights_file is not None:
        save_weights(candidate.model, folder / weights_file)
    return Point(
        role=candidate.role,
        label=candidate.label,
        network=network,
        branch=candidate.branch,
        branches={candidate.branch: served, **others} if candidate.branch is not None else {},
        relu_budget=candidate.relu_budget,
        relu_count=counted.kept,
        counts=ReluCount(full=counted.kept, inner=counted.kept_inner),
        validation=served.validation,
        test=served.test,
        profile=counted,
        mask=mask_file,
        weights=weights_file,
    )


def splits(spec: TrialSpec, model: Classifier, source: Source, context: Context) -> Splits:
    """A network's scores on validation and on test."""
    return Splits(
        validation=scores(model, source, "validation", spec.measure, context),
        test=scores(model, source, "test", spec.measure, context),
    )
