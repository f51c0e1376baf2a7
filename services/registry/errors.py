"""Refusals of the registry, as business nouns.

UnknownSchool      422  no such school; offers the three nearest names
SchoolHasClosed    422  the school was closed or merged by the day of the enrolment; names the one that took it over
InvalidRecord      422  a field of the record cannot be right (bad identity number, unknown stage …)
InvalidBatch       422  lines of a batch that cannot be right; nothing of the batch was taken
BeforeLastChange   422  a departure or a return is dated before what it ends
StudentUnknown     404  no such student, or not in the caller's scope
StudentNotEnrolled 409  the student is registered nowhere, so cannot leave or transfer
AlreadyEnrolled    409  the student is registered here already, so cannot return
ParticularsErased  409  the student's particulars were erased, so there is nothing to complete or to copy
EntryUnknown       404  no such row on that list, or not in the caller's scope
HouseholdUnknown   404  no such household, or not in the caller's scope
HouseholdAlreadyMerged   409  the household is no more: it was merged into another one
HouseholdNumberTaken     409  a household of that number is on record already
MemberNotInHousehold     409  the person does not belong to the household
MemberAlreadyInHousehold 409  somebody joins a household she belongs to
NobodyLeft               422  a split that takes nobody, or everybody
HouseholdsNotMergeable   422  a household with itself, or two of different lists
BeforeHouseholdChange    422  a change dated before the last one of the same member or head
HouseholdOnRegister      409  a household enters the poverty register that is on it
HouseholdNotOnRegister   409  a household leaves the poverty register that is not on it
NoPovertyHousehold       422  the register is kept of the poverty office's households only
HouseholdProposalUnknown   404  no such proposal, or of another office's list
HouseholdProposalDecided   409  somebody decided already
HouseholdPreviewOutdated   409  a household of the proposal is no longer as it was shown
SubmissionUnknown  404
SubmissionNotHeld  409  there is nothing to confirm
SubmissionWithdrawn      409  the submission was withdrawn
SubmissionNotReversible  409  the register and schools are mended row by row, not withdrawn
BadContract        422  an agreement on reporting that cannot be meant
ListBusy           409  another file of the same list is being taken in
RecordKeyTaken     409  the corrected number already names another student
WholeDivisionOnly  403  a list, schools or divisions, sent by who answers for a part of the installation
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from shared.kernel.refusals import Conflict, Forbidden, Malformed, NotFound


class UnknownSchool(Malformed):
    """The school named is not registered. ``nearest`` are up to three (code, name) pairs, best first."""

    code = "unknown_school"

    def __init__(self, named: str, nearest: Sequence[tuple[str, str]]) -> None:
        offers = "、".join(f"{name}({code})" for code, name in nearest)
        super().__init__(
            f"没有登记的学校“{named}”" + (f";最接近的是:{offers}" if offers else ""),
            f"The school “{named}” is not registered" + (f"; nearest: {offers}" if offers else ""),
            named=named,
            nearest=[{"school_code": code, "name": name} for code, name in nearest],
        )


class SchoolHasClosed(Malformed):
    """Nobody enrols at a school that is no more. ``merged_into`` is (code, name) of the school that took it over."""

    code = "school_has_closed"

    def __init__(self, name: str, on: date, merged_into: tuple[str, str] | None) -> None:
        zh, en = f"学校“{name}”已于{on.isoformat()}撤并", f"The school “{name}” closed on {on.isoformat()}"
        if merged_into is not None:
            code, into = merged_into
            zh, en = f"{zh},并入“{into}”({code})", f"{en} and was merged into “{into}” ({code})"
        super().__init__(
            f"{zh},不能再登记学生",
            f"{en}; no student enrols there.",
            field="school",
            closed_on=on.isoformat(),
            merged_into=None if merged_into is None else {"school_code": merged_into[0], "name": merged_into[1]},
        )


class InvalidRecord(Malformed):
    """A record with fields that cannot be right. ``problems`` are (field, code, zh, en)."""

    code = "invalid_record"

    def __init__(self, problems: Sequence[tuple[str, str, str, str]]) -> None:
        super().__init__(
            ";".join(zh for _, _, zh, _ in problems),
            " ".join(en for _, _, _, en in problems),
            problems=[{"field": field, "code": code, "zh": zh, "en": en} for field, code, zh, en in problems],
        )


class InvalidBatch(Malformed):
    """A batch with lines that cannot be right; ``problems`` are (line, code, zh, en), ``count`` all of them."""

    code = "invalid_batch"

    def __init__(self, problems: Sequence[tuple[int, str, str, str]], count: int) -> None:
        super().__init__(
            f"{count} 行有问题,整批未入库:" + ";".join(f"第{line}行 {zh}" for line, _, zh, _ in problems[:5]),
            f"{count} lines cannot be taken, so none was: " + " ".join(f"{n}: {en}" for n, _, _, en in problems[:5]),
            count=count,
            problems=[{"line": line, "code": code, "zh": zh, "en": en} for line, code, zh, en in problems],
        )


class StudentUnknown(NotFound):
    code = "student_unknown"

    def __init__(self, student_id: UUID) -> None:
        super().__init__("没有这名学生", "There is no such student.", student_id=str(student_id))


class BeforeLastChange(Malformed):
    """A departure or a return dated before what it ends: the student's periods would contradict each other."""

    code = "before_last_change"

    def __init__(self, last: date) -> None:
        super().__init__(
            f"日期不能早于上一次学籍变动({last.isoformat()})",
            f"The date lies before the last change of the enrolment ({last.isoformat()}).",
            field="on",
            last=last.isoformat(),
        )


