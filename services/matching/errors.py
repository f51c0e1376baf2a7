"""Refusals of matching, as business nouns.

SubmissionUnknown    404  no row of such a submission stands, or none in the caller's scope
RowUnknown           404  no such list row with a decision, or not in the caller's scope
CandidateUnknown     404  no such student, or not in the caller's scope
EvidenceChanged      409  the row or a student changed since the caller read them
NothingToWithdraw    409  no ruling of a person stands about the row
NotUnderReview       409  the row waits for nobody: there is nothing to give a second opinion on
SecondPersonNeeded   409  the caller asked for a second opinion and cannot give it
"""

from __future__ import annotations

from uuid import UUID

from shared.kernel.refusals import Conflict, NotFound


class RowUnknown(NotFound):
    code = "row_unknown"

    def __init__(self, entry_id: UUID) -> None:
        super().__init__("没有这条名单记录", "There is no such list row.", entry_id=str(entry_id))


class SubmissionUnknown(NotFound):
    code = "submission_unknown"

    def __init__(self, submission_id: UUID) -> None:
        super().__init__("没有这次报送的名单行", "No row of this submission stands.", submission_id=str(submission_id))


class CandidateUnknown(NotFound):
    code = "candidate_unknown"

    def __init__(self, student_id: UUID) -> None:
        super().__init__("没有这名学生", "There is no such student.", student_id=str(student_id))


class EvidenceChanged(Conflict):
    code = "evidence_changed"

    def __init__(self, entry_id: UUID) -> None:
        super().__init__(
            "这一行或学生的信息刚有变动,请刷新后重新核对",
            "The row or a student has just changed; reload and look again.",
            entry_id=str(entry_id),
        )


class NothingToWithdraw(Conflict):
    code = "nothing_to_withdraw"

    def __init__(self, entry_id: UUID) -> None:
        super().__init__("没有可撤销的人工核对", "There is no ruling to withdraw.", entry_id=str(entry_id))


class NotUnderReview(Conflict):
    code = "not_under_review"

    def __init__(self, entry_id: UUID) -> None:
        super().__init__("这一行不在待核对之列", "The row does not wait for review.", entry_id=str(entry_id))


class SecondPersonNeeded(Conflict):
    code = "second_person_needed"

    def __init__(self, entry_id: UUID) -> None:
        super().__init__(
            "您已请他人复核这一行,须由另一人确认",
            "You asked for a second opinion on this row: another person must rule.",
            entry_id=str(entry_id),
        )
