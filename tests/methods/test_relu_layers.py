"""relu_layers: under every method so many sites may keep ReLUs, the others are linear, and the trial sees to it."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import outside
import pytest
import torch
from method_task import IMAGE, SMALL_KNOBS
from torch import nn
from torch.nn import functional

from frontier import registry
from frontier.api.lookups import load_space
from frontier.errors import InputError
from frontier.masks.mask import Mask
from frontier.methods import fisher, streamlinet, uniform
from frontier.nn.gates import FrozenGate, SoftGate
from frontier.nn.network import Classifier
from frontier.nn.profile import profile
from frontier.nn.surgery import gates, mask_of, set_mask
from frontier.results.migrate import read_record
from frontier.results.spec import TrialSpec
from frontier.training.batches import Images, to_unit
from frontier.training.context import Context
from frontier.training.relu_layers import limited, order_of_removal
from frontier.training.task import Linearized, Task, Tensors, gated
from frontier.trial.run import run
from frontier.trial.runtime import Runtime

methods = pytest.mark.parametrize("method", registry.names("method"))
SITES = {"2": 128, "5": 128, "8": 64, "11": 64}  # of `tower`, ReLUs by path


def tower(seed: int, options: Mapping[str, Any] | None = None) -> Classifier:
    """Its batch norms are drawn as well, so that its sites are not alike."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        body = outside.tower(IMAGE, 4)
        for module in body.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.weight.data.uniform_(0.5, 3)
                module.bias.data.normal_()
    return Classifier(body, (0.3,), (0.3,))


@pytest.fixture
def towering(task: Task) -> Task:
    """A task with four sites."""
    return replace(task, teacher=tower(1).eval(), fresh=tower, options={})


def linearized(task: Task, method: str, layers: int, **knobs: Any) -> tuple[Task, Linearized]:
    """What a method makes of a task with so many open sites, and that task."""
    module = registry.load("method", method)
    bound, _ = limited(task, layers)
    return bound, module.linearize(bound, module.Knobs(relu_layers=layers, **SMALL_KNOBS.get(method, {}), **knobs))


def layers_of(model: Classifier) -> set[str]:
    return {site.path for site in profile(model.body, IMAGE).sites if site.kept}


def of(spec: TrialSpec, method: str, budget: int, **knobs: Any) -> TrialSpec:
    changed = {"network": {"name": "outside:tower"}, "method": method, "relu_budget": budget, "knobs": knobs}
    return TrialSpec.model_validate(spec.model_dump() | changed)


# every method


@methods
def test_the_closed_sites_are_linear_and_the_open_ones_have_the_surrogate(towering: Task, method: str) -> None:
    task, found = linearized(replace(towering, relu_budget=50), method, 2, surrogate="degree2")
    for candidate in found.candidates:
        for model in (candidate.model, *candidate.others.values()):
            here = profile(model.body, IMAGE)
            assert {site.path: site.relus for site in here.sites} == SITES
            assert 1 <= here.kept <= 50
            for site in here.sites:
                assert site.squares == (0 if site.path in task.closed else site.relus - site.kept)
            assert not layers_of(model) & task.closed
    assert len(task.closed) == 2


@methods
@pytest.mark.parametrize("budget", [0, 300])
def test_no_budget_and_one_that_is_more_than_the_open_sites_hold(towering: Task, method: str, budget: int) -> None:
    task, found = linearized(replace(towering, relu_budget=budget), method, 1)
    assert task.relu_budget == found.candidates[0].relu_budget == min(budget, 128)
    assert mask_of(found.candidates[0].model.body).count <= task.relu_budget
    assert not layers_of(found.candidates[0].model) & task.closed
    assert len(task.closed) == 3


