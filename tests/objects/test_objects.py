"""Object stores: whole objects, conditional PUTs, and URLs and messages without credentials."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from s3_server import KEY, SECRET

from frontier import objects
from frontier.errors import BlockedError, InputError
from frontier.objects import Bucket, Unreachable, said, url_of


@pytest.fixture(params=["memory", "s3"])
def bucket(request: pytest.FixtureRequest) -> Bucket:
    return Bucket(request.getfixturevalue("memory" if request.param == "memory" else "home"))


def test_of_those_who_put_what_must_be_new_the_first_succeeds(bucket: Bucket) -> None:
    assert bucket.put_new("a/record.json", b"first")
    assert not bucket.put_new("a/record.json", b"second")
    assert bucket.put_new("a/record.json", b"first"), "its answer was lost and it is put again"
    assert bucket.get("a/record.json") == b"first"
    bucket.check()


def test_objects_are_listed_by_folder_with_a_mark_of_their_content(bucket: Bucket) -> None:
    assert (bucket.keys(), bucket.keys("a"), bucket.folders("a"), bucket.get("a")) == ({}, {}, [], None)
    for key in ("a/x", "a/b/y", "ab/z"):
        bucket.put(key, b"1")
    marks = bucket.keys("a")
    assert set(marks) == {"a/x", "a/b/y"}
    assert set(bucket.keys()) == {"a/x", "a/b/y", "ab/z"}
    assert (bucket.folders(""), bucket.folders("a")) == (["a", "ab"], ["b"])
    bucket.put("a/x", b"22")
    assert bucket.keys("a")["a/x"] != marks["a/x"]
    assert bucket.keys("a")["a/b/y"] == marks["a/b/y"]
    assert bucket.get_many(["a/x", "ab/z", "none"]) == {"a/x": b"22", "ab/z": b"1"}
    bucket.remove(["a/x", "none"])
    assert set(bucket.keys()) == {"a/b/y", "ab/z"}


def test_files_come_whole_or_not_at_all(bucket: Bucket, tmp_path: Path) -> None:
    (tmp_path / "here").write_bytes(b"weights")
    bucket.put_file("a/weights", tmp_path / "here")
    assert bucket.get_file("a/weights", tmp_path / "there")
    assert not bucket.get_file("a/none", tmp_path / "none")
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["here", "there"]
    assert (tmp_path / "there").read_bytes() == b"weights"


def test_ages_are_by_the_clock_of_the_store(bucket: Bucket) -> None:
    bucket.put("a", b"")
    age_s = bucket.age_s("a")
    assert age_s is not None
    assert 0 <= age_s < 60
    assert bucket.age_s("none") is None
    assert set(bucket.keys()) == {"a"}


def test_a_store_that_puts_one_over_the_other_is_refused(memory: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from fsspec.implementations.memory import MemoryFileSystem

    put = MemoryFileSystem.pipe_file
    monkeypatch.setattr(MemoryFileSystem, "pipe_file", lambda self, path, value, mode=None: put(self, path, value))
    with pytest.raises(BlockedError, match="conditional PUTs"):
        Bucket(memory).check()


def test_a_store_that_is_away_is_said_without_credentials(
    home: str, memory: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Unreachable, match=r"s3://nosuchbucket/home: .*does not exist"):
        Bucket("s3://nosuchbucket/home").check()
    objects._file_system.cache_clear()
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(Unreachable, match="s3://bucket/home") as caught:
        Bucket("s3://bucket/home").get("a")
    assert isinstance(caught.value, OSError)
    objects._file_system.cache_clear()

    def fails(*given: Any, **options: Any) -> None:
        raise OSError(f"no access for {KEY} with {SECRET} at https://me:{SECRET}@host/x?X-Amz-Signature=abc")

    from fsspec.implementations.memory import MemoryFileSystem

    monkeypatch.setattr(MemoryFileSystem, "cat_file", fails)
    with pytest.raises(Unreachable) as caught:
        Bucket(memory).get("a")
    for secret in (KEY, SECRET, "//me", "abc"):
        assert secret not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_an_outage_is_waited_for(memory: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from fsspec.implementations.memory import MemoryFileSystem

    monkeypatch.setattr(objects, "FIRST_PAUSE_S", 0.0)
    put, left = MemoryFileSystem.pipe_file, [3]

    def fails(self: Any, *given: Any, **options: Any) -> None:
        left[0] -= 1
        if left[0] >= 0:
            raise OSError("Service Unavailable")
        put(self, *given, **options)

    monkeypatch.setattr(MemoryFileSystem, "pipe_file", fails)
    with pytest.raises(Unreachable, match="Service Unavailable"):
        Bucket(memory).put("a", b"1")
    assert Bucket(memory, patience_s=60).put_new("a", b"1")


def test_without_the_library_the_message_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(objects.PROTOCOLS, "gs", "no_such_library")
    with pytest.raises(BlockedError, match=r"pip install 'relu-frontier\[objects\]'"):
        Bucket("gs://bucket/home").ready()


@pytest.mark.parametrize("given", ["s3://bucket/a/b", "s3://bucket/a/b/", Path("s3://bucket//a/b"), "S3://bucket/a//b"])
def test_a_url_in_any_form_is_one(given: str | Path) -> None:
    assert url_of(given) == "s3://bucket/a/b"


@pytest.mark.parametrize("given", ["results", "/srv/frontier", Path("../s3"), "s3", "C:/x", ""])
def test_a_folder_is_none(given: str | Path) -> None:
    assert url_of(given) is None


@pytest.mark.parametrize(
    "given",
    [
        "s3://me:top-secret@bucket/a",
        "s3://me@bucket",
        "s3://bucket/a?token=top-secret",
        "s3://",
        "s3://a/../top-secret",
        "file:///srv/top-secret",
        "https://me:top-secret@host/a",
        "abfs://top-secret@account/a",
    ],
)
def test_other_urls_are_refused_and_not_quoted(given: str) -> None:
    with pytest.raises(InputError) as caught:
        url_of(given)
    assert "top-secret" not in str(caught.value)
    assert caught.value.exit_code == 2


def test_what_is_said_has_no_value_of_a_variable_with_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", "tokentoken")
    assert said(OSError("bad tokentoken\nsecond line")) == "bad ***"
    assert said(OSError()) == "OSError"
