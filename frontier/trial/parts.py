"""The parts that a trial is made of: the modules behind the names in its spec, and which of them are plug-ins."""

from __future__ import annotations

from collections.abc import Iterable
from types import ModuleType

from pydantic import ValidationError

from frontier import registry
from frontier.errors import InputError
from frontier.nn.network import backbone
from frontier.results.record import Origin
from frontier.results.spec import DataSpec, MeasureSpec, NetworkSpec, TrialSpec


def modules(
    data: DataSpec, network: NetworkSpec, methods: Iterable[str], measure: MeasureSpec
) -> dict[str, ModuleType]:
    """The modules by `axis/name`, each imported and whole. Raises InputError for one that is not."""
    named = [("data", data.name), *(("method", method) for method in methods), ("attack", measure.attack)]
    named += [("corruption", corruption) for corruption in measure.corruptions]
    found = {f"{axis}/{name}": registry.load(axis, name) for axis, name in named}
    for key, module in found.items():
        if key.startswith("method/"):
            _refuse_fidelity(key, module)
    return found | {f"backbone/{network.name}": backbone(network.name).module}


def plugins(spec: TrialSpec) -> dict[str, str]:
    """The parts that do not belong to frontier: `axis/name` -> first digits of the hash of the part's file."""
    found = modules(spec.data, spec.network, [spec.method], spec.measure)
    own = {key: module for key, module in found.items() if not module.__name__.startswith("frontier.")}
    return {key: registry.fingerprint(module) for key, module in sorted(own.items())}


def _refuse_fidelity(key: str, method: ModuleType) -> None:
    """A record could not be written with another word, and that would be noticed after the training."""
    try:
        Origin(code_version="", device="", threads=1, fidelity=method.FIDELITY)
    except ValidationError as error:
        wanted = str(error.errors()[0]["msg"]).removeprefix("Input should be ")
        raise InputError(
            f"{key}: not a FIDELITY", where=method.__file__, expected=wanted, got=method.FIDELITY
        ) from None
