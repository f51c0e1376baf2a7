"""Refusals about erasing and keeping.

Refusal
├── NotFound            404
│   └── SubjectUnknown           no such student or account within the viewer's scope
├── Conflict            409
│   ├── UnderLegalHold           a hold stands or is proposed: nothing of hers is erased
│   ├── AlreadyErased            there is nothing left to erase or to keep
│   ├── ErasureUnderWay          it is requested or approved already
│   ├── NothingRequested         there is no request to decide
│   ├── AlreadyHeld              a hold stands or is proposed
│   ├── NotHeld                  there is no hold to end
│   ├── NothingProposed          there is no proposal of a hold to decide
│   └── NotDueYet                the rule of retention has not run out for her
└── Conflict (keys)
    └── KekUnknown               the secrets hold no next key-encryption key
"""

from __future__ import annotations

from datetime import date
from uuid import UUID

from shared.kernel.refusals import Conflict, NotFound


class SubjectUnknown(NotFound):
    code = "subject_unknown"

    def __init__(self, student_id: UUID) -> None:
        super().__init__("没有这名学生或账号", "there is no such student or account", student_id=str(student_id))


class UnderLegalHold(Conflict):
    code = "under_legal_hold"

    def __init__(self, reference: str) -> None:
        super().__init__(
            "该生资料正被依法保全(或已申请保全),不得删除",
            "the data of this student are under legal hold, or a hold is proposed: nothing of hers is erased",
            reference=reference,
        )


class AlreadyErased(Conflict):
    code = "already_erased"

    def __init__(self) -> None:
        super().__init__("该生的个人信息已依法删除", "the personal data of this student were erased")


class ErasureUnderWay(Conflict):
    code = "erasure_under_way"

    def __init__(self, state: str) -> None:
        super().__init__("该生的删除申请已在办理中", "an erasure of this student is under way already", state=state)


class NothingRequested(Conflict):
    code = "nothing_requested"

    def __init__(self) -> None:
        super().__init__("没有待审批的删除申请", "there is no request to decide")


class AlreadyHeld(Conflict):
    code = "already_held"

    def __init__(self, reference: str) -> None:
        super().__init__("已经保全或已申请保全", "a hold stands or is proposed already", reference=reference)


class NotHeld(Conflict):
    code = "not_held"

    def __init__(self) -> None:
        super().__init__("没有正在执行的保全", "there is no hold to end")


class NothingProposed(Conflict):
    code = "nothing_proposed"

    def __init__(self) -> None:
        super().__init__("没有待审批的保全申请", "there is no proposal to decide")


class NotDueYet(Conflict):
    code = "not_due_yet"

    def __init__(self, due_on: date | None) -> None:
        super().__init__(
            "保存期限尚未届满",
            "the rule of retention has not run out for this student",
            due_on=None if due_on is None else due_on.isoformat(),
        )


class KekUnknown(Conflict):
    code = "kek_unknown"

    def __init__(self) -> None:
        super().__init__(
            "密钥中没有新的主密钥(kek-next)",
            "the secrets hold no next key-encryption key (kek-next)",
        )
