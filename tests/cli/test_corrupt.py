"""`frontier corrupt`: one command makes a set, shows how far it is, and says what it made."""

import io
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from typer.testing import CliRunner

from frontier.api.corrupt import corrupt, named
from frontier.cli._app import app
from frontier.cli.corrupt import PlainLines, follow
from frontier.corruptions import _make
from frontier.corruptions._apply import group
from frontier.errors import BlockedError, InputError
from frontier.results.record import CorruptionSet
from frontier.trial.preparing import Making
from frontier.trial.source import Source


def test_a_set_is_made_in_one_command_and_told(tmp_path: Path) -> None:
    words = ["corrupt", "digits", "--corruptions", "contrast,pixelate", "--home", str(tmp_path), "--workers", "1"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    (folder,) = (tmp_path / "corruptions").iterdir()
    assert f"folder  {folder}" in done.stdout
    assert "label   common corruptions on digits, scaled rules (not CIFAR-C)" in done.stdout
    assert "size    0.2 MB: 2 corruptions x 5 severities x 360 images (2 corruptions made now)" in done.stdout
    assert "3,600/3,600 images (100%), pixelate" in done.stderr
    assert np.load(folder / "contrast.npy").shape == (5 * 360, 8, 8, 1)

    again = CliRunner().invoke(app, [*words, "--json"])
    found = json.loads(again.stdout)
    assert (found["made"], found["corruptions"], found["images"]) == ([], ["contrast", "pixelate"], 360)
    used = Source("digits", None, home=tmp_path).corruption_set("test", ["contrast", "pixelate"])
    assert used == CorruptionSet(label=found["label"], hash=found["hash"])


def test_several_processes_make_what_one_makes(tmp_path: Path) -> None:
    heard: list[Making] = []
    many = corrupt("digits", corruptions="noise", home=tmp_path / "a", workers=2, on_progress=heard.append)
    one = corrupt("digits", corruptions="noise", home=tmp_path / "b", workers=1)
    assert many["hash"] == one["hash"]
    assert many["made"] == ["gaussian_noise", "impulse_noise", "shot_noise"]
    assert [making.done for making in heard] == sorted(making.done for making in heard)
    assert (heard[-1].done, heard[-1].of) == (3 * 5 * 360, 3 * 5 * 360)
    assert {making.note for making in heard} == {""}


def test_stopped_in_the_middle_it_leaves_whole_corruptions_and_goes_on(tmp_path: Path) -> None:
    def stop(making: Making) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        corrupt("digits", corruptions="noise,contrast", home=tmp_path, workers=2, on_progress=stop)
    (folder,) = (tmp_path / "corruptions").iterdir()
    assert list(folder.glob(".*.tmp")) == []
    whole = {path.stem for path in folder.glob("*.npy")} - {"labels"}
    assert whole == {path.stem for path in folder.glob("*.json")}
    assert len(whole) < 4
    again = corrupt("digits", corruptions="noise,contrast", home=tmp_path, workers=1)
    assert set(again["made"]) == {"gaussian_noise", "impulse_noise", "shot_noise", "contrast"} - whole


def test_words_are_names_groups_or_all() -> None:
    assert named("common") == list(group("common"))
    assert named("fog, noise,fog") == ["fog", *group("noise")]
    assert set(named("all")) >= {*group("common"), *group("held_out"), "posterize"}


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"name": "digit"}, "unknown data 'digit'"),
        ({"split": "tset"}, "expected: test, validation, train"),
        ({"corruptions": "comon"}, "Did you mean 'common'"),
        ({"corruptions": "official"}, "unknown corruption 'official'"),
        ({"corruptions": " ,"}, "no corruption"),
        ({"workers": 0}, "no worker"),
        ({"name": "image_folder"}, "missing option"),
    ],
)
def test_bad_input_is_refused_before_anything_is_written(tmp_path: Path, options: dict[str, object], says: str) -> None:
    with pytest.raises(InputError, match=says):
        corrupt(**({"name": "digits", "home": tmp_path} | options))
    assert list(tmp_path.iterdir()) == []


def test_unknown_progress_is_refused(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["corrupt", "digits", "--progress", "loud", "--home", str(tmp_path)])
    assert isinstance(done.exception, InputError)
    assert list(tmp_path.iterdir()) == []


def test_a_disk_too_small_for_all_is_told_before_anything_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = 5 * 360 * 64  # bytes of one corruption
    monkeypatch.setattr("shutil.disk_usage", lambda folder: SimpleNamespace(free=_make.SPARE_BYTES + 2 * one))
    with pytest.raises(BlockedError, match="too little room"):
        corrupt("digits", corruptions="noise", home=tmp_path / "home")
    assert list(tmp_path.iterdir()) == []


def test_plain_lines_come_every_twentieth_and_with_every_note() -> None:
    stream = io.StringIO()
    lines = PlainLines(stream)
    for done in range(0, 1001, 10):
        lines.tell(Making(done, 1000, "fog", "damaged" if done == 10 else ""))
    said = stream.getvalue().splitlines()
    assert said[:2] == ["damaged", "50/1,000 images (5%), fog"]
    assert said[-1] == "1,000/1,000 images (100%), fog"
    assert len(said) == 21


def test_a_bar_shows_the_share_on_a_terminal() -> None:
    stream = io.StringIO()
    with follow("rich", stream) as shown:
        shown(Making(500, 1000, "fog", "fog.npy: damaged"))
    assert "fog" in stream.getvalue()
    assert "50%" in stream.getvalue()
    assert "fog.npy: damaged" in stream.getvalue()
