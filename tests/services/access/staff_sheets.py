"""Sheets of people as an administrator fills them in, and an office that takes them in."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from services.access.staff.importing import Sender, Sent
from services.access.staff.receipts import StaffReceipt
from services.registry.events import SchoolRegistered
from shared.database.database import driver
from shared.database.scopes import Scope
from shared.eventsourcing.store import Command
from shared.standards.posts import Kind
from shared.standards.rights import held_by
from shared.web.viewers import Viewer
from tests.services.access.conftest import Office
from tests.services.installation import DIVISION
from tests.shared.tabular.workbooks import workbook

HEADER = (
    *("姓名", "登录名", "岗位", "学校标识码", "学段", "年级", "班级"),
    *("行政区划代码", "部门", "开始日期", "结束日期"),
)
SCHOOLS = {"3146900100": ("东山小学", "469000100"), "3146900200": ("南湖学校", "469000200")}
FIRST, SECOND = SCHOOLS


def register_schools(office: Office) -> None:
    """The schools of the sheets, as the registry tells them; access has folded them."""
    for code, (name, division) in SCHOOLS.items():
        school = UUID(int=int(code))
        fact = SchoolRegistered(school_code=code, name=name, division_code=division)
        office.installation.append("registry", school, fact, date(2020, 9, 1))
    office.installation.pump()


def line(name: str, login: str, kind: str, **more: Any) -> tuple[Any, ...]:
    """A row of the sheet; ``more`` by short names of the other columns."""
    given = ("school", "stage", "grade", "room", "division", "agency", "begins", "ends")
    return (name, login, kind, *(more.get(each, "") for each in given))


def teacher(name: str, login: str, room: str = "1班", school: str = FIRST, **more: Any) -> tuple[Any, ...]:
    return line(name, login, "班主任", school=school, stage="小学", grade="五年级", room=room, **more)


def sheet(folder: Path, *rows: Sequence[Any], **how: Any) -> Path:
    return workbook(folder / f"{uuid4().hex}.xlsx", [HEADER, *rows], **how)


def csv_sheet(folder: Path, *rows: Sequence[Any]) -> Path:
    path = folder / f"{uuid4().hex}.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([HEADER, *rows])
    return path


def administrator(scope: Scope, principal: str) -> Viewer:
    kind = Kind.ACCOUNT_ADMINISTRATOR
    return Viewer(principal, "账号管理员", kind, held_by(kind), scope, "zh", 0.0)


def county(principal: str = "county") -> Viewer:
    return administrator(Scope(division=DIVISION), principal)


def school(code: str = FIRST, principal: str = "school") -> Viewer:
    return administrator(Scope(school=code), principal)


def sent(path: Path) -> Sent:
    return Sent(path, hashlib.sha256(path.read_bytes()).hexdigest())


def take(office: Office, path: Path, viewer: Viewer | None = None, command_id: UUID | None = None) -> StaffReceipt:
    viewer = viewer or county()
    command = Command(viewer.principal, command_id or uuid4(), b"")
    return Sender.of(office.desk, viewer).take(sent(path), command, office.now)


def check(office: Office, path: Path, viewer: Viewer | None = None, annotated: Path | None = None) -> StaffReceipt:
    return Sender.of(office.desk, viewer or county()).check(sent(path), office.now, annotated)


def counts(receipt: StaffReceipt) -> tuple[int, int, int, int, int]:
    """added, changed, unchanged, rejected; and accounts opened."""
    return receipt.added, receipt.changed, receipt.unchanged, receipt.rejected, receipt.opened


def held(office: Office) -> set[tuple[str, str, str | None, str | None]]:
    """(login, kind, school, class) of every held post, as the write side has them."""
    with office.desk.database.writing() as connection:
        rows = driver(connection).execute(
            "SELECT holder, kind, school_code, school_class FROM access_posts WHERE holder IS NOT NULL AND NOT closed"
        )
        return {(_login(office, connection, holder), *rest) for holder, *rest in rows.fetchall()}


def _login(office: Office, connection: Any, account_id: UUID) -> str:
    personal = office.desk.opened(connection, account_id).personal
    return "" if personal is None else personal.login
