"""What can be downloaded: by a known study, a known point and one of a few kinds. No name from a client is a path."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Final

from flask import Flask, Response, abort, request, send_file

from frontier.api.study import row
from frontier.web.desk import Desk
from frontier.web.frame import Entry
from frontier.web.rows import csv_of

MASKS, WEIGHTS = re.compile(r"mask[\w-]*\.safetensors"), re.compile(r"weights[\w-]*\.safetensors")
KINDS: Final = ("spec", "mask", "model", "card", "csv")


def kept_file(folder: Path, name: str | None, form: re.Pattern[str]) -> Path | None:
    """A file that a record names, if it is there: a plain one, in its trial's own folder, called as such files are."""
    if name is None or not form.fullmatch(name):
        return None
    path = folder / name
    return path if path.is_file() and not path.is_symlink() else None


def mask_file(folder: Path, entry: Entry) -> Path | None:
    return kept_file(folder, entry.point.point.mask.file, MASKS)


def weights_file(folder: Path, entry: Entry) -> Path | None:
    return kept_file(folder, entry.point.point.weights, WEIGHTS)


def offer(server: Flask, desk: Desk) -> None:
    """The two addresses, each with the query of a view: a point's files, and the brushed points as CSV."""

    @server.get("/files/<study>/<address>/<kind>")
    def of_point(study: str, address: str, kind: str) -> Response:
        view, _ = desk.parse(_query())
        entry = desk.entry(f"{study}:{address}", view)
        if entry is None or kind not in KINDS:
            abort(404)
        stem = f"{entry.study}-{entry.point.address}"
        if kind == "csv":
            return _text(csv_of([entry], view.setting), f"{stem}.csv", "text/csv")
        if kind == "card":
            return _text(json.dumps({"study": entry.study, **row(entry.point)}, indent=1), f"{stem}.json")
        if kind == "spec":
            spec = entry.point.record.spec.model_dump_json(indent=1)
            return _text(spec, f"spec-{entry.study}-{entry.point.trial}.json")
        folder = desk.folder(entry)
        path = (mask_file if kind == "mask" else weights_file)(folder, entry)
        if path is None:
            abort(404)
        name = f"{stem}-{kind}.safetensors"
        return send_file(path.resolve(), "application/octet-stream", as_attachment=True, download_name=name)

    @server.get("/files/brushed.csv")
    def brushed() -> Response:
        view, _ = desk.parse(_query())
        return _text(csv_of(desk.frame(view).chosen, view.setting), "frontier.csv", "text/csv")


def _query() -> str:
    """The view that a client asks for, as the page's own address has it."""
    return request.query_string.decode("ascii", "replace")


def _text(text: str, name: str, mimetype: str = "application/json") -> Response:
    answer = Response(text, mimetype=mimetype)
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer
