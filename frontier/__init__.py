"""frontier searches the trade-off between accuracy and ReLU count that decides whether private inference is usable.

`search(...)`, `estimate(...)`, `evaluate(...)`, `measure(...)`, `measure_point(...)`, `calibrate(...)`, `price(...)`,
`price_study`, `price_bundle`, `price_plan`, `rebuild(...)`, `open_study(...)`, `list_studies(...)`,
`load_bundle(...)` and `plug_in(folder)` are loaded when they are first used, so that `import frontier` costs neither
torch nor ray.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from frontier.api.calibrate import calibrate
    from frontier.api.estimate import estimate
    from frontier.api.evaluate import evaluate
    from frontier.api.measure import measure
    from frontier.api.measure_point import measure_point
    from frontier.api.price import price, price_bundle, price_plan, price_study
    from frontier.api.rebuild import rebuild
    from frontier.api.search import search
    from frontier.api.study import StudyView, list_studies, open_study
    from frontier.registry import plug_in
    from frontier.trial.bundle import load as load_bundle

__version__ = "0.1.0"
__all__ = [
    "StudyView",
    "calibrate",
    "estimate",
    "evaluate",
    "list_studies",
    "load_bundle",
    "measure",
    "measure_point",
    "open_study",
    "plug_in",
    "price",
    "price_bundle",
    "price_plan",
    "price_study",
    "rebuild",
    "search",
]

_HOMES = {
    "search": ("frontier.api.search", "search"),
    "rebuild": ("frontier.api.rebuild", "rebuild"),
    "estimate": ("frontier.api.estimate", "estimate"),
    "evaluate": ("frontier.api.evaluate", "evaluate"),
    "calibrate": ("frontier.api.calibrate", "calibrate"),
    "measure_point": ("frontier.api.measure_point", "measure_point"),
    "measure": ("frontier.api.measure", "measure"),
    "price": ("frontier.api.price", "price"),
    "price_bundle": ("frontier.api.price", "price_bundle"),
    "price_plan": ("frontier.api.price", "price_plan"),
    "price_study": ("frontier.api.price", "price_study"),
    "open_study": ("frontier.api.study", "open_study"),
    "list_studies": ("frontier.api.study", "list_studies"),
    "StudyView": ("frontier.api.study", "StudyView"),
    "plug_in": ("frontier.registry", "plug_in"),
    "load_bundle": ("frontier.trial.bundle", "load"),
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'frontier' has no attribute '{name}'")
    module, attribute = _HOMES[name]
    return getattr(importlib.import_module(module), attribute)
