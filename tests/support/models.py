"""Models in memory behind the addresses of matching's, for tests of the page: the real rules of what is refused and the
real report, of invented rows. A report takes a few looks to be made."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from services.matching.commands import ActivateModel
from services.matching.errors import ModelUnknown, ProposalUnknown
from services.matching.model_change import Proposal, activate, check_proposal, usable
from services.matching.model_diff import ChangedRow, Tally, digest, hash_of, report
from services.matching.outcome import Outcome, State
from services.matching.scoring import Model, county_model
from shared.kernel.refusals import Forbidden
from shared.standards.rights import Right
from shared.web import Viewer, viewer
from shared.web.pages import Page, PageTurn, page_of, page_turn

Row = dict[str, Any]
Who = Annotated[Viewer, Depends(viewer)]
Turn = Annotated[PageTurn, Depends(page_turn)]
Note = Callable[[Request, Viewer, Any], None]
LOOKS = 3  # until a report is complete
ROWS = 400
ENDINGS = ((State.LINKED, State.REVIEW, 60), (State.REVIEW, State.LINKED, 7), (State.REVIEW, State.NOT_IN_REGISTER, 2))


def outcome(state: State, student: UUID, score: float) -> Outcome:
    if state is State.LINKED:
        return Outcome(state, "R6", score, "score_agrees", student, (student,))
    if state is State.REVIEW:
        return Outcome(state, "R6", score, "score_review", student, (student,))
    return Outcome(state, "", 0.0, "not_found_without_number")


class Models:
    """The model in force, those before it, and the proposals. ``looks``: how often each report was asked for."""

    def __init__(self, ids: Callable[[str], UUID], note: Note) -> None:
        self._ids, self._note = ids, note
        self.clear()

    def clear(self) -> None:
        self.activated: list[Row] = []
        self.models: dict[str, Model] = {}
        self.proposals: dict[UUID, Proposal] = {}
        self.looks: dict[UUID, int] = {}
        self.taking_over = False
        self.put(county_model(), "system:configuration", None, None)

    @property
    def in_force(self) -> Model:
        return self.models[self.activated[-1]["hash"]]

    def put(self, model: Model, by: str, proposed_by: str | None, report_hash: str | None) -> None:
        replaces = self.activated[-1]["hash"] if self.activated else None
        self.models[model.hash] = model
        self.activated.append(
            {
                "hash": model.hash, "name": model.name, "version": model.version,
                "automatic": model.thresholds.automatic, "review": model.thresholds.review,
                "effective_on": "2026-09-01", "recorded_at": "2026-09-01T01:02:03Z", "activated_by": by,
                "proposed_by": proposed_by, "replaces": replaces, "report_hash": report_hash,
            }
        )  # fmt: skip

    def rows(self) -> tuple[Tally, list[ChangedRow]]:
        """The invented rows, counted; those that change by id."""
        tally, changed = Tally(), []
        student = self._ids("model student")
        pairs = [(before, after) for before, after, count in ENDINGS for _ in range(count)]
        pairs += [(State.LINKED, State.LINKED)] * (ROWS - len(pairs))
        ids = sorted(self._ids(f"model row {place}") for place in range(ROWS))
        for entry, (before, after) in zip(ids, pairs, strict=True):
            found = tally.note(entry, outcome(before, student, 0.9), outcome(after, student, 0.8))
            changed += [] if found is None else [found]
        return tally, changed

    def told(self, proposal: Proposal, who: Viewer) -> Row:
        model = usable(proposal.content)
        done = min(self.looks[proposal.proposal_id] * ROWS // LOOKS, ROWS)
        made = None
        if proposal.report_hash is not None:
            tally, changed = self.rows()
            base = self.models[proposal.base_hash]
            made = json.loads(report(base, model, date(2026, 9, 1), tally, digest(changed)))
        return {
            "proposal_id": str(proposal.proposal_id), "hash": model.hash, "name": model.name, "version": model.version,
            "base_hash": proposal.base_hash, "proposed_by": proposal.proposed_by,
            "proposed_at": datetime(2026, 9, 2, tzinfo=UTC).isoformat(), "state": proposal.state, "rows_done": done,
            "rows_total": ROWS if done else None, "finished_at": None, "report_hash": proposal.report_hash,
            "report": made,
            "may_activate": proposal.state == "ready" and who.principal != proposal.proposed_by
            and who.has(Right.MODELS_ACTIVATE),
        }  # fmt: skip

    def look(self, proposal_id: UUID) -> Proposal:
        """The proposal a little later."""
        found = self.proposals.get(proposal_id)
        if found is None:
            raise ProposalUnknown(proposal_id)
        self.looks[proposal_id] += 1
        if found.state == "computing" and self.looks[proposal_id] > LOOKS:
            tally, changed = self.rows()
            model, base = usable(found.content), self.models[found.base_hash]
            made = hash_of(report(base, model, date(2026, 9, 1), tally, digest(changed)))
            found = self._kept(found, state="ready", report_hash=made)
        return found

    def _kept(self, proposal: Proposal, **changes: Any) -> Proposal:
        given = {name: getattr(proposal, name) for name in Proposal.__dataclass_fields__}
        made = Proposal(**given | changes)
        self.proposals[proposal.proposal_id] = made
        return made

    def router(self) -> APIRouter:
        r = APIRouter(prefix="/matching/v1")
        self._reading(r)
        self._changing(r)
        return r

    def _reading(self, r: APIRouter) -> None:
        @r.get("/models")
        def models(who: Who) -> Row:
            if who.scope.division is None:
                raise Forbidden("没有权限", "Not permitted")
            former = list(reversed(self.activated[:-1]))
            return {"in_force": self.activated[-1], "taking_over": self.taking_over, "former": former}

        @r.get("/models/in-force")
        def in_force(who: Who) -> Response:
            return Response(self.in_force.content, media_type="application/json")

        @r.get("/models/proposals")
        def proposals(who: Who) -> list[Row]:
            return [self.told(each, who) for each in reversed(self.proposals.values())]

        @r.get("/models/proposals/{proposal_id}")
        def proposal(proposal_id: UUID, who: Who) -> Row:
            return self.told(self.look(proposal_id), who)

        @r.get("/models/proposals/{proposal_id}/rows")
        def rows(
            proposal_id: UUID,
            who: Who,
            turn: Turn,
            before_state: str | None = None,
            after_state: str | None = None,
            kind: str | None = None,
        ) -> Page[Row]:
            _, changed = self.rows()
            chosen = [
                each
                for each in changed
                if before_state in (None, each.before.state)
                and after_state in (None, each.after.state)
                and (kind is None or _is(kind, each.before.state, each.after.state))
                and (turn.after is None or each.entry_id > turn.after[0])
            ]
            page = page_of(chosen[: turn.fetch], turn, key=lambda row: (row.entry_id,))
            shown = [
                {"entry_id": str(each.entry_id), "before": each.before._asdict(), "after": each.after._asdict()}
                for each in page.items
            ]
            return Page(items=shown, next=page.next)

        @r.get("/models/{name}")
        def content(name: str, who: Who) -> Response:
            if name not in self.models:
                raise ModelUnknown
            return Response(self.models[name].content, media_type="application/json")

    def _changing(self, r: APIRouter) -> None:
        @r.post("/models/proposals", status_code=202)
        async def propose(request: Request, who: Who) -> Row:
            sent = await request.body()
            self._note(request, who, sent)
            model = usable(sent)
            check_proposal(model, self.in_force.hash, 0)
            proposal_id = self._ids(f"proposal {len(self.proposals)}")
            made = Proposal(
                proposal_id, model.content, model.hash, self.in_force.hash, who.principal, "computing", None
            )
            self.proposals[proposal_id], self.looks[proposal_id] = made, 0
            return self.told(made, who)

        @r.post("/models/proposals/{proposal_id}/activation")
        def activation(request: Request, proposal_id: UUID, who: Who, body: dict[str, Any]) -> Row:
            self._note(request, who, body)
            found = self.proposals[proposal_id]
            fact = activate(self.in_force.hash, found, ActivateModel(proposal_id, body["report_hash"], who.principal))
            self.put(usable(found.content), who.principal, fact.proposed_by, fact.report_hash)
            for each in list(self.proposals.values()):
                self._kept(each, state="activated" if each is found else "outdated")
            self.taking_over = True
            return {"proposal_id": str(proposal_id), "event_ids": []}


def _is(kind: str, before: str, after: str) -> bool:
    return {
        "newly_linked": before != "linked" == after,
        "links_lost": before == "linked" != after,
        "links_moved": before == "linked" == after,
        "reviews_opened": before != "review" == after,
        "reviews_closed": before == "review" != after,
    }[kind]
