"""Search: what is found is what a naive look through all students finds, within the viewer's rows, masked, by index."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID, uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from pypinyin import Style, pinyin
from sqlalchemy import text

import services.registry.app as registry_app
from services.registry.commands import EnrolStudents, RegisterSchools, SchoolRecord, StudentRecord
from services.registry.handlers import Registry, enrol_students, register_schools
from services.registry.keys import Keys
from services.registry.search.search_box import recognise
from services.registry.search.search_view import SEARCH
from services.registry.search.searching import Places, search, statement_for
from shared.database.scopes import NO_SCOPE, Scope
from shared.eventsourcing.store import Command
from shared.kernel.refusals import Malformed
from shared.messaging.rebuild import rebuild
from shared.messaging.supply import GivenSupply
from shared.standards.identity_number import check_digit
from shared.web.pages import PageTurn
from tests.services.installation import DIVISION, PARTITIONS, Installation
from tests.services.registry.office import Office
from tests.services.registry.test_api import Client, client, enrol, http, school

__all__ = ["client", "http"]  # fixtures
TERM, TODAY = date(2026, 9, 1), date(2026, 10, 1)
SCHOOLS = (
    SchoolRecord("3146900101", "望潮镇第一小学", "469001100"),
    SchoolRecord("3146900102", "望潮镇中学", "469001100", former_names=("望潮初级中学",)),
    SchoolRecord("3146900201", "白沙乡中心小学", "469001200"),
    SchoolRecord("3146900301", "城关第一小学", "469002100"),
)
# 单 dan/shan/chan · 曾 zeng/ceng · 乐 le/yue · 吕 lü: more than one way to say, and to type.
SURNAMES, GIVEN = "张王李单曾吕解", "明乐小红行长重阿"
RARE = ("阿卜杜拉·买买提", "欧阳单乐", "Anna Li")
SCOPES = (
    *(Scope(division=each) for each in ("46", "4690", "469001", "469001100", "469002", "47")),
    *(Scope(school=each.school_code) for each in SCHOOLS),
    NO_SCOPE,
)
KINDS = ("name", "pinyin", "initials", "number", "ends", "masked", "student_number", "school", "class")


class Known(NamedTuple):
    """A student as the oracle knows her."""

    student_id: UUID
    record: StudentRecord


class Town:
    """Four schools and 400 students of a seed, enrolled and in the view."""

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        made = installation.settings("registry")
        service = installation.start(registry_app.build(made))
        keys = Keys(made.hmac_key)
        self.database = service.database
        self.registry = Registry(service.database, service.store, installation.keyring, keys, made.division)
        register_schools(self.registry, RegisterSchools(SCHOOLS, TERM), Command("test", uuid4(), b"schools"))
        records = [_record(random.Random(number), number) for number in range(400)]
        enrol_students(self.registry, EnrolStudents(tuple(records), TERM), Command("test", uuid4(), b"students"))
        installation.pump(batch=500)
        self.students = [Known(keys.student(record), record) for record in records]

    def pages(self, typed: str, scope: Scope, limit: int = 200, day: date = TODAY) -> list[UUID]:
        """Every page of a search, walked by its cursors."""
        found: list[UUID] = []
        turn = PageTurn(None, limit)
        while True:
            with self.database.reading(scope, SEARCH.name) as connection:
                hits = search(connection, recognise(typed), day, turn, scope, DIVISION)
            found += [hit.student.student_id for hit in hits[:limit]]
            if len(hits) <= limit:
                return found
            turn = PageTurn((hits[limit - 1].rank, hits[limit - 1].student.student_id), limit)


def _record(rng: random.Random, number: int) -> StudentRecord:
    name = rng.choice(SURNAMES) + "".join(rng.choices(GIVEN, k=rng.randint(1, 2)))
    name = rng.choice(RARE) if number % 40 == 0 else name
    former = rng.choice(SURNAMES) + rng.choice(GIVEN) if number % 10 == 0 else None
    first = f"{rng.choice(('469001', '460106'))}2014{rng.randint(1, 12):02d}15{number:03d}"
    own = None if number % 9 == 0 else first + check_digit(first)
    place = rng.choice(SCHOOLS)
    return StudentRecord(
        name=name,
        school_code=place.school_code,
        division_code=place.division_code,
        id_number=own,
        student_number=f"G{own}" if own and number % 2 else f"L{4690010000 + number:017d}{number % 10}",
        student_number_kind="G" if own and number % 2 else "L",
        former_name=former,
        grade=rng.choice("123"),
        class_name=rng.choice(("1班", "2")),
    )


@pytest.fixture(scope="module")
def town(postgres: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    installation = Installation(postgres, tmp_path_factory.mktemp("search"))
    yield Town(installation)
    installation.close()


def visible(record: StudentRecord, scope: Scope) -> bool:
    by_division = scope.division is not None and record.division_code.startswith(scope.division)
    return by_division or scope.school == record.school_code


def _said(name: str, style: Style) -> set[str]:
    """Every way to say a name, by pypinyin's own function."""
    said = {""}
    for character in name.replace("·", "").replace(" ", ""):
        sounds = pinyin(character, style=Style.NORMAL, heteronym=True, v_to_u=False)[0]
        ways = {sound if style is Style.NORMAL else sound[0] for sound in sounds}
        said = {before + way.lower() for before in said for way in ways}
    return said


