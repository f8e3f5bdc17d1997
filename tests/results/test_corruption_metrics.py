"""What is said of accuracies under corruption, by hand, and what is refused."""

import pytest

from frontier.errors import InputError
from frontier.results.corruption_metrics import (
    ALEXNET,
    Reference,
    by_corruption,
    by_family,
    by_severity,
    mce,
    mean_accuracy,
    mean_error,
)
from frontier.results.measure import Measure

# AlexNet's mean errors on ImageNet-C, as the code published with AugMix (Hendrycks et al., ICLR 2020) lists them
ALEXNET_ERRORS = {
    "gaussian_noise": 0.886428,
    "shot_noise": 0.894468,
    "impulse_noise": 0.922640,
    "defocus_blur": 0.819880,
    "glass_blur": 0.826268,
    "motion_blur": 0.785948,
    "zoom_blur": 0.798360,
    "snow": 0.866816,
    "frost": 0.826572,
    "fog": 0.819324,
    "brightness": 0.564592,
    "contrast": 0.853204,
    "elastic_transform": 0.646056,
    "pixelate": 0.717840,
    "jpeg_compression": 0.606500,
}
COMMON = tuple(ALEXNET_ERRORS)


def parts(values: dict[str, float], n: int = 100) -> dict[str, Measure]:
    return {key: Measure.of(value, n) for key, value in values.items()}


SMALL = parts({"fog/1": 0.9, "fog/5": 0.5, "snow/1": 0.8, "snow/5": 0.2})
WHOLE = parts({f"{name}/{s}": 0.95 - 0.1 * s - 0.01 * i for i, name in enumerate(COMMON) for s in range(1, 6)})


def test_the_headline_is_the_plain_mean_with_the_interval_of_its_images() -> None:
    found, wanted = mean_accuracy(SMALL), Measure.of(0.6, 100)
    assert (found.value, found.n, found.low, found.high) == pytest.approx((0.6, 100, wanted.low, wanted.high))
    assert mean_accuracy(WHOLE).value == pytest.approx(0.95 - 0.3 - 0.07)


def test_a_mean_of_cells_of_different_sizes_has_the_interval_of_the_smallest() -> None:
    uneven = parts({"fog/1": 0.9, "snow/5": 0.2}, n=100) | parts({"fog/5": 0.5, "snow/1": 0.8}, n=40)
    for found, value in (
        (mean_accuracy(uneven), 0.6),
        (by_corruption(uneven)["fog"], 0.7),
        (by_severity(uneven)[5], 0.35),
        (by_family(uneven, lambda name: "weather")["weather"], 0.6),
    ):
        wanted = Measure.of(value, 40)
        assert (found.value, found.n, found.low, found.high) == pytest.approx((value, 40, wanted.low, wanted.high))


def test_breakdowns_by_corruption_severity_and_family() -> None:
    assert {name: m.value for name, m in by_corruption(SMALL).items()} == pytest.approx({"fog": 0.7, "snow": 0.5})
    assert {severity: m.value for severity, m in by_severity(SMALL).items()} == pytest.approx({1: 0.85, 5: 0.35})
    families = by_family(SMALL | parts({"gaussian_blur/1": 1.0, "gaussian_blur/5": 0.0}), lambda name: name[-1])
    assert {name: m.value for name, m in families.items()} == pytest.approx({"g": 0.7, "w": 0.5, "r": 0.5})


def test_the_mean_error_is_one_minus_the_mean_accuracy() -> None:
    assert mean_error(WHOLE) == pytest.approx(1 - mean_accuracy(WHOLE).value)
    assert mean_error(SMALL) == pytest.approx(0.4)


def test_a_network_against_itself_has_100_percent() -> None:
    assert mce(WHOLE, Reference.measured("itself", WHOLE)) == pytest.approx(100)
    assert mce(SMALL, Reference.measured("itself", SMALL)) == pytest.approx(100)


def test_mce_is_the_mean_of_ratios_of_error_sums() -> None:
    reference = Reference.measured("other", parts({"fog/1": 0.8, "fog/5": 0.4, "snow/1": 0.5, "snow/5": 0.5}))
    assert mce(SMALL, reference) == pytest.approx(100 * (0.6 / 0.8 + 1.0 / 1.0) / 2)


def test_alexnet_is_imagenet_cs_mean_errors_in_the_form_that_robustbench_uses() -> None:
    assert ALEXNET.name == "alexnet (ImageNet-C's constants)"
    assert ALEXNET.severities == (1, 2, 3, 4, 5)
    assert {name: sums / 5 for name, sums in ALEXNET.errors.items()} == pytest.approx(ALEXNET_ERRORS)
    by_hand = [(1 - by_corruption(WHOLE)[name].value) / error for name, error in ALEXNET_ERRORS.items()]
    assert mce(WHOLE, ALEXNET) == pytest.approx(100 * sum(by_hand) / 15)


def test_order_of_keys_plays_no_part() -> None:
    shuffled = dict(sorted(WHOLE.items(), key=lambda item: item[0][::-1]))
    assert mean_accuracy(shuffled).value == pytest.approx(mean_accuracy(WHOLE).value)
    assert mce(shuffled, ALEXNET) == pytest.approx(mce(WHOLE, ALEXNET))
    assert list(by_severity(shuffled)) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("measured", "says"),
    [
        ({}, "expected: at least one"),
        ({key: m for key, m in SMALL.items() if key != "snow/5"}, "3 of them, without snow/5"),
        (SMALL | parts({"pgd/8": 0.1}), "got: pgd/8"),
        (SMALL | parts({"mean": 0.1}), "got: mean"),
        (SMALL | parts({"official/fog/1": 0.1}), "got: official/fog/1"),
    ],
)
def test_what_is_not_whole_is_refused(measured: dict[str, Measure], says: str) -> None:
    for of in (mean_accuracy, mean_error, by_corruption, by_severity, lambda found: Reference.measured("x", found)):
        with pytest.raises(InputError, match=says):
            of(measured)


def test_a_reference_that_does_not_fit_is_refused_by_its_name() -> None:
    with pytest.raises(InputError, match=r"'alexnet (.|\n)* severities 1, 5(.|\n)* severities 1, 2, 3, 4, 5"):
        mce(SMALL, ALEXNET)
    one = Reference.measured("one", {key: m for key, m in SMALL.items() if "fog" in key})
    with pytest.raises(InputError, match=r"'one' does not fit(.|\n)*nothing on snow"):
        mce(SMALL, one)
    perfect = Reference.measured("perfect", SMALL | parts({"snow/1": 1.0, "snow/5": 1.0}))
    with pytest.raises(InputError, match=r"errors above 0(.|\n)*none on snow"):
        mce(SMALL, perfect)
