"""Prices of studies, bundles and plans, in Python and on the command line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import frontier
from frontier.api.plan import plan
from frontier.cli._app import app
from frontier.errors import InputError
from frontier.results.measure import Measure
from frontier.results.migrate import read_record
from frontier.results.profile import LinearProfile, Profile, SiteProfile
from frontier.results.record import Scores
from frontier.results.store import Study, StudyManifest, write_record
from frontier.trial.manifest import Manifest

FIRST = Path(__file__).parents[1] / "results" / "record_v1.json"
REFERENCE = Path(__file__).parents[2] / "results" / "reference"
KEYS = ["online_s", "offline_s", "online_bytes", "sent_bytes", "received_bytes", "rounds", "layers"]
LAYER_KEYS = ["path", "relus", "squares", "online_s", "bytes", "rounds"]


def network(kept: int, squares: int = 0) -> Profile:
    first = LinearProfile(path="conv", kind="conv2d", macs=10**6, input_elements=64, output_elements=100)
    site = SiteProfile(path="relu", shape=(100, 1, 1), relus=100, kept=kept, squares=squares)
    return Profile(sites=(site,), linear=(first,))


def scored(accuracy: float) -> dict[str, Scores]:
    measure = Measure.of(accuracy, 100)
    scores = Scores(clean=measure, corrupted=measure, adversarial=measure)
    return {"validation": scores, "test": scores}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A study `made`: trial 0 with 60 ReLUs, its extra point with 20, and trial 1 with 30 ReLUs and 70 squares."""
    first = read_record(FIRST.read_bytes(), where="x")
    manifest = StudyManifest(
        name="made", space={"question": "none"}, space_hash="0", seed=0, sampler="random", relus=100,
        created_at="2026-01-01T00:00:00Z", code_version="0",
    )  # fmt: skip
    study = Study.create(tmp_path, manifest, "name: made\n")
    plain = first.points[0].model_copy(update={"relu_count": 60, "profile": network(60), **scored(0.9)})
    extra = plain.model_copy(update={"role": "extra", "relu_count": 20, "profile": network(20), **scored(0.7)})
    squared = plain.model_copy(update={"relu_count": 30, "profile": network(30, 70), **scored(0.8)})
    for trial, points in enumerate(((plain, extra), (squared,))):
        write_record(study.trial_folder(study.claim()), first.model_copy(update={"trial": trial, "points": points}))
    return tmp_path


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """The manifest of a bundle of 60 ReLUs. Nothing else of it is needed."""
    record = read_record(FIRST.read_bytes(), where="x")
    point = record.points[0].model_copy(update={"relu_count": 60, "profile": network(60)})
    manifest = Manifest(
        study="made", trial=0, point=0, network=record.spec.network, image=(1, 8, 8), classes=10, mean=(0.5,),
        std=(1.0,), relu_count=60, mask_hash="0", sha256={}, results=point, spec=record.spec, origin={},
    )  # fmt: skip
    folder = tmp_path / "bundle"
    folder.mkdir()
    (folder / "manifest.json").write_text(manifest.model_dump_json())
    return folder


def invoke(*words: object) -> str:
    done = CliRunner().invoke(app, ["price", *map(str, words)])
    assert done.exit_code == 0, done.output
    return done.stdout


# studies and bundles


def test_a_study_is_priced_by_its_front_and_by_its_points(home: Path) -> None:
    front = frontier.price_study("made", home=home, link="wan")
    assert [priced.found.address for priced in front] == ["0.1", "1", "0"]
    (extra,) = frontier.price_study("made", ["0.1"], home=home, link="wan")
    assert extra.price == frontier.price(network(20), link="wan")
    assert (extra.price.online_bytes, extra.price.rounds) == (464 * 20, 9)


