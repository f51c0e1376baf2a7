"""Who saw whom: folded from the services' own logs, within the viewer's rows, and as the guardian gets it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from python_calamine import CalamineWorkbook

from deploy.views import VIEWS
from services.access.events import AccessRefused
from services.audit import app
from services.audit.events import DataExported as AuditExported
from services.audit.reads.read_folds import READS_VIEW
from services.audit.reads.read_queries import Places, ReadRow, reads, unusual
from services.audit.reads.read_sheet import WHOLE_LIST, write_sheet
from services.disbursement.letter_events import LetterPaperRead
from services.matching.events import DataExported, ReviewRead
from services.notifications.case_events import CaseNotesRead
from services.notifications.events import AlertRaised
from services.registry.events import PersonalDataRead, RegisterExported, RejectedRowsRead
from services.registry.paper_events import PaperEntered, PaperRecorded, PaperScanRead
from services.visits.events import AccessRefused as VisitRefused
from shared.database.scopes import NO_SCOPE, Scope
from shared.hosting.service import Service
from shared.web.pages import PageTurn
from tests.services.installation import DIVISION, Installation

TODAY = date(2026, 11, 24)
SHE, OTHER, ENTRY, ALERT, PAPER, LETTER = (UUID(int=n) for n in range(1, 7))
TOWN = f"{DIVISION}101"
COUNTY, SCHOOL = Scope(division=DIVISION), Scope(school="S1")
ALL = PageTurn(None, 50)


@pytest.fixture(scope="module")
def told(postgres: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Installation, Service]]:
    installation = Installation(postgres, tmp_path_factory.mktemp("reads"))
    audit = installation.start(app.build(installation.settings("audit"), VIEWS))
    say = installation.append
    scope: dict[str, Any] = {"division_code": TOWN, "school_code": "S1"}
    why = "核对资助发放"
    say(
        "registry",
        uuid4(),
        PersonalDataRead(viewer="a", student_id=SHE, purpose=why, fields=("phone",), **scope),
        TODAY,
    )
    elsewhere: dict[str, Any] = {"division_code": f"{DIVISION}102", "school_code": "S2"}
    say("registry", uuid4(), PersonalDataRead(viewer="b", student_id=OTHER, purpose=why, fields=(), **elsewhere), TODAY)
    export = RegisterExported(
        viewer="a", kind="students", purpose=why, rows=9, fields=("name",), division_code=DIVISION
    )
    say("registry", uuid4(), export, TODAY)
    back = RejectedRowsRead(viewer="c", submission_id=uuid4(), rows=2, agency="civil_affairs", division_code=DIVISION)
    say("registry", uuid4(), back, TODAY)
    entered = PaperEntered(kind="student", division_code=TOWN, school_code="S1", entered_by="a")
    say("registry", PAPER, entered, TODAY)
    say("registry", PAPER, PaperRecorded(recorded_id=SHE, entered_by="a", checked_by="b"), TODAY)
    say("registry", uuid4(), PaperScanRead(viewer="d", paper_id=PAPER, purpose=why, **scope), TODAY)
    row = ReviewRead(
        viewer="e", entry_id=ENTRY, students=(SHE, OTHER), purpose=why, fields=("name",), division_code=TOWN
    )
    say("matching", uuid4(), row, TODAY)
    raised = AlertRaised(
        kind="dropped_out",
        student_id=SHE,
        entry_id=None,
        since=TODAY,
        evidence=(),
        rules_hash="",
        explanation_code="",
        facts={},
        **scope,
    )
    say("notifications", ALERT, raised, TODAY)
    say(
        "notifications",
        uuid4(),
        CaseNotesRead(viewer="f", alert_id=ALERT, purpose=why, fields=("notes",), **scope),
        TODAY,
    )
    paper = LetterPaperRead(
        viewer="h", letter_id=LETTER, children=(SHE, OTHER), purpose=why, fields=("name",), division_code=TOWN
    )
    say("disbursement", uuid4(), paper, TODAY)
    installation.pump()
    yield installation, audit
    installation.close()


def seen(told: tuple[Installation, Service], scope: Scope, turn: PageTurn = ALL, **asked: Any) -> list[ReadRow]:
    with told[1].database.reading(scope, READS_VIEW.name) as connection:
        return reads(connection, turn, **asked)


def test_every_full_read_of_every_service_is_told_with_reader_purpose_and_scope(told: Any) -> None:
    rows = seen(told, COUNTY)
    assert sorted(row.kind for row in rows) == sorted(
        ["student", "student", "export:students", "returned_rows", "paper", "case", *["list_row"] * 3, *["letter"] * 2]
    )
    assert [row.read_at for row in rows] == sorted((row.read_at for row in rows), reverse=True)
    assert {row.viewer for row in rows if row.purpose == "核对资助发放"} == set("abdefh")


def test_reads_of_one_student_are_found_also_through_papers_rows_and_cases(told: Any) -> None:
    direct = seen(told, COUNTY, student=SHE)
    assert sorted((row.viewer, row.kind) for row in direct) == [
        ("a", "student"),
        ("d", "paper"),
        ("e", "list_row"),
        ("f", "case"),
        ("h", "letter"),
    ]
    assert {row.subject_id for row in direct if row.kind == "letter"} == {LETTER}
    places = Places(schools=["S1"], divisions=[TOWN])
    assert {row.kind for row in seen(told, COUNTY, student=SHE, places=places)} - {row.kind for row in direct} == {
        "export:students"
    }
    far = Places(schools=["S9"], divisions=["120000"])
    assert len(seen(told, COUNTY, student=SHE, places=far)) == len(direct)


def test_a_school_sees_reads_of_its_own_students_only_and_nobody_without_scope_sees_any(told: Any) -> None:
    assert {(row.viewer, row.kind) for row in seen(told, SCHOOL)} == {("a", "student"), ("d", "paper"), ("f", "case")}
    assert {row.viewer for row in seen(told, Scope(agency="civil_affairs"))} == {"c"}
    assert seen(told, NO_SCOPE) == []


def test_pages_follow_each_other_without_loss(told: Any) -> None:
    whole, paged, after = seen(told, COUNTY), [], None
    for _ in itertools.count():
        part = seen(told, COUNTY, PageTurn(after, 2))
        paged += part[:2]
        if len(part) < 3:
            break
        after = (part[1].read_at, part[1].read_id)
    assert paged == whole


def test_a_readers_day_with_reads_at_night_is_unusual(told: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from services.audit.reads import read_queries

    now = datetime.now(UTC)
    with told[1].database.reading(COUNTY, READS_VIEW.name) as connection:
        monkeypatch.setattr(read_queries, "NIGHT", (24, 0))
        assert unusual(connection, now - timedelta(days=1), now + timedelta(days=1), 10) == []
        monkeypatch.setattr(read_queries, "NIGHT", (0, 0))
        found = unusual(connection, now - timedelta(days=1), now + timedelta(days=1), 10)
    assert {row.viewer for row in found} == set("abcdefh") and {tuple(row.unusual) for row in found} == {("at_night",)}
    acts = {row.viewer: (row.reads, row.students, row.at_once, row.at_night) for row in found}
    assert (acts["e"], acts["h"]) == ((1, 2, 3, 1), (1, 2, 2, 1)), "a row or a letter is one act"


def test_the_guardians_sheet_holds_nothing_of_anybody_else(told: Any, tmp_path: Path) -> None:
    places = Places(schools=["S1"], divisions=[TOWN])
    write_sheet(tmp_path / "reads.xlsx", seen(told, COUNTY, student=SHE, places=places))
    sheet = CalamineWorkbook.from_path(tmp_path / "reads.xlsx").get_sheet_by_index(0)
    rows = [[str(cell) for cell in row] for row in sheet.to_python()]
    assert len(rows) == 7
    assert sorted(row[1] for row in rows[1:]) == ["a", "a", "d", "e", "f", "h"]
    assert WHOLE_LIST in {row[3] for row in rows}
    assert str(OTHER) not in repr(rows)


AT = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)


def test_who_took_away_and_who_was_refused_stand_beside_who_read(told: Any, tmp_path: Path) -> None:
    say, pump = told[0].append, told[0].pump
    by: dict[str, Any] = {"viewer": "g", "post": "post-1", "kind": "registrar", "school_code": "S1"}
    whole, hers, also, streamed = (uuid4() for _ in range(4))
    exports: tuple[tuple[UUID, dict[str, Any]], ...] = (
        (whole, {"route": "GET /v1/roster.xlsx", "rows": 120, "filters": ("school=S1",), "sha256": "a" * 64}),
        (hers, {"route": "POST /v1/person/bundle", "student_id": SHE, "sha256": "b" * 64}),
        (also, {"route": "POST /v1/exports/{kind}", "student_id": SHE, "recorded_by": (uuid4(),)}),
    )
    for export, extra in exports:
        say("matching", export, DataExported(export_id=export, phase="given", **extra, **by), TODAY)
    log = {"export_id": streamed, "route": "GET /v1/logs/{service}/export", **by}
    say("audit", streamed, AuditExported(phase="begun", **log), TODAY)
    say("audit", streamed, AuditExported(phase="ended", sha256="c" * 64, **log), TODAY + timedelta(days=1))
    times: dict[str, Any] = {"method": "GET", "times": 7, "first_at": AT, "last_at": AT + timedelta(seconds=9)}
    refused = VisitRefused(route="/v1/visits/{student_id}", reason="not_found", students=(SHE, OTHER), **times, **by)
    say("visits", uuid4(), refused, TODAY)
    forged = {**by, "viewer": None, "post": "", "kind": "", "school_code": None, "division_code": DIVISION}
    say("access", uuid4(), AccessRefused(route="/v1/posts", reason="unauthenticated", **times, **forged), TODAY)
    pump()
    by_post = seen(told, SCHOOL, post="post-1")
    assert sorted(row.times or 0 for row in by_post if row.kind == "refused") == [0, 0, 7], "one, and one a student"
    taken = {row.read_id: row for row in seen(told, SCHOOL, act="export")}
    assert {whole, hers, also, streamed} == set(taken)
    assert (taken[whole].rows, taken[whole].filters, taken[whole].sha256) == (120, ["school=S1"], "a" * 64)
    assert taken[streamed].sha256 == "c" * 64, "a file made while it was sent is one row"
    assert {(row.viewer, row.reason) for row in seen(told, COUNTY, act="refused")} == {("", "unauthenticated")}
    about = seen(told, SCHOOL, student=SHE, act="refused")
    assert [(row.route, row.reason, row.viewer) for row in about] == [("GET /v1/visits/{student_id}", "not_found", "g")]
    assert not {row.kind for row in seen(told, SCHOOL, act="read")} & {"refused", "download"}
    places = Places(schools=["S1"], divisions=[TOWN])
    own = [row.read_id for row in seen(told, SCHOOL, student=SHE, places=places) if row.kind in ("download", "refused")]
    assert own == [hers], "what another row tells, masked lists and what was refused showed nothing of her"
    with told[1].database.reading(SCHOOL, READS_VIEW.name) as connection:
        assert "g" not in {row.viewer for row in unusual(connection, AT - timedelta(days=9), AT + timedelta(9), 99)}
    write_sheet(tmp_path / "hers.xlsx", seen(told, SCHOOL, student=SHE, places=places))
    sheet = CalamineWorkbook.from_path(tmp_path / "hers.xlsx").get_sheet_by_index(0)
    assert "导出文件" in {str(row[3]) for row in sheet.to_python()}
