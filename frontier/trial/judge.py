"""Judging what a method hands back: counted by running it, every claim measured again."""

from __future__ import annotations

from pathlib import Path

from frontier import registry
from frontier.errors import TrialFailed
from frontier.masks.file import save as save_mask
from frontier.nn.counter import count_relus
from frontier.nn.profile import profile
from frontier.nn.surgery import mask_of
from frontier.results.record import MaskFile, Point, ReluCount
from frontier.results.spec import TrialSpec
from frontier.training.context import Context
from frontier.training.task import Candidate
from frontier.trial.bundle import save_weights
from frontier.trial.measure import scores
from frontier.trial.source import Source


def judge(
    spec: TrialSpec,
    candidate: Candidate,
    index: int,
    source: Source,
    folder: Path,
    context: Context,
    *,
    keep_weights: bool,
) -> Point:
    """The candidate as a point of the record; its mask, and its weights if kept, are written to `folder`.

    Raises TrialFailed if the network evaluates more ReLUs than its budget, whatever the method claims, and if its
    weights or its logits are not finite.
    """
    model = candidate.model.eval()
    if not all(bool(value.isfinite().all()) for value in model.state_dict().values() if value.is_floating_point()):
        raise TrialFailed(f"{spec.method}: the network's weights are NaN or infinite")
    image = source.dataset().image
    outer = registry.load("backbone", spec.network.name).OUTER
    sites = count_relus(model.body, image, outer=outer)
    counts = ReluCount(full=sum(s.kept for s in sites), inner=sum(s.kept for s in sites if s.inner))
    if counts.full > candidate.relu_budget:
        raise TrialFailed(
            f"{spec.method}: the network evaluates {counts.full} ReLUs, its budget is {candidate.relu_budget}"
        )
    suffix = f"-{index}" if index else ""
    mask = mask_of(model.body)
    mask_file = MaskFile(file=f"mask{suffix}.safetensors", hash=mask.hash)
    weights_file = f"weights{suffix}.safetensors" if keep_weights else None
    save_mask(mask, folder / mask_file.file, network=spec.network.name, dataset=spec.data.name)
    if weights_file is not None:
        save_weights(model, folder / weights_file)
    return Point(
        role=candidate.role,
        relu_budget=candidate.relu_budget,
        relu_count=counts.full,
        counts=counts,
        validation=scores(model, source, "validation", spec.measure, context),
        test=scores(model, source, "test", spec.measure, context),
        profile=profile(model.body, image, outer=outer),
        mask=mask_file,
        weights=weights_file,
    )
