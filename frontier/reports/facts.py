"""What a reader must know before reading a figure: question, data, network, methods, seeds, images, attack, code."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from frontier.corruptions._place import label_of
from frontier.reports.points import NO_FIDELITY, Records
from frontier.reports.studied import pricing_of
from frontier.results.objectives import ACCURACIES
from frontier.results.record import Point, TrialRecord
from frontier.results.routing import WARNING, Routing, routing_of
from frontier.results.spec import TrialSpec
from frontier.results.store import StudyManifest
from frontier.spaces.goals import FOUR, Goals, PriceOf

UNKNOWN = "not known yet"
SPLITS = ("validation", "test")
OFFICIAL = "official"  # the key of the official files among a record's corruption sets


@dataclass(frozen=True)
class Facts:
    """A study in words. Each text names all values that occur among the study's readable records."""

    study: str
    question: str
    data: str
    network: str
    methods: str  # each with the fidelity of its implementation
    seeds: str
    corruptions: str  # with the label of their images
    corruption_label: str
    attack: str
    images: dict[tuple[str, str], str]  # (split, accuracy) -> number of images
    code: str
    space_hash: str
    sampler: str
    goals: Goals
    branches: str = ""  # of the networks with norm branches, with the served one; empty where there are none
    routing: Routing = "served"
    notice: str = ""  # of oracle-routed figures: what they are, and that nobody can deploy them
    price: PriceOf | None = None  # what a report asks figures of seconds to be of

    @property
    def pricing(self) -> PriceOf:
        """What figures of seconds and bytes are of."""
        return pricing_of(self.goals, self.price)

    @property
    def served(self) -> str:
        """Begins a caption of what the search saw where the other figures are oracle-routed."""
        return "Of the served figures, as the search saw them. " if self.routing == "oracle" else ""

    def completed(self, caption: str) -> str:
        """A caption with all that every one has to say, and that it does not: data, images, seeds, attack and code."""
        sentences = {
            self.data: f"Data: {self.data}.",
            "n = ": f"Images: {self.counted('clean')}.",
            self.seeds: f"{self.seeds}.",
            self.attack: f"Attack: {self.attack}.",
            self.code: f"Code: {self.code}.",
        }
        return " ".join([caption, *(sentence for text, sentence in sentences.items() if text not in caption)])

    def counted(self, accuracy: str) -> str:
        """`validation n = 360, test n = 360`."""
        return ", ".join(f"{split} n = {self.images[split, accuracy]}" for split in SPLITS)

    def measured(self, accuracy: str) -> str:
        """The core of a caption: data, network, number of images by split, seeds; first of all, oracle routing."""
        routed = f"{WARNING.capitalize()}. " if self.routing == "oracle" else ""
        return f"{routed}Data: {self.data}. Network: {self.network}. Images: {self.counted(accuracy)}. {self.seeds}."


def facts_of(manifest: StudyManifest, records: Records, *, goals: Goals = FOUR, oracle_routed: bool = False) -> Facts:
    """The facts of a study, taken from what its records really did; UNKNOWN where no record says it."""
    readable = [record for _, record in records if isinstance(record, TrialRecord)]
    specs = [record.spec for record in readable]
    complete = [record for record in readable if record.state == "complete"]
    points = [point for record in complete for point in record.points]
    return Facts(
        study=manifest.name,
        question=str(manifest.space.get("question") or "").strip(),
        data=_all(_data(spec) for spec in specs),
        network=_all(_network(spec, manifest.relus) for spec in specs),
        methods=_all(f"{record.spec.method} ({record.origin.fidelity or NO_FIDELITY})" for record in readable),
        seeds=_seeds({spec.seed for spec in specs}),
        corruptions=_all(_corruptions(record) for record in complete or readable),
        corruption_label=_all(_label(record) for record in complete or readable),
        attack=_all(_attack(spec) for spec in specs),
        images={
            (split, accuracy): _range({getattr(getattr(point, split), accuracy).n for point in points})
            for split in SPLITS
            for accuracy in ACCURACIES
        },
        code=_all([manifest.code_version, *(record.origin.code_version for record in readable)]),
        space_hash=manifest.space_hash,
        sampler=manifest.sampler,
        goals=goals,
        branches=_branches(readable),
        routing="oracle" if oracle_routed else "served",
        notice=_notice(points) if oracle_routed else "",
    )


def _data(spec: TrialSpec) -> str:
    some = f" ({spec.data.train_images:,} training images)" if spec.data.train_images else ""
    return f"{spec.data.name}{some}"


def _network(spec: TrialSpec, relus: int) -> str:
    options = "".join(f", {name}={value}" for name, value in sorted(spec.network.options.items()))
    return f"{spec.network.name} ({relus:,} ReLUs, sites: {spec.network.sites}{options})"


def _attack(spec: TrialSpec) -> str:
    asked = spec.measure
    return f"{asked.attack}, {asked.attack_steps} steps, eps {_numbers(asked.attack_eps_255)} /255 (mean)"


def _corruptions(record: TrialRecord) -> str:
    asked = record.spec.measure
    text = f"{_label(record)}: {', '.join(asked.corruptions)}; severity {_numbers(asked.severities)}"
    official = record.corruption_sets.get(OFFICIAL)
    return f"{text}; test besides on {official.label}, a measure of its own" if official else text


def _label(record: TrialRecord) -> str:
    """What the corrupted images of the search are called; in records from before sets had labels as they are now."""
    labels = (record.corruption_sets[split].label for split in SPLITS if split in record.corruption_sets)
    return " / ".join(dict.fromkeys(labels)) or label_of(record.spec.data.name)


def _branches(records: Iterable[TrialRecord]) -> str:
    found = (
        f"{record.spec.method}: {', '.join(sorted(point.branches))}; served: {point.branch}"
        for record in records
        for point in record.points
        if record.state == "complete" and point.branches
    )
    text = "; ".join(dict.fromkeys(found))
    return f"{text}. The attacker knows which branch is served" if text else ""


def _notice(points: Sequence[Point]) -> str:
    """What a page of oracle-routed figures says before anything else."""
    mixed = sum(routing_of(point, asked_oracle=True) == "oracle" for point in points)
    if not mixed:
        return "No point has the branches clean and adversarial, so every figure here is that of a served network."
    return (
        f"No deployed network has the figures of {mixed:,} of {len(points):,} points. Their clean and corrupted "
        "accuracies go through the branch clean, their adversarial accuracy through the branch adversarial, as if "
        "somebody told the network which images are attacked. The front is computed from these figures; search and "
        "hypervolume use the served branch, and so does what frontier export writes."
    )


def _all(texts: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(texts)) or UNKNOWN


def _numbers(values: Iterable[float]) -> str:
    return ", ".join(f"{value:g}" for value in values)


def _range(values: set[int]) -> str:
    if not values:
        return UNKNOWN
    low, high = min(values), max(values)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def _seeds(seeds: set[int]) -> str:
    if len(seeds) == 1:
        return f"One seed ({min(seeds)}): no spread over seeds is shown"
    return f"{len(seeds)} seeds ({_range(seeds)}), one per trial" if seeds else f"Seeds: {UNKNOWN}"
