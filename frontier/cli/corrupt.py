"""`frontier corrupt`: make the corrupted images of a data set's split, once for all trials."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated, Any, TextIO, final, get_args

import typer

from frontier.cli._options import DEFAULT_HOME, Data, Download, Home, Json, Plugin, print_json

if TYPE_CHECKING:
    from frontier.trial.preparing import Making

DataName = Annotated[str, typer.Argument(metavar="DATA", help="A data set, such as cifar10.")]
Split = Annotated[str, typer.Option(help="test, validation or train.")]
Corruptions = Annotated[str, typer.Option(help="common, held_out, a family, all, or names; separated by commas.")]
Workers = Annotated[int | None, typer.Option(metavar="N", help="Processes; default: as many as there are cores.")]
Mode = Annotated[str, typer.Option("--progress", help="auto, rich, plain or none; on stderr.")]

LINE_EVERY_SHARE = 0.05


def command(
    data_name: DataName,
    split: Split = "test",
    corruptions: Corruptions = "common",
    home: Home = DEFAULT_HOME,
    data: Data = None,
    workers: Workers = None,
    download: Download = False,
    progress: Mode = "auto",
    json: Json = False,
    plugin: Plugin = None,
) -> None:
    """Make the corrupted images of a split in the layout of CIFAR-10-C; trials make what is missing themselves."""
    from frontier.api.corrupt import corrupt

    with follow(progress, sys.stderr) as shown:
        found = corrupt(
            data_name,
            split=split,
            corruptions=corruptions,
            home=home,
            data=data,
            workers=workers,
            download=download,
            on_progress=shown,
        )
    if json:
        print_json(found)
    else:
        typer.echo(told(found))


def told(found: dict[str, Any]) -> str:
    """Folder, label, size and hash, a line each."""
    made = len(found["made"])
    count = f"{len(found['corruptions'])} corruptions x {found['severities']} severities x {found['images']:,} images"
    return "\n".join(
        [
            f"folder  {found['folder']}",
            f"label   {found['label']}",
            f"size    {found['bytes'] / 1e6:,.1f} MB: {count} ({made} corruptions made now)",
            f"hash    {found['hash']}",
        ]
    )


@contextlib.contextmanager
def follow(mode: str, stream: TextIO) -> Iterator[Callable[[Making], None]]:
    """Yields what to call whenever images are made. Raises InputError for an unknown mode."""
    from frontier.cli import _panel
    from frontier.errors import InputError

    if mode not in get_args(_panel.Mode):
        raise InputError("unknown choice", where="--progress", expected=", ".join(get_args(_panel.Mode)), got=mode)
    chosen = _panel.choose(mode, stream, os.environ)
    if chosen == "none":
        yield lambda making: None
    elif chosen == "plain":
        yield PlainLines(stream).tell
    else:
        from rich import progress
        from rich.console import Console

        columns = (
            progress.TextColumn("{task.description}"),
            progress.BarColumn(),
            progress.TaskProgressColumn(),
            progress.TimeRemainingColumn(),
        )
        with progress.Progress(*columns, console=Console(file=stream)) as bars:
            bar = bars.add_task("corrupting", total=None)

            def tell(making: Making) -> None:
                bars.update(bar, description=making.corruption, completed=making.done, total=making.of)
                if making.note:
                    bars.console.print(making.note, markup=False, highlight=False)

            yield tell


@final
class PlainLines:
    """A line for every 5 % of the images, and for whatever a person should know."""

    def __init__(self, stream: TextIO) -> None:
        self._stream, self._shown = stream, 0.0

    def tell(self, making: Making) -> None:
        """Print a line where one is due."""
        share = making.done / making.of
        if making.note:
            self._stream.write(f"{making.note}\n")
        if share - self._shown >= LINE_EVERY_SHARE - 1e-9 or (share == 1 and self._shown < 1):
            self._stream.write(f"{making.done:,}/{making.of:,} images ({share:.0%}), {making.corruption}\n")
            self._shown = share
        self._stream.flush()