def matches(record: StudentRecord, kind: str, typed: str) -> bool:
    """Whether a naive look at the student finds what was typed as ``kind``."""
    names = [name for name in (record.name, record.former_name) if name]
    number, other = record.id_number or "", record.student_number or ""
    match kind:
        case "name":
            return any(name.replace("·", "").replace(" ", "").startswith(typed) for name in names)
        case "pinyin" | "initials":
            ways = {way for name in names for style in (Style.NORMAL, Style.FIRST_LETTER) for way in _said(name, style)}
            written = {name.replace(" ", "").lower() for name in names}
            return any(each.startswith(typed) for each in ways | written)
        case "number":
            return number.startswith(typed)
        case "ends":
            return number[-4:] == typed or (other[-4:] == typed and not other.startswith("G"))
        case "masked":
            shown = {each[:4] + "*" * (len(each) - 8) + each[-4:] for each in (number, other) if each}
            return typed in shown
        case "student_number":
            return other.startswith(typed) or (typed[0] == "G" and number.startswith(typed[1:]))
        case "school":
            code = next(each.school_code for each in SCHOOLS if each.name == typed or typed in each.former_names)
            return record.school_code == code
        case _:
            return record.grade == "3" and record.class_name == {"三年级1班": "1班", "3年级2班": "2"}[typed]


def typed_for(rng: random.Random, kind: str, record: StudentRecord) -> str | None:
    """Something a person might type to find this student; None when she has no such thing."""
    cut = rng.randint(1, 9)
    number = record.id_number
    match kind:
        case "name":
            return (rng.choice((record.name, record.former_name or record.name)).replace("·", "").replace(" ", ""))[
                :cut
            ]
        case "pinyin" | "initials":
            style = Style.NORMAL if kind == "pinyin" else Style.FIRST_LETTER
            return rng.choice(sorted(_said(record.name, style)))[:cut]
        case "number":
            return number and number[: max(5, 2 * cut)]
        case "ends":
            return number and number[-4:]
        case "masked":
            return number and f"{number[:4]}{'*' * 10}{number[-4:]}"
        case "student_number":
            return (record.student_number or "")[: 2 * cut + 3]
        case "school":
            return rng.choice(("望潮初级中学", *(each.name for each in SCHOOLS)))
        case _:
            return rng.choice(("三年级1班", "3年级2班"))


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from(KINDS), st.sampled_from(SCOPES))
def test_it_finds_what_a_look_through_all_finds(town: Town, seed: int, kind: str, scope: Scope) -> None:
    rng = random.Random(seed)
    typed = typed_for(rng, kind, rng.choice(town.students).record)
    if typed is None:
        return
    expected = {
        each.student_id for each in town.students if visible(each.record, scope) and matches(each.record, kind, typed)
    }
    found = town.pages(typed, scope)
    assert len(found) == len(set(found)), "nobody is found twice"
    assert set(found) == expected, (kind, typed)
    assert town.pages(typed, scope, limit=rng.randint(2, 20)) == found, "page by page the same"


