"""`python -m frontier.trial SPEC.json`: one trial, with torch, numpy, safetensors, pyyaml and pydantic alone."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from frontier import registry
from frontier.errors import FrontierError
from frontier.mirror import home_at
from frontier.shelves import DEFAULT_HOME
from frontier.trial.single import run_file


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("spec", type=Path)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--home", default=DEFAULT_HOME)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--download", action="store_true")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--plugin", type=Path, action="append", default=[])
    arguments = vars(parser.parse_args(words))
    try:
        for folder in arguments.pop("plugin"):
            registry.plug_in(folder)
        home = home_at(arguments.pop("home"))
        print(run_file(arguments.pop("spec"), arguments.pop("out"), home=home, **arguments))  # noqa: T201
    except FrontierError as error:
        print(f"error: {error}", file=sys.stderr)  # noqa: T201
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