@methods
def test_a_space_may_search_it_and_does_not_change_without_it(space: Path, method: str) -> None:
    text = space.read_text()
    start, end = text.index("methods:"), text.index("finetune:")
    free, bound = space.with_name("free.yaml"), space.with_name("bound.yaml")
    free.write_text(f"{text[:start]}methods: {{{method}: {{}}}}\n{text[end:]}")
    bound.write_text(f"{text[:start]}methods: {{{method}: {{relu_layers: {{int: [1, 2]}}}}}}\n{text[end:]}")
    assert "relu_layers" not in json.dumps(load_space(free).model_dump(mode="json"))
    searched = load_space(bound)
    assert str(searched.parameters(method)[f"{method}.relu_layers"]) == "1 to 2"
    others = {key: domain.probes[0] for key, domain in searched.parameters(method).items()}
    drawn = searched.spec(others | {"method": method, f"{method}.relu_layers": 2}, seed=0)
    assert drawn.knobs["relu_layers"] == 2
    assert load_space(free).space_hash != searched.space_hash


# extra points, and what looks at the teacher


@pytest.mark.parametrize(("method", "own"), [("snl", {}), ("autorep", {"exact": True})])
def test_snapshots_keep_to_the_same_sites(towering: Task, method: str, own: dict[str, Any]) -> None:
    task, found = linearized(replace(towering, relu_budget=20), method, 2, snapshots=("100%", "50%"), **own)
    assert len(found.candidates) > 1
    for candidate in found.candidates:
        assert not layers_of(candidate.model) & task.closed
    assert any(f"snapshot {sum(SITES.values())} is more than open sites hold" in note for note in found.notes)


def test_the_narrow_network_keeps_to_them_too(task: Task) -> None:
    bound, found = linearized(replace(task, widths={"width": 2}), "senet", 1, half_width=True)
    assert [candidate.role for candidate in found.candidates] == ["asked", "extra"]
    for candidate in found.candidates:
        assert len(layers_of(candidate.model)) == 1
        assert not layers_of(candidate.model) & bound.closed


@pytest.mark.parametrize("method", ["random", "senet", "rlnet"])
def test_attention_looks_at_the_outputs_of_closed_stages_as_well(towering: Task, method: str) -> None:
    task, found = linearized(towering, method, 1, attention_weight=1.0)
    assert not layers_of(found.candidates[0].model) & task.closed


def test_the_least_sensitive_site_goes_first_and_what_is_left_is_measured_again(towering: Task) -> None:
    order = [site.path for site in order_of_removal(towering)]
    sites = {site.path: site.shape for site in towering.sites()}
    model, kept, expected = gated(towering, towering.teacher), list(sites), []
    pixels, labels = to_unit(towering.train.pixels), towering.train.labels  # 96 are fewer than the least number
    while len(kept) > 1:
        losses = {}
        for path in kept:
            bits = {other: np.full(shape, other in kept and other != path) for other, shape in sites.items()}
            set_mask(model.body, Mask.of(bits))
            with torch.no_grad():
                losses[path] = float(functional.cross_entropy(model(pixels), labels))
        expected.append(min(losses, key=lambda path: losses[path]))
        kept.remove(expected[-1])
    assert order == expected + kept
    assert order != list(sites)


def test_a_method_sees_the_open_sites_alone_and_the_teacher_whole(towering: Task) -> None:
    free = replace(towering, relu_budget=60)
    task, notes = limited(free, 2)
    assert (len(task.sites()), len(task.all_sites()), notes) == (2, 4, ())
    assert task.closed == {site.path for site in order_of_removal(free)[:2]}
    guide = gated(task, task.teacher)
    assert mask_of(guide.body).count == 384
    student = gated(task, task.teacher, SoftGate.at)
    for path, found in gates(student.body).items():
        assert isinstance(found, FrozenGate if path in task.closed else SoftGate)
    assert sum(int(one.kept.sum()) for one in gates(student.body).values() if isinstance(one, FrozenGate)) == 0


