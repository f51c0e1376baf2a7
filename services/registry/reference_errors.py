"""Refusals about reference data, as nouns."""

from __future__ import annotations

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


class CalendarRefused(Malformed):
    code = "calendar"

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(zh, en, field="content")


class CalendarNotOnRecord(NotFound):
    code = "calendar_not_on_record"

    def __init__(self) -> None:
        super().__init__("没有这份校历", "There is no such calendar.")
