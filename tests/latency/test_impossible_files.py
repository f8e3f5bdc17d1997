"""Files that say what cannot be, or what this version does not know, are refused by their name and the field."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from priced import spread
from typer.testing import CliRunner

import frontier
from frontier.cli._app import app
from frontier.errors import InputError
from frontier.latency import crypten

Change = Callable[[dict[str, Any]], object]


def changed(path: Path, change: Change) -> Path:
    """The same file, with this done to its JSON."""
    found = json.loads(path.read_text())
    change(found)
    path.write_text(json.dumps(found))
    return path


def refusal(*words: object) -> str:
    done = CliRunner().invoke(app, [*map(str, words)])
    assert isinstance(done.exception, InputError), done.output
    return str(done.exception)


@pytest.fixture
def constants(bundles: Path, tmp_path: Path) -> Path:
    frontier.api.calibrate.save(frontier.calibrate([bundles]), tmp_path / "mine.json")
    return tmp_path / "mine.json"


# measurements


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda found: found["client_cpu_s"].update(median=0), "client_cpu_s.median: Input should be greater than 0"),
        (lambda found: found["online_s"].update(mean=-1), "online_s.mean: Input should be greater than 0"),
        (lambda found: found["link"].update(up_mbit_s=0), "link.up_mbit_s: "),
        (lambda found: found["emulated"].update(rtt_ms=-40), "emulated.rtt_ms: "),
        (lambda found: found["emulated"].update(mbit_s=1e-300), "emulated.mbit_s: "),
        (lambda found: found.update(load={}), "load: "),
        (lambda found: found["load"].update(client_before=-1), "load.client_before: "),
        (lambda found: found.update(relus=-1), "relus: "),
        (lambda found: found.update(repeats=0), "repeats: "),
        (lambda found: [run.update(discarded="late") for run in found["runs"]], "3 runs, and 3 of them discarded"),
        (lambda found: found.update(version=2), "version: "),
    ],
)
def test_a_measurement_that_cannot_be_is_named(bundles: Path, change: Change, says: str) -> None:
    path = changed(bundles / "50000" / "measured-crypten-1.json", change)
    words = refusal("calibrate", "bundles")
    assert "not a measurement (" + says in words
    assert words.startswith(f"bundles/50000/{path.name}: ")
    assert len(words.splitlines()) == 3
    assert not list(bundles.parent.glob("calibration-*.json"))


def test_an_engine_that_nobody_knows_is_the_files_own(bundles: Path) -> None:
    for path in bundles.glob("*/measured-*.json"):
        changed(path, lambda found: found.update(engine="foo"))
    words = refusal("calibrate", "bundles")
    assert words.startswith("bundles/0/measured-crypten-0.json: no protocol prices what this engine measures")
    assert "got: foo" in words


# calibrations


def constant(name: str, value: float) -> Change:
    def change(found: dict[str, Any]) -> None:
        some = next(iter(found["constants"].values()))
        found["constants"][name] = {**some, "value": value}

    return change


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (constant("relu.layer_s", -5), "not a calibration (constants.relu.layer_s.value: "),
        (constant("relu.layer_s", 1e308), "not a calibration (constants.relu.layer_s.value: "),
        (lambda found: found["constants"].clear(), "not a calibration (constants: "),
        (lambda found: found["compared"][0].update(measured_s=0), "not a calibration (compared.0.measured_s: "),
        (lambda found: found.update(version=2), "not a calibration (version: "),
        (constant("linear_macs", 0), "not what can be fitted of crypten"),
        (constant("relu.rounds", 99), "not what can be fitted of crypten"),
        (constant("relu.bytes", 1), "not what can be fitted of crypten"),
        (constant("foo", 1), "not what can be fitted of crypten"),
        (lambda found: found.update(protocol="delphi"), "the constants of delphi cannot be fitted here"),
        (lambda found: found.update(protocol="crypten2"), "unknown protocol 'crypten2'"),
    ],
)
def test_constants_that_cannot_be_are_named_with_their_file(
    bundles: Path, constants: Path, change: Change, says: str
) -> None:
    changed(constants, change)
    words = refusal("price", "--bundle", bundles / "50000", "--constants", constants)
    assert words.startswith(f"{constants}: {says}")
    with pytest.raises(InputError) as refused:
        frontier.price(spread(5), constants=constants)
    assert str(refused.value) == words


def test_constants_of_another_protocol_than_was_asked_for(constants: Path) -> None:
    words = refusal("price", "--backbone", "tinynet", "--relus", 5, "--protocol", "cheetah", "--constants", constants)
    assert words.startswith(f"{constants}: these constants are not those of cheetah")
    words = refusal("price", "--backbone", "tinynet", "--relus", 5, "--protocol", "delphi", "--constants", constants)
    assert words.startswith("--protocol: the constants of delphi cannot be fitted here")


def test_what_can_be_fitted_is_all_that_a_calibration_has(constants: Path) -> None:
    names = set(json.loads(constants.read_text())["constants"])
    counted = {f"{part}.{name}" for part in ("relu", "square") for name in ("bytes", "received_bytes", "rounds")}
    assert names == crypten.COSTS.named().keys() - counted - {"linear_macs"}


# manifests, and files to be written


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"format": "frontier-bundle", "stu', "not a bundle (Invalid JSON: EOF"),
        ("\x00", "not a bundle (Invalid JSON: "),
        ("{}", "not a bundle (study: Field required)"),
    ],
)
def test_a_torn_manifest_is_said_in_a_line(bundles: Path, text: str, says: str) -> None:
    (bundles / "50000" / "manifest.json").write_text(text)
    for words in (refusal("price", "--bundle", "bundles/50000"), refusal("calibrate", "bundles")):
        assert words.startswith(f"bundles/50000/manifest.json: {says}")
        assert len(words.splitlines()) == 2


@pytest.mark.parametrize(
    ("fields", "says"), [({"version": 2}, "version: "), ({"tomorrow": 1}, "tomorrow: ")], ids=["version", "field"]
)
def test_so_is_a_newer_one(bundles: Path, fields: dict[str, int], says: str) -> None:
    changed(bundles / "50000" / "manifest.json", lambda found: found.update(fields))
    for words in (refusal("price", "--bundle", "bundles/50000"), refusal("calibrate", "bundles")):
        assert words.startswith(f"bundles/50000/manifest.json: not a bundle ({says}")
        assert "pydantic" not in words


def test_without_a_manifest_there_is_no_bundle(tmp_path: Path) -> None:
    assert "not a bundle (No such file or directory)" in refusal("price", "--bundle", tmp_path)


def test_a_pipe_is_not_replaced_by_a_calibration(bundles: Path, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    words = refusal("calibrate", bundles, "--out", pipe)
    assert words.startswith(f"{pipe}: is no regular file")
    assert "give another one with --out" in words
    assert pipe.is_fifo()
