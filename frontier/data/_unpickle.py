"""Reads pickles of NumPy arrays and plain containers, and refuses every other global that a pickle may name."""

from __future__ import annotations

import io
import pickle
from typing import Any, final

import numpy as np

_ALLOWED: dict[tuple[str, str], Any] = {
    ("numpy.core.multiarray", "_reconstruct"): np.empty(0).__reduce__()[0],  # NumPy's function, wherever it lives now
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
}


@final
class _ArrayUnpickler(pickle.Unpickler):
    """An unpickler that resolves the names in `_ALLOWED` and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"the pickle asks for {module}.{name}, which an image file has no use for")
        return _ALLOWED[module, name]


def arrays(content: bytes) -> Any:
    """The object in `content`; text written by Python 2 comes back as bytes. Raises pickle.UnpicklingError."""
    return _ArrayUnpickler(io.BytesIO(content), encoding="bytes").load()
