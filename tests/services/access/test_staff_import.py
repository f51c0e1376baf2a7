"""A county's staff from one sheet: who is let in with which post, what comes back, and nothing twice."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from services.access.accounts import account_desk
from services.access.administration import Administrator
from services.access.commands import FillPost, OpenAccount, VacatePost
from services.access.errors import NobodyWaits, PostHeld, SignInFailed, UnknownImport
from services.access.events import (
    AccountOpened,
    PostFilled,
    PostTenureChanged,
    PostVacated,
    StaffListImported,
    StartPasswordsHandedOut,
)
from services.access.posts import post_desk
from services.access.sessions import session_desk
from services.access.sessions.sign_in import SignedInAs
from services.access.staff import applying
from services.access.staff.importing import Sender
from services.access.staff.receipts import StaffReceipt
from services.access.staff.start_passwords import START_LIFE, hand_out, write_list
from shared.database.database import driver
from shared.eventsourcing.store import Command
from shared.kernel.refusals import CommandReused
from shared.tabular.sheets import read_workbook
from tests.services.access.conftest import PASSWORD, Office
from tests.services.access.staff_sheets import (
    FIRST,
    SECOND,
    check,
    counts,
    county,
    held,
    line,
    register_schools,
    school,
    sheet,
    take,
    teacher,
)
from tests.services.installation import DIVISION

COUNTY = Administrator("county", division=DIVISION)
CLASS_ONE, CLASS_TWO = "primary/五年级/1班", "primary/五年级/2班"


@pytest.fixture(scope="module", autouse=True)
def schools(office: Office) -> None:
    register_schools(office)


def test_people_are_let_in_with_their_posts_and_the_same_sheet_again_changes_nothing(
    office: Office, tmp_path: Path
) -> None:
    rows = [
        line("林一", "lin1", "学校学籍管理员", school=FIRST),
        teacher("林二", "lin2"),
        teacher("林二", "lin2", "2班"),  # a person on two rows has two posts
        line("林三", "lin3", "乡镇干部", division="469000100"),
        line("林四", "lin4", "部门报送员", agency="民政局"),
        line("林五", "lin5", "账号管理员", school="南湖学校"),  # a county makes a school's administrator
    ]
    path, before = sheet(tmp_path, *rows), held(office)
    assert counts(check(office, path)) == (6, 0, 0, 0, 5)
    assert held(office) == before, "a check stores nothing"
    receipt = take(office, path)
    assert counts(receipt) == (6, 0, 0, 0, 5)
    assert held(office) - before == {
        ("lin1", "registrar", FIRST, None),
        ("lin2", "class_teacher", FIRST, CLASS_ONE),
        ("lin2", "class_teacher", FIRST, CLASS_TWO),
        ("lin3", "township_cadre", None, None),
        ("lin4", "agency_publisher", None, None),
        ("lin5", "account_administrator", SECOND, None),
    }
    told = len(office.facts(AccountOpened)), len(office.facts(PostFilled))
    assert counts(take(office, path)) == (0, 0, 6, 0, 0)
    assert (len(office.facts(AccountOpened)), len(office.facts(PostFilled))) == told
    (imported,) = [fact for fact in office.facts(StaffListImported) if fact.import_id == receipt.import_id]
    assert (imported.rows, imported.opened, imported.added, imported.by) == (6, 5, 6, "county")


def test_a_mended_sheet_does_only_what_changed_and_leaves_out_nobody(office: Office, tmp_path: Path) -> None:
    good = line("陈一", "chen1", "校长", school=FIRST)
    first = sheet(tmp_path, good, line("陈二", "chen2", "班主任", school=FIRST), teacher("陈三", "chen3", "6班"))
    receipt = take(office, first)
    assert counts(receipt) == (2, 0, 0, 1, 2) and receipt.problems == {"missing": 1}
    mended = sheet(tmp_path, teacher("陈二", "chen2", "7班", ends="2027-07-15"), good)  # chen3 is not in it
    assert counts(take(office, mended)) == (1, 0, 1, 0, 1)
    assert ("chen3", "class_teacher", FIRST, "primary/五年级/6班") in held(office)
    longer = sheet(tmp_path, teacher("陈二", "chen2", "7班", ends="2028年7月15日"), good)
    assert counts(take(office, longer)) == (0, 1, 1, 0, 0)
    assert office.facts(PostTenureChanged)[-1].until == date(2028, 7, 16)
    assert counts(take(office, longer)) == (0, 0, 2, 0, 0)


def test_a_vacant_post_is_filled_and_not_made_a_second_time(office: Office, tmp_path: Path) -> None:
    path = sheet(tmp_path, teacher("周一", "zhou1", "8班"))
    take(office, path)
    post = office.facts(PostFilled)[-1].post_id
    other = sheet(tmp_path, teacher("周二", "zhou2", "8班"))
    told = check(office, other)
    assert counts(told) == (1, 0, 0, 0, 1) and [row.hint for row in told.problem_rows] == [True]
    intent = VacatePost(post, "county", "调离")
    post_desk.vacate(office.desk, COUNTY, intent, office.command(), office.now)
    assert check(office, other).problems == {}
    take(office, other)
    assert office.facts(PostFilled)[-1].post_id == post


def test_a_post_is_held_from_its_first_day_to_its_last(office: Office, tmp_path: Path) -> None:
    first, last = office.now.date() + timedelta(days=10), office.now.date() + timedelta(days=20)
    receipt = take(office, sheet(tmp_path, teacher("吴一", "wu1", "9班", begins=first, ends=last)))
    assert entering(office, "wu1", started(office, receipt)["wu1"]).posts == []
    seen = {}
    for days in (9, 1, 10, 1):  # to the 9th, 10th, 20th and 21st day from now
        office.later(days=days)
        seen[office.now.date()] = [each.kind for each in office.enter("wu1").posts]
    assert list(seen.values()) == [[], ["class_teacher"], ["class_teacher"], []]
    again = check(office, sheet(tmp_path, teacher("吴一", "wu1", "9班", begins=first, ends=last)))
    assert counts(again) == (0, 0, 1, 0, 0)


def started(office: Office, receipt: StaffReceipt, by: Administrator = COUNTY) -> dict[str, str]:
    """New start passwords of an import, by login name."""
    given = hand_out(office.desk, by, receipt.import_id, Command(by.by, uuid4(), b""), office.now)
    return {each.login: each.password for each in given}


def entering(office: Office, login: str, password: str) -> SignedInAs:
    """The first sign-in, and a password of one's own."""
    entered = office.enter(login, password)
    assert entered.must_change and entered.posts == []
    return session_desk.change_password(office.desk, entered.secret, password, PASSWORD, office.now)


