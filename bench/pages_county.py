"""A county to look at: schools, students and lists, all decided, its calendar, and open alerts."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from bench.live import level
from cli.demo import FILES, fill, sample_calendar
from cli.session import Session
from deploy.spec import Installation
from shared.kernel.clock import today
from simulation.county import Settings, simulate

DAYS_ABSENT, STUDENTS_OF_A_SCHOOL, LINES = 5, 200, 200
ONE_CLASS_IN = 3  # has a child who stays away


def planted(installation: Installation, session: Session, home: Path, students: int) -> int:
    """A county of so many students; the number of children whose absence was reported."""
    county = home / "county"
    county.mkdir()
    told = simulate(Settings(students=students, weeks=0), county)
    calendar = sample_calendar(installation.division, today())
    as_of = f"{calendar['school_year']}-08-01"
    session.post("registry", f"/v1/reference/calendars?as_of={as_of}", calendar, uuid.uuid4())
    fill(session, county, str(told["as_of"]), FILES)
    absent = _stay_away(session)
    level(installation)
    return absent


def _stay_away(session: Session) -> int:
    """One child of every third class is absent on the last school days."""
    children = list(_one_of_each_third_class(session))
    for day in _school_days():
        for begin in range(0, len(children), LINES):
            lines = [json.dumps(_report(child, day)) for child in children[begin : begin + LINES]]
            session.post_lines("registry", "/v1/attendance/batch", lines, uuid.uuid4())
    return len(children)


def _one_of_each_third_class(session: Session) -> Iterator[dict[str, Any]]:
    schools = session.get("registry", "/v1/schools", limit=200)["items"]
    for school in schools:
        code = school["school_code"]
        students = session.get("registry", "/v1/students", school=code, limit=STUDENTS_OF_A_SCHOOL)["items"]
        first = {(each["grade"], each["class_name"]): each for each in students if each["grade"]}
        yield from list(first.values())[::ONE_CLASS_IN]


def _report(child: dict[str, Any], day: date) -> dict[str, Any]:
    absent = [{"student_id": child["student_id"], "reason": "unexplained"}]
    where = {name: child[name] for name in ("school_code", "stage", "grade", "class_name")}
    return where | {"day": day.isoformat(), "absent": absent}


def _school_days() -> list[date]:
    """The last days that are no weekend, oldest first, up to yesterday."""
    days = (today() - timedelta(days=back) for back in range(1, 2 * DAYS_ABSENT + 4))
    return sorted([day for day in days if day.weekday() < 5][:DAYS_ABSENT])
