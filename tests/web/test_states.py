"""The page of studies that run, that are empty or broken, and its guards, in a real browser."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from visit import POINTS, WAIT_MS, Visit

from frontier.driver.lock import driving
from frontier.results.record import TrialRecord
from frontier.results.store import write_record

REFERENCE = Path(__file__).parents[2] / "results" / "reference" / "studies" / "cifar10_lab"


def test_points_appear_while_a_search_runs(
    browser: Any, tmp_path: Path, synthetic: Any, serve: Callable[..., Any]
) -> None:
    study = synthetic.write_study(tmp_path, "live", 5)
    study.append_event({"event": "started", "ts": "1"})
    with serve(tmp_path, "live") as url:
        with driving(study.folder):
            visit = Visit(browser.new_page(), url).open("?view=")
            visit.says("#live", "updated")
            for trial in range(5, 9):
                synthetic.write_trial(study, trial)
            visit.says("#summary", "9 points")
            visit.page.click("#pause")
            visit.says("#pause", "Go on")
            synthetic.write_trial(study, 9)
            visit.says("#live", "updated 3 s ago")  # it would have looked after 2
            assert "9 points" in visit.page.inner_text("#summary")
            visit.page.click("#pause")
            visit.says("#summary", "10 points")
        visit.says("#live", "live: the search was cut off")
        study.append_event({"event": "done", "ts": "2"})
        visit.says("#live", "live: the search is done")
        assert visit.problems == []
        visit.page.close()


@pytest.fixture
def strange(tmp_path: Path, synthetic: Any) -> Path:
    """A home of an empty study, one of one trial, one whose trials failed, one of older records, and a torn one."""
    synthetic.Study.create(tmp_path, synthetic.manifest("empty"), "")
    synthetic.write_study(tmp_path, "single", 1)
    failed = synthetic.write_study(tmp_path, "failed", 2)
    for trial in range(2):
        fields = {**failed.record(trial).model_dump(mode="json"), "state": "failed", "reason": "NaN in epoch 3"}
        write_record(failed.trial_folder(trial), TrialRecord.model_validate({**fields, "points": []}))
    shutil.copytree(REFERENCE, tmp_path / "studies" / "older")
    torn = synthetic.write_study(tmp_path, "torn", 2)
    (torn.trial_folder(1) / "record.json").write_text("{")
    return tmp_path


def test_studies_with_little_or_nothing_to_show_say_so(browser: Any, strange: Path, serve: Callable[..., Any]) -> None:
    with serve(strange) as url:
        visit = Visit(browser.new_page(), url).open("?study=single")
        visit.says("#summary", "1 points; 1 on the front of this view; 1 non-dominated in all objectives")
        visit.says("#linked", "All that is traded, point by point: single")
        visit.says("#absent", "empty has no point: it has no finished trial yet")
        visit.says("#absent", "failed has no point: all its trials came to nothing")
        visit.says("#absent", "failed: 2 failed")
        visit.says("#absent", "torn: 1 unreadable")
        assert {row["why"] for row in visit.rows("#absent")} == {"NaN in epoch 3"}
        for name in ("empty", "failed"):
            visit.open(f"?study={name}", wait="#summary")
            visit.says("#summary", "0 points")
            visit.says("#table", "No point is here")
        visit.open("?study=torn&view=")
        visit.says("#summary", "1 points")
        visit.open("?study=older&view=clean_vs_relus")
        visit.says("#linked", "older")
        assert int(visit.page.inner_text("#summary").partition(" ")[0]) > 1
        assert visit.problems == []
        visit.page.close()


def test_a_search_that_ended_and_goes_on_is_seen_again(
    browser: Any, tmp_path: Path, synthetic: Any, serve: Callable[..., Any]
) -> None:
    study = synthetic.write_study(tmp_path, "again", 6)
    held = tmp_path / "held"
    study.trial_folder(5).rename(held)
    study.append_event({"event": "done", "ts": "2026-01-01T02:00:00+00:00"})
    with serve(tmp_path) as url:
        visit = Visit(browser.new_page(), url).open("?view=")
        visit.says("#live", "5 points; again: the search is done")
        held.rename(study.trial_folder(5))
        visit.open("?view=", anew=True)
        visit.says("#live", "6 points; again: the search is done")
        assert visit.page.is_disabled("#pause")
        study.trial_folder(4).rename(held)
        visit.says("#live", "5 points")  # without a word of the reader's, if not at once
        visit.open("?view=&paused=1", anew=True)
        visit.says("#pause", "Go on")
        visit.page.click("#pause")
        visit.says("#pause", "Pause")
        assert visit.problems == []
        visit.page.close()


def test_a_token_lets_in_and_its_lack_does_not(browser: Any, home: Path, serve: Callable[..., Any]) -> None:
    with serve(home, "one", "--token", "auto") as url:
        context = browser.new_context()
        page = context.new_page()
        plain = url.partition("?")[0]
        assert page.goto(plain).status == 401
        page.goto(url)
        page.wait_for_selector(POINTS, timeout=WAIT_MS)
        assert page.url == plain
        (cookie,) = context.cookies()
        assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
        context.close()


def test_other_hosts_and_other_pages_are_refused(visit: Visit) -> None:
    ask = visit.open("?view=").page.request
    assert ask.get(visit.url).status == 200
    assert ask.get(visit.url, headers={"Host": "evil.example"}).status == 421
    assert ask.get(f"{visit.url}files/brushed.csv", headers={"Host": "evil.example"}).status == 421
    assert ask.post(f"{visit.url}_dash-update-component", headers={"Origin": "http://evil.example"}).status == 403
