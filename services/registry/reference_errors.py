"""Refusals about reference data, as nouns."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from shared.kernel.refusals import Conflict, Malformed, NotFound


class SchoolNotOnRecord(NotFound):
    code = "school_not_on_record"

    def __init__(self, school_code: str) -> None:
        super().__init__("没有这所学校", "There is no such school.", school_code=school_code)


class SchoolAlreadyClosed(Conflict):
    code = "school_already_closed"

    def __init__(self, school_code: str) -> None:
        super().__init__("这所学校已撤并", "The school has closed already.", school_code=school_code)


class NoSchoolToMergeInto(Malformed):
    code = "no_school_to_merge_into"

    def __init__(self, school_code: str) -> None:
        super().__init__(
            "并入的学校不存在、已撤并,或就是它自己",
            "The school to merge into is not on record, has closed, or is the same.",
            field="merged_into",
            school_code=school_code,
        )


class BeforeSchoolBegan(Malformed):
    code = "before_school_began"

    def __init__(self, began: date) -> None:
        super().__init__(
            f"日期不能早于学校登记之日({began.isoformat()})",
            f"The date lies before the school was registered ({began.isoformat()}).",
            field="on",
            began=began.isoformat(),
        )


class DivisionNotOnRecord(NotFound):
    code = "division_not_on_record"

    def __init__(self, division_code: str) -> None:
        super().__init__("没有这个区划代码", "There is no such division code.", division_code=division_code)


class DivisionNotInForce(Malformed):
    """No such code on that day. ``nearest``: codes in force that may be meant, each with its name; of a withdrawn one,
    those its area belongs to now."""

    code = "division_not_in_force"

    def __init__(self, division_code: str, on: date, nearest: Sequence[tuple[str, str]], *, withdrawn: bool) -> None:
        offers = "、".join(f"{code} {name}".strip() for code, name in nearest)
        zh, en = ("已撤销", "was withdrawn") if withdrawn else ("未启用或不存在", "is not in force")
        zh_offer, en_offer = ("现为", "now") if withdrawn else ("最接近的是", "nearest")
        super().__init__(
            f"行政区划代码{division_code}在{on.isoformat()}{zh}" + (f";{zh_offer}:{offers}" if offers else ""),
            f"The division code {division_code} {en} on {on.isoformat()}"
            + (f"; {en_offer}: {offers}" if offers else ""),
            field="division_code",
            division_code=division_code,
            nearest=[{"division_code": code, "name": name} for code, name in nearest],
        )


class CalendarRefused(Malformed):
    code = "calendar"

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(zh, en, field="content")


class CalendarNotOnRecord(NotFound):
    code = "calendar_not_on_record"

    def __init__(self) -> None:
        super().__init__("没有这份校历", "There is no such calendar.")