class StudentNotEnrolled(Conflict):
    code = "student_not_enrolled"

    def __init__(self, student_id: UUID) -> None:
        super().__init__("该生目前没有学籍", "The student has no enrolment at present.", student_id=str(student_id))


class AlreadyEnrolled(Conflict):
    code = "already_enrolled"

    def __init__(self, student_id: UUID) -> None:
        super().__init__("该生已在校", "The student is enrolled already.", student_id=str(student_id))


class ParticularsErased(Conflict):
    code = "particulars_erased"

    def __init__(self, student_id: UUID) -> None:
        super().__init__(
            "该生的个人信息已依法删除", "The student's particulars were erased.", student_id=str(student_id)
        )


class EntryUnknown(NotFound):
    code = "entry_unknown"

    def __init__(self, entry_id: UUID) -> None:
        super().__init__("名单上没有这一行", "There is no such entry on the list.", entry_id=str(entry_id))


class HouseholdUnknown(NotFound):
    code = "household_unknown"

    def __init__(self, household_id: UUID) -> None:
        super().__init__("没有这一户", "There is no such household.", household_id=str(household_id))


class HouseholdAlreadyMerged(Conflict):
    code = "household_already_merged"

    def __init__(self, household_id: UUID, into: UUID) -> None:
        super().__init__(
            "这一户已并入另一户",
            "The household was merged into another one.",
            household_id=str(household_id),
            into_household_id=str(into),
        )


class HouseholdNumberTaken(Conflict):
    code = "household_number_taken"

    def __init__(self, household_id: UUID) -> None:
        super().__init__("该户编号已有登记", "A household of this number is on record.", household_id=str(household_id))


class MemberNotInHousehold(Conflict):
    code = "member_not_in_household"

    def __init__(self, household_id: UUID, member_id: UUID) -> None:
        super().__init__(
            "此人不是这一户的成员",
            "The person does not belong to the household.",
            household_id=str(household_id),
            member_id=str(member_id),
        )


class MemberAlreadyInHousehold(Conflict):
    code = "member_already_in_household"

    def __init__(self, household_id: UUID, member_id: UUID) -> None:
        super().__init__(
            "此人已是这一户的成员",
            "The person belongs to the household already.",
            household_id=str(household_id),
            member_id=str(member_id),
        )


class NobodyLeft(Malformed):
    code = "nobody_left"

    def __init__(self, household_id: UUID) -> None:
        super().__init__(
            "分户必须分出部分成员,不能一人不分或全部分出",
            "A split takes some of the members, neither none nor all.",
            household_id=str(household_id),
        )


class HouseholdsNotMergeable(Malformed):
    code = "households_not_mergeable"

    def __init__(self, household_id: UUID, into: UUID) -> None:
        super().__init__(
            "只能并入同一名单的另一户",
            "A household merges into another one of the same list.",
            household_id=str(household_id),
            into_household_id=str(into),
        )


class BeforeHouseholdChange(Malformed):
    code = "before_household_change"

    def __init__(self, last: date) -> None:
        super().__init__(
            f"日期不能早于该成员或户主上一次变动({last.isoformat()})",
            f"The date lies before the last change of this member or head ({last.isoformat()}).",
            field="on",
            last=last.isoformat(),
        )