def test_a_point_without_a_price_says_why_and_stops_only_who_asked_for_it(home: Path) -> None:
    prices = {p.found.address: p for p in frontier.price_study("made", home=home, protocol="delphi")}
    assert prices["1"].price is None
    assert prices["1"].problem.startswith("delphi has no price for squares; price it with a protocol that knows")
    assert prices["0.1"].price.rounds == 2
    with pytest.raises(InputError, match="70 squares"):
        frontier.price_study("made", ["1"], home=home, protocol="delphi")
    (known,) = frontier.price_study("made", [1], home=home)
    assert known.price.online_bytes == 464 * 30 + 16 * 70


def test_the_json_of_a_study_holds_the_price_beside_the_point(home: Path) -> None:
    rows = json.loads(invoke("--study", "made", "--home", home, "--protocol", "delphi", "--json"))
    assert [list(row) for row in rows] == [
        ["trial", "point", "relu_count", "squares", "measured_s", "problem", *KEYS]
    ] * len(rows)
    by_count = {row["relu_count"]: row for row in rows}
    assert by_count[30]["online_s"] is by_count[30]["layers"] is None
    assert "no price for squares" in by_count[30]["problem"]
    assert by_count[20]["problem"] is None
    assert by_count[20]["received_bytes"] == 1184 * 20
    (one,) = json.loads(invoke("--study", "made", "--trial", "0.1", "--home", home, "--json"))
    assert (one["trial"], one["point"], one["relu_count"]) == (0, 1, 20)


def test_a_bundle_is_priced_by_its_manifest(bundle: Path) -> None:
    price = frontier.price_bundle(bundle, protocol="cheetah", link="40,100")
    assert price == frontier.price(network(60), protocol="cheetah", link="40,100")
    assert json.loads(invoke("--bundle", bundle, "--json"))["online_bytes"] == 464 * 60


