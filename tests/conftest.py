"""What tests of several packages share: a tiny spec on the digits, methods that misbehave, and the example plug-ins."""

import shutil
import signal
from pathlib import Path

import pytest

import frontier
import frontier.methods
from frontier import registry
from frontier.results.spec import DataSpec, MeasureSpec, NetworkSpec, Recipe, TeacherSpec, TrialSpec
from frontier.trial.run import run
from frontier.trial.runtime import Runtime

# A job in the background of a shell is born deaf to Ctrl-C, and so are its children.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

registry.plug_in(Path(__file__).parent / "plugins")  # before the contract tests ask for the names on their axis


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with a slow test come first, so that no process is left alone with one at the end."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture
def spec() -> TrialSpec:
    """About a second on one core: 200 images, a network of 192 ReLUs, two epochs a stage."""
    return small_spec()


def small_spec() -> TrialSpec:
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
def home(tmp_path: Path, shelved_teacher: Path) -> Path:
    """A home of the test's own, in which the teacher of `spec` is trained already."""
    shutil.copytree(shelved_teacher, tmp_path / "home")
    return tmp_path / "home"


@pytest.fixture(scope="session")
def shelved_teacher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shelf")
    baseline = small_spec().model_copy(update={"method": "random", "knobs": {}})
    assert run(baseline, folder / "trial", Runtime(home=folder / "home")).state == "complete"
    return folder / "home"


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
    return written_to(tmp_path)


@pytest.fixture
def study(searched: Path, tmp_path: Path) -> frontier.StudyView:
    """The study `machinery` of four trials, as an undisturbed search of `space` left it; the test's own."""
    return frontier.open_study("machinery", shutil.copytree(searched, tmp_path / "home"))


@pytest.fixture(scope="session")
def searched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("searched")
    frontier.search(written_to(folder), home=folder / "home", backend="inline")
    return folder / "home"


def written_to(folder: Path) -> Path:
    path = folder / "machinery.yaml"
    path.write_text(SPACE)
    return path
