"""A data set's options are checked against what its `load` takes, before any file is read."""

import jsonschema
import pytest

from frontier.api.schema import schema
from frontier.data import _named
from frontier.errors import InputError
from frontier.results.spec import DataSpec, Options, TrialSpec

PETS: Options = {"folder": "pets", "size": 64, "classes": 37}


def test_shapes_are_constants_or_follow_from_the_options() -> None:
    assert _named.shape_of(DataSpec(name="tiny_imagenet")) == ((3, 64, 64), 200)
    assert _named.shape_of(DataSpec(name="image_folder", options=PETS)) == ((3, 64, 64), 37)
    assert _named.shape_of(DataSpec(name="image_folder", options=PETS | {"channels": 1})) == ((1, 64, 64), 37)


@pytest.mark.parametrize(
    ("name", "options", "says"),
    [
        ("digit", {}, ["unknown data 'digit'", "Did you mean 'digits'?"]),
        ("digits", {"size": 8}, ["data 'digits': unknown option 'size'", "Known: (none)."]),
        ("digits", {"download": True}, ["unknown option 'download'"]),
        ("image_folder", PETS | {"siez": 8}, ["unknown option 'siez'", "Did you mean 'size'?"]),
        ("image_folder", PETS | {"root": "/"}, ["unknown option 'root'"]),
        ("image_folder", PETS | {"size": "64"}, ["option 'size' does not fit", "a positive int", "got: '64'"]),
        ("image_folder", PETS | {"size": 64.0}, ["option 'size' does not fit", "got: 64.0"]),
        ("image_folder", PETS | {"size": True}, ["option 'size' does not fit", "got: True"]),
        ("image_folder", PETS | {"classes": 0}, ["option 'classes' does not fit", "got: 0"]),
        ("image_folder", PETS | {"folder": 3}, ["option 'folder' does not fit", "a value of type str"]),
        ("image_folder", PETS | {"channels": 2}, ["option 'channels' does not fit", "1 (grey) or 3 (RGB)", "got: 2"]),
        ("image_folder", {"folder": "pets", "size": 8}, ["missing option 'classes'", "expected: a positive int"]),
    ],
)
def test_wrong_options_are_refused_alike_for_the_shape_and_the_images(
    name: str, options: Options, says: list[str]
) -> None:
    messages = []
    for ask in (
        lambda: _named.shape_of(DataSpec(name=name, options=options)),
        lambda: _named.load(name, None, options),
    ):
        with pytest.raises(InputError) as error:
            ask()
        messages.append(str(error.value))
    assert messages[0] == messages[1]
    for part in says:
        assert part in messages[0]


def test_a_spec_without_options_is_written_and_hashed_as_before_there_were_any(spec: TrialSpec) -> None:
    assert DataSpec(name="digits").model_dump_json() == '{"name":"digits","train_images":null}'
    assert DataSpec(name="digits").model_dump() == {"name": "digits", "train_images": None}
    assert "options" not in spec.model_dump(mode="json")["data"]
    assert spec.teacher_hash == "f6618212c219f948"


def test_options_are_written_read_back_and_hashed(spec: TrialSpec) -> None:
    changed = spec.model_copy(update={"data": DataSpec(name="image_folder", options=PETS)})
    assert changed.model_dump(mode="json")["data"]["options"] == PETS
    assert TrialSpec.model_validate_json(changed.model_dump_json()) == changed
    larger = spec.model_copy(update={"data": DataSpec(name="image_folder", options=PETS | {"size": 65})})
    assert changed.teacher_hash != larger.teacher_hash


@pytest.mark.parametrize("of", ["spec", "record", "space"])
def test_the_schema_knows_the_options_of_data(of: str) -> None:
    made = schema(of)
    jsonschema.Draft202012Validator.check_schema(made)
    data = made["$defs"]["DataSpec"]
    assert set(data["properties"]) == {"name", "train_images", "options"}
    assert data["required"] == ["name"]
