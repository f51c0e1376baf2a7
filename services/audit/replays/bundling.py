"""Making a bundle: a replay's answer with the logs' signed checkpoints over the cut it rests on."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
import psycopg

from services.audit import archived
from services.audit.errors import BundleTooLarge, NotYetSigned
from services.audit.export import to_line
from services.audit.proofs.archive_tree import nodes_of
from services.audit.replays import replaying
from services.audit.replays.bundle_format import (
    AFTER,
    ANSWER,
    BEFORE,
    CHECKPOINTS,
    FORMAT,
    LOG_FOLDER,
    NOTE,
    Answer,
    Asked,
    Earlier,
    LogCut,
    Proof,
    Version,
    signed_answer,
    source_hash,
)
from services.audit.replays.differing import difference_in, flat
from services.audit.replays.person import person_in
from services.audit.replays.records import activations, public_part
from services.audit.replays.replaying import Question, Replays, Rows, canonical
from services.audit.replays.result_files import fixed_zip, result_files
from shared.database.database import driver
from shared.database.scopes import Scope
from shared.transparency.proving import consistency_proof

PERSON = "person"  # what a whole file calls itself where a view stands by its name
# Events in a bundle; a longer log is exported by itself and verified beside it. An event is about 1 KB as a line, and a
# bundle is made in memory, where it stands three times for a moment: 200,000 events are 600 MB, below what audit may
# take (1 GB), and a school year of a county's roster and books.
LOG_EVENTS_LIMIT = 200_000


@dataclass(frozen=True)
class Bundles:
    """Bundles of ``replays``; ``seeds``: with which audit signs, its present key first; ``log_events``: how many go
    into one at most."""

    replays: Replays
    division: str
    seeds: list[bytes]
    log_events: int = LOG_EVENTS_LIMIT

    def make(self, question: Question, *, with_log: bool = False) -> bytes:
        """The zip. Raises NotYetSigned, BundleTooLarge and what :meth:`Replays.ask` raises."""
        replaying.asked_for(self.replays.view(question.view), question.student_id)
        with self.replays.scratch() as connection:
            answer = self.replays.replayed(connection, question)
            return self._packed(
                driver(connection), answer, _asked(answer, question.student_id, question.scope), with_log
            )

    def make_person(
        self,
        student_id: UUID,
        known_at: datetime | None = None,
        true_on: date | None = None,
        scope: Scope | None = None,
        *,
        with_log: bool = False,
    ) -> bytes:
        """The zip of a student's whole file: a row for each row of each view, then one for each event. Raises
        NotYetSigned, BundleTooLarge and what :func:`person_file` raises."""
        with self.replays.scratch() as connection:
            file = person_in(connection, self.replays, student_id, known_at, true_on, scope)
            rows: Rows = [{"part": view, "row": row} for view, found in file.views.items() for row in found]
            rows += [{"part": "events", "row": msgspec.to_builtins(event)} for event in file.events]
            digest = hashlib.sha256(canonical(rows)).hexdigest()
            answer = replaying.Answer(
                PERSON, file.true_on, file.known_at, file.log_index, rows, digest, file.left_out, []
            )
            return self._packed(driver(connection), answer, _asked(answer, student_id, scope), with_log)

    def make_difference(self, before: Question, after: Question, *, with_log: bool = False) -> bytes:
        """The zip of what changed between two moments or days of one view, with the rows of both sides. Raises
        NotYetSigned, BundleTooLarge and what :meth:`Replays.ask` raises."""
        view = self.replays.view(before.view)
        replaying.asked_for(view, before.student_id)
        with self.replays.scratch() as connection:
            found = difference_in(connection, self.replays, before, after)
            one, other = found.before, found.after
            rows: Rows = msgspec.to_builtins(found.changes)
            digest = hashlib.sha256(canonical(rows)).hexdigest()
            left_out = sorted({*one.left_out, *other.left_out})
            answer = other._replace(rows=rows, hash=digest, left_out=left_out)
            earlier = Earlier(known_at=one.known_at.isoformat(), true_on=one.true_on.isoformat(), key=list(view.key))
            asked = msgspec.structs.replace(_asked(other, after.student_id, after.scope), before=earlier)
            sides = {BEFORE: canonical(one.rows), AFTER: canonical(other.rows)}
            files = sides | result_files(view.name, rows, flat(found.changes))
            return self._packed(driver(connection), answer, asked, with_log, files, one.log_index)

    def _packed(
        self,
        raw: psycopg.Connection[Any],
        answer: replaying.Answer,
        asked: Asked,
        with_log: bool,
        files: dict[str, bytes] | None = None,
        earlier: Mapping[str, int] | None = None,
    ) -> bytes:
        """``files``: the result's, when they are not simply its rows; ``earlier``: the cut of a difference's earlier
        side."""
        upto = {service: index for service, index in answer.log_index.items() if index}
        if with_log and sum(upto.values()) > self.log_events:
            raise BundleTooLarge(
                "记录太多,不能装入一个文件,请另行导出各服务的记录",
                "too many events for one file: export the logs by themselves",
                events=sum(upto.values()),
                limit=self.log_events,
            )
        before = {service: index for service, index in (earlier or {}).items() if index and service in upto}
        proven = {service: self._proven(raw, service, upto[service], before.get(service)) for service in upto}
        files = dict(files or result_files(answer.view, answer.rows))
        if with_log:
            files |= {f"{LOG_FOLDER}{service}.ndjson": _lines(raw, service, upto[service]) for service in upto}
        told = msgspec.json.encode(
            Answer(
                format=FORMAT,
                division=self.division,
                asked=asked,
                logs={service: each.cut for service, each in proven.items()},
                rows=len(answer.rows),
                result=answer.hash,
                left_out=answer.left_out,
                inputs=answer.inputs,
                configuration=_configuration(raw, answer),
                code=source_hash(),
                files={name: hashlib.sha256(content).hexdigest() for name, content in sorted(files.items())},
                earlier_logs=msgspec.UNSET
                if earlier is None
                else {service: each.earlier for service, each in proven.items() if each.earlier is not None},
            ),
            order="sorted",
        )
        proofs = {service: each.proof for service, each in proven.items()}
        files |= {
            ANSWER: told,
            NOTE: signed_answer(told, self.division, self.seeds).encode(),
            CHECKPOINTS: msgspec.json.encode(proofs, order="sorted"),
        }
        return fixed_zip(files, first=ANSWER)

    def _proven(
        self, raw: psycopg.Connection[Any], service: str, log_index: int, earlier: int | None = None
    ) -> _Proven:
        """The cut of a log (and the earlier one), and the first signed checkpoint that covers it and agrees with the
        archive."""
        source = f"//rollcall/{self.division}/{service}"
        rows = raw.execute(
            "SELECT size, root, note FROM told_checkpoints WHERE service = %(service)s AND size >= %(index)s"
            " AND size <= (SELECT max(log_index) FROM archive WHERE service = %(service)s) ORDER BY size, id",
            {"service": service, "index": max(log_index, earlier or 0)},
        )
        for size, root, note in rows.fetchall():
            store = nodes_of(raw, service)
            while not store.grow(size):
                pass  # in steps that a live witness can afford; here they are rolled back
            nodes = store.at(size)
            if nodes.root(size) == bytes(root):
                cuts, paths = [], []
                for index in (log_index, *([] if earlier is None else [earlier])):
                    cuts.append(LogCut(source=source, log_index=index, root=nodes.root(index).hex()))
                    paths.append([each.hex() for each in consistency_proof(index, size, nodes.node)])
                proof = Proof(
                    checkpoint=note, consistency=paths[0], earlier=msgspec.UNSET if earlier is None else paths[1]
                )
                return _Proven(cuts[0], None if earlier is None else cuts[1], proof)
        raise NotYetSigned(
            "该时刻的记录尚未签名,请稍后再试",
            "no signed checkpoint covers what was known then yet",
            service=service,
            log_index=log_index,
        )


class _Proven(NamedTuple):
    cut: LogCut
    earlier: LogCut | None
    proof: Proof


def _asked(answer: replaying.Answer, student_id: UUID | None, scope: Scope | None) -> Asked:
    return Asked(
        view=answer.view,
        known_at=answer.known_at.isoformat(),
        true_on=answer.true_on.isoformat(),
        student_id=None if student_id is None else str(student_id),
        division_code=None if scope is None else scope.division,
        school_code=None if scope is None else scope.school,
    )


def _configuration(raw: psycopg.Connection[Any], answer: replaying.Answer) -> list[Version]:
    """Of each configuring stream the last version known that is in force on the day."""
    last: dict[tuple[str, Any], Any] = {}
    for logged in sorted(
        activations(raw, answer.log_index), key=lambda each: (each.service, each.event.effective_on, each.log_index)
    ):
        if logged.event.effective_on <= answer.true_on:
            last[logged.service, logged.event.stream_id] = logged
    return [
        Version(
            service=logged.service,
            log_index=logged.log_index,
            event_id=str(logged.event.event_id),
            type=logged.event.type,
            effective_on=logged.event.effective_on.isoformat(),
            content_hash=public_part(logged.event).get("content_hash"),
        )
        for logged in sorted(last.values(), key=lambda each: (each.service, each.log_index))
    ]


def _lines(raw: psycopg.Connection[Any], service: str, last: int) -> bytes:
    after = 0
    parts: list[bytes] = []
    while after < last:
        page = archived.log_page(raw, service, after, last)
        parts += map(to_line, page)
        after = page[-1].log_index
    return b"".join(parts)
