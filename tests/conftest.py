"""What tests of several packages share: a tiny spec on the digits, methods that misbehave, and the example plug-ins."""

from pathlib import Path

import pytest

import frontier.methods
from frontier import registry
from frontier.results.spec import DataSpec, MeasureSpec, NetworkSpec, Recipe, TeacherSpec, TrialSpec

registry.plug_in(Path(__file__).parent / "plugins")  # before the contract tests ask for the names on their axis


@pytest.fixture
def spec() -> TrialSpec:
    """About a second on one core: 200 images, a network of 192 ReLUs, two epochs a stage."""
    recipe = Recipe(epochs=2, optimizer="adam", lr=0.01, batch=50)
    return TrialSpec(
        data=DataSpec(name="digits", train_images=200),
        network=NetworkSpec(name="tinynet", options={"width": 2}),
        teacher=TeacherSpec(recipe=recipe),
        method="snl",
        knobs={"penalty": 0.01, "max_epochs": 4, "mask_lr": 0.05, "batch": 50, "exact": True},
        relu_budget=40,
        finetune=recipe,
        measure=MeasureSpec(
            corruptions=("gaussian_noise", "contrast"),
            severities=(3,),
            corrupted_images=50,
            attack_steps=2,
            attack_images=50,
        ),
    )


@pytest.fixture
def misbehaving(monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    """Methods under test only: names of those that lie, crash or diverge."""
    folder = Path(__file__).parent / "trial" / "methods"
    monkeypatch.setattr(frontier.methods, "__path__", [*frontier.methods.__path__, str(folder)])
    return tuple(sorted(path.stem for path in folder.glob("*.py")))


SPACE = """
question: Does the machinery turn?
data: {name: digits, train_images: 200}
network: {name: tinynet, options: {width: 2}}
teacher: {recipe: {epochs: 2, optimizer: adam, lr: 0.01, batch: 50}}
relu_budget: {log: [0, 100%]}
anchors: [100%, 0]
methods:
  snl: {penalty: {log: [5e-3, 5e-2]}, max_epochs: 4, mask_lr: 0.05, batch: 50, exact: yes}
finetune: {epochs: 2, optimizer: adam, lr: {log: [5e-3, 2e-2]}, batch: 50}
measure:
  corruptions: [gaussian_noise]
  severities: [3]
  corrupted_images: 50
  attack_steps: 2
  attack_images: 50
search: {trials: 4, sampler: random}
"""


@pytest.fixture
def space(tmp_path: Path) -> Path:
    """A question that is answered in a second a trial."""
    path = tmp_path / "machinery.yaml"
    path.write_text(SPACE)
    return path
