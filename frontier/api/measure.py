"""Measuring private inference: an exported network between two real processes, checked against the network in clear.

The offline phase is simulated, so this is an instrument and no deployment (docs/latency.md).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor

from frontier import registry
from frontier.engines import _parties
from frontier.engines._emulated import Emulated, emulated
from frontier.engines._job import Job, prepare
from frontier.engines._ring import RING_BITS
from frontier.engines._session import Client, Inference
from frontier.engines._sockets import Address, parse_address
from frontier.errors import BlockedError, InputError, VerificationError
from frontier.files import writable, write_atomic
from frontier.latency._link import Link, parse_link
from frontier.results.measured import Counted, LinkEmulated, Measured, Run, Spread
from frontier.trial.manifest import WEIGHTS
from frontier.trial.origin import code_version, machine
from frontier.trial.source import Source

ENGINE, REPEATS, IMAGES, FRACTION_BITS = "crypten", 5, 1, 16
TOLERANCE = 1e-2  # of the largest logit; it grows with the unit of fixed point below these bits
TOLERANCE_BITS = 14
SEEDS = 1_000_000  # runs that a seed has streams for


@dataclass(frozen=True)
class Progress:
    """`done` of `of` runs are over; `run` is the last of them."""

    done: int
    of: int
    run: Run | None = None


OnProgress = Callable[[Progress], None]


@dataclass(frozen=True)
class Found:
    """The figures, and the file that they were written to."""

    measured: Measured
    path: Path


def measure(
    bundle: Path | str,
    *,
    engine: str = ENGINE,
    repeats: int = REPEATS,
    images: int = IMAGES,
    fraction_bits: int = FRACTION_BITS,
    seed: int = 0,
    connect: str | None = None,
    link: Link | str | None = None,
    data: Path | str | None = None,
    on_progress: OnProgress | None = None,
) -> Found:
    """Run private inference of an exported network, `repeats` times for each of so many images, one after the other.

    The server is a process on this host, or waits at `connect` (HOST:PORT) for its client: `serve`. `link` (`lan`,
    `wan`, `RTT_MS,MBIT_S`) is emulated between two namespaces of this host, which takes root. The images are the
    first of the test split, or noise where the data set's files are not there and `data` names no folder. The figures
    are written to `BUNDLE/measured-*.json` as well.

    Raises BlockedError without the engine or the rights, and when the other party is lost; InputError where that has
    another bundle; VerificationError if no run counts: it disagrees with the network in clear, or the emulated link
    was late.
    """
    if repeats < 1 or images < 1 or repeats * images > SEEDS:
        raise InputError("nothing to measure", expected=f"at least one repeat and one image, {SEEDS:,} runs at most")
    folder = Path(bundle)
    registry.load("engine", engine).check()
    tell = on_progress or (lambda progress: None)
    with contextlib.ExitStack() as stack:
        stack.enter_context(_parties.single_thread())
        stack.enter_context(_parties.terminable())
        between = stack.enter_context(_between(link, connect))
        address = stack.enter_context(_server(folder, engine, fraction_bits, connect, between))
        job = prepare(folder, engine, fraction_bits)
        writable(folder, "BUNDLE")
        pixels, images_from = _pixels(job, images, Path(data) if data is not None else None)
        at = address()
        if between is not None:
            stack.enter_context(between.entered("client"))
        client = stack.enter_context(_parties.client(job, at))
        measured = _measured(job, client, pixels, repeats, seed, tell, between).model_copy(
            update={"images_from": images_from, "parties": _parties_of(client, between)}
        )
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
    path = folder / f"measured-{engine}-{stamp}.json"
    write_atomic(path, measured.model_dump_json(indent=1) + "\n")
    return Found(measured, path)


def serve(
    bundle: Path | str,
    listen: str,
    *,
    engine: str = ENGINE,
    fraction_bits: int = FRACTION_BITS,
    on_listening: Callable[[str, int], None] | None = None,
) -> None:
    """Be the server of one measurement, at `listen` (HOST:PORT; port 0 takes a free one), with the same bundle.

    Anybody who can reach the address can start it: use it in networks that you trust. Raises as `measure` does.
    """
    address = parse_address(listen, "--listen")
    with _parties.terminable():
        _parties.serve(Path(bundle), engine, fraction_bits, address, on_listening or (lambda host, port: None))


def _parties_of(client: Client, between: Emulated | None) -> Literal["one host", "two hosts"]:
    """A connection within one host has the same address at both ends; only an emulated link has two there."""
    here, there = client.channel.hosts()
    return "one host" if between is not None or here == there else "two hosts"


def _between(link: Link | str | None, connect: str | None) -> contextlib.AbstractContextManager[Emulated | None]:
    """The emulated link, if one was asked for."""
    if link is None:
        return contextlib.nullcontext()
    if connect is not None:
        raise InputError(
            "a link is emulated on one host",
            where="--link with --connect",
            fix="leave out one of them; between two hosts lies a link already, and it is measured",
        )
    return emulated(parse_link(link) if isinstance(link, str) else link)


def _server(
    folder: Path, engine: str, fraction_bits: int, connect: str | None, between: Emulated | None
) -> contextlib.AbstractContextManager[Callable[[], Address]]:
    """Where to connect: to a process that is started here, or to somebody's."""
    if connect is None:
        return _parties.server_here(folder, engine, fraction_bits, between)
    address = parse_address(connect, "--connect")
    return contextlib.nullcontext(lambda: address)


