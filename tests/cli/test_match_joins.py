"""Candidates found by joining tables decide as those found one by one, among people who are easily mixed up."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from random import Random

import polars

from cli.match_bulk import asked_index, decide_all
from cli.match_columns import RegisterColumns, read_columns
from cli.match_engine import student_of
from cli.match_keys import as_read, key_columns, readable
from services.matching.block_keys import entry_keys, student_keys
from services.matching.candidates import ListIndex, StudentIndex
from services.matching.ladder import DEFAULT_RULES, decide
from services.matching.records import EntryRecord, StudentRecord
from services.registry.sheets.schools import SchoolDirectory
from services.registry.sheets.sheet_files import REGISTER, open_inputs
from shared.standards.identity_number import check_digit

AS_OF = date(2026, 9, 1)
# Few of everything, so that many share something: sounds alike, shapes alike, traditional forms, wildcards, dots.
SURNAMES = ("王", "张", "張", "章", "欧阳")
GIVEN = ("明", "名", "鸣", "小明", "晓明", "莉", "利", "国强", "國強", "某", "伟·明", "*明")
GUARDIANS = ("", "王建国", "王建國", "张兰", "李某", "买买提·阿不都")
SCHOOLS = ("", "中心小学", "第二小学")
HEADER = "序号,姓名,身份证号,性别,曾用名,学校名称,监护人姓名,监护人身份证号\n"


def a_number(chance: Random) -> str:
    first = f"469080{chance.choice((1975, 2014, 2015))}{chance.choice(('0102', '0103'))}{chance.randrange(12):03}"
    return first + check_digit(first)


def a_name(chance: Random) -> str:
    return chance.choice(SURNAMES) + chance.choice(GIVEN)


def spoiled(chance: Random, number: str) -> str:
    place = chance.randrange(18)
    return chance.choice(
        (number[:place] + "*" + number[place + 1 :], number[:-1], number[:6] + "****" + number[10:], "")
    )


def a_student_line(chance: Random) -> str:
    number = a_number(chance)
    written = number if chance.random() < 0.8 else spoiled(chance, number)
    former = a_name(chance) if chance.random() < 0.2 else ""
    guardian_id = a_number(chance) if chance.random() < 0.5 else ""
    school = chance.choice(SCHOOLS[1:])
    sex = chance.choice("男女")
    return ",".join((a_name(chance), written, sex, former, school, chance.choice(GUARDIANS), guardian_id))


def an_entry(chance: Random) -> EntryRecord:
    number = a_number(chance)
    born = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    valid = chance.random() < 0.8
    text = "" if valid else spoiled(chance, number)
    stated = chance.choice((born, None))
    return EntryRecord(
        name=chance.choice(("", *(a_name(chance) for _ in range(12)))),
        id_number=number if valid else None,
        number_problem=None if valid else "check_digit",
        number_contradicted=valid and chance.random() < 0.1,
        id_text=text,
        birth_date=born if valid else stated,
        suggested_birth_date=None if valid else chance.choice((born, None)),
        school_key=chance.choice(SCHOOLS),
        guardian_name=chance.choice(GUARDIANS),
        stands_for_household=chance.random() < 0.3,
        sex=chance.choice(("male", "female", None)),
        guardian_id=a_number(chance) if chance.random() < 0.3 else "",
        head_name=chance.choice(GUARDIANS),
        former_name=a_name(chance) if chance.random() < 0.1 else "",
        list_name=chance.choice(("poverty", "civil")),
    )


def a_register(path: Path, chance: Random, students: int) -> RegisterColumns:
    lines = (f"{place},{a_student_line(chance)}\n" for place in range(students))
    path.write_text(HEADER + "".join(lines), encoding="utf-8")
    schools = SchoolDirectory()
    opened = open_inputs({REGISTER: [path]})[REGISTER]
    found = read_columns(opened, schools, lambda row: student_of(row, schools), rows_least=1)
    assert found is not None
    return found


def test_every_row_is_decided_as_if_its_candidates_had_been_found_one_by_one(tmp_path: Path) -> None:
    rules: set[str] = set()
    for seed in range(8):
        chance = Random(seed)
        register = a_register(tmp_path / "students.csv", chance, 150)
        entries = [an_entry(chance) for _ in range(400)]
        listed = ListIndex.of(entries)
        index = StudentIndex.of(register)
        one_by_one = [decide(e, index.candidates(e, listed.listed(e)), DEFAULT_RULES, AS_OF) for e in entries]
        assert decide_all(entries, asked_index(register, entries), listed, DEFAULT_RULES, AS_OF) == one_by_one
        rules |= {outcome.rule for outcome in one_by_one}
    assert rules == {"R1", "R2", "R3", "R4", "R5", "R6", "R7", ""}


def test_keys_in_columns_are_those_made_one_by_one() -> None:
    chance = Random(5)
    entries = [entry for _ in range(2_000) if (entry := an_entry(chance)).id_number]
    rows = [
        (
            *(who, entry.id_number, entry.name, entry.former_name, entry.guardian_name, entry.head_name),
            *(entry.guardian_id, entry.school_key),
        )
        for who, entry in enumerate(entries)
    ]
    columns = ["who", "number", "name", "former_name", "adult", "other_adult", "guardian_id", "school"]
    people = polars.DataFrame(rows, schema=columns, orient="row")
    plain = people.filter(readable(people))
    assert 200 < plain.height < people.height
    assert _keys(plain, asking=True) == {(who, key) for who in plain["who"] for key in entry_keys(entries[who])}
    students = [_as_student(entry) for entry in entries]
    assert _keys(plain.drop("other_adult"), asking=False) == {
        (who, key) for who in plain["who"] for key in student_keys(students[who])
    }


def _keys(people: polars.DataFrame, *, asking: bool) -> set[tuple[int, str]]:
    return {row for keys in key_columns(as_read(people), asking=asking) for row in keys.rows()}


def _as_student(entry: EntryRecord) -> StudentRecord:
    return StudentRecord(
        *(1, entry.name, entry.id_number, entry.birth_date, entry.school_key),
        *(entry.guardian_name, entry.guardian_id, entry.former_name),
    )
