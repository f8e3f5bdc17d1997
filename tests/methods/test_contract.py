"""What every method owes, whatever it does: its budget, its papers, and the same record for the same seed."""

from pathlib import Path

import pytest

from frontier import registry
from frontier.masks.file import load as load_mask
from frontier.results.spec import TrialSpec
from frontier.trial.run import run
from frontier.trial.runtime import Runtime

RELUS = 192  # of the network in the shared spec

methods = pytest.mark.parametrize("method", registry.names("method"))


def of(spec: TrialSpec, method: str, budget: int) -> TrialSpec:
    knobs = spec.knobs if method == spec.method else {}
    return TrialSpec.model_validate(spec.model_dump() | {"method": method, "relu_budget": budget, "knobs": knobs})


@methods
def test_a_method_says_what_it_is(method: str) -> None:
    module = registry.load("method", method)
    assert module.FIDELITY in ("authors_code", "paper", "reconstruction", "baseline")
    assert module.PAPER
    assert all(isinstance(deviation, str) for deviation in module.DEVIATIONS)
    assert module.passes(module.Knobs()) >= 0


@methods
@pytest.mark.parametrize("budget", [0, 1, RELUS // 10, RELUS // 2, RELUS])
def test_the_count_never_exceeds_the_budget(spec: TrialSpec, tmp_path: Path, method: str, budget: int) -> None:
    record = run(of(spec, method, budget), tmp_path / "trial", Runtime(home=tmp_path))
    assert record.state == "complete", record.reason
    assert record.points[0].relu_budget == budget
    assert record.points[0].relu_count <= budget
    mask = load_mask(tmp_path / "trial" / record.points[0].mask.file)
    assert (mask.count, mask.hash) == (record.points[0].relu_count, record.points[0].mask.hash)


@methods
def test_the_same_seed_gives_the_same_record(spec: TrialSpec, tmp_path: Path, method: str) -> None:
    runs = [run(of(spec, method, 20), tmp_path / name, Runtime(home=tmp_path)) for name in ("a", "b")]
    assert runs[0].comparable() == runs[1].comparable()


@methods
def test_a_deadline_is_honoured(spec: TrialSpec, tmp_path: Path, method: str) -> None:
    record = run(of(spec, method, 20), tmp_path / "trial", Runtime(home=tmp_path, deadline_s=0.0))
    assert (record.state, record.points) == ("failed", ())
