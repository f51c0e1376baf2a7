"""Refusals about the tasks of a term, as nouns."""

from __future__ import annotations

from datetime import date

from shared.kernel.refusals import Conflict, Malformed, NotFound


class BadTermPlan(Malformed):
    code = "bad_term_plan"

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(f"学期任务安排有误:{zh}", f"The plan of a term's tasks is wrong: {en}", field="tasks")


class TermTaskUnknown(NotFound):
    """The calendar knows no such term, or the plan no such task, or it is not the caller's."""

    code = "term_task_unknown"

    def __init__(self, term: str, task: str) -> None:
        super().__init__("该学期没有这项任务", "There is no such task in that term.", term=term, task=task)


class TermTaskTooEarly(Malformed):
    code = "term_task_too_early"

    def __init__(self, earliest: date) -> None:
        super().__init__(
            f"这项任务最早于{earliest.isoformat()}完成",
            f"The task can be done on {earliest.isoformat()} at the earliest.",
            field="on",
            earliest=earliest.isoformat(),
        )


class TermTaskInFuture(Malformed):
    code = "term_task_in_future"

    def __init__(self) -> None:
        super().__init__("完成日期不能晚于今天", "A task cannot be done on a day to come.", field="on")


class TermTaskAlreadyDone(Conflict):
    code = "term_task_already_done"

    def __init__(self) -> None:
        super().__init__("这项任务已登记完成", "The task is on record as done.")


class TermTaskNotDone(Conflict):
    code = "term_task_not_done"

    def __init__(self) -> None:
        super().__init__("这项任务尚未完成,不能重新打开", "The task is not done, so it cannot be taken up again.")


class TermTaskChangedLater(Malformed):
    code = "term_task_changed_later"

    def __init__(self, last: date) -> None:
        super().__init__(
            f"日期不能早于这项任务上一次登记({last.isoformat()})",
            f"The date lies before the task's last record ({last.isoformat()}).",
            field="on",
            last=last.isoformat(),
        )
