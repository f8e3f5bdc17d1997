"""The search-space file as written: its keys, before budgets, knobs and names are resolved; and its JSON Schema."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from frontier.frozen import Frozen
from frontier.results.spec import DataSpec, MeasureSpec, NetworkSpec, Recipe, TeacherSpec
from frontier.spaces import budget, domain
from frontier.spaces.goals import FOUR
from frontier.spaces.space import Resources, SearchSettings


def _form(kinds: list[str], item: dict[str, Any]) -> dict[str, Any]:
    """JSON Schema of a constant or of a domain of one of `kinds`."""
    two = {"type": "array", "items": item, "minItems": 2, "maxItems": 2}
    many = {"type": "array", "items": item, "minItems": 1, "uniqueItems": True}
    domains = [
        {
            "type": "object",
            "properties": {kind: many if kind == "choice" else two},
            "required": [kind],
            "additionalProperties": False,
        }
        for kind in kinds
    ]
    return {"anyOf": [item, {"type": "array"}, *domains]} if item is SCALAR else {"anyOf": [item, *domains]}


SCALAR: dict[str, Any] = {"type": ["number", "string", "boolean", "null"]}
COUNT: dict[str, Any] = {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": r"^[0-9.]+ ?%$"}]}
SETTING = _form(list(domain.KINDS), SCALAR)

Budget = Annotated[Any, WithJsonSchema(_form(list(budget.KINDS), COUNT))]
Count = Annotated[Any, WithJsonSchema(COUNT)]
Knobs = Annotated[
    dict[str, Any],
    BeforeValidator(lambda knobs: {} if knobs is None else knobs),  # `snl:` alone: every knob at its default
    WithJsonSchema({"type": ["object", "null"], "additionalProperties": SETTING}),
]
Finetune = Annotated[
    dict[str, Any],
    WithJsonSchema(
        {
            "type": "object",
            "properties": dict.fromkeys(Recipe.model_fields, SETTING),
            "required": [key for key, field in Recipe.model_fields.items() if field.is_required()],
            "additionalProperties": False,
        }
    ),
]


def _by_name(value: Any) -> Any:
    """`network: resnet18` is short for `network: {name: resnet18}`."""
    return {"name": value} if isinstance(value, str) else value


def _in_list(value: Any) -> Any:
    """`corruptions: common` is short for `corruptions: [common]`."""
    return [value] if isinstance(value, str) else value


def _texts(value: Any) -> Any:
    """A link of two numbers that nobody quoted has left one of them in the list."""
    return (
        [str(item) if isinstance(item, int | float) else item for item in value] if isinstance(value, list) else value
    )


class _Name:
    """A part may be written as its name alone."""

    def __get_pydantic_json_schema__(self, core: Any, handler: Any) -> dict[str, Any]:
        return {"anyOf": [{"type": "string"}, handler(core)]}


NAME = _Name()


class MeasureFile(MeasureSpec):
    """The measurement as written: among the corruptions there may be groups of them, such as `common`."""

    corruptions: Annotated[tuple[str, ...], BeforeValidator(_in_list), NAME] = Field(min_length=1)


class SpaceFile(Frozen):
    """One question. A setting under `methods` and `finetune` and the `relu_budget` are constants or domains."""

    version: Literal[1] = 1
    name: str | None = None  # default: the name of the file
    question: str = Field(min_length=1)
    data: Annotated[DataSpec, BeforeValidator(_by_name), NAME]
    network: Annotated[NetworkSpec, BeforeValidator(_by_name), NAME]
    teacher: TeacherSpec
    relu_budget: Budget = Field(description="a count, a percentage such as 5%, or a domain of them")
    anchors: tuple[Count, ...] = ()
    methods: dict[str, Knobs] = Field(description="a method and its knobs, such as 'snl: {penalty: 1e-4}'")
    finetune: Finetune = Field(description="a recipe: epochs, lr, ...")
    passes: float | None = Field(
        default=None, gt=0, description="network passes per training image that search and finetuning share"
    )
    measure: MeasureFile
    objectives: Annotated[tuple[str, ...], BeforeValidator(_texts)] = Field(default=FOUR.names, min_length=1)
    constraints: Annotated[tuple[str, ...], BeforeValidator(_in_list), NAME] = Field(
        default=(), description="what a point should keep to, such as 'clean >= 0.8'"
    )
    search: SearchSettings = SearchSettings()
    resources: Resources = Resources()


def schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a search-space file, for editors."""
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": "urn:relu-frontier:search-space:1"}
    return head | SpaceFile.model_json_schema()
