"""Parts that live outside the package: they search, are refused clearly, and are named in the record."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
import torch

import frontier
from frontier import registry
from frontier.api.check import check
from frontier.errors import InputError
from frontier.results.spec import DataSpec, MeasureSpec, NetworkSpec, TrialSpec
from frontier.trial.parts import modules, plugins
from frontier.trial.run import run as run_trial
from frontier.trial.runtime import Runtime

PLUGINS = Path(__file__).parent / "plugins"
RELUS = 160  # of outside:build at width 2 on 1x8x8
SPACE = """
question: Do a network and a method from elsewhere search?
data: {name: stripes}
network: {name: "outside:build", options: {width: 2}}
teacher: {recipe: {epochs: 1, optimizer: adam, lr: 0.01, batch: 50}}
relu_budget: {log: [0, 100%]}
anchors: [100%, 0]
methods: {first_k: {distill_weight: {float: [0.5, 1.0]}}}
finetune: {epochs: 1, optimizer: adam, lr: 0.01, batch: 50}
measure: {corruptions: [posterize], severities: [3], attack: bim, attack_steps: 2, attack_images: 50}
search: {trials: 3, sampler: evolving}
"""

Run = Callable[..., subprocess.CompletedProcess[str]]


def write(folder: Path, **files: str) -> Path:
    """Files by path with `__` for `/`, such as `method__mine`."""
    for name, text in files.items():
        path = folder / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text))
    return folder


def checked(space: Path, folder: Path) -> dict[str, Any]:
    """What `frontier check SPACE --plugin FOLDER` finds."""
    registry.plug_in(folder)
    return check(space, home=space.parent / "home")


def hash_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


@pytest.fixture
def question(tmp_path: Path) -> Path:
    path = tmp_path / "elsewhere.yaml"
    path.write_text(SPACE)
    return path


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No plug-in folder is known, and none stays so afterwards."""
    monkeypatch.setenv(registry.FOLDERS, "")
    monkeypatch.setattr(sys, "path", list(sys.path))


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """A command in a process that knows no plug-ins but those it is told of."""

    def call(*words: object, module: str = "frontier", **environment: object) -> subprocess.CompletedProcess[str]:
        inherited = {key: value for key, value in os.environ.items() if key != registry.FOLDERS}
        return subprocess.run(
            [sys.executable, "-m", module, *map(str, words)],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            env=inherited | {key: str(value) for key, value in environment.items()},
        )

    return call


# searching


def test_a_network_and_a_method_from_outside_are_searched_reported_and_exported(question: Path, tmp_path: Path) -> None:
    study = frontier.search(question, home=tmp_path / "home", backend="rounds", concurrency=2, keep="all")
    assert study.manifest.relus == RELUS
    assert study.counts()["complete"] == 3
    record = study.trial(0)
    assert record.points[0].relu_count == RELUS
    assert record.origin.plugins == {
        "attack/bim": hash_of(PLUGINS / "attack/bim.py"),
        "backbone/outside:build": hash_of(PLUGINS / "outside.py"),
        "corruption/posterize": hash_of(PLUGINS / "corruption/posterize.py"),
        "data/stripes": hash_of(PLUGINS / "data/stripes.py"),
        "method/first_k": hash_of(PLUGINS / "method/first_k.py"),
    }
    page = study.report(tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Adversarial against clean accuracy" in page
    model = frontier.load_bundle(study.export(0, tmp_path / "bundle"))
    assert model(torch.zeros(2, 1, 8, 8)).shape == (2, 4)


@pytest.mark.slow
def test_the_command_line_and_ray_workers_take_a_folder(run: Run, question: Path, tmp_path: Path) -> None:
    home, plugin = ("--home", tmp_path / "home"), ("--plugin", PLUGINS)
    done = run("search", question, *home, *plugin, "--trials", 2, "--concurrency", 1, "--keep", "all")
    assert done.returncode == 0, done.stderr
    assert f"elsewhere --home {home[1]} --plugin {PLUGINS} --trial" in done.stdout
    exported = run("export", "elsewhere", *home, *plugin, "--trial", 0, "--out", "bundle")
    assert exported.returncode == 0, exported.stderr


@pytest.mark.parametrize("module", ["frontier", "frontier.trial"])
def test_one_trial_takes_a_folder(run: Run, spec: TrialSpec, tmp_path: Path, module: str) -> None:
    changes = {"data": {"name": "stripes"}, "network": {"name": "plainnet"}, "method": "first_k", "knobs": {}}
    measure = spec.measure.model_dump() | {"attack": "bim", "corruptions": ["posterize"]}
    (tmp_path / "spec.json").write_text(
        TrialSpec.model_validate(spec.model_dump() | changes | {"measure": measure}).model_dump_json()
    )
    words = ["trial"] * (module == "frontier") + ["spec.json", "--out", "trial"]
    refused = run(*words, module=module)
    assert (refused.returncode, "unknown data 'stripes'" in refused.stderr) == (2, True)
    done = run(*words, "--plugin", PLUGINS, module=module)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "trial/record.json").is_file()


