from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any, get_args

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, model_validator

from frontier.api.lookups import load_space
from frontier.errors import InputError
from frontier.frozen import Frozen
from frontier.results.spec import DataSpec, MeasureSpec, NetworkSpec, Scalar, TrialSpec
from frontier.spaces.domain import ChoiceDomain, CountDomain, Domain, FloatDomain, IntDomain, LogDomain
from frontier.spaces.file import schema
from frontier.spaces.load import Lookups, load, loads
from frontier.spaces.space import Space

RELUS = 768
SHELF = Path(__file__).parents[2] / "search_spaces"
NAMES = {
    "data": ["digits", "cifar10"],
    "backbone": ["tinynet", "airnet"],
    "method": ["snl", "random"],
    "corruption": ["gaussian_noise", "defocus_blur", "contrast", "pixelate"],
    "attack": ["pgd", "fgsm"],
    "sampler": ["tpe", "random", "gp", "hybrid"],
}


class SnlKnobs(Frozen):
    """As the real method's, as far as the shipped spaces use it; `surrogate` and the validator are the tests'."""

    penalty: float = Field(default=1e-5, gt=0)
    growth: float = Field(default=1.1, gt=1)
    patience_epochs: int = Field(default=5, ge=0)
    max_epochs: int = Field(default=2000, gt=0)
    lr: float = 1e-3
    mask_lr: float | None = None
    batch: int = Field(default=128, gt=0)
    exact: bool = False
    threshold: float = 1e-2
    surrogate: str = "identity"

    @model_validator(mode="after")
    def _patient(self) -> SnlKnobs:
        if self.patience_epochs > self.max_epochs:
            raise ValueError("patience_epochs is above max_epochs")
        return self


class RandomKnobs(Frozen):
    per_layer: bool = False


def knobs_of(method: str) -> type[Frozen]:
    return SnlKnobs if method == "snl" else RandomKnobs


def relus_of(network: NetworkSpec, data: DataSpec) -> int:
    if network.options.get("width") == 0:
        raise InputError("a network without channels", expected="width > 0", got=0)
    return 13_312 if network.name == "airnet" else RELUS


def shape_of(data: DataSpec) -> None:
    if data.options:
        raise InputError("unknown option 'siez'", where="data 'digits'", expected="Known: size. Did you mean 'size'?")


def names_of(axis: str) -> list[str]:
    return NAMES[axis]


def refuse_official(data: str) -> None:
    if data != "cifar10":
        raise InputError(f"'{data}' has no official corrupted images", expected="'official' with cifar10")


LOOKUPS = Lookups(
    knobs_of=knobs_of,
    shape_of=shape_of,
    relus_of=relus_of,
    names_of=names_of,
    groups={"common": lambda: ("gaussian_noise", "contrast"), "noise": lambda: ("gaussian_noise",)},
    refuse_official=refuse_official,
)

TEXT = """\
question: What do ReLUs buy?
data: {name: digits}
network: {name: tinynet, options: {width: 8}}
teacher:
  recipe: {epochs: 3, optimizer: adam, lr: 1e-2}
relu_budget: {log: [0, 100%]}
anchors: [100%, 0]
methods:
  snl:
    penalty: {log: [1e-4, 1e-2]}
    growth: 1.3
    batch: {choice: [32, 64]}
    exact: true
  random:
finetune:
  epochs: {int: [1, 3]}
  lr: {float: [0.001, 0.01]}
measure:
  corruptions: [gaussian_noise, contrast]
search: {trials: 8}
"""


def space_of(text: str = TEXT) -> Space:
    return loads(text.encode(), "x.yaml", LOOKUPS)


def swapped(old: str, new: str) -> str:
    assert TEXT.count(old) == 1
    return TEXT.replace(old, new)


def message_of(text: str) -> str:
    with pytest.raises(InputError) as error:
        space_of(text)
    return str(error.value)


# what a file becomes


def test_budgets_are_counts_and_knobs_are_complete() -> None:
    space = space_of()
    assert (space.name, space.relus, space.anchors) == ("x", 768, (768, 0))
    assert space.relu_budget == CountDomain(low=0, high=768)
    assert space.method_names == ("random", "snl")
    assert space.methods["random"] == {"per_layer": False}
    assert space.methods["snl"]["max_epochs"] == 2000
    assert "mask_lr" not in space.methods["snl"]
    assert space.finetune["optimizer"] == "sgd"
    assert space.search.concurrency == "auto"


