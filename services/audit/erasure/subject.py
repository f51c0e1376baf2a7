"""A student as the subject of erasure and legal hold: one stream, so that the two never pass each other. Pure.

none ─ RequestErasure → requested ─ ApproveErasure → approved ─ RecordErased → erased (for ever)
                                  └ RefuseErasure → none
none ─ ProposeHold → proposed ─ ApproveHold → held ─ ProposeRelease → release proposed ─ ApproveHold → none
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from services.audit.commands import (
    ApproveErasure,
    ApproveHold,
    ProposeHold,
    ProposeRelease,
    RecordErased,
    RefuseErasure,
    RequestErasure,
)
from services.audit.erasure.erasure_errors import (
    AlreadyErased,
    AlreadyHeld,
    ErasureUnderWay,
    NotHeld,
    NothingProposed,
    NothingRequested,
    UnderLegalHold,
)
from services.audit.events import (
    ErasureApproved,
    ErasureRefused,
    ErasureRequested,
    LegalHoldPlaced,
    LegalHoldProposed,
    LegalHoldReleased,
    LegalHoldReleaseProposed,
    PersonErased,
)
from shared.kernel.facts import Fact
from shared.standards.separation import ERASURES_APPROVE, HOLDS_APPROVE


@dataclass(frozen=True)
class Subject:
    """``erasure``: "", requested, approved or erased. ``hold``: "", proposed, held or releasing; it stands while
    held or releasing. ``asked_by``: who requested the erasure; ``proposed_by``: who proposed the hold or its end."""

    version: int = 0
    erasure: str = ""
    asked_by: str = ""
    hold: str = ""
    reference: str = ""
    proposed_by: str = ""

    @property
    def held(self) -> bool:
        return self.hold in ("held", "releasing")


def evolve(facts: Iterable[Fact]) -> Subject:
    """The subject after its stream."""
    state = Subject()
    for fact in facts:
        state = replace(_applied(state, fact), version=state.version + 1)
    return state


def _applied(state: Subject, fact: Fact) -> Subject:
    match fact:
        case ErasureRequested():
            return replace(state, erasure="requested", asked_by=fact.requested_by)
        case ErasureRefused():
            return replace(state, erasure="", asked_by="")
        case ErasureApproved():
            return replace(state, erasure="approved")
        case PersonErased():
            return replace(state, erasure="erased")
        case LegalHoldProposed():
            return replace(state, hold="proposed", reference=fact.reference, proposed_by=fact.proposed_by)
        case LegalHoldPlaced():
            return replace(state, hold="held")
        case LegalHoldReleaseProposed():
            return replace(state, hold="releasing", proposed_by=fact.proposed_by)
        case LegalHoldReleased():
            return replace(state, hold="", reference="", proposed_by="")
    return state


def request_erasure(state: Subject, command: RequestErasure) -> ErasureRequested:
    """Raises AlreadyErased, ErasureUnderWay, UnderLegalHold."""
    _still_there(state)
    if state.erasure:
        raise ErasureUnderWay(state.erasure)
    _free(state)
    return ErasureRequested(
        student_id=command.student_id,
        ground=command.ground,
        reason=command.reason,
        requested_by=command.by,
        rule_hash=command.rule_hash,
    )


def approve_erasure(state: Subject, command: ApproveErasure) -> ErasureApproved:
    """Raises AlreadyErased, NothingRequested, SecondPersonNeeded, UnderLegalHold."""
    _requested(state)
    ERASURES_APPROVE.check(state.asked_by, command.by)
    _free(state)
    return ErasureApproved(student_id=command.student_id, requested_by=state.asked_by, approved_by=command.by)


def refuse_erasure(state: Subject, command: RefuseErasure) -> ErasureRefused:
    """Raises AlreadyErased, NothingRequested."""
    _requested(state)
    return ErasureRefused(student_id=command.student_id, reason=command.reason, refused_by=command.by)


def record_erased(state: Subject, command: RecordErased) -> list[PersonErased]:
    """Nothing when it is recorded already. Raises NothingRequested."""
    if state.erasure == "erased":
        return []
    if state.erasure != "approved":
        raise NothingRequested
    return [
        PersonErased(
            student_id=command.student_id,
            people=command.people,
            index=command.index,
            streams=command.streams,
            looked_through=command.looked_through,
            left=command.left,
        )
    ]


def propose_hold(state: Subject, command: ProposeHold) -> LegalHoldProposed:
    """Also while an erasure is requested: it then waits. Raises AlreadyErased, ErasureUnderWay (once approved),
    AlreadyHeld."""
    _still_there(state)
    if state.erasure == "approved":
        raise ErasureUnderWay(state.erasure)
    if state.hold:
        raise AlreadyHeld(state.reference)
    return LegalHoldProposed(
        student_id=command.student_id, reason=command.reason, reference=command.reference, proposed_by=command.by
    )


def propose_release(state: Subject, command: ProposeRelease) -> LegalHoldReleaseProposed:
    """Raises NotHeld."""
    if state.hold != "held":
        raise NotHeld
    return LegalHoldReleaseProposed(student_id=command.student_id, reason=command.reason, proposed_by=command.by)


def approve_hold(state: Subject, command: ApproveHold) -> LegalHoldPlaced | LegalHoldReleased:
    """Raises NothingProposed, SecondPersonNeeded, ErasureUnderWay (approved meanwhile)."""
    if state.hold not in ("proposed", "releasing"):
        raise NothingProposed
    HOLDS_APPROVE.check(state.proposed_by, command.by)
    if state.hold == "releasing":
        return LegalHoldReleased(student_id=command.student_id, proposed_by=state.proposed_by, approved_by=command.by)
    if state.erasure in ("approved", "erased"):
        raise ErasureUnderWay(state.erasure)
    return LegalHoldPlaced(
        student_id=command.student_id,
        reference=state.reference,
        proposed_by=state.proposed_by,
        approved_by=command.by,
    )


def _still_there(state: Subject) -> None:
    if state.erasure == "erased":
        raise AlreadyErased


def _requested(state: Subject) -> None:
    _still_there(state)
    if state.erasure != "requested":
        raise NothingRequested


def _free(state: Subject) -> None:
    """A proposed hold blocks too: whoever proposed it must not be outrun."""
    if state.hold:
        raise UnderLegalHold(state.reference)
