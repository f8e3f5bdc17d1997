"""The live panel of a search: drawn with rich on a terminal, plain lines elsewhere; always on stderr.

It reads events alone, so that a running search, one in another shell and one that crashed are shown alike.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Literal, TextIO, final, get_args

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from frontier.cli._progress import Event, Progress, Result
from frontier.errors import InputError

Mode = Literal["auto", "rich", "plain", "none"]
LINE_EVERY_S = 30.0
LINE_EVERY_SHARE = 0.05
ENDS = ("done", "interrupted", "gone")  # phases


@contextlib.contextmanager
def follow(
    mode: str = "auto",
    *,
    resume: str = "",
    past: Iterable[Event] = (),
    since: Progress | None = None,
    stream: TextIO | None = None,
) -> Iterator[Callable[[Event], None]]:
    """Yields what to call with each event. `past` events are counted and not shown, after `since`, which is where the
    study stood before and is shown; `resume` is the command to type after an interruption; `stream` is stderr unless
    given."""
    if mode not in get_args(Mode):
        raise InputError("unknown choice", where="--progress", expected=", ".join(get_args(Mode)), got=mode)
    out = stream if stream is not None else sys.stderr
    progress = since or Progress()
    for event in past:
        progress = progress.reduce(event)
    chosen = choose(mode, out, os.environ)
    if chosen == "none":
        yield lambda event: None
    elif chosen == "plain":
        lines = PlainLines(out, progress, resume)
        if since:
            lines.stand()
        yield lines.tell
    else:
        screen = Screen(progress, resume)
        console = Console(file=out)
        with Live(console=console, get_renderable=screen.draw, refresh_per_second=4, redirect_stdout=False):
            yield screen.tell


def choose(mode: str, stream: TextIO, environment: Mapping[str, str]) -> str:
    """`auto` is rich where the stream is a terminal that can move its cursor and nobody builds in CI, else plain."""
    if mode != "auto":
        return mode
    capable = stream.isatty() and environment.get("TERM") != "dumb" and not environment.get("CI")
    return "rich" if capable else "plain"


@final
class PlainLines:
    """At most one line per 30 s of the events' own clock or per 5 % of the trials; begin, end and warnings besides."""

    def __init__(self, stream: TextIO, progress: Progress, resume: str) -> None:
        self._stream, self._progress, self._resume = stream, progress, resume
        self._shown = progress

    def stand(self) -> None:
        """Where the study stands, of which no event has been told here."""
        now = self._progress
        self._print(header(now))
        if now.warning:
            self._stream.write(f"warning: {printable(now.warning)}\n")
        self._print(standing(now) if now.phase == "running" else f"{closing(now)}; {standing(now)}")
        self._stream.flush()

    def tell(self, event: Event) -> None:
        """Take in one event, and print a line where one is due."""
        before, self._progress = self._progress, self._progress.reduce(event)
        now = self._progress
        if now is before:
            return
        match event["event"]:
            case "started" | "resumed":
                self._print(header(now) if event["event"] == "started" else f"{header(now)}, resumed; {standing(now)}")
            case "front" if self._due():
                self._print(standing(now))
            case "warning" | "finished" | "stopping" | "interrupted" if now.warning != before.warning:
                self._stream.write(f"warning: {printable(now.warning)}\n")
            case "stopping":
                self._print(f"stopping ({printable(now.why)}): {len(now.running)} running trials may finish")
            case "done" | "interrupted" | "present" if now.phase != before.phase:
                self._print(f"{closing(now)}; {standing(now)}")
                if now.phase == "interrupted" and self._resume:
                    self._print(f"go on with: {self._resume}")
        self._stream.flush()

    def _due(self) -> bool:
        late = self._progress.now_s - self._shown.now_s >= LINE_EVERY_S
        return late or self._progress.share - self._shown.share >= LINE_EVERY_SHARE - 1e-9

    def _print(self, line: str) -> None:
        self._stream.write(line + "\n")
        self._shown = self._progress


@final
class Screen:
    """The panel for a terminal of 80 x 24 or more; it takes 16 lines at most."""

    def __init__(self, progress: Progress, resume: str) -> None:
        self._progress, self._resume = progress, resume

    def tell(self, event: Event) -> None:
        """Take in one event; the next redraw shows it."""
        self._progress = self._progress.reduce(event)

    def draw(self) -> RenderableType:
        """The panel as it stands now."""
        return panel(self._progress, self._resume)


