"""Small real HTTP services of an invented county, for tests of the page alone: the same addresses, rows in memory.

The whole system is tested in the journeys; here the page meets answers that are hard to bring about there (a service
that is away, a receipt that does not balance, two hundred rows). Names are invented.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, FastAPI, Query, Request
from starlette.responses import Response

from shared.kernel.refusals import Conflict, Malformed, NotFound, Refusal
from shared.web import Authenticator, SseHub, Upload, Viewer, command_id_of, create_app, received_file, viewer
from shared.web.event_stream import EventStream
from shared.web.live import Notice
from shared.web.pages import Page, PageTurn, page_of, page_turn
from tests.support.county_answers import answers_instead
from tests.support.county_audit import audited
from tests.support.county_ledgers import ledgers
from tests.support.county_letters import county_letters
from tests.support.county_logs import CountyLogs
from tests.support.county_rows import CATEGORIES, CODES, EVIDENCE, decided_on, name_id
from tests.support.county_staff import staff
from tests.support.county_work import county_work
from tests.support.models import Models
from tests.support.quiet_inbox import quiet_inbox
from tests.support.reviews import Reviews

SCHOOLS = {"3146000001": "海口市第一小学", "3146000002": "琼山中学"}
Turn = Annotated[PageTurn, Depends(page_turn)]
Who = Annotated[Viewer, Depends(viewer)]
Row = dict[str, Any]


class County:
    """The rows of all services, changed by tests, and the commands the page has sent."""

    def __init__(self) -> None:
        self.hub = SseHub("")
        self._loop: asyncio.AbstractEventLoop | None = None
        self.away: set[str] = set()
        self.instead: dict[str, Row | Refusal] = {}
        self.students = dict(map(_student, range(130)))
        self.roster = {key: _on_roster(row) for key, row in list(self.students.items())[:120]}
        self.alerts = {row["alert_id"]: row for row in map(_alert, range(4))}
        self.entitlements = {row["entitlement_id"]: row for row in map(_entitlement, range(3))}
        self.submissions: dict[UUID, Row] = {}
        self.commands: list[tuple[str, str, UUID, Any]] = []
        self.receipt: Row = {"rows": 10, "added": 7, "corrected": 1, "unchanged": 2, "removed": 0, "rejected": 2}
        self.replays: list[Mapping[str, Any]] = []
        self.waiting: list[Row] = []
        self.reviews = Reviews(name_id, self._command)
        self.logs = CountyLogs(self._command)
        self.models = Models(name_id, self._command)

    def changed(self, table: str, *ids: UUID) -> None:
        """Tell the live lists, as a projection does after its commit."""
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self.hub.publish, Notice(table, table, tuple(ids)))

    def close(self) -> None:
        """End the live lists, so that the server can stop."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self.hub.close)

    @asynccontextmanager
    async def _running(self, _app: FastAPI) -> AsyncIterator[None]:
        self._loop = asyncio.get_running_loop()
        yield

    def app(self, authenticator: Authenticator) -> FastAPI:
        """All services in one application, each below its name (their base URLs end in it)."""
        own = (self._reference(), self._registry(), self._matching(), self._aid(), self._notifications(), self._audit())
        first = str(next(iter(self.students)))
        known = audited(first)
        made = [self.reviews.router(), self.models.router(), self.logs.router(), ledgers(first), known]
        made += [staff(self._command), county_letters(self._command), *county_work(self.waiting)]
        state = {"hub": self.hub}
        app = create_app("county", [*made, *own], authenticator=authenticator, state=state, parts=[self._running])

        answers_instead(app, self)
        return app

    def _command(self, request: Request, who: Viewer, body: Any) -> None:
        self.commands.append((request.url.path, who.principal, command_id_of(request), body))

    def _reference(self) -> APIRouter:
        r = APIRouter(prefix="/registry/v1")

        @r.get("/students/search")
        def found(who: Who, turn: Turn, q: str = "", school: str | None = None) -> Page[Row]:
            rows = _seen(self.students.values(), who, school_code=school)
            return _paged([row for row in rows if q in row["name"] or q == row["student_number"]], turn, "student_id")

        @r.get("/register-places")
        @r.get("/suspensions")
        @r.get("/contradictions")
        @r.get("/attendance/schools")
        def places(who: Who) -> Page[Row]:
            return Page(items=[])

        @r.get("/reference/{kind}")
        def reference(who: Who, kind: str) -> Page[Row]:
            return Page(items=[])

        return r

    def _registry(self) -> APIRouter:
        r = APIRouter(prefix="/registry/v1")

        @r.get("/schools")
        def schools(who: Who, turn: Turn) -> Page[Row]:
            shown = [code for code in SCHOOLS if who.scope.school in (None, code)]
            return Page(items=[{"school_code": code, "name": SCHOOLS[code]} for code in shown])

        @r.get("/students")
        def students(who: Who, turn: Turn, q: str = "", school: str | None = None) -> Page[Row]:
            rows = _seen(self.students.values(), who, school_code=school)
            return _paged([row for row in rows if q in row["name"] or q == row["student_number"]], turn, "student_id")

        @r.get("/students/{student_id}")
        def student(who: Who, student_id: UUID) -> Row:
            found = _seen([self.students[student_id]] if student_id in self.students else [], who)
            if not found:
                raise NotFound("没有这名学生", "No such student")
            return found[0]

        @r.get("/students/{student_id}/absences")
        def absences(who: Who, student_id: UUID) -> list[Row]:
            return []

        @r.get("/attendance/classes")
        def classes(who: Who, school: str) -> Row:
            return {"school_code": school, "name": SCHOOLS.get(school), "school_day": None, "classes": []}

        @r.get("/promotions")
        @r.get("/changes")
        @r.get("/change-requests/mine")
        @r.get("/household-proposals")
        @r.get("/papers")
        def nothing_yet(who: Who) -> list[Row]:
            return []

        @r.get("/change-requests")
        def inbox(who: Who) -> Row:
            return {"items": [], "next": None}

        @r.post("/students/{student_id}/reveal")
        def reveal(request: Request, who: Who, student_id: UUID, body: dict[str, Any]) -> Row:
            if len(body["purpose"]) < 4:
                raise Malformed("请填写事由", "Give a purpose")
            self._command(request, who, body)
            full = {"name": "张小明", "id_number": "460106201203040015", "phone": "13800138000"}
            return {"fields": {field: full.get(field, "—") for field in body["fields"]}}

        @r.get("/terms")
        def terms(who: Who) -> Page[Row]:
            return Page(items=[])

        @r.get("/term-tasks/due")
        def due_tasks(who: Who) -> list[Row]:
            return []

        self._lists(r)
        return r

    def _lists(self, r: APIRouter) -> None:
        @r.get("/submissions")
        def submissions(who: Who, turn: Turn, named: Annotated[str | None, Query(alias="list")] = None) -> Page[Row]:
            rows = [row for row in self.submissions.values() if named in (None, row["list"])]
            return _paged(rows, turn, "submission_id")

        @r.get("/freshness")
        def freshness(who: Who) -> Row:
            rows = [{**row, "dated": "2024-09-01"} for row in self.submissions.values()]
            overdue = {"list": "civil", "agency": "civil_affairs", "due_by": "2024-09-05", "days_late": 3}
            return {"items": [*rows, overdue]}

        @r.get("/submissions/{submission_id}/rejects.xlsx")
        def rejects(who: Who, submission_id: UUID) -> Response:
            if submission_id not in self.submissions:
                raise NotFound("没有这次报送", "No such submission")
            return Response(b"PK" + bytes(600_000), media_type="application/octet-stream")

        @r.post("/lists/{named}/dry-run.xlsx")
        def annotated(who: Who, named: str, upload: Annotated[Upload, Depends(received_file)]) -> Response:
            if upload.path.read_bytes()[:2] != b"PK":
                raise Malformed("文件不是表格", "The file is not a sheet")
            return Response(b"PK checked", media_type="application/octet-stream")

        @r.post("/lists/{named}/submissions")
        def submit(
            request: Request,
            who: Who,
            named: str,
            mode: str,
            upload: Annotated[Upload, Depends(received_file)],
            dry_run: bool = False,
        ) -> Row:
            self._command(request, who, {"dry_run": dry_run, "bytes": upload.size_bytes, "name": upload.filename})
            if upload.path.read_bytes()[:2] != b"PK":
                raise Malformed("文件不是表格", "The file is not a sheet")
            submission_id = name_id(upload.sha256)
            row = {"submission_id": submission_id, "list": named, "mode": mode, "agency": "poverty_office"}
            row |= {**self.receipt, "received_at": "2024-09-01T01:02:03Z", "problems": {"id_number_invalid": 2}}
            if not dry_run:
                self.submissions[submission_id] = row
            return {**row, "dry_run": dry_run}

    def _matching(self) -> APIRouter:
        r = APIRouter(prefix="/matching/v1")

        @r.get("/roster")
        def roster(
            response: Response, who: Who, turn: Turn, school: str | None = None, category: str | None = None
        ) -> Page[Row]:
            response.headers["change-position"] = self.hub.position()
            return _paged(_seen(self.roster.values(), who, school_code=school, category=category), turn, "student_id")

        @r.get("/roster/summary")
        def summary(response: Response, who: Who) -> Row:
            response.headers["change-position"] = self.hub.position()
            counts: dict[str, int] = {}
            for row in _seen(self.roster.values(), who):
                counts[row["category"]] = counts.get(row["category"], 0) + 1
            states = {"linked": 120, "review": 3, "not_in_register": 5, "registered_elsewhere": 2, "out_of_age": 4}
            states["rejected"] = 1
            return {"categories": counts, "states": states, "unenrolled_listed": 2, "by_list": {"poverty": states}}

        @r.get("/roster/inputs")
        def inputs(who: Who) -> Row:
            return {"items": [{"list": "poverty", "agency": "poverty_office", "dated": "2024-09-01"}]}

        @r.get("/students/{student_id}/categories")
        def categories(who: Who, student_id: UUID) -> Row:
            if not _seen([row for row in (self.students.get(student_id),) if row is not None], who):
                raise NotFound("没有这名学生", "There is no such student.")
            return {"student_id": student_id, "items": CATEGORIES}

        @r.get("/evidence")
        def evidence(who: Who, student_id: Annotated[list[UUID], Query()]) -> Row:
            return {"items": decided_on(_seen(self.entitlements.values(), who), student_id)}

        @r.get("/roster/stream")
        async def stream(request: Request, who: Who) -> Response:
            def read(ids: Sequence[UUID]) -> dict[UUID, Row]:
                found = _seen([self.roster[i] for i in ids if i in self.roster], who)
                return {row["student_id"]: row for row in found}

            return EventStream(request, self.hub, who, ["roster"], read)

        @r.get("/unmatched")
        def unmatched(who: Who, turn: Turn, state: str | None = None) -> Page[Row]:
            rows = [
                {"entry_id": name_id(s), "list": "poverty", "agency": "poverty_office", "name": "王*", "state": s}
                | {"school_age": s == "not_in_register", "reason": "no_candidate"}
                for s in ("not_in_register", "registered_elsewhere", "out_of_age", "rejected")
            ]
            return Page(items=[row for row in rows if state in (None, row["state"])])

        return r

    def _aid(self) -> APIRouter:
        r = APIRouter()

        @r.get("/disbursement/v1/entitlements")
        def entitlements(who: Who, turn: Turn, state: str | None = None) -> Page[Row]:
            rows = _seen(self.entitlements.values(), who)
            return _paged([row for row in rows if state in (None, row["state"])], turn, "entitlement_id")

        @r.get("/disbursement/v1/payments")
        def payments(who: Who, turn: Turn) -> Page[Row]:
            rows = [row for row in _seen(self.entitlements.values(), who) if row["state"] == "paid"]
            return _paged(rows, turn, "entitlement_id")

        @r.post("/disbursement/v1/entitlements/{entitlement_id}/disburse")
        def disburse(request: Request, who: Who, entitlement_id: UUID, body: dict[str, Any]) -> Row:
            self._command(request, who, body)
            self.entitlements[entitlement_id] |= {"state": "paid", **body}
            return {"entitlement_id": entitlement_id}

        @r.get("/visits/v1/visits")
        def visits(who: Who, turn: Turn) -> Page[Row]:
            first = next(iter(self.students.values()))
            row = {"visit_id": name_id("v"), "student_id": first["student_id"], "name": first["name"]}
            place = {"school_code": first["school_code"], "school_name": first["school_name"]}
            rows = [{**row, **place, "visited_on": "2024-08-20", "outcome": "nobody_home", "helper": "t1"}]
            return Page(items=_seen(rows, who))

        @r.post("/visits/v1/visits")
        def log_visit(request: Request, who: Who, body: dict[str, Any]) -> Row:
            if not body["outcome"]:
                raise Malformed("请选择走访结果", "Say how the visit went")
            self._command(request, who, body)
            return {"id": name_id("v2")}

        return r

    def _notifications(self) -> APIRouter:
        r = APIRouter(prefix="/notifications/v1")

        @r.get("/alerts")
        def alerts(
            response: Response, who: Who, turn: Turn, state: Annotated[list[str] | None, Query()] = None
        ) -> Page[Row]:
            response.headers["change-position"] = self.hub.position()
            rows = [row for row in _seen(self.alerts.values(), who) if row["state"] in (state or ("open", "seen"))]
            return _paged(rows, turn, "alert_id")

        r.include_router(quiet_inbox)

        @r.get("/alerts/summary")
        def summary(who: Who) -> list[Row]:
            rows = _seen(self.alerts.values(), who)
            return [{"kind": row["kind"], "state": row["state"], "count": 1} for row in rows]

        @r.get("/alerts/stream")
        async def stream(request: Request, who: Who) -> Response:
            def read(ids: Sequence[UUID]) -> dict[UUID, Row]:
                found = _seen([self.alerts[i] for i in ids if i in self.alerts], who)
                return {row["alert_id"]: row for row in found}

            return EventStream(request, self.hub, who, ["alerts"], read)

        @r.post("/alerts/{alert_id}/{action}")
        def act(request: Request, who: Who, alert_id: UUID, action: str, body: dict[str, Any]) -> Row:
            self._command(request, who, body)
            if self.alerts[alert_id]["state"] == "closed":
                raise Conflict("该预警已销号", "The alert is closed already")
            self.alerts[alert_id]["state"] = "seen" if action == "seen" else "closed"
            return {"alert_id": alert_id}

        return r

    def _audit(self) -> APIRouter:
        r = APIRouter(prefix="/audit/v1")

        @r.post("/replay/{view}")
        def replay(request: Request, who: Who, view: str, body: dict[str, Any]) -> Row:
            command_id_of(request)
            self.replays.append({"view": view, **body})
            items = CATEGORIES[:1] if view == "categories" else list(self.roster.values())[:3]
            moment = {"known_at": "2024-09-01T01:02:03Z", "true_on": "2024-09-01", "log_index": {"registry": 42}}
            return {"view": view, "hash": "ab" * 32, "count": len(items), "items": items, **moment}

        return r


