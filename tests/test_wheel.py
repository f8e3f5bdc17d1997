"""The wheel: installed outside the checkout it searches, because the shelves' shipped data travel in it."""

import json
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from frontier.results.published import published

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment that holds the wheel, and sees this one's libraries but not the checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("relu_frontier-*.whl")
    venv.create(folder / "env", with_pip=False, symlinks=True)
    (packages,) = (folder / "env").glob("lib/python*/site-packages")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(packages)
    libraries = next(path for path in sys.path if path.endswith("site-packages"))
    (packages / "libraries.pth").write_text(libraries + "\n")
    return folder / "env" / "bin" / "python"


def run(python: Path, cwd: Path, *words: str) -> str:
    done = subprocess.run([python, "-m", "frontier", *words], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_package_is_the_wheels_and_not_the_checkouts(python: Path, tmp_path: Path) -> None:
    where = subprocess.run(
        [python, "-c", "import frontier; print(frontier.__file__)"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert not where.stdout.startswith(str(ROOT))


@pytest.mark.slow
def test_check_and_search_find_the_shipped_space_and_report_the_shipped_specs(python: Path, tmp_path: Path) -> None:
    assert json.loads(run(python, tmp_path, "check", "digits", "--json"))["relus"] == 768
    run(python, tmp_path, "search", "digits", "--trials", "1")
    shown = json.loads(run(python, tmp_path, "show", "digits", "--json"))
    assert shown["trials"]["complete"] == 1
    assert (tmp_path / "reports" / "rendered" / "digits.html").is_file()
    run(python, tmp_path, "report", "digits", "--spec", "short", "--out", "short.html")
    assert (tmp_path / "short.html").read_text(encoding="utf-8").count("<figure>") == 4


def test_what_papers_report_travels_in_it(python: Path, tmp_path: Path) -> None:
    count = "from frontier.results.published import published; print(len(published().figures))"
    done = subprocess.run([python, "-c", count], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == f"{len(published().figures)}\n"


def test_files_in_the_working_directory_win(python: Path, tmp_path: Path) -> None:
    shelf = tmp_path / "search_spaces"
    shelf.mkdir()
    text = (ROOT / "search_spaces" / "digits.yaml").read_text().replace("width: 8", "width: 2")
    (shelf / "digits.yaml").write_text(text)
    assert json.loads(run(python, tmp_path, "check", "digits", "--json"))["relus"] == 192