def _measured(
    job: Job,
    client: Client,
    pixels: Tensor,
    repeats: int,
    seed: int,
    on_progress: OnProgress,
    between: Emulated | None,
) -> Measured:
    with torch.inference_mode():
        clear, normalised = job.model(pixels).double(), job.model.normalised(pixels).double()
    link, before = client.link(), client.load()
    varies: str | None = getattr(job.engine, "VARIES", None)
    runs: list[Run] = []
    inferences: list[Inference] = []
    on_progress(Progress(0, repeats * len(pixels)))
    with client.running() as infer:
        for repeat, image in _interleaved(repeats, len(pixels)):
            if between is not None:
                between.lateness_ms(anew=True)
            inferences.append(infer(normalised[image], seed * SEEDS + len(runs)))
            run = _judged(inferences[-1], clear[image], repeat, image, job.fraction_bits)
            run = run if varies is None else run.model_copy(update={"counted": inferences[-1].counted})
            runs.append(run if between is None else _timely(run, between))
            on_progress(Progress(len(runs), repeats * len(pixels), runs[-1]))
    after = client.load()
    kept = [run for run in runs if run.discarded is None]
    counts = [inference.counted for inference, run in zip(inferences, runs, strict=True) if run.discarded is None]
    if not kept:
        raise VerificationError(f"no run counts; the first: {runs[0].discarded}")
    if varies is None and len({inference.counted.model_dump_json() for inference in inferences}) != 1:
        raise VerificationError("the runs did not exchange the same bytes in the same rounds")
    gates = job.plan.counts
    return Measured(
        engine=job.name,
        simulated=job.engine.SIMULATED,
        versions={"frontier": code_version(), **registry.versions(*job.engine.DISTRIBUTIONS)},
        mask_hash=job.manifest.mask_hash,
        weights_sha256=job.manifest.sha256[WEIGHTS],
        relus=sum(relus for relus, _ in gates),
        squares=sum(squares for _, squares in gates),
        relu_layers=sum(1 for relus, _ in gates if relus),
        square_layers=sum(1 for relus, squares in gates if squares and not relus),
        counted=Counted.mean(counts),
        varies=varies,
        online_s=Spread.of([run.online_s for run in kept]),
        client_cpu_s=Spread.of([run.client_cpu_s for run in kept]),
        server_cpu_s=Spread.of([run.server_cpu_s for run in kept]),
        argmax_agreement=sum(run.argmax_equal for run in kept) / len(kept),
        max_error=max(run.max_error for run in kept),
        largest_logit=max(run.largest_logit for run in kept),
        repeats=repeats,
        images=len(pixels),
        images_from="",
        seed=seed,
        ring_bits=RING_BITS,
        fraction_bits=job.fraction_bits,
        threads=_parties.THREADS,
        parties="one host",
        machine=machine(),
        link=link,
        emulated=None if between is None else _emulated(between, kept),
        load={f"{party}_{when}": at[party] for when, at in (("before", before), ("after", after)) for party in at},
        measured_at=datetime.now(UTC).isoformat(timespec="seconds"),
        runs=tuple(runs),
    )


