"""A running Ray cluster: joined with its token, never found by chance, and asked a question on each of its nodes."""

from __future__ import annotations

import contextlib
import logging
import os
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import ray
from ray._raylet import Config  # type: ignore[attr-defined]  # its stub lacks it
from ray.exceptions import GetTimeoutError, RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from frontier.driver import token
from frontier.errors import BlockedError, InputError

KNOCK_S = 10.0
ANSWER_S = 120.0  # a node's first process imports torch


@contextlib.contextmanager
def environment(settings: Mapping[str, str], without: Sequence[str] = ()) -> Iterator[None]:
    """Token authentication and these variables, for this process and for those that it starts meanwhile."""
    before = dict(os.environ)
    for name in without:
        os.environ.pop(name, None)
    os.environ.update({**settings, token.MODE: "token"})
    Config.initialize("")  # Ray has read its variables already, when it was imported
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        Config.initialize("")


def join(address: str) -> None:
    """Connects this process to the cluster at HOST:PORT, or with `auto` to the one that this machine belongs to.

    To be called inside `environment`. Raises what `knock` raises, and BlockedError where no cluster lets us in.
    """
    knock(address)
    try:
        ray.init(address=address, log_to_driver=False, logging_level=logging.CRITICAL)
    except (OSError, RuntimeError, ValueError, RayError) as error:
        ray.shutdown()
        raise _turned_away(address, error) from None


def knock(address: str) -> None:
    """Raises InputError for what is neither HOST:PORT nor `auto`, and BlockedError without a token or where nothing
    listens: Ray would go on trying for minutes."""
    token.required()
    if address == "auto":
        return
    host, _, port = address.rpartition(":")
    if "/" in host or not host or not (port.isdecimal() and 0 < int(port) < 65536):
        raise InputError(
            "not the address of a cluster",
            where="--address",
            expected="HOST:6379, the head node's, or auto on a machine of the cluster",
            got=address,
            fix="http://HOST:8265 is for 'frontier submit'" if "://" in address else None,
        )
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=KNOCK_S).close()
    except OSError as error:
        raise _turned_away(address, error) from None


def _turned_away(address: str, error: Exception) -> BlockedError:
    first = str(error).splitlines()[0] if str(error) else type(error).__name__
    return BlockedError(
        f"no Ray cluster let us in at '{address}' ({first}); the address is that of its head node (HOST:6379), "
        "this machine must be one of the cluster, and the token that of its head; from any other machine use "
        "'frontier submit'"
    )


def leave() -> None:
    """Disconnects this process; the cluster stays."""
    ray.shutdown()


def dashboard() -> str | None:
    """`http://HOST:PORT` of the jobs API of the cluster that this process has joined, if it runs one."""
    url = ray._private.worker.get_dashboard_url()  # type: ignore[no-untyped-call]  # Ray's gap
    return f"http://{url}" if url else None


def alive() -> list[dict[str, Any]]:
    """The nodes of the cluster that this process has joined, as Ray describes them."""
    return [node for node in ray.nodes() if node["Alive"]]  # type: ignore[no-untyped-call]  # Ray's gap


def ask_each_node(question: Callable[..., Any], *given: Any) -> dict[str, Any]:
    """`question(*given)` on every node that is alive, by the node's name and address; the exception where it failed.

    To be called after `join`. `question` is a function of a module that the nodes have, and takes no CPU.
    """
    task = ray.remote(num_cpus=0, max_retries=0)(question)
    asked = {
        f"{node['NodeManagerHostname']} {node['NodeManagerAddress']}": task.options(
            scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
        ).remote(*given)
        for node in alive()
    }
    ray.wait(list(asked.values()), num_returns=len(asked), timeout=ANSWER_S)
    return {name: _answer(reference) for name, reference in asked.items()}


def _answer(reference: Any) -> Any:
    try:
        return ray.get(reference, timeout=0.1)
    except (GetTimeoutError, RayError, ImportError) as error:
        return error