def _seen(rows: Any, who: Viewer, **wanted: str | None) -> list[Row]:
    scope = who.scope
    allowed = (row for row in rows if scope.division or scope.agency or row.get("school_code") == scope.school)
    return [row for row in allowed if all(value is None or row[name] == value for name, value in wanted.items())]


def _paged(rows: list[Row], turn: PageTurn, key: str) -> Page[Row]:
    ordered = sorted(rows, key=lambda row: str(row[key]))
    beyond = [row for row in ordered if turn.after is None or str(row[key]) > str(turn.after[0])]
    return page_of(beyond[: turn.fetch], turn, key=lambda row: (row[key],))


def _student(number: int) -> tuple[UUID, Row]:
    student_id = name_id(f"student {number}")
    code = list(SCHOOLS)[number % 2]
    row: Row = {"student_id": student_id, "name": f"张*{'明华芳强丽'[number % 5]}", "school_code": code}
    row |= {"school_name": SCHOOLS[code], "stage": "primary", "grade": f"{number % 6 + 1}年级", "class_name": "2班"}
    row |= {"student_number": "G460**********0015", "id_number": "4601**********0015", "sex": "male"}
    row |= {"state": "enrolled", "phone": "138****8000", "address": "海南省海口市****", "version": 1}
    row["history"] = [{"effective_on": "2019-09-01", "recorded_at": "2019-09-02T00:00:00Z", "text": "入学"}]
    return student_id, row


