"""Requests to correct a record that is somebody else's: asked with a reason and evidence, decided on by its owner, who
sees what was, what is, and what is wanted of each field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

from msgspec.structs import replace
from sqlalchemy import Connection

from services.registry.domain import student_of
from services.registry.errors import EntryUnknown, InvalidRecord, ParticularsErased, StudentUnknown
from services.registry.events import EntryPersonal, ListEntryCorrected, ListEntryFields, ListEntryRemoved
from services.registry.handlers import Registry, covers
from services.registry.lists import statements
from services.registry.request_errors import (
    RequestDecided,
    RequestFieldUnknown,
    RequestForOneself,
    RequestOutdated,
    RequestTooFresh,
    RequestUnknown,
)
from services.registry.request_events import (
    ChangeRequestApproved,
    ChangeRequested,
    ChangeRequestPassedOn,
    ChangeRequestRefused,
    RequestPersonal,
    RequestTarget,
)
from services.registry.students.particulars import corrections, last_stated
from shared.database.database import driver
from shared.database.scopes import Scope
from shared.eventsourcing.store import Cause, Command, Proposed, Result, Stored
from shared.standards import identity_number
from shared.standards.identity_number import IdentityNumberError

STUDENT_FIELDS = (
    *("name", "former_name", "id_number", "student_number", "sex", "birth_date"),
    *("guardian_name", "guardian_id", "phone", "address"),
)
ENTRY_FIELDS = ("name", "id_number", "student_number", "guardian_name", "guardian_id", "phone", "address")
FIELDS: Mapping[RequestTarget, tuple[str, ...]] = {"student": STUDENT_FIELDS, "entry": ENTRY_FIELDS}


class Record(NamedTuple):
    """A record as it stands now: whose it is, about whom, its fields as text."""

    division_code: str | None
    school_code: str | None
    agency: str | None
    person_id: UUID
    fields: dict[str, str]
    stored: Sequence[Stored]

    def owned(self, scope: Scope) -> bool:
        """Whether it is the caller's to correct."""
        if self.agency is not None:
            return scope.agency == self.agency or covers(scope, self.division_code, None)
        return covers(scope, self.division_code, self.school_code)


class FieldValues(NamedTuple):
    """One field: as it was when it was asked, as it is, as it is wanted."""

    field: str
    asked_on: str
    now: str
    wanted: str

    @property
    def conflict(self) -> bool:
        return self.now not in (self.asked_on, self.wanted)


@dataclass(frozen=True, slots=True)
class AskForChange:
    """``wanted``: field → text; an empty one is to be taken away. ``post``: in which it is asked."""

    target: RequestTarget
    target_id: UUID
    wanted: Mapping[str, str]
    reason: str
    evidence: str
    post: str = ""


def ask(registry: Registry, scope: Scope, intent: AskForChange, command: Command, today: date) -> UUID:
    """The request's id, the same for the same command. Raises StudentUnknown, EntryUnknown, RequestFieldUnknown,
    RequestForOneself (a record of one's own is corrected, not asked about), InvalidRecord, ParticularsErased."""
    request_id = registry.keys.request(command.principal, command.command_id)

    def decide(connection: Connection) -> Sequence[Proposed]:
        record = _record(registry, connection, intent.target, intent.target_id)
        if record.owned(scope):
            raise RequestForOneself
        unknown = sorted(intent.wanted.keys() - set(FIELDS[intent.target]))
        if unknown or not intent.wanted:
            raise RequestFieldUnknown(unknown)
        _corrected(registry, connection, intent.target, intent.target_id, record, intent.wanted, today, request_id)
        asked = ChangeRequested(
            target=intent.target,
            target_id=intent.target_id,
            fields=tuple(sorted(intent.wanted)),
            division_code=record.division_code,
            school_code=record.school_code,
            agency=record.agency,
            reason=intent.reason,
            evidence=intent.evidence,
            requested_by=command.principal,
            personal=RequestPersonal(
                person_id=record.person_id,
                before={name: record.fields[name] for name in intent.wanted},
                wanted=dict(intent.wanted),
            ),
        )
        driver(connection).execute(
            "INSERT INTO asked_requests (request_id, requested_by, post) VALUES (%s, %s, %s)",
            (request_id, command.principal, intent.post),
        )
        return [Proposed(request_id, 0, asked, today)]

    registry.store.run(registry.database, command, decide)
    return request_id


