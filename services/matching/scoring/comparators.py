"""Comparators on plain rows (mappings from field to text): strings, numbers, dates, swapped names, a joint identity.

Which fields they look at and where one level ends and the next begins is configuration in the model. Empty text is a
missing value.
"""

from __future__ import annotations

from collections.abc import Mapping

from rapidfuzz.distance import OSA, JaroWinkler

from services.matching.scoring.model import Settings
from services.matching.scoring.weighing import MISSING, Comparator, ComparatorFactory

Row = Mapping[str, str]
SHORTEST_FOR_SLIP = 3  # in shorter texts one edit makes another word


def text(settings: Settings) -> Comparator:
    """One field: equal, one edit (insertion, deletion, substitution, neighbours swapped), similar, other.

    Settings: `field`; `similar`: falling Jaro–Winkler similarities, one level each; `edits`: the most edits of the slip
    levels (default 1); `crossed`: another field into which the value may have slipped (given and family name).
    """
    name = str(settings["field"])
    cuts = tuple(float(cut) for cut in settings.get("similar", ()))
    edits = int(settings.get("edits", 1))
    crossed = str(settings.get("crossed", ""))
    if list(cuts) != sorted(cuts, reverse=True) or not 0 <= edits <= 8:
        raise ValueError("similarities fall, and at most eight edits are slips")
    slips = tuple(f"edits_{count}" for count in range(1, edits + 1))
    similar = tuple(f"similar_{round(100 * cut)}" for cut in cuts)
    levels = ("equal", *slips, *similar, *(("crossed",) if crossed else ()), "other")
    last = len(levels) - 1

    def compare(one: Row, two: Row) -> int:
        a, b = one[name], two[name]
        if not a or not b:
            return MISSING
        if a == b:
            return 0
        if min(len(a), len(b)) >= SHORTEST_FOR_SLIP:
            distance = OSA.distance(a, b, score_cutoff=edits)
            if distance <= edits:
                return distance
        if cuts:
            likeness = JaroWinkler.similarity(a, b)
            for index, cut in enumerate(cuts):
                if likeness >= cut:
                    return 1 + edits + index
        if crossed and (_alike(a, two[crossed]) or _alike(one[crossed], b)):
            return last - 1
        return last

    return Comparator(levels, last, compare, lambda one, _: one[name])


def number(settings: Settings) -> Comparator:
    """One field of digits: equal, one edit, two edits, other. Settings: `field`."""
    name = str(settings["field"])

    def compare(one: Row, two: Row) -> int:
        a, b = one[name], two[name]
        if not a or not b:
            return MISSING
        if a == b:
            return 0
        distance = OSA.distance(a, b, score_cutoff=2)
        return distance if distance <= 2 else 3

    return Comparator(("equal", "edits_1", "edits_2", "other"), 3, compare, lambda one, _: one[name])


def day(settings: Settings) -> Comparator:
    """A date as yyyymmdd: equal, a slip, two of year, month and day equal, other. Settings: `field`.

    A slip is one edit, two neighbours swapped, or day and month swapped.
    """
    name = str(settings["field"])

    def compare(one: Row, two: Row) -> int:
        a, b = one[name], two[name]
        return day_level(a, b) if a and b else MISSING

    return Comparator(DAY_LEVELS, len(DAY_LEVELS) - 1, compare, lambda one, _: one[name])


DAY_LEVELS = ("equal", "slip", "two_parts", "other")


def day_level(a: str, b: str) -> int:
    """Index into DAY_LEVELS for two dates as yyyymmdd."""
    if a == b:
        return 0
    if OSA.distance(a, b, score_cutoff=1) <= 1 or a[:4] + a[6:8] + a[4:6] == b:
        return 1
    return 2 if (a[:4] == b[:4]) + (a[4:6] == b[4:6]) + (a[6:8] == b[6:8]) >= 2 else 3


def identity(settings: Settings) -> Comparator:
    """Number, birth date and sex as one question, since they contain or imply each other; `number`, `birth`, `sex`.

    The best evidence decides: number equal, the number one edit away (birth date then says nothing new), birth date
    and sex, birth date against the sex, a slip of the birth date, only the sex (no evidence), all differ.
    """
    number_field, birth, sex = (str(settings[key]) for key in ("number", "birth", "sex"))
    levels = ("number", "number_slip", "birth_and_sex", "birth_slip", "birth_other_sex", "other")

    def compare(one: Row, two: Row) -> int:
        a, b = one[number_field], two[number_field]
        if a and b:
            distance = OSA.distance(a, b, score_cutoff=1)
            if distance <= 1:
                return distance
        born, also_born = one[birth], two[birth]
        if not born or not also_born:
            return 5 if a and b else MISSING
        same_sex = not one[sex] or not two[sex] or one[sex] == two[sex]
        level = day_level(born, also_born)
        if level == 0:
            return 2 if same_sex else 4
        return 3 if level == 1 and same_sex else 5

    return Comparator(levels, 4, compare, lambda one, _: one[birth])


def _alike(a: str, b: str) -> bool:
    return bool(a) and bool(b) and (a == b or OSA.distance(a, b, score_cutoff=1) <= 1)


ROW_COMPARATORS: Mapping[str, ComparatorFactory] = {
    "text": text,
    "number": number,
    "day": day,
    "identity": identity,
}
