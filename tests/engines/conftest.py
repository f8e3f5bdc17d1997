"""A network that was really trained, as a bundle; a link that is emulated where this machine lets us. `bundles`, what
these tests share, becomes importable."""

import os
import shutil
import subprocess
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


@pytest.fixture(scope="session")
def root() -> None:
    """Skips where no network namespace with a TUN device can be made."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("an emulated link takes Linux and root")
    if not Path("/dev/net/tun").exists() or not shutil.which("ip"):
        pytest.skip("an emulated link takes /dev/net/tun and the program ip")
    name = f"frontier-test-{os.getpid()}"
    if subprocess.run(["ip", "netns", "add", name], capture_output=True, check=False).returncode:
        pytest.skip("root may not make network namespaces here, as in most containers")
    subprocess.run(["ip", "netns", "delete", name], check=True)
