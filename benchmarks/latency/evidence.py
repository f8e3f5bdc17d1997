"""Evidence: the networks, and every session that was measured of them, in one file that a report is printed from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from frontier.errors import InputError
from frontier.files import write_named
from frontier.frozen import Frozen
from frontier.results.measured import Measured, Run
from frontier.results.profile import Profile
from frontier.results.record import Scores

LOOPBACK = "loopback"
LISTS = ("networks", "sessions", "failed")  # one line an element: thousands of numbers that nobody reads one by one


class Network(Frozen):
    """A measured network. `kind` is a plan's layout or a contender's name."""

    name: str
    kind: str
    relu_budget: int
    seed: int
    mask_hash: str
    profile: Profile
    trial: int | None = None  # in the study that holds its record
    test: Scores | None = None  # of a trained one


class Session(Frozen):
    """One measurement of one network in one round."""

    network: str
    link: str
    round: int
    measured: Measured


class Evidence(Frozen):
    """All of it. `failed` are sessions that were measured again, with the reason."""

    format: Literal["frontier-latency-evidence"] = "frontier-latency-evidence"
    version: Literal[1] = 1
    part: Literal["resnet18", "laboratory"]
    engine: str
    links: tuple[str, ...]
    rounds: int
    repeats: int  # runs of a session
    calm: float | None = None  # sessions waited until the load average was below this
    networks: tuple[Network, ...]
    sessions: tuple[Session, ...] = ()
    failed: tuple[str, ...] = ()

    def of(self, network: Network, link: str) -> tuple[Session, ...]:
        """Its sessions over this link, round after round."""
        return tuple(one for one in self.sessions if (one.network, one.link) == (network.name, link))

    def runs(self, network: Network, link: str) -> tuple[Run, ...]:
        """Its runs over this link that count, of all rounds."""
        return tuple(run for one in self.of(network, link) for run in one.measured.runs if run.discarded is None)

    def all_runs(self) -> tuple[Run, ...]:
        """Whether they count or not."""
        return tuple(run for one in self.sessions for run in one.measured.runs)


def read(path: Path) -> Evidence:
    """Raises InputError for what is no such file."""
    try:
        return Evidence.model_validate_json(path.read_bytes())
    except OSError as error:
        why = error.strerror or str(error)
    except ValidationError as error:
        first = error.errors()[0]
        why = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    raise InputError(f"not the evidence of this benchmark ({why})", where=str(path), fix="measure first")


def write(evidence: Evidence, path: Path) -> None:
    """Whole or not at all. Raises InputError for what is no regular file."""
    whole: dict[str, Any] = evidence.model_dump(mode="json")
    head = {name: value for name, value in whole.items() if name not in LISTS}
    parts = [json.dumps(head, indent=1)[:-2]]
    for name in LISTS:
        lines = ",\n".join("  " + json.dumps(one, separators=(",", ":")) for one in whole[name])
        parts.append(f' "{name}": [\n{lines}\n ]' if lines else f' "{name}": []')
    write_named(path, ",\n".join(parts) + "\n}\n", "--out")
