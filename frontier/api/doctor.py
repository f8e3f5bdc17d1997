"""What stands in a search's way: this machine, and a cluster with all its nodes, looked at before anything runs."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Iterator, Mapping
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from packaging.requirements import Requirement

from frontier import registry
from frontier.api.doctor_cluster import jobs_api, nodes
from frontier.api.remark import Remark
from frontier.driver import reach, token
from frontier.driver.node import Machine, look
from frontier.errors import BlockedError
from frontier.mirror import home_at, mirror_of
from frontier.shelves import DEFAULT_HOME, PAGE_PORT
from frontier.trial.origin import DISTRIBUTION

LEAST_FREE_GIB = 2.0
WALL = "let a firewall keep these ports to the cluster's own machines: Ray binds them so whatever it is told"
CHROMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
EXTRAS = {
    "attacks": ("pyautoattack", "AutoAttack"),
    "cluster": ("aiohttp", "frontier submit and frontier status"),
    "objects": ("s3fs", "a home on an object store"),
    "postgresql": ("psycopg", "a sampler's memory in PostgreSQL"),
    "static": ("kaleido", "figures of a report as SVG and PNG"),
    "web": ("dash", "frontier browse"),
}


def doctor(
    *, home: Path | str = DEFAULT_HOME, data: Path | str | None = None, address: str | None = None
) -> tuple[Remark, ...]:
    """Looks at this machine and, with `address`, at a cluster: `http://HOST:8265` (what its jobs API answers) from
    anywhere, or `HOST:6379` or `auto` (that, and every node) on a machine of the cluster.

    Raises InputError for an address that is none. What is missing or wrong is a remark, not an error.
    """
    if address is not None and "://" in address:
        address = reach.checked(address)
    folder = home_at(home).absolute()
    given = data if data is not None else os.environ.get("FRONTIER_DATA")
    files = str(Path(given).absolute()) if given else None
    here = look(str(folder), files)
    remarks = [
        _versions(here),
        *_machine(here),
        *_store(folder),
        *_engines(),
        *_extras(),
        _chrome(),
        _page(),
        _token(),
        _ports(),
    ]
    if address is not None:
        remarks += jobs_api(address) if "://" in address else nodes(address, here)
    return tuple(remarks)


def _versions(here: Machine) -> Remark:
    found = f"frontier {here.code}, Python {here.python}, " + _list(here.libraries)
    try:
        asked = [Requirement(line) for line in metadata.requires(DISTRIBUTION) or ()]
    except metadata.PackageNotFoundError:
        return Remark(about="versions", found=f"{found}; not installed as a distribution, so not compared")
    always = [one for one in asked if one.marker is None or one.marker.evaluate({"extra": ""})]
    have = registry.versions(*(one.name for one in always))
    wrong = [
        f"{one} (found: {have.get(one.name, 'none')})"
        for one in always
        if one.name not in have or not one.specifier.contains(have[one.name], prereleases=True)
    ]
    if wrong:
        needs = "; ".join(wrong)
        return Remark(about="versions", state="problem", found=f"not as needed: {needs}", to_do="make setup")
    return Remark(about="versions", found=found)


def _machine(here: Machine) -> Iterator[Remark]:
    threads = os.environ.get("OMP_NUM_THREADS", "")
    many = threads.isdigit() and int(threads) > here.cpus
    yield Remark(
        about="processors",
        state="warning" if many else "ok",
        found=f"{here.cpus} CPU, {here.memory_gib:g} GiB of memory" + f", OMP_NUM_THREADS={threads}" * many,
        to_do="unset OMP_NUM_THREADS: a trial's threads are set to what it is given" if many else None,
    )
    yield Remark(
        about="GPU", found=", ".join(here.gpus) or "none that PyTorch sees; a space that asks for one cannot run"
    )
    yield _home(here)
    yield _data(here)


def _store(home: Path) -> Iterator[Remark]:
    """Whether the object store behind a mirror can be written, and keeps to conditional PUTs."""
    if (mirror := mirror_of(home)) is None:
        return
    try:
        mirror.bucket.check()
    except BlockedError as error:
        found, _, to_do = str(error).partition("\n  to do: ")
        yield Remark(about="object store", state="problem", found=found, to_do=to_do or None)
    else:
        yield Remark(about="object store", found=f"{mirror.bucket.url} can be written, by one where it must be new")


def _home(of: Machine) -> Remark:
    if of.home_error:
        to_do = "make it writable for this user, or give another --home"
        return Remark(about="home", state="problem", found=f"{of.home}: {of.home_error}", to_do=to_do)
    free = of.free_gib or 0.0
    few = free < LEAST_FREE_GIB
    return Remark(
        about="home",
        state="warning" if few else "ok",
        found=f"{of.home} can be written, {free:g} GiB are free",
        to_do="make room: a full disk fails every trial" if few else None,
    )


def _data(of: Machine) -> Remark:
    if of.data is None:
        return Remark(about="data", found="no folder is named (--data, FRONTIER_DATA); the digits need none")
    if not of.data_readable:
        to_do = "correct --data or FRONTIER_DATA"
        return Remark(about="data", state="problem", found=f"{of.data} is no folder that can be read", to_do=to_do)
    return Remark(about="data", found=f"{of.data} can be read")


def _engines() -> Iterator[Remark]:
    for name in registry.names("engine"):
        try:
            registry.load("engine", name).check()
        except BlockedError as error:
            first, *_ = str(error).splitlines()
            only = "only 'frontier measure' needs it"
            yield Remark(about=f"engine {name}", state="warning", found=f"not installed; {only}", to_do=first)
        else:
            yield Remark(about=f"engine {name}", found="installed")


def _extras() -> Iterator[Remark]:
    for name, (module, use) in EXTRAS.items():
        there = find_spec(module) is not None
        yield Remark(
            about=f"extra {name}",
            state="ok" if there else "warning",
            found="installed" if there else f"not installed; {use} needs it",
            to_do=None if there else f"pip install 'relu-frontier[{name}]'",
        )


def _chrome() -> Remark:
    """What draws images, by the names that it has on PATH; kaleido looks in a few places more."""
    path = next(filter(None, map(shutil.which, CHROMES)), None)
    if path is None:
        found = "none on PATH; figures of a report as SVG and PNG need it"
        return Remark(about="Chrome", state="warning", found=found, to_do="apt-get install chromium (Debian, Ubuntu)")
    return Remark(about="Chrome", found=path)


def _page() -> Remark:
    about = f"port {PAGE_PORT}"
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", PAGE_PORT))
        except OSError as error:
            found = f"{error.strerror}: the page of another frontier browse, say"
            return Remark(about=about, state="warning", found=found, to_do="frontier browse --port 0 takes a free one")
    return Remark(about=about, found="free for frontier browse")


def _token() -> Remark:
    try:
        where = token.place()
        shared = token.readable_by_others()
    except BlockedError as error:
        return Remark(about="token", state="problem", found=str(error), to_do=f"correct or unset {token.FILE}")
    if where is None:
        return Remark(about="token", found="none yet; Ray makes one for a cluster on this machine alone")
    if shared:
        found = f"{where} can be read by others on this machine"
        return Remark(about="token", state="warning", found=found, to_do=f"chmod 600 {where}")
    return Remark(about="token", found=f"from {where}")


def _ports() -> Remark:
    ports = reach.open_ports()
    if not ports:
        return Remark(about="ports", found="no process of Ray that we can see listens on all interfaces here")
    names = dict.fromkeys(ports.values())
    by_name = {name: " ".join(str(port) for port, whose in ports.items() if whose == name) for name in names}
    found = f"Ray listens on all interfaces of this machine: {_list(by_name)}"
    return Remark(about="ports", state="warning", found=found, to_do=WALL)


def _list(words: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {word}" for name, word in words.items())
