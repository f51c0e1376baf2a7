"""Documents of absence: what is refused, and each refusal one step beyond what is accepted."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

import msgspec
import pytest

from services.notifications.errors import BadRules
from services.notifications.events import AbsenceKind
from services.notifications.signal_errors import (
    KINDS,
    DaysReversed,
    DocumentOverlaps,
    DocumentTooLong,
    DocumentWithdrawn,
    StudentNotHere,
    UnknownDocument,
)
from services.notifications.signals.documents import DocumentAbsence, Held, Pupil, document, withdrawn
from services.notifications.signals.rules import AlertRules, DocumentDays, canonical, parse

FIRST = date(2026, 11, 2)
PUPIL = Pupil("enrolled", "469001001", "S1")
RULES = AlertRules()


def wanted(days: int, kind: AbsenceKind = "sick", first: date = FIRST) -> DocumentAbsence:
    return DocumentAbsence(UUID(int=7), kind, first, first + timedelta(days=days - 1), "琼病假2026-18")


@pytest.mark.parametrize("kind", KINDS)
def test_a_document_may_be_as_long_as_the_rules_say_and_no_longer(kind: AbsenceKind) -> None:
    most = RULES.document_days.most(kind)
    fact = document(wanted(most, kind), PUPIL, (), RULES)
    assert (fact.last_day - fact.first_day).days + 1 == most and fact.school_code == "S1"
    with pytest.raises(DocumentTooLong) as refused:
        document(wanted(most + 1, kind), PUPIL, (), RULES)
    assert KINDS[kind][0] in refused.value.zh and refused.value.facts["most"] == most


def test_a_county_may_say_another_length() -> None:
    rules = AlertRules(document_days=DocumentDays(sick=10))
    with pytest.raises(DocumentTooLong):
        document(wanted(11), PUPIL, (), rules)
    with pytest.raises(BadRules):
        parse(canonical(AlertRules(document_days=DocumentDays(sick=0))))


def test_rules_told_before_documents_had_a_length_still_read() -> None:
    told = msgspec.json.decode(canonical(RULES))
    del told["document_days"]
    assert parse(msgspec.json.encode(told).decode()) == RULES


def test_one_day_is_a_document_and_none_is_not() -> None:
    assert document(wanted(1), PUPIL, (), RULES).last_day == FIRST
    with pytest.raises(DaysReversed):
        document(wanted(0), PUPIL, (), RULES)


@pytest.mark.parametrize(("held", "free"), [(-1, True), (0, False), (4, False), (5, True)])
def test_documents_of_a_kind_may_touch_but_not_overlap(held: int, free: bool) -> None:
    """Of the five days from FIRST: one that ends the day before or begins the day after is another paper's."""
    day = FIRST + timedelta(days=held)
    other = Held(UUID(int=9), day, day)
    if free:
        document(wanted(5), PUPIL, [other], RULES)
        return
    with pytest.raises(DocumentOverlaps) as refused:
        document(wanted(5), PUPIL, [other], RULES)
    assert refused.value.facts["document_id"] == str(UUID(int=9))


@pytest.mark.parametrize("pupil", [None, Pupil("dropped_out", "469001001", "S1"), Pupil("graduated", "469001", None)])
def test_who_is_at_no_school_of_the_callers_needs_no_document(pupil: Pupil | None) -> None:
    with pytest.raises(StudentNotHere):
        document(wanted(5), pupil, (), RULES)


def test_a_document_is_withdrawn_once() -> None:
    told = document(wanted(5), PUPIL, (), RULES)
    once = withdrawn([told], "登记有误")
    assert once.student_id == told.student_id
    with pytest.raises(DocumentWithdrawn):
        withdrawn([told, once], "登记有误")
    with pytest.raises(UnknownDocument):
        withdrawn([], "登记有误")
