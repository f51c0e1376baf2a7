"""Facts about the tasks of a term: the plan that says what is due when, what was done, what was taken up again.

Declared with the registry's other facts; others import them from :mod:`services.registry.events`.
"""

from __future__ import annotations

from shared.kernel.facts import Fact, fact


@fact("registry")
class TermPlanActivated(Fact, frozen=True, kw_only=True):
    """Which tasks every term has, whose they are and when they are due. ``content`` is canonical JSON as
    :mod:`services.registry.terms.term_plan` reads it, ``content_hash`` its SHA-256 in hex."""

    content: str
    content_hash: str


@fact("registry")
class TermTaskDone(Fact, frozen=True, kw_only=True):
    """A task of a term was done on ``effective_on``. ``school_year`` is the calendar year in which it begins; ``term``
    as the calendar names it; ``school_code`` of a school's own task. ``count``: how many it was about, if that was
    told. ``note`` holds nothing personal. ``plan_hash``: of the plan in force."""

    school_year: int
    term: str
    task: str
    division_code: str
    school_code: str | None = None
    done_by: str
    note: str = ""
    count: int | None = None
    plan_hash: str


@fact("registry")
class TermTaskReopened(Fact, frozen=True, kw_only=True):
    """A task that was done is to be done again from ``effective_on`` on, for the reason in ``note``."""

    school_year: int
    term: str
    task: str
    division_code: str
    school_code: str | None = None
    reopened_by: str
    note: str = ""
