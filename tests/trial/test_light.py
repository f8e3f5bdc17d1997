"""One trial needs torch, numpy, safetensors, pyyaml, pydantic and filelock, and nothing else."""

import subprocess
import sys
from pathlib import Path

from frontier.results.migrate import read_record
from frontier.results.spec import TrialSpec

TINY = '''"""Colour images of 3x8x8 pixels that need no file: the class is the brightest of four bands, under noise."""

from pathlib import Path

import numpy as np

from frontier.data._dataset import Dataset, Split

IMAGE, CLASSES = (3, 8, 8), 4


def load(folder: Path | None, *, download: bool = False) -> Dataset:
    rng = np.random.default_rng(0)

    def split(n: int) -> Split:
        labels = np.arange(n) % CLASSES
        images = rng.integers(0, 128, (n, *IMAGE), dtype=np.uint8)
        for image, label in zip(images, labels, strict=True):
            image[:, 2 * label : 2 * label + 2] += 100
        return Split(images, labels)

    return Dataset.of("tiny", CLASSES, train=split(200), validation=split(60), test=split(60))
'''

ALONE = """
import sys
from pathlib import Path
for absent in ("ray", "optuna", "typer", "rich", "pandas", "plotly", "torchvision", "jinja2", "moocore", "scipy", "PIL",
               "sklearn"):
    sys.modules[absent] = None
import frontier.data
from frontier.results.spec import TrialSpec
from frontier.trial.run import run
from frontier.trial.runtime import Runtime
home = Path(sys.argv[1])
frontier.data.__path__.append(str(home))
run(TrialSpec.model_validate_json((home / "spec.json").read_bytes()), home / "trial", Runtime(home=home))
"""


def test_one_trial_runs_on_its_few_dependencies_alone(spec: TrialSpec, tmp_path: Path) -> None:
    corruptions = ["gaussian_noise", "defocus_blur", "contrast", "pixelate"]
    measure = spec.measure.model_dump() | {"corruptions": corruptions}
    asked = TrialSpec.model_validate(spec.model_dump() | {"data": {"name": "tiny"}, "measure": measure})
    (tmp_path / "spec.json").write_text(asked.model_dump_json())
    (tmp_path / "tiny.py").write_text(TINY)
    done = subprocess.run([sys.executable, "-c", ALONE, str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    record = read_record((tmp_path / "trial" / "record.json").read_bytes(), where="record")
    assert (record.state, record.reason) == ("complete", None)
    (point,) = record.points
    assert point.relu_count == spec.relu_budget
    for scores in (point.validation, point.test):
        assert scores.clean.n == 60
        assert list(scores.parts)[:4] == [f"{name}/3" for name in corruptions]
