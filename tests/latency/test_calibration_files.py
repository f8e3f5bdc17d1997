"""`frontier calibrate` and `frontier price --constants`: their files, what they print, and what they refuse."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from bundled import COUNTS, TRUE, bundle
from priced import spread
from typer.testing import CliRunner

import frontier
from frontier.cli._app import app
from frontier.errors import InputError
from frontier.latency import cheetah, crypten
from frontier.latency._link import NAMED
from frontier.results.calibration import Calibration, read_calibration

WAN = NAMED["wan"]


def invoke(*words: object) -> str:
    done = CliRunner().invoke(app, [*map(str, words)])
    assert done.exit_code == 0, (done.output, done.exception)
    return done.stdout


def test_bundles_and_folders_of_bundles_are_fitted_to(bundles: Path) -> None:
    whole = frontier.calibrate([bundles])
    assert {name: whole.constants[name].value for name in TRUE} == pytest.approx(TRUE)
    assert (whole.protocol, whole.engine, whole.measurements, whole.runs) == ("crypten", "crypten", 8, 24)
    assert whole.machines == ("Abacus 3, 2 cores, linux",)
    one_by_one = frontier.calibrate([bundles / str(relus) for relus in COUNTS])
    assert one_by_one.constants == whole.constants


def test_what_is_named_twice_counts_once(bundles: Path, tmp_path: Path) -> None:
    (tmp_path / "linked").symlink_to(bundles / "50000", target_is_directory=True)
    twice = [bundles, bundles / "50000", str(bundles / "0" / ".." / "50000"), "bundles/50000", tmp_path / "linked"]
    found = frontier.calibrate(twice)
    assert (found.measurements, found.runs) == (8, 24)
    assert found.constants == frontier.calibrate([bundles]).constants


def test_what_was_held_out_is_nothing_that_the_constants_rest_on(bundles: Path, tmp_path: Path) -> None:
    lines = invoke("calibrate", bundles, "--hold-out", "50000,180000").splitlines()
    assert lines[0] == "crypten, fitted to 12 runs of the engine crypten"
    assert "held out: 50000, 180000; what follows is about what was fitted to" in lines
    assert any(line.startswith("4 measurements, ") for line in lines)
    price = frontier.price(spread(100), constants=tmp_path / "calibration-crypten.json")
    assert "constants fitted to 12 runs of crypten" in price.notes[0]


def test_with_one_budget_nothing_is_held_out_and_all_say_so(bundles: Path, tmp_path: Path) -> None:
    lines = invoke("calibrate", bundles / "50000").splitlines()
    assert "client CPU seconds, loopback; nothing held out" in lines
    assert "held out: nothing, for there is one budget alone" in lines
    found = read_calibration(tmp_path / "calibration-crypten.json")
    assert found.held_out is None
    assert not any(row.held_out for row in found.compared)


def test_held_out_without_anything_to_compare_says_so(bundles: Path) -> None:
    (bundles / "50000" / "measured-crypten-0.json").unlink()
    lines = invoke("calibrate", bundles / "0", bundles / "50000").splitlines()
    assert "client CPU seconds, loopback; held out: no ratio" in lines


def test_the_file_is_written_here_or_where_it_is_asked_for(bundles: Path, tmp_path: Path) -> None:
    shown = json.loads(invoke("calibrate", bundles, "--hold-out", "50000, 180000", "--json"))
    assert Calibration.model_validate(shown) == read_calibration(tmp_path / "calibration-crypten.json")
    assert shown["held_out"] == [50_000, 180_000]
    invoke("calibrate", bundles, "--out", tmp_path / "new" / "here.json", "--protocol", "crypten")
    assert read_calibration(tmp_path / "new" / "here.json").held_out is None


def test_people_see_what_was_fitted_what_was_kept_and_the_errors_by_link(bundles: Path) -> None:
    lines = invoke("calibrate", bundles).splitlines()
    assert lines[0] == "crypten, fitted to 24 runs of the engine crypten"
    cells = [line.split() for line in lines]
    by_name = {row[0]: row[1:6] for row in cells if row}
    assert by_name["relu.hops"] == ["12", "messages", "10", "messages", "9"]
    assert by_name["square.hops"][4] == "kept"
    assert "wall seconds, 40 ms, 400 Mbit/s; held out: within 0 %" in lines
    assert "client CPU seconds, loopback; held out: within 0 %" in lines
    assert "held out: each budget in turn, by a fit without it" in lines
    assert "measured on Abacus 3, 2 cores, linux" in lines


def test_prices_of_every_source_take_fitted_constants_and_say_so(bundles: Path, tmp_path: Path) -> None:
    invoke("calibrate", bundles)
    there = tmp_path / "calibration-crypten.json"
    note = "constants fitted to 24 runs of crypten on Abacus 3, 2 cores, linux, 2026-01-01"
    true = crypten.price(spread(50_000), WAN, crypten.COSTS.replaced(TRUE, "a test"))
    words = ("price", "--bundle", bundles / "50000", "--link", "wan", "--constants", there)
    done = CliRunner().invoke(app, [*map(str, words), "--json"])
    assert json.loads(done.stdout)["online_s"] == pytest.approx(true.online_s)
    assert note in done.stderr
    assert note in " ".join(invoke(*words).split())
    plan = frontier.price_plan("tinynet", 100, image="1x8x8", constants=there)
    usual = frontier.price_plan("tinynet", 100, image="1x8x8")
    assert plan.online_s != usual.online_s
    assert plan.online_bytes == usual.online_bytes
    assert note in plan.notes[0]
    assert usual.notes == ()
    assert frontier.price(spread(50_000), link="wan", constants=read_calibration(there)).online_s == pytest.approx(
        true.online_s
    )


def test_a_calibration_brings_its_protocol(bundles: Path, tmp_path: Path) -> None:
    path = frontier.calibrate([bundles])
    other = path.model_copy(
        update={"protocol": "cheetah", "engine": cheetah.ENGINE, "constants": {"linear_s": path.constants["linear_s"]}}
    )
    price = frontier.price(spread(100), constants=other)
    usual = frontier.price(spread(100), protocol="cheetah")
    assert (price.rounds, usual.rounds) == (340, 340)
    assert price.online_s - usual.online_s == pytest.approx(0.02)
    with pytest.raises(InputError, match="not those of crypten"):
        frontier.price(spread(100), protocol="crypten", constants=other)


def test_neither_fits_nor_prices_need_a_framework(bundles: Path) -> None:
    code = (
        "import sys, frontier\n"
        f"found = frontier.calibrate([{str(bundles)!r}])\n"
        f"frontier.price_bundle({str(bundles / '50000')!r}, constants=found)\n"
        "heavy = {'torch', 'ray', 'optuna', 'plotly'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_prices_alone_need_no_scipy() -> None:
    code = "import sys, frontier; frontier.price; assert 'scipy' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


# refused


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "nothing to fit to"),
        (("elsewhere",), "no bundle, and no folder of bundles"),
        (("bundles", "--protocol", "cheetah"), "nothing was measured with the engine of cheetah"),
        (("bundles", "--protocol", "delphi"), "the constants of delphi cannot be fitted here"),
        (("bundles", "--protocol", "delfi"), "Did you mean 'delphi'"),
        (("bundles", "--hold-out", "50K"), "expected: N,N such as 50000,180000"),
        (("bundles", "--hold-out", "50001"), "no network of 50,001 ReLUs was measured"),
        (("bundles", "--hold-out", "0,50000,180000,557056"), "everything is held out"),
        (("bundles", "--out", "bundles"), "is a folder"),
        (("--study", "nobody"), "no study 'nobody'"),
    ],
)
def test_what_cannot_be_fitted_says_what_could(bundles: Path, words: tuple[str, ...], says: str) -> None:
    done = CliRunner().invoke(app, ["calibrate", *words])
    assert isinstance(done.exception, InputError)
    assert says in str(done.exception)
    assert not list(bundles.parent.glob("calibration-*.json"))


def test_a_bundle_without_measurements_has_nothing_to_fit_to(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="measure first: frontier measure BUNDLE"):
        frontier.calibrate([bundle(tmp_path / "bundle", 5, links=())])


def test_several_engines_ask_for_the_protocol(bundles: Path) -> None:
    path = bundles / "50000" / "measured-crypten-0.json"
    path.with_name("measured-opened-0.json").write_text(path.read_text().replace('"crypten"', '"opened"'))
    with pytest.raises(InputError, match=r"several engines were measured[\s\S]*crypten, opened"):
        frontier.calibrate([bundles])
    assert frontier.calibrate([bundles], protocol="crypten").measurements == 8
    assert frontier.calibrate([bundles], protocol="one_message").measurements == 1


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("{", "["), "not a measurement"),
        (('"mask_hash":"50000"', '"mask_hash":"1"'), "a measurement of another network"),
    ],
)
def test_a_measurement_that_is_none_is_named(bundles: Path, change: tuple[str, str], says: str) -> None:
    path = bundles / "50000" / "measured-crypten-0.json"
    path.write_text(path.read_text().replace(*change, 1))
    with pytest.raises(InputError, match=says) as refused:
        frontier.calibrate([bundles])
    assert str(path) in str(refused.value)


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"format": "frontier-measured"}', "\x00"])
def test_constants_that_are_none_are_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "constants.json"
    path.write_text(text)
    with pytest.raises(InputError, match="not a calibration"):
        frontier.price(spread(5), constants=path)
    with pytest.raises(InputError, match="No such file"):
        frontier.price(spread(5), constants=tmp_path / "absent.json")
