"""`frontier methods` says what every method is, for people and for programs."""

import json
import subprocess
import sys

from frontier import registry


def run(*words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "frontier", "methods", *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_json_names_every_method_with_what_it_says_of_itself() -> None:
    found = json.loads(run("--json"))
    assert [method["name"] for method in found] == registry.names("method")
    for method in found:
        assert set(method) == {"name", "fidelity", "paper", "deviations"}
        module = registry.load("method", method["name"])
        assert (method["fidelity"], method["paper"]) == (module.FIDELITY, module.PAPER)
        assert method["deviations"] == list(module.DEVIATIONS)


def test_the_table_shows_paper_fidelity_and_deviations() -> None:
    shown = " ".join(run().split())
    assert "snl authors_code Cho et al." in shown
    assert "first_k baseline none: an example - It looks at no data before it chooses." in shown
