"""Measurements as they would be if a protocol's formula were true: of any profile, over any link."""

from __future__ import annotations

from frontier.latency._formula import Costs, additive, client_cpu_s
from frontier.latency._link import Link
from frontier.latency._observed import Observation
from frontier.results.measured import Counted, LinkEmulated, LinkMeasured, Measured, Run, Spread
from frontier.results.profile import Profile

LOOP = Link(rtt_ms=0.1, mbit_s=20_000)
COUNTED = Counted(
    sent_bytes=0, received_bytes=0, rounds=0, input_bytes=0, handover_bytes=0, output_bytes=0, header_bytes=0
)


def spread_of(seconds: float) -> Spread:
    return Spread(median=seconds, min=seconds, max=seconds, mean=seconds)


def measured(
    profile: Profile,
    costs: Costs,
    link: Link | None = None,
    *,
    off: float = 1.0,
    engine: str = "crypten",
    discarded: int = 0,
    machine: str = "Abacus 3, 2 cores, linux",
    mask_hash: str = "0",
) -> Measured:
    """Over loopback, or over an emulated link; every figure `off` times what the formula with these costs gives."""
    price = additive(engine, costs, profile, link or LOOP)
    client_s = off * client_cpu_s(costs, profile) or 1e-9  # no process takes none
    online_s = off * (price.online_s or 0.0)
    run = Run(
        repeat=0, image=0, online_s=online_s, client_cpu_s=client_s, server_cpu_s=client_s, max_error=1e-4,
        largest_logit=1.0, argmax_equal=True, decided=True,
    )  # fmt: skip
    runs = [run.model_copy(update={"repeat": at, "discarded": "late" if at < discarded else None}) for at in range(3)]
    return Measured(
        engine=engine,
        simulated="all of it: this is a test",
        versions={"frontier": "0.1.0"},
        mask_hash=mask_hash,
        weights_sha256="0",
        relus=profile.kept,
        squares=profile.squares,
        relu_layers=sum(1 for site in profile.sites if site.kept),
        square_layers=sum(1 for site in profile.sites if site.squares and not site.kept),
        counted=COUNTED,
        online_s=spread_of(online_s),
        client_cpu_s=spread_of(client_s),
        server_cpu_s=spread_of(client_s + off * (price.linear_s or 0.0)),
        argmax_agreement=1.0,
        max_error=1e-4,
        largest_logit=1.0,
        repeats=3,
        images=1,
        images_from="nowhere",
        seed=0,
        ring_bits=64,
        fraction_bits=16,
        threads=1,
        parties="one host",
        machine=machine,
        link=LinkMeasured(rtt_ms=LOOP.rtt_ms, up_mbit_s=LOOP.mbit_s, down_mbit_s=LOOP.mbit_s, congestion="bbr"),
        emulated=None if link is None else LinkEmulated(rtt_ms=link.rtt_ms, mbit_s=link.mbit_s, by="tun", late_ms=0.1),
        load={"client_before": 0.5, "client_after": 1.5},
        measured_at="2026-01-01T00:00:00+00:00",
        runs=tuple(runs),
    )


def observation(profile: Profile, costs: Costs, link: Link | None = None, off: float = 1.0) -> Observation:
    return Observation(profile, measured(profile, costs, link, off=off))
