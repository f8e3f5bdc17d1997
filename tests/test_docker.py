"""What docker/ promises, as far as it can be seen without a daemon or a cluster: nothing open, nothing privileged."""

from __future__ import annotations

import os
import re
import stat
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from frontier import registry

ROOT = Path(__file__).resolve().parents[1]
DOCKER = ROOT / "docker"
COMPOSE = yaml.safe_load((DOCKER / "compose.yaml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = sorted(name for name, service in SERVICES.items() if "build" in service)
MANIFESTS = {path.stem: yaml.safe_load(path.read_text()) for path in sorted((DOCKER / "kuberay").glob("*.yaml"))}
DOCKERFILE = (DOCKER / "Dockerfile").read_text(encoding="utf-8")


def cluster_of(manifest: dict[str, Any]) -> dict[str, Any]:
    spec: dict[str, Any] = manifest["spec"]
    return spec["rayClusterSpec"] if manifest["kind"] == "RayJob" else spec


def pods(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    cluster = cluster_of(manifest)
    return [group["template"]["spec"] for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"])]


def test_the_image_is_built_from_all_that_the_wheel_holds() -> None:
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    allowed = (ROOT / ".dockerignore").read_text().splitlines()
    for folder in (*wheel["packages"], *wheel["force-include"]):
        assert f"COPY {folder} {folder}\n" in DOCKERFILE
        assert f"!{folder}" in allowed


# compose


def test_nothing_is_published_beyond_this_machine() -> None:
    published = [port for service in SERVICES.values() for port in service.get("ports", [])]
    assert published
    assert [port for port in published if not port.startswith("127.0.0.1:")] == []
    assert [name for name, service in SERVICES.items() if "network_mode" in service] == []


@pytest.mark.parametrize("name", OURS)
def test_our_containers_have_no_rights(name: str) -> None:
    service = SERVICES[name]
    assert service["user"].startswith("${FRONTIER_UID:-1000}")
    assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])
    assert "privileged" not in service


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_every_container_is_pinned_and_gains_no_privileges(name: str) -> None:
    service = SERVICES[name]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert re.search(r":(?!latest)\S+$", service["image"])


@pytest.mark.parametrize("name", ["head", "worker"])
def test_nodes_authenticate_by_a_token_from_a_file(name: str) -> None:
    environment = SERVICES[name]["environment"]
    assert environment["RAY_AUTH_MODE"] == "token"
    assert Path(environment["RAY_AUTH_TOKEN_PATH"]).name in SERVICES[name]["secrets"]
    assert "RAY_AUTH_TOKEN" not in environment


def test_secrets_are_files_and_every_one_that_is_used_is_named() -> None:
    used = {secret for service in SERVICES.values() for secret in service.get("secrets", [])}
    assert used == set(COMPOSE["secrets"])
    assert all(list(secret) == ["file"] for secret in COMPOSE["secrets"].values())
    variables = {key for service in SERVICES.values() for key in service.get("environment", {})}
    assert [key for key in variables if "PASSWORD" in key and not key.endswith("_FILE")] == []


def test_what_a_service_refers_to_is_there() -> None:
    for service in SERVICES.values():
        assert set(service.get("depends_on", {})) <= set(SERVICES)
        named = {volume.partition(":")[0] for volume in service.get("volumes", [])}
        assert {name for name in named if re.fullmatch(r"[a-z-]+", name)} <= set(COMPOSE["volumes"])
        for other in service.get("depends_on", {}):
            assert "healthcheck" in SERVICES[other]


def test_secrets_are_made_once_and_for_their_owner_alone(tmp_path: Path) -> None:
    command = [str(DOCKER / "secrets.sh")]
    environment = os.environ | {"FRONTIER_SECRETS": str(tmp_path / "secrets")}
    contents = []
    for _ in range(2):
        subprocess.run(command, env=environment, check=True, capture_output=True)
        files = sorted((tmp_path / "secrets").iterdir())
        assert [stat.S_IMODE(file.stat().st_mode) for file in files] == [0o600] * len(files)
        contents.append([file.read_text() for file in files])
    assert [file.name for file in files] == sorted(COMPOSE["secrets"])
    assert contents[0] == contents[1]
    assert len(set(contents[0])) == len(files)
    written = {file.name: file.read_text() for file in files}
    assert written["postgres_passfile"].strip().endswith(written["postgres_password"])


def test_the_page_asks_for_a_token_and_cannot_write() -> None:
    page = SERVICES["browse"]
    assert page["command"][page["command"].index("--token") + 1] == "/run/secrets/browse_token"
    assert [volume for volume in page["volumes"] if not volume.endswith(":ro")] == []


# the image


def test_the_image_ends_as_a_user_without_rights_from_a_pinned_base() -> None:
    assert re.findall(r"^FROM (\S+) AS (\w+)", DOCKERFILE, re.MULTILINE) == [
        ("${BASE}", "build"),
        ("${BASE}", "cpu"),
        ("cpu", "cuda"),
    ]
    assert re.search(r"^ARG BASE=python:\d+\.\d+\.\d+-slim-\w+$", DOCKERFILE, re.MULTILINE)
    assert re.findall(r"^USER (\S+)", DOCKERFILE, re.MULTILINE) == ["1000:1000"]
    assert "RAY_AUTH_MODE=token" in DOCKERFILE
    assert DOCKERFILE.count("--require-hashes") == 2


def test_the_dockers_readme_names_verbs_and_services_that_exist() -> None:
    text = (DOCKER / "README.md").read_text(encoding="utf-8")
    assert set(re.findall(r"(?:exec head |ray_token )frontier (\w+)", text)) <= set(registry.names("verb"))
    assert set(re.findall(r"--profile (\w+)", text)) <= {p for s in SERVICES.values() for p in s.get("profiles", [])}


# KubeRay


@pytest.mark.parametrize("name", sorted(MANIFESTS))
def test_a_manifest_asks_for_token_authentication_and_no_rights(name: str) -> None:
    manifest = MANIFESTS[name]
    assert (manifest["apiVersion"], manifest["kind"].lower()) == ("ray.io/v1", name)
    assert cluster_of(manifest)["authOptions"] == {"mode": "token", "secretName": "frontier-ray-token"}
    for pod in pods(manifest):
        assert pod["securityContext"]["runAsNonRoot"]
        assert not pod["automountServiceAccountToken"]
        assert "hostNetwork" not in pod
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "capabilities": {"drop": ["ALL"]},
            }
            mounted = {mount["name"] for mount in container["volumeMounts"]}
            assert mounted == {volume["name"] for volume in pod["volumes"]}


@pytest.mark.parametrize("name", sorted(MANIFESTS))
def test_a_manifests_drivers_are_given_the_database_without_which_several_hosts_are_refused(name: str) -> None:
    (head, *_) = pods(MANIFESTS[name])
    (storage,) = [one for one in head["containers"][0]["env"] if one["name"] == "FRONTIER_STORAGE"]
    assert storage["valueFrom"]["secretKeyRef"] == {"name": "frontier-storage", "key": "url"}


def test_the_job_has_the_cluster_that_stays_and_the_locked_ray() -> None:
    job, cluster = cluster_of(MANIFESTS["rayjob"]), cluster_of(MANIFESTS["raycluster"])
    assert job == cluster
    lock = (ROOT / "requirements/project.lock").read_text(encoding="utf-8")
    assert re.findall(r"^ray==(\S+)", lock, re.MULTILINE) == [cluster["rayVersion"]]
