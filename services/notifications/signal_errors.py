"""Refusals about the signals: documents of absence; part of errors.py, through which they are imported."""

from __future__ import annotations

from datetime import date
from uuid import UUID

from shared.kernel.refusals import Conflict, Malformed, NotFound

KINDS: dict[str, tuple[str, str]] = {
    "sick": ("病假", "sick leave"),
    "suspended": ("休学", "suspension"),
    "delayed_entry": ("缓学", "delayed entry"),
    "home_teaching": ("送教上门", "home teaching"),
    "sports_school": ("体校", "sports school"),
    "abroad": ("出国", "abroad"),
}


class StudentNotHere(NotFound):
    """No such student, not one of the caller's, or not at a school any more."""

    code = "student_not_here"

    def __init__(self) -> None:
        super().__init__(
            "没有这名学生,或该生不在您负责的学校就读", "there is no such student at a school you answer for"
        )


class UnknownDocument(NotFound):
    """No such document, or not one of the caller's."""

    code = "unknown_document"

    def __init__(self) -> None:
        super().__init__("没有这份证明", "there is no such document")


class DocumentWithdrawn(Conflict):
    """A document is withdrawn once."""

    code = "document_withdrawn"

    def __init__(self) -> None:
        super().__init__("该证明已撤销", "the document was withdrawn before")


class DocumentOverlaps(Conflict):
    """Another document of the same kind holds on one of these days."""

    code = "document_overlaps"

    def __init__(self, document_id: UUID, first_day: date, last_day: date) -> None:
        super().__init__(
            f"该生已有同类证明({first_day}至{last_day}),日期重叠",
            f"another document of this kind holds from {first_day} to {last_day}",
            document_id=str(document_id),
            first_day=first_day.isoformat(),
            last_day=last_day.isoformat(),
        )


class DaysReversed(Malformed):
    """A document ends before it begins."""

    code = "days_reversed"

    def __init__(self, first_day: date, last_day: date) -> None:
        super().__init__(
            f"截止日期{last_day}早于起始日期{first_day}",
            f"the last day {last_day} is before the first day {first_day}",
            field="last_day",
        )


class DocumentTooLong(Malformed):
    """The rules allow fewer days for a document of this kind."""

    code = "document_too_long"

    def __init__(self, kind: str, days: int, most: int) -> None:
        zh, en = KINDS[kind]
        super().__init__(
            f"{zh}证明最长{most}天,填写了{days}天",
            f"{en}: at most {most} days, not {days}",
            field="last_day",
            most=most,
        )
