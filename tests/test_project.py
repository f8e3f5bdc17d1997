"""The project keeps its own promises: its top level, its lock, its small files, its licence, nothing of one machine."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MODULES = sorted((ROOT / "frontier").rglob("*.py"))
LOCKS = sorted((ROOT / "requirements").glob("*.lock"))
RELATIVE = {"ids": lambda path: str(path.relative_to(ROOT))}

TOP_FOLDERS = {
    ".ci",
    "benchmarks",
    "docker",
    "docs",
    "frontier",
    "reports",
    "requirements",
    "results",
    "search_spaces",
    "tests",
}
TOP_FILES = {
    ".dockerignore",
    ".gitignore",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "Makefile",
    "NOTICE",
    "README.md",
    "pyproject.toml",
}
PROMISED_TARGETS = {"setup", "demo", "test", "check"}

# Written in pieces, so that this file does not hold what it forbids.
FORBIDDEN = re.compile(
    "|".join(
        [
            r"(?<![\w.])/(?:" + "|".join(["wor" + "k", "ro" + "ot", "far" + "m"]) + r")/",
            *(name + r"\." + "org" for name in ("py" + "pi", "python" + "hosted", "deb" + "ian")),
            "npm" + r"js\." + "com",
        ]
    )
)


@pytest.fixture(scope="module")
def committed() -> list[Path]:
    """Every file that is in the repository or would be by `git add .`, relative to ROOT."""
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout, or git is not installed")
    listing = subprocess.run(
        [git, "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    return [Path(name) for name in listing.stdout.split("\0") if name and (ROOT / name).is_file()]


def test_the_top_level_is_as_promised(committed: list[Path]) -> None:
    assert {path.parts[0] for path in committed if len(path.parts) > 1} == TOP_FOLDERS
    assert {path.name for path in committed if len(path.parts) == 1} == TOP_FILES


def test_no_file_names_a_path_of_one_machine_or_a_registry_host(committed: list[Path]) -> None:
    found = [
        f"{path}: {match.group()}"
        for path in committed
        for match in FORBIDDEN.finditer((ROOT / path).read_text(encoding="utf-8", errors="ignore"))
    ]
    assert found == []


def test_what_is_made_on_a_machine_is_not_committed(committed: list[Path]) -> None:
    local = ("results/studies", "results/teachers", "reports/rendered", ".venv", ".tools", "uv.lock")
    assert [path for path in committed if str(path).startswith(local)] == []


@pytest.mark.parametrize("module", MODULES, **RELATIVE)
def test_a_module_begins_with_a_docstring_and_stays_small(module: Path) -> None:
    source = module.read_text(encoding="utf-8")
    assert ast.get_docstring(ast.parse(source)), "the first line of a file states a fact"
    assert source.count("\n") <= 400


def test_modules_are_named_after_what_they_hold() -> None:
    vague = {"utils", "util", "helpers", "helper", "misc", "common", "manager", "managers"}
    assert [path for path in MODULES if path.stem.strip("_") in vague] == []


@pytest.mark.parametrize("package", [path for path in MODULES if path.name == "__init__.py"], **RELATIVE)
def test_a_package_imports_nothing(package: Path) -> None:
    statements = ast.parse(package.read_text(encoding="utf-8")).body
    if package.parent == ROOT / "frontier":  # the public surface: it may only import lazily
        runtime = [node for node in statements if isinstance(node, ast.Import | ast.ImportFrom)]
        ours = [node for node in runtime if "frontier" in ast.unparse(node)]
        assert ours == []
    else:
        assert len(statements) == 1


@pytest.mark.parametrize("lock", LOCKS, **RELATIVE)
def test_a_lock_pins_versions_and_hashes_and_names_no_host(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")
    assert not re.search(r"://|\bhttps?|^\s*-[^-]|--(?!hash=)|@ ", re.sub(r"#.*", "", text), re.MULTILINE)
    requirements = re.findall(r"^(?![\s#]).+(?:\n\s+.+)*", text, re.MULTILINE)
    assert requirements
    assert [entry for entry in requirements if not re.match(r"[a-z0-9.-]+==\S+( ; .+)? \\\n", entry)] == []
    assert [entry for entry in requirements if not re.search(r"--hash=sha256:[0-9a-f]{64}", entry)] == []


def test_the_lock_holds_everything_that_the_project_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    groups = project["dependency-groups"]
    asked = [*project["project"]["dependencies"], *groups["build"], *groups["lint"], *groups["test"]]
    names = {re.split(r"[^A-Za-z0-9.-]", entry)[0].lower() for entry in asked}
    locked = set(re.findall(r"^([a-z0-9.-]+)==", (ROOT / "requirements/project.lock").read_text(), re.MULTILINE))
    assert names - locked == set()


def test_the_licence_is_the_whole_apache_2_text() -> None:
    licence = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert "Version 2.0, January 2004" in licence
    assert all(re.search(rf"^ +{number}\. [A-Z]", licence, re.MULTILINE) for number in range(1, 10))
    assert "END OF TERMS AND CONDITIONS" in licence
    assert "limitations under the License." in licence


def test_the_notice_names_every_third_party_part_that_is_shipped() -> None:
    notice = (ROOT / "NOTICE").read_text(encoding="utf-8")
    shipped = sorted((ROOT / "frontier").rglob("*.min.js"))
    assert [path.name for path in shipped if path.name not in notice] == []


def test_the_promised_make_targets_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert targets >= PROMISED_TARGETS


def test_ci_runs_the_readme_test_command() -> None:
    assert os.access(ROOT / ".ci/run", os.X_OK)
    assert re.search(r"^make test\b", (ROOT / ".ci/run").read_text(encoding="utf-8"), re.MULTILINE)
    assert re.search(r"\bmake test\b", (ROOT / "README.md").read_text(encoding="utf-8"))


def test_relative_links_in_the_documents_lead_somewhere(committed: list[Path]) -> None:
    dead = [
        f"{path}: {target}"
        for path in committed
        if path.suffix == ".md"
        for target in re.findall(r"\]\(([^)#\s]+)", (ROOT / path).read_text(encoding="utf-8"))
        if "://" not in target and not (ROOT / path.parent / target).exists()
    ]
    assert dead == []
