"""CrypTen's rounds and bytes as counted between two processes, which are those of the price; its import is cured."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from bundles import NETWORKS, measured, require, write_bundle

from frontier.api.price import price_bundle
from frontier.results.measured import Measured


@pytest.fixture(autouse=True)
def there() -> None:
    require("crypten")


@pytest.mark.parametrize("network", NETWORKS)
def test_rounds_and_bytes_are_those_of_the_protocol(network: str) -> None:
    found = measured("crypten", network)
    assert found.counted.rounds == 9 * found.relu_layers + found.square_layers
    assert found.counted.online_bytes == 464 * found.relus + 16 * found.squares
    assert found.counted.sent_bytes == found.counted.received_bytes


@pytest.mark.parametrize("network", NETWORKS)
def test_the_price_has_the_rounds_and_bytes_that_are_measured(network: str, tmp_path: Path) -> None:
    found = measured("crypten", network).counted
    price = price_bundle(write_bundle(tmp_path, **NETWORKS[network]), protocol="crypten")
    assert (price.rounds, price.online_bytes) == (found.rounds, found.online_bytes)
    assert (price.sent_bytes, price.received_bytes) == (found.sent_bytes, found.received_bytes)


@pytest.mark.parametrize("network", NETWORKS)
def test_every_run_agrees_with_the_network_in_clear(network: str) -> None:
    found = measured("crypten", network)
    assert found.max_error < 1e-3
    assert [run for run in found.runs if run.decided and not run.argmax_equal] == []
    assert found.discarded == ()


def test_other_fraction_bits_give_other_errors_and_the_same_bytes() -> None:
    usual, coarse = measured("crypten", "mixed"), measured("crypten", "mixed", 12)
    assert coarse.counted == usual.counted
    assert usual.max_error < coarse.max_error < 1e-2
    assert (coarse.fraction_bits, coarse.discarded) == (12, ())


def test_bytes_grow_with_the_relus() -> None:
    counts = {found.relus: found.counted.online_bytes for found in (measured("crypten", n) for n in NETWORKS)}
    assert len(counts) == 3
    assert [size for _, size in sorted(counts.items())] == sorted(counts.values())


def test_importing_crypten_leaves_nothing_behind() -> None:
    code = (
        "import sys; from frontier.engines._crypten_import import crypten\n"
        "assert crypten() is crypten()\n"
        "print(sorted(name for name in ('onnx', 'tensorboard', 'sklearn') if name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr


def test_without_crypten_the_command_is_named(tmp_path: Path) -> None:
    code = (
        "import sys; from importlib import metadata\n"
        "def absent(name): raise metadata.PackageNotFoundError(name)\n"
        "metadata.version = absent\n"
        f"sys.argv = ['frontier', 'measure', {str(tmp_path)!r}]\n"
        "from frontier.__main__ import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert done.stderr == "error: CrypTen is not installed; run: make setup-pi\n"


def test_the_command_measures_a_trained_network(trained: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "frontier", "measure", trained, "--images", "3", "--repeats", "1", "--json"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = Measured.model_validate(json.loads(done.stdout))
    assert found.max_error < 1e-3
    assert [run for run in found.runs if run.decided and not run.argmax_equal] == []
    assert found.counted.online_bytes == 464 * found.relus
    assert done.stderr.startswith("3 runs\nrun 1/3 (image 0): ")
    (written,) = trained.glob("measured-crypten-*.json")
    assert Measured.model_validate_json(written.read_text()) == found
