"""Backbones, one module each: `build(image, classes, *, sites, **options)` with plain ReLUs, and `OUTER`."""
