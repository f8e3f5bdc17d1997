"""The report is one file, loads nothing, repeats itself byte by byte, and survives hostile and broken records."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from importlib.resources import files

import pytest
from plotly.offline import get_plotlyjs_version

from frontier import registry
from frontier.errors import RecordError
from frontier.reports.blocks import shows
from frontier.reports.page import bundle, render
from frontier.reports.points import Records, points_of
from frontier.reports.studied import Studied
from frontier.results.record import Point, TrialRecord
from frontier.results.store import StudyManifest

MakePoint = Callable[..., Point]
MakeRecord = Callable[..., TrialRecord]
Study = list[tuple[int, TrialRecord]]
BUNDLE = files("frontier.reports") / "assets" / "plotly-cartesian.min.js"
HOSTILE = "</script><script>alert('x')</script><img src=x onerror=alert(1)>"


def figures(records: Records) -> int:
    """How many figures have something to show."""
    studied = Studied(points_of(records))
    return sum(shows(registry.load("figure", name).data(studied)) for name in registry.names("figure"))


def own(page: str) -> str:
    """The page without plotly's bundle."""
    return page.replace(bundle(), "")


class Elements(HTMLParser):
    """Collects the names of all elements and the text of each script."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.append(tag)


@pytest.fixture(scope="module")
def page(manifest: StudyManifest, study: Study) -> str:
    return render(manifest, study)


def test_the_bundle_is_the_one_that_its_readme_names() -> None:
    readme = (files("frontier.reports") / "assets" / "README.md").read_text(encoding="utf-8")
    digest = hashlib.sha256(BUNDLE.read_bytes()).hexdigest()
    version = re.search(r"plotly\.js \(cartesian - minified\) v(\S+)", BUNDLE.read_text(encoding="utf-8")[:200])
    assert version is not None
    assert f"`{digest}`" in readme
    assert f"| version | {version[1]} |" in readme
    assert version[1].split(".")[0] == get_plotlyjs_version().split(".")[0]


def test_the_page_is_small_and_holds_the_bundle_once(page: str) -> None:
    assert len(page.encode()) < 2.5e6
    assert page.count("plotly.js (cartesian - minified)") == 1


def test_the_page_of_a_long_study_stays_below_five_megabytes(manifest: StudyManifest, study: Study) -> None:
    made = render(manifest, [(i, study[i % len(study)][1]) for i in range(1500)])
    assert len(made.encode()) < 5e6
    assert "Data table (500 of 1500 rows)" in made


def test_two_renderings_are_equal_byte_by_byte(manifest: StudyManifest, study: Study, page: str) -> None:
    assert render(manifest, list(reversed(study))) == page


def test_nothing_is_loaded_from_anywhere(page: str) -> None:
    assert not re.search(r"https?://|//cdn|@import|url\(", own(page))
    assert not {"link", "img", "iframe", "object", "form"} & set(Elements(own(page)).names)
    assert "default-src &#39;none&#39;" in page
    assert not any(address in page for address in ("cdn.plot.ly", "cloud.plotly.com"))  # of the bundle either


def test_scripts_run_by_their_hash_alone(page: str) -> None:
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None
    assert policy[1].count("sha256-") == 2
    assert "unsafe-eval" not in policy[1]
    assert re.search(r"script-src[^;]*unsafe-inline", policy[1]) is None


def test_each_figure_has_alt_text_caption_warning_and_table(page: str, study: Study) -> None:
    mine, shown = own(page), figures(study)
    assert shown > 9
    for once in ('role="img" aria-label="', 'class="misleads"', "Data table ("):
        assert mine.count(once) == shown
    assert "validation n = 360, test n = 360" in mine


def test_the_front_has_validation_and_test_and_a_command_to_type(page: str) -> None:
    assert "frontier export digits --trial 7 --out digits-7" in page
    assert re.search(r"<td>\d+\.\d% \[\d+\.\d, \d+\.\d\]<small>test \d+\.\d% \[", page)
    assert "authors_code" in page


def test_hostile_words_are_shown_and_never_run(make_point: MakePoint, make_record: MakeRecord) -> None:
    manifest = StudyManifest(
        name="digits", space={"question": HOSTILE}, space_hash="0", seed=0, sampler=HOSTILE, relus=1280,
        created_at="2026-01-01T00:00:00Z", code_version=HOSTILE,
    )  # fmt: skip
    records: list[tuple[int, TrialRecord | RecordError]] = [
        (0, make_record(make_point(10, 0.7, 0.5, 0.2), method=HOSTILE)),
        (1, make_record(state="failed", reason=HOSTILE, method=HOSTILE)),
        (2, RecordError(HOSTILE, where="record.json")),
    ]
    made = render(manifest, records)
    assert HOSTILE not in made
    assert "&lt;/script&gt;&lt;script&gt;alert" in made
    assert Elements(own(made)).names.count("script") == figures(records) + 3
    assert "img" not in Elements(own(made)).names


def test_an_empty_study_says_so(manifest: StudyManifest) -> None:
    made = render(manifest, [])
    assert "No complete trial yet" in made
    assert "not known yet" in made
    assert "data-figure=" not in own(made).split("<script>")[0]


def test_a_study_whose_trials_all_failed_lists_them(manifest: StudyManifest, make_record: MakeRecord) -> None:
    made = render(manifest, [(i, make_record(state="failed", reason=f"loss became NaN ({i})")) for i in range(3)])
    assert "No complete trial yet" in made
    assert all(f"loss became NaN ({i})" in made for i in range(3))


def test_one_trial_is_enough_and_a_corrupt_record_does_not_hide_it(manifest: StudyManifest, study: Study) -> None:
    made = render(manifest, [*study[:1], (1, RecordError("not JSON", where="trials/1/record.json"))])
    assert "frontier export digits --trial 0" in made
    assert "trials/1/record.json: not JSON" in made


def test_the_report_needs_neither_torch_nor_ray_nor_optuna() -> None:
    code = (
        "import sys; import frontier.reports.page; from frontier import registry;"
        "[registry.load('figure', n) for n in registry.names('figure')];"
        "sys.exit(bool({'torch', 'ray', 'optuna', 'pandas'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
