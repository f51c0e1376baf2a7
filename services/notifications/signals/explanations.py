"""The sentences of absence alerts, (Chinese, English), in a class teacher's words; ``{…}`` are the alert's facts."""

from __future__ import annotations

_UNVISITED = (
    ";送教上门期间未按时到家走访,缺勤重新计入",
    "; home teaching was documented, but nobody visited in time, so absence counts again",
)

_OF_CHILDREN: dict[str, tuple[str, str]] = {
    "absent_days_running": (
        "{since} 起连续缺勤 {days} 个上课日(截至 {last}),其中无故 {unexplained} 天",
        "Absent {days} school days running since {since} (until {last}), {unexplained} of them unexplained",
    ),
    "absent_above_share": (
        "最近上报的 {reported} 个上课日中缺勤 {absent} 天,超过 {limit}%(截至 {last})",
        "Absent {absent} of the last {reported} school days reported, above {limit} % (until {last})",
    ),
    "absent_since_term_start": (
        "学期 {first} 开学后上报的 {days} 个上课日均未到校(截至 {last})",
        "Has not come on any of the {days} school days reported since the term began on {first} (until {last})",
    ),
}

EXPLANATIONS: dict[str, tuple[str, str]] = {
    **_OF_CHILDREN,
    **{
        f"{code}_home_teaching_unvisited": (zh + _UNVISITED[0], en + _UNVISITED[1])
        for code, (zh, en) in _OF_CHILDREN.items()
    },
    "suspension_ended_and_not_returned": (
        "休学应于 {due_back} 期满复学,已过 {days} 个上课日仍未复学",
        "The suspension ended on {due_back}; {days} school days later the student has not returned",
    ),
    "class_stopped_reporting": (
        "{grade}{class_name} 自 {since} 起没有上报考勤,上次上报为 {last}",
        "No attendance reported for {grade} {class_name} since {since}; the last report was of {last}",
    ),
    "class_never_reported": (
        "{grade}{class_name} 自 {since} 起没有上报考勤,本校其他班级已上报",
        "No attendance reported for {grade} {class_name} since {since}, while other classes of the school reported",
    ),
}
