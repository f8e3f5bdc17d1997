"""Calibration: a protocol's constants as fitted to what a machine measured, and how far off prices with them are."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError

from frontier.errors import InputError
from frontier.files import write_named
from frontier.frozen import Frozen, first_problem

Quantity = Literal["wall", "client CPU"]
Value = Annotated[float, Field(ge=0, le=1e12)]  # far beyond any constant; prices stay finite
Count = Annotated[int, Field(ge=0)]


class CalibratedConstant(Frozen):
    """`value` is the published one where nothing could be fitted; `note` says what it was fitted on, or why not."""

    value: Value
    published: Value
    unit: str
    fitted: bool
    runs: Count  # that it was fitted on
    note: str


class Compared(Frozen):
    """One network over one link: the median of what was measured beside the price. Held out: its budget was not used
    to fit the constants of this price."""

    relus: Count
    squares: Count
    relu_layers: Count
    square_layers: Count  # that have squares and no ReLU
    link: str
    quantity: Quantity
    runs: Count
    measured_s: float = Field(gt=0)
    priced_s: float = Field(ge=0)
    held_out: bool

    @property
    def ratio(self) -> float | None:
        """Priced to measured; None where the network evaluates nothing that this price is of."""
        return self.priced_s / self.measured_s if self.priced_s else None


class Calibration(Frozen):
    """Constants by name, such as `relu.each_s`: those that can be fitted. A price takes the others as published.

    `held_out` are the ReLU counts that were asked for. None is nothing asked for: each budget in turn was left out
    of a fit of its own, or, with one budget alone, nothing; `compared` says so of every row. From `measurements` on the
    fields are about what the constants were fitted to, which `held_out` is no part of.
    """

    format: Literal["frontier-calibration"] = "frontier-calibration"
    version: Literal[1] = 1
    protocol: str
    engine: str
    constants: dict[str, CalibratedConstant] = Field(min_length=1)
    compared: tuple[Compared, ...]
    held_out: tuple[Count, ...] | None
    measurements: int = Field(ge=1)
    runs: int = Field(ge=1)  # that count
    machines: tuple[str, ...]  # that were measured on; empty where the measurements do not say
    versions: dict[str, str]
    measured_at: tuple[str, str]  # the first and the last measurement, UTC, ISO 8601
    load: tuple[float, float]  # the least and the greatest load average beside them
    calibrated_at: str  # UTC, ISO 8601
    simulated: tuple[str, ...] = ()  # in what it was fitted to, as the engines say it

    def largest_error(self, quantity: Quantity, link: str) -> float | None:
        """The largest |ratio - 1| of the held-out rows of this quantity over this link; None without such a row."""
        ratios = [row.ratio for row in self.compared if row.held_out and (row.quantity, row.link) == (quantity, link)]
        return max((abs(ratio - 1) for ratio in ratios if ratio is not None), default=None)


def write_calibration(calibration: Calibration, path: Path) -> None:
    """Whole or not at all. Raises InputError where it cannot be written."""
    write_named(path, calibration.model_dump_json(indent=1) + "\n", "--out")


def read_calibration(path: Path) -> Calibration:
    """Raises InputError for what is no calibration."""
    try:
        return Calibration.model_validate_json(path.read_bytes())
    except OSError as error:
        why = error.strerror or str(error)
    except ValidationError as error:
        why = first_problem(error)
    raise InputError(
        f"not a calibration ({why})", where=str(path), expected="a file that frontier calibrate wrote"
    ) from None
