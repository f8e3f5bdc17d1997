"""Published figures: every file whole, all that is known entered, each with its class and its source."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from frontier import shelves
from frontier.errors import InputError
from frontier.results.published import SHELF, SUFFIX, Figure, Published, published, read_published

FOLDER = Path(__file__).parents[2] / "results" / "published"
FILES = sorted(FOLDER.glob("*.json"))
ALL = [read_published(path) for path in FILES]
FIGURES = [figure for file in ALL for figure in file.figures]
CLAIMS = [claim for file in ALL for claim in file.claims]
BASELINES = [baseline for file in ALL for baseline in file.baselines]

FIGURES_BY_SOURCE = {
    "autorep-abstract": 4,
    "autorep-history": 24,
    "autorep-older": 9,
    "autorep-quoted": 10,
    "autorep-repository": 4,
    "bcd-precursor": 7,
    "cryptonas-figure": 10,
    "deepreduce-figure": 25,
    "deepreduce-quoted": 2,
    "delphi-figure": 3,
    "l1-figure": 5,
    "lfpc-figure": 2,
    "relupruner": 20,
    "safenet-figure": 1,
    "seesaw-repository": 8,
    "senet-quoted": 8,
    "snip-figure": 10,
    "snl-figure": 35,
    "snl-rerun": 7,
    "snl-rerun-logs": 10,
    "sphynx-figure": 12,
}
BASELINES_BY_SOURCE = {
    "autoattack-table": 7,
    "autorep-history": 3,
    "cryptonite-logs": 3,
    "relupruner": 2,
    "snl-rerun-logs": 1,
}
CLAIMS_BY_METHOD = {
    "aespa": 4,
    "autorep": 4,
    "cheetah": 2,
    "drep": 1,
    "hybrenet": 3,
    "rlnet": 4,
    "seesaw": 2,
    "senet": 3,
    "shallow_again": 2,
    "snl": 2,
    "sphynx": 1,
    "streamlinet": 2,
}

SOURCE = {"paper": "P", "venue": None, "where": "a table", "secondary": True}
FIGURE = {
    "method": "snl",
    "class": "identity",
    "network": "resnet18",
    "data": "cifar10",
    "sites": "inner",
    "relus": 9,
    "accuracy": 50,
    "source": "p",
}


def figure(**changes: object) -> Figure:
    return Figure.model_validate(FIGURE | changes)


def put(folder: Path, name: str, **changes: object) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    path.write_text(json.dumps({"sources": {"p": SOURCE}, "figures": [FIGURE]} | changes))
    return path


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_file_is_whole_and_of_one_data_set(path: Path) -> None:
    file = read_published(path)
    networks = (*file.figures, *file.baselines)
    used = {one.source for one in (*networks, *file.claims)}
    used |= {one.online.source for one in networks if one.online is not None}
    assert used == file.sources.keys()
    assert {one.data for one in networks} == ({path.stem} if networks else set())
    assert bool(file.claims) == (path.stem == "claims")
    places = [one.model_dump_json(exclude={"accuracy", "online"}) for one in file.figures if not one.note]
    assert len(places) == len(set(places))


def test_all_that_is_known_is_entered() -> None:
    assert Counter(one.source for one in FIGURES) == FIGURES_BY_SOURCE
    assert Counter(one.source for one in BASELINES) == BASELINES_BY_SOURCE
    assert Counter(claim.method for claim in CLAIMS) == CLAIMS_BY_METHOD
    assert {path.stem: len(file.figures) for path, file in zip(FILES, ALL, strict=True)} == {
        "cifar10": 77,
        "cifar100": 100,
        "claims": 0,
        "imagenet": 1,
        "tiny_imagenet": 38,
    }


def test_classes_are_those_of_the_methods() -> None:
    kinds = {kind: {one.method for one in FIGURES if one.kind == kind} for kind in ("quadratic", "new_architecture")}
    assert kinds["quadratic"] == {"autorep", "delphi", "safenet"}
    assert kinds["new_architecture"] == {"cryptonas", "sphynx", "seesaw", "l1_filter_pruning", "lfpc"}
    linear = {one.source for one in FIGURES if one.method == "autorep" and one.kind == "identity"}
    assert linear == {"autorep-repository", "autorep-history", "autorep-older"}


def test_second_hand_figures_are_marked_so() -> None:
    sources = {name: source for file in ALL for name, source in file.sources.items()}
    first_hand = {name for name, source in sources.items() if not source.secondary}
    quoted = {name for name in sources if name.endswith(("-quoted", "-rerun", "-rerun-logs"))}
    drawn = {name for name in sources if name.endswith("-figure")} - {"snl-figure"}
    assert sources.keys() - first_hand == quoted | drawn | {"sphynx-page", "autoattack-table"}
    assert published().cite("senet-quoted").endswith("(secondary)")
    assert "secondary" not in published().cite("snl-figure")


@pytest.mark.parametrize(
    ("method", "data", "relus", "accuracy", "network", "seconds"),
    [
        ("snl", "cifar100", 12_900, 66.53, "resnet18", 0.291),
        ("snl", "cifar100", 120_000, 76.35, None, 2.802),
        ("snl", "tiny_imagenet", 488_800, 64.42, None, 10.281),
        ("senet", "cifar10", 49_100, 93.6, None, 1.10),
        ("senet", "cifar100", 49_600, 75.28, "resnet18", 1.13),
        ("autorep", "cifar10", 12_900, 94.31, None, None),
        ("deepreduce", "cifar100", 229_400, 76.22, "resnet18", 4.61),
        ("sphynx", "tiny_imagenet", 614_400, 60.76, None, 12.5),
        ("cryptonas", "cifar10", 334_000, 94.0, None, 6.14),
        ("relupruner", "cifar100", 50_000, 77.9, "resnet18", None),
        ("seesaw", "cifar100", 36_864, None, None, None),
    ],
)
def test_figures_are_as_their_sources_say(
    method: str, data: str, relus: int, accuracy: float | None, network: str | None, seconds: float | None
) -> None:
    found = [one for one in FIGURES if (one.method, one.data, one.relus) == (method, data, relus)]
    (one,) = [one for one in found if one.accuracy == accuracy]
    assert one.network == network
    assert (one.online.seconds if one.online else None) == seconds


def test_no_figure_has_more_relus_than_its_network() -> None:
    whole = {("inner", "resnet18"): 491_520, ("full", "resnet18"): 557_056, ("inner", "wrn22_8"): 1_359_872}
    for one in FIGURES:
        if one.relus is not None and (most := whole.get((one.sites or "full", one.network or ""))):
            assert one.relus <= (4 * most if one.data == "tiny_imagenet" else most)


def test_what_papers_attacked_names_its_attack() -> None:
    broken = [one for one in BASELINES if one.note and "broken" in one.note]
    assert [[robust.accuracy for robust in one.robust] for one in broken] == [[71.22, 1.35], [68.7, 36.45]]
    assert all(robust.under for one in BASELINES for robust in one.robust)


def test_a_count_is_converted_where_its_outer_part_is_known() -> None:
    inner = figure(relus=900)
    assert (inner.relus_in("inner"), inner.relus_in("full")) == (900, 900)
    full = figure(sites="full", relus=900, outer=80)
    assert (full.relus_in("inner"), full.relus_in("full")) == (820, 900)
    assert figure(sites="full", relus=900).relus_in("inner") is None
    assert figure(sites=None).relus_in("full") is None
    assert figure(relus=None).relus_in("inner") is None


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"sources": {}}, "no source named p"),
        ({"figures": [FIGURE | {"accuracy": 0.66}]}, "accuracy"),
        ({"figures": [FIGURE | {"class": "poly"}]}, "class"),
        ({"figures": [FIGURE | {"outer": 3}]}, "'outer' is a part of a count"),
        ({"figures": [{key: value for key, value in FIGURE.items() if key != "network"}]}, "network: Field required"),
        ({"numbers": []}, "numbers: Extra inputs"),
        ({"version": 2}, "version"),
    ],
)
def test_what_is_no_such_file_is_refused_by_name(tmp_path: Path, changes: dict[str, object], says: str) -> None:
    path = put(tmp_path, "mine", **changes)
    with pytest.raises(InputError, match=says) as caught:
        read_published(path)
    assert caught.value.where == str(path)


def test_the_shelf_is_read_whole_with_what_lies_in_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    shipped = published()
    assert (len(shipped.figures), len(shipped.baselines), len(shipped.claims)) == (216, 16, 30)
    put(tmp_path / SHELF, "mine")
    assert len(published().figures) == 217
    assert shelves.find(SHELF, "mine", SUFFIX).parent == tmp_path / SHELF
    put(tmp_path / SHELF, "other", sources={"p": SOURCE | {"where": "elsewhere"}})
    with pytest.raises(InputError, match="'p' is another one"):
        published()


def test_a_file_written_from_what_was_read_reads_the_same(tmp_path: Path) -> None:
    whole = published()
    (tmp_path / "all.json").write_text(whole.model_dump_json(by_alias=True))
    assert read_published(tmp_path / "all.json") == whole
    assert Published.model_json_schema()["$defs"]["Figure"]["properties"]["class"]
