"""Data sets, one module each: `IMAGE`, `CLASSES` and `load(folder, *, download=False) -> Dataset`."""
