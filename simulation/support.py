"""What is true about a family's support: registration, allowance, extreme hardship, certificates, and when it holds.

Periods are half-open [valid_from, valid_to). Every date of a household is the first of a month, at least a month away
from the reference date, because offices write months without days.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

POVERTY_KINDS = ("脱贫户", "脱贫不稳定户", "边缘易致贫户", "突发严重困难户", "一般贫困户", "低保贫困户")
POVERTY_WEIGHTS = (66, 8, 9, 5, 8, 4)
CAUSES = ("因病", "因残", "因学", "缺劳力", "缺技术", "缺资金", "因灾", "自身发展力不足")
POVERTY_SHARE = 0.15
RURAL_ALLOWANCE_SHARE = 0.05
URBAN_ALLOWANCE_SHARE = 0.06  # of urban households
EXTREME_HARDSHIP_SHARE = 0.006
CHILD_DISABILITY_SHARE = 0.014
ADULT_DISABILITY_SHARE = 0.03


@dataclass(frozen=True, slots=True)
class PovertyRegistration:
    """`lifted_on` changes the class and ends nothing (脱贫不脱政策); `valid_to` is a real exit."""

    household_number: str
    kind: str
    cause: str
    valid_from: date
    lifted_on: date | None
    valid_to: date | None

    def holds(self, day: date) -> bool:
        return in_force(self.valid_from, self.valid_to, day)


@dataclass(frozen=True, slots=True)
class Subsistence:
    """`covered` are positions in the members; with `head_only` the office lists the head for all of them."""

    household_number: str
    urban: bool
    whole_household: bool
    covered: tuple[int, ...]
    head_only: bool
    valid_from: date
    valid_to: date | None

    def holds(self, day: date) -> bool:
        return in_force(self.valid_from, self.valid_to, day)


@dataclass(frozen=True, slots=True)
class ExtremeHardship:
    """`covered` are positions in the household's members."""

    urban: bool
    covered: tuple[int, ...]
    orphan: bool
    valid_from: date
    valid_to: date | None

    def holds(self, day: date) -> bool:
        return in_force(self.valid_from, self.valid_to, day)


@dataclass(frozen=True, slots=True)
class Disability:
    """A certificate; `expires_on` is its last valid day, as printed on the paper."""

    kind: int
    grade: int
    suffix: str
    issued_on: date
    expires_on: date

    def holds(self, day: date) -> bool:
        return in_force(self.issued_on, self.expires_on + timedelta(days=1), day)


def in_force(valid_from: date, valid_to: date | None, day: date) -> bool:
    """True inside the half-open period."""
    return valid_from <= day and (valid_to is None or day < valid_to)


def poverty_registration(rng: Random, number: int, as_of: date) -> PovertyRegistration:
    """Most are lifted, one in thirty has left the register, a few are entered only after the reference date."""
    kind = rng.choices(POVERTY_KINDS, POVERTY_WEIGHTS)[0]
    first = _month(rng, as_of.year - 11, as_of.year - 4)
    lifted = _month(rng, first.year + 1, as_of.year - 2) if kind in ("脱贫户", "脱贫不稳定户") else None
    left = date(as_of.year - 1, rng.randint(1, 10), 1) if rng.random() < 0.03 else None
    if left is None and rng.random() < 0.01:
        first, lifted = _later(as_of), None
    return PovertyRegistration(f"{number % 10**8:08}", kind, rng.choice(CAUSES), first, lifted, left)


def subsistence(rng: Random, number: int, members: int, urban: bool, as_of: date) -> Subsistence:
    """Three in four cover the whole household; some offices list only the head of it."""
    whole = rng.random() < 0.75
    covered = tuple(range(members)) if whole else (rng.randrange(members),)
    ended = date(as_of.year - 1, rng.randint(1, 10), 1) if rng.random() < 0.05 else None
    first = _month(rng, as_of.year - 8, as_of.year - 2)
    if ended is None and rng.random() < 0.01:
        first = _later(as_of)
    # The same digits as in the poverty register, on purpose: the two name spaces are apart.
    return Subsistence(f"{number % 10**8:08}", urban, whole, covered, whole and rng.random() < 0.25, first, ended)


def extreme_hardship(rng: Random, covered: tuple[int, ...], urban: bool, as_of: date) -> ExtremeHardship:
    """Support for the positions given; one in twenty has ended."""
    ended = date(as_of.year - 1, rng.randint(1, 10), 1) if rng.random() < 0.05 else None
    return ExtremeHardship(urban, covered, rng.random() < 0.5, _month(rng, as_of.year - 6, as_of.year - 2), ended)


def disability(rng: Random, birth: date, as_of: date) -> Disability:
    """A certificate issued after the third birthday where that is possible, for ten years; some have run out."""
    earliest = max(birth.year + 1, as_of.year - 16)
    expired = rng.random() < 0.07 and earliest <= as_of.year - 12
    if expired:
        year = rng.randint(earliest, as_of.year - 12)
    else:
        year = rng.randint(max(earliest, as_of.year - 8), as_of.year - 1)
    issued = date(year, rng.randint(1, 10), rng.randint(1, 28))
    expires = issued.replace(year=year + 10) - timedelta(days=1)
    suffix = f"B{rng.randint(1, 3)}" if rng.random() < 0.04 else ""
    return Disability(rng.randint(1, 7), rng.randint(1, 4), suffix, issued, expires)


def _month(rng: Random, first_year: int, last_year: int) -> date:
    return date(rng.randint(first_year, max(first_year, last_year)), rng.randint(1, 12), 1)


def _later(as_of: date) -> date:
    return (as_of + timedelta(days=75)).replace(day=1)