def test_parameters_are_conditional_on_the_method_and_in_a_fixed_order() -> None:
    space = space_of()
    assert list(space.parameters("random")) == ["relu_budget", "finetune.epochs", "finetune.lr"]
    assert space.parameters("snl") == {
        "relu_budget": CountDomain(low=0, high=768),
        "snl.batch": ChoiceDomain(options=(32, 64)),
        "snl.penalty": LogDomain(low=1e-4, high=1e-2),
        "finetune.epochs": IntDomain(low=1, high=3),
        "finetune.lr": FloatDomain(low=0.001, high=0.01),
    }
    with pytest.raises(InputError, match="Did you mean 'snl'"):
        space.parameters("sn")


def test_a_space_survives_json() -> None:
    space = space_of()
    assert Space.model_validate_json(space.model_dump_json()) == space
    assert Space.model_validate(space.model_dump(mode="json")).space_hash == space.space_hash


def test_values_mean_what_a_person_means() -> None:
    assert space_of(swapped("exact: true", "exact: no")).methods["snl"]["exact"] is False
    assert space_of(swapped("exact: true", "exact: {choice: [no, yes]}")).methods["snl"]["exact"] == ChoiceDomain(
        options=(False, True)
    )
    assert space_of(swapped("exact: true", "surrogate: no")).methods["snl"]["surrogate"] == "no"
    assert space_of(swapped("growth: 1.3", "growth: 2")).methods["snl"]["growth"] == 2.0
    assert space_of(swapped("growth: 1.3", "max_epochs: 1e3")).methods["snl"]["max_epochs"] == 1000
    assert "mask_lr" not in space_of(swapped("growth: 1.3", "mask_lr: null")).methods["snl"]


def test_question_is_one_line() -> None:
    assert space_of(swapped("What do ReLUs buy?", "|\n  What do\n  ReLUs buy?")).question == "What do ReLUs buy?"


def measured(corruptions: str, data: str = "cifar10") -> MeasureSpec:
    text = swapped("[gaussian_noise, contrast]", corruptions).replace("{name: digits}", f"{{name: {data}}}")
    return space_of(text).measure


def test_words_for_several_corruptions_become_their_names() -> None:
    single = measured("[gaussian_noise, contrast]")
    for text in ("common", "[common]", "[noise, contrast]"):
        assert measured(text) == single
    assert measured("[pixelate, noise]").corruptions == ("pixelate", "gaussian_noise")
    assert measured("noise") == measured("gaussian_noise")


def test_official_means_the_common_ones_and_the_files_of_the_test_split_besides() -> None:
    common = measured("common")
    assert measured("official") == measured("[official]") == common.model_copy(update={"official": True})
    assert measured("[official, pixelate]").corruptions == (*common.corruptions, "pixelate")
    assert not common.official
    assert measured("[contrast]\n  official: true") == MeasureSpec(corruptions=("contrast",), official=True)


def test_a_corruption_whose_name_is_a_word_is_itself() -> None:
    names = {**NAMES, "corruption": [*NAMES["corruption"], "common", "official"]}
    lookups = dataclasses.replace(LOOKUPS, names_of=names.__getitem__)
    text = swapped("[gaussian_noise, contrast]", "[common, official]")
    measure = loads(text.encode(), "x.yaml", lookups).measure
    assert (measure.corruptions, measure.official) == (("common", "official"), False)


# hash


def test_hash_is_that_of_the_single_corruptions() -> None:
    assert space_of(swapped("[gaussian_noise, contrast]", "common")).space_hash == space_of().space_hash


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("search: {trials: 8}", "search: {trials: 9, seed: 3, sampler: gp, concurrency: 2}\nresources: {cpu: 2}"),
        ("search: {trials: 8}", "search: {trials: 8}\nresources: {deadline_min: 90}"),
        ("question: What do ReLUs buy?", "name: other\nquestion: Why?"),
        ("{log: [0, 100%]}", "{log: [0, 768]}"),
        ("    growth: 1.3\n    batch: {choice: [32, 64]}\n", "    batch: {choice: [32, 64]}\n    growth: 1.3\n"),
        ("growth: 1.3", "growth: 1.3\n    max_epochs: 2000"),
        ("random:", "random: {}"),
    ],
)
def test_hash_is_blind_to_what_is_not_the_question(old: str, new: str) -> None:
    assert space_of(swapped(old, new)).space_hash == space_of().space_hash


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("growth: 1.3", "growth: 1.4"),
        ("{log: [1e-4, 1e-2]}", "{float: [1e-4, 1e-2]}"),
        ("epochs: 3,", "epochs: 4,"),
        ("anchors: [100%, 0]", "anchors: [100%]"),
        ("  random:\n", ""),
        ("{int: [1, 3]}", "{int: [1, 4]}"),
        ("corruptions: [gaussian_noise, contrast]", "corruptions: [gaussian_noise]"),
    ],
)
def test_hash_sees_every_part_of_the_question(old: str, new: str) -> None:
    assert space_of(swapped(old, new)).space_hash != space_of().space_hash


