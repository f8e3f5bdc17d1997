"""The mask atlas: two masks pixel by pixel, on one scale, and what cannot be shown said."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from frontier import registry
from frontier.errors import MaskError
from frontier.masks.mask import Mask
from frontier.reports.blocks import blocks, shows
from frontier.reports.facts import facts_of
from frontier.reports.figures._masks import channels_of, maps_of
from frontier.reports.points import StudyPoint, points_of
from frontier.reports.spec import ReportSpec
from frontier.reports.studied import Side, Studied
from frontier.reports.theme import LIGHT
from frontier.results.record import Point, TrialRecord
from frontier.results.store import StudyManifest

MakePoint = Callable[..., Point]
MakeRecord = Callable[..., TrialRecord]
FIGURE = registry.load("figure", "mask_atlas")


@pytest.fixture
def two() -> tuple[Mask, Mask]:
    """Two channels of 1 x 2: the first mask keeps the left pixel of both, the second all of the first channel."""
    left, right = np.zeros((2, 1, 2), np.bool_), np.zeros((2, 1, 2), np.bool_)
    left[:, 0, 0] = True
    right[0] = True
    return Mask.of({"relu": left}), Mask.of({"relu": right})


def test_maps_are_shares_of_the_channels_and_the_overlap_adds_up(two: tuple[Mask, Mask]) -> None:
    maps = maps_of(*two, "relu")
    assert [m.tolist() for m in maps.maps] == [[[100, 0]], [[50, 50]], [[50, 0]], [[50, 0]], [[0, 50]]]
    assert maps.counts == (2, 2, 1, 1, 1)
    single = maps_of(*two, "relu", 1)
    assert [m.tolist() for m in single.maps] == [[[100, 0]], [[0, 0]], [[0, 0]], [[100, 0]], [[0, 0]]]
    assert single.positions == 2


def test_a_network_too_large_for_a_report_has_means_alone() -> None:
    assert channels_of([("relu", (64, 32, 32))]) == 3
    assert channels_of([("relu", (64, 200, 200))]) == 0


@pytest.fixture
def studied(make_point: MakePoint, make_record: MakeRecord, make_mask: Callable[[StudyPoint], Mask]) -> Studied:
    """Three points of the front with 100, 200 and 300 of 1,280 ReLUs."""
    values = [(100, 0.8, 0.6, 0.3), (200, 0.85, 0.65, 0.31), (300, 0.9, 0.7, 0.32)]
    return Studied(points_of([(i, make_record(make_point(*value))) for i, value in enumerate(values)]), mask=make_mask)


def test_the_pair_is_of_the_front_or_the_one_asked_for(studied: Studied) -> None:
    assert {(row.trial, row.other) for row in FIGURE.data(studied)} == {("0", "1")}
    assert {(row.trial, row.other) for row in FIGURE.data(replace(studied, pair=("2", "0")))} == {("0", "2")}


def test_a_guest_of_another_study_stands_beside_the_first_of_the_pair(
    studied: Studied, make_mask: Callable[[StudyPoint], Mask], two: tuple[Mask, Mask]
) -> None:
    own, guest = studied.points[2], Side("other:0", studied.points[0], make_mask)
    rows = FIGURE.data(replace(studied, pair=(own.address, "1"), guest=guest))
    assert {(row.trial, row.other) for row in rows} == {("other:0", "2")}
    assert {(row.relu_count, row.other_relu_count) for row in rows} == {(100, 300)}
    rows = FIGURE.data(replace(studied, pair=(own.address,), guest=replace(guest, load=lambda _: two[0])))
    assert {(row.trial, row.other, row.problem) for row in rows} == {
        ("2", "", ""),
        ("other:0", "", "its sites are not those of trial 2"),
    }
    assert FIGURE.alt(rows).endswith("Trial other:0 cannot be shown: its sites are not those of trial 2.")


def test_a_single_mask_stands_alone(studied: Studied) -> None:
    rows = FIGURE.data(replace(studied, pair=("2",)))
    assert {(row.trial, row.other, row.other_kept, row.kept_by_both) for row in rows} == {("2", "", 0, 0)}
    assert {len(row.maps) for row in rows} == {1}
    assert sum(row.kept for row in rows if row.channel == "all") == 300
    heads = [words["text"] for words in drawn(rows)["layout"]["annotations"] if words["text"].startswith("<b>")]
    assert heads == ["<b>trial 2<br>(300)</b>"]
    assert FIGURE.alt(rows).startswith("Heat maps of the 300 ReLUs that trial 2 keeps at")


def test_counts_are_those_of_the_records_and_overlaps_add_up(studied: Studied) -> None:
    rows = [row for row in FIGURE.data(studied) if row.channel == "all"]
    assert sum(row.kept for row in rows) == 100
    assert sum(row.other_kept for row in rows) == 200
    for row in rows:
        assert row.kept_by_both + row.kept_by_this_one_alone == row.kept
        assert row.kept_by_both + row.kept_by_the_other_alone == row.other_kept


def drawn(rows: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(FIGURE.draw(rows, LIGHT).to_json())
    return found


def test_all_maps_share_one_scale_and_the_menu_shows_one_view(studied: Studied) -> None:
    rows = FIGURE.data(studied)
    figure = drawn(rows)
    assert {trace["coloraxis"] for trace in figure["data"]} == {"coloraxis"}
    scale = figure["layout"]["coloraxis"]
    assert (scale["cmin"], scale["cmax"]) == (0, 100)
    sites = {row.site for row in rows}
    assert sum(trace["visible"] for trace in figure["data"]) == 5 * len(sites)
    buttons = figure["layout"]["updatemenus"][0]["buttons"]
    assert [button["label"] for button in buttons][:2] == ["mean over channels", "single channel 1"]
    shown = [button["args"][0]["visible"] for button in buttons]
    assert [sum(views) for views in zip(*shown, strict=True)] == [1] * len(figure["data"])


def test_a_mask_that_cannot_be_read_is_named_and_another_takes_its_place(studied: Studied) -> None:
    def torn(found: StudyPoint) -> Mask:
        if found.trial == 1:
            raise MaskError("not a mask file", where="trials/1/mask.safetensors")
        return studied.mask(found)

    rows = FIGURE.data(replace(studied, mask=torn))
    assert {(row.trial, row.other) for row in rows if not row.problem} == {("0", "2")}
    assert "Trial 1 cannot be shown: trials/1/mask.safetensors: not a mask file." in FIGURE.alt(rows)


def test_without_any_mask_the_report_says_why(studied: Studied, manifest: StudyManifest) -> None:
    bare = Studied(studied.points)
    assert not shows(FIGURE.data(bare))
    shown, empty = blocks(bare, facts_of(manifest, []), ReportSpec(figures=("mask_atlas",)))
    assert shown == []
    assert "no mask files are at hand" in empty[0].why


def test_pixels_stand_in_no_table(studied: Studied, manifest: StudyManifest) -> None:
    (block,), _ = blocks(studied, facts_of(manifest, []), ReportSpec(figures=("mask_atlas",)))
    assert "maps" not in block.header
    assert {"site", "kept by both", "channel"} <= set(block.header)
