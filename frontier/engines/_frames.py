"""Frames of a channel: a header of 16 bytes, and raw bytes of a kind and a size that the receiver checks."""

from __future__ import annotations

import struct
from typing import Any, final

import numpy as np
import torch
from torch import Tensor

HEADER = struct.Struct("!4sBxxxQ")  # magic, kind, bytes that follow
MAGIC = b"fpi1"
ALIVE, WORDS, TEXT = 0, 1, 2
WORD_BYTES = 8
LONGEST_TEXT = 1 << 16


@final
class Incoming:
    """A frame that is being received; signs of life before it are left out."""

    def __init__(self, into: memoryview | None, *, text: bool) -> None:
        self.payload = memoryview(b"") if into is None else into
        self._text = text
        self._head, self._in_head, self._filled = memoryview(bytearray(HEADER.size)), True, 0
        self.complete = False

    def room(self) -> memoryview:
        """Where the next bytes go."""
        return (self._head if self._in_head else self.payload)[self._filled :]

    def took(self, count: int) -> bool:
        """So many bytes have come. False if they are not of the frame that was expected."""
        self._filled += count
        if self._in_head and self._filled == HEADER.size:
            magic, kind, size = HEADER.unpack(self._head)
            self._filled = 0
            if magic != MAGIC:
                return False
            if kind == ALIVE:
                return bool(size == 0)
            self._in_head = False
            if self._text and kind == TEXT and size <= LONGEST_TEXT:
                self.payload = memoryview(bytearray(size))
            elif self._text or kind != WORDS or size != self.payload.nbytes:
                return False
        self.complete = not self._in_head and self._filled == self.payload.nbytes
        return True


def words_of(tensor: Tensor) -> np.ndarray[Any, np.dtype[np.int64]]:
    """The numbers of an int64 tensor as they lie in memory: little-endian, as hellos make sure."""
    assert tensor.dtype == torch.int64
    found: np.ndarray[Any, np.dtype[np.int64]] = tensor.detach().contiguous().view(-1).numpy()
    return found


def advance(out: list[memoryview], count: int) -> int:
    """Drop the first `count` bytes; returns `count`."""
    left = count
    while out and left >= out[0].nbytes:
        left -= out.pop(0).nbytes
    if left:
        out[0] = out[0][left:]
    return count
