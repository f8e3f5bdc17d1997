"""Counting a backbone's ReLUs, site by site."""

from __future__ import annotations

import re
from typing import Any

from frontier.errors import InputError
from frontier.nn.network import build, relu_sites

CLASSES = 10  # the head has no ReLUs, so any number gives the same count


def count(network: str, image: str) -> dict[str, Any]:
    """`network` by name or as `pkg.module:factory`, `image` as `CxHxW`; what `frontier relus --json` prints."""
    size = parse_image(image)
    model = build(network, size, CLASSES, sites="full")
    sites = relu_sites(network, model, size)
    return {
        "network": network,
        "image": list(size),
        "full": sum(site.relus for site in sites),
        "inner": sum(site.relus for site in sites if site.inner),
        "sites": [
            {"path": site.path, "shape": list(site.shape), "relus": site.relus, "inner": site.inner} for site in sites
        ],
    }


def parse_image(text: str) -> tuple[int, int, int]:
    """`3x32x32` -> (3, 32, 32)."""
    if not re.fullmatch(r"[1-9]\d{0,4}x[1-9]\d{0,4}x[1-9]\d{0,4}", text):
        raise InputError("not an image size", where="--image", expected="CxHxW, such as 3x32x32", got=text)
    channels, height, width = map(int, text.split("x"))
    return channels, height, width
