"""A session: hello, the link by echoes and bulk, then inferences one by one. The client asks, the server follows."""

from __future__ import annotations

import contextlib
import os
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeVar

import torch
from pydantic import Field, ValidationError
from torch import Tensor

from frontier.engines._channel import ENGINE, Channel, Tally
from frontier.engines._frames import WORD_BYTES
from frontier.engines._job import Job, agree
from frontier.engines._offline import Weights, client_shares, server_offsets
from frontier.engines._online import HANDOVER, INPUT, OUTPUT, Evaluator, client_run, server_run
from frontier.engines._ring import CLIENT, SERVER, decode, encode
from frontier.errors import BlockedError, VerificationError
from frontier.frozen import Frozen
from frontier.results.measured import Counted, LinkMeasured

ECHOES, WARM_UPS = 20, 3
BULK_WORDS = 1 << 22  # 32 MiB, or less over a slow link
FIRST_WORDS, LONG_S, LONG_RTTS, BULKS = 1 << 15, 0.25, 20, 3  # TCP has found the rate after a few round trips
LINK = "link"  # the purpose of what is sent to measure the link
Message = TypeVar("Message", bound=Frozen)


class Asked(Frozen):
    """What the client asks for: so many echoes, a bulk of so many words, the load, a run under a seed, or the end."""

    do: Literal["echo", "bulk", "load", "run", "end"]
    number: int = Field(default=0, ge=0, lt=2**62)
    up: bool = False


class Told(Frozen):
    """What the server answers once it is ready, or done."""

    load: float = 0.0
    cpu_s: float = 0.0
    rounds: int = 0
    sent_bytes: int = 0


@dataclass(frozen=True)
class Inference:
    """What one inference took and gave."""

    online_s: float
    client_cpu_s: float
    server_cpu_s: float
    logits: Tensor  # (classes,), float64
    counted: Counted


def as_client(job: Job, channel: Channel) -> Client:
    """Greets the server. Raises InputError where it has another bundle or other settings."""
    _greet(job, channel)
    return Client(job, channel)


@dataclass(frozen=True)
class Client:
    """A greeted server's other party."""

    job: Job
    channel: Channel

    def link(self) -> LinkMeasured:
        """The connection as it is now."""
        word = torch.zeros(1, dtype=torch.int64)
        self._ask("echo", ECHOES + WARM_UPS)
        times = []
        for _ in range(ECHOES + WARM_UPS):
            began = time.perf_counter()
            self.channel.send(word, LINK)
            self.channel.receive(1, LINK)
            times.append(time.perf_counter() - began)
        rtt_s = statistics.median(times[WARM_UPS:])
        return LinkMeasured(
            rtt_ms=rtt_s * 1e3,
            up_mbit_s=self._bulk_mbit_s(rtt_s, up=True),
            down_mbit_s=self._bulk_mbit_s(rtt_s, up=False),
            congestion=self.channel.congestion,
        )

    @contextlib.contextmanager
    def running(self) -> Iterator[Callable[[Tensor, int], Inference]]:
        """What runs an inference: of a normalised image (C, H, W), under a seed of its own."""
        with self.job.engine.evaluator(self.channel, CLIENT, self.job.fraction_bits) as engine:
            yield lambda image, seed: self._inference(engine, image, seed)

    def load(self) -> dict[str, float]:
        """The load averages of both hosts."""
        self._ask("load")
        return {"client": os.getloadavg()[0], "server": _heard(self.channel, Told).load}

    def end(self) -> None:
        """Let the server go; it answers, so that nothing is under way when the connection closes."""
        self._ask("end")
        _heard(self.channel, Told)

    def _ask(self, do: Literal["echo", "bulk", "load", "run", "end"], number: int = 0, *, up: bool = False) -> None:
        self.channel.tell(Asked(do=do, number=number, up=up).model_dump())

    def _inference(self, engine: Evaluator, image: Tensor, seed: int) -> Inference:
        plan, bits, channel = self.job.plan, self.job.fraction_bits, self.channel
        self._ask("run", seed)
        shares, encoded = client_shares(plan, seed, bits), encode(image, bits)
        engine.deal(seed, plan.counts)
        _heard(channel, Told)
        channel.reset()
        cpu_s, began = time.process_time(), time.perf_counter()
        words = client_run(plan, shares, encoded, channel, engine)
        online_s, client_cpu_s = time.perf_counter() - began, time.process_time() - cpu_s
        headers = channel.headers
        engine.finish()
        counted = _counted(channel, headers)
        told = _heard(channel, Told)
        if (told.rounds, told.sent_bytes) != (counted.rounds, counted.received_bytes):
            raise VerificationError("the two parties do not count the same bytes and rounds")
        return Inference(online_s, client_cpu_s + engine.cpu_s, told.cpu_s, decode(words, bits), counted)

    def _bulk_mbit_s(self, rtt_s: float, *, up: bool) -> float:
        """The median of a few transfers that take a while; those on the way to that size let TCP find the rate."""
        words, long_s = FIRST_WORDS, max(LONG_S, LONG_RTTS * rtt_s)
        while (took_s := self._bulk_s(words, up=up)) < long_s and words < BULK_WORDS:
            words *= 2
        times = [took_s, *(self._bulk_s(words, up=up) for _ in range(BULKS - 1))]
        return 8 * WORD_BYTES * words / max(statistics.median(times) - rtt_s, 1e-6) / 1e6

    def _bulk_s(self, words: int, *, up: bool) -> float:
        self._ask("bulk", words, up=up)
        _heard(self.channel, Told)
        there, back = torch.zeros(words if up else 1, dtype=torch.int64), 1 if up else words
        began = time.perf_counter()
        self.channel.send(there, LINK)
        self.channel.receive(back, LINK)
        return time.perf_counter() - began


