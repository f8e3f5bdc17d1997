"""The evidence as a table, and the table in its document."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rows import FAULTS, rows

from frontier.files import write_atomic

DOCUMENT = "docs/reliability.md"
BEGIN, END = "<!-- benchmarks/faults: begin -->", "<!-- benchmarks/faults: end -->"
HARM = ("lost", "duplicated", "half_written", "differing")
HEAD = (
    "fault", "stage", "backend", "trials", "before", "after", "lost", "duplicated", "half-written", "differing",
    "run again", "goes on", "exit code",
)  # fmt: skip
CELLS = ("trials", "before", "after", *HARM, "run_again", "went_on", "exit_code")

Row = dict[str, Any]


def read(evidence: Path) -> list[Row]:
    """The rows that are there, in the matrix's order."""
    found = {row["key"]: row for path in evidence.glob("*.json") for row in read_file(path)}
    return [found[row.key] for row in rows() if row.key in found]


def read_file(path: Path) -> list[Row]:
    found: list[Row] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []
    return found


def broken(row: Row) -> bool:
    """Whether something came to harm, or the row could not be brought to its end."""
    return "went_wrong" in row or any(row.get(harm, 0) for harm in HARM)


def table(found: Sequence[Row]) -> Iterator[str]:
    """Line by line."""
    yield f"| {' | '.join(HEAD)} |"
    yield f"|{'---|' * len(HEAD)}"
    for row in found:
        cells = [FAULTS[row["fault"]].words, row["stage"], row["backend"]]
        if "went_wrong" in row or "not_run" in row:
            reason = f"not run here: {row['not_run']}" if "not_run" in row else "went wrong"
            cells += [reason, *[""] * (len(HEAD) - 4)]
        else:
            cells += [str(row[name]) for name in CELLS]
        yield f"| {' | '.join(cells)} |"
    yield ""
    yield from _where(found)
    there = {row["key"] for row in found}
    if missing := [row.key for row in rows() if row.key not in there]:
        yield f"\n{len(missing)} rows of {len(rows())} are not played yet: {'; '.join(missing)}."


def _where(found: Sequence[Row]) -> Iterator[str]:
    """Hardware, versions and dates, the same ones once."""
    played = [row for row in found if "not_run" not in row]
    kinds = sorted({(row["machine"], json.dumps(row["versions"])) for row in played})
    for machine, versions in kinds:
        mine = [row for row in played if (row["machine"], json.dumps(row["versions"])) == (machine, versions)]
        dates = sorted({row["date"] for row in mine})
        libraries = ", ".join(f"{name} {version}" for name, version in json.loads(versions).items())
        span = dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"
        yield f"{len(mine)} rows, {span}, {machine}, {libraries}."


def in_document(text: str, found: Sequence[Row]) -> str:
    """The document with this table between its markers."""
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    lines = "\n".join(table(found))
    return f"{head}{BEGIN}\n\n{lines}\n\n{END}{tail}"


def write(document: Path, found: Sequence[Row]) -> None:
    write_atomic(document, in_document(document.read_text(encoding="utf-8"), found))


def last_words(said: str, *folders: str) -> str:
    """What a driver complained about, in a line; without the folders of its machine."""
    errors = [line for line in said.splitlines() if line.startswith("error: ")]
    line = errors[-1] if errors else ""
    for folder in folders:
        line = line.replace(folder, "...")
    return line[:300]
