"""What is said of ResNet18: measured beside priced, by constants that were fitted to other budgets; the promises."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from statistics import median

from evidence import LOOPBACK, Evidence, Network
from plans import HELD_OUT
from words import online_s, spread, table

from frontier.api.price import price
from frontier.errors import InputError
from frontier.latency._calibrate import calibrate
from frontier.latency._calibrated import protocol, protocol_of
from frontier.latency._observed import Observation
from frontier.results.calibration import Calibration, Compared

WAN_WITHIN, CPU_WITHIN = 0.15, 0.25
WALL, CPU = "wall", "client CPU"


def observations(found: Evidence) -> list[Observation]:
    """All sessions with their networks' profiles."""
    profiles = {network.name: network.profile for network in found.networks}
    return [Observation(profiles[one.network], one.measured) for one in found.sessions]


def calibration(found: Evidence, hold_out: Sequence[int] = ()) -> Calibration:
    """Of the protocol that prices this engine. Raises InputError where there is none."""
    name = protocol_of(found.engine)
    if name is None:
        raise InputError(f"no protocol prices what {found.engine} measures", where="--engine")
    return calibrate(protocol(name), observations(found), hold_out)


def report(found: Evidence) -> tuple[list[str], bool]:
    """The lines, and whether the promises hold."""
    fixed, each = calibration(found, HELD_OUT), calibration(found)
    held_out = " and ".join(f"{one:,}" for one in HELD_OUT)
    lines = [
        "Seconds that the client waits, median (least to most) of all runs. `fitted`: the price with the constants",
        f"below, to which the budgets of {held_out} ReLUs (*) were not fitted. `left out`: every budget by",
        "constants fitted to all others. `published`: with the constants of frontier price. Ratios are to measured.",
    ]
    for link in found.links:
        lines += ["", f"{link}" + (": printed only, for it moves several-fold" if link == LOOPBACK else "")]
        lines += table(*_wall(found, link, fixed, each))
    lines += ["", "CPU seconds of the client on loopback, and of the server"]
    lines += table(*_cpu(found, fixed, each))
    lines += ["", "Spread over all layers, or packed into the last ones: how many times as long"]
    lines += table(*_layouts(found))
    lines += ["", "Constants, fitted without the budgets that are held out"]
    lines += table(
        ("constant", "fitted", "published", "unit", "on"),
        (
            (name, f"{one.value:.4g}" if one.fitted else "kept", f"{one.published:.4g}", one.unit, one.note)
            for name, one in fixed.constants.items()
        ),
    )
    promises, kept = _promises(found, fixed, each)
    return [*lines, "", *promises], kept


def _rows(of: Calibration, quantity: str, link: str, network: Network) -> Compared | None:
    """The row of a network over a link; networks differ in ReLUs and layers."""
    profile = network.profile
    layers = sum(1 for site in profile.sites if site.kept)
    rows = [
        row
        for row in of.compared
        if (row.relus, row.relu_layers, row.quantity) == (profile.kept, layers, quantity)
        and (row.link == LOOPBACK) == (link == LOOPBACK)
        and (link == LOOPBACK or row.link == link)
    ]
    return rows[0] if rows else None


def _name(of: Evidence, link: str) -> str:
    """A link as a calibration names it."""
    if link == LOOPBACK:
        return LOOPBACK
    emulated = next(one.measured.emulated for one in of.sessions if one.link == link)
    assert emulated is not None
    return f"{emulated.rtt_ms:.4g} ms, {emulated.mbit_s:.4g} Mbit/s"


def _head(network: Network) -> tuple[str, str]:
    held = "*" if network.relu_budget in HELD_OUT else " "
    layers = sum(1 for site in network.profile.sites if site.kept)
    return f"{network.profile.kept:>7,}{held} {network.kind}", str(layers)


def _wall(
    found: Evidence, link: str, fixed: Calibration, each: Calibration
) -> tuple[tuple[str, ...], Iterator[tuple[str, ...]]]:
    head = ("ReLUs", "layers", "rounds", "MB", "runs", "measured", "fitted", "ratio", "left out", "published", "ratio")
    name = _name(found, link)

    def rows() -> Iterator[tuple[str, ...]]:
        for network in found.networks:
            values = online_s(found, network, link)
            counted = found.of(network, link)[0].measured.counted
            fitted, out = (_rows(of, WALL, name, network) for of in (fixed, each))
            published_s = _published_s(found, network, link)
            middle = median(values)
            yield (
                *_head(network),
                str(counted.rounds),
                f"{counted.online_bytes / 1e6:.1f}",
                str(len(values)),
                spread(values),
                *_priced(fitted, middle),
                _priced(out, middle)[1],
                "-" if published_s is None else f"{published_s:.3f}",
                "-" if published_s is None else f"{published_s / middle:.2f}",
            )

    return head, rows()


