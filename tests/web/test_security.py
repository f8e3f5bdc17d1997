"""Who is let in, what a browser may do, and that no name from a client leads to a file."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from typer.testing import CliRunner

from frontier.cli._app import app
from frontier.errors import InputError
from frontier.results.store import write_record
from frontier.web.library import Library
from frontier.web.security import COOKIE, EVERYWHERE, hosts_of, is_loopback, token_of
from frontier.web.server import Address, application

HOST = {"Host": "127.0.0.1:8050"}
NAME = f"{COOKIE}_8050"
SECRET = "a-secret-of-many-letters"  # noqa: S105 of this test alone


@pytest.fixture(scope="module")
def client(home: Path) -> FlaskClient:
    return application(Library(home, ["one", "two"]), Address("127.0.0.1", 8050, None)).test_client()


@pytest.fixture(scope="module")
def guarded(home: Path) -> FlaskClient:
    return application(Library(home, ["one"]), Address("127.0.0.1", 8050, SECRET)).test_client()


def test_the_page_answers_under_its_own_names(client: FlaskClient) -> None:
    for host in ("127.0.0.1:8050", "localhost:8050", "[::1]:8050"):
        assert client.get("/", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8050", "127.0.0.1:81", "127.0.0.1", "localhost.evil.example:8050"]
)
def test_a_foreign_host_gets_421(client: FlaskClient, host: str) -> None:
    assert client.get("/", headers={"Host": host}).status_code == 421
    assert client.get("/files/brushed.csv", headers={"Host": host}).status_code == 421


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "https://127.0.0.1:8050", "http://127.0.0.1:9"])
def test_a_foreign_origin_gets_403(client: FlaskClient, origin: str) -> None:
    assert client.post("/_dash-update-component", json={}, headers={**HOST, "Origin": origin}).status_code == 403
    assert client.get("/_dash-layout", headers={**HOST, "Origin": origin}).status_code == 403


def test_a_request_that_a_browser_calls_cross_site_gets_403(client: FlaskClient) -> None:
    headers = {**HOST, "Sec-Fetch-Site": "cross-site"}
    assert client.post("/_dash-update-component", json={}, headers=headers).status_code == 403


def test_no_token_or_another_one_gets_401(guarded: FlaskClient) -> None:
    assert guarded.get("/", headers=HOST).status_code == 401
    assert guarded.get("/?token=another", headers=HOST).status_code == 401
    assert guarded.get("/files/one/1/card", headers=HOST).status_code == 401
    assert guarded.get("/_dash-layout", headers={**HOST, "Cookie": f"{NAME}=wrong"}).status_code == 401
    assert guarded.post(f"/_dash-update-component?token={SECRET}", json={}, headers=HOST).status_code == 401


def test_the_token_is_traded_for_a_cookie_and_leaves_the_address(guarded: FlaskClient) -> None:
    answer = guarded.get(f"/?token={SECRET}", headers=HOST)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(answer.headers["Set-Cookie"].split("; "))
    assert guarded.get("/", headers={**HOST, "Cookie": f"{NAME}={SECRET}"}).status_code == 200


def test_pages_on_two_ports_of_a_host_do_not_share_a_cookie(guarded: FlaskClient, home: Path) -> None:
    other = application(Library(home, ["two"]), Address("127.0.0.1", 8051, SECRET[::-1])).test_client()
    made = other.get(f"/?token={SECRET[::-1]}", headers={"Host": "127.0.0.1:8051"}).headers["Set-Cookie"]
    assert not made.startswith(f"{NAME}=")
    both = f"{NAME}={SECRET}; {made.partition(';')[0]}"
    assert guarded.get("/", headers={**HOST, "Cookie": both}).status_code == 200


def test_a_name_is_known_however_it_is_written() -> None:
    assert "localhost:8050" in hosts_of("LOCALHOST", 8050)
    assert "head.example:8050" in hosts_of("Head.Example", 8050)


def test_a_token_is_not_handed_to_a_browser_among_its_words(home: Path) -> None:
    done = CliRunner().invoke(app, ["browse", "one", "--home", str(home), "--open", "--token", "auto"])
    assert isinstance(done.exception, InputError)
    assert "open the printed address yourself" in str(done.exception)


@pytest.mark.parametrize("path", ["/", "/files/one/1/card", "/nowhere", "/_dash-layout"])
def test_every_answer_says_what_a_browser_may_do(client: FlaskClient, path: str) -> None:
    headers = client.get(path, headers=HOST).headers
    rules = dict(rule.split(" ", 1) for rule in headers["Content-Security-Policy"].split("; "))
    assert rules["default-src"] == rules["frame-ancestors"] == rules["form-action"] == "'none'"
    assert "unsafe" not in rules["script-src"]
    assert not any("http" in rule or "*" in rule for rule in rules.values())
    assert (headers["X-Content-Type-Options"], headers["X-Frame-Options"]) == ("nosniff", "DENY")


@pytest.mark.parametrize(
    "path",
    [
        "/files/one/1/../../../../etc/passwd", "/files/..%2F..%2Fetc/1/card", "/files/one/1/passwd", "/files/one/1",
        "/files/other/1/card", "/files/one/999/card", "/files/one/1.9/card", "/files/one/..%2F1/card",
        "/files/one/%2e%2e/card", "/nowhere", "/assets/../server.py", "/assets/..%2Fserver.py", "/files/one/1/model",
        "/_dash-component-suites/dash/../../../etc/passwd", "/_dash-component-suites/evil/page.js",
    ],
)  # fmt: skip
def test_what_is_not_known_is_not_there(client: FlaskClient, path: str) -> None:
    assert client.get(path, headers=HOST).status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[1]", b"null", b"{}", b'{"output": 5}', b'{"output": "nobody.x", "inputs": []}',
        b'{"output": "absent.children", "inputs": 5}',
    ],
)  # fmt: skip
def test_a_question_that_is_none_is_refused(client: FlaskClient, body: bytes) -> None:
    assert client.post("/_dash-update-component", headers=HOST, data=body).status_code == 400
    told = {"data": body, "content_type": "application/json"}
    assert client.post("/_dash-update-component", headers=HOST, **told).status_code == 400


def test_a_known_point_has_its_files(home: Path, tmp_path: Path, synthetic: Any) -> None:
    study = synthetic.write_study(tmp_path, "own", 2)
    (study.trial_folder(0) / "mask.safetensors").write_bytes(b"bits")
    client = application(Library(tmp_path, ["own"]), Address("127.0.0.1", 8050, None)).test_client()
    with client.get("/files/own/0/mask", headers=HOST) as mask:
        assert (mask.status_code, mask.data) == (200, b"bits")
        assert mask.headers["Content-Disposition"] == "attachment; filename=own-0-mask.safetensors"
    card = client.get("/files/own/0/card", headers=HOST).get_json()
    assert (card["study"], card["relu_count"]) == ("own", study.record(0).points[0].relu_count)
    spec = client.get("/files/own/0/spec", headers=HOST).get_json()
    assert spec == study.record(0).spec.model_dump(mode="json")
    assert client.get("/files/own/0/csv", headers=HOST).text.count("\n") == 2
    assert client.get("/files/own/0/model", headers=HOST).status_code == 404


@pytest.mark.parametrize("name", ["../1/mask.safetensors", "/etc/passwd", "record.json", "mask.safetensors"])
def test_a_file_that_a_record_names_is_a_plain_one_of_its_folder(tmp_path: Path, synthetic: Any, name: str) -> None:
    study = synthetic.write_study(tmp_path, "own", 2)
    (study.trial_folder(1) / "mask.safetensors").write_bytes(b"another's")
    record = study.record(0)
    point = record.points[0].model_copy(update={"mask": record.points[0].mask.model_copy(update={"file": name})})
    write_record(study.trial_folder(0), record.model_copy(update={"points": (point,)}))
    (study.trial_folder(0) / "mask.safetensors").symlink_to("/etc/passwd")
    client = application(Library(tmp_path, ["own"]), Address("127.0.0.1", 8050, None)).test_client()
    assert client.get("/files/own/0/mask", headers=HOST).status_code == 404


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1", "[::1]", "127.0.0.9"])
def test_this_machine_alone_needs_no_token(host: str) -> None:
    assert is_loopback(host)
    assert token_of(None, host) is None


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.0.7", "::", "my.host", "localhost.example"])  # noqa: S104
def test_another_host_needs_a_token(host: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="needs a token"):
        token_of(None, host)
    made = {token_of("auto", host), token_of("auto", host)}
    assert len(made) == 2
    assert all(token is not None and len(token) >= 32 for token in made)
    file = tmp_path / "token"
    file.write_text(f"{SECRET}\n")
    assert token_of(str(file), host) == SECRET


def test_a_token_out_of_a_file_is_not_printed_where_a_log_may_keep_it(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def serve(library: Library, host: str, port: int, token: str | None, ready: Callable[[str], None]) -> None:
        ready(Address(host, port, token).url)

    monkeypatch.setattr("frontier.web.server.serve", serve)
    file = tmp_path / "token"
    file.write_text(SECRET)
    words = ["browse", "--home", str(home), "--token"]
    printed = CliRunner().invoke(app, [*words, str(file)]).output
    assert "http://127.0.0.1:8050/" in printed
    assert str(file) in printed
    assert SECRET not in printed
    assert re.search(r"\?token=\S{32}", CliRunner().invoke(app, [*words, "auto"]).output)


@pytest.mark.parametrize("text", ["", "short", "two words and many more", "zwölf mal zwölf und mehr"])
def test_a_poor_token_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "token"
    file.write_text(text)
    with pytest.raises(InputError, match="not a token"):
        token_of(str(file), "127.0.0.1")
    with pytest.raises(InputError, match="cannot read the token"):
        token_of(str(tmp_path / "nowhere"), "127.0.0.1")


def test_hosts_hold_the_port_and_the_name() -> None:
    assert hosts_of("192.168.0.7", 99) == {"192.168.0.7:99"}
    everywhere = hosts_of("0.0.0.0", 99)  # noqa: S104
    assert {"127.0.0.1:99", f"{socket.gethostname().lower()}:99"} <= everywhere


def test_a_page_for_everybody_answers_under_the_addresses_of_its_interfaces() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as way:
        way.connect(("192.0.2.1", 9))  # sends nothing; the system only chooses an interface
        mine = way.getsockname()[0]
    hosts = hosts_of(EVERYWHERE[0], 8050)
    assert {f"{mine}:8050", "127.0.0.1:8050", f"{socket.gethostname().lower()}:8050"} <= hosts
    assert not any("%" in host for host in hosts)


def test_the_token_is_taken_out_of_an_address_and_the_view_stays(guarded: FlaskClient) -> None:
    new = guarded.application.test_client()  # without the cookie
    answer = new.get(f"/?x=online_s&token={SECRET}&view=", headers=HOST)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/?x=online_s&view=")
