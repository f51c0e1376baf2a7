"""Why not: what a student would have to have for aid, a link or an alert, and which of it the views do not show.

Each step reads what a view says as it stands, with the decision's own reason; no rule is worked out a second time. The
first step that is not there is why.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

from services.audit.errors import NoSuchPerson
from services.audit.replays.person import PersonFile

Subject = Literal["aid", "link", "alert"]
Row = Mapping[str, Any]
Views = Mapping[str, Sequence[Row]]


@dataclass(frozen=True, slots=True)
class Step:
    """``there``: the view ``view`` shows it. ``rows``: what it shows; ``reasons``: why not, in the decisions' own
    words."""

    step: str
    zh: str
    en: str
    view: str
    there: bool
    rows: list[dict[str, Any]]
    reasons: list[str]


@dataclass(frozen=True, slots=True)
class InForce:
    """A version of rules as it stood: its view, its hash and from when."""

    view: str
    content_hash: str
    valid_from: str


class WhyNot(NamedTuple):
    """``missing``: the first step that is not there, None when all are. ``decisions``: ids of the events that decided
    something about her. ``rules``: what was in force."""

    student_id: UUID
    subject: Subject
    known_at: datetime
    true_on: date
    missing: str | None
    steps: list[Step]
    rules: list[InForce]
    decisions: list[UUID]


class _Asked(NamedTuple):
    step: str
    zh: str
    en: str
    view: str
    holds: Callable[[Row], bool]
    reasons: Callable[[Row], str] = lambda row: ""


_REGISTERED = _Asked(
    "registered",
    "当日在籍",
    "enrolled on the day",
    "students",
    lambda row: row["state"] == "enrolled",
    lambda row: str(row["state"]),
)
_LISTED = _Asked("listed", "有名单行涉及该生", "a list row may be about her", "list_rows", lambda row: True)
_LINKED = _Asked(
    "linked",
    "名单行已确认为该生",
    "a list row is linked to her",
    "list_rows",
    lambda row: row["state"] == "linked",
    lambda row: f"{row['state']}: {row['reason']} ({row['explanation']})",
)
_COVERED = _Asked("covered", "整户保覆盖", "her household is covered", "covers", lambda row: bool(row["stands"]))
_CATEGORY = _Asked(
    "category",
    "当日有效且属于资助类别",
    "evidence in force that day supports a category",
    "categories",
    lambda row: bool(row["on_day"] and row["category"]),
    lambda row: f"{row['kind']}: {row['valid_from']} – {row['valid_to'] or ''}",
)
_GRANTED = _Asked(
    "granted",
    "已确定应得资助",
    "the entitlement stands",
    "entitlements",
    lambda row: row["state"] in ("granted", "paid"),
    lambda row: f"{row['term']} {row['state']}: {row['withdrawn_reason'] or ''}",
)
_PAID = _Asked(
    "paid",
    "已发放",
    "it was paid",
    "entitlements",
    lambda row: row["state"] == "paid",
    lambda row: f"{row['term']} {row['state']}",
)
_ALERT = _Asked(
    "alert",
    "有未结束的预警",
    "an alert stands",
    "alerts",
    lambda row: row["state"] in ("open", "seen", "dropped_out"),
    lambda row: f"{row['kind']} {row['state']}: {row['ended_reason'] or ''}",
)
_ABSENT = _Asked("absent", "有缺课记录", "absences were reported", "absences", lambda row: bool(row["reason"]))
_UNEXCUSED = _Asked(
    "not_documented",
    "没有请假证明",
    "no paper explains the absence",
    "documented_absences",
    lambda row: not row["withdrawn"],
    lambda row: f"{row['kind']}: {row['first_day']} – {row['last_day']}",
)

_STEPS: Mapping[Subject, tuple[tuple[_Asked, ...], ...]] = {
    # Steps in one pair of brackets stand in for each other: one of them is enough.
    "link": ((_REGISTERED,), (_LISTED, _COVERED), (_LINKED, _COVERED)),
    "aid": ((_REGISTERED,), (_LISTED, _COVERED), (_LINKED, _COVERED), (_CATEGORY,), (_GRANTED,), (_PAID,)),
    "alert": ((_REGISTERED,), (_ABSENT,), (_UNEXCUSED,), (_ALERT,)),
}
_ABSENCE_OF = frozenset({"not_documented"})  # there when the view shows nothing
RULES: Mapping[Subject, tuple[str, ...]] = {
    "link": ("category_rules",),
    "aid": ("category_rules", "programmes"),
    "alert": ("alert_rules",),
}


def why_not(file: PersonFile, subject: Subject, rules: Views) -> WhyNot:
    """What is missing for ``subject`` by a student's file; ``rules``: the rows of the views in :data:`RULES`.

    Raises NoSuchPerson when she was never in the register.
    """
    if not file.views.get("students"):
        raise NoSuchPerson("没有这名学生", "no such student was in the register")
    steps: list[Step] = []
    missing: str | None = None
    for alternatives in _STEPS[subject]:
        tried = [_step(asked, file.views) for asked in alternatives]
        steps += tried
        if missing is None and not any(step.there for step in tried):
            missing = tried[0].step
    in_force = [
        InForce(view, str(row["content_hash"]), str(row["valid_from"]))
        for view in RULES[subject]
        for row in rules.get(view, ())
    ]
    decided = [each.event_id for each in file.events if each.service != "registry"]
    return WhyNot(file.student_id, subject, file.known_at, file.true_on, missing, steps, in_force, decided)


def _step(asked: _Asked, views: Views) -> Step:
    rows = [dict(row) for row in views.get(asked.view, ())]
    holding = [row for row in rows if asked.holds(row)]
    there = not holding if asked.step in _ABSENCE_OF else bool(holding)
    reasons = [] if there else [text for row in rows if (text := asked.reasons(row))]
    return Step(asked.step, asked.zh, asked.en, asked.view, there, holding or rows, reasons)