def _interleaved(repeats: int, images: int) -> Iterator[tuple[int, int]]:
    """Every image once, then every image again: what drifts meets all of them."""
    for repeat in range(repeats):
        for image in range(images):
            yield repeat, image


def _judged(inference: Inference, clear: Tensor, repeat: int, image: int, fraction_bits: int) -> Run:
    """A run beside the network in clear, and whether it counts."""
    error = float((inference.logits - clear).abs().max())
    largest = float(clear.abs().max())
    top = clear.topk(min(2, len(clear))).values
    decided = bool(top[0] - top[-1] > 2 * error)
    equal = bool(inference.logits.argmax() == clear.argmax())
    tolerance = TOLERANCE * 2.0 ** max(0, TOLERANCE_BITS - fraction_bits) * largest
    discarded = None
    if error > tolerance:
        discarded = f"a logit is off by {error:.3g}, and {tolerance:.3g} is tolerated"
    elif decided and not equal:
        discarded = "another class than in clear, where that is certain"
    return Run(
        repeat=repeat,
        image=image,
        online_s=inference.online_s,
        client_cpu_s=inference.client_cpu_s,
        server_cpu_s=inference.server_cpu_s,
        max_error=error,
        largest_logit=largest,
        argmax_equal=equal,
        decided=decided,
        discarded=discarded,
    )


def _timely(run: Run, between: Emulated) -> Run:
    """The run with its latest packet; it does not count where that was later than a quarter of the round trip, and
    than a twentieth of the run as well: on a fast link no process is that punctual, and it hardly matters."""
    late_ms = between.lateness_ms(anew=True)
    allowed_ms = max(between.link.rtt_ms / 4, 1e3 * run.online_s / 20)
    if late_ms is not None and late_ms > allowed_ms and run.discarded is None:
        words = f"a packet of the emulated link was {late_ms:.1f} ms late, and {allowed_ms:.1f} ms is tolerated"
        return run.model_copy(update={"late_ms": late_ms, "discarded": words})
    return run.model_copy(update={"late_ms": late_ms})


def _emulated(between: Emulated, kept: Sequence[Run]) -> LinkEmulated:
    late = [run.late_ms for run in kept if run.late_ms is not None]
    return LinkEmulated(
        rtt_ms=between.link.rtt_ms, mbit_s=between.link.mbit_s, by=between.by, late_ms=max(late, default=None)
    )


def _pixels(job: Job, count: int, data: Path | None) -> tuple[Tensor, str]:
    """Pixels (N, C, H, W) in [0, 1], and where they come from."""
    spec = job.manifest.spec.data
    try:
        found = Source.of(spec, data).images("test", count).images
    except (InputError, BlockedError):
        if data is not None:
            raise
        noise = torch.rand((count, *job.manifest.image), generator=torch.Generator().manual_seed(0))
        return noise, f"uniform noise: the files of {spec.name} were not named"
    if found.shape[1:] != job.manifest.image:
        got = f"{spec.name} of {found.shape[1:]}"
        raise InputError("images of another size", where="--data", expected=str(job.manifest.image), got=got)
    if len(found) < count:
        raise InputError(f"the test split of {spec.name} has {len(found)} images", where="--images", got=count)
    return torch.from_numpy(found).float() / 255, f"the test split of {spec.name}"
