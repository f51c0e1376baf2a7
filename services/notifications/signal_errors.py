"""Refusals about papers that explain an absence. Part of errors.py, through which they are imported."""

from __future__ import annotations

from datetime import date

from shared.kernel.refusals import Conflict, Malformed, NotFound


class UnknownStudent(NotFound):
    code = "unknown_student"


class UnknownDocument(NotFound):
    code = "unknown_document"


class DocumentTooLong(Malformed):
    code = "document_too_long"

    def __init__(self, most: int, days: int) -> None:
        zh = f"这类证明最长 {most} 天,现填 {days} 天" if days > 0 else "结束日期不能早于开始日期"
        en = (
            f"a document of this kind holds for at most {most} days, not {days}"
            if days > 0
            else "the last day is before the first"
        )
        super().__init__(zh, en, most=most, days=days)


class DocumentOverlaps(Conflict):
    code = "document_overlaps"

    def __init__(self, first_day: date, last_day: date) -> None:
        zh = f"该生已有同类证明({first_day} 至 {last_day}),请先撤销或改填其后的日期"
        en = f"a document of this kind holds from {first_day} to {last_day} already"
        super().__init__(zh, en, first_day=first_day.isoformat(), last_day=last_day.isoformat())
