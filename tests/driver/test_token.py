"""The token is looked for where Ray looks, its absence names the command, and no message shows it."""

from __future__ import annotations

from pathlib import Path

import pytest

from frontier.driver import token
from frontier.errors import BlockedError

SECRET = "5ec7e7" * 8


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A home without a token, and no variable that names one."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in (token.TOKEN, token.FILE, token.MODE):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def written(file: Path, mode: int = 0o600) -> Path:
    file.parent.mkdir(exist_ok=True)
    file.write_text(SECRET + "\n")
    file.chmod(mode)
    return file


def test_without_a_token_the_message_names_the_command() -> None:
    assert token.place() is None
    with pytest.raises(BlockedError, match="ray get-auth-token --generate"):
        token.required()


def test_the_variable_comes_before_the_named_file_and_that_before_the_usual_one(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = written(home / ".ray/auth_token")
    assert token.place() == str(usual)
    monkeypatch.setenv(token.FILE, str(written(home / "mine")))
    assert token.place() == str(home / "mine")
    monkeypatch.setenv(token.TOKEN, SECRET)
    assert token.place() == token.TOKEN
    token.required()


@pytest.mark.parametrize("content", [None, "  \n"])
def test_a_named_file_without_a_token_is_an_error_even_where_the_usual_one_has_one(
    home: Path, monkeypatch: pytest.MonkeyPatch, content: str | None
) -> None:
    written(home / ".ray/auth_token")
    if content is not None:
        (home / "mine").write_text(content)
    monkeypatch.setenv(token.FILE, str(home / "mine"))
    with pytest.raises(BlockedError, match="holds no token"):
        token.required()


@pytest.mark.parametrize(("mode", "shared"), [(0o600, False), (0o640, True), (0o604, True)])
def test_a_file_that_others_may_read_is_told(home: Path, mode: int, shared: bool) -> None:
    written(home / ".ray/auth_token", mode)
    assert token.readable_by_others() is shared


def test_no_message_shows_the_token(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(home / ".ray/auth_token")
    assert SECRET not in str(token.place())
    monkeypatch.setenv(token.TOKEN, SECRET)
    assert SECRET not in str(token.place())
