"""What doctor says of this machine's page: its port, its browser and the extra that it needs."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from frontier.api import doctor
from frontier.api.remark import Remark


def about(remarks: tuple[Remark, ...], name: str) -> Remark:
    (found,) = (one for one in remarks if one.about == name)
    return found


def test_a_port_that_is_taken_and_a_browser_that_is_missing_are_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = other.getsockname()[1]
        monkeypatch.setattr(doctor, "PAGE_PORT", taken)
        monkeypatch.setattr(doctor, "CHROMES", ("no-such-browser",))
        remarks = doctor.doctor(home=tmp_path)
    port = about(remarks, f"port {taken}")
    assert (port.state, port.to_do) == ("warning", "frontier browse --port 0 takes a free one")
    assert "chromium" in str(about(remarks, "Chrome").to_do)
    assert about(remarks, "extra web").found


def test_a_port_that_is_free_is_no_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        free = other.getsockname()[1]
    monkeypatch.setattr(doctor, "PAGE_PORT", free)
    assert about(doctor.doctor(home=tmp_path), f"port {free}").state == "ok"
