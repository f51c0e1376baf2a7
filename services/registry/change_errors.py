"""Refusals about mass changes, as business nouns.

ChangeUnknown         404  no such change, or not in the caller's scope
ChangeImpossible      422  what is proposed cannot be: a school merged into itself, a value that is none …
ChangeInAnotherState  409  the step asked for does not follow from where the change is
PreviewDiffers        409  the approval names another preview than the one that stands
PreviewOutdated       409  what the preview rests on has changed: look again
ChangeUndoTooLate     409  too long ago to be undone as a whole
"""

from __future__ import annotations

from datetime import date
from uuid import UUID

from shared.kernel.refusals import Conflict, Malformed, NotFound


class ChangeUnknown(NotFound):
    code = "change_unknown"

    def __init__(self, change_id: UUID) -> None:
        super().__init__("没有这项批量更正", "There is no such change.", change_id=str(change_id))


class ChangeImpossible(Malformed):
    """``problem`` is a key of PROBLEMS; ``named`` what is meant by it, never personal."""

    code = "change_impossible"
    PROBLEMS = {  # noqa: RUF012 - sentences, never changed
        "no_source": ("请至少填写一所被撤并学校", "Name at least one school that is merged."),
        "into_itself": ("学校不能并入自身", "A school cannot be merged into itself."),
        "merged_already": ("学校“{named}”已被撤并", "The school “{named}” was merged already."),
        "unknown_school": ("没有登记的学校“{named}”", "The school “{named}” is not registered."),
        "not_yours": ("“{named}”不在您的管理范围内", "“{named}” is not yours to change."),
        "same_code": ("新旧代码相同", "The new code is the old one."),
        "code_length": ("新旧代码位数不同", "The codes differ in length."),
        "not_here": ("代码“{named}”不在本行政区划内", "The code “{named}” is no part of this division."),
        "no_values": ("没有要更正的内容", "Nothing to change was given."),
        "bad_value": ("“{named}”的值不符合要求", "The value of “{named}” is none."),
        "nothing_differs": ("上传的表与现有数据没有差异", "The sheet says what is on record."),
        "too_many_schools": ("涉及学校超过 {named} 所", "More than {named} schools are concerned."),
    }

    def __init__(self, problem: str, named: str = "") -> None:
        zh, en = self.PROBLEMS[problem]
        super().__init__(zh.format(named=named), en.format(named=named), problem=problem, named=named)


class ChangeInAnotherState(Conflict):
    code = "change_in_another_state"

    def __init__(self, change_id: UUID, state: str) -> None:
        super().__init__(
            "该项批量更正的当前状态不允许此操作,请刷新查看",
            "The change is not in a state for that; reload.",
            change_id=str(change_id),
            state=state,
        )


class PreviewDiffers(Conflict):
    code = "preview_differs"

    def __init__(self, named: str) -> None:
        super().__init__(
            "您看到的预览已不是当前预览,请刷新后重新核对",
            "The preview you saw is not the one that stands; reload and check again.",
            named=named,
        )


class PreviewOutdated(Conflict):
    """``students`` of those it concerns have changed since, or have come."""

    code = "preview_outdated"

    def __init__(self, change_id: UUID, students: int) -> None:
        super().__init__(
            f"预览之后有 {students} 名学生的数据有变动,请重新生成预览",
            f"{students} students changed since the preview; make it again.",
            change_id=str(change_id),
            students=students,
        )


class ChangeUndoTooLate(Conflict):
    code = "change_undo_too_late"

    def __init__(self, change_id: UUID, finished_on: date) -> None:
        super().__init__(
            f"该项更正完成于 {finished_on.isoformat()},距今过久,不能整体撤销",
            f"The change was done on {finished_on.isoformat()}, too long ago to be undone as a whole.",
            change_id=str(change_id),
            finished_on=finished_on.isoformat(),
        )
