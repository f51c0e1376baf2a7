"""A mass change from proposal to undoing: schools merged, a division recoded, students by filter, an edited export."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from services.registry.change_events import ChangeSetApplied, ChangeSetApproved, ChangeSetProposed, ChangeSetUndone
from services.registry.events import SchoolClosed, SchoolRegistered
from services.registry.projections import REGISTER
from services.registry.tables import STUDENTS
from shared.database.scopes import Scope
from shared.kernel.clock import today
from tests.services.installation import DIVISION
from tests.services.registry.office import Office
from tests.services.registry.test_api import CLERK, Client, client, http, school
from tests.services.registry.year import change_all, found_school, seat, work_off

__all__ = ["client", "http"]  # fixtures
SECOND = CLERK | {"sub": "second clerk", "kind": "approver"}
# Who proposes holds the approver's post as well: people are compared, not posts.
ALSO = CLERK | {"kind": "approver"}
PLACE = ("school_code", "division_code", "grade", "class_name")


class Village:
    """Two schools with three children each (the last of the second suspended), and a third school they may move to."""

    def __init__(self, office: Office) -> None:
        self.office, self.registry = office, office.registry
        self.township, self.recoded = (f"469000{(office.born.toordinal() % 400) + n:03d}" for n in (100, 500))
        names = {"东": self.township, "西": self.township, "中心": "469003"}
        self.a, self.b, self.c = (
            found_school(self.registry, office.school_code(n), f"{office.agency}{name}小学", division)
            for n, (name, division) in enumerate(names.items(), 1)
        )
        grades, numbers = ("三年级", "三年级", "四年级"), [office.number(n) for n in range(1, 7)]
        self.at_a = seat(self.registry, self.a, list(zip(numbers[:3], grades, strict=True)), division=self.township)
        self.at_b = seat(self.registry, self.b, list(zip(numbers[3:], grades, strict=True)), division=self.township)
        self.everybody = [*self.at_a, *self.at_b]
        office.pump()

    def shown(self) -> dict[UUID, tuple[Any, ...]]:
        """Student → (state, *PLACE) today."""
        self.office.pump()
        c = STUDENTS.c
        with self.registry.database.reading(Scope(division=DIVISION[:2]), REGISTER.name) as connection:
            rows = connection.execute(
                select(c.entity, c.state, *(c[name] for name in PLACE)).where(
                    STUDENTS.holds_on(today()), c.entity.in_(self.everybody)
                )
            )
            return {row[0]: tuple(row[1:]) for row in rows}


@pytest.fixture
def village(office: Office) -> Village:
    return Village(office)


def propose(client: Client, village: Village, **body: Any) -> str:
    """Propose as the clerk, and make the preview."""
    client.act_as(CLERK)
    answer = client.post("/v1/changes", json={"day": today().isoformat(), "reason": "秋季学期调整"} | body)
    assert answer.status_code == 202, answer.text
    change_all(village.registry)
    return str(answer.json()["change_id"])


def approve(client: Client, village: Village, change: str, who: dict[str, Any] = SECOND) -> dict[str, Any]:
    """Approve as another person and let it be done; how it stands then."""
    client.act_as(who)
    told = client.get(f"/v1/changes/{change}").json()
    answer = client.post(f"/v1/changes/{change}/approve", json={"preview_hash": told["preview_hash"]})
    assert answer.status_code == 202, answer.text
    change_all(village.registry)
    done: dict[str, Any] = client.get(f"/v1/changes/{change}").json()
    client.act_as(CLERK)
    return done


def undo(client: Client, village: Village, change: str) -> dict[str, Any]:
    client.act_as(SECOND)
    answer = client.post(f"/v1/changes/{change}/undo", json={})
    assert answer.status_code == 202, answer.text
    change_all(village.registry)
    done: dict[str, Any] = client.get(f"/v1/changes/{change}").json()
    return done


def merge(client: Client, village: Village, **body: Any) -> str:
    given = {"kind": "schools_merged", "sources": [village.a, village.b], "into": village.c}
    return propose(client, village, **given | body)


def test_two_schools_are_merged_and_everybody_is_accounted_for(client: Client, village: Village) -> None:
    left = {"on": (today() - timedelta(days=10)).isoformat(), "reason": "suspended"}
    assert client.post(f"/v1/students/{village.at_b[2]}/leave", json=left).status_code == 200
    before = village.shown()
    change = merge(client, village)
    told = client.get(f"/v1/changes/{change}").json()
    assert (told["state"], told["students"]) == ("ready", 5)
    assert {each["field"]: each["students"] for each in told["fields"]} == {"school_code": 5, "division_code": 5}
    page = client.get(f"/v1/changes/{change}/students", params={"limit": 2}).json()
    assert len(page["items"]) == 2 and page["next"]
    first = page["items"][0]
    assert first["name"].startswith("张*") and "*" in first["name"]
    fields = {each["field"]: (each["before"], each["after"]) for each in first["fields"]}
    assert fields["school_code"] == (first["school_code"], village.c)
    assert village.shown() == before  # nothing happened yet
    done = approve(client, village, change)
    assert (done["state"], done["changed"], done["changed_since"]) == ("applied", 5, 0)
    after = village.shown()
    for student in village.everybody[:5]:
        state, at, division, *rest = after[student]
        assert (state, at, division) == ("enrolled", village.c, "469003")
        assert rest == list(before[student][3:])
    assert after[village.at_b[2]] == before[village.at_b[2]]  # suspended: she comes back to the school that is there
    back = client.post(f"/v1/students/{village.at_b[2]}/return", json={"on": today().isoformat()})
    assert back.status_code == 200 and village.shown()[village.at_b[2]][1] == village.c
    facts = [each.fact for each in village.office.log() if each.stream == UUID(change)]
    assert [type(each) for each in facts] == [ChangeSetProposed, ChangeSetApproved, ChangeSetApplied]
    assert facts[2] == ChangeSetApplied(previewed=5, changed=5, changed_since=0)


def test_a_merger_is_undone_but_for_who_changed_since(client: Client, village: Village) -> None:
    before = village.shown()
    change = merge(client, village)
    approve(client, village, change)
    left = {"on": today().isoformat(), "reason": "abroad"}
    assert client.post(f"/v1/students/{village.at_a[1]}/leave", json=left).status_code == 200
    done = undo(client, village, change)
    assert (done["state"], done["restored"], done["not_restored"]) == ("undone", 5, 1)
    after = village.shown()
    changed = village.at_a[1]
    assert after == before | {changed: ("abroad", village.c, "469003", *before[changed][3:])}
    told = [each.fact for each in village.office.log()]
    assert ChangeSetUndone(looked_at=6, restored=5, changed_since=1) in told
    schools = [each for each in told if isinstance(each, SchoolClosed | SchoolRegistered)]
    ends = [each for each in schools if each.school_code == village.a][-2:]
    assert isinstance(ends[0], SchoolClosed) and ends[0].merged_into == village.c
    assert isinstance(ends[1], SchoolRegistered) and ends[1].undone_change_id == UUID(change)
    village.office.pump()
    listed = client.get("/v1/schools", params={"limit": 200}).json()["items"]
    (row,) = [row for row in listed if row["school_code"] == village.a]
    assert not row.get("closed") and row.get("merged_into") is None
    again = client.post(f"/v1/changes/{change}/undo", json={})
    assert (again.status_code, again.json()["code"]) == (409, "change_in_another_state")
    own = {"name": "张新生", "id_number": village.office.number(8), "school_code": village.a, "grade": "一年级"}
    client.act_as(CLERK)
    (newcomer,) = client.post("/v1/students", json=own).json()["student_ids"]
    village.office.pump()
    assert client.get(f"/v1/students/{newcomer}").json()["school_code"] == village.a  # its name is its own again


def test_who_names_a_merged_school_means_the_other_one(client: Client, village: Village) -> None:
    approve(client, village, merge(client, village))
    office = village.office
    pupil = office.pupil(1, f"{office.agency}东小学", grade="三年级", class_name="1班")
    receipt = office.send([pupil], list_name="students", on=today())
    assert receipt.rejected == 0
    state, at, *_ = village.shown()[village.at_a[0]]
    assert (state, at) == ("enrolled", village.c)
    moved = [each.fact for each in office.log() if each.stream == village.at_a[0]]
    assert not any(type(each).__name__ == "StudentTransferredOut" for each in moved)


def test_a_child_without_numbers_is_the_same_child_at_the_other_school(client: Client, village: Village) -> None:
    body = {"name": "欧阳无号", "school_code": village.a, "sex": "女", "grade": "一年级"}
    other = client.post("/v1/students", json=body | {"guardian_name": "欧阳山"}).json()["student_ids"][0]
    village.office.pump()
    enrolled = client.post("/v1/students", json=body | {"grade": "二年级"}).json()["student_ids"][0]
    assert enrolled != other
    approve(client, village, merge(client, village))
    # Without a grade or a guardian the row might mean either; as it was first written it means the one.
    again = client.post("/v1/students", json=body | {"school_code": village.c, "grade": None})
    assert again.json()["student_ids"] == [enrolled], again.text


def test_one_person_does_not_change_many_alone(client: Client, village: Village) -> None:
    change = merge(client, village)
    told = client.get(f"/v1/changes/{change}").json()
    client.act_as(ALSO)
    own = client.post(f"/v1/changes/{change}/approve", json={"preview_hash": told["preview_hash"]})
    assert (own.status_code, own.json()["code"]) == (409, "second_person_needed")
    client.act_as(SECOND)
    other = client.post(f"/v1/changes/{change}/approve", json={"preview_hash": "0" * 32})
    assert other.json()["code"] == "preview_differs"
    client.act_as(school(village.a))
    assert client.get(f"/v1/changes/{change}").status_code == 404
    assert client.post(f"/v1/changes/{change}/approve", json={"preview_hash": told["preview_hash"]}).status_code == 403


def test_what_changed_since_the_preview_makes_it_worthless_until_it_is_made_again(
    client: Client, village: Village
) -> None:
    change = merge(client, village)
    first = client.get(f"/v1/changes/{change}").json()["preview_hash"]
    client.post(f"/v1/students/{village.at_a[0]}/class", json={"on": today().isoformat(), "class_name": "9班"})
    newcomer = {"name": "张新来", "id_number": village.office.number(9), "school_code": village.a, "grade": "三年级"}
    client.post("/v1/students", json=newcomer)
    client.post(f"/v1/students/{village.at_b[0]}/leave", json={"on": today().isoformat(), "reason": "died"})
    client.act_as(SECOND)
    stale = client.post(f"/v1/changes/{change}/approve", json={"preview_hash": first})
    assert (stale.status_code, stale.json()["code"]) == (409, "preview_outdated")
    assert stale.json()["facts"]["students"] == 2  # who left and who came; her class is kept whatever it is
    assert client.post(f"/v1/changes/{change}/preview", json={}).status_code == 202
    change_all(village.registry)
    again = client.get(f"/v1/changes/{change}").json()
    assert again["preview_hash"] != first and again["students"] == 6
    assert approve(client, village, change)["changed"] == 6


def test_whoever_changes_between_approval_and_work_is_left_alone(client: Client, village: Village) -> None:
    change = merge(client, village)
    client.act_as(SECOND)
    told = client.get(f"/v1/changes/{change}").json()
    body = {"preview_hash": told["preview_hash"]}
    assert client.post(f"/v1/changes/{change}/approve", json=body).status_code == 202
    client.act_as(CLERK)
    out = {"on": today().isoformat(), "destination_kind": "elsewhere"}
    assert client.post(f"/v1/students/{village.at_a[2]}/transfer-out", json=out).status_code == 200
    change_all(village.registry)
    done = client.get(f"/v1/changes/{change}").json()
    assert (done["changed"], done["changed_since"]) == (5, 1)
    assert village.shown()[village.at_a[2]][:2] == ("transferred_out", village.a)


def test_a_division_gets_another_code_for_schools_and_students(client: Client, village: Village) -> None:
    before = village.shown()
    codes = {"former_code": village.township, "code": village.recoded}
    change = propose(client, village, kind="division_changed", **codes)
    approve(client, village, change)
    assert {row[2] for row in village.shown().values()} == {village.recoded}
    listed = client.get("/v1/schools", params={"limit": 200}).json()["items"]
    divisions = {row["school_code"]: row["division_code"] for row in listed}
    assert (divisions[village.a], divisions[village.c]) == (village.recoded, "469003")
    undo(client, village, change)
    assert village.shown() == before
    listed = client.get("/v1/schools", params={"limit": 200}).json()["items"]
    assert {r["school_code"]: r["division_code"] for r in listed}[village.a] == village.township


def test_students_of_a_filter_get_other_values(client: Client, village: Village) -> None:
    where = {"school_code": village.a, "grade": "三年级"}
    change = propose(client, village, kind="fields", where=where, values={"class_name": "2班", "boarder": "true"})
    done = approve(client, village, change)
    assert done["changed"] == 2
    classes = [row[4] for row in (village.shown()[each] for each in village.at_a)]
    assert classes == ["2班", "2班", "1班"]
    undo(client, village, change)
    assert {row[4] for row in village.shown().values()} == {"1班"}


def test_a_value_that_changed_after_the_approval_is_not_overwritten(client: Client, village: Village) -> None:
    where = {"school_code": village.a, "grade": "三年级"}
    change = propose(client, village, kind="fields", where=where, values={"class_name": "2班"})
    client.act_as(SECOND)
    told = client.get(f"/v1/changes/{change}").json()
    client.post(f"/v1/changes/{change}/approve", json={"preview_hash": told["preview_hash"]})
    client.act_as(CLERK)
    client.post(f"/v1/students/{village.at_a[0]}/class", json={"on": today().isoformat(), "class_name": "5班"})
    change_all(village.registry)
    done = client.get(f"/v1/changes/{change}").json()
    assert (done["changed"], done["changed_since"]) == (1, 1)
    assert [village.shown()[each][4] for each in village.at_a] == ["5班", "2班", "1班"]


def test_a_school_proposes_for_its_own_students_only(client: Client, village: Village) -> None:
    client.act_as(school(village.a))
    body = {"kind": "fields", "day": today().isoformat(), "reason": "分班", "where": {"grade": "三年级"}}
    answer = client.post("/v1/changes", json=body | {"values": {"class_name": "7班"}})
    assert answer.status_code == 202
    change_all(village.registry)
    told = client.get(f"/v1/changes/{answer.json()['change_id']}").json()
    assert (told["students"], told["school_code"]) == (2, village.a)
    merger = {"kind": "schools_merged", "sources": [village.b], "into": village.a}
    assert client.post("/v1/changes", json=body | merger).json()["code"] == "change_impossible"


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({"kind": "schools_merged", "sources": [], "into": "c"}, "no_source"),
        ({"kind": "schools_merged", "sources": ["c"], "into": "c"}, "into_itself"),
        ({"kind": "schools_merged", "sources": ["a"], "into": "9999999999"}, "unknown_school"),
        ({"kind": "division_changed", "former_code": "469000101", "code": "469000101"}, "same_code"),
        ({"kind": "division_changed", "former_code": "469000101", "code": "370100101"}, "not_here"),
        ({"kind": "fields", "values": {}}, "no_values"),
        ({"kind": "fields", "values": {"stage": "university"}}, "bad_value"),
        ({"kind": "fields", "values": {"id_number": "1"}}, "bad_value"),
    ],
)
def test_what_cannot_be_is_refused_by_name(
    client: Client, village: Village, body: dict[str, Any], problem: str
) -> None:
    known = {"a": village.a, "c": village.c}
    given = {key: known.get(value, value) if isinstance(value, str) else value for key, value in body.items()}
    if "sources" in given:
        given["sources"] = [known.get(each, each) for each in given["sources"]]
    answer = client.post("/v1/changes", json={"day": today().isoformat(), "reason": "调整"} | given)
    assert (answer.status_code, answer.json()["facts"]["problem"]) == (422, problem)


def test_a_merged_school_is_not_merged_again(client: Client, village: Village) -> None:
    approve(client, village, merge(client, village))
    client.act_as(CLERK)
    body = {"kind": "schools_merged", "day": today().isoformat(), "reason": "调整"}
    circular = client.post("/v1/changes", json=body | {"sources": [village.c], "into": village.a})
    assert circular.json()["facts"]["problem"] == "merged_already"


def test_a_promotion_on_the_day_of_a_merger_takes_everybody_along(client: Client, village: Village) -> None:
    approve(client, village, merge(client, village))
    client.act_as(CLERK)
    answer = client.post("/v1/promotions", json={"day": today().isoformat(), "school_code": village.c})
    work_off(village.registry)
    told = client.get(f"/v1/promotions/{answer.json()['promotion_id']}").json()
    assert told["promoted"] == 6