def test_a_start_password_is_shown_once_kept_as_a_digest_and_good_once(office: Office, tmp_path: Path) -> None:
    receipt = take(office, sheet(tmp_path, teacher("郑一", "zheng1", "a班"), teacher("郑二", "zheng2", "b班")))
    with pytest.raises(SignInFailed):
        office.enter("zheng1", "")  # nobody enters before it is handed out
    command = Command("county", uuid4(), b"")
    handed = hand_out(office.desk, COUNTY, receipt.import_id, command, office.now)
    assert [each.login for each in handed] == ["zheng1", "zheng2"]
    write_list(tmp_path / "list.xlsx", handed, office.now)
    (printed,) = read_workbook(tmp_path / "list.xlsx")
    assert [row[3] for row in printed.iter_rows()][1:] == [each.password for each in handed]
    with pytest.raises(NobodyWaits):
        hand_out(office.desk, COUNTY, receipt.import_id, command, office.now)
    with pytest.raises(UnknownImport):
        other = Administrator("another", division=DIVISION)
        hand_out(office.desk, other, receipt.import_id, Command("another", uuid4(), b""), office.now)
    first = handed[0].password
    assert not any(kept_in_clear(office, each.password) for each in handed)
    typed = first.upper().replace("-", "")
    entering(office, "zheng1", typed)
    with pytest.raises(SignInFailed):
        office.enter("zheng1", first)
    again = started(office, receipt)
    assert list(again) == ["zheng2"], "who has chosen a password gets none"
    with pytest.raises(SignInFailed):
        office.enter("zheng2", handed[1].password)  # ended by the one after it
    assert [fact.accounts for fact in office.facts(StartPasswordsHandedOut)][-2:] == [2, 1]
    office.later(days=START_LIFE.days, seconds=1)
    with pytest.raises(SignInFailed):
        office.enter("zheng2", again["zheng2"])


