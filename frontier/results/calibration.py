"""Calibration: a protocol's constants as fitted to what a machine measured, and how far off prices with them are."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from frontier.errors import InputError
from frontier.files import writable, write_atomic
from frontier.frozen import Frozen

Quantity = Literal["wall", "client CPU"]


class CalibratedConstant(Frozen):
    """`value` is the published one where nothing could be fitted; `note` says what it was fitted on, or why not."""

    value: float
    published: float
    unit: str
    fitted: bool
    runs: int  # that it was fitted on
    note: str


class Compared(Frozen):
    """One network over one link: the median of what was measured beside the price. Held out: its budget was not used
    to fit the constants of this price."""

    relus: int
    squares: int
    relu_layers: int
    square_layers: int  # that have squares and no ReLU
    link: str
    quantity: Quantity
    runs: int
    measured_s: float
    priced_s: float
    held_out: bool

    @property
    def ratio(self) -> float | None:
        """Priced to measured; None where the network evaluates nothing that this price is of."""
        return self.priced_s / self.measured_s if self.priced_s else None


class Calibration(Frozen):
    """Constants by name, such as `relu.each_s`: those that can be fitted. A price takes the others as published."""

    format: Literal["frontier-calibration"] = "frontier-calibration"
    version: Literal[1] = 1
    protocol: str
    engine: str
    constants: dict[str, CalibratedConstant]
    compared: tuple[Compared, ...]
    held_out: tuple[int, ...] | None  # these ReLU counts were not fitted on; None: each budget in turn was left out
    measurements: int
    runs: int  # that count
    machines: tuple[str, ...]  # that were measured on; empty where the measurements do not say
    versions: dict[str, str]
    measured_at: tuple[str, str]  # the first and the last measurement, UTC, ISO 8601
    load: tuple[float, float]  # the least and the greatest load average beside them
    calibrated_at: str  # UTC, ISO 8601

    def largest_error(self, quantity: Quantity, link: str) -> float | None:
        """The largest |ratio - 1| of the held-out rows of this quantity over this link; None without such a row."""
        ratios = [row.ratio for row in self.compared if row.held_out and (row.quantity, row.link) == (quantity, link)]
        return max((abs(ratio - 1) for ratio in ratios if ratio is not None), default=None)


def write_calibration(calibration: Calibration, path: Path) -> None:
    """Whole or not at all. Raises InputError where it cannot be written."""
    writable(path.parent, "--out")
    if path.is_dir():
        raise InputError("is a folder", where=str(path), expected="a file", fix="give another one with --out")
    write_atomic(path, calibration.model_dump_json(indent=1) + "\n")


def read_calibration(path: Path) -> Calibration:
    """Raises InputError for what is no calibration."""
    try:
        return Calibration.model_validate_json(path.read_bytes())
    except OSError as error:
        why = error.strerror or str(error)
    except ValidationError as error:
        first = error.errors()[0]
        why = ": ".join([".".join(map(str, first["loc"])), first["msg"]]).removeprefix(": ")
    raise InputError(
        f"not a calibration ({why})", where=str(path), expected="a file that frontier calibrate wrote"
    ) from None
