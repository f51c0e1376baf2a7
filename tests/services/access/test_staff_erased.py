"""A member of staff is erased: nothing of access names her any more, she is out, and her colleague is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.access.accounts import people
from services.access.accounts.people import AccountFilter
from services.access.commands import FillPost
from services.access.desk import open_sessions
from services.access.errors import AccountIsClosed, SignInFailed
from services.access.events import AccountClosed, PostFilled, SessionEnded
from services.access.oidc.configuration import Configuration
from services.access.oidc.linking import Told, announce
from services.access.oidc.office import Office as OidcOffice
from services.access.oidc.party import RelyingParty
from services.access.posts.post_desk import fill
from services.access.projections import NAME
from services.access.sessions.sessions import revoked
from services.access.staff.start_passwords import hand_out
from services.audit.events import PersonErased
from shared.database.database import driver
from shared.database.scopes import Scope
from shared.eventsourcing.sealing import people_in
from shared.eventsourcing.store import Command
from shared.web.pages import PageTurn
from tests.services.access.conftest import COUNTY, Office
from tests.services.access.staff_sheets import check, counts, register_schools, sheet, take, teacher
from tests.services.access.test_staff_import import COUNTY as SENDER
from tests.services.installation import DIVISION


def erase(office: Office, account: UUID) -> None:
    """As audit does it: the key first, then the index of the events it sealed."""
    installation = office.installation
    installation.pump()
    entries = [each.logged for each in installation.entries("access") if account in people_in(each.logged.event)]
    installation.keyring.erase_all([account])
    fact = PersonErased(
        student_id=account,
        people=(account,),
        index={"access": tuple(each.log_index for each in entries)},
        streams=tuple({each.event.stream_id for each in entries}),
        looked_through={"access": entries[-1].log_index},
    )
    installation.append("audit", account, fact, office.now.date())
    installation.pump()


def everything(office: Office) -> str:
    """Every row of every table of access, views and write side, as text; what is sealed is not opened."""
    found: list[Any] = []
    with office.desk.database.owner() as connection:
        raw = driver(connection)
        tables = raw.execute(
            "SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) FROM pg_tables"
            " WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        ).fetchall()
        for (table,) in tables:
            found += raw.execute(f"SELECT t::text FROM {table} AS t".encode()).fetchall()
    return repr(found)


def test_an_erased_member_of_staff_is_named_nowhere_and_out_at_once(office: Office, tmp_path: Path) -> None:
    register_schools(office)
    account, login = office.someone()
    colleague, other_login = office.someone()
    post = office.post(holder=account)
    entered = office.enter(login, address="10.9.8.7")
    office.enter(other_login, address="10.9.8.8")
    told = Configuration("https://issuer.test", "rollcall", "secret", "https://page.test/sign-in/oidc/callback")
    counter, identity = OidcOffice(office.desk, RelyingParty(told)), Told("sub", "subject-at-the-issuer")
    announce(counter, COUNTY, account, identity, office.command(), office.now)
    office.installation.pump()
    digests = office.desk.streams.login(login), office.desk.streams.announced(told.issuer, *identity)
    traces = [login, "10.9.8.7", identity.value, *(each.hex() for each in digests)]
    before = everything(office)
    assert [trace for trace in traces if trace not in before] == []
    with office.desk.database.writing() as connection:
        ended_before = revoked(driver(connection), 0).last

    erase(office, account)

    after = everything(office)
    assert [trace for trace in traces if trace in after] == []
    assert other_login in after and "10.9.8.8" in after
    with pytest.raises(SignInFailed):
        office.enter(login)
    assert office.enter(other_login).posts == []
    with office.desk.database.writing() as connection:
        raw = driver(connection)
        assert open_sessions(raw, account) == {}
        assert entered.session.session_id in revoked(raw, ended_before).sessions
    (closed,) = [fact for fact in office.facts(AccountClosed) if fact.account_id == account]
    assert closed.by == "system:erasure"
    assert [fact.reason for fact in office.facts(SessionEnded) if fact.account_id == account][-1] == "account_closed"
    with office.desk.database.reading(Scope(division=DIVISION), NAME) as connection:
        turn = PageTurn(None, 200)
        rows = people.accounts(connection, office.now.date(), turn, AccountFilter())
    shown = {row.account_id: (row.name, row.login, row.closed) for row in rows}
    assert shown[account] == (None, None, True) and shown[colleague][0] == "王小明"
    with pytest.raises(AccountIsClosed):
        fill(office.desk, COUNTY, FillPost(office.post(), account, "test"), office.command(), office.now)
    assert post in {fact.post_id for fact in office.facts(PostFilled)}, "that somebody held the post stays on record"
    # The login name is free again: it says nothing of her, and a sheet may give it to somebody else.
    receipt = check(office, sheet(tmp_path, teacher("王小明", login)))
    assert counts(receipt) == (1, 0, 0, 0, 1)


def test_whoever_is_erased_before_the_passwords_are_handed_out_gets_none(office: Office, tmp_path: Path) -> None:
    mark = uuid4().hex[:6]
    receipt = take(
        office, sheet(tmp_path, teacher("许一", f"{mark}a", f"{mark}a"), teacher("许二", f"{mark}b", f"{mark}b"))
    )
    with office.desk.database.writing() as connection:
        row = (
            driver(connection)
            .execute(
                "SELECT account_id FROM access_accounts WHERE login_digest = %s",
                (office.desk.streams.login(f"{mark}a"),),
            )
            .fetchone()
        )
    assert row is not None
    erase(office, row[0])
    handed = hand_out(office.desk, SENDER, receipt.import_id, Command("county", uuid4(), b""), office.now)
    assert [each.login for each in handed] == [f"{mark}b"]
