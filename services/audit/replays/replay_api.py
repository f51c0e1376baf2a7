"""Replays over HTTP: for auditors and the clerk of the whole division; a school may replay its own part."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

from services.audit.replays.bundling import Bundles
from services.audit.replays.differing import Change, difference
from services.audit.replays.marks import Unit, marks_of, payment_days
from services.audit.replays.narrowing import check_log, check_scope
from services.audit.replays.replaying import Answer, Question
from shared.database.database import driver
from shared.database.scopes import Scope
from shared.standards.rights import Right
from shared.web import disclosures
from shared.web.commands import command_id_of
from shared.web.viewers import Viewer, require

Asking = Annotated[Viewer, Depends(require(Right.REPLAY))]
Taking = Annotated[Viewer, Depends(require(Right.REPLAY, exports=True))]
Auditing = Annotated[Viewer, Depends(require(Right.LOGS_READ))]


class Part(BaseModel):
    """For whom: ``school_code`` one school, ``division_code`` a part of the division (2 to 12 digits), neither: all."""

    model_config = ConfigDict(extra="forbid")

    school_code: str | None = Field(None, min_length=1, max_length=64)
    division_code: str | None = Field(None, pattern=r"^(0[1-9]|[1-9]\d)(\d{2}|\d{4}|\d{7}|\d{10})?$")

    def scope(self) -> Scope | None:
        """What row-level security is to show; None = all."""
        if self.school_code is None and self.division_code is None:
            return None
        return Scope(division=self.division_code, school=self.school_code)

    @model_validator(mode="after")
    def one_part(self) -> Part:
        if self.school_code is not None and self.division_code is not None:
            raise ValueError("give school_code or division_code")
        return self


class Ask(Part):
    """``known_at`` with its time zone, or ``log_index`` of the view's own log; neither = as complete as can be now.
    ``true_on``: default the day of that moment. ``student_id``: only what the view says about one student.
    ``from_first``: every event is read and verified again; the answer is the same."""

    known_at: AwareDatetime | None = None
    true_on: date | None = None
    log_index: int | None = Field(None, ge=1)
    student_id: UUID | None = None
    from_first: bool = False

    @model_validator(mode="after")
    def one_moment(self) -> Ask:
        if self.known_at is not None and self.log_index is not None:
            raise ValueError("give known_at or log_index")
        return self

    def question(self, view: str) -> Question:
        """As the replay engine takes it."""
        asked = (self.true_on, utc(self.known_at), self.log_index, self.student_id, self.scope())
        return Question(view, *asked, from_first=self.from_first)


class Began(BaseModel):
    """Where a fold began: at a snapshot that covers the events up to ``log_index``, or at the first event (None).
    ``refused``: the snapshot it would have begun at, and why it did not."""

    snapshot: UUID | None
    log_index: dict[str, int]
    refused: str | None


class Told(BaseModel):
    """``log_index``: service → the last event that counts. ``hash``: SHA-256 of the items' canonical JSON (sorted keys,
    no blanks, UTF-8). ``left_out``: events that a live view would hold as unprocessed. ``inputs``: how old each input
    of the view was (数据截至), where it tells. ``began``: the snapshot the fold began at, if there was one."""

    view: str
    known_at: datetime
    true_on: date
    log_index: dict[str, int]
    count: int
    hash: str
    left_out: list[tuple[str, int]]
    inputs: list[dict[str, Any]] = []
    began: Began
    items: list[dict[str, Any]]


def utc(moment: datetime | None) -> datetime | None:
    """The moment in UTC."""
    return None if moment is None else moment.astimezone(UTC)


def zipped(bundle: bytes, name: str) -> Response:
    """A bundle as a file to keep."""
    headers = {"content-disposition": f'attachment; filename="{name}.bundle.zip"'}
    return Response(bundle, media_type="application/zip", headers=headers)


def side(answer: Answer) -> Side:
    """An answer without its rows."""
    return Side(
        known_at=answer.known_at,
        true_on=answer.true_on,
        log_index=answer.log_index,
        count=len(answer.rows),
        hash=answer.hash,
    )


def told(answer: Answer) -> Told:
    """The answer as it is sent."""
    return Told(
        view=answer.view,
        known_at=answer.known_at,
        true_on=answer.true_on,
        log_index=answer.log_index,
        count=len(answer.rows),
        hash=answer.hash,
        left_out=answer.left_out,
        inputs=answer.inputs,
        began=Began(**asdict(answer.began)),
        items=answer.rows,
    )


class AskBundle(Ask):
    """``with_log``: the events themselves go along, so that every leaf can be checked."""

    with_log: bool = False


class Moment(BaseModel):
    """A moment and a day of it, as in Ask."""

    model_config = ConfigDict(extra="forbid")

    known_at: AwareDatetime | None = None
    true_on: date | None = None


class AskDifference(Part):
    """The same view at two moments, or on two days, or both; ``after`` empty: as complete as can be now."""

    before: Moment
    after: Moment = Moment()
    student_id: UUID | None = None

    def questions(self, view: str) -> tuple[Question, Question]:
        """As the replay engine takes them."""
        one, other = (
            Question(view, each.true_on, utc(each.known_at), None, self.student_id, self.scope())
            for each in (self.before, self.after)
        )
        return one, other


class AskDifferenceBundle(AskDifference):
    """``with_log``: the events themselves go along, so that every leaf can be checked."""

    with_log: bool = False


class Side(BaseModel):
    """One of the two answers, without its rows."""

    known_at: datetime
    true_on: date
    log_index: dict[str, int]
    count: int
    hash: str


class ToldDifference(BaseModel):
    """``items``: what was added, removed and changed, by key, field by field, each with the events that caused it."""

    view: str
    before: Side
    after: Side
    count: int
    items: list[Change]


class ToldMark(BaseModel):
    """Known at ``at``: ``events`` more than at the mark before."""

    at: datetime
    events: int


class ToldMarks(BaseModel):
    """``until``: the last full second for which every log of the view is complete; null: not yet. ``unit``: what was
    recorded within one is one mark. ``paid_on``: the last days of payment, latest first."""

    view: str
    until: datetime | None
    unit: Unit
    items: list[ToldMark]
    paid_on: list[date]


def replay_routes(routes: APIRouter, bundles: Bundles) -> None:
    """The routes of replays under /v1."""
    replays, division = bundles.replays, bundles.division

    @routes.post("/replay/{view}")
    def replay(view: str, body: Ask, request: Request, viewer: Asking) -> Told:
        command_id_of(request)  # every POST carries one, although nothing is changed here
        check_scope(viewer.scope, body.scope(), division)
        return told(replays.ask(body.question(view)))

    @routes.post("/replay/{view}/difference")
    def compare(view: str, body: AskDifference, request: Request, viewer: Asking) -> ToldDifference:
        command_id_of(request)
        check_scope(viewer.scope, body.scope(), division)
        found = difference(replays, *body.questions(view))
        sides = {"before": side(found.before), "after": side(found.after)}
        return ToldDifference(view=view, **sides, count=len(found.changes), items=found.changes)

    @routes.post("/replay/{view}/bundle", response_class=Response)
    def bundle(view: str, body: AskBundle, request: Request, viewer: Taking) -> Response:
        """A zip that proves the answer to whoever has the public keys (bundle_format.py)."""
        command_id_of(request)
        check_scope(viewer.scope, body.scope(), division)
        if body.with_log:
            check_log(viewer.scope, division)
        disclosures.tell(filters=disclosures.told(body.model_dump()), student_id=body.student_id)
        return zipped(bundles.make(body.question(view), with_log=body.with_log), view)

    @routes.post("/replay/{view}/difference/bundle", response_class=Response)
    def difference_bundle(view: str, body: AskDifferenceBundle, request: Request, viewer: Taking) -> Response:
        """The same for what changed, with the rows of both sides."""
        command_id_of(request)
        check_scope(viewer.scope, body.scope(), division)
        if body.with_log:
            check_log(viewer.scope, division)
        disclosures.tell(filters=disclosures.told(body.model_dump()), student_id=body.student_id)
        return zipped(bundles.make_difference(*body.questions(view), with_log=body.with_log), f"{view}-difference")

    @routes.get("/replay/{view}/moments")
    def moments(
        view: str, _viewer: Auditing, since: AwareDatetime | None = None, until: AwareDatetime | None = None
    ) -> ToldMarks:
        """When something was recorded that the view rests on, at most 200 marks: the steps of a time slider."""
        projection = replays.view(view).projection
        with replays.database.working() as connection:
            raw = driver(connection)
            found, paid_on = marks_of(raw, projection, utc(since), utc(until)), payment_days(raw)
        items = [ToldMark(at=mark.at, events=mark.events) for mark in found.marks]
        return ToldMarks(view=view, until=found.until, unit=found.unit, items=items, paid_on=paid_on)

    @routes.get("/views")
    def views(_viewer: Asking) -> list[str]:
        return sorted(replays.views)
