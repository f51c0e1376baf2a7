"""Refusals about cases; part of errors.py, through which they are imported."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from shared.kernel.refusals import Conflict, Malformed

MISSING: dict[str, tuple[str, str]] = {
    "attending_again": (
        "缺少返校考勤:末次缺勤之后需有{needed}个上课日的班级考勤未记该生缺勤,目前有{present}个",
        "attendance is missing: {needed} school days after the last absence must have been reported without naming the "
        "child absent; there are {present}",
    ),
    "accepted_elsewhere": (
        "缺少接收证明:学籍中没有接收学校的登记,也没有填写接收学校的回执编号",
        "acceptance is missing: the register knows of no school that took the child in, and no receipt number of such "
        "a school was given",
    ),
    "exempt": (
        "缺少有终止日期的证明:没有生效的请假、休学等登记,也没有填写证明的截止日期",
        "a document with an end is missing: no documented absence is in force, and no last day was given",
    ),
}


class NoTeamYet(Conflict):
    """An attempt is logged by a team."""

    code = "no_team_yet"

    def __init__(self) -> None:
        super().__init__("请先组建帮扶小组(三帮一)再登记劝返", "form the team before logging an attempt")


class NoAttemptYet(Conflict):
    """A dropout is confirmed after somebody tried."""

    code = "no_attempt_yet"

    def __init__(self) -> None:
        super().__init__("请先登记劝返,再确认辍学", "log an attempt before confirming a dropout")


class EvidenceMissing(Conflict):
    """The case cannot be closed for that reason on what is on record."""

    code = "evidence_missing"

    def __init__(self, reason: str, **facts: Any) -> None:
        zh, en = (each.format(**facts) for each in MISSING[reason])
        super().__init__(zh, en, reason=reason, **facts)


class DayNotInCase(Conflict):
    """The day lies in the future, or before the child was missed."""

    code = "day_not_in_case"

    def __init__(self, day: date, first: date, last: date) -> None:
        super().__init__(
            f"日期{day}不在{first}至{last}之内",
            f"{day} is not between {first} and {last}",
            day=day.isoformat(),
            first=first.isoformat(),
            last=last.isoformat(),
        )


class TeamIncomplete(Malformed):
    """A team has a lead, a teacher, a village cadre and somebody of the family."""

    code = "team_incomplete"

    def __init__(self, missing: Sequence[str]) -> None:
        super().__init__(
            "帮扶小组应有乡镇牵头人、教师、村干部和家长或监护人",
            "a team has the township's lead, a teacher, a village cadre and a parent or guardian",
            missing=list(missing),
        )


class ChildUnknown(Conflict):
    """Nobody's key can seal what was written: the alert is about a class, or the child's data were erased."""

    code = "child_unknown"

    def __init__(self) -> None:
        super().__init__(
            "该预警没有可登记个人信息的学生(班级预警,或个人信息已删除)",
            "there is no child whose record could hold personal data: a class's alert, or the data were erased",
        )


class BadCasePlan(Malformed):
    """The days or weights of a plan do not hold together."""

    code = "bad_case_plan"

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(f"办案时限方案{zh}", f"the case plan: {en}")
