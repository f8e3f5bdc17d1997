"""What is said of the trained networks: accuracies beside seconds, who is faster by how much, ReLUs layer by layer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from statistics import fmean, median

from evidence import LOOPBACK, Evidence, Network
from networks import EQUAL
from words import interval, online_s, table

from frontier.api.price import price
from frontier.errors import InputError
from frontier.latency._calibrated import calibrated, protocol, protocol_of
from frontier.latency._link import parse_link
from frontier.results.calibration import Calibration

ACCURACIES = ("clean", "corrupted", "adversarial")
PROTOCOLS = ("cheetah", "crypten", "cryptflow2", "delphi", "snl_table")
VERSUS = (("snl", "autorep"), ("snl", "autorep, identity"), ("snl", "fisher"))
Rows = tuple[tuple[str, ...], Iterator[tuple[str, ...]]]
Groups = Mapping[tuple[str, int], list[Network]]  # by contender and budget, seed after seed


def headline(found: Evidence) -> Iterable[str]:
    """What this is."""
    yield "Networks trained on CIFAR-10 (airnet, 13,312 ReLUs; recipe and settings of docs/head_to_head.md), private"
    yield "inference of one image, measured"


def report(found: Evidence, fitted: Calibration | None) -> list[str]:
    """The lines. `fitted`: constants of the engine's protocol, fitted to another network."""
    groups = _groups(found)
    lines = [
        "Accuracy on test, %: the mean over seeds with Student's 95 % interval; images, and one seed's own interval"
    ]
    lines += table(*_accuracies(groups))
    lines += ["", "Seconds that the client waits: the mean over seeds of their medians (least to most of all runs)"]
    lines += table(*_seconds(found, groups))
    lines += ["", "Who is faster: the second less the first, paired over seeds, with Student's 95 % intervals"]
    lines += table(*_differences(found, groups))
    lines += ["", "Kept ReLUs by site, the mean over seeds; squares"]
    lines += table(*_places(groups))
    for link in (link for link in found.links if link != LOOPBACK):
        lines += ["", f"Priced on {link}, seconds, the mean over seeds; in brackets the ratio to measured"]
        lines += table(*_prices(found, groups, link, fitted))
    return lines


def _groups(found: Evidence) -> Groups:
    groups: dict[tuple[str, int], list[Network]] = {}
    for network in sorted(found.networks, key=lambda one: (one.relu_budget, one.kind, one.seed)):
        groups.setdefault((network.kind, network.relu_budget), []).append(network)
    return groups


def _accuracies(groups: Groups) -> Rows:
    head = ("contender", "ReLUs", "seeds", *ACCURACIES, *(f"{name}: n, seed's interval" for name in ACCURACIES))

    def rows() -> Iterator[tuple[str, ...]]:
        for (kind, budget), networks in groups.items():
            scores = [network.test for network in networks if network.test is not None]
            of = {name: [getattr(one, name) for one in scores] for name in ACCURACIES}
            means = [interval([100 * one.value for one in of[name]], ".1f") for name in ACCURACIES]
            first = [of[name][0] for name in ACCURACIES]
            own = [f"{one.n}, {100 * one.low:.1f} to {100 * one.high:.1f}" for one in first]
            yield kind, f"{budget:,}", str(len(networks)), *means, *own

    return head, rows()


def _seconds(found: Evidence, groups: Groups) -> Rows:
    head = ("contender", "ReLUs", "squares", "layers", "rounds", "kB", *found.links, "client's CPU, loopback")

    def rows() -> Iterator[tuple[str, ...]]:
        for (kind, budget), networks in groups.items():
            layers = sorted({sum(1 for site in one.profile.sites if site.kept) for one in networks})
            counted = [found.of(one, found.links[0])[0].measured.counted for one in networks]
            yield (
                kind,
                f"{budget:,}",
                f"{networks[0].profile.squares:,}",
                "-".join(map(str, layers)),
                "-".join(str(one) for one in sorted({one.rounds for one in counted})),
                f"{fmean(one.online_bytes for one in counted) / 1e3:.0f}",
                *(_over(found, networks, link) for link in found.links),
                f"{fmean(_cpu_s(found, one) for one in networks):.4f}",
            )

    return head, rows()


def _over(found: Evidence, networks: list[Network], link: str) -> str:
    every = [online_s(found, one, link) for one in networks]
    flat = [value for values in every for value in values]
    return f"{fmean(map(median, every)):.4f} ({min(flat):.4f} to {max(flat):.4f})"


