"""A file that somebody names is written whole, replaces its like, and never what is no file."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from frontier.errors import InputError
from frontier.files import write_named


def test_it_is_written_into_a_new_folder_and_replaced(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file"
    for text in ("one", "two"):
        write_named(path, text, "--out")
        assert path.read_text() == text
    assert list(path.parent.iterdir()) == [path]


def test_a_pipe_a_link_and_a_folder_stay_what_they_are(tmp_path: Path) -> None:
    pipe, link, folder, dangling = (tmp_path / name for name in ("pipe", "link", "folder", "dangling"))
    os.mkfifo(pipe)
    folder.mkdir()
    (tmp_path / "there").write_text("as it was")
    link.symlink_to(tmp_path / "there")
    dangling.symlink_to(tmp_path / "nowhere")
    before = {path: path.lstat() for path in (pipe, link, folder, dangling)}
    for path, stood in before.items():
        with pytest.raises(InputError, match="give another one with --out") as refused:
            write_named(path, "new", "--out")
        assert str(refused.value).startswith(f"{path}: is ")
        assert refused.value.exit_code == 2
        assert (path.lstat().st_ino, path.lstat().st_mode) == (stood.st_ino, stood.st_mode)
    assert (tmp_path / "there").read_text() == "as it was"
    assert len(list(tmp_path.iterdir())) == 5


def test_a_name_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="File name too long"):
        write_named(tmp_path / ("n" * 300), "new", "--out")