def test_studies_and_bundles_are_priced_without_a_framework(home: Path, bundle: Path) -> None:
    code = (
        "import sys, frontier\n"
        f"frontier.price_study('made', home={str(home)!r}); frontier.price_bundle({str(bundle)!r})\n"
        "heavy = {'torch', 'ray', 'optuna', 'plotly'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_record_of_the_reference_study_has_a_price() -> None:
    for protocol in ("crypten", "delphi", "cheetah", "cryptflow2", "snl_table"):
        for priced in frontier.price_study("cifar10_lab", home=REFERENCE, protocol=protocol, link="wan"):
            assert priced.price is not None
            assert priced.price.online_s > 0
            assert sum(layer.relus for layer in priced.price.layers) == priced.found.point.relu_count


# plans


def sized(*sizes: int) -> Profile:
    sites = (SiteProfile(path=f"s{i}", shape=(size,), relus=size, kept=size) for i, size in enumerate(sizes))
    return Profile(sites=tuple(sites), linear=())


@pytest.mark.parametrize("relus", [0, 1, 2, 3, 50, 699, 700])
def test_a_plan_spreads_exactly_so_many_in_proportion(relus: int) -> None:
    sizes = (400, 200, 99, 1)
    kept = [site.kept for site in plan(sized(*sizes), relus).sites]
    assert sum(kept) == relus
    assert all(abs(count - size * relus / 700) <= 1 for count, size in zip(kept, sizes, strict=True))


def test_a_plan_packs_from_the_last_layer_backwards() -> None:
    assert [site.kept for site in plan(sized(400, 200, 50, 50), 110, 3).sites] == [0, 10, 50, 50]
    assert [site.kept for site in plan(sized(400, 200, 50, 50), 110, 4).sites] == [0, 10, 50, 50]
    assert [site.kept for site in plan(sized(400, 200, 50, 50), 30, 1).sites] == [0, 0, 0, 30]
    assert [site.kept for site in plan(sized(400, 200), 600, 2).sites] == [400, 200]


@pytest.mark.parametrize(
    ("relus", "last", "says"),
    [
        (701, None, "expected: 0 to 700"),
        (-1, None, "expected: 0 to 700"),
        (101, 2, "expected: at most 100"),
        (10, 0, "expected: 1 to 4"),
        (10, 5, "expected: 1 to 4"),
    ],
)
def test_a_plan_that_does_not_fit_says_what_would(relus: int, last: int | None, says: str) -> None:
    with pytest.raises(InputError, match=says):
        plan(sized(400, 200, 50, 50), relus, last)


def test_a_plan_of_a_resnet18_has_the_counts_of_its_layers() -> None:
    spread = frontier.price_plan("resnet18", 49_900, link="wan")
    packed = frontier.price_plan("resnet18", 49_900, last_layers=6, link="wan")
    assert (spread.rounds, packed.rounds) == (9 * 17, 9 * 6)
    assert spread.online_bytes == packed.online_bytes == 464 * 49_900
    assert spread.online_s / packed.online_s > 2
    assert [layer.relus for layer in packed.layers[11:]] == [748, 16_384, 8192, 8192, 8192, 8192]
    full = frontier.price_plan("resnet18", 557_056, protocol="delphi", link="0,1000000")
    assert full.online_s == pytest.approx(14.11, rel=0.05)


# the command line


def test_the_json_of_a_plan_is_the_price(tmp_path: Path) -> None:
    words = ("--backbone", "tinynet", "--image", "1x8x8", "--relus", 100, "--classes", 7, "--link", "wan", "--json")
    found = json.loads(invoke(*words))
    assert list(found) == KEYS
    assert [list(layer) for layer in found["layers"]] == [LAYER_KEYS] * len(found["layers"])
    assert sum(layer["relus"] for layer in found["layers"]) == 100
    assert found["online_bytes"] == found["sent_bytes"] + found["received_bytes"] == 46_400
    assert found["offline_s"] is None


def test_what_must_be_known_of_a_price_is_on_stderr_beside_json(bundle: Path) -> None:
    done = CliRunner().invoke(app, ["price", "--bundle", str(bundle), "--protocol", "snl_table", "--json"])
    assert json.loads(done.stdout)["online_bytes"] is None
    assert done.stderr == "note: snl_table ignores the link: the table names none\n"


def test_tables_for_people_show_what_is_unknown_as_a_dash(home: Path, bundle: Path) -> None:
    shown = invoke("--bundle", bundle, "--protocol", "cryptflow2", "--link", "lan")
    assert "cryptflow2, link of 0.3 ms and 3000 Mbit/s" in shown
    assert [line.split() for line in shown.splitlines() if line.startswith("all ")] == [
        ["all", "60", "0", "-", "0.067", "-"]
    ]
    assert "client sends - MB, receives - MB; offline seconds -" in shown
    assert "note: seconds unknown" in shown
    rows = invoke("--study", "made", "--home", home, "--protocol", "delphi")
    assert "no price for 1: delphi has no price for squares" in rows
    assert "0.1" in rows


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "exactly one of --study, --bundle, --backbone"),
        (("--study", "made", "--bundle", "b"), "got: --study and --bundle"),
        (("--backbone", "tinynet"), "say how many are kept: --relus N"),
        (("--study", "made", "--relus", "5"), "--relus without --backbone"),
        (("--bundle", "b", "--trial", "5"), "--trial without --study"),
        (("--bundle", "b"), "not a bundle"),
        (("--study", "made", "--trial", "9"), "has no point 9"),
        (("--study", "made", "--protocol", "delfi"), "Did you mean 'delphi'"),
        (("--study", "made", "--link", "40ms"), "expected: lan, wan, or RTT_MS,MBIT_S"),
        (("--backbone", "resnet18", "--relus", "12900", "--last-layers", "1"), "expected: at most 8192"),
        (("--backbone", "resnet18", "--relus", "557057"), "expected: 0 to 557056"),
    ],
)
def test_what_cannot_be_priced_says_what_could(home: Path, words: tuple[str, ...], says: str) -> None:
    where = ("--home", str(home)) if "--study" in words else ()
    done = CliRunner().invoke(app, ["price", *words, *where])
    assert isinstance(done.exception, InputError)
    assert done.exception.exit_code == 2
    assert says in str(done.exception)
    assert done.stdout == ""
