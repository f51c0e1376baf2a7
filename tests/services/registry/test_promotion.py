"""A year moves up in one command: over HTTP, by the worker, in the register's view, and back again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.registry.life_errors import UndoTooLate
from services.registry.life_events import PromotionFinished, PromotionStarted, PromotionUndoFinished
from services.registry.promotion import promotion_jobs
from services.registry.promotion.promotion_orders import undo_promotion
from shared.database.database import driver
from shared.database.scopes import Scope
from shared.eventsourcing.store import Command
from shared.kernel.clock import today
from tests.services.installation import DIVISION
from tests.services.registry.office import SCHOOLS, Office
from tests.services.registry.test_api import Client, client, http, school
from tests.services.registry.year import found_school, seat, seats, work_off

__all__ = ["client", "http"]  # fixtures


class Grades:
    """One school with two children in the third and one in the sixth grade, and one in a class of all grades."""

    def __init__(self, office: Office) -> None:
        self.office, self.registry = office, office.registry
        self.school = found_school(self.registry, office.school_code(1), f"第{office.agency}小学")
        numbers = [office.number(each) for each in range(1, 5)]
        pairs = list(zip(numbers, ("三年级", "三年级", "六年级", "复式班"), strict=True))
        self.students = seat(self.registry, self.school, pairs)
        office.pump()

    def shown(self) -> list[tuple[str | None, str | None]]:
        self.office.pump()
        found = seats(self.registry, self.students)
        return [found[each][:2] for each in self.students]


@pytest.fixture
def grades(office: Office) -> Grades:
    return Grades(office)


def order(client: Client, grades: Grades, **changed: Any) -> str:
    body = {"day": today().isoformat(), "school_code": grades.school} | changed
    answer = client.post("/v1/promotions", json=body)
    assert answer.status_code == 202, answer.text
    return str(answer.json()["promotion_id"])


BEFORE = [("enrolled", "三年级"), ("enrolled", "三年级"), ("enrolled", "六年级"), ("enrolled", "复式班")]
MOVED = [("enrolled", "四年级"), ("enrolled", "三年级"), ("transferred_out", "六年级"), ("enrolled", "复式班")]


def test_a_school_moves_up_and_every_child_is_accounted_for(client: Client, office: Office, grades: Grades) -> None:
    preview = client.get("/v1/promotions/preview", params={"day": today(), "school_code": grades.school}).json()
    assert preview["students"] == 4
    assert {(row["grade"], row["students"], row["following"]) for row in preview["rows"]} == {
        ("三年级", 2, "primary:四年级"),
        ("六年级", 1, "handed_over"),
        ("复式班", 1, None),
    }
    promotion = order(client, grades, repeaters=[str(grades.students[1])])
    waiting = client.get(f"/v1/promotions/{promotion}").json()
    assert (waiting["state"], waiting["done"], waiting["expected"]) == ("running", 0, 4)
    work_off(office.registry)
    done = client.get(f"/v1/promotions/{promotion}").json()
    counts = [done[name] for name in ("done", "promoted", "graduated", "handed_over", "held_back")]
    assert (done["state"], counts) == ("finished", [4, 1, 0, 1, 1])
    assert done["skipped"] == [{"reason": "not_on_ladder", "text": "年级不在升级表中", "students": 1}]
    assert done["schools"] == [{"school_code": grades.school, "expected": 4, "done": 4}]
    assert grades.shown() == MOVED
    told = [each.fact for each in office.log() if each.stream == UUID(promotion)]
    assert [type(fact) for fact in told] == [PromotionStarted, PromotionFinished]
    finished = told[1]
    assert isinstance(finished, PromotionFinished)
    balance = finished.promoted + finished.graduated + finished.handed_over + finished.held_back
    assert finished.looked_at == balance + sum(finished.skipped.values()) == 4
    assert any(row["promotion_id"] == promotion for row in client.get("/v1/promotions").json())


def test_it_is_put_back_but_for_who_changed_since(client: Client, office: Office, grades: Grades) -> None:
    promotion = order(client, grades)
    early = client.post(f"/v1/promotions/{promotion}/undo", json={})
    assert (early.status_code, early.json()["code"]) == (409, "promotion_not_finished")
    work_off(office.registry)
    left = {"on": today().isoformat(), "reason": "abroad"}
    assert client.post(f"/v1/students/{grades.students[1]}/leave", json=left).status_code == 200
    assert client.post(f"/v1/promotions/{promotion}/undo", json={}).status_code == 202
    work_off(office.registry)
    row = client.get(f"/v1/promotions/{promotion}").json()
    assert (row["state"], row["restored"], row["changed_since"]) == ("undone", 2, 1)
    assert grades.shown() == [BEFORE[0], ("abroad", "四年级"), *BEFORE[2:]]
    ended = office.log()[-1].fact
    assert ended == PromotionUndoFinished(looked_at=3, restored=2, changed_since=1)
    shown = client.get(f"/v1/students/{grades.students[2]}").json()
    assert shown["name"] == "张***2" and shown["state"] == "enrolled"  # her particulars came back with her
    again = client.post(f"/v1/promotions/{promotion}/undo", json={})
    assert again.json()["code"] == "promotion_not_finished"


def test_who_is_promoted_is_not_promoted_again_in_the_same_year(client: Client, office: Office, grades: Grades) -> None:
    order(client, grades)
    second = order(client, grades)
    work_off(office.registry)
    row = client.get(f"/v1/promotions/{second}").json()
    assert (row["promoted"], row["handed_over"]) == (0, 0)
    assert {each["reason"]: each["students"] for each in row["skipped"]} == {"already_promoted": 3, "not_on_ladder": 1}


def test_the_same_order_twice_is_one_promotion(client: Client, office: Office, grades: Grades) -> None:
    key, body = uuid4(), {"day": today().isoformat(), "school_code": grades.school}
    first, again = (client.post("/v1/promotions", key, json=body).json() for _ in range(2))
    assert first == again
    work_off(office.registry)
    assert client.post("/v1/promotions", key, json=body).json() == first
    assert office.count(lambda each: isinstance(each.fact, PromotionStarted)) == 1
    assert office.count(lambda each: isinstance(each.fact, PromotionFinished)) == 1


def test_what_cannot_be_ordered_is_refused_by_name(client: Client, office: Office, grades: Grades) -> None:
    def code(**changed: Any) -> tuple[int, str]:
        body = {"day": today().isoformat(), "school_code": grades.school} | changed
        answer = client.post("/v1/promotions", json=body)
        return answer.status_code, answer.json()["code"]

    assert code(day=(today() + timedelta(days=1)).isoformat()) == (422, "day_in_future")
    assert code(day=(today() - timedelta(days=400)).isoformat()) == (422, "day_too_long_ago")
    assert code(ladder={"primary:1": "primary:1"}) == (422, "ladder_broken")
    assert code(repeaters=[str(uuid4())]) == (422, "repeaters_unknown")
    assert code(school_code="9999999999") == (422, "unknown_school")
    client.act_as(school(SCHOOLS[1].school_code))
    assert code() == (403, "forbidden")
    assert code(school_code=None) == (403, "forbidden")
    assert office.count(lambda each: isinstance(each.fact, PromotionStarted)) == 0


def test_a_school_sees_and_undoes_its_own_promotion_only(client: Client, office: Office, grades: Grades) -> None:
    client.act_as(school(grades.school))
    promotion = order(client, grades)
    work_off(office.registry)
    assert client.get(f"/v1/promotions/{promotion}").json()["promoted"] == 2
    client.act_as(school(SCHOOLS[1].school_code))
    assert client.get(f"/v1/promotions/{promotion}").status_code == 404
    assert promotion not in client.get("/v1/promotions").text
    refused = client.post(f"/v1/promotions/{promotion}/undo", json={})
    assert (refused.status_code, refused.json()["code"]) == (404, "promotion_unknown")


def test_it_cannot_be_undone_when_its_term_is_over(client: Client, office: Office, grades: Grades) -> None:
    promotion = UUID(order(client, grades))
    work_off(office.registry)
    with pytest.raises(UndoTooLate):
        command = Command("clerk", uuid4(), b"undo")
        undo_promotion(office.registry, Scope(division=DIVISION[:4]), promotion, command, today() + timedelta(days=190))
    with office.registry.database.writing() as connection:
        job = promotion_jobs.JOBS.one(driver(connection), promotion)
    assert job is not None and job.state == "finished"
