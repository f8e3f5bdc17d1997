"""Protocols that can be calibrated: they say their costs and the engine that measures them, and price with others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from frontier import registry
from frontier.errors import InputError
from frontier.latency._formula import Costs
from frontier.latency._link import Link
from frontier.latency._price import Price
from frontier.results.calibration import Calibration
from frontier.results.profile import Profile

WORK: Final = ("relu.each_s", "relu.layer_s", "square.each_s", "square.layer_s")
LINEAR: Final = "linear_s"
NETWORK: Final = ("relu.hops", "relu.busier_bytes", "square.hops", "square.busier_bytes")
FITTED: Final = (*WORK, LINEAR, *NETWORK)  # what can be: bytes, rounds and MACs are counted


class Protocol(NamedTuple):
    """A protocol whose constants can be fitted to what `engine` measures."""

    name: str
    engine: str
    costs: Costs
    price: Callable[[Profile, Link, Costs], Price]


def protocol(name: str, where: str = "--protocol") -> Protocol:
    """Raises InputError for a name that is none, and for a protocol that nothing here measures; `where` it is named."""
    try:
        module = registry.load("protocol", name)
    except InputError as error:
        fields = {"expected": error.expected, "fix": error.fix}
        raise InputError(error.what, where=error.where or where, got=error.got, **fields) from None
    costs, engine = getattr(module, "COSTS", None), getattr(module, "ENGINE", None)
    if costs is None or engine is None:
        raise InputError(
            f"the constants of {name} cannot be fitted here",
            where=where,
            expected=f"a protocol that an engine measures: {', '.join(_calibratable())}",
            got=name,
        )
    return Protocol(name, engine, costs, module.price)


def protocol_of(engine: str) -> str | None:
    """The protocol that prices what this engine measures, if there is one."""
    return _calibratable(engine)[0] if _calibratable(engine) else None


def calibrated(known: Protocol, calibration: Calibration, where: str = "--constants") -> Costs:
    """The protocol's costs with the constants of a calibration, which `where` names. Raises InputError where those are
    of another protocol, or such as are never fitted."""
    if calibration.protocol != known.name:
        raise InputError(
            f"these constants are not those of {known.name}",
            where=where,
            expected=f"a calibration of {known.name}",
            got=f"one of {calibration.protocol}",
        )
    fitted = [name for name in FITTED if name in known.costs.named()]
    if stray := sorted(calibration.constants.keys() - set(fitted)):
        raise InputError(
            f"not what can be fitted of {known.name}",
            where=where,
            expected=f"of its constants {', '.join(fitted)}",
            got=", ".join(stray),
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