def panel(now: Progress, resume: str) -> RenderableType:
    """Header, trials bar, what runs, front, hypervolume, last results, and the hint how to go on."""
    parts: list[RenderableType] = [_cut(header(now), "bold"), _bar(now)]
    if now.running or now.phase not in ENDS:
        running = "  ".join(f"#{trial} {now.running[trial].text}" for trial in sorted(now.running)) or now.phase
        parts.append(_fact("running", running))
    if now.phase == "stopping":
        parts.append(_fact("stopping", printable(now.why), "yellow"))
    elif now.phase in ENDS:
        parts.append(_fact("ended", closing(now), "" if now.phase == "done" else "yellow"))
    parts += [_fact("front", front(now)), _fact("hv", volume(now))]
    if now.warning:
        parts.append(_fact("warning", printable(now.warning), "yellow"))
    if now.last:
        parts.append(_results(now.last))
    if resume and now.phase != "done":
        parts.append(_fact("resume", resume, "dim"))
    return Group(*parts)


def header(now: Progress) -> str:
    """Study, number of trials and, where the events told them, sampler, seed and ReLUs of the network."""
    told = f" · sampler {now.sampler} · seed {now.seed} · {now.relus:,} ReLUs" if now.sampler else ""
    return f"frontier search {now.study} · {now.trials} trials{told}"


def standing(now: Progress) -> str:
    """One line: trials by state, front, hypervolume, time left."""
    eta = f" | ETA {duration(now.eta_s)}" if now.eta_s is not None else ""
    return f"{now.ended}/{now.trials} ({now.share:.0%}) {states(now)} | front {front(now)} | hv {volume(now)}{eta}"


def states(now: Progress) -> str:
    """`done 11 failed 1`: complete trials, and the other states that occur."""
    others = [f"{state} {now.counts[state]}" for state in ("failed", "pruned", "unreadable") if now.counts.get(state)]
    return " ".join([f"done {now.counts.get('complete', 0)}", *others])


def front(now: Progress) -> str:
    """Size of the front, and the best clean accuracy with its price."""
    text = f"{now.front} points"
    if now.best is not None:
        text += f", best clean {now.best.clean:.1%} @ {now.best.relu_count:,} ReLUs (trial {now.best.address})"
    return text


def volume(now: Progress) -> str:
    """`0.612 (+0.004 in last 20)`."""
    gain, over = now.gain
    return f"{now.hypervolume:.3f}" + (f" ({gain:+.3f} in last {over})" if over else "")


def closing(now: Progress) -> str:
    """How the search has ended, or its phase."""
    if now.phase == "gone":
        return printable(now.why)
    return f"interrupted ({printable(now.why)})" if now.phase == "interrupted" else now.phase


def duration(seconds: float) -> str:
    """`45s`, `3m 05s`, `1h 12m`, `2d 3h`."""
    whole = max(round(seconds), 0)
    minutes, hours, days = whole // 60, whole // 3600, whole // 86400
    if days:
        return f"{days}d {hours % 24}h"
    if hours:
        return f"{hours}h {minutes % 60:02d}m"
    return f"{minutes}m {whole % 60:02d}s" if minutes else f"{whole}s"


def printable(text: str) -> str:
    """One line without control characters: what a record says must not steer a terminal."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _cut(text: str, style: str = "") -> Text:
    return Text(text, style=style, no_wrap=True, overflow="ellipsis")


def _fact(name: str, text: str, style: str = "") -> Table:
    grid = Table.grid(padding=(0, 1), expand=True)
    grid.add_column(width=8, style="dim")
    grid.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    grid.add_row(name, Text(text, style=style))
    return grid


def _bar(now: Progress) -> Table:
    grid = Table.grid(padding=(0, 1), expand=True)
    grid.add_column(width=8, style="dim")
    grid.add_column(no_wrap=True)
    grid.add_column(ratio=1)
    grid.add_column(no_wrap=True)
    grid.add_column(no_wrap=True)
    eta = f"ETA {duration(now.eta_s)}" if now.eta_s is not None and now.phase not in ENDS else ""
    bar = ProgressBar(total=max(now.trials, 1), completed=now.ended)
    grid.add_row("trials", f"{now.ended}/{now.trials}", bar, states(now), eta)
    return grid


def _results(results: tuple[Result, ...]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("last", width=8)
    for name in ("method", "ReLUs", "clean", "corrupted", "adversarial", "time"):
        table.add_column(name, justify="left" if name == "method" else "right", no_wrap=True, overflow="ellipsis")
    for result in results:
        scores = [f"{v:.1%}" if v is not None else "-" for v in (result.clean, result.corrupted, result.adversarial)]
        count = f"{result.relu_count:,}" if result.relu_count is not None else result.state
        table.add_row(
            f"#{result.trial}",
            _cut(result.method),
            Text(count, style="" if result.state == "complete" else "red"),
            *scores,
            duration(result.wall_s),
        )
    return table