def _on_roster(student: Row) -> Row:
    return {**student, "category": CODES[student["student_id"].int % 4], "kind": "脱贫户", "evidence": [EVIDENCE]}


def _alert(number: int) -> Row:
    student_id, student = _student(number)
    kinds = ("listed_but_unenrolled", "left_without_acceptance")
    row = {"alert_id": name_id(f"alert {number}"), "kind": kinds[number % 2], "state": "open", "version": 1}
    row |= {"student_id": student_id if number % 2 else None, "entry_id": None, "since": "2024-09-01"}
    row |= {"name": student["name"] if number % 2 else "", "explanation": "2024-09-01 转出,15 天内没有学校接收"}
    row |= {"school_code": student["school_code"], "school_name": student["school_name"]}
    return {**row, "raised_at": "2024-09-16T16:00:00Z"}


def _entitlement(number: int) -> Row:
    student_id, student = _student(number)
    row = {"entitlement_id": name_id(f"due {number}"), "student_id": student_id, "name": student["name"]}
    row |= {"school_code": student["school_code"], "school_name": student["school_name"], "term": "2024-autumn"}
    row |= {"programme": "living_subsidy", "amount_fen": 62500, "paid_on": None, "reference": None}
    return {**row, "state": "granted", "evidence": [name_id(f"link {number}")]}
