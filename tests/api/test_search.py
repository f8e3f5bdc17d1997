"""A search from a space file to a study that can be read, resumed, exported and cleaned."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

import frontier
from frontier.api.study import overview
from frontier.errors import BlockedError, InputError, Interrupted, TooManyFailures, VerificationError
from frontier.spaces.goals import FOUR
from frontier.trial.manifest import read_manifest

STATES = ("complete", "pruned", "failed", "unfinished", "unreadable")


def test_a_search_ends_with_its_trials_complete_and_a_front(study: frontier.StudyView) -> None:
    assert (study.name, study.counts()) == ("machinery", dict.fromkeys(STATES, 0) | {"complete": 4})
    points = study.points()
    assert [p.address for p in study.front()] == [
        points[i].address for i in FOUR.front([FOUR.values(point.point) for point in points])
    ]
    assert [study.trial(n).spec.relu_budget for n in (0, 1)] == [192, 0]  # the anchors
    assert 0 < study.hypervolume() < 1
    assert {study.trial(n).spec.space_hash for n in range(4)} == {study.manifest.space_hash}


def test_the_summary_is_what_other_programs_rely_on(study: frontier.StudyView) -> None:
    summary = json.loads(json.dumps(study.summary(), allow_nan=False))
    assert summary["study"] == "machinery"
    assert summary["trials"]["complete"] == 4
    for point in summary["front"]:
        assert {"trial", "point", "method", "relu_budget", "relu_count", "clean", "corrupted", "adversarial"} <= set(
            point
        )
        record = study.trial(point["trial"])
        assert point["clean"] == record.points[0].validation.clean.value
        assert point["test"]["clean"] == record.points[0].test.clean.model_dump()
        assert set(point["test"]["adversarial"]) == {"value", "n", "low", "high"}


def test_a_search_goes_on_to_a_larger_total(study: frontier.StudyView, space: Path) -> None:
    before = {n: study.trial(n) for n in range(4)}
    again = frontier.search(space, home=study.home, backend="inline", resume=True, trials=6)
    assert again.counts()["complete"] == 6
    assert {n: again.trial(n) for n in range(4)} == before
    assert frontier.search(space, home=study.home, backend="inline", resume=True, trials=6).counts()["complete"] == 6


def test_weights_stay_on_the_front_only_and_masks_always(study: frontier.StudyView) -> None:
    on_front = {point.trial for point in study.front()}
    for trial in range(4):
        folder = study.files.trial_folder(trial)
        assert (folder / "mask.safetensors").is_file()
        assert (folder / "weights.safetensors").is_file() == (trial in on_front)


@pytest.mark.parametrize(("keep", "kept"), [("all", 2), ("none", 0)])
def test_keep_says_whose_weights_stay(space: Path, tmp_path: Path, keep: str, kept: int) -> None:
    view = frontier.search(space, home=tmp_path, backend="inline", trials=2, keep=keep)  # type: ignore[arg-type]
    assert len(list(view.files.folder.glob("trials/*/weights.safetensors"))) == kept


def test_an_export_loads_back_to_the_same_logits(study: frontier.StudyView, tmp_path: Path) -> None:
    point = study.front()[0]
    out = study.export(point.trial, tmp_path / "bundle")
    assert {path.name for path in out.iterdir()} == {"mask.safetensors", "weights.safetensors", "manifest.json"}
    model = frontier.load_bundle(out)
    again = frontier.load_bundle(shutil.copytree(out, tmp_path / "copy"))
    pixels = torch.rand(5, 1, 8, 8)
    with torch.inference_mode():
        assert torch.equal(model(pixels), again(pixels))
    manifest = json.loads((out / "manifest.json").read_text())
    assert (manifest["trial"], manifest["relu_count"]) == (point.trial, point.point.relu_count)


def test_a_network_that_overflows_on_noise_can_be_exported(study: frontier.StudyView, tmp_path: Path) -> None:
    trial = study.front()[0].trial
    path = study.files.trial_folder(trial) / "weights.safetensors"
    save_file(
        {name: value * 1e38 if name.endswith("weight") else value for name, value in load_file(path).items()}, path
    )
    model = frontier.load_bundle(study.export(trial, tmp_path / "bundle"))
    with torch.inference_mode():
        assert model(torch.rand(5, 1, 8, 8)).isnan().any()


def test_an_export_refuses_what_it_cannot_write(study: frontier.StudyView, tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").touch()
    best = study.front()[0].trial
    with pytest.raises(InputError, match="not empty"):
        study.export(best, tmp_path / "full")
    with pytest.raises(InputError, match="has no record"):
        study.export(99, tmp_path / "out")
    with pytest.raises(InputError, match="has no point 3"):
        study.export(f"{best}.3", tmp_path / "out")
    with pytest.raises(InputError, match="not a trial"):
        study.export("best", tmp_path / "out")
    study.files.trial_folder(best).joinpath("weights.safetensors").unlink()
    with pytest.raises(InputError, match="were not kept"):
        study.export(best, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_network_whose_weights_are_gone_is_trained_again_and_exported(
    study: frontier.StudyView, tmp_path: Path
) -> None:
    """What the message says does what it says."""
    from frontier.api.study import export_trial
    from frontier.trial.single import run_file

    folder = study.files.trial_folder(0)
    again = run_file(
        folder / "record.json", tmp_path / "again", home=study.home, data=None, download=False, device="cpu", threads=1
    )
    bundle = export_trial(again.parent, tmp_path / "bundle")
    assert frontier.load_bundle(bundle)
    assert read_manifest(bundle).mask_hash == study.trial(0).points[0].mask.hash
    with pytest.raises(InputError, match="cannot read the record"):
        export_trial(tmp_path, tmp_path / "other")


def test_a_bundle_that_was_changed_is_refused(study: frontier.StudyView, tmp_path: Path) -> None:
    out = study.export(study.front()[0].trial, tmp_path / "bundle")
    weights = bytearray((out / "weights.safetensors").read_bytes())
    weights[-1] ^= 1
    (out / "weights.safetensors").write_bytes(weights)
    with pytest.raises(VerificationError, match="not the files"):
        frontier.load_bundle(out)


@pytest.mark.parametrize(("key", "value"), [("sha256", {}), ("relu_count", 1), ("mask_hash", "0")])
def test_a_manifest_that_was_changed_is_refused(
    study: frontier.StudyView, tmp_path: Path, key: str, value: object
) -> None:
    out = study.export(study.front()[-1].trial, tmp_path / "bundle")
    manifest = json.loads((out / "manifest.json").read_text())
    (out / "manifest.json").write_text(json.dumps(manifest | {key: value}))
    with pytest.raises(VerificationError, match="not the"):
        frontier.load_bundle(out)


def test_a_bundle_without_its_mask_is_refused(study: frontier.StudyView, tmp_path: Path) -> None:
    out = study.export(study.front()[0].trial, tmp_path / "bundle")
    (out / "mask.safetensors").unlink()
    with pytest.raises(InputError, match="cannot read the file"):
        frontier.load_bundle(out)


def test_to_pandas_has_a_row_a_point(study: frontier.StudyView) -> None:
    table = study.to_pandas()
    assert len(table) == 4
    assert {"address", "relu_count", "clean", "test_clean", "penalty", "on_front"} <= set(table.columns)
    assert table["on_front"].sum() == len(study.front())


@pytest.mark.usefixtures("misbehaving")
def test_methods_that_lie_crash_or_diverge_never_reach_the_front(space: Path, tmp_path: Path) -> None:
    bad = ("liar", "overshooter", "boaster", "shirker", "crasher", "diverger", "blower")
    text = space.read_text().replace("methods:\n", "methods:\n" + "".join(f"  {name}: {{}}\n" for name in bad))
    space.write_text(text.replace("anchors: [100%, 0]\n", "").replace("{log: [0, 100%]}", "{int: [1, 100]}"))
    view = frontier.search(space, home=tmp_path / "home", backend="inline", trials=16)
    counts = view.counts()
    assert counts["complete"] + counts["failed"] == 16
    assert counts["failed"] > 0
    assert {point.record.spec.method for point in view.front()} <= {"snl"}
    reasons = {view.trial(n).reason for n in range(16) if view.trial(n).state == "failed"}
    assert all(reasons)


@pytest.mark.usefixtures("misbehaving")
def test_a_study_whose_trials_keep_failing_stops_and_keeps_its_records(space: Path, tmp_path: Path) -> None:
    space.write_text(space.read_text().replace("  snl: {", "  crasher: {}\n#  snl: {"))
    with pytest.raises(TooManyFailures, match="failed in a row"):
        frontier.search(space, home=tmp_path / "home", backend="inline", trials=40)
    assert frontier.open_study("machinery", tmp_path / "home").counts()["failed"] == 10


def test_cancelling_stops_the_search_and_resume_goes_on(space: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"

    def cancel_after_two(event: object) -> None:
        if getattr(event, "event", "") == "finished" and getattr(event, "trial", 0) == 1:
            frontier.open_study("machinery", home).cancel()

    with pytest.raises(Interrupted, match="--resume"):
        frontier.search(space, home=home, backend="inline", on_event=cancel_after_two)
    assert frontier.open_study("machinery", home).counts()["complete"] == 2
    assert frontier.search(space, home=home, backend="inline", resume=True).counts()["complete"] == 4


def test_bad_input_is_refused_before_anything_is_written(
    space: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FRONTIER_DATA", raising=False)
    home = tmp_path / "home"
    cifar = tmp_path / "cifar.yaml"
    cifar.write_text(
        space.read_text().replace("name: digits", "name: cifar10").replace("name: tinynet", "name: resnet9")
    )
    refused = (
        ({"trials": 0}, InputError, "no trials"),
        ({"keep": "some"}, InputError, "unknown choice"),
        ({"seed": -1}, InputError, "not a seed"),
        ({"home": space}, InputError, "not a folder"),
        ({"backend": "dask"}, InputError, "unknown backend"),
        ({"sampler": "tpee"}, InputError, "Did you mean 'tpe'"),
        ({"device": "tpu"}, InputError, "unknown device"),
        ({"concurrency": 0}, InputError, "no worker"),
        ({"deadline_h": 0.0}, InputError, "--deadline: not a deadline"),
        ({"trial_deadline_min": float("nan")}, InputError, "--trial-deadline: not a deadline"),
        ({"grace_s": -1.0}, InputError, "not a grace period"),
        ({"name": "a/b"}, InputError, "not a study name"),
        ({"resume": True}, InputError, "no study 'machinery'"),
        ({"backend": "replay"}, InputError, "nothing to replay"),
    )
    for options, error, says in refused:
        with pytest.raises(error, match=says):
            frontier.search(space, **{"home": home, "backend": "inline", **options})  # type: ignore[arg-type]
    with pytest.raises(InputError, match="FRONTIER_DATA"):
        frontier.search(cifar, home=home, backend="inline", data=tmp_path)
    assert not home.exists()


@pytest.mark.parametrize("how", ["space", "option"])
def test_a_trial_that_takes_longer_than_its_deadline_fails_and_the_option_beats_the_space(
    space: Path, tmp_path: Path, how: str
) -> None:
    minutes = 1e-9 if how == "space" else 100
    space.write_text(space.read_text() + f"resources: {{deadline_min: {minutes}}}\n")
    options = {} if how == "space" else {"trial_deadline_min": 1e-9}
    with pytest.raises(TooManyFailures):
        frontier.search(space, home=tmp_path, backend="inline", trials=2, **options)  # type: ignore[arg-type]
    view = frontier.open_study("machinery", tmp_path)
    assert {view.trial(n).reason for n in range(2)} == {"the deadline of 6e-08 s has passed"}


def test_a_search_past_its_deadline_is_interrupted_and_goes_on(space: Path, tmp_path: Path) -> None:
    with pytest.raises(Interrupted, match=r"the deadline of 1e-09 h has passed; .* --resume"):
        frontier.search(space, home=tmp_path, backend="inline", deadline_h=1e-9, grace_s=0.0)
    assert frontier.search(space, home=tmp_path, backend="inline", resume=True).counts()["complete"] == 4


def test_a_study_keeps_its_question_seed_and_sampler(study: frontier.StudyView, space: Path) -> None:
    again = {"home": study.home, "backend": "inline"}
    with pytest.raises(InputError, match="exists already"):
        frontier.search(space, **again)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="made with another value"):
        frontier.search(space, resume=True, seed=5, **again)  # type: ignore[arg-type]
    space.write_text(space.read_text().replace("max_epochs: 4", "max_epochs: 5"))
    with pytest.raises(InputError, match="made for another question"):
        frontier.search(space, resume=True, **again)  # type: ignore[arg-type]


def test_resources_that_the_machine_does_not_have_are_an_error_at_once(space: Path, tmp_path: Path) -> None:
    space.write_text(space.read_text() + "resources: {cpu: 1000}\n")
    with pytest.raises(BlockedError, match="1000 CPU"):
        frontier.search(space, home=tmp_path / "home", backend="ray")
    assert not (tmp_path / "home").exists()


def test_memory_of_a_gpu_takes_the_place_of_a_share(space: Path, tmp_path: Path) -> None:
    space.write_text(space.read_text() + "resources: {gpu: 0.5}\n")
    with pytest.raises(BlockedError, match="a trial asks for 1e\\+06 GiB of a GPU's memory"):
        frontier.search(space, home=tmp_path / "home", gpu_gib=1e6)
    for amount in (0.0, float("nan")):
        with pytest.raises(InputError, match="--gpu-gib: not an amount"):
            frontier.search(space, home=tmp_path / "home", gpu_gib=amount)
    with pytest.raises(InputError, match="expected: one of gpu and gpu_gib"):
        frontier.search(space, home=tmp_path / "home", gpu=0.5, gpu_gib=1.0)
    assert not (tmp_path / "home").exists()


def test_one_gpu_and_a_half_is_refused_wherever_it_is_asked_for(space: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--gpu: not a share"):
        frontier.search(space, home=tmp_path / "home", gpu=1.5)
    text = space.read_text()
    space.write_text(text + "resources: {gpu: 1.5}\n")
    with pytest.raises(InputError, match=r"'resources'\n  expected: a gpu of 0 to 1, or a whole number"):
        frontier.search(space, home=tmp_path / "home")
    space.write_text(text + "resources: {gpu: 0.5, gpu_gib: 3}\n")
    with pytest.raises(InputError, match=r"'resources'\n  expected: one of gpu \(a share\) and gpu_gib"):
        frontier.search(space, home=tmp_path / "home")
    assert not (tmp_path / "home").exists()


def test_resume_keeps_total_and_weights_as_the_study_was_made(space: Path, tmp_path: Path) -> None:
    view = frontier.search(space, home=tmp_path, backend="inline", trials=2, keep="all")
    again = frontier.search(space, home=str(tmp_path), backend="inline", resume=True)
    assert again.counts()["complete"] == 2
    assert frontier.search(space, home=tmp_path, backend="inline", resume=True, trials=3).counts()["complete"] == 3
    assert len(list(view.files.folder.glob("trials/*/weights.safetensors"))) == 3
    with pytest.raises(InputError, match="made with another value"):
        frontier.search(space, home=tmp_path, backend="inline", resume=True, keep="none")


def test_paths_may_be_text(study: frontier.StudyView, tmp_path: Path) -> None:
    out = study.export(study.front()[0].trial, str(tmp_path / "bundle"))
    assert frontier.load_bundle(str(out)).training is False
    assert study.report(str(tmp_path / "x.html")).is_file()


def test_a_study_whose_manifest_is_broken_is_listed_as_such(study: frontier.StudyView) -> None:
    (study.files.folder / "study.json").write_text("{")
    (entry,) = map(overview, frontier.list_studies(study.home))
    assert "not a study manifest" in entry["problem"]


def test_recorded_results_replay_without_training(study: frontier.StudyView, space: Path, tmp_path: Path) -> None:
    recorded = [study.trial(n) for n in range(4)]
    view = frontier.search(space, home=tmp_path / "replay", backend="replay", recorded=recorded, trials=60)
    assert view.counts()["complete"] == 60
    assert not (tmp_path / "replay" / "teachers").exists()


@pytest.mark.slow
def test_ray_and_inline_give_the_same_records(study: frontier.StudyView, space: Path, tmp_path: Path) -> None:
    by_ray = frontier.search(space, home=tmp_path / "ray", backend="ray", concurrency=2)
    assert by_ray.counts()["complete"] == 4
    for trial in range(4):
        assert by_ray.trial(trial).comparable() == study.trial(trial).comparable()
