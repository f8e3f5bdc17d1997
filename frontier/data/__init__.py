"""Data sets, one module each: `IMAGE` and `CLASSES`, or `shape(**options)`; `load(folder, *, download, **options)`."""
