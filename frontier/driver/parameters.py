"""Between a space's domains and Optuna's distributions: names, ranges, and values both ways.

A ReLU count from 0 on is searched on a logarithmic scale as count + 1, under the name `relu_budget+1`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from frontier.errors import InputError
from frontier.results.spec import Scalar, TrialSpec
from frontier.spaces.domain import ChoiceDomain, CountDomain, Domain, FloatDomain, IntDomain, LogDomain
from frontier.spaces.space import Space

METHOD = "method"
BUDGET = "relu_budget"


@dataclass(frozen=True)
class Parameter:
    """One Optuna parameter. Optuna's value is ours plus `shift`."""

    name: str
    distribution: BaseDistribution
    shift: int = 0

    def suggest(self, trial: optuna.Trial) -> Scalar:
        """Our value, drawn by the study's sampler."""
        match self.distribution:
            case CategoricalDistribution(choices=choices):
                chosen = trial.suggest_categorical(self.name, choices)
                assert chosen is not None  # no domain has None among its options
                return chosen
            case IntDistribution(low=low, high=high, log=log):
                return trial.suggest_int(self.name, low, high, log=log) - self.shift
            case FloatDistribution(low=low, high=high, log=log):
                return trial.suggest_float(self.name, low, high, log=log)
        raise AssertionError(self.distribution)

    def theirs(self, value: Scalar) -> Scalar:
        """Optuna's value for ours."""
        if not self.shift:
            return value
        assert isinstance(value, int)
        return value + self.shift


def parameter(name: str, domain: Domain) -> Parameter:
    """How Optuna is asked for a value of this domain."""
    match domain:
        case ChoiceDomain():
            return Parameter(name, CategoricalDistribution(domain.options))
        case CountDomain():
            return Parameter(f"{name}+1", IntDistribution(domain.low + 1, domain.high + 1, log=True), shift=1)
        case IntDomain():
            return Parameter(name, IntDistribution(domain.low, domain.high))
        case LogDomain() | FloatDomain():
            log = isinstance(domain, LogDomain)
            return Parameter(name, FloatDistribution(domain.low, domain.high, log=log))
    raise AssertionError(domain)


def draw(trial: optuna.Trial, space: Space) -> dict[str, Scalar]:
    """The assignment that the sampler picks: first the method, then what is searched for it, in the space's order."""
    method = trial.suggest_categorical(METHOD, space.method_names)
    searched = space.parameters(method)
    return {METHOD: method} | {name: parameter(name, domain).suggest(trial) for name, domain in searched.items()}


def names(space: Space) -> tuple[str, ...]:
    """Optuna's names of all parameters, those of every method: the method, the budget, then method by method."""
    searched = (space.parameters(method) for method in space.method_names)
    asked = (parameter(name, domain).name for domains in searched for name, domain in domains.items())
    return tuple(dict.fromkeys((METHOD, *asked)))


def held(space: Space, fixed: Mapping[str, Scalar]) -> dict[str, Scalar]:
    """What Optuna is held to so that it asks these values: nothing for a parameter that the space does not search."""
    method = str(fixed.get(METHOD, space.method_names[0]))
    searched = space.parameters(method)
    asked = {name: parameter(name, domain) for name, domain in searched.items() if name in fixed}
    values = {one.name: one.theirs(fixed[name]) for name, one in asked.items()}
    return values | ({METHOD: method} if METHOD in fixed else {})


def known(space: Space, values: Mapping[str, Scalar]) -> tuple[dict[str, Scalar], dict[str, BaseDistribution]]:
    """Optuna's parameters and distributions of a whole assignment of the space."""
    method = str(values[METHOD])
    asked = {name: parameter(name, domain) for name, domain in space.parameters(method).items()}
    distributions: dict[str, BaseDistribution] = {METHOD: CategoricalDistribution(space.method_names)}
    return (
        {METHOD: method} | {one.name: one.theirs(values[name]) for name, one in asked.items()},
        distributions | {one.name: one.distribution for one in asked.values()},
    )


def remembered(
    space: Space, spec: TrialSpec, budget: int
) -> tuple[dict[str, Scalar], dict[str, BaseDistribution]] | None:
    """Optuna's parameters and distributions of a spec, at the ReLU budget of one of its points.

    None where the space does not hold them, such as a budget passed on the way down that lies below its range.
    """
    try:
        return known(space, assignment(space, spec, budget))
    except InputError:
        return None


def assignment(space: Space, spec: TrialSpec, budget: int) -> dict[str, Scalar]:
    """The values that a spec of any space holds for what this one searches, at the ReLU budget of one of its points.

    Raises InputError for a method that is not in the space, and for a value outside its domain.
    """
    where = f"space '{space.name}', method '{spec.method}'"
    values: dict[str, Scalar] = {METHOD: spec.method}
    for name, domain in space.parameters(spec.method).items():
        try:
            values[name] = budget if name == BUDGET else _value(spec, name)
        except KeyError:
            raise InputError(f"has no value for the knob '{name}'", where=where, expected=str(domain)) from None
        if not domain.contains(values[name]):
            what = f"a value outside the domain of '{name}'"
            raise InputError(what, where=where, expected=str(domain), got=values[name])
    return values


def _value(spec: TrialSpec, name: str) -> Scalar:
    """What the spec holds under a parameter's name: `finetune.lr`, or a knob such as `snl.penalty`."""
    part, _, key = name.partition(".")
    return cast(Scalar, getattr(spec.finetune, key) if part == "finetune" else spec.knobs[key])