# specs


def drawn_from(domain: Domain) -> st.SearchStrategy[Scalar]:
    match domain:
        case IntDomain(low=low, high=high) | CountDomain(low=low, high=high):
            return st.integers(low, high)
        case FloatDomain(low=low, high=high) | LogDomain(low=low, high=high):
            return st.floats(low, high)
        case ChoiceDomain(options=options):
            return st.sampled_from(options)
    raise AssertionError(domain)


@given(data=st.data(), seed=st.integers(0, 2**31))
def test_every_assignment_from_the_domains_gives_a_valid_spec(data: st.DataObject, seed: int) -> None:
    space = space_of()
    method = data.draw(st.sampled_from(space.method_names))
    domains = space.parameters(method)
    values = {key: data.draw(drawn_from(domain), key) for key, domain in domains.items()}
    spec = space.spec({"method": method, **values}, seed=seed)
    assert TrialSpec.model_validate_json(spec.model_dump_json()) == spec
    assert (spec.method, spec.seed, spec.space_hash) == (method, seed, space.space_hash)
    assert 0 <= spec.relu_budget <= RELUS
    assert spec.relu_budget == values["relu_budget"]
    assert spec.finetune.lr == values["finetune.lr"]
    knobs = knobs_of(method).model_validate(spec.knobs)
    assert knobs.model_dump(exclude_none=True) == spec.knobs
    assert all(spec.knobs[key.partition(".")[2]] == value for key, value in values.items() if key.startswith(method))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"method": "sln"}, "unknown method 'sln'"),
        ({"snl.penalty": 1.0}, "a value outside the domain of 'snl.penalty'"),
        ({"relu_budget": 769}, "a value outside the domain of 'relu_budget'"),
        ({"relu_budget": 5.0}, "a value outside the domain of 'relu_budget'"),
        ({"snl.batch": 33}, "expected: one of 32, 64"),
        ({"snl.penality": 1e-3}, "Did you mean 'snl.penalty'?"),
    ],
)
def test_wrong_assignment_is_refused(change: dict[str, Scalar], message: str) -> None:
    right: dict[str, Scalar] = {
        "method": "snl",
        "relu_budget": 5,
        "snl.batch": 32,
        "snl.penalty": 1e-3,
        "finetune.epochs": 2,
        "finetune.lr": 0.005,
    }
    space = space_of()
    assert space.spec(right, seed=0).knobs["penalty"] == 1e-3
    with pytest.raises(InputError, match=re.escape(message)):
        space.spec(right | change, seed=0)
    with pytest.raises(InputError, match=r"no value for the parameter 'finetune\.lr'"):
        space.spec({key: value for key, value in right.items() if key != "finetune.lr"}, seed=0)


def test_a_constant_budget_is_no_parameter() -> None:
    text = swapped("{log: [0, 100%]}", "1%").replace("anchors: [100%, 0]", "anchors: [7]")
    space = space_of(text)
    assert space.relu_budget == 7
    assert "relu_budget" not in space.parameters("random")
    assert space.spec({"method": "random", "finetune.epochs": 1, "finetune.lr": 0.01}, seed=0).relu_budget == 7


