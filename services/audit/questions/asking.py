"""Asks a named question at a moment: the projections it reads are folded together, its SQL is run over them once.

What comes out is a function of the archive up to the cut, the day and the parameters: asked again anywhere, the same
bytes.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

import psycopg
import sqlalchemy
from sqlalchemy import Connection

from services.audit.errors import UnknownQuestion
from services.audit.questions.catalogue import EVIDENCE, QUESTIONS, AuditQuestion
from services.audit.questions.parameters import Parameters
from services.audit.replays.folding import Folded, folded
from services.audit.replays.moments import cut, day_asked
from services.audit.replays.narrowing import narrowed
from services.audit.replays.replaying import Replays, Rows, canonical
from shared.database.database import driver
from shared.database.scopes import Scope
from shared.eventsourcing.projection import Projection
from shared.kernel.masking import mask_name, mask_number

FINDINGS_MOST = 50_000  # rows of one answer: beyond that a question is asked for a part of the division


class Inquiry(NamedTuple):
    """``known_at`` UTC, None: the latest complete moment; ``true_on`` None: the day of it; ``scope`` None: everyone."""

    question: str
    parameters: Parameters
    true_on: date | None = None
    known_at: datetime | None = None
    scope: Scope | None = None


class Finding(NamedTuple):
    """``rows``: plain JSON values; each ends in ``evidence``, events by service, log index and id. ``parameters``: as
    recorded, with lists of people replaced by their length and keyed digest. ``hash``: SHA-256 of the rows'
    canonical JSON. ``more``: there are more rows than an answer holds."""

    question: AuditQuestion
    parameters: dict[str, Any]
    true_on: date
    known_at: datetime
    log_index: dict[str, int]
    rows: Rows
    hash: str
    left_out: list[tuple[str, int]]
    more: bool


def question_named(name: str) -> AuditQuestion:
    """Raises UnknownQuestion."""
    found = QUESTIONS.get(name)
    if found is None:
        raise UnknownQuestion("没有这个审计问题", "there is no such question", questions=sorted(QUESTIONS))
    return found


@dataclass(frozen=True)
class Asking:
    """Asks over ``replays``. ``key``: of the digests that stand for what the auditor brought along."""

    replays: Replays
    key: bytes

    def ask(self, inquiry: Inquiry) -> Finding:
        """The answer. Raises UnknownQuestion and what a replay raises (replays/replaying.py)."""
        question = question_named(inquiry.question)
        projections = _projections(self.replays, question)
        logs = sorted({log for projection in projections for log in projection.logs})
        with self.replays.scratch() as connection:
            known_at, upto = cut(driver(connection), logs, inquiry.known_at)
            true_on = day_asked(inquiry.true_on, known_at)
            scratch = folded(connection, projections, upto, self.replays.keyring, shelf=self.replays.shelf)
            with narrowed(scratch, inquiry.scope):
                rows = _found(scratch, question, {"true_on": true_on, **bound(inquiry.parameters)})
            plain = [_plain(question, row) for row in rows[:FINDINGS_MOST]]
            _name_events(driver(connection), plain)
        return Finding(
            question,
            recorded(inquiry.parameters, self.key),
            true_on,
            known_at,
            upto,
            plain,
            hashlib.sha256(canonical(plain)).hexdigest(),
            list(scratch.left_out),
            len(rows) > FINDINGS_MOST,
        )


def bound(parameters: Parameters) -> dict[str, Any]:
    """As the SQL takes them: lists of records as one JSON text."""
    values = {}
    for name, value in parameters:
        if isinstance(value, tuple):
            records = [each.model_dump() for each in value if not isinstance(each, str)]
            values[name] = json.dumps(records) if records or name == "bank_lines" else list(value)
        else:
            values[name] = value
    return values


def recorded(parameters: Parameters, key: bytes) -> dict[str, Any]:
    """As the answer names them. A statement or a list of people is named by its length and its keyed digest as a whole:
    enough to show that it was this one, and nothing to guess from."""
    told: dict[str, Any] = {}
    for name, value in parameters.model_dump(mode="json").items():
        if isinstance(value, list):
            text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
            told[name] = {"count": len(value), "digest": hmac.new(key, text.encode(), hashlib.sha256).hexdigest()}
        else:
            told[name] = value
    return told


def _projections(replays: Replays, question: AuditQuestion) -> list[Projection]:
    declared = {view.projection.name: view.projection for view in replays.views.values()}
    return [declared[name] for name in question.projections]


def _found(scratch: Folded, question: AuditQuestion, values: dict[str, Any]) -> Sequence[Any]:
    connection: Connection = scratch.enter_all()
    statement = sqlalchemy.text(question.sql)
    needed = {name: value for name, value in values.items() if name in statement.compile().params}
    return connection.execute(statement, needed).mappings().fetchmany(FINDINGS_MOST + 1)


def _plain(question: AuditQuestion, row: Any) -> dict[str, Any]:
    """One row as JSON values, masked."""
    shown = {column.key: _value(column.kind, row[column.key]) for column in question.columns}
    return {**shown, EVIDENCE: list(row[EVIDENCE] or ())}


def _value(kind: str, value: Any) -> Any:
    if value is None:
        return None
    if kind == "name":
        return mask_name(value)
    if kind == "identity":
        return mask_number(value)
    if isinstance(value, list):
        return [each for each in value if each is not None]
    return str(value) if isinstance(value, UUID | date) else value


def _name_events(raw: psycopg.Connection[Any], rows: Rows) -> None:
    """Puts in place of each "service#index" the event there."""
    wanted = sorted({mark for row in rows for mark in row[EVIDENCE]})
    places = [mark.split("#") for mark in wanted]
    found = raw.execute(
        "SELECT service, log_index, event_id, type FROM archive JOIN unnest(%s::text[], %s::bigint[])"
        " AS wanted (service, log_index) USING (service, log_index)",
        ([service for service, _ in places], [int(index) for _, index in places]),
    )
    events = {
        f"{service}#{index}": {"service": service, "log_index": index, "event_id": str(event_id), "type": kind}
        for service, index, event_id, kind in found
    }
    for row in rows:
        row[EVIDENCE] = [events[mark] for mark in row[EVIDENCE]]
