"""Refusals about a student's school life, as business nouns.

DayInFuture          422  what did not happen yet cannot be recorded as having happened
DayTooLongAgo        422  too far back to be told now
LadderBroken         422  a step of a promotion's ladder leads nowhere, or in a circle
RepeatersUnknown     422  repeaters who are no students of the promotion's scope
PromotionUnknown     404  no such promotion, or not in the caller's scope
PromotionNotFinished 409  a promotion is undone only when it is complete, and only once
UndoTooLate          409  the term of the promotion is over
DueBackTooEarly      422  a suspended student is due back after the day it begins, and after what was said before
DueBackOfNoSuspension 422  only who is suspended is due back
NotSuspended         409  the student is not suspended
UnknownClass         422  nobody is in such a class on that day
NotInClass           422  children who were not in the class on that day
NamedTwice           422  a child is named twice, or as absent and present
ListIncomplete       422  a full list that leaves children out
ReportedTwice        422  two lines about one class and day
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from shared.kernel.refusals import Conflict, Malformed, NotFound

TOLD = 100  # ids or lines that a refusal names; it counts all of them


class DayInFuture(Malformed):
    code = "day_in_future"

    def __init__(self, day: date) -> None:
        super().__init__(
            f"{day.isoformat()} 尚未到来,不能登记",
            f"{day.isoformat()} is still to come.",
            field="on",
            day=day.isoformat(),
        )


class DayTooLongAgo(Malformed):
    """``earliest``: the first day that may still be told."""

    code = "day_too_long_ago"

    def __init__(self, day: date, earliest: date) -> None:
        super().__init__(
            f"{day.isoformat()} 距今过久,最早只能登记到 {earliest.isoformat()}",
            f"{day.isoformat()} is too long ago; the earliest is {earliest.isoformat()}.",
            field="on",
            day=day.isoformat(),
            earliest=earliest.isoformat(),
        )


class LadderBroken(Malformed):
    """``step`` is the ``stage:grade`` that cannot be followed."""

    code = "ladder_broken"

    def __init__(self, step: str) -> None:
        super().__init__(
            f"升级表中“{step}”一级有误:应写作“学段:年级”,且不能循环",
            f"The step “{step}” of the ladder cannot be followed: write stage:grade, and no circle.",
            step=step,
        )


class RepeatersUnknown(Malformed):
    code = "repeaters_unknown"

    def __init__(self, student_ids: Sequence[UUID]) -> None:
        super().__init__(
            f"留级名单中有 {len(student_ids)} 人不是本次升级范围内的学生",
            f"{len(student_ids)} of those who repeat are no students of this promotion.",
            count=len(student_ids),
            student_ids=[str(each) for each in student_ids[:TOLD]],
        )


class PromotionUnknown(NotFound):
    code = "promotion_unknown"

    def __init__(self, promotion_id: UUID) -> None:
        super().__init__("没有这次升级", "There is no such promotion.", promotion_id=str(promotion_id))


class PromotionNotFinished(Conflict):
    code = "promotion_not_finished"

    def __init__(self, promotion_id: UUID, state: str) -> None:
        super().__init__(
            "这次升级尚未完成,或已撤销",
            "The promotion is not complete, or is undone already.",
            promotion_id=str(promotion_id),
            state=state,
        )


class UndoTooLate(Conflict):
    code = "undo_too_late"

    def __init__(self, promotion_id: UUID, day: date) -> None:
        super().__init__(
            f"升级日 {day.isoformat()} 所在的学期已结束,不能整体撤销",
            f"The term of the promotion ({day.isoformat()}) is over; it cannot be undone as a whole.",
            promotion_id=str(promotion_id),
            day=day.isoformat(),
        )


class UnknownClass(Malformed):
    """Nobody is in such a class on that day, or several stages have one of that name."""

    code = "unknown_class"

    def __init__(self, day: date) -> None:
        super().__init__(
            f"{day.isoformat()} 该校没有这个班(同名班级请注明学段)",
            f"The school had no such class on {day.isoformat()} (name the stage where two are called alike).",
            day=day.isoformat(),
        )


class NotInClass(Malformed):
    code = "not_in_class"

    def __init__(self, student_ids: Sequence[UUID], day: date) -> None:
        super().__init__(
            f"{len(student_ids)} 名学生 {day.isoformat()} 不在该班",
            f"{len(student_ids)} of the children were not in that class on {day.isoformat()}.",
            count=len(student_ids),
            student_ids=[str(each) for each in student_ids[:TOLD]],
            day=day.isoformat(),
        )


class NamedTwice(Malformed):
    """A child is said to be absent and present, or named again."""

    code = "named_twice"

    def __init__(self, student_ids: Sequence[UUID]) -> None:
        super().__init__(
            f"{len(student_ids)} 名学生被重复填报,或前后矛盾",
            f"{len(student_ids)} of the children are named twice.",
            count=len(student_ids),
            student_ids=[str(each) for each in student_ids[:TOLD]],
        )


class ListIncomplete(Malformed):
    """A full list that leaves children of the class out."""

    code = "list_incomplete"

    def __init__(self, student_ids: Sequence[UUID]) -> None:
        super().__init__(
            f"全员名单缺少 {len(student_ids)} 名学生",
            f"The full list leaves out {len(student_ids)} children of the class.",
            count=len(student_ids),
            student_ids=[str(each) for each in student_ids[:TOLD]],
        )


class ReportedTwice(Malformed):
    """Two lines of one batch about the same class and day."""

    code = "reported_twice"

    def __init__(self, line: int) -> None:
        super().__init__(
            f"该班当天的考勤与第 {line} 行重复", f"Line {line} reports the same class and day.", first_line=line
        )


class DueBackTooEarly(Malformed):
    """``after``: the day that the new date must follow."""

    code = "due_back_too_early"

    def __init__(self, after: date) -> None:
        super().__init__(
            f"应复学日期必须晚于 {after.isoformat()}",
            f"The student must be due back after {after.isoformat()}.",
            field="due_back",
            after=after.isoformat(),
        )


class DueBackOfNoSuspension(Malformed):
    code = "due_back_of_no_suspension"

    def __init__(self) -> None:
        super().__init__("只有休学才填写应复学日期", "Only a suspended student is due back on a day.", field="due_back")


class NotSuspended(Conflict):
    code = "not_suspended"

    def __init__(self, student_id: UUID) -> None:
        super().__init__("该生目前不在休学", "The student is not suspended.", student_id=str(student_id))