# errors: each says file, line and what to do


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("growth: 1.3", "penality: 1", 11, ["unknown key 'penality' under method 'snl'", "Did you mean 'penalty'?"]),
        ("search: {trials", "serach: {trials", 20, ["unknown key 'serach' at the top level", "Did you mean 'search'?"]),
        ("{trials: 8}", "{trails: 8}", 20, ["unknown key 'trails' under 'search'", "Did you mean 'trials'?"]),
        ("{trials: 8}", "{n_trials: 8}", 20, ["unknown key 'n_trials'", "to do: write 'trials'"]),
        ("epochs: 3,", "epoch: 3, epochs: 3,", 5, ["unknown key 'epoch' under 'teacher.recipe'", "'epochs'?"]),
        ("  lr: {float", "  lrate: 1\n  lr: {float", 17, ["unknown key 'lrate' under 'finetune'", "Known: augment"]),
        ("{name: digits}", "{nmae: digits}", 2, ["missing key 'name' under 'data'", "unknown key 'nmae'"]),
        ("epochs: 3,", "epochs: many,", 5, ["wrong value for 'teacher.recipe.epochs'", "valid integer", "'many'"]),
        ("epochs: 3,", "epochs: true,", 5, ["wrong value for 'teacher.recipe.epochs'", "got: true"]),
        ("epochs: 3,", "epochs: {int: [1, 3]},", 5, ["to do: write a constant"]),
        ("width: 8", "width: [8]", 3, ["wrong value for 'network.options.width'", "valid integer or", "[8]"]),
        ("data: {name: digits}", "data: 3", 2, ["wrong value for 'data'", "expected: a mapping"]),
        ("growth: 1.3", "growth: fast", 11, ["wrong value for 'methods.snl.growth'", "valid number", "'fast'"]),
        ("growth: 1.3", "growth: true", 11, ["wrong value for 'methods.snl.growth'", "got: true"]),
        ("growth: 1.3", "growth: null", 11, ["wrong value for 'methods.snl.growth'", "got: nothing (null)"]),
        ("growth: 1.3", "growth: {float: [0.5, 2]}", 11, ["'methods.snl.growth'", "greater than 1", "got: 0.5"]),
        ("growth: 1.3", "growth: {float: [2, 1.5]}", 11, ["lower bound 2.0 is not below the upper bound 1.5"]),
        ("growth: 1.3", "growth: {lgo: [1.1, 2]}", 11, ["unknown domain 'lgo'", "Did you mean 'log'?"]),
        ("growth: 1.3", "max_epochs: {float: [5, 9]}", 11, ["wrong type for 'methods.snl.max_epochs'", "{int: [lo"]),
        ("growth: 1.3", "max_epochs: {int: [1, 9]}", 9, ["patience_epochs is above max_epochs"]),
        ("exact: true", "exact: {int: [0, 1]}", 13, ["wrong type for 'methods.snl.exact'", "{choice: [a, b]}"]),
        ("exact: true", "exact: {choice: []}", 13, ["an empty choice"]),
        ("exact: true", "exact: {choice: [no, false]}", 13, ["options that differ in the type of the field"]),
        ("batch: {choice: [32, 64]}", "batch: {choice: [32, true]}", 12, ["'methods.snl.batch'", "got: true"]),
        ("batch: {choice: [32, 64]}", "batch: 1\n    batch: 2", 13, ["duplicate key 'batch', first on line 12"]),
        ("{int: [1, 3]}", "-1", 16, ["wrong value for 'finetune.epochs'", "greater than or equal to 0", "got: -1"]),
        ("{log: [0, 100%]}", "769", 6, ["above the network's 768 ReLUs", "expected: 0 to 768 ReLUs, or 0% to 100%"]),
        ("{log: [0, 100%]}", "{log: [-1, 100%]}", 6, ["the ReLU budget is negative"]),
        ("anchors: [100%, 0]", "anchors:\n  - 100%\n  - 120%", 9, ["above the network's 768 ReLUs", "'120%'"]),
        ("anchors: [100%, 0]", "anchors: [0, 0.1%]", 7, ["two anchors are both 0 ReLUs"]),
        ("{log: [0, 100%]}", "{int: [1, 5%]}", 7, ["an anchor outside 'relu_budget'", "100% = 768 ReLUs"]),
        ("  random:\n", "  randon:\n", 14, ["unknown method 'randon'. Known: random, snl. Did you mean 'random'?"]),
        ("{name: digits}", "{name: digit}", 2, ["unknown data 'digit'", "Did you mean 'digits'?"]),
        ("name: tinynet", "name: tinnet", 3, ["unknown backbone 'tinnet'", "Did you mean 'tinynet'?"]),
        ("[gaussian_noise, ", "[gausian_noise, ", 19, ["unknown corruption 'gausian_noise'", "'gaussian_noise'?"]),
        ("[gaussian_noise, ", "[contrast, ", 19, ["'contrast' is in 'measure.corruptions' twice"]),
        ("[gaussian_noise, c", "[noise, gaussian_noise, c", 19, ["twice, by 'noise' and by 'gaussian_noise'"]),
        ("[gaussian_noise, contrast]", "\n  - common\n  - common", 21, ["'gaussian_noise' is in", "twice"]),
        ("[gaussian_noise, contrast]", "comon", 19, ["unknown corruption 'comon'", "Did you mean 'common'?"]),
        ("[gaussian_noise, contrast]", "[]", 19, ["wrong value for 'measure.corruptions'", "at least 1 item"]),
        ("[gaussian_noise, contrast]", "3", 19, ["wrong value for 'measure.corruptions'", "expected: a list"]),
        ("[gaussian_noise, contrast]", "official", 19, ["'digits' has no official corrupted images", "with cifar10"]),
        ("[gaussian_noise, contrast]", "[contrast]\n  official: true", 20, ["no official corrupted images"]),
        ("measure:\n", "measure:\n  severities: [1, 6]\n", 19, ["unknown corruption severity", "expected: 1 to 5"]),
        ("measure:\n", "measure:\n  attack_eps_255: [1, -2]\n", 19, ["not an attack strength", "got: -2.0"]),
        ("measure:\n", "measure:\n  attack: pdg\n", 19, ["unknown attack 'pdg'", "Did you mean 'pgd'?"]),
        ("{trials: 8}", "{sampler: tpx}", 20, ["unknown sampler 'tpx'", "Did you mean 'tpe'?"]),
        ("{trials: 8}", "{concurrency: some}", 20, ["wrong value for 'search.concurrency'", "'auto' or"]),
        ("search:", "objectives: [clean, speed]\nsearch:", 20, ["unknown objective 'speed'", "online_s@crypten/wan"]),
        ("search:", "objectives: [clean, corrupted]\nsearch:", 20, ["no trade-off", "at least one cost"]),
        (
            "search:",
            "objectives: [clean, rounds@crypten/40,400]\nsearch:",
            20,
            ["not a link", "unknown objective '400'", "quotes"],
        ),
        ("search:", "objectives:\n- clean\n- online_s@delhpi/lan\nsearch:", 22, ["Did you mean 'delphi'?"]),
        ("search:", "resources: {cpu: 0}\nsearch:", 20, ["wrong value for 'resources.cpu'", "greater than 0"]),
        ("search:", "version: 2\nsearch:", 20, ["wrong value for 'version'", "expected: 1"]),
        ("width: 8", "width: 0", 3, ["a network without channels", "expected: width > 0", "got: 0"]),
        ("{name: digits}", "{name: digits, options: {siez: 8}}", 2, ["unknown option 'siez'", "Did you mean 'size'?"]),
        ("{name: digits}", "{name: digits, options: {size: [8]}}", 2, ["wrong value for 'data.options.size'", "[8]"]),
        ("growth: 1.3", "growth: [", 13, ["not valid YAML"]),
    ],
)
def test_error_names_file_line_and_cure(old: str, new: str, line: int, says: list[str]) -> None:
    message = message_of(swapped(old, new))
    assert message.startswith(f"x.yaml:{line}: ")
    for part in says:
        assert part in message