@pytest.mark.parametrize("scope", SCOPES, ids=str)
def test_the_keys_themselves_are_under_the_scope(town: Town, scope: Scope) -> None:
    with town.database.reading(scope, SEARCH.name) as connection:
        shown = set(connection.execute(text("SELECT DISTINCT entity FROM found_students_keys")).scalars())
    assert shown == {each.student_id for each in town.students if visible(each.record, scope)}


def test_one_box_takes_several_words(town: Town) -> None:
    wide = Scope(division="46")
    expected = {
        each.student_id
        for each in town.students
        if each.record.school_code == SCHOOLS[0].school_code
        and each.record.grade == "3"
        and each.record.class_name == "1班"
        and matches(each.record, "name", "张")
    }
    assert set(town.pages("望潮镇第一小学 三年级1班 张", wide)) == expected
    assert town.pages("zhang xiao", wide) == town.pages("ZhangXiao", wide)
    assert town.pages("没有这所学校", wide) == []


@pytest.mark.parametrize("typed", ["12", "zhang 张", "张三 469001", "4*9", "7班长"])
def test_what_cannot_be_understood_is_said(typed: str) -> None:
    with pytest.raises(Malformed):
        recognise(typed)


def test_a_cursor_of_another_search_leads_nowhere(town: Town) -> None:
    somebody = next(each for each in town.students if each.record.name.startswith("李"))
    for after in ((0, somebody.student_id), (7, somebody.student_id), ("n张", somebody.student_id)):
        with town.database.reading(Scope(division="46"), SEARCH.name) as connection, pytest.raises(Malformed):
            search(connection, recognise("张"), TODAY, PageTurn(after, 10), Scope(division="46"), DIVISION)


@pytest.mark.parametrize("places", [Places(None), Places(("3146900101", "3146900301"))], ids=["everywhere", "schools"])
@pytest.mark.parametrize("typed", ["zhang", "张", "469001", "0014"])
def test_the_viewers_query_uses_the_indexes_of_the_keys(town: Town, typed: str, places: Places) -> None:
    sought = recognise(typed)
    for rank in range(len(sought.ranges)):
        statement, values = statement_for(sought, rank, TODAY, places, None, 51)
        with town.database.reading(Scope(division="46"), SEARCH.name) as connection:
            connection.execute(text("SET LOCAL enable_seqscan = off"))
            connection.execute(text("SET LOCAL enable_bitmapscan = off"))
            plan = "\n".join(row[0] for row in connection.execute(text("EXPLAIN " + statement), values))
        wanted = "by_key" if places.schools is None else "by_school"
        assert f"found_students_keys_{wanted}" in plan, plan
        conditions = [line for line in plan.splitlines() if "Index Cond" in line]
        assert any("key >=" in line and "key <" in line for line in conditions), plan
        assert "Seq Scan" not in plan, plan


def test_a_student_corrected_is_found_by_the_new_name_and_on_former_days_by_the_old(town: Town) -> None:
    known = town.students[1]
    again = replace(known.record, name="欧阳新名", former_name=None)
    corrected = EnrolStudents((again,), date(2026, 9, 20))
    enrol_students(town.registry, corrected, Command("test", uuid4(), b"corrected"))
    town.installation.pump(batch=500)
    wide = Scope(division="46")
    try:
        assert town.pages("欧阳新", wide) == [known.student_id]
        assert known.student_id not in town.pages(known.record.name, wide)
        assert known.student_id in town.pages(known.record.name, wide, day=date(2026, 9, 19))
        assert known.student_id in town.pages("ouyangxinming", wide) and town.pages("oyxm", wide) == [known.student_id]
    finally:
        back = EnrolStudents((known.record,), date(2026, 9, 20))
        enrol_students(town.registry, back, Command("test", uuid4(), b"back"))
        town.installation.pump(batch=500)
    assert town.pages("欧阳新", wide) == []