def _published_s(found: Evidence, network: Network, link: str) -> float | None:
    """By the constants as they are published; None over loopback, which has no link to price."""
    if link == LOOPBACK:
        return None
    return price(network.profile, protocol=str(protocol_of(found.engine)), link=link).online_s


def _cpu(found: Evidence, fixed: Calibration, each: Calibration) -> tuple[tuple[str, ...], Iterator[tuple[str, ...]]]:
    head = ("ReLUs", "layers", "client, measured", "fitted", "ratio", "left out", "server, measured")

    def rows() -> Iterator[tuple[str, ...]]:
        for network in found.networks:
            runs = found.runs(network, LOOPBACK)
            client = [run.client_cpu_s for run in runs]
            fitted, out = (_rows(of, CPU, LOOPBACK, network) for of in (fixed, each))
            yield (
                *_head(network),
                spread(client),
                *_priced(fitted, median(client)),
                _priced(out, median(client))[1],
                spread([run.server_cpu_s for run in runs]),
            )

    return head, rows()


def _priced(row: Compared | None, middle: float) -> tuple[str, str]:
    """The price, and its ratio to what was measured; nothing to compare where no ReLU is kept."""
    if row is None or not row.priced_s:
        return "-", "-"
    return f"{row.priced_s:.3f}", f"{row.priced_s / middle:.2f}"


def _layouts(found: Evidence) -> tuple[tuple[str, ...], Iterator[tuple[str, ...]]]:
    links = [link for link in found.links if link != LOOPBACK] or [LOOPBACK]

    def rows() -> Iterator[tuple[str, ...]]:
        for spread_out in found.networks:
            for packed in found.networks:
                if spread_out.kind == "spread" != packed.kind and packed.relu_budget == spread_out.relu_budget:
                    medians = [[median(online_s(found, one, link)) for one in (spread_out, packed)] for link in links]
                    cells = [f"{a:.2f} / {b:.2f} = {a / b:.2f}" for a, b in medians]
                    yield f"{spread_out.relu_budget:>7,}, {packed.kind}", *cells

    return ("ReLUs", *links), rows()


def _promises(found: Evidence, fixed: Calibration, each: Calibration) -> tuple[list[str], bool]:
    """Each promise with what was found. They are about the budgets that were held out beforehand."""
    lines, kept = [], True
    asked = ((WALL, "wan", WAN_WITHIN, "WAN"), (CPU, LOOPBACK, CPU_WITHIN, "the client's CPU seconds on loopback"))
    for quantity, link, within, words in asked:
        if link not in found.links:
            continue
        worst = _worst(found, fixed, quantity, link)
        holds = worst <= within
        kept = kept and holds
        others = _worst(found, each, quantity, link)
        lines.append(
            f"{'kept' if holds else 'BROKEN'}: within {within:.0%} of {words} for budgets that were not used to fit: "
            f"{worst:.1%} at worst (each budget left out in turn: {others:.1%})"
        )
        turns = _without_each_round(found, quantity, link)
        if turns:
            lines.append(f"      with each round left out in turn: {', '.join(f'{one:.1%}' for one in turns)}")
    return lines, kept


def _without_each_round(found: Evidence, quantity: str, link: str) -> list[float]:
    """The worst error of the promise's budgets by what is left without a round, for each; none of one round alone."""
    rounds = sorted({one.round for one in found.sessions})
    left = [
        found.model_copy(update={"sessions": tuple(one for one in found.sessions if one.round != without)})
        for without in rounds
        if len(rounds) > 1
    ]
    return [_worst(some, calibration(some, HELD_OUT), quantity, link) for some in left]


def _worst(found: Evidence, of: Calibration, quantity: str, link: str) -> float:
    errors = []
    for network in found.networks:
        row = _rows(of, quantity, _name(found, link), network)
        if row is None or not row.held_out or not row.priced_s:
            continue
        runs = found.runs(network, link)
        middle = median(run.online_s if quantity == WALL else run.client_cpu_s for run in runs)
        errors.append(abs(row.priced_s / middle - 1))
    return max(errors)


def headline(found: Evidence) -> Iterable[str]:
    """What this is."""
    yield "ResNet18 at 3x32x32, private inference of one image, measured beside priced"
    yield "(fresh weights, nothing trained: seconds, bytes and rounds depend on the mask alone)"