def as_server(job: Job, channel: Channel) -> None:
    """Follows a client until it ends the session. Raises InputError where it has another bundle."""
    _greet(job, channel)
    weights = Weights.of(job.plan, job.fraction_bits)
    with job.engine.evaluator(channel, SERVER, job.fraction_bits) as engine:
        while True:
            asked = _heard(channel, Asked)
            match asked.do:
                case "echo":
                    for _ in range(asked.number):
                        channel.send(channel.receive(1, LINK), LINK)
                case "bulk":
                    _bulk(channel, min(asked.number, BULK_WORDS), up=asked.up)
                case "run":
                    _serve_run(job, weights, channel, engine, asked.number)
                case "load":
                    _tell(channel, Told(load=os.getloadavg()[0]))
                case "end":
                    _tell(channel, Told())
                    return


def _serve_run(job: Job, weights: Weights, channel: Channel, engine: Evaluator, seed: int) -> None:
    plan, bits = job.plan, job.fraction_bits
    offsets = server_offsets(plan, weights, client_shares(plan, seed, bits), channel.check)
    engine.deal(seed, plan.counts)
    _tell(channel, Told())
    channel.reset()
    began_s = time.process_time()
    server_run(plan, weights, offsets, channel, engine, bits)
    cpu_s = time.process_time() - began_s
    engine.finish()
    tally = channel.tally.get(ENGINE, Tally())
    _tell(channel, Told(cpu_s=cpu_s + engine.cpu_s, rounds=tally.rounds, sent_bytes=tally.sent_bytes))


def _bulk(channel: Channel, words: int, *, up: bool) -> None:
    back = torch.zeros(1 if up else words, dtype=torch.int64)
    _tell(channel, Told())
    channel.receive(words if up else 1, LINK)
    channel.send(back, LINK)


def _greet(job: Job, channel: Channel) -> None:
    mine = job.hello()
    channel.tell(mine)
    agree(mine, channel.hear(), channel.peer)


def _tell(channel: Channel, message: Frozen) -> None:
    channel.tell(message.model_dump())


def _heard(channel: Channel, kind: type[Message]) -> Message:
    """A message of this kind. Raises BlockedError for any other."""
    try:
        return kind.model_validate(channel.hear())
    except ValidationError as error:
        raise BlockedError(
            f"the other party at {channel.peer} says what is no {kind.__name__}: {error.errors()[0]['msg']}"
        ) from None


def _counted(channel: Channel, headers: int) -> Counted:
    tally = channel.tally
    engine, none = tally.get(ENGINE, Tally()), Tally()
    return Counted(
        sent_bytes=engine.sent_bytes,
        received_bytes=engine.received_bytes,
        rounds=engine.rounds,
        input_bytes=tally[INPUT].sent_bytes,
        handover_bytes=tally.get(HANDOVER, none).sent_bytes,
        output_bytes=tally[OUTPUT].received_bytes,
        header_bytes=headers,
    )