class Shown(NamedTuple):
    """A request as its owner or asker sees it. ``values`` is empty once it is decided or the person was erased;
    ``hash`` is keyed and names them."""

    asked: ChangeRequested
    decision: ChangeRequestApproved | ChangeRequestRefused | None
    values: list[FieldValues]
    hash: str
    owned: bool
    stored: Sequence[Stored]


def shown(registry: Registry, connection: Connection, scope: Scope, principal: str, request_id: UUID) -> Shown:
    """Raises RequestUnknown for whom it does not concern."""
    stored = registry.store.load(connection, request_id, personal=True)
    asked = stored[0].fact if stored else None
    if not isinstance(asked, ChangeRequested):
        raise RequestUnknown(request_id)
    record: Record | None = None
    owner = Record(asked.division_code, asked.school_code, asked.agency, asked.target_id, {}, ())
    with suppress(StudentUnknown, EntryUnknown, ParticularsErased):
        owner = record = _record(registry, connection, asked.target, asked.target_id)
    owned = owner.owned(scope)
    if not owned and asked_by(stored) != principal:
        raise RequestUnknown(request_id)
    decision = stored[-1].fact
    decided = decision if isinstance(decision, ChangeRequestApproved | ChangeRequestRefused) else None
    values: list[FieldValues] = []
    if decided is None and asked.personal is not None and record is not None:
        before, wanted = asked.personal.before, asked.personal.wanted
        values = [FieldValues(name, before[name], record.fields[name], wanted[name]) for name in asked.fields]
    mark = registry.keys.digest([[*each] for each in values])
    return Shown(asked, decided, values, mark, owned, stored)


def asked_by(stored: Sequence[Stored]) -> str:
    """Whose request it is: who asked, or to whom it was passed on with a post."""
    facts = [each.fact for each in stored]
    last = next((fact for fact in reversed(facts) if isinstance(fact, ChangeRequestPassedOn)), None)
    if last is not None:
        return last.account
    assert isinstance(facts[0], ChangeRequested)
    return facts[0].requested_by


def approve(
    registry: Registry, scope: Scope, request_id: UUID, shown_hash: str, command: Command, today: date
) -> Result:
    """Correct the record as asked. Raises RequestUnknown, RequestDecided, RequestOutdated when a value is no longer as
    it was shown, ParticularsErased, InvalidRecord, RecordKeyTaken."""

    def decide(connection: Connection) -> Sequence[Proposed]:
        found = _open(registry, connection, scope, command.principal, request_id)
        if not found.owned:
            raise RequestUnknown(request_id)
        if found.asked.personal is None:
            raise ParticularsErased(found.asked.target_id)
        if found.hash != shown_hash:
            raise RequestOutdated(request_id)
        asked = found.asked
        record = _record(registry, connection, asked.target, asked.target_id)
        wanted = found.asked.personal.wanted
        done = _corrected(registry, connection, asked.target, asked.target_id, record, wanted, today, request_id)
        if asked.target == "entry":  # a statement like an agency's own single row, which a withdrawal leaves standing
            said = [(each.stream_id, None, each.expected_version + 1) for each in done]
            statements.keep(driver(connection), said, None, today)
        approved = ChangeRequestApproved(
            target_id=asked.target_id,
            conflicts=tuple(each.field for each in found.values if each.conflict),
            approved_by=command.principal,
        )
        return [Proposed(request_id, len(found.stored), approved, today), *done]

    caused = Command(
        command.principal, command.command_id, command.body, _cause(registry, request_id), command.traceparent
    )
    return registry.store.run(registry.database, caused, decide)


def refuse(registry: Registry, scope: Scope, request_id: UUID, reason: str, command: Command, today: date) -> Result:
    """Do not; also how who asked takes it back. Raises RequestUnknown, RequestDecided."""

    def decide(connection: Connection) -> Sequence[Proposed]:
        found = _open(registry, connection, scope, command.principal, request_id)
        refused = ChangeRequestRefused(target_id=found.asked.target_id, reason=reason, refused_by=command.principal)
        return [Proposed(request_id, len(found.stored), refused, today)]

    return registry.store.run(registry.database, command, decide)


def _open(registry: Registry, connection: Connection, scope: Scope, principal: str, request_id: UUID) -> Shown:
    found = shown(registry, connection, scope, principal, request_id)
    if found.decision is not None:
        raise RequestDecided(request_id)
    return found


