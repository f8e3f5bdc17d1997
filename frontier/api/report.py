"""A report of a study, as one page or as one image a figure; and all that its figures look at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from frontier.errors import InputError, MaskError
from frontier.files import write_named
from frontier.masks.file import load
from frontier.masks.mask import Mask
from frontier.reports.blocks import drawn
from frontier.reports.facts import facts_of
from frontier.reports.page import render
from frontier.reports.points import Records, StudyPoint
from frontier.reports.sources import Beside, study_of
from frontier.reports.spec import DEFAULT, ReportSpec, read_spec
from frontier.reports.static import FORMATS, Format, write_images
from frontier.reports.studied import Studied
from frontier.results.published import Published, published
from frontier.results.store import Study, StudyManifest

if TYPE_CHECKING:
    from frontier.api.study import StudyView

RENDERED = Path("reports") / "rendered"


def studied(view: StudyView, *, oracle: bool = False, seeds: Sequence[str] = (), pair: Sequence[str] = ()) -> Studied:
    """All that figures may look at, read from the study's files now: `figure.data` takes it.

    `seeds`: names of studies of the same space with other seeds. `pair`: addresses of the two points whose masks are
    laid side by side. Published figures of every class are there.
    """
    beside = _beside(view, seeds, published())
    return study_of(
        view.manifest, view.records(), goals=view.goals, oracle_routed=oracle, beside=beside, pair=tuple(pair)
    )


def write_page(
    view: StudyView, path: Path, *, oracle: bool = False, spec: str = DEFAULT, seeds: Sequence[str] = ()
) -> Path:
    """Render the report as one self-contained HTML file."""
    chosen = read_spec(spec)
    beside = _beside(view, seeds, _overlaid(chosen))
    page = render(view.manifest, view.records(), goals=view.goals, oracle_routed=oracle, beside=beside, spec=chosen)
    write_named(path, page, "--out")
    return path


def write_figures(
    view: StudyView,
    folder: Path,
    form: Format,
    *,
    oracle: bool = False,
    spec: str = DEFAULT,
    seeds: Sequence[str] = (),
) -> list[Path]:
    """Write each figure of the report that has something to show as a file of its own, light, with its name.

    Raises InputError for a format that is none, BlockedError without kaleido or Chrome.
    """
    if form not in FORMATS:
        raise InputError("not a format of a report", where="--format", expected=", ".join(("html", *FORMATS)), got=form)
    chosen = read_spec(spec)
    records, manifest = view.records(), view.manifest
    beside = _beside(view, seeds, _overlaid(chosen))
    facts = facts_of(manifest, records, goals=view.goals, oracle_routed=oracle)
    found = study_of(manifest, records, goals=view.goals, oracle_routed=oracle, beside=beside, overlays=chosen.overlays)
    if not found.points:
        raise InputError(f"study '{view.name}' has no figure yet: no trial is complete", where=str(view.files.folder))
    return write_images(drawn(found, facts, chosen), folder, form)


def _overlaid(spec: ReportSpec) -> Published | None:
    return published() if spec.overlays else None


def _beside(view: StudyView, seeds: Sequence[str], papers: Published | None) -> Beside:
    return Beside(tuple(view.files.events()), masks_of(view.files), tuple(_seeds(view, seeds)), papers)


def masks_of(files: Study) -> Callable[[StudyPoint], Mask]:
    def mask(found: StudyPoint) -> Mask:
        file = found.point.mask
        path = files.fetch_mask(found.trial, Path(file.file).name)
        loaded = load(path)
        if loaded.hash != file.hash:
            raise MaskError("not the mask of the record", where=str(path), expected=file.hash, got=loaded.hash)
        return loaded

    return mask


def _seeds(view: StudyView, names: Sequence[str]) -> list[tuple[StudyManifest, Records]]:
    known = {view.manifest.seed: view.name}
    found: list[tuple[StudyManifest, Records]] = []
    for name in dict.fromkeys(names):
        other = Study.open(view.home, name)
        manifest = other.manifest()
        if manifest.space_hash != view.manifest.space_hash:
            raise InputError(
                f"the study '{name}' answers another question",
                where="--seeds",
                expected=f"space {view.manifest.space_hash}",
                got=manifest.space_hash,
            )
        if manifest.seed in known:
            raise InputError(
                f"the studies '{known[manifest.seed]}' and '{name}' have the same seed, {manifest.seed}",
                where="--seeds",
            )
        known[manifest.seed] = name
        found.append((manifest, list(other.records())))
    return found
