"""Fixed point in the ring of 64 bits: two's complement int64 that wraps, with F bits of fraction, and its truncation.

The truncation is local (Mohassel and Zhang, SecureML, S&P 2017, section 4.1): of shares c + s = x each party shifts its
own. It is off by one unit, and wrong altogether with a probability of |x| / 2^63 or so: hence runs are checked.
"""

from __future__ import annotations

import hashlib

import torch
from torch import Tensor

from frontier.errors import InputError

RING_BITS = 64
CLIENT, SERVER = 0, 1
LARGEST = 2.0**30  # of what is encoded; more leaves no room for products


def encode(values: Tensor, fraction_bits: int) -> Tensor:
    """Real numbers to the nearest multiple of 2^-fraction_bits. Raises InputError for what is too large."""
    if not bool((values.abs() < LARGEST).all()):  # NaN is not below
        raise InputError("a number that fixed point cannot hold", expected=f"below {LARGEST:g} in magnitude")
    return (values.double() * 2.0**fraction_bits).round().to(torch.int64)


def decode(words: Tensor, fraction_bits: int) -> Tensor:
    """To float64."""
    return words.double() / 2.0**fraction_bits


def truncate(share: Tensor, bits: int, party: int) -> Tensor:
    """A party's share of x 2^bits -> its share of x, off by one unit at most, nearly always."""
    return share >> bits if party == CLIENT else -((-share) >> bits)


def draw(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Uniform over the ring."""
    return torch.empty(shape, dtype=torch.int64).random_(-(2**63), None, generator=generator)


def generator(seed: int, purpose: str) -> torch.Generator:
    """The stream of one purpose that both parties draw from the common seed."""
    digest = hashlib.sha256(f"{seed}/{purpose}".encode()).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest[:8], "big") >> 1)
