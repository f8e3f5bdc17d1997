"""The command line: exit codes, messages without tracebacks, JSON on stdout, and a quick start."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest

from frontier import registry
from frontier.__main__ import main

Done = subprocess.CompletedProcess[str]
Run = Callable[..., Done]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """The command, run in this process."""
    monkeypatch.chdir(tmp_path)

    def call(*words: object) -> Done:
        monkeypatch.setattr(sys, "argv", ["frontier", *map(str, words)])
        code, interrupt = 0, signal.getsignal(signal.SIGINT)
        try:
            main()
        except SystemExit as ended:
            code = int(ended.code or 0)
        finally:
            signal.signal(signal.SIGINT, interrupt)
        return Done(sys.argv, code, *capfd.readouterr())

    return call


def apart(folder: Path, *words: object) -> Done:
    """The command in a process of its own."""
    command = [sys.executable, "-m", "frontier", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)


def test_help_and_import_bring_no_framework() -> None:
    code = (
        "import sys, frontier; from frontier.cli._app import app\n"
        "heavy = {'torch', 'ray', 'optuna', 'pandas', 'plotly', 'sklearn', 'numpy'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("verb", registry.names("verb"))
def test_every_verb_explains_itself_and_takes_home(run: Run, verb: str) -> None:
    shown = run(verb, "--help")
    assert shown.returncode == 0
    assert "Usage:" in shown.stdout
    assert "--home" in shown.stdout


def test_relus_prints_the_counts_of_both_conventions(run: Run) -> None:
    done = run("relus", "resnet18", "--image", "3x32x32", "--json")
    found = json.loads(done.stdout)
    assert (found["network"], found["image"], found["full"], found["inner"]) == (
        "resnet18",
        [3, 32, 32],
        557056,
        491520,
    )
    assert found["sites"][0] == {"path": "relu", "shape": [64, 32, 32], "relus": 65536, "inner": False}
    assert sum(site["relus"] for site in found["sites"]) == 557056


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["relus", "wrn16_9"], "Did you mean 'wrn16_8'"),
        (["relus", "resnet18", "--image", "32"], "expected: CxHxW"),
        (["check", "digit"], "Did you mean 'digits'"),
        (["show", "nothing"], "no study 'nothing'"),
        (["report", "nothing"], "no study 'nothing'"),
        (["price"], "exactly one of --study, --bundle, --backbone"),
        (["price", "--study", "nothing"], "no study 'nothing'"),
        (["search", "digits", "--trials", "0"], "no trials"),
        (["search", "digits", "--trials", "many"], "Invalid value for '--trials'"),
        (["search", "digits", "--progress", "loud"], "unknown choice"),
        (["trial", "absent.json"], "cannot read the spec"),
    ],
)
def test_bad_input_exits_with_2_and_no_traceback(run: Run, tmp_path: Path, words: list[str], says: str) -> None:
    done = run(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_bad_input_ends_the_process_in_the_same_way(tmp_path: Path) -> None:
    done = apart(tmp_path, "show", "nothing")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: ")
    assert "Traceback" not in done.stderr


def test_a_search_tells_its_events_and_a_dry_run_trains_nothing(run: Run, space: Path, tmp_path: Path) -> None:
    words = ("search", space, "--home", "home", "--backend", "inline", "--trials", 2)
    dry = run(*words, "--dry-run")
    assert dry.returncode == 0, dry.stderr
    assert "budgets" in dry.stdout
    assert "disk:" in dry.stdout
    assert not list((tmp_path / "home").rglob("record.json"))
    done = run(*words, "--json", "--progress", "none")
    assert done.returncode == 0, done.stderr
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert [events[0]["event"], events[-1]["event"]] == ["started", "done"]
    assert events[-1]["front"]
    described = json.loads(run("schema", "event").stdout)
    for event in events:
        jsonschema.validate(event, described)


def test_a_search_from_start_to_export(run: Run, space: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    done = apart(tmp_path, "search", space, "--home", home, "--backend", "inline", "--trials", 3)
    assert done.returncode == 0, done.stderr
    assert "3 complete" in done.stdout
    assert "machinery" in done.stderr  # progress goes to stderr
    assert (tmp_path / "reports/rendered/machinery.html").stat().st_size < 5_000_000
    assert (home / "studies/machinery/trials/2/record.json").is_file()

    shown = json.loads(run("show", "machinery", "--home", home, "--json").stdout)
    assert shown["trials"]["complete"] == 3
    best = shown["front"][0]["trial"]
    assert run("export", "machinery", "--home", home, "--trial", best, "--out", tmp_path / "out").returncode == 0
    assert json.loads((tmp_path / "out/manifest.json").read_text())["trial"] == best

    listed = json.loads(run("list", "--home", home, "--json").stdout)
    assert [entry["study"] for entry in listed] == ["machinery"]
    assert run("gc", "machinery", "--home", home).stdout.endswith("freed\n")
    assert run("gc", "--trajectories", "--home", home).stdout == "0 files, 0.0 MB freed\n"
    assert "--trajectories" in run("gc", "--home", home).stderr

    again = run("search", space, "--home", home, "--backend", "inline", "--trials", 3)
    assert again.returncode == 2
    assert "--resume" in again.stderr


def test_check_says_what_would_run_and_cost_and_writes_nothing(run: Run, space: Path, tmp_path: Path) -> None:
    found = json.loads(run("check", space, "--json").stdout)
    assert found["relus"] == 192
    assert set(found["methods"]["snl"]) == {"relu_budget", "snl.penalty", "finetune.lr"}
    passes = found["cost"]["passes"]
    assert (passes["teacher"], passes["search"], passes["finetune"]) == (3 * 2 * 200, 4 * 4 * 200, 4 * 2 * 200)
    assert [path.name for path in tmp_path.iterdir()] == ["machinery.yaml"]
    assert "machinery" in run("check", space).stdout
