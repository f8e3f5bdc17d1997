"""SPU 0.9.5's CHEETAH as the engine: ReLUs and squares of two parties in a 64-bit ring, with oblivious transfer.

SPU: Ma et al., USENIX ATC 2023. Cheetah: Huang et al., USENIX Security 2022. Nobody deals anything: comparisons rest
on Ferret's silent oblivious transfer, squares on triples by homomorphic encryption, both SPU's own and unchanged. At a
gate with both, the ReLUs are evaluated first and the squares after them. SPU's parties run in a process beside each
party, and are joined by connections of their own.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator, Sequence
from typing import Any, final

import torch
from torch import Tensor

from frontier.engines import _spu_import
from frontier.engines._channel import ENGINE, Channel
from frontier.engines._frames import WORD_BYTES
from frontier.engines._ring import CLIENT
from frontier.engines._spu_beside import GIVEN_UP_S, Beside, beside
from frontier.engines._spu_trace import rounds
from frontier.errors import BlockedError, VerificationError

DISTRIBUTIONS = ("spu", "torch")
SIMULATED = (
    "the masks of the linear layers come from a seed that both parties know, before the clock starts; the oblivious "
    "transfers of ReLUs and squares are real, without a dealer, and only their first set-up is before the clock: this "
    "is a measuring instrument, not a secure deployment"
)
VARIES = "SPU makes oblivious transfers and triples in batches, within whichever run needs the next one"
WARM_UP = 1024  # ReLUs and squares at most, of which SPU sets up all that it needs

check = _spu_import.check


@contextlib.contextmanager
def evaluator(channel: Channel, party: int, fraction_bits: int) -> Iterator[Engine]:
    """SPU as one of two parties; its process ends with the context."""
    with beside(channel) as process:
        yield Engine(channel, party, fraction_bits, process)


@final
class Engine:
    """See `_online.Evaluator`."""

    def __init__(self, channel: Channel, party: int, fraction_bits: int, process: Beside) -> None:
        self._channel, self._party, self._fraction_bits, self._process = channel, party, fraction_bits, process
        self._joined = False
        self._expected: list[tuple[int, int]] = []
        self._evaluated: list[tuple[int, int]] = []
        self.cpu_s = 0.0

    def deal(self, seed: int, counts: Sequence[tuple[int, int]]) -> None:
        """Nothing is dealt. Before the first inference the two are joined, and evaluate something for the set-up."""
        self._expected = [sizes for sizes in counts if any(sizes)]
        self._evaluated = []
        if not self._joined:
            self._join()
        for relus, squares in set(self._expected):
            self._process.ask({"do": "prepare", "relus": relus, "squares": squares})
        if not self._joined and self._expected:
            relus, squares = (min(WARM_UP, max(sizes)) for sizes in zip(*self._expected, strict=True))
            self._run(torch.zeros(relus, dtype=torch.int64), torch.zeros(squares, dtype=torch.int64))
        self._joined = True
        self._process.ask({"do": "begin"})

    def evaluate(self, relus: Tensor, squares: Tensor) -> tuple[Tensor, Tensor]:
        """One gate, in one request."""
        self._evaluated.append((len(relus), len(squares)))
        return self._run(relus, squares)

    def finish(self) -> None:
        """SPU's own counters into the tally; the rounds follow from what both parties' traces hold together."""
        found, _ = self._process.ask({"do": "counts"})
        self.cpu_s = found["cpu_s"]
        self._channel.tell({"calls": found["calls"]})
        theirs = self._channel.hear().get("calls")
        if self._evaluated != self._expected or len(found["calls"]) != len(self._expected):
            raise VerificationError("SPU did not evaluate what it was asked to get ready for")
        if self._expected and not found["sent_bytes"]:
            raise VerificationError("SPU evaluated without a message: the values were not secret to it")
        if not self._expected:
            return
        tally = self._channel.counted(ENGINE)
        tally.sent_bytes, tally.received_bytes = found["sent_bytes"], found["received_bytes"]
        tally.rounds = self._rounds(found["calls"], theirs)

    def _rounds(self, mine: list[str], theirs: Any) -> int:
        both = (mine, theirs) if self._party == CLIENT else (theirs, mine)
        try:
            return sum(rounds(client, server) for client, server in zip(*both, strict=True))
        except (TypeError, ValueError) as error:
            raise VerificationError(f"SPU's rounds cannot be counted: {error}") from None

    def _run(self, relus: Tensor, squares: Tensor) -> tuple[Tensor, Tensor]:
        words = torch.cat([relus, squares])
        asked = {"do": "run", "relus": len(relus), "squares": len(squares)}
        _, raw = self._process.ask(asked, words.numpy().tobytes())
        if len(raw) != len(words) * WORD_BYTES:
            raise VerificationError("SPU hands out another number of values than it was given")
        found = torch.frombuffer(bytearray(raw), dtype=torch.int64)
        return found[: len(relus)], found[len(relus) :]

    def _join(self) -> None:
        """SPU's two processes, over connections of their own: each listens at a free port, and the other is told."""
        here, there = self._channel.hosts()
        port = _free_port(here)
        self._channel.tell({"port": port})
        told = self._channel.hear().get("port")
        if not isinstance(told, int) or not 0 < told < 1 << 16:
            raise BlockedError(f"the other party at {self._channel.peer} did not say where its SPU listens")
        addresses = [_address(here, port), _address(there, told)]
        try:
            self._process.ask(
                {
                    "do": "link",
                    "rank": self._party,
                    "parties": addresses if self._party == CLIENT else addresses[::-1],
                    "fraction_bits": self._fraction_bits,
                },
                within_s=GIVEN_UP_S,
            )
        except BlockedError as error:
            raise BlockedError(
                f"SPU at {addresses[0]} and SPU at {addresses[1]} do not reach each other: {error}\n"
                "  to do: both hosts must take connections from the other, at any port"
            ) from None


def _free_port(host: str) -> int:
    with socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET) as found:
        return int(found.getsockname()[1])


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
