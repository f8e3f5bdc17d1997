"""What a stranger reaches: addresses are checked, refusals and answers told apart, and listening sockets seen."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest
from strangers import served

from frontier.driver import reach
from frontier.errors import InputError


@pytest.mark.parametrize("address", ["head:6379", "ray://head:10001", "http://", "auto", "http:///"])
def test_what_is_no_jobs_api_is_refused(address: str) -> None:
    with pytest.raises(InputError, match="http://HOST:8265"):
        reach.checked(address)


@pytest.mark.parametrize(
    "address", ["http://me:secret@head:8265", "https://head/?token=secret", "me:secret@head:8265", "http://head#secret"]
)
def test_what_holds_a_credential_is_refused_and_not_quoted(address: str) -> None:
    with pytest.raises(InputError, match="neither user and password") as refused:
        reach.checked(address)
    assert "secret" not in str(refused.value)


def test_a_slash_at_the_end_changes_nothing() -> None:
    assert reach.checked("http://head:8265/") == "http://head:8265"


def test_a_refusal_an_answer_and_silence_are_told_apart() -> None:
    with served([]) as address:
        assert reach.status_without_token(address) == 401
    with served([], token=None) as address:
        assert reach.status_without_token(address) == 200
    assert reach.status_without_token(address) is None


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_a_socket_on_all_interfaces_is_seen_and_one_on_loopback_is_not() -> None:
    with socket.create_server(("0.0.0.0", 0)) as wide, socket.create_server(("127.0.0.1", 0)) as narrow:  # noqa: S104
        ports = {port for _, port in reach._listening_everywhere()}
        inodes = set(reach._sockets_of(Path("/proc/self")))
        assert wide.getsockname()[1] in ports
        assert narrow.getsockname()[1] not in ports
        found = {inode for inode, port in reach._listening_everywhere() if port == wide.getsockname()[1]}
        assert found <= inodes


@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("/x/ray/core/src/ray/gcs/gcs_server\0--log_dir=/tmp\0", "gcs_server"),
        ("/x/ray/core/src/ray/raylet/raylet\0--raylet_socket_name=x\0", "raylet"),
        ("/bin/python\0-u\0/x/site-packages/ray/dashboard/dashboard.py\0--host=127.0.0.1\0", "dashboard"),
        ("ray::ImplicitFunc\0\0", "ray::ImplicitFunc"),
        ("/bin/python\0/home/x/frontier.py\0", None),
        ("", None),
    ],
)
def test_a_process_of_ray_is_known_by_its_command(command: str, name: str | None) -> None:
    assert reach._name_of_ray(command) == name
