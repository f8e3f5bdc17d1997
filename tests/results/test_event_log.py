"""A study's event logs, read while they are written: every line once, never half a one."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import pytest

from frontier.results import event_log
from frontier.results.event_log import EventLog


def append(path: Path, text: str) -> None:
    with open(path, "a", encoding="utf-8") as file:
        file.write(text)


def names(log: EventLog, *, rest: bool = False) -> list[str]:
    return [line.event["event"] for line in log.new(rest=rest)]


def test_what_is_appended_is_read_once_and_a_torn_line_when_it_is_whole(tmp_path: Path) -> None:
    log, path = EventLog(tmp_path), tmp_path / "events.jsonl"
    assert names(log) == []
    append(path, '{"event": "a"}\n{"eve')
    assert names(log) == ["a"]
    assert names(log) == []
    append(path, 'nt": "b"}')
    assert names(log) == []
    append(path, '\n{"event": "c"}\n')
    assert names(log) == ["b", "c"]
    assert (names(log), log.damaged) == ([], 0)


def test_a_last_line_without_its_end_is_read_when_nobody_writes_any_more(tmp_path: Path) -> None:
    log, path = EventLog(tmp_path), tmp_path / "events.jsonl"
    append(path, '{"event": "a"}\n{"event": "b"}')
    assert names(log, rest=True) == ["a", "b"]
    append(path, '\n{"event": "c"}\n{"event": "d"')
    assert names(log, rest=True) == ["c"]
    assert log.damaged == 1


def test_lines_that_are_no_object_are_counted_and_left_out(tmp_path: Path) -> None:
    log = EventLog(tmp_path)
    (tmp_path / "events.jsonl").write_bytes(
        b'{"event": "a"}\n{"event": "b\n\n3\n\x00\x00\x00\n\xff\xfe{}\n' + b"[" * 100_000 + b'\n{"event": "c"}\n'
    )
    assert names(log) == ["a", "c"]
    assert log.damaged == 5


def test_several_drivers_logs_are_one_by_time_and_say_whose_a_line_is(tmp_path: Path) -> None:
    log = EventLog(tmp_path)
    append(tmp_path / "events.jsonl", '{"event": "a", "ts": "1"}\n{"event": "d", "ts": "4"}\n')
    append(tmp_path / "events-one.jsonl", '{"event": "b", "ts": "2"}\n{"event": "e", "ts": "5"}\n')
    assert [(line.event["event"], line.driver) for line in log.new()] == [
        ("a", ""),
        ("b", "one"),
        ("d", ""),
        ("e", "one"),
    ]
    append(tmp_path / "events-two.x.jsonl", '{"event": "f", "ts": "6"}\n')
    assert [(line.event["event"], line.driver) for line in log.new()] == [("f", "two.x")]


def test_a_log_that_was_made_anew_is_read_from_its_start(tmp_path: Path) -> None:
    log, path = EventLog(tmp_path), tmp_path / "events.jsonl"
    append(path, '{"event": "a"}\n{"event": "b"}\n')
    assert names(log) == ["a", "b"]
    path.unlink()
    append(path, '{"event": "c"}\n')
    assert names(log) == ["c"]


def test_a_log_of_ten_thousand_lines_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bytes that leave the file, however often one looks."""
    read = 0

    class Counted(io.FileIO):
        def readinto(self, buffer: Any) -> int:
            nonlocal read
            number = super().readinto(buffer) or 0
            read += number
            return number

    monkeypatch.setattr(event_log, "open", lambda path, mode: io.BufferedReader(Counted(path)), raising=False)
    path = tmp_path / "events.jsonl"
    append(path, "".join(f'{{"event": "{number}"}}\n' for number in range(10_000)))
    log = EventLog(tmp_path)
    assert len(names(log)) == 10_000
    assert read == path.stat().st_size
    assert names(log) == []
    assert read == path.stat().st_size
    for number in range(5):
        append(path, f'{{"event": "more {number}"}}\n')
        assert names(log) == [f"more {number}"]
    assert read == path.stat().st_size


def test_half_a_line_that_its_writer_takes_back_leaves_no_trace(tmp_path: Path) -> None:
    """As a driver does that meets a full disk."""
    log, path = EventLog(tmp_path), tmp_path / "events.jsonl"
    append(path, '{"event": "a"}\n')
    whole = path.stat().st_size
    append(path, '{"event": "never sa')
    assert names(log) == ["a"]
    os.truncate(path, whole)
    assert names(log) == []
    append(path, '{"event": "b"}\n')
    assert (names(log), log.damaged) == (["b"], 0)
