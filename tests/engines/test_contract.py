"""What every engine owes: it says what is simulated, and two processes with it give the network's logits and counts."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from bundles import linearized, measured, require, write_bundle

from frontier import registry
from frontier.api.measure import measure
from frontier.cli._measured import print_measured
from frontier.engines import _job
from frontier.engines._lower import lower
from frontier.errors import InputError, VerificationError
from frontier.nn.network import build
from frontier.results.measured import Counted, Measured


@pytest.fixture(params=registry.names("engine"))
def engine(request: pytest.FixtureRequest) -> str:
    require(request.param)
    return str(request.param)


def test_an_engine_says_what_is_simulated(engine: str) -> None:
    module = registry.load("engine", engine)
    module.check()
    assert len(module.SIMULATED) > 20
    assert all(registry.versions(name) for name in module.DISTRIBUTIONS)


def test_two_processes_give_the_logits_of_the_network(engine: str) -> None:
    found = measured(engine, "mixed")
    assert found.engine == engine
    assert found.simulated == registry.load("engine", engine).SIMULATED
    assert found.max_error < 1e-3
    assert len(found.runs) == 4
    assert found.discarded == ()
    for run in found.runs:
        assert run.argmax_equal or not run.decided
    assert found.argmax_agreement == sum(run.argmax_equal for run in found.runs) / 4
    assert found.online_s.min <= found.online_s.median <= found.online_s.max
    assert min(found.client_cpu_s.min, found.server_cpu_s.min) > 0
    plan = lower(linearized(build("tinynet", (1, 8, 8), 10), (1, 8, 8), "degree2"), (1, 8, 8))
    assert (found.relus, found.squares) == tuple(map(sum, zip(*plan.counts, strict=True)))
    assert (found.relu_layers, found.square_layers) == (2, 0)


def test_what_stands_apart_is_eight_bytes_a_number(engine: str) -> None:
    found = measured(engine, "mixed")
    counted = found.counted
    assert counted.input_bytes == 8 * 64
    assert counted.handover_bytes == 8 * (found.relus + found.squares)
    assert counted.output_bytes == 8 * 10
    assert counted.online_bytes == counted.sent_bytes + counted.received_bytes


def test_the_conditions_are_written_down(engine: str) -> None:
    found = measured(engine, "mixed")
    assert (found.threads, found.ring_bits, found.fraction_bits, found.seed) == (1, 64, 16, 0)
    assert (found.repeats, found.images, found.images_from) == (2, 2, "the test split of digits")
    assert found.parties == "one host"
    assert set(found.load) == {"client_before", "client_after", "server_before", "server_after"}
    assert min(found.link.rtt_ms, found.link.up_mbit_s, found.link.down_mbit_s) > 0
    assert set(found.versions) == {"frontier", *registry.load("engine", engine).DISTRIBUTIONS}
    assert [(run.repeat, run.image) for run in found.runs] == [(0, 0), (0, 1), (1, 0), (1, 1)]  # interleaved
    assert Measured.model_validate_json(found.model_dump_json()) == found


def test_runs_that_may_differ_are_counted_one_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(registry.load("engine", "opened"), "VARIES", "it makes things in batches", raising=False)
    found = measure(write_bundle(tmp_path / "bundle"), engine="opened", repeats=2)
    assert found.measured.varies == "it makes things in batches"
    assert [run.counted for run in found.measured.runs] == [found.measured.counted] * 2
    assert Measured.model_validate_json(found.path.read_text()) == found.measured
    print_measured(found)
    rounds, size = found.measured.counted.rounds, f"{found.measured.counted.online_bytes:,}"
    printed = " ".join(capsys.readouterr().out.split())
    assert f"a run: {rounds} to {rounds} rounds, {size} to {size} B; it makes things in batches" in printed


def test_a_mean_of_counts_is_rounded() -> None:
    counted = measured("opened", "mixed").counted
    other = counted.model_copy(update={"rounds": counted.rounds + 3, "sent_bytes": counted.sent_bytes + 10})
    mean = Counted.mean([counted, counted, other])
    assert mean == counted.model_copy(update={"rounds": counted.rounds + 1, "sent_bytes": counted.sent_bytes + 3})


def test_an_engine_whose_runs_are_alike_says_so_once() -> None:
    text = measured("opened", "mixed").model_dump_json()
    assert text.count('"counted"') == 1
    assert "varies" not in text


def hello(folder: Path, **changes: object) -> dict[str, object]:
    return _job.prepare(folder, "opened", 16).hello() | changes


def test_another_bundle_or_setting_is_refused_by_name(tmp_path: Path) -> None:
    mine = hello(write_bundle(tmp_path / "mine"))
    _job.agree(mine, hello(write_bundle(tmp_path / "same")), "x")
    with pytest.raises(InputError, match="the mask of the bundle, the lowered network") as refused:
        _job.agree(mine, hello(write_bundle(tmp_path / "fewer", share=0.2)), "127.0.0.1:7000")
    assert "127.0.0.1:7000" in str(refused.value)
    assert "to do: give both parties the same bundle" in str(refused.value)
    for key, value, says in (
        ("fraction_bits", 12, "--fraction-bits"),
        ("weights", "0", "the weights of the bundle"),
        ("engine", "spu", "the engine"),
        ("versions", [], "the versions"),
    ):
        with pytest.raises(InputError, match=says):
            _job.agree(mine, mine | {key: value}, "x")
    with pytest.raises(InputError, match="something else"):
        _job.agree(mine, {}, "x")


def test_a_manifest_that_counts_otherwise_is_refused(tmp_path: Path) -> None:
    folder = write_bundle(tmp_path / "bundle", surrogate="degree2")
    manifest = folder / "manifest.json"
    squares = measured_squares(folder)
    manifest.write_text(manifest.read_text().replace(f'"squares":{squares}', f'"squares":{squares - 1}'))
    with pytest.raises(VerificationError, match="not those of its manifest"):
        _job.prepare(folder, "opened", 16)


def measured_squares(folder: Path) -> int:
    return _job.read_manifest(folder).results.profile.sites[0].squares


@pytest.mark.parametrize("bits", [7, 21])
def test_fraction_bits_leave_room(bits: int, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--fraction-bits"):
        _job.prepare(tmp_path, "opened", bits)


def test_threads_are_given_back() -> None:
    before = torch.get_num_threads()
    measured("opened", "mixed")
    assert torch.get_num_threads() == before