def test_scores_are_those_of_the_teacher_with_all_its_relus(towering: Task) -> None:
    task, _ = limited(replace(towering, relu_budget=60), 2)
    open_ = {site.path for site in task.sites()}
    slopes, all_slopes = (streamlinet.gradients(one, one.train) for one in (task, towering))
    assert slopes == {path: all_slopes[path] for path in all_slopes if path in open_}
    found, everything = (fisher.scores(one, gated(one, one.teacher), one.train) for one in (task, towering))
    assert found.keys() == open_
    assert all(torch.equal(found[path], everything[path]) for path in open_)
    uniformly = mask_of(uniform.linearize(task, uniform.Knobs()).candidates[0].model.body)
    assert {path: count for path, count in uniformly.counts.items() if path in task.closed} == dict.fromkeys(
        task.closed, 0
    )


# the trial


def test_a_record_says_what_was_asked_and_what_became_of_the_budget(spec: TrialSpec, tmp_path: Path) -> None:
    for budget, holds in ((300, 128), (50, 50)):
        asked = of(spec, "random", budget, relu_layers=1)
        record = run(asked, tmp_path / str(budget), Runtime(home=tmp_path))
        assert record.state == "complete", record.reason
        assert read_record((tmp_path / str(budget) / "record.json").read_bytes(), where="record") == record
        assert (record.spec.relu_budget, record.spec.knobs) == (budget, {"relu_layers": 1})
        assert record.points[0].relu_budget == record.points[0].relu_count == holds
        assert sum(site.kept > 0 for site in record.points[0].profile.sites) == 1
        note = "relu_layers: no 1 of 4 sites hold the budget of 300; it became 128"
        assert record.notes == ((note,) if budget > holds else ())
        assert record.shared_passes["relu_layers"] == 4 + 3 + 2  # 200 images each time, which are all
        assert record.passes.keys() == {"finetune"}
    (folder,) = (tmp_path / "teachers").glob("relu_layers-*")  # one order, measured once, for both
    assert (folder / "log.txt").read_text().count(" without ") == len(SITES) - 1
    told = [(tmp_path / budget / "log.txt").read_text() for budget in ("300", "50")]
    assert [f"teacher {folder.name}: training" in log for log in told] == [True, False]


def test_as_many_layers_as_there_are_sites_restrict_and_cost_nothing(towering: Task) -> None:
    for layers in (4, 9):
        assert limited(towering, layers) == (towering, ())
    assert towering.context.shared == {}


def test_less_than_one_layer_cannot_be_asked(spec: TrialSpec, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="knob 'relu_layers' of method 'random'"):
        run(of(spec, "random", 50, relu_layers=0), tmp_path / "trial", Runtime(home=tmp_path))


@pytest.mark.usefixtures("misbehaving")
def test_a_method_that_does_not_keep_to_them_is_failed_with_the_reason(spec: TrialSpec, tmp_path: Path) -> None:
    record = run(of(spec, "spreader", 50, relu_layers=2), tmp_path / "trial", Runtime(home=tmp_path))
    assert (record.state, record.points) == ("failed", ())
    assert record.reason == "spreader: the network keeps ReLUs at 4 sites, relu_layers is 2"
    assert run(of(spec, "spreader", 50), tmp_path / "free", Runtime(home=tmp_path)).state == "complete"


@pytest.mark.parametrize(("times", "images"), [(25, 240), (1, 96)])
def test_measuring_takes_one_pass_over_the_data_unless_that_were_a_few_images_each_time(
    towering: Task, times: int, images: int
) -> None:
    train = Images(towering.train.pixels.repeat(times, 1, 1, 1), towering.train.labels.repeat(times))
    own = replace(towering.context, passes={})

    def cached(name: str, key: Mapping[str, Any], measure: Callable[[Context], Tensors]) -> Tensors:
        assert (name, key) == ("relu_layers", {"images": images})
        return measure(own)

    order_of_removal(replace(towering, train=train, cached=cached))
    assert own.passes == {"relu_layers": (4 + 3 + 2) * images / len(train)}
