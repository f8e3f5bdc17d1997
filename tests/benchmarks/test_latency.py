"""The benchmark of latency: what it lists, how it measures, and that the committed figures are what it says of them."""

from __future__ import annotations

import importlib
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from frontier.errors import InputError, VerificationError
from frontier.results.record import TrialRecord
from frontier.results.store import Study
from frontier.trial.check import check

ROOT = Path(__file__).parents[2]
HERE = ROOT / "benchmarks" / "latency"
REFERENCE = ROOT / "results" / "reference"
RESNET18 = REFERENCE / "latency" / "resnet18-crypten.json"
LABORATORY = REFERENCE / "latency" / "laboratory-crypten.json"


@pytest.fixture(scope="module")
def parts() -> Iterator[Any]:
    """The modules of the benchmark, under their plain names; another test may have left one of such a name."""
    names = [path.stem for path in HERE.glob("[a-z]*.py")]
    others = {name: sys.modules.pop(name) for name in names if name in sys.modules}
    sys.path.insert(0, str(HERE))
    yield SimpleNamespace(**{name: importlib.import_module(name) for name in names})
    sys.path.remove(str(HERE))
    for name in names:
        sys.modules.pop(name, None)
    sys.modules.update(others)


@pytest.fixture
def small(parts: Any) -> Any:
    """Two networks over two links, with nothing measured yet."""
    there = parts.evidence.read(RESNET18)
    return there.model_copy(update={"sessions": (), "networks": there.networks[-2:], "rounds": 2, "calm": None})


@pytest.fixture
def measured(parts: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[str, str | None, int]]:
    """What was asked to be measured, in order; the answer is always a committed measurement."""
    asked: list[tuple[str, str | None, int]] = []
    answer = parts.evidence.read(RESNET18).sessions[0].measured

    def measure(bundle: Path, *, link: str | None, seed: int, **_: Any) -> SimpleNamespace:
        asked.append((bundle.name, link, seed))
        if len(asked) == 2:
            raise VerificationError("no run counts; the first: a packet was late")
        path = tmp_path / "measured.json"
        path.touch()
        return SimpleNamespace(measured=answer, path=path)

    monkeypatch.setattr(parts.sessions, "measure", measure)
    return asked


def test_the_plans_are_spread_and_packed_into_as_few_last_layers_as_hold_them(parts: Any) -> None:
    found = [(one.relus, one.last_layers) for one in parts.plans.listed()]
    assert found == [
        (557_056, None),
        *[(180_000, None), (180_000, 11)],
        *[(50_000, None), (50_000, 6)],
        *[(12_900, None), (12_900, 2)],
        (0, None),
    ]
    assert set(parts.plans.HELD_OUT) < set(parts.plans.BUDGETS)


def test_the_trained_networks_are_those_of_the_comparison(parts: Any) -> None:
    compared = [record for _, record in Study(REFERENCE, "head_to_head").records() if isinstance(record, TrialRecord)]
    specs = {record.spec.model_copy(update={"relu_budget": 0}).model_dump_json() for record in compared}
    listed = list(parts.networks.listed(REFERENCE))
    assert [one.trial for one in listed] == list(range(len(listed)))
    assert len({one.name for one in listed}) == len(listed)
    for one in listed:
        assert (one.spec.relu_budget, one.spec.seed) == (one.relu_budget, one.seed)
        assert one.spec.model_copy(update={"relu_budget": 0}).model_dump_json() in specs
        check(one.spec)


def test_rounds_are_interleaved_and_what_is_late_is_measured_again(
    parts: Any, small: Any, measured: list[tuple[str, str | None, int]], tmp_path: Path
) -> None:
    path = tmp_path / "evidence.json"
    found = parts.sessions.work_off(small, path, lambda network: tmp_path / network.name, None)
    one, other = (network.name for network in small.networks)
    late = [(one, "wan", 0)]
    each = [[(name, link, number) for name in (one, other) for link in (None, "wan")] for number in (0, 1)]
    assert measured == [each[0][0], *late, *each[0][1:], *each[1]]
    assert len(found.failed) == 1
    assert parts.evidence.read(path) == found


