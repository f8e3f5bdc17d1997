"""CrypTen 0.4.1 (Knott et al., NeurIPS 2021) as the engine: ReLUs and squares of two parties in a 64-bit ring.

A ReLU is CrypTen's own, unchanged: 7 AND rounds, a conversion and a multiplication, 464 B both ways. A square opens
x - r of CrypTen's tuple, 16 B; beside ReLUs it travels in their first message. CrypTen's gloo is not used: its
collectives go over the channel, which merges what they send at once into one frame.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any, final

import torch
from torch import Tensor

from frontier.engines._channel import ENGINE, Channel
from frontier.engines._crypten_import import crypten
from frontier.engines._ring import generator, truncate
from frontier.errors import VerificationError

DISTRIBUTIONS = ("crypten", "torch")
SIMULATED = (
    "the dealer of CrypTen's tuples and the masks of the linear layers come from a seed that both parties know, before "
    "the clock starts: this is a measuring instrument, not a secure deployment"
)
CPU = torch.device("cpu")
Request = tuple[str, tuple[Any, ...], dict[str, Any]]


def check() -> None:
    """Raises BlockedError, naming the command that installs it, where CrypTen is not there."""
    crypten()


@contextlib.contextmanager
def evaluator(channel: Channel, party: int, fraction_bits: int) -> Iterator[Engine]:
    """CrypTen as one of two parties, one at a time in a process."""
    library = crypten()
    usual = library.communicator.get
    try:
        with library.cfg.temp_override({"encoder.precision_bits": fraction_bits}):  # of the bits that a ReLU converts
            yield Engine(library, channel, party, fraction_bits)
    finally:
        library.communicator.get = usual
        provider = library.mpc.get_default_provider()
        provider.request_cache, provider.tuple_cache = [], {}


@final
class Engine:
    """See `_online.Evaluator`. CrypTen holds its tuples and its random streams for the whole process."""

    cpu_s = 0.0  # all is done in this process

    def __init__(self, library: Any, channel: Channel, party: int, fraction_bits: int) -> None:
        self._library, self._party, self._fraction_bits = library, party, fraction_bits
        self._channel = channel
        self._provider = library.mpc.get_default_provider()
        self._requests: dict[tuple[int, int], list[Request]] = {}
        self._seed(0)

    def deal(self, seed: int, counts: Sequence[tuple[int, int]]) -> None:
        """The tuples of one inference, which both parties deal to themselves (CrypTen's trusted first party)."""
        for sizes in set(counts) - self._requests.keys():
            self._requests[sizes] = self._traced(*sizes)
        self._seed(seed)
        self._provider.tuple_cache = {}
        for sizes in counts:
            self._channel.check()
            self._provider.request_cache = self._requests[sizes]
            self._provider.fill_cache()
        self._library.communicator.get = lambda: Wire(self._party, self._channel)

    def evaluate(self, relus: Tensor, squares: Tensor) -> tuple[Tensor, Tensor]:
        """One gate: 9 rounds where there are ReLUs, 1 where there are squares alone."""
        wire = Wire(self._party, self._channel)
        self._library.communicator.get = lambda: wire
        return self._evaluated(wire, relus, squares)

    def finish(self) -> None:
        """Raises VerificationError if a dealt tuple is left: the inference was another than was dealt for."""
        if any(self._provider.tuple_cache.values()):
            raise VerificationError("CrypTen did not use the tuples that were dealt for it")

    def _evaluated(self, wire: Wire, relus: Tensor, squares: Tensor) -> tuple[Tensor, Tensor]:
        if len(squares):
            mask, square_of_mask = self._provider.square(squares.shape, device=CPU)
            wire.riding = squares - mask.share
        if len(relus):
            precision = self._fraction_bits
            relus = self._library.mpc.MPCTensor.from_shares(relus, precision=precision).relu().share
        if len(squares):
            opened = wire.opened()
            squares = square_of_mask.share + 2 * mask.share * opened
            if self._party == 0:
                squares = squares + opened * opened
            squares = truncate(squares, self._fraction_bits, self._party)
        return relus, squares

    def _traced(self, relus: int, squares: int) -> list[Request]:
        """What CrypTen asks its provider for at such a gate: written down while it runs alone, on zeros."""
        wire = Wire(self._party, None)
        self._library.communicator.get = lambda: wire
        provider = self._provider
        provider.request_cache, provider.tuple_cache = [], {}
        provider.trace(tracing=True)
        try:
            self._evaluated(wire, *(torch.zeros(count, dtype=torch.int64) for count in (relus, squares)))
            found: list[Request] = provider.request_cache
        finally:
            provider.trace(tracing=False)
            provider.request_cache = []
        return found

    def _seed(self, seed: int) -> None:
        """CrypTen's random streams: what one party calls next, the other calls prev."""
        names = {"next": f"ring {self._party}", "prev": f"ring {1 - self._party}", "local": "dealer", "global": "all"}
        for key, purpose in names.items():
            self._library.generators[key][CPU] = generator(seed, purpose)


@final
class Wire:
    """What CrypTen takes for its communicator: two parties, and sums or xors of what both hold. With no channel it
    talks to itself."""

    def __init__(self, party: int, channel: Channel | None) -> None:
        self._party, self._channel = party, channel
        self.riding: Tensor | None = None  # a share that the next message takes along
        self._opened: Tensor | None = None

    def get_rank(self) -> int:
        """CrypTen's name for the party."""
        return self._party

    def get_world_size(self) -> int:
        """Two."""
        return 2

    def all_reduce(self, input: Any, op: Any = None, batched: bool = False) -> Any:  # noqa: A002 CrypTen's signature
        """The sum, or the xor, of both parties' tensors; `batched`: of a list of them, in one message."""
        mine: list[Tensor] = list(input) if batched else [input]
        riding = [] if self.riding is None else [self.riding]
        theirs = self._swapped([*mine, *riding])
        if riding:
            self._opened, self.riding = riding[0] + theirs.pop(), None
        xor = op == torch.distributed.ReduceOp.BXOR
        both = [a ^ b if xor else a + b for a, b in zip(mine, theirs, strict=True)]
        return both if batched else both[0]

    def opened(self) -> Tensor:
        """The sum of what rode along with a message, or goes in one of its own now."""
        if self.riding is not None:
            self.all_reduce([], batched=True)
        assert self._opened is not None
        return self._opened

    def _swapped(self, mine: list[Tensor]) -> list[Tensor]:
        return list(mine) if self._channel is None else self._channel.exchange(mine, ENGINE)