@pytest.mark.parametrize("key", ["question", "data", "network", "teacher", "relu_budget", "finetune", "measure"])
def test_missing_key_is_named(key: str) -> None:
    text = re.sub(rf"^{key}:.*\n(?:  .*\n)*", "", TEXT, flags=re.MULTILINE)
    assert f"missing key '{key}' at the top level\n  expected: " in message_of(text)


def test_a_space_without_methods_is_empty() -> None:
    text = re.sub(r"^methods:.*\n(?:  .*\n)*", "methods: {}\n", TEXT, flags=re.MULTILINE)
    assert message_of(text).startswith("x.yaml:8: an empty space: no method")


def test_several_errors_come_in_the_order_of_lines_and_five_at_most() -> None:
    message = message_of(swapped("search: {trials: 8}", "search: {a: 1, b: 2, c: 3, d: 4, e: 5}\nf: 1\ng: 1"))
    assert len(re.findall(r"^x\.yaml:\d+: unknown key", message, flags=re.MULTILINE)) == 5
    assert message.endswith("... and 2 more")
    assert "x.yaml:21" not in message


@pytest.mark.parametrize("text", ["", "# only a comment\n", "- a\n- b\n", "words\n"])
def test_what_is_not_a_mapping_is_refused(text: str) -> None:
    assert message_of(text).startswith("x.yaml:1: not a search space")


