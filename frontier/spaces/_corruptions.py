"""The corruptions that a space names: single ones, and words that stand for several of them, such as `common`.

`official` stands for the common ones too, with the official files of the test split measured besides.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from frontier.errors import InputError
from frontier.results.spec import MeasureSpec
from frontier.spaces._complaints import complaint
from frontier.spaces._document import Document, KeyPath, dotted
from frontier.spaces.file import MeasureFile

Groups = Mapping[str, Callable[[], Sequence[str]]]  # a word -> what gives its corruptions
OFFICIAL, OFFICIAL_GROUP = "official", "common"
PATH: KeyPath = ("measure", "corruptions")


def words(groups: Groups) -> list[str]:
    """What may stand beside the names of single corruptions."""
    return [*groups, OFFICIAL]


def resolve_corruptions(measure: MeasureFile, known: Sequence[str], groups: Groups, document: Document) -> MeasureSpec:
    """The measurement with single corruptions only, each once; `known` are their names, and a name wins over a word.

    Raises InputError for a corruption that is named twice, by itself or by a word.
    """
    named: dict[str, str] = {}  # corruption -> the word that it came with
    twice: list[InputError] = []
    for i, word in enumerate(measure.corruptions):
        for corruption in _meant(word, known, groups):
            if corruption in named:
                by = "" if word == named[corruption] else f", by '{named[corruption]}' and by '{word}'"
                what = f"'{corruption}' is in '{dotted(PATH)}' twice{by}"
                twice.append(document.error((*PATH, i), what, fix="remove one of them"))
            else:
                named[corruption] = word
    if twice:
        raise complaint(twice)
    official = measure.official or (OFFICIAL in measure.corruptions and OFFICIAL not in known)
    return MeasureSpec.model_validate(measure.model_dump() | {"corruptions": tuple(named), "official": official})


def _meant(word: str, known: Sequence[str], groups: Groups) -> Sequence[str]:
    if word in known:
        return [word]
    return groups[OFFICIAL_GROUP if word == OFFICIAL else word]()
