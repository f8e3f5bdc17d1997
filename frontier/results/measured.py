"""Measured: what private inference of one network took between two real processes. A measurement, unlike a price.

It comes from an instrument: the offline phase is simulated, and `simulated` says how. One inference is of one image.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, ValidationError, model_validator

from frontier.errors import InputError
from frontier.frozen import Frozen, Grown, first_problem

Seconds = Annotated[float, Field(gt=0, le=1e9)]  # of a run: no process takes none
Count = Annotated[int, Field(ge=0)]
Load = Annotated[float, Field(ge=0)]
RoundTrip = Annotated[float, Field(ge=0, le=1e9)]
Bandwidth = Annotated[float, Field(ge=1e-6, le=1e12)]  # from one bit a second, so that transfers end


class Spread(Frozen):
    """Seconds over the runs that count."""

    median: Seconds
    min: Seconds
    max: Seconds
    mean: Seconds

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """`values`: at least one."""
        return cls(median=statistics.median(values), min=min(values), max=max(values), mean=statistics.fmean(values))


class Counted(Frozen):
    """Payload bytes and rounds of one inference, from the client's own counters.

    `sent_bytes`, `received_bytes` and `rounds` are those of ReLUs and squares, and what a price holds too. What else
    crosses the link stands apart: the image's shares, the client's new shares of what was evaluated, which go on to the
    server's linear layers, the logits' shares, and the headers of all frames.
    """

    sent_bytes: Count
    received_bytes: Count
    rounds: Count
    input_bytes: Count
    handover_bytes: Count
    output_bytes: Count
    header_bytes: Count

    @classmethod
    def mean(cls, found: Sequence[Counted]) -> Counted:
        """Of at least one, rounded."""
        return cls(
            **{name: round(statistics.fmean(getattr(counted, name) for counted in found)) for name in cls.model_fields}
        )

    @property
    def online_bytes(self) -> int:
        """Of ReLUs and squares, both directions."""
        return self.sent_bytes + self.received_bytes


class LinkMeasured(Frozen):
    """The connection itself, before the runs: the median of small echoes, and of bulk transfers each way."""

    rtt_ms: RoundTrip
    up_mbit_s: Bandwidth  # client to server
    down_mbit_s: Bandwidth
    congestion: str  # control algorithm of the client's socket; empty where the system does not say


class LinkEmulated(Frozen):
    """The link that was asked for, which two network namespaces of one host were joined by."""

    rtt_ms: RoundTrip
    mbit_s: Bandwidth  # each way
    by: Literal["tun", "netem"]  # a process of ours, or the kernel
    late_ms: float | None  # the latest packet of the runs that count; None: the kernel does not say


class Run(Grown):
    """One inference. `online_s` is the client's clock from sending its input to having the logits."""

    NEWER: ClassVar[frozenset[str]] = frozenset({"counted"})
    repeat: int
    image: int
    online_s: float
    client_cpu_s: float
    server_cpu_s: float
    max_error: float  # of a logit, against the network in clear
    largest_logit: float
    argmax_equal: bool
    decided: bool  # the margin in clear exceeds twice the error, so that the argmax has to be equal
    late_ms: float | None = None  # of the emulated link's packets the latest
    discarded: str | None = None  # the reason why this run is in no figure
    counted: Counted | None = None  # where runs of one network differ in it


class Measured(Grown):
    """All runs, and the figures over those that were not discarded."""

    NEWER: ClassVar[frozenset[str]] = frozenset({"varies"})
    format: Literal["frontier-measured"] = "frontier-measured"
    version: Literal[1] = 1
    engine: str
    simulated: str
    versions: dict[str, str]
    mask_hash: str
    weights_sha256: str
    relus: Count
    squares: Count
    relu_layers: Count  # sites that keep at least one ReLU
    square_layers: Count  # sites that keep none and have squares
    counted: Counted  # of every run, or the mean over those that count
    varies: str | None = None  # why `counted` is another in every run; None: it is the same
    online_s: Spread
    client_cpu_s: Spread
    server_cpu_s: Spread
    argmax_agreement: float  # share of the runs that count
    max_error: float
    largest_logit: float
    repeats: int = Field(ge=1)
    images: int = Field(ge=1)
    images_from: str
    seed: int
    ring_bits: int
    fraction_bits: int
    threads: int  # of each party
    parties: Literal["one host", "two hosts"]
    machine: str = ""  # processor and cores of the client's host; empty where an older measurement does not say
    link: LinkMeasured
    emulated: LinkEmulated | None = None
    load: dict[str, Load] = Field(min_length=1)  # average over a minute, by party, before and after
    measured_at: str  # UTC, ISO 8601
    runs: tuple[Run, ...]

    @model_validator(mode="after")
    def _some_run_counts(self) -> Self:
        if self.counting < 1:
            raise ValueError(f"{self.repeats * self.images} runs, and {len(self.discarded)} of them discarded")
        return self

    @property
    def counting(self) -> int:
        """How many of its runs are in its figures."""
        return self.repeats * self.images - len(self.discarded)

    @property
    def discarded(self) -> tuple[Run, ...]:
        """The runs that are in no figure."""
        return tuple(run for run in self.runs if run.discarded is not None)

    def figures(self) -> Measured:
        """All but the single runs that count: what a record keeps. The runs that do not count stay, with the reason."""
        return self.model_copy(update={"runs": self.discarded})


class Measurement(Frozen):
    """What a point of a trial was measured at, later, by `frontier measure --study`."""

    point: int
    measured: Measured


def read_measured(path: Path) -> Measured:
    """Raises InputError for what is no measurement."""
    try:
        return Measured.model_validate_json(path.read_bytes())
    except OSError as error:
        why = error.strerror or str(error)
    except ValidationError as error:
        why = first_problem(error)
    raise InputError(
        f"not a measurement ({why})", where=str(path), expected="a file that frontier measure wrote", fix="remove it"
    ) from None
