"""Price: what a protocol's constants say that one inference costs, in all and by layer. A model, not a measurement."""

from __future__ import annotations

from pydantic import Field

from frontier.errors import InputError
from frontier.frozen import Frozen
from frontier.results.profile import Profile


class LayerPrice(Frozen):
    """One site: the ReLUs and squares that it evaluates, and what they cost. None: no source says."""

    path: str
    relus: int
    squares: int
    online_s: float | None
    bytes: int | None  # both directions
    rounds: int | None


class Price(Frozen):
    """One inference of one image. None is what no source says; it is never a zero.

    `online_bytes`, `rounds`, and the client's `sent_bytes` and `received_bytes` are those of the ReLUs and squares:
    sums over the layers. The input, the output and what linear layers exchange are apart from them. In seconds they
    are there: online_s = sum over the layers + `linear_s` + `input_output_s`. These two, and `notes`, what a reader
    must know of this very price, are no keys of the JSON.
    """

    online_s: float | None
    offline_s: float | None
    online_bytes: int | None
    sent_bytes: int | None
    received_bytes: int | None
    rounds: int | None
    layers: tuple[LayerPrice, ...]  # every site, in order of execution
    linear_s: float | None = Field(default=None, exclude=True)
    input_output_s: float | None = Field(default=None, exclude=True)
    notes: tuple[str, ...] = Field(default=(), exclude=True)


def refuse_squares(profile: Profile, protocol: str) -> None:
    """Raises InputError for a network with squares: what they cost under this protocol no source says."""
    if profile.squares:
        raise InputError(
            f"{protocol} has no price for squares",
            expected="a network whose removed ReLUs became linear; what a square costs there no source says",
            got=f"{profile.squares:,} squares",
            fix="price it with a protocol that knows squares: --protocol crypten",
        )
