"""Facts of the reference data: schools that close, division codes by era, calendars of school days.

Declared with the registry's other facts; others import them from :mod:`services.registry.events`.
"""

from __future__ import annotations

from uuid import UUID

from shared.kernel.facts import Fact, fact


@fact("registry")
class SchoolClosed(Fact, frozen=True, kw_only=True):
    """A school is no more from ``effective_on`` on; ``merged_into`` is the code of the school that took it over
    (撤点并校). Its code stays its own for ever. ``change_id``: by that mass change, which took its students along."""

    school_code: str
    division_code: str
    merged_into: str | None = None
    change_id: UUID | None = None


@fact("registry")
class DivisionCodeAdded(Fact, frozen=True, kw_only=True):
    """A division code of GB/T 2260 is in force from ``effective_on`` on under this name, or its name changed then.
    ``source``: the notice that says so."""

    code: str
    name: str
    source: str = ""


@fact("registry")
class DivisionCodeWithdrawn(Fact, frozen=True, kw_only=True):
    """A division code is in force no more from ``effective_on`` on. ``successors``: the codes its area belongs to then,
    none when that is not known. Identity numbers keep it."""

    code: str
    successors: tuple[str, ...] = ()
    source: str = ""


@fact("registry")
class SchoolCalendarActivated(Fact, frozen=True, kw_only=True):
    """The school days of one school year in a division, or of one school there (``school_code``), as they stand now.

    ``school_year`` is the calendar year in which it begins. ``content`` is canonical JSON as
    :mod:`shared.standards.school_calendar` reads it, ``content_hash`` its SHA-256 in hex. Of one school year a school's
    own calendar counts before its division's, a township's before its county's."""

    division_code: str
    school_code: str | None = None
    school_year: int
    content: str
    content_hash: str
