"""Tables in plain text, and the conditions under which something was measured."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import fmean, median, stdev

from evidence import LOOPBACK, Evidence, Network
from scipy.stats import t


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterable[str]:
    """Columns as wide as their widest cell; the first one to the left, the others to the right."""
    cells = [list(head), *(list(row) for row in rows)]
    widths = [max(len(row[at]) for row in cells) for at in range(len(head))]
    for row in cells:
        first, *others = (
            cell.ljust(width) if at == 0 else cell.rjust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        yield "  ".join([first, *others]).rstrip()


def spread(values: Sequence[float], digits: int = 3) -> str:
    """`median (least to most)`."""
    return f"{median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def interval(values: Sequence[float], form: str = "+.3f") -> str:
    """`mean [low, high]`: Student's 95 % interval; the mean alone of one value."""
    mean = fmean(values)
    if len(values) < 2:
        return f"{mean:{form}}"
    half = float(t.ppf(0.975, len(values) - 1)) * stdev(values) / len(values) ** 0.5
    return f"{mean:{form}} [{mean - half:{form}}, {mean + half:{form}}]"


def online_s(found: Evidence, network: Network, link: str) -> list[float]:
    """The seconds of every run that counts."""
    return [run.online_s for run in found.runs(network, link)]


def conditions(found: Evidence) -> Iterable[str]:
    """What the figures depend on, and what was thrown away."""
    of = [session.measured for session in found.sessions]
    one, loads = of[0], [load for measured in of for load in measured.load.values()]
    yield f"engine {found.engine}: " + ", ".join(f"{name} {version}" for name, version in one.versions.items())
    yield f"simulated: {one.simulated}"
    machines = sorted({measured.machine for measured in of if measured.machine}) or ["unknown"]
    waited = "" if found.calm is None else f" (sessions waited for less than {found.calm:g})"
    yield f"machine: {'; '.join(machines)}; load average {min(loads):.1f} to {max(loads):.1f}{waited}"
    yield (
        f"{found.rounds} rounds, in each of which every network is measured over every link, {found.repeats} runs at a "
        f"time; {min(measured.measured_at for measured in of)} to {max(measured.measured_at for measured in of)}"
    )
    yield (
        f"both parties on one host, {one.threads} thread each; ring of {one.ring_bits} bits, {one.fraction_bits} of "
        f"fraction; {one.images_from}"
    )
    for link in found.links:
        yield from _link(found, link)
    runs = found.all_runs()
    discarded = [run for run in runs if run.discarded is not None]
    yield (
        f"{len(runs)} runs, {len(discarded)} of them discarded, and {len(found.failed)} sessions measured again; the "
        f"argmax is that in clear in {fmean(run.argmax_equal for run in runs if run.discarded is None):.1%}, and the "
        f"largest error {max(run.max_error / run.largest_logit for run in runs if run.discarded is None):.2%} of the "
        "largest logit"
    )


def _link(found: Evidence, link: str) -> Iterable[str]:
    of = [session.measured for session in found.sessions if session.link == link]
    rtt = spread([measured.link.rtt_ms for measured in of], 2)
    rates = ", ".join(
        f"{name} {spread([getattr(measured.link, f'{name}_mbit_s') for measured in of], 0)}" for name in ("up", "down")
    )
    congestion = ", ".join(sorted({measured.link.congestion or "unknown" for measured in of}))
    late = [measured.emulated.late_ms for measured in of if measured.emulated and measured.emulated.late_ms is not None]
    set_to = ""
    if link != LOOPBACK and of[0].emulated is not None:
        emulated = of[0].emulated
        set_to = f"set to {emulated.rtt_ms:g} ms and {emulated.mbit_s:g} Mbit/s by {emulated.by}, "
        set_to += f"at most {max(late):.1f} ms late, " if late else ""
    yield f"{link}: {set_to}as found {rtt} ms, Mbit/s {rates}; {congestion}"
