"""What `frontier doctor` finds out about a cluster: who may use it, and whether its nodes are alike."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from frontier.api.remark import Remark
from frontier.driver import reach, token
from frontier.driver.node import Machine, look
from frontier.errors import BlockedError, FrontierError
from frontier.mirror import mirror_of

LOUDLY = "whoever reaches it runs programs on the cluster"


def jobs_api(address: str) -> Iterator[Remark]:
    """What the jobs API says to a stranger, and to us."""
    status = reach.status_without_token(address)
    if status is None:
        to_do = "start the cluster, or a tunnel to its head node: ssh -L 8265:127.0.0.1:8265 HEAD"
        yield Remark(about="jobs API", state="problem", found=f"nothing answers at {address}", to_do=to_do)
        return
    if status in (401, 403):
        yield Remark(about="jobs API", found=f"{address} refuses whoever has no token ({status})")
    elif status < 400:
        to_do = f"stop it; on its head node '{token.GENERATE}', then start every node with RAY_AUTH_MODE=token"
        found = f"{address} ANSWERS WITHOUT A TOKEN: {LOUDLY}"
        yield Remark(about="jobs API", state="problem", found=found, to_do=to_do)
    else:
        to_do = "see whether this is the dashboard of a head node with ray[default]"
        yield Remark(about="jobs API", state="problem", found=f"{address} answers with status {status}", to_do=to_do)
    yield from _with_token(address)


def _with_token(address: str) -> Iterator[Remark]:
    try:
        from frontier.driver.jobs import jobs

        searches = jobs(address)
    except FrontierError as error:
        yield Remark(about="job client", state="problem", found="our own requests fail", to_do=str(error))
    else:
        running = sum(not one.ended for one in searches)
        yield Remark(
            about="job client", found=f"our token is taken; {len(searches)} searches, {running} of them running"
        )


def nodes(address: str, here: Machine) -> Iterator[Remark]:
    """The cluster from inside: every node looks at itself, and at a file that we have just written to the home."""
    from frontier.driver import cluster

    with cluster.environment({}), contextlib.ExitStack() as stack:
        try:
            cluster.join(address)
        except BlockedError as error:
            yield Remark(about="cluster", state="problem", found=f"cannot be joined at {address}", to_do=str(error))
            return
        stack.callback(cluster.leave)
        api = cluster.dashboard()
        marker = stack.enter_context(_marker(Path(here.home)))
        answers = cluster.ask_each_node(look, here.home, here.data, marker and marker.name)
    if api:
        yield from jobs_api(api)
    for name, found in answers.items():
        yield _member(name, found, here)


def _member(name: str, found: Machine | Exception, here: Machine) -> Remark:
    about = f"node {name}"
    if isinstance(found, Exception):
        words = (str(found).strip() or type(found).__name__).splitlines()[-1]
        to_do = "install the same frontier on every node, for the Python that runs Ray there"
        return Remark(about=about, state="problem", found=f"could not look at itself: {words}", to_do=to_do)
    wrong = [f"{what} {theirs} and {ours} here" for what, ours, theirs in _differences(here, found)]
    if found.home_error:
        wrong.append(f"cannot write the home ({found.home_error})")
    elif found.sees is False:
        wrong.append(f"{found.home} is not the folder that this machine has under that name")
    if here.data and not found.data_readable:
        wrong.append(f"cannot read the data in {here.data}")
    if wrong:
        to_do = "make the nodes alike: one environment, one home and one data folder that all of them see"
        return Remark(about=about, state="problem", found="; ".join(wrong), to_do=to_do)
    has = f"{found.cpus} CPU, {found.memory_gib:g} GiB" + "".join(f", {gpu}" for gpu in found.gpus)
    return Remark(about=about, found=f"{has}; same versions, same home")


def _differences(here: Machine, there: Machine) -> Iterable[tuple[str, str, str]]:
    ours = {"frontier": here.code, "Python": here.python, **here.libraries}
    theirs = {"frontier": there.code, "Python": there.python, **there.libraries}
    return [
        (what, ours.get(what, "none"), theirs.get(what, "none"))
        for what in ours | theirs
        if ours.get(what) != theirs.get(what)
    ]


def _marker(home: Path) -> contextlib.AbstractContextManager[Any]:
    """A file in the home that exists while this lasts, as an object with `name`; None where none can be made, or where
    none would be seen."""
    if mirror_of(home) is not None:  # every node has one of its own
        return contextlib.nullcontext()
    try:
        return tempfile.NamedTemporaryFile(dir=home, prefix=".frontier-")
    except OSError:  # no such home yet, or one that cannot be written: the nodes say so
        return contextlib.nullcontext()
