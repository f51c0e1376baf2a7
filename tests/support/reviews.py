"""A review queue in memory behind the address of matching's, for tests of the page: real comparisons of invented
records, rulings kept as they were sent."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from services.matching.comparing import REVEALABLE, compared, decoded, shown_text
from shared.kernel.refusals import Conflict, Malformed, NotFound
from shared.standards.identity_number import check_digit
from shared.web import Viewer, viewer
from shared.web.entity_tags import check_version, set_entity_tag
from shared.web.pages import Page, PageTurn, page_turn

Row = dict[str, Any]
Who = Annotated[Viewer, Depends(viewer)]
Turn = Annotated[PageTurn, Depends(page_turn)]
Note = Callable[[Request, Viewer, Any], None]


def number(born: date, sequence: int) -> str:
    first = f"460106{born:%Y%m%d}{sequence:03d}"
    return first + check_digit(first)


BORN = date(2014, 5, 6)
_NUMBER = number(BORN, 12)
_LISTED = ("欧阳小雁", "王芳", "李建国")
_STUDENTS = (("欧阳小燕", "欧阳晓雁"), ("王方",), ("李建囯",))


class Reviews:
    """Three rows under review. ``rulings``: entry → what was ruled, in order; ``refuse``: refuse the next ruling."""

    def __init__(self, ids: Callable[[str], UUID], note: Note) -> None:
        self._ids, self._note = ids, note
        self.rows = [ids(f"review {place}") for place in range(len(_LISTED))]
        self.clear()

    def clear(self) -> None:
        self.rulings: dict[UUID, list[Row]] = {row: [] for row in self.rows}
        self.asked: dict[UUID, str] = {}
        self.versions = dict.fromkeys(self.rows, 0)
        self.reads: list[str] = []
        self.refuse = False

    def student(self, place: int, which: int) -> UUID:
        return self._ids(f"candidate {place} {which}")

    def case(self, entry: UUID, who: Viewer, revealed: tuple[str, ...] = ()) -> Row:
        if entry not in self.rulings or who.scope.division is None:
            raise NotFound("没有这条名单记录", "There is no such list row")
        place = self.rows.index(entry)
        slip = _NUMBER[:-2] + ("1" if _NUMBER[-2] != "1" else "2") + _NUMBER[-1]
        ours = {"name": _LISTED[place], "id_number": slip if place == 0 else _NUMBER, "birth_date": BORN}
        ours |= {"guardian_name": "欧阳山", "school": "海口市第一小学"}
        ruled = self.rulings[entry]
        waiting = [row for row in self.rows if not self.rulings[row]]
        before = [row for row in waiting if self.rows.index(row) < place]
        after = [row for row in waiting if self.rows.index(row) > place]
        member = {"name": "欧**", "birth_year": 2010, "list": "poverty", "entry_id": None, "state": "linked"}
        return {
            "entry_id": str(entry), "list": "poverty", "agency": "poverty_office", "row": place + 12,
            "submission_id": None, "state": "linked" if ruled else "review", "rule": "R3", "score": 0.6,
            "reason": "name_differs", "explanation": "身份证号一致但姓名不同,请核对", "since": "2026-09-01",
            "fields": {name: {"text": shown_text(name, value, revealed), "spans": []} for name, value in ours.items()},
            "decoded": _json(decoded(str(ours["id_number"]), who.language, plain=bool(revealed))),
            "household": [{**member, "student_id": None, "school_name": None}],
            "candidates": [self._candidate(place, which, name, ours, revealed, who)
                           for which, name in enumerate(_STUDENTS[place])],
            "revealed": list(revealed), "ruled_by": [each["by"] for each in ruled],
            "asked_by": [self.asked[entry]] if entry in self.asked else [],
            "may_rule": self.asked.get(entry) != who.principal, "version": self.versions[entry], "evidence": "e" * 32,
            "previous": str(before[-1]) if before else None, "next": str(after[0]) if after else None,
            "waiting": len(waiting),
            "weighed_by": {"hash": "c4" * 32, "name": "county", "version": "county-1", "in_force": place == 0},
            "history": [{"type": "ReviewOpened", "text": "待人工核对", "effective_on": "2026-09-01",
                         "recorded_at": "2026-09-01T01:02:03Z", "by": None, "rule": "R3", "model": "ladder-1"}],
        }  # fmt: skip

    def _candidate(self, place: int, which: int, name: str, ours: Row, revealed: tuple[str, ...], who: Viewer) -> Row:
        theirs = {"name": name, "id_number": _NUMBER, "birth_date": BORN, "sex": "female", "grade": "5"}
        theirs |= {"guardian_name": "欧阳三", "school": "海口市第一小学"}
        parts = [("prior", "prior", -9.5), ("name", "shape", 6.25), ("identity", "birth_and_sex", 8.0)]
        return {
            "number": which + 1, "student_id": str(self.student(place, which)), "enrolled": which == 0,
            "name": shown_text("name", name, revealed), "school_name": "海口市第一小学",
            "fields": [each.model_dump() for each in compared(ours, theirs, revealed)],
            "decoded": _json(decoded(_NUMBER, who.language, plain=bool(revealed))), "household": [],
            "waterfall": {"total": 4.75, "parts": [
                {"comparison": one, "level": level, "weight": weight} for one, level, weight in parts]},
            "ruled": None,
        }  # fmt: skip

    def router(self) -> APIRouter:
        r = APIRouter(prefix="/matching/v1")

        @r.get("/reviews")
        def reviews(who: Who, turn: Turn) -> Page[Row]:
            waiting = [self.case(row, who) for row in self.rows if not self.rulings[row] and who.scope.division]
            rows = [
                {**{key: case[key] for key in ("entry_id", "list", "agency", "row", "explanation", "score", "reason")}}
                | {"name": case["fields"]["name"]["text"], "candidates": case["candidates"]}
                | {
                    "second_opinion": ("mine" if who.principal in case["asked_by"] else "wanted")
                    if case["asked_by"]
                    else None
                }
                for case in waiting
            ]
            return Page(items=rows)

        @r.get("/reviews/{entry_id}")
        def review(entry_id: UUID, who: Who, response: Response) -> Row:
            found = self.case(entry_id, who)
            set_entity_tag(response, found["version"])
            return found

        @r.post("/reviews/{entry_id}/reveal")
        def reveal(request: Request, entry_id: UUID, who: Who, body: dict[str, Any]) -> Row:
            if len(body["purpose"]) < 4:
                raise Malformed("请填写事由", "Give a purpose")
            self.reads.append(body["purpose"])
            return self.case(entry_id, who, REVEALABLE)

        @r.post("/reviews/{entry_id}/ruling")
        def rule(request: Request, entry_id: UUID, who: Who, body: dict[str, Any]) -> Row:
            self._note(request, who, body)
            check_version(request, self.versions[entry_id])
            if self.refuse:
                self.refuse = False
                raise Conflict("这一行刚有变动,请重新核对", "The row has just changed")
            self.rulings[entry_id].append({**body, "by": who.principal})
            return self._changed(entry_id)

        @r.delete("/reviews/{entry_id}/ruling")
        def withdraw(request: Request, entry_id: UUID, who: Who) -> Row:
            self._note(request, who, None)
            check_version(request, self.versions[entry_id])
            self.rulings[entry_id].pop()
            return self._changed(entry_id)

        @r.post("/reviews/{entry_id}/second-opinion")
        def ask(request: Request, entry_id: UUID, who: Who) -> Row:
            self._note(request, who, None)
            self.asked[entry_id] = who.principal
            return self._changed(entry_id)

        return r

    def _changed(self, entry_id: UUID) -> Row:
        self.versions[entry_id] += 1
        return {"entry_id": str(entry_id), "event_ids": [], "version": self.versions[entry_id]}


def _json(told: Any) -> Any:
    return None if told is None else told.model_dump()
