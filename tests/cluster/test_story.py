"""A search on three hosts loses and repeats nothing when one is cut off and the driver is killed."""

from __future__ import annotations

from pathlib import Path

import hosts
import pytest
import story


@pytest.mark.slow
@pytest.mark.usefixtures("namespaces")
def test_a_host_that_is_cut_off_and_a_killed_driver_change_no_result(
    space: Path, tmp_path: Path, database: hosts.Database
) -> None:
    told = story.tell(tmp_path, space=str(space), trials=12, database=database)
    assert (told.trials, told.complete) == (12, 12)
    assert (told.told_twice, told.lost, told.differ) == ((), (), ())
    assert told.front == told.undisturbed_front
    assert set(told.by_host) == {"worker1", "worker2"}
    assert told.finished_at_cut < told.finished_at_kill < 12
