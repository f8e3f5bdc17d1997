"""Protocols that can be calibrated: they say their costs and the engine that measures them, and price with others."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from frontier import registry
from frontier.errors import InputError
from frontier.latency._formula import Costs
from frontier.latency._link import Link
from frontier.latency._price import Price
from frontier.results.calibration import Calibration
from frontier.results.profile import Profile


class Protocol(NamedTuple):
    """A protocol whose constants can be fitted to what `engine` measures."""

    name: str
    engine: str
    costs: Costs
    price: Callable[[Profile, Link, Costs], Price]


def protocol(name: str) -> Protocol:
    """Raises InputError for a name that is none, and for a protocol that nothing here measures."""
    module = registry.load("protocol", name)
    costs, engine = getattr(module, "COSTS", None), getattr(module, "ENGINE", None)
    if costs is None or engine is None:
        raise InputError(
            f"the constants of {name} cannot be fitted here",
            where="--protocol",
            expected=f"a protocol that an engine measures: {', '.join(_calibratable())}",
            got=name,
        )
    return Protocol(name, engine, costs, module.price)


def protocol_of(engine: str) -> str | None:
    """The protocol that prices what this engine measures, if there is one."""
    return _calibratable(engine)[0] if _calibratable(engine) else None


def calibrated(known: Protocol, calibration: Calibration) -> Costs:
    """The protocol's costs with the constants of a calibration. Raises InputError where those are of another one."""
    stray = sorted(calibration.constants.keys() - known.costs.named().keys())
    if calibration.protocol != known.name or stray:
        raise InputError(
            f"these constants are not those of {known.name}",
            where="--constants",
            expected=f"a calibration of {known.name}",
            got=f"one of {calibration.protocol}{', with ' + ', '.join(stray) if stray else ''}",
        )
    values = {name: constant.value for name, constant in calibration.constants.items()}
    return known.costs.replaced(values, "frontier calibrate")


def note_of(calibration: Calibration) -> str:
    """What a reader of a price with these constants must know."""
    fitted = [name for name, constant in calibration.constants.items() if constant.fitted]
    first, last = (date[:10] for date in calibration.measured_at)
    when = first if first == last else f"{first} to {last}"
    where = "; ".join(calibration.machines) or "a machine that the measurements do not name"
    return (
        f"{len(fitted)} of {len(calibration.constants)} constants fitted to {calibration.runs} runs of "
        f"{calibration.engine} on {where}, {when}: {', '.join(fitted)}"
    )


def _calibratable(engine: str | None = None) -> list[str]:
    """Names of all such protocols, or of those of one engine."""
    found = []
    for name in registry.names("protocol"):
        module = registry.load("protocol", name)
        of = getattr(module, "ENGINE", None)
        if of is not None and engine in (None, of):
            found.append(name)
    return found
