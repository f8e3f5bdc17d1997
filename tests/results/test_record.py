"""The schema: what a record may say, how it is read back, and how old versions are lifted."""

import json
from pathlib import Path

import jsonschema
import pytest
from pydantic import ValidationError

from frontier.errors import RecordError
from frontier.results import migrate
from frontier.results.measure import Measure
from frontier.results.migrate import lift, read_record
from frontier.results.objectives import OBJECTIVES, RELU_COUNT
from frontier.results.record import VERSION, TrialRecord, address
from frontier.results.spec import TrialSpec
from frontier.spaces.goals import FOUR

FIRST = Path(__file__).parent / "record_v1.json"  # written by version 1, never to be changed


def test_a_record_of_the_first_version_is_still_read() -> None:
    record = read_record(FIRST.read_bytes(), where=str(FIRST))
    assert (record.version, record.state, record.trial) == (VERSION, "complete", 7)
    assert record.points[0].relu_count == 77
    assert record.points[0].profile.kept == 77
    assert FOUR.values(record.points[0])[3] == 77.0


def test_a_record_survives_its_file_unchanged() -> None:
    record = read_record(FIRST.read_bytes(), where="a")
    assert read_record(record.model_dump_json(), where="b") == record


def test_json_schema_is_valid_and_accepts_the_first_record() -> None:
    schema = TrialRecord.model_json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(json.loads(FIRST.read_text()), schema)


def test_versions_are_lifted_one_step_at_a_time() -> None:
    steps = {1: lambda fields: {**fields, "b": fields["a"]}, 2: lambda fields: {**fields, "c": fields["b"] + 1}}
    assert lift({"version": 1, "a": 1}, where="x", steps=steps, to=3) == {"version": 3, "a": 1, "b": 1, "c": 2}


def test_every_old_version_has_a_step() -> None:
    assert sorted(migrate.STEPS) == list(range(1, VERSION))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "not JSON"),
        ('{"version": 1', "not JSON"),
        ("[]", "expected: a JSON object"),
        ("{}", "without a schema version"),
        ('{"version": true}', "without a schema version"),
        (f'{{"version": {VERSION + 1}}}', "newer schema"),
        ('{"version": 1, "state": "complete"}', "not a valid record at spec"),
    ],
)
def test_what_is_no_record_is_refused_with_file_and_reason(text: str, says: str) -> None:
    with pytest.raises(RecordError, match=says) as caught:
        read_record(text, where="trials/7/record.json")
    assert "trials/7/record.json" in str(caught.value)


def fields() -> dict[str, object]:
    loaded: dict[str, object] = json.loads(FIRST.read_text())
    return loaded


def test_a_failed_record_needs_a_reason_and_a_complete_one_its_asked_point() -> None:
    with pytest.raises(ValidationError, match="says why"):
        TrialRecord.model_validate({**fields(), "state": "failed"})
    with pytest.raises(ValidationError, match="asked budget"):
        TrialRecord.model_validate({**fields(), "points": []})


@pytest.mark.parametrize("bad", ["NaN", "Infinity", "1.5", "-0.1"])
def test_an_accuracy_is_a_fraction_and_nothing_else(bad: str) -> None:
    text = FIRST.read_text().replace('"value":', f'"value": {bad}, "was":', 1)
    with pytest.raises(RecordError):
        read_record(text, where="x")


def test_unknown_fields_are_refused() -> None:
    with pytest.raises(ValidationError, match="Extra inputs"):
        TrialRecord.model_validate({**fields(), "accuracy": 1.0})


def test_comparable_leaves_out_number_host_and_timings_alone() -> None:
    record = read_record(FIRST.read_bytes(), where="x")
    origin = record.origin.model_copy(update={"host": "other", "started_at": "later", "wall_s": {"x": 1.0}})
    moved = record.model_copy(update={"trial": 9, "origin": origin})
    assert moved.comparable() == record.comparable()
    other = record.model_copy(update={"origin": origin.model_copy(update={"device": "cuda"})})
    assert other.comparable() != record.comparable()


def test_wilson_interval_of_known_cases() -> None:
    # 8 of 10: (0.4902, 0.9433); 0 of 10: (0, 0.2775): Wilson's formula at z = 1.96
    assert (Measure.of(0.8, 10).low, Measure.of(0.8, 10).high) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert (Measure.of(0.0, 10).low, Measure.of(0.0, 10).high) == pytest.approx((0, 0.2775), abs=1e-4)
    assert Measure.of(1.0, 10).high == 1.0


def test_objectives_name_unit_direction_and_split() -> None:
    assert [(o.name, o.unit, o.direction, o.split) for o in OBJECTIVES] == [
        ("clean", "fraction", "maximize", "validation"),
        ("corrupted", "fraction", "maximize", "validation"),
        ("adversarial", "fraction", "maximize", "validation"),
        ("relu_count", "ReLUs", "minimize", None),
    ]
    assert (RELU_COUNT.told(0), RELU_COUNT.told(1), RELU_COUNT.told(1000)) == (0, 0, 3)


def test_addresses_name_extra_points_only() -> None:
    assert (address(7, 0), address(7, 2)) == ("7", "7.2")


def test_specs_share_a_teacher_unless_data_network_or_recipe_differ() -> None:
    spec = read_record(FIRST.read_bytes(), where="x").spec
    same = spec.model_copy(update={"relu_budget": 1, "seed": 9, "method": "other"})
    other = spec.model_copy(update={"network": spec.network.model_copy(update={"sites": "inner"})})
    assert same.teacher_hash == spec.teacher_hash != other.teacher_hash
    assert TrialSpec.model_validate_json(spec.model_dump_json()) == spec
