"""Which of a record's evaluations count, and which flags they raise."""

from __future__ import annotations

from frontier.results.evaluation import Check, Evaluation, Kind, checked, flags_of, latest
from frontier.results.measure import Measure


def made(name: str, *checks: tuple[str, bool | None], point: int = 0, kind: Kind = "attack") -> Evaluation:
    return Evaluation(
        point=point,
        kind=kind,
        name=name,
        n=100,
        accuracies={"clean": Measure.of(0.9, 100)},
        checks=tuple(Check(name=check, passed=passed, found="") for check, passed in checks),
        code_version="0.1.0",
        device="cpu",
    )


def test_of_one_key_the_last_evaluation_counts_and_only_those_of_the_point() -> None:
    first, again = made("pgd", ("order", False)), made("pgd", ("order", True))
    other, extra = made("autoattack", ("square", False)), made("pgd", ("order", False), point=1)
    assert latest((first, other, again, extra), 0) == (other, again)
    assert latest((first, other, again, extra), 1) == (extra,)
    assert latest((first,), 7) == ()


def test_evaluations_come_in_one_order_however_they_were_made() -> None:
    some = (made("pgd"), made("autoattack"), made("CIFAR-10-C-style", kind="corruptions"))
    assert latest(some, 0) == latest(some[::-1], 0)


def test_every_flag_is_named_once_and_sorted() -> None:
    found = latest((made("pgd", ("order", False), ("gradients", False)), made("fgsm", ("order", False))), 0)
    assert flags_of(found) == ("gradients", "order")
    assert flags_of(latest((made("pgd", ("order", False)), made("pgd", ("order", True))), 0)) == ()


def test_checks_that_did_not_apply_say_nothing() -> None:
    assert checked((made("pgd", ("order", True)),))
    assert not checked((made("pgd", ("square", None)), made("CIFAR-10-C-style", kind="corruptions")))
    assert flags_of((made("pgd", ("square", None)),)) == ()