def test_after_an_erasure_a_person_is_found_no_more(town: Town) -> None:
    known = next(each for each in town.students if each.record.id_number and each.record.name.startswith("王"))
    assert known.record.id_number is not None
    assert town.pages(known.record.id_number, Scope(division="46")) == [known.student_id]
    person = town.registry.keys.person(known.record.id_number, known.student_id)
    town.installation.keyring.erase(person)
    supply = GivenSupply({"registry": [logged for logged, _ in town.installation.entries("registry")]}, PARTITIONS)
    assert rebuild(SEARCH, town.database, town.installation.keyring, supply).switched
    try:
        assert town.pages(known.record.id_number, Scope(division="46")) == []
        assert known.student_id not in town.pages(known.record.name, Scope(division="46"))
        with town.database.working() as connection:
            schema = connection.execute(
                text("SELECT schema FROM builds WHERE projection = 'search' AND state = 'live'")
            )
            keys = connection.execute(
                text(f"SELECT count(*) FROM {schema.scalar_one()}.found_students_keys WHERE entity = :student"),
                {"student": known.student_id},
            )
            assert keys.scalar_one() == 0
    finally:
        town.students.remove(known)


def test_the_keys_are_those_of_the_rows_after_all_of_this(town: Town) -> None:
    """Runs after corrections and a rebuild; then once more after rows were changed and removed by hand."""
    differing = text(
        "WITH wanted AS (SELECT key,"
        ' lag(key) OVER (PARTITION BY entity, valid_from ORDER BY key COLLATE "C") AS previous,'
        " entity, valid_from, valid_to, division_code, school_code FROM (SELECT DISTINCT unnest(search_keys) AS key,"
        " entity, valid_from, valid_to, division_code, school_code FROM found_students) AS own WHERE key IS NOT NULL),"
        " kept AS (SELECT key, previous, entity, valid_from, valid_to, division_code, school_code"
        " FROM found_students_keys)"
        " SELECT (SELECT count(*) FROM kept) - (SELECT count(*) FROM wanted), count(*)"
        " FROM ((TABLE wanted EXCEPT TABLE kept) UNION ALL (TABLE kept EXCEPT TABLE wanted)) AS apart"
    )
    with town.database.working() as connection:
        schema = connection.execute(text("SELECT schema FROM builds WHERE projection = 'search' AND state = 'live'"))
        connection.execute(text(f"SET LOCAL search_path = {schema.scalar_one()}, public"))
        assert tuple(connection.execute(differing).one()) == (0, 0)
        connection.execute(text("UPDATE found_students SET search_keys = ARRAY['n', NULL, 'n'], valid_to = 'infinity'"))
        connection.execute(text("DELETE FROM found_students WHERE school_code = '3146900101'"))
        connection.execute(text("UPDATE found_students SET search_keys = array_remove(search_keys, NULL)"))
        assert tuple(connection.execute(differing).one()) == (0, 0)
        connection.rollback()


def test_a_school_finds_its_own_masked(client: Client, office: Office) -> None:
    enrol(client, office)
    office.pump()
    own = office.number(1)
    client.act_as(school("3146900101"))
    answer = client.get("/v1/students/search", params={"q": own})
    assert answer.status_code == 200, answer.text
    row = answer.json()["items"][0]
    assert row["name"] == "张**1" and row["id_number"] == f"{own[:4]}**********{own[-4:]}"
    assert row["school_name"] == "望潮县第一小学" and answer.json()["recognised"] == [
        {"text": own, "kind": "id_number"}
    ]
    assert own[6:14] not in answer.text.replace(own, "", 1), "in full only where it was typed"
    everyone = client.get("/v1/students/search").json()["items"]
    assert {each["school_code"] for each in everyone} == {"3146900101"}
    client.act_as(school("3146900102"))
    assert client.get("/v1/students/search", params={"q": own}).json()["items"] == []
    everyone = client.get("/v1/students/search").json()["items"]  # nothing typed: every student of the viewer's
    assert {each["school_code"] for each in everyone} <= {"3146900102"}
    assert client.get("/v1/students/search", params={"school": "3146900101"}).json()["items"] == []
    assert client.get("/v1/students/search", params={"q": "1"}).json()["code"] == "malformed"
