"""What is said of accuracies under corruption: their mean, its breakdown, and the mCE against a named reference.

Source: Hendrycks and Dietterich, "Benchmarking Neural Network Robustness to Common Corruptions and Perturbations", ICLR
2019. The convention of CIFAR-10-C is the plain mean over 15 corruptions and 5 severities; the mCE is ImageNet-C's.

Everywhere `parts` maps `CORRUPTION/SEVERITY` to the accuracy there, with no cell missing: whatever corruptions and
severities occur, each pair of them has to. Anything else raises InputError.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from statistics import fmean

from pydantic import Field

from frontier.errors import InputError
from frontier.frozen import Frozen
from frontier.results.measure import Measure

SEVERITIES = (1, 2, 3, 4, 5)
Parts = Mapping[str, Measure]


class Reference(Frozen):
    """What an mCE is relative to: by corruption, the errors of a network added up over `severities`."""

    name: str = Field(min_length=1)
    severities: tuple[int, ...] = SEVERITIES
    errors: dict[str, float]

    @classmethod
    def measured(cls, name: str, parts: Parts) -> Reference:
        """A network that was measured as the others are."""
        grid = _grid(parts)
        sums = {corruption: sum(1 - measure.value for measure in row.values()) for corruption, row in grid.items()}
        return cls(name=name, severities=_severities(grid), errors=sums)


# Mean errors of AlexNet on ImageNet-C, 224 x 224 pixels. RobustBench divides by them on CIFAR-10-C too, where they are
# constants and no network's errors: such an mCE may be set beside RobustBench's, and beside no other.
_ALEXNET = {
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
ALEXNET = Reference(
    name="alexnet (ImageNet-C's constants)",
    errors={corruption: error * len(SEVERITIES) for corruption, error in _ALEXNET.items()},
)


def mean_accuracy(parts: Parts) -> Measure:
    """The headline: the plain mean over all cells."""
    return _mean(row[severity] for row in _grid(parts).values() for severity in row)


def mean_error(parts: Parts) -> float:
    """1 - mean accuracy, in [0, 1]; papers on CIFAR-10-C print it as an "unnormalized mCE"."""
    return 1 - mean_accuracy(parts).value


def by_corruption(parts: Parts) -> dict[str, Measure]:
    """The mean over severities of each corruption."""
    return {corruption: _mean(row.values()) for corruption, row in _grid(parts).items()}


def by_severity(parts: Parts) -> dict[int, Measure]:
    """The mean over corruptions at each severity, rising."""
    grid = _grid(parts)
    return {severity: _mean(row[severity] for row in grid.values()) for severity in _severities(grid)}


def by_family(parts: Parts, family_of: Callable[[str], str]) -> dict[str, Measure]:
    """The mean over the cells of each family, in the order in which they come; `family_of` tells a corruption's."""
    families: dict[str, list[Measure]] = {}
    for corruption, row in _grid(parts).items():
        families.setdefault(family_of(corruption), []).extend(row.values())
    return {family: _mean(measures) for family, measures in families.items()}


def mce(parts: Parts, reference: Reference) -> float:
    """The mean corruption error in percent: the mean over corruptions of sum_s E / sum_s E_ref. The reference has 100.

    Raises InputError where the reference lacks a corruption, has other severities, or made no error on one.
    """
    grid = _grid(parts)
    severities = _severities(grid)
    if severities != reference.severities:
        raise _unfit(reference, f"severities {_listed(severities)}", f"severities {_listed(reference.severities)}")
    lacking = [corruption for corruption in grid if corruption not in reference.errors]
    if lacking:
        raise _unfit(reference, _listed(grid), f"nothing on {_listed(lacking)}")
    perfect = [corruption for corruption in grid if not reference.errors[corruption] > 0]
    if perfect:
        raise _unfit(reference, "errors above 0, to divide by them", f"none on {_listed(perfect)}")
    sums = {corruption: sum(1 - measure.value for measure in row.values()) for corruption, row in grid.items()}
    return 100 * fmean(errors / reference.errors[corruption] for corruption, errors in sums.items())


def _grid(parts: Parts) -> dict[str, dict[int, Measure]]:
    """By corruption and severity, the severities rising."""
    grid: dict[str, dict[int, Measure]] = {}
    for key, measure in parts.items():
        corruption, _, severity = key.partition("/")
        if severity not in map(str, SEVERITIES):
            raise InputError("not an accuracy under corruption", expected="CORRUPTION/1 to CORRUPTION/5", got=key)
        grid.setdefault(corruption, {})[int(severity)] = measure
    severities = _severities(grid)
    missing = [
        f"{corruption}/{severity}" for corruption in grid for severity in severities if severity not in grid[corruption]
    ]
    if missing or not grid:
        raise InputError(
            "accuracies under corruption are missing",
            expected=f"{len(grid)} corruptions x severities {_listed(severities)}" if grid else "at least one",
            got=f"{len(parts)} of them, without {_listed(missing)}" if grid else "none",
        )
    return {corruption: dict(sorted(row.items())) for corruption, row in grid.items()}


def _severities(grid: Mapping[str, Mapping[int, Measure]]) -> tuple[int, ...]:
    return tuple(sorted({severity for row in grid.values() for severity in row}))


def _mean(measures: Iterable[Measure]) -> Measure:
    """With the interval of the cell of fewest images: never too narrow."""
    found = list(measures)
    return Measure.of(fmean(measure.value for measure in found), min(measure.n for measure in found))


def _listed(words: Iterable[object]) -> str:
    return ", ".join(map(str, words))


def _unfit(reference: Reference, expected: str, got: str) -> InputError:
    return InputError(f"the reference '{reference.name}' does not fit", expected=expected, got=got)
