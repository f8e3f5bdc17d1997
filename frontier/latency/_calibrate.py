"""A calibration: constants fitted to measurements, with the errors of prices whose budgets were not used to fit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from frontier.errors import InputError
from frontier.latency._calibrated import Protocol
from frontier.latency._fit import Fitted, fit
from frontier.latency._formula import Costs, client_cpu_s
from frontier.latency._observed import Observation, Row, rows_of
from frontier.results.calibration import CalibratedConstant, Calibration, Compared
from frontier.results.measured import Measured


def calibrate(known: Protocol, observations: Sequence[Observation], hold_out: Sequence[int] = ()) -> Calibration:
    """The constants of a protocol, fitted to what its engine measured.

    With `hold_out` the networks of these ReLU counts are not fitted on, and all others are: the constants rest on those
    alone. Without, they are fitted to everything, and every budget (ReLUs and squares) is priced by a fit of its own
    that leaves it out; one budget alone is priced by the constants that it was fitted to.
    Raises InputError where there is nothing to fit, or to hold out.
    """
    rows = rows_of(observations)
    _refuse(rows, hold_out)
    fitted_on = [row for row in rows if row.profile.kept not in hold_out]
    found = fit(known.costs, fitted_on)
    if not any(one.runs for one in found.values()):
        raise InputError(
            "these measurements tell no constant apart",
            expected="runs over loopback or over a link of networks that keep ReLUs",
            got=f"{len(fitted_on)} networks and links, of {_counts(fitted_on)} ReLUs",
            fix="measure more: frontier measure BUNDLE, and with --link wan",
        )
    compared = _held_out(known, rows, found, hold_out) if hold_out else _each_left_out(known, rows, found)
    of = [one.measured for one in observations if one.profile.kept not in hold_out]
    return Calibration(
        protocol=known.name,
        engine=known.engine,
        constants=_constants(known.costs, found),
        compared=tuple(compared),
        held_out=tuple(sorted(set(hold_out))) if hold_out else None,
        measurements=len(of),
        runs=sum(measured.counting for measured in of),
        machines=tuple(sorted({measured.machine for measured in of if measured.machine})),
        versions=_versions(of),
        simulated=tuple(dict.fromkeys(one.simulated for one in of)),
        measured_at=(min(one.measured_at for one in of), max(one.measured_at for one in of)),
        load=(min(min(one.load.values()) for one in of), max(max(one.load.values()) for one in of)),
        calibrated_at=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _refuse(rows: Sequence[Row], hold_out: Sequence[int]) -> None:
    if not rows:
        raise InputError("no measurements to fit to", fix="measure first: frontier measure BUNDLE")
    counts = {row.profile.kept for row in rows}
    if unknown := sorted(set(hold_out) - counts):
        words = ", ".join(f"{one:,}" for one in unknown)
        raise InputError(f"no network of {words} ReLUs was measured", where="--hold-out", expected=_counts(rows))
    if counts and counts <= set(hold_out):
        raise InputError("everything is held out", where="--hold-out", fix="leave some ReLU counts to fit on")


def _counts(rows: Sequence[Row]) -> str:
    return ", ".join(str(count) for count in sorted({row.profile.kept for row in rows}))


def _held_out(
    known: Protocol, rows: Sequence[Row], found: dict[str, Fitted], hold_out: Sequence[int]
) -> Iterator[Compared]:
    costs = _with(known.costs, found)
    for row in rows:
        yield from _compared(known, costs, row, held_out=row.profile.kept in hold_out)


def _each_left_out(known: Protocol, rows: Sequence[Row], found: dict[str, Fitted]) -> Iterator[Compared]:
    budgets = {row.budget for row in rows}
    without = {budget: fit(known.costs, [row for row in rows if row.budget != budget]) for budget in budgets}
    if len(budgets) == 1:  # nothing is left to price it by
        without = dict.fromkeys(budgets, found)
    for row in rows:
        yield from _compared(known, _with(known.costs, without[row.budget]), row, held_out=len(budgets) > 1)


def _compared(known: Protocol, costs: Costs, row: Row, *, held_out: bool) -> Iterator[Compared]:
    price_s = known.price(row.profile, row.link, costs).online_s
    wall = Compared(
        relus=row.profile.kept,
        squares=row.profile.squares,
        relu_layers=row.relu_layers,
        square_layers=row.square_layers,
        link=row.link_name,
        quantity="wall",
        runs=row.runs,
        measured_s=row.online_s,
        priced_s=price_s if price_s is not None else 0.0,
        held_out=held_out,
    )
    yield wall
    if row.loopback:
        working = {"quantity": "client CPU", "measured_s": row.client_cpu_s}
        yield wall.model_copy(update={**working, "priced_s": client_cpu_s(costs, row.profile)})


def _with(costs: Costs, found: dict[str, Fitted]) -> Costs:
    return costs.replaced({name: one.value for name, one in found.items()}, "frontier calibrate")


def _constants(costs: Costs, found: dict[str, Fitted]) -> dict[str, CalibratedConstant]:
    published = costs.named()
    return {
        name: CalibratedConstant(
            value=one.value,
            published=published[name].value,
            unit=published[name].unit,
            fitted=one.runs > 0,
            runs=one.runs,
            note=one.note,
        )
        for name, one in found.items()
    }


def _versions(of: Sequence[Measured]) -> dict[str, str]:
    """Of what was measured with; several where they differ."""
    names = sorted({name for measured in of for name in measured.versions})
    return {
        name: ", ".join(sorted({measured.versions[name] for measured in of if name in measured.versions}))
        for name in names
    }