@pytest.mark.usefixtures("alone")
def test_a_worker_that_inherits_nothing_is_told_the_folders(spec: TrialSpec, tmp_path: Path) -> None:
    asked = spec.model_copy(update={"method": "first_k", "knobs": {}})
    with pytest.raises(InputError, match="unknown method 'first_k'"):
        run_trial(asked, tmp_path / "trial", Runtime(home=tmp_path))
    record = run_trial(asked, tmp_path / "trial", Runtime(home=tmp_path, plugins=(PLUGINS,)))
    assert (record.state, list(record.origin.plugins)) == ("complete", ["method/first_k"])


def test_what_is_built_in_leaves_no_plug_in_in_a_record(spec: TrialSpec) -> None:
    assert plugins(spec) == {}
    named = spec.model_copy(update={"network": NetworkSpec(name="frontier.nn.backbones.tinynet:build")})
    assert plugins(named) == {}


@pytest.mark.usefixtures("alone")
def test_the_example_of_the_documentation_runs(tmp_path: Path) -> None:
    text = (PLUGINS.parents[1] / "docs/plugins.md").read_text(encoding="utf-8")
    for path, content in re.findall(r"^```(?:python|yaml)\n# (\S+)\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(content)
    assert list(checked(tmp_path / "mine.yaml", tmp_path / "mine")["methods"]) == ["last_first"]
    study = frontier.search(tmp_path / "mine.yaml", home=tmp_path, backend="inline", trials=1)
    assert set(study.trial(0).origin.plugins) == {"backbone/networks:small", "method/last_first"}


# finding


def test_members_of_a_folder_are_found_and_its_shared_parts_are_not(run: Run) -> None:
    known = [name for axis in registry.AXES for name in registry.names(axis)]
    assert {
        "first_k",
        "plainnet",
        "stripes",
        "posterize",
        "bim",
        "evolving",
        "rounds",
        "robust_vs_clean",
        "one_message",
        "opened",
    } <= set(known)
    assert "_block" not in known


def test_names_import_no_member() -> None:
    code = (
        "import sys; from frontier import registry\n"
        f"registry.plug_in({str(PLUGINS)!r})\n"
        "assert all(registry.names(axis) for axis in registry.AXES)\n"
        "heavy = {'torch', 'ray', 'optuna', 'plotly', 'numpy'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_values_of_a_plug_in_can_be_pickled() -> None:
    knobs = registry.load("method", "first_k").Knobs(distill_weight=0.5)
    assert pickle.loads(pickle.dumps(knobs)) == knobs  # noqa: S301 our own bytes
    assert registry.load("method", "first_k") is registry.load("method", "first_k")


@pytest.mark.usefixtures("alone")
def test_equal_files_of_two_folders_do_not_collide(tmp_path: Path) -> None:
    for letter in "ab":
        member = "from ._part import LETTER\ndef build(seed, trial): return LETTER"
        files = {f"sampler__{letter}": member, "sampler___part": f"LETTER = '{letter}'"}
        registry.plug_in(write(tmp_path / letter, **files))
    assert [registry.load("sampler", letter).build(0, 0) for letter in "ab"] == ["a", "b"]
    assert registry.folders() == (tmp_path / "a", tmp_path / "b")


@pytest.mark.usefixtures("alone")
def test_plugging_in_again_finds_new_files_and_lists_the_folder_once(tmp_path: Path) -> None:
    folder = write(tmp_path / "mine", sampler__one="def build(seed, trial): ...")
    registry.plug_in(folder)
    write(folder, sampler__two="def build(seed, trial): ...")
    registry.plug_in(folder)
    assert {"one", "two"} <= set(registry.names("sampler"))
    assert registry.folders() == (folder,)
    assert sys.path.count(str(folder)) == 1


def test_the_environment_names_folders_and_a_verb_in_one_is_a_command(run: Run, tmp_path: Path) -> None:
    verb = '''
        """`frontier hello`."""
        from frontier.cli._options import DEFAULT_HOME, Home

        def command(home: Home = DEFAULT_HOME) -> None:
            """Say hello."""
            print("hello from", home)
    '''
    mine = write(tmp_path / "mine", verb__hello=verb)
    environment = {registry.FOLDERS: f"{mine}{os.pathsep}{PLUGINS}"}
    assert run("hello", **environment).stdout == "hello from results\n"
    assert "hello" in run("--help", **environment).stdout
    assert "first_k" in run("methods", **environment).stdout
    assert "hello" not in run("--help").stdout


def test_entry_points_of_installed_distributions_are_members(run: Run, tmp_path: Path) -> None:
    site = write(tmp_path / "site", theirs__method=(PLUGINS / "method/first_k.py").read_text(), theirs__verb=HELLO)
    installed(site, "[frontier.method]\ntheirs = theirs.method\n[frontier.verb]\nhello = theirs.verb\n")
    names = [method["name"] for method in json.loads(run("methods", "--json", PYTHONPATH=site).stdout)]
    assert {"snl", "theirs"} <= set(names)
    assert names == sorted(names)
    assert run("hello", PYTHONPATH=site).stdout == "hello\n"


HELLO = "def command():\n    print('hello')\n"


def installed(site: Path, entry_points: str) -> None:
    """A distribution in `site` as pip would leave it."""
    info = site / "theirs-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(entry_points)


@pytest.mark.parametrize(
    ("entry_points", "says"),
    [
        ("[frontier.method]\nsnl = theirs.method\n", "the name of frontier.methods.snl, which is built in"),
        ("[frontier.method]\nmine = theirs.absent\n", "entry point 'mine = theirs.absent' of theirs: no module"),
        ("[frontier.method]\nmine = theirs.method:linearize\n", "an entry point that is no module"),
        ("[frontier.methods]\nmine = theirs.method\n", "Did you mean 'method'"),
    ],
)
def test_entry_points_that_do_not_fit_are_refused(run: Run, tmp_path: Path, entry_points: str, says: str) -> None:
    site = write(tmp_path / "site", theirs__method="")
    installed(site, entry_points)
    done = run("methods", PYTHONPATH=site)
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr


# refusing

METHOD = (PLUGINS / "method/first_k.py").read_text()


@pytest.mark.parametrize(
    ("files", "says"),
    [
        (
            {"method__first_k": "1 / 0"},
            ["mine/method/first_k.py: cannot be imported: ZeroDivisionError", "first_k.py:1"],
        ),
        ({"method__first_k": "def"}, ["cannot be imported: SyntaxError: invalid syntax", "line 1"]),
        ({"method__first_k": "import absent"}, ["ModuleNotFoundError: No module named 'absent'", "first_k.py:1"]),
        ({"method__first_k": METHOD.replace("def linearize", "def linearise")}, ["'first_k' lacks linearize"]),
        ({"method__first_k": METHOD.replace('"baseline"', '"mine"')}, ["not a FIDELITY", "'baseline'"]),
        ({"method__first_k": METHOD, "corruption__posterize": "PARAMETERS = ()"}, ["'posterize' lacks corrupt"]),
        ({"method__snl": METHOD}, ["the method 'snl' is there twice", "frontier.methods.snl, which is built in"]),
        ({"data__stripes": "", "method__first_k": METHOD}, ["'stripes' is there twice", "plugins/data/stripes.py"]),
        ({"methods__first_k": METHOD}, ["no axis 'methods'", "Did you mean 'method'"]),
    ],
)
@pytest.mark.usefixtures("alone")
def test_a_broken_part_is_refused_by_check_with_its_file(
    question: Path, tmp_path: Path, files: dict[str, str], says: list[str]
) -> None:
    parts = {str(path.relative_to(PLUGINS).with_suffix("")).replace("/", "__"): path for path in PLUGINS.rglob("*.py")}
    whole = {name: path.read_text() for name, path in parts.items() if name not in {*files, "method__first_k"}}
    if "data__stripes" in files:
        whole["data__stripes"] = parts["data__stripes"].read_text()
    registry.plug_in(write(tmp_path / "plugins", **whole))
    with pytest.raises(InputError) as refused:
        checked(question, write(tmp_path / "mine", **files))
    assert all(words in str(refused.value) for words in says), refused.value


def test_the_command_line_prints_no_traceback_for_a_broken_part(run: Run, tmp_path: Path) -> None:
    done = run("methods", "--plugin", write(tmp_path / "mine", method__broken="1 / 0"))
    assert (done.returncode, done.stdout) == (2, "")
    assert "mine/method/broken.py: cannot be imported: ZeroDivisionError" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_folder_without_parts_is_refused(run: Run, tmp_path: Path) -> None:
    (tmp_path / "empty" / "notes").mkdir(parents=True)
    for name, says in (("absent", "no such folder of plug-ins"), ("empty", "a folder without plug-ins")):
        for done in (run("methods", "--plugin", name), run("methods", **{registry.FOLDERS: tmp_path / name})):
            assert (done.returncode, done.stdout) == (2, "")
            assert says in done.stderr
            assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("network", "says"),
    [
        ("absent:build", ["elsewhere.yaml:4: no module 'absent'", "pass --plugin FOLDER"]),
        (
            "outside:smooth",
            ["elsewhere.yaml:4: network 'outside:smooth': activations that are not plain ReLUs", "gelu"],
        ),
        ("outside:nothing", ["elsewhere.yaml:4", "unknown option 'width'"]),
    ],
)
def test_a_network_that_cannot_be_had_is_refused_at_its_line(
    tmp_path: Path, question: Path, network: str, says: list[str]
) -> None:
    question.write_text(SPACE.replace("outside:build", network))
    with pytest.raises(InputError) as refused:
        frontier.search(question, home=tmp_path / "home")
    assert all(words in str(refused.value) for words in says), refused.value
    assert not (tmp_path / "home").exists()


def test_parts_are_refused_where_they_are_not_known() -> None:
    with pytest.raises(InputError, match=r"unknown corruption 'posterise'\. .* Did you mean 'posterize'"):
        modules(
            DataSpec(name="stripes"), NetworkSpec(name="tinynet"), ["first_k"], MeasureSpec(corruptions=("posterise",))
        )
