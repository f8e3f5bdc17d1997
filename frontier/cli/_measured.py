"""What `frontier measure` prints for people: a line a run on stderr, and the figures with all they depend on."""

from __future__ import annotations

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from frontier.api.measure import Found, Progress
from frontier.results.measured import LinkEmulated, Measured, Spread


def print_progress(progress: Progress) -> None:
    """One line when the runs begin, and one for every run."""
    run = progress.run
    if run is None:
        typer.echo(f"{progress.of} runs", err=True)
        return
    said = f"discarded: {run.discarded}" if run.discarded else f"{run.online_s:.4f} s, off by {run.max_error:.2g}"
    typer.echo(f"run {progress.done}/{progress.of} (image {run.image}): {said}", err=True)


def print_measured(found: Found) -> None:
    """The table of seconds, what was counted, and the conditions."""
    console, measured = Console(), found.measured
    console.print(Text(f"{measured.engine}, measured: online phase of one image, {measured.parties}"))
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for name in ("seconds", "median", "min", "max", "mean"):
        table.add_column(name, justify="left" if name == "seconds" else "right")
    for name, spread in (
        ("client waits", measured.online_s),
        ("client CPU", measured.client_cpu_s),
        ("server CPU", measured.server_cpu_s),
    ):
        table.add_row(name, *_cells(spread))
    console.print(table)
    for name, said in (_counts(measured) | _conditions(measured)).items():
        console.print(Text(f"{name + ':':<11}{said}"))
    for run in measured.discarded:
        console.print(Text(f"discarded: run {run.repeat} of image {run.image}: {run.discarded}"))
    console.print(Text(f"written to {found.path}"), style="dim")


def _cells(spread: Spread) -> tuple[str, ...]:
    return tuple(f"{value:.4f}" for value in (spread.median, spread.min, spread.max, spread.mean))


def _counts(measured: Measured) -> dict[str, str]:
    counted = measured.counted
    both = f"{counted.rounds} rounds, {counted.online_bytes:,} B"
    ways = f"client sends {counted.sent_bytes:,}, receives {counted.received_bytes:,}"
    apart = f"input {counted.input_bytes:,} B, shares handed to the server {counted.handover_bytes:,} B"
    return {
        "ReLUs": f"{measured.relus:,} in {measured.relu_layers} layers",
        "squares": f"{measured.squares:,}, and {measured.square_layers} layers have squares alone",
        "they take": f"{both} ({ways})",
        **_range(measured),
        "apart": f"{apart}, output {counted.output_bytes:,} B, headers {counted.header_bytes:,} B",
    }


def _range(measured: Measured) -> dict[str, str]:
    """What the mean stands for, where runs differ."""
    found = [run.counted for run in measured.runs if run.counted is not None and run.discarded is None]
    if not found:
        return {}
    sizes, rounds = ([getattr(counted, name) for counted in found] for name in ("online_bytes", "rounds"))
    ranges = f"{min(rounds)} to {max(rounds)} rounds, {min(sizes):,} to {max(sizes):,} B"
    return {"a run": f"{ranges}; {measured.varies}"}


def _conditions(measured: Measured) -> dict[str, str]:
    link, runs = measured.link, len(measured.runs)
    agreement = f"argmax equal in {measured.argmax_agreement:.0%}"
    error = f"largest error {measured.max_error:.2g} of logits up to {measured.largest_logit:.3g}"
    count = f"{runs - len(measured.discarded)} of {runs} count: {measured.repeats} repeats of {measured.images} images"
    ways = f"{link.up_mbit_s:,.0f} Mbit/s up, {link.down_mbit_s:,.0f} down"
    ring = f"ring of {measured.ring_bits} bits, {measured.fraction_bits} of fraction"
    return {
        "in clear": f"{agreement}, {error}",
        "runs": f"{count}, interleaved; {measured.images_from}",
        "link": f"{link.rtt_ms:.3f} ms round trip, {ways}; congestion control {link.congestion or 'unknown'}",
        **_emulated(measured.emulated),
        "parties": f"{measured.parties}, {measured.threads} thread each; {ring}",
        "load": ", ".join(f"{name.replace('_', ' ')} {value:.1f}" for name, value in measured.load.items()),
        "machine": measured.machine or "unknown",
        "versions": ", ".join(f"{name} {version}" for name, version in measured.versions.items()),
        "simulated": f"{measured.simulated} (docs/latency.md)",
    }


def _emulated(link: LinkEmulated | None) -> dict[str, str]:
    if link is None:
        return {}
    late = "" if link.late_ms is None else f", no packet more than {link.late_ms:.1f} ms late"
    return {"emulated": f"{link.rtt_ms:g} ms and {link.mbit_s:g} Mbit/s each way by {link.by}{late}"}