def kept_in_clear(office: Office, password: str) -> bool:
    """Whether any row of any table holds it."""
    with office.desk.database.owner() as connection:
        raw = driver(connection)
        tables = [row[0] for row in raw.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
        found = [
            raw.execute(f"SELECT count(*) FROM {table} AS t WHERE t::text ~ %s".encode(), (password,)).fetchone()
            for table in tables
        ]
    return any(row is not None and row[0] for row in found)


def test_a_reset_ends_a_start_password(office: Office, tmp_path: Path) -> None:
    receipt = take(office, sheet(tmp_path, teacher("冯一", "feng1", "c班")))
    start = started(office, receipt)["feng1"]
    account = office.facts(AccountOpened)[-1].account_id
    handed = account_desk.reset_password(office.desk, COUNTY, account, office.command(), office.now)
    with pytest.raises(SignInFailed):
        office.enter("feng1", start)
    assert handed.password is not None and office.enter("feng1", handed.password).must_change


def test_a_school_lets_in_its_own_teachers_and_nobody_else(office: Office, tmp_path: Path) -> None:
    take(office, sheet(tmp_path, line("蒋零", "jiang0", "校长", school=SECOND)))
    rows = [
        teacher("蒋一", "jiang1", "d班"),
        teacher("蒋二", "jiang2", "d班", school=SECOND),
        line("蒋三", "jiang3", "学校学籍管理员", school=FIRST),
        line("蒋四", "jiang4", "账号管理员", division=DIVISION),
        teacher("蒋零", "jiang0", "e班"),
    ]
    receipt = take(office, sheet(tmp_path, *rows), school())
    assert counts(receipt) == (1, 0, 0, 4, 1)
    assert receipt.problems == {"beyond": 3, "foreign_login": 1}
    by = Administrator("school", school=FIRST)
    assert list(started(office, receipt, by)) == ["jiang1"]
    foreign = sheet(tmp_path, teacher("蒋五", "jiang5", school="3146900999"))
    assert check(office, foreign).problems == {"unknown_school": 1}


def test_nobody_gives_himself_a_post(office: Office, tmp_path: Path) -> None:
    receipt = take(office, sheet(tmp_path, line("沈一", "shen1", "账号管理员", division=DIVISION)))
    mine = str(office.facts(AccountOpened)[-1].account_id)
    again = sheet(tmp_path, line("沈一", "shen1", "资助中心出纳", division=DIVISION))
    assert counts(receipt)[0] == 1 and check(office, again, county(mine)).problems == {"oneself": 1}


def test_the_same_request_gets_the_same_receipt_and_another_file_none(office: Office, tmp_path: Path) -> None:
    path, command = sheet(tmp_path, teacher("韩一", "han1", "f班"), teacher("", "han2")), uuid4()
    receipt = take(office, path, command_id=command)
    assert take(office, path, command_id=command) == receipt and counts(receipt) == (1, 0, 0, 1, 1)
    with pytest.raises(CommandReused):
        take(office, sheet(tmp_path, teacher("韩三", "han3")), command_id=command)
    (mine,) = [each for each in Sender.of(office.desk, county()).imports() if each.import_id == receipt.import_id]
    assert (mine.receipt, mine.waiting) == (receipt, 1)
    assert Sender.of(office.desk, county("somebody")).imports() == []


def test_the_chunks_of_a_sheet_balance_and_a_reader_of_the_record_sees_each_person_once(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(applying, "CHUNK_ROWS", 3)
    rows = [teacher(f"杨{number}", f"yang{number // 2}", f"y{number}班") for number in range(8)]
    named = [(f"杨{number // 2}", *row[1:]) for number, row in enumerate(rows)]
    assert counts(take(office, sheet(tmp_path, *named))) == (8, 0, 0, 0, 4)
    opened = Counter(login for login in opened_logins(office) if login.startswith("yang"))
    assert opened == dict.fromkeys(("yang0", "yang1", "yang2", "yang3"), 1)


def opened_logins(office: Office) -> list[str]:
    with office.desk.database.writing() as connection:
        found = [office.desk.opened(connection, fact.account_id).personal for fact in office.facts(AccountOpened)]
    return [each.login for each in found if each is not None]


def test_a_post_whose_holders_time_is_over_is_filled_and_the_end_is_told_first(office: Office, tmp_path: Path) -> None:
    last = office.now.date() + timedelta(days=5)
    take(office, sheet(tmp_path, teacher("曹一", "cao1", "g班", ends=last)))
    post = office.facts(PostFilled)[-1].post_id
    person, _ = office.someone()
    filling = FillPost(post, person, "test")
    with pytest.raises(PostHeld):
        post_desk.fill(office.desk, COUNTY, filling, office.command(), office.now)
    office.later(days=6)
    post_desk.fill(office.desk, COUNTY, filling, office.command(), office.now)
    told = [type(fact) for fact in (*office.facts(PostVacated), *office.facts(PostFilled)) if fact.post_id == post]
    assert told == [PostVacated, PostFilled, PostFilled]
    late = sheet(tmp_path, teacher("曹一", "cao1", "i班", ends=office.now.date() - timedelta(days=1)))
    assert check(office, late).problems == {"over": 1}


def test_two_who_send_the_same_sheet_at_once_let_each_person_in_once(office: Office, tmp_path: Path) -> None:
    path, before = (
        sheet(tmp_path, *(teacher(f"魏{each}", f"wei{each}", f"w{each}班") for each in range(6))),
        held(office),
    )
    with ThreadPoolExecutor(2) as pool:
        receipts = list(pool.map(lambda who: take(office, path, county(who)), ("one", "another")))
    assert sorted(counts(each) for each in receipts) == [(0, 0, 6, 0, 0), (6, 0, 0, 0, 6)]
    assert len(held(office) - before) == 6


def test_what_happens_between_the_plan_and_its_doing_is_planned_for_again(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, came = applying.apply, list[Any]()

    def overtaken(*given: Any) -> None:
        if not came:  # somebody opens one of the accounts by hand at this very moment
            intent = OpenAccount(uuid4(), "tao2", "陶另", DIVISION, None, "county")
            came.append(account_desk.open_account(office.desk, COUNTY, intent, office.command(), office.now))
        real(*given)

    monkeypatch.setattr("services.access.staff.importing.apply", overtaken)
    monkeypatch.setattr(applying, "CHUNK_ROWS", 2)
    rows = [teacher(f"陶{each}", f"tao{each}", f"t{each}班") for each in (0, 1, 2, 3)]
    receipt = take(office, sheet(tmp_path, *rows))
    assert counts(receipt) == (3, 0, 0, 1, 3) and receipt.problems == {"other_name": 1}
    assert len([1 for login, *_ in held(office) if login.startswith("tao")]) == 3