def _differences(found: Evidence, groups: Groups) -> Rows:
    points = [f"{name}, points" for name in ACCURACIES]
    waits = [f"{link}, s" for link in found.links]
    head = ("second - first", "ReLUs", "seeds", *waits, *found.links, "client's CPU, loopback, s", *points)
    budgets = sorted({budget for _, budget in groups})
    pairs = [((first, budget), (second, budget)) for first, second in VERSUS for budget in budgets]

    def rows() -> Iterator[tuple[str, ...]]:
        for one, other in [*pairs, EQUAL]:
            mine, theirs = ({n.seed: n for n in groups.get(key, [])} for key in (one, other))
            seeds = sorted(mine.keys() & theirs.keys())
            if not seeds:
                continue
            differences, shares = [], []
            for link in found.links:
                medians = [[median(online_s(found, of[seed], link)) for seed in seeds] for of in (mine, theirs)]
                differences.append(interval([b - a for a, b in zip(*medians, strict=True)], "+.4f"))
                shares.append(f"{100 * (fmean(medians[1]) / fmean(medians[0]) - 1):+.1f} %")
            cpu_s = [_cpu_s(found, theirs[seed]) - _cpu_s(found, mine[seed]) for seed in seeds]
            scores = [
                interval([_percent(theirs[seed], name) - _percent(mine[seed], name) for seed in seeds], "+.1f")
                for name in ACCURACIES
            ]
            budget = f"{other[1]:,}" if one[1] == other[1] else f"{other[1]:,} - {one[1]:,}"
            yield (
                f"{other[0]} - {one[0]}",
                budget,
                str(len(seeds)),
                *differences,
                *shares,
                interval(cpu_s, "+.4f"),
                *scores,
            )

    return head, rows()


def _cpu_s(found: Evidence, network: Network) -> float:
    return median(run.client_cpu_s for run in found.runs(network, LOOPBACK))


def _percent(network: Network, accuracy: str) -> float:
    assert network.test is not None
    return 100 * float(getattr(network.test, accuracy).value)


def _places(groups: Groups) -> Rows:
    sites = [site.path for site in next(iter(groups.values()))[0].profile.sites]
    head = ("contender", "ReLUs", *sites, "squares")

    def rows() -> Iterator[tuple[str, ...]]:
        for (kind, budget), networks in groups.items():
            kept = [fmean(one.profile.sites[at].kept for one in networks) for at in range(len(sites))]
            squares = fmean(one.profile.squares for one in networks)
            yield kind, f"{budget:,}", *(f"{count:.0f}" for count in kept), f"{squares:.0f}"

    return head, rows()


def _prices(found: Evidence, groups: Groups, link: str, fitted: Calibration | None) -> Rows:
    head = (
        "contender",
        "ReLUs",
        "measured",
        *([f"{fitted.protocol}, fitted to ResNet18"] if fitted else []),
        *PROTOCOLS,
    )

    def rows() -> Iterator[tuple[str, ...]]:
        for (kind, budget), networks in groups.items():
            measured_s = fmean(median(online_s(found, one, link)) for one in networks)
            cells = [] if fitted is None else [_beside(_fitted_s(networks, link, fitted), measured_s)]
            for name in PROTOCOLS:
                priced_s = _published_s(networks, link, name)
                same = name == protocol_of(found.engine)
                cells.append(_beside(priced_s, measured_s) if same else _text(priced_s))
            yield kind, f"{budget:,}", f"{measured_s:.4f}", *cells

    return head, rows()


def _fitted_s(networks: list[Network], link: str, fitted: Calibration) -> float | None:
    known = protocol(fitted.protocol)
    costs = calibrated(known, fitted)
    prices = [known.price(one.profile, parse_link(link), costs).online_s for one in networks]
    return fmean(value for value in prices if value is not None)


def _published_s(networks: list[Network], link: str, name: str) -> float | None:
    """None where the protocol has no price for squares, or none on this link."""
    try:
        prices = [price(one.profile, protocol=name, link=link).online_s for one in networks]
    except InputError:
        return None
    return None if None in prices else fmean(value for value in prices if value is not None)


def _beside(priced_s: float | None, measured_s: float) -> str:
    return "-" if priced_s is None else f"{priced_s:.4f} ({priced_s / measured_s:.2f})"


def _text(priced_s: float | None) -> str:
    return "-" if priced_s is None else f"{priced_s:.3f}"
