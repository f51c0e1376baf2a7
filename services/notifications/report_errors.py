"""Refusals about regular reports; part of errors.py, through which they are imported."""

from __future__ import annotations

from datetime import date

from shared.kernel.refusals import Conflict, Malformed, NotFound


class UnknownReport(NotFound):
    """No such report or edition, or not one of the caller's."""

    code = "unknown_report"

    def __init__(self) -> None:
        super().__init__("没有这份报表", "there is no such report")


class NothingChanged(Conflict):
    """The events told since change none of the report's counts: there is nothing to issue again."""

    code = "report_nothing_changed"

    def __init__(self, edition: int) -> None:
        super().__init__(
            f"与第{edition}版相比没有变化,无需重新出具",
            f"nothing has changed since edition {edition}; there is nothing to issue again",
            edition=edition,
        )


class NotThisPlace(NotFound):
    """The place asked for is none of this installation, or not one of the caller's."""

    code = "report_not_this_place"

    def __init__(self) -> None:
        super().__init__("没有这个填报单位,或不在您的范围内", "there is no such place, or it is not one of yours")


class NoPeriod(Malformed):
    """No calendar tells the term or school year around that day."""

    code = "report_no_period"

    def __init__(self, day: date) -> None:
        super().__init__(
            f"尚无校历覆盖{day},无法确定学期或学年",
            f"no calendar tells the term or school year around {day}",
            field="on",
        )
