"""What each row of a sheet comes to, beside what is on record: a post given, another tenure, nothing, or what is wrong.

Pure. A row is known again by its login name, kind and place, so a sheet sent twice changes nothing the second time, and
whom it leaves out is not touched. Whom the administrator may give what is asked of administration.py alone.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Literal, NamedTuple
from uuid import UUID

from services.access.administration import Administrator, Managed, check_holder, check_kind
from services.access.errors import NotYours, Oneself, UnknownAccount
from services.access.posts.places import Place
from services.access.staff import problems
from services.access.staff.problems import RowProblem
from services.access.staff.rows import StaffRow
from services.access.staff.standing import KnownAccount, KnownPost, Standing
from shared.standards.posts import Kind

Action = Literal["add", "change", "keep", "reject"]
_PostKey = tuple[str, Place]


class Planned(NamedTuple):
    """``opens``: where the account that the row opens is managed; None when it is on record or opened further up.
    ``new_post``: the post is to be made; ``former``: who holds the post that is on record (None: vacant)."""

    row: StaffRow
    action: Action
    problems: tuple[RowProblem, ...]
    account_id: UUID | None = None
    opens: Managed | None = None
    post_id: UUID | None = None
    new_post: bool = False
    former: UUID | None = None
    place: Place | None = None
    begins_on: date | None = None
    until: date | None = None


class Setting(NamedTuple):
    """Who sends a sheet, when and to which installation. ``named``: a new id for what is to be made."""

    administrator: Administrator
    home: str
    today: date
    named: Callable[[str], UUID]


def plan(rows: Sequence[StaffRow], known: Standing, setting: Setting) -> list[Planned]:
    """Every row, in order."""
    return _Plan(known, setting).of(rows)


class _Plan:
    def __init__(self, known: Standing, setting: Setting) -> None:
        self._known, self._setting = known, setting
        self._named: dict[str, list[str]] = defaultdict(list)
        for code, (name, _) in known.schools.items():
            self._named[name].append(code)
        self._held: dict[tuple[UUID, _PostKey], KnownPost] = {}
        self._vacant: dict[_PostKey, list[KnownPost]] = defaultdict(list)
        self._taken: set[_PostKey] = set()
        for post in sorted(known.posts, key=lambda each: each.post_id):
            key = (post.kind, post.place)
            if post.holder is not None:
                self._held.setdefault((post.holder, key), post)
            if post.holder is None or (post.until is not None and post.until <= setting.today):
                self._vacant[key].append(post)
            else:
                self._taken.add(key)
        self._given: dict[tuple[str, _PostKey], int] = {}
        self._opened: dict[str, UUID] = {}

    def of(self, rows: Sequence[StaffRow]) -> list[Planned]:
        looked = [self._looked_at(each) for each in rows]
        managed = self._managed(looked)
        return [self._planned(row, place, wrong, managed) for row, place, wrong in looked]

    def _looked_at(self, row: StaffRow) -> tuple[StaffRow, Place | None, list[RowProblem]]:
        """The row with its place, and everything that is wrong with it."""
        wrong = list(row.problems)
        place = self._place(row, wrong) if row.kind is not None else None
        if place is not None and row.kind is not None:
            try:
                check_kind(self._setting.administrator, row.kind, Managed(place.division_code, place.school_code))
            except NotYours:
                wrong.append(problems.BEYOND)
            if row.login:
                first = self._given.setdefault((row.login, (row.kind, place)), row.row)
                if first != row.row:
                    wrong.append(problems.repeated(first))
        if row.login:
            wrong += self._person(row, self._known.accounts.get(row.login))
        return row, place, wrong

    def _place(self, row: StaffRow, wrong: list[RowProblem]) -> Place | None:
        asked = row.asked
        if asked.division is not None:
            return Place(asked.division)
        if asked.agency is not None:
            return Place(self._setting.home, agency=asked.agency)
        if asked.school is None:
            return None
        codes = [asked.school] if asked.school in self._known.schools else self._named.get(asked.school, [])
        if len(codes) != 1:
            wrong.append(problems.SCHOOL_TWICE if codes else problems.UNKNOWN_SCHOOL)
            return None
        return Place(self._known.schools[codes[0]][1], codes[0], asked.school_class)

    def _person(self, row: StaffRow, known: KnownAccount | None) -> list[RowProblem]:
        if known is None:
            return []
        try:
            check_holder(self._setting.administrator, known.account_id, known.managed)
        except Oneself:
            return [problems.ONESELF]
        except UnknownAccount:
            return [problems.FOREIGN_LOGIN]
        if known.closed or known.name is None:
            return [problems.CLOSED]
        return [problems.OTHER_NAME] if row.name and known.name != row.name else []

    def _managed(self, looked: Sequence[tuple[StaffRow, Place | None, list[RowProblem]]]) -> Mapping[str, Managed]:
        """Where each new account is managed: at the one school its posts are in, else where the administrator is."""
        places: dict[str, set[Place]] = defaultdict(set)
        for row, place, wrong in looked:
            if place is not None and not wrong:
                places[row.login].add(place)
        own = self._setting.administrator
        found: dict[str, Managed] = {}
        for login, some in places.items():
            schools = {(each.division_code, each.school_code) for each in some}
            ((division, school), *others) = schools
            if others or school is None:
                division, school = own.division or division, own.school
            found[login] = Managed(division, school)
        return found

    def _planned(
        self, row: StaffRow, place: Place | None, wrong: list[RowProblem], managed: Mapping[str, Managed]
    ) -> Planned:
        kind, today = row.kind, self._setting.today
        if wrong or kind is None or place is None:
            return Planned(row, "reject", tuple(wrong))
        known = self._known.accounts.get(row.login)
        key: _PostKey = (kind, place)
        held = None if known is None else self._held.get((known.account_id, key))
        if known is not None and held is not None:
            begins_on, until = (row.begins_on, row.until) if row.dated else (held.begins_on, held.until)
            if (begins_on, until) == (held.begins_on, held.until):
                return Planned(row, "keep", ())
            if until is not None and until <= today:
                return Planned(row, "reject", (problems.OVER,))
            who = known.account_id
            return Planned(row, "change", (), who, None, held.post_id, False, who, place, begins_on, until)
        if row.until is not None and row.until <= today:
            return Planned(row, "reject", (problems.OVER,))
        return self._added(row, kind, place, known, managed)

    def _added(
        self, row: StaffRow, kind: Kind, place: Place, known: KnownAccount | None, managed: Mapping[str, Managed]
    ) -> Planned:
        key: _PostKey = (kind, place)
        account_id = self._opened.get(row.login) if known is None else known.account_id
        opens = None
        if account_id is None:
            account_id, opens = self._setting.named(f"account|{row.login}"), managed[row.login]
            self._opened[row.login] = account_id
        vacant = self._vacant[key].pop(0) if self._vacant.get(key) else None
        hints = (problems.ANOTHER_HOLDER,) if vacant is None and key in self._taken else ()
        self._taken.add(key)
        post_id = vacant.post_id if vacant is not None else self._setting.named(f"post|{row.login}|{kind}|{place}")
        former = None if vacant is None else vacant.holder
        return Planned(
            row, "add", hints, account_id, opens, post_id, vacant is None, former, place, row.begins_on, row.until
        )