def test_unreadable_files_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.yaml"):
        with pytest.raises(InputError, match=re.escape(f"{path}: cannot read the search space")):
            load(path, LOOKUPS)


# the shipped spaces, and the schema


@pytest.mark.parametrize("path", sorted(SHELF.glob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_space_loads_and_says_what_it_asks(path: Path) -> None:
    space = load_space(str(path))
    assert space.name == path.stem
    for method in space.method_names:
        for domain in space.parameters(method).values():
            assert domain.probes
    header = [line for line in path.read_text().splitlines() if line.startswith("#")]
    for word in ("Question", "Command", "Takes", "Front"):
        assert any(line.startswith(f"# {word} ") for line in header)


def test_a_deadline_is_in_a_spaces_json_only_where_it_has_one() -> None:
    assert space_of().model_dump(mode="json")["resources"] == {"cpu": 1.0, "gpu": 0.0}
    text = swapped("search: {trials: 8}", "search: {trials: 8}\nresources: {deadline_min: 90}")
    assert space_of(text).model_dump(mode="json")["resources"] == {"cpu": 1.0, "gpu": 0.0, "deadline_min": 90.0}
    assert "deadline_min" in message_of(text.replace("90", "0"))


def plain(text: str) -> Any:
    document = yaml.safe_load(text)
    document["teacher"]["recipe"]["lr"] = float(document["teacher"]["recipe"]["lr"])  # YAML 1.1 reads 1e-2 as text
    return document


def test_schema_accepts_what_loads_and_refuses_what_does_not() -> None:
    jsonschema.Draft202012Validator.check_schema(schema())
    validator = jsonschema.Draft202012Validator(schema())
    validator.validate(plain(TEXT))
    validator.validate(plain(swapped("search: {trials: 8}", "search: {trials: 8}\nresources: {deadline_min: 90}")))
    for text in ("official", "[common, pixelate]"):
        validator.validate(plain(swapped("[gaussian_noise, contrast]", text)))
    for old, new in [
        ("{trials: 8}", "{trails: 8}"),
        ("{log: [0, 100%]}", "{float: [0, 1]}"),
        ("{int: [1, 3]}", "{int: [1]}"),
        ("  lr: {float", "  lrate: {float"),
        ("question: What do ReLUs buy?\n", ""),
        ("[gaussian_noise, contrast]", "3"),
    ]:
        assert not validator.is_valid(plain(swapped(old, new)))


def test_objectives_may_be_prices_and_are_part_of_the_question() -> None:
    priced = space_of(swapped("search:", "objectives: [clean, 'online_s@crypten/40,400']\nsearch:"))
    assert priced.objectives == ("clean", "online_s@crypten/wan")
    assert priced.space_hash != space_of(TEXT).space_hash
    assert space_of(swapped("search:", "objectives: [clean, corrupted, adversarial, relu_count]\nsearch:")) == space_of(
        TEXT
    )


@pytest.mark.parametrize("surrogate", ["degree2", "{choice: [identity, degree2]}"])
def test_a_price_without_squares_is_refused_where_a_method_may_square(surrogate: str) -> None:
    text = swapped("growth: 1.3", f"growth: 1.3\n    surrogate: {surrogate}")
    assert space_of(text.replace("search:", "objectives: [clean, online_s@crypten/wan]\nsearch:"))
    message = message_of(text.replace("search:", "objectives: [clean, online_s@delphi/wan]\nsearch:"))
    for part in ("x.yaml:21: 'online_s@delphi/wan' has no price for squares", "'snl'", "take crypten"):
        assert part in message


def test_the_name_of_the_quadratic_is_that_of_the_surrogates() -> None:
    """Spaces import no framework, so they cannot ask the surrogates themselves."""
    from frontier.nn.surrogates import Surrogate, degree_of
    from frontier.spaces.load import QUADRATIC

    assert [one for one in get_args(Surrogate) if (degree_of(one) or 0) > 1] == [QUADRATIC]