class HouseholdOnRegister(Conflict):
    code = "household_on_register"

    def __init__(self, household_id: UUID) -> None:
        super().__init__(
            "这一户已在册,不能重复纳入", "The household is on the register already.", household_id=str(household_id)
        )


class HouseholdNotOnRegister(Conflict):
    code = "household_not_on_register"

    def __init__(self, household_id: UUID) -> None:
        super().__init__(
            "这一户不在册,不能退出", "The household is not on the register.", household_id=str(household_id)
        )


class NoPovertyHousehold(Malformed):
    code = "no_poverty_household"

    def __init__(self, household_id: UUID) -> None:
        super().__init__(
            "只有建档立卡名单的户才有纳入和退出",
            "Only households of the poverty office enter and leave its register.",
            household_id=str(household_id),
        )


class HouseholdProposalUnknown(NotFound):
    code = "household_proposal_unknown"

    def __init__(self, proposal_id: UUID) -> None:
        super().__init__("没有这项户变更申请", "There is no such proposal.", proposal_id=str(proposal_id))


class HouseholdProposalDecided(Conflict):
    code = "household_proposal_decided"

    def __init__(self, proposal_id: UUID) -> None:
        super().__init__("这项申请已经办结", "The proposal is decided already.", proposal_id=str(proposal_id))


class HouseholdPreviewOutdated(Conflict):
    code = "household_preview_outdated"

    def __init__(self, proposal_id: UUID) -> None:
        super().__init__(
            "户信息与您看到的不同,请刷新后重新核对",
            "The households are no longer as you saw them; reload and check again.",
            proposal_id=str(proposal_id),
        )


class SubmissionUnknown(NotFound):
    code = "submission_unknown"

    def __init__(self, submission_id: UUID) -> None:
        super().__init__("没有这次报送", "There is no such submission.", submission_id=str(submission_id))


class SubmissionNotHeld(Conflict):
    code = "submission_not_held"

    def __init__(self, submission_id: UUID) -> None:
        super().__init__(
            "这次报送没有待确认的退出", "The submission holds no removals.", submission_id=str(submission_id)
        )


class SubmissionWithdrawn(Conflict):
    code = "submission_withdrawn"

    def __init__(self, submission_id: UUID) -> None:
        super().__init__("这次报送已撤回", "The submission was withdrawn.", submission_id=str(submission_id))


class SubmissionNotReversible(Conflict):
    code = "submission_not_reversible"

    def __init__(self, submission_id: UUID) -> None:
        super().__init__(
            "学籍和学校的报送不能整份撤回,请逐条更正",
            "Submissions of the register and of schools are corrected record by record, not withdrawn.",
            submission_id=str(submission_id),
        )


class BadContract(Malformed):
    """An agreement on how often a list is reported that cannot be meant."""

    code = "bad_contract"


class RecordKeyTaken(Conflict):
    code = "record_key_taken"

    def __init__(self, student_id: UUID) -> None:
        super().__init__(
            "更正后的号码已属于另一名学生", "The corrected number names another student.", student_id=str(student_id)
        )


class ListBusy(Conflict):
    """Another file of the same agency and list is being taken in, and did not end while this one waited."""

    code = "list_busy"

    def __init__(self) -> None:
        super().__init__(
            "该名单的另一份文件正在导入,请等它完成后再试",
            "Another file of this list is being taken in; try again when it is done",
        )


class ExportTooLarge(Malformed):
    code = "export_too_large"

    def __init__(self, allowed: int) -> None:
        super().__init__(
            f"一次最多导出{allowed:,}行,请按学校或名单分开导出",
            f"At most {allowed:,} rows are exported at once; take them school by school or list by list.",
            allowed=allowed,
        )


class TemplateHasNoHeader(Malformed):
    code = "template_has_no_header"

    def __init__(self) -> None:
        super().__init__(
            "模板中没有找到表头(至少要有姓名和另一列)",
            "The template has no header row: a name column and one more are needed.",
            field="file",
        )


class WholeDivisionOnly(Forbidden):
    """It is stated for everybody at once, and the sender answers for a part only."""

    code = "whole_division_only"

    def __init__(self) -> None:
        super().__init__(
            "名单、学校和行政区划按全部辖区报送,您的岗位只负责其中一部分",
            "lists, schools and divisions are sent for the whole division, and your post answers for a part of it",
        )