def test_it_goes_on_where_it_was(
    parts: Any, small: Any, measured: list[tuple[str, str | None, int]], tmp_path: Path
) -> None:
    path = tmp_path / "evidence.json"
    whole = parts.sessions.work_off(small, path, lambda network: tmp_path / network.name, None)
    begun = whole.model_copy(update={"sessions": whole.sessions[:5]})
    measured.clear()
    measured.extend([("", None, 0)] * 2)
    again = parts.sessions.work_off(begun, path, lambda network: tmp_path / network.name, None)
    assert len(measured) - 2 == len(whole.sessions) - 5
    assert again.sessions == whole.sessions


def test_the_committed_prices_are_as_near_as_promised(parts: Any) -> None:
    found = parts.evidence.read(RESNET18)
    assert {network.relu_budget for network in found.networks} == set(parts.plans.BUDGETS)
    assert {"loopback", "wan"} <= set(found.links)
    for network in found.networks:
        for link in found.links:
            assert len(found.runs(network, link)) >= 3
    lines, kept = parts.resnet18.report(found)
    assert kept
    assert sum(line.startswith("kept: ") for line in lines) == 2


def test_committed_rounds_and_bytes_are_those_of_the_protocol(parts: Any) -> None:
    for path in (RESNET18, LABORATORY):
        found = parts.evidence.read(path)
        for network in found.networks:
            sites = network.profile.sites
            rounds = sum(9 if site.kept else 1 for site in sites if site.kept or site.squares)
            for one in (session.measured for link in found.links for session in found.of(network, link)):
                assert (one.relus, one.squares) == (network.profile.kept, network.profile.squares)
                assert one.mask_hash == network.mask_hash
                assert one.counted.rounds == rounds
                assert one.counted.online_bytes == 464 * one.relus + 16 * one.squares


def test_the_committed_networks_are_trained_ones_with_their_records(parts: Any) -> None:
    found, study = parts.evidence.read(LABORATORY), Study(REFERENCE, parts.networks.STUDY)
    for network in found.networks:
        point = study.record(network.trial).points[0]
        assert (point.mask.hash, point.profile, point.test) == (network.mask_hash, network.profile, network.test)
        for link in found.links:
            assert len(found.runs(network, link)) >= 5
    contenders = {(network.kind, network.seed) for network in found.networks if network.relu_budget == 665}
    assert {(name, seed) for name in ("snl", "autorep", "fisher") for seed in (0, 1, 2)} <= contenders


def test_the_committed_networks_are_those_of_the_comparison_in_every_bit_of_the_mask(parts: Any) -> None:
    home, study = Study(REFERENCE, "head_to_head"), Study(REFERENCE, parts.networks.STUDY)
    before = {
        record.spec.model_dump_json(): record.points[0] for _, record in home.records() if record.state == "complete"
    }
    again = {record.spec.model_dump_json(): record.points[0] for _, record in study.records()}
    assert len(before.keys() & again.keys()) >= 9
    for spec in before.keys() & again.keys():
        assert again[spec].mask.hash == before[spec].mask.hash
        assert again[spec].test.clean == before[spec].test.clean


def test_the_committed_records_hold_what_was_measured_and_nothing_is_entered_twice(parts: Any, tmp_path: Path) -> None:
    found = parts.evidence.read(LABORATORY)
    study = Study.open(REFERENCE, parts.networks.STUDY)
    for network in found.networks:
        measured = [one.measured.figures() for one in found.sessions if one.network == network.name]
        assert [one.measured for one in study.record(network.trial).measurements] == measured
    home = tmp_path / "home"
    shutil.copytree(study.folder, home / "studies" / study.name)
    assert parts.networks.enter(found, home) == 0
    other = found.networks[0].model_copy(update={"mask_hash": "0" * 64})
    with pytest.raises(InputError, match="another mask was measured"):
        parts.networks.enter(found.model_copy(update={"networks": (other,)}), home)


def test_the_document_prints_what_the_report_prints(parts: Any) -> None:
    resnet18, laboratory = parts.evidence.read(RESNET18), parts.evidence.read(LABORATORY)
    printed = {line.strip() for line in parts.resnet18.report(resnet18)[0]}
    printed |= {line.strip() for line in parts.laboratory.report(laboratory, parts.resnet18.calibration(resnet18))}
    printed |= {line.strip() for found in (resnet18, laboratory) for line in parts.words.conditions(found)}
    blocks = (ROOT / "docs" / "latency.md").read_text(encoding="utf-8").split("```")[1::2]
    said = {line.strip() for block in blocks for line in block.strip().splitlines()}
    assert len(said) > 30
    assert said <= printed