def _cause(registry: Registry, request_id: UUID) -> Cause | None:
    """The request's event; None for a request there is not. Raises RequestTooFresh before it has its place in the
    log."""
    with registry.database.writing() as connection:
        row = (
            driver(connection)
            .execute(
                "SELECT e.event_id, l.recorded_at FROM events e LEFT JOIN log l ON l.position = e.position"
                " WHERE e.stream_id = %s AND e.version = 1",
                (request_id,),
            )
            .fetchone()
        )
    if row is None:
        return None
    if row[1] is None:
        raise RequestTooFresh(request_id)
    return Cause(row[0], row[1], None)


def _record(registry: Registry, connection: Connection, target: RequestTarget, target_id: UUID) -> Record:
    stored = registry.store.load(connection, target_id, personal=True)
    return _student(target_id, stored) if target == "student" else _entry(target_id, stored)


def _student(student_id: UUID, stored: Sequence[Stored]) -> Record:
    state = student_of(each.fact for each in stored)
    if not state.exists:
        raise StudentUnknown(student_id)
    personal = last_stated(stored).personal
    if personal is None:
        raise ParticularsErased(student_id)
    fields = {name: _text(getattr(personal, name)) for name in STUDENT_FIELDS}
    return Record(state.division_code, state.school_code, None, personal.person_id, fields, stored)


def _entry(entry_id: UUID, stored: Sequence[Stored]) -> Record:
    stated = _stated(entry_id, stored)
    if stated.personal is None:
        raise ParticularsErased(entry_id)
    fields = {name: _text(getattr(stated.personal, name)) for name in ENTRY_FIELDS}
    return Record(stated.division_code, None, stated.agency, stated.personal.person_id, fields, stored)


def _stated(entry_id: UUID, stored: Sequence[Stored]) -> ListEntryFields:
    """The row as it was stated last. Raises EntryUnknown for one that does not stand."""
    if not stored or isinstance(stored[-1].fact, ListEntryRemoved):
        raise EntryUnknown(entry_id)
    last = stored[-1].fact
    if not isinstance(last, ListEntryFields):
        raise EntryUnknown(entry_id)
    return last


def _corrected(
    registry: Registry,
    connection: Connection,
    target: RequestTarget,
    target_id: UUID,
    record: Record,
    wanted: Mapping[str, str],
    on: date,
    request_id: UUID,
) -> list[Proposed]:
    """What the ordinary correction of the record would append."""
    number_wanted = _valid_number(wanted)
    if target == "student":
        return corrections(registry, connection, target_id, record.stored, dict(wanted), on)
    stated = _stated(target_id, record.stored)
    assert stated.personal is not None, "an erased row was refused"
    values: dict[str, Any] = {name: text or None for name, text in wanted.items()}
    if "name" in values and not values["name"]:
        raise InvalidRecord([("name", "name_missing", "姓名为空", "The name is empty.")])
    number: dict[str, Any] = {}
    if number_wanted is not None:
        values["id_number"] = number_wanted
        values["id_text"] = None
        problems = tuple(each for each in stated.problems if not each.startswith("id_number:"))
        number = {"number_problem": None, "number_contradicted": False, "problems": problems}
    number_now = values.get("id_number", stated.personal.id_number)
    person_id = registry.keys.person(number_now, target_id)
    personal: EntryPersonal = replace(stated.personal, person_id=person_id, **values)
    fields = {name: getattr(stated, name) for name in ListEntryFields.__struct_fields__}
    # Another fingerprint than the row's: what the agency states next about it is told again, whatever it says.
    said = registry.keys.digest(["change request", str(request_id)])
    corrected = ListEntryCorrected(**fields | number | {"personal": personal, "fingerprint": said})
    return [Proposed(target_id, len(record.stored), corrected, on)]


def _valid_number(wanted: Mapping[str, str]) -> str | None:
    """The identity number that is wanted, if one is; a G number beside a wrong one must not hide it. Raises
    InvalidRecord."""
    if not wanted.get("id_number"):
        return None
    try:
        return identity_number.parse(wanted["id_number"]).text
    except IdentityNumberError as error:
        raise InvalidRecord([("id_number", error.code, error.message_zh, error.message_en)]) from None


def _text(value: object) -> str:
    return "" if value is None else str(value)
