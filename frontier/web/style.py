"""The colours of a theme as CSS variables, the dark ones where the reader's system asks for them."""

from __future__ import annotations

from dataclasses import asdict

from frontier.reports.theme import Theme


def variables(light: Theme, dark: Theme) -> str:
    return f":root{{color-scheme:light dark;{_of(light)}}}@media (prefers-color-scheme:dark){{:root{{{_of(dark)}}}}}"


def _of(theme: Theme) -> str:
    return "".join(f"--{name}:{colour};" for name, colour in asdict(theme).items())
