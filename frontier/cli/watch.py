"""`frontier watch`: the live panel of a search from another terminal, while it runs and after it has ended or died."""

from __future__ import annotations

import signal
import sys
import time
from typing import Annotated

import typer

from frontier.cli._options import DEFAULT_HOME, Home, StudyName
from frontier.errors import Interrupted

Shown = Annotated[
    str | None, typer.Option("--progress", help="auto, rich, plain or none; on stdout, with --json on stderr.")
]
Events = Annotated[bool, typer.Option("--json", help="Print the study's events on stdout, one JSON object a line.")]
Once = Annotated[bool, typer.Option("--once", help="Show where the study stands now, and return.")]

LOOK_S = 0.5  # between two looks at the logs
SETTLE_S = 1.0  # a search with --replicate has no driver for a moment between its two parts


def command(
    study: StudyName, home: Home = DEFAULT_HOME, progress: Shown = None, json: Events = False, once: Once = False
) -> None:
    """Show a search that runs elsewhere, or has ended or died, as its own terminal does; returns when it has ended."""
    from frontier.api.watch import Watched
    from frontier.cli._panel import follow
    from frontier.cli._reader import Reader

    watched = Watched(study, home)
    mode = progress or ("none" if json else "auto")
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)  # the terminal's cursor comes back in any case
    reader = Reader(watched, passes_on=json)
    try:
        seen = reader.read(lambda event: None)
        with follow(mode, since=reader.progress, stream=sys.stderr if json else sys.stdout) as tell:
            while not once and reader.goes_on(seen):
                time.sleep(LOOK_S if seen.drivers or not seen.sure else SETTLE_S)
                seen = reader.read(tell)
    except KeyboardInterrupt:
        typer.echo("no longer watched; the search itself was left alone", err=True)
        raise typer.Exit(Interrupted.exit_code) from None
    finally:
        signal.signal(signal.SIGTERM, before)
    for line in reader.last_words(seen):
        typer.echo(line, err=True)
