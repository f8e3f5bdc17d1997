"""Makes `bundles`, what these tests share, importable; and a network that was really trained, as a bundle."""

import sys
from pathlib import Path

import pytest

from frontier.results.spec import TrialSpec
from frontier.trial.bundle import export
from frontier.trial.run import run
from frontier.trial.runtime import Runtime
from frontier.trial.source import Source

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture
def trained(spec: TrialSpec, tmp_path: Path) -> Path:
    """The tiny network of `spec`, linearized by its method."""
    record = run(spec, tmp_path / "trial", Runtime(home=tmp_path))
    data = Source.of(spec.data, None).dataset()
    export(
        record.model_copy(update={"trial": 0}), tmp_path / "trial", tmp_path / "bundle", study="x", point=0, data=data
    )
    return tmp_path / "bundle"
