"""One case: everything that happened, its team, the forms of its next steps, and what a closing still lacks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from services.portal.backends import Backends, BackendTrouble, Refused
from services.portal.dropout.alert_pages import ALERTS
from services.portal.forms import Sent, back, command_id, long_text, refusal_shown, text
from services.portal.rendering import Rendering
from services.portal.session import Opening, opening, permit
from services.portal.tables.tables import table_again
from services.portal.tables.unsent import stood_on
from services.portal.texts import Texts
from shared.kernel.refusals import Malformed
from shared.standards.rights import Right

router = APIRouter(include_in_schema=False)
Opened = Annotated[Opening, Depends(opening)]
ROLES = ("lead", "teacher", "cadre", "family")
_SHOWN_AGAIN = (409, 422)  # refusals after which the person goes on on the same page, with what was typed
_NOTE_CHARACTERS = 2_000
# Details of a fact that are codes, and the vocabulary of each.
_VOCABULARIES: Mapping[str, str] = {
    "way": "case_way",
    "outcome": "case_outcome",
    "next_step": "case_step",
    "to": "case_referral",
    "agency": "case_agency",
    "action": "case_action",
    "level": "case_level",
    "family": "case_family",
}
_REASONS = {"AlertClosed": "close_reason", "CaseEscalated": "case_late", "AlertWithdrawn": "withdrawn_reason"}
# In the order they are read; what is not named here says nothing to a person.
_DETAILS = (
    "times", "day", "since", "way", "outcome", "by", "to", "agency", "action", "level", "reason", "due_on", "term",
    "answer_by", "next_step", "next_on", "ends_on", "reference",
)  # fmt: skip


@router.get("/alerts/{alert_id}", dependencies=[permit(Right.ALERTS_READ)])
async def case(request: Request, alert_id: UUID, opened: Opened) -> Response:
    """The page; names masked, notes closed."""
    return await _page(request, opened, alert_id)


@router.get("/alerts/{alert_id}/{step}")
async def step_address(alert_id: UUID, step: str) -> Response:
    """Where a reload after a refused step comes to."""
    return RedirectResponse(f"/alerts/{alert_id}", 303)


@router.post("/alerts/{alert_id}/seen", dependencies=[permit(Right.ALERTS_WORK)])
async def seen(request: Request, alert_id: UUID, opened: Opened, form: Sent) -> Response:
    """Someone responsible has read it."""
    return await _step(request, opened, alert_id, form, "seen", {}, "/alerts")


@router.post("/alerts/{alert_id}/team", dependencies=[permit(Right.ALERTS_WORK)])
async def team(request: Request, alert_id: UUID, opened: Opened, form: Sent) -> Response:
    """Who helps the child."""
    body: dict[str, Any] = {
        role: {part: text(form, f"{role}_{part}") or None for part in ("principal", "name", "phone")} for role in ROLES
    }
    return await _step(request, opened, alert_id, form, "team", body | {"family_is": text(form, "family_is")})


@router.post("/alerts/{alert_id}/attempts", dependencies=[permit(Right.ALERTS_WORK)])
async def attempt(request: Request, alert_id: UUID, opened: Opened, form: Sent) -> Response:
    """Somebody tried to bring the child back."""
    body = _told(form, "day", "way", "outcome", "next_on", "next_step") | {"by": form.getlist("by"), **_note(form)}
    return await _step(request, opened, alert_id, form, "attempts", body)


@router.post("/alerts/{alert_id}/referrals", dependencies=[permit(Right.ALERTS_WORK)])
async def referral(request: Request, alert_id: UUID, opened: Opened, form: Sent) -> Response:
    """The child was referred to counselling."""
    body = _told(form, "day", "to", "reference") | _note(form)
    return await _step(request, opened, alert_id, form, "referrals", body)


@router.post("/alerts/{alert_id}/actions", dependencies=[permit(Right.ALERTS_WORK)])
async def action(request: Request, alert_id: UUID, opened: Opened, form: Sent) -> Response:
    """What another agency did."""
    body = _told(form, "day", "agency", "action", "reference") | _note(form)
    return await _step(request, opened, alert_id, form, "actions", body)


@router.post("/alerts/{alert_id}/mistaken", dependencies=[permit(Right.ALERTS_WORK)])
async def mistaken(request: Request, alert_id: UUID, opened: Opened, form: Sent) -> Response:
    """One of two people says that the alert is mistaken."""
    return await _step(request, opened, alert_id, form, "mistaken", _told(form, "reference"))


@router.post("/alerts/{alert_id}/dropped-out", dependencies=[permit(Right.ALERTS_WORK)])
async def dropped_out(request: Request, alert_id: UUID, opened: Opened, form: Sent) -> Response:
    """The dropout is confirmed."""
    return await _step(request, opened, alert_id, form, "dropped-out", _told(form, "reference"))


@router.post("/alerts/{alert_id}/close", dependencies=[permit(Right.ALERTS_CLOSE)])
async def close(request: Request, alert_id: UUID, opened: Opened, form: Sent) -> Response:
    """Closed by a person on evidence."""
    body = {"reason": text(form, "reason"), "evidence": text(form, "evidence")}
    for name in ("receipt", "ends_on"):
        if value := text(form, name):
            body[name] = value
    return await _step(request, opened, alert_id, form, "close", body)


@router.post("/alerts/{alert_id}/reveal", dependencies=[permit(Right.ALERTS_WORK)])
async def reveal(request: Request, alert_id: UUID, opened: Opened, form: Sent) -> Response:
    """The same page with names and notes, once; who read them and why is recorded."""
    backends: Backends = request.app.state.backends
    path, body = f"/v1/alerts/{alert_id}/reveal", {"purpose": text(form, "purpose")}
    try:
        told = (await backends.post(opened.caller, "notifications", path, body, command_id=command_id(form))).body
    except Refused as refused:
        return await _page(request, opened, alert_id, form=form, step="reveal", refused=refused)
    return await _page(request, opened, alert_id, revealed=told)


async def _step(
    request: Request,
    opened: Opening,
    alert_id: UUID,
    form: FormData,
    step: str,
    body: dict[str, Any],
    otherwise: str = "",
) -> Response:
    """The step, and back to where its form stood: the case, or its row of the table."""
    backends: Backends = request.app.state.backends
    path = f"/v1/alerts/{alert_id}/{step}"
    try:
        await backends.post(opened.caller, "notifications", path, body, command_id=command_id(form))
    except (Refused, Malformed) as refused:
        if stood_on(form, [ALERTS]):
            return await table_again(request, opened, form, refused, [ALERTS], ["evidence", "ends_on"])
        return await _page(request, opened, alert_id, form=form, step=step, refused=refused)
    return back(form, step, otherwise or f"/alerts/{alert_id}")


async def _page(
    request: Request,
    opened: Opening,
    alert_id: UUID,
    *,
    form: FormData | None = None,
    step: str = "",
    refused: Refused | Malformed | None = None,
    revealed: Mapping[str, Any] | None = None,
) -> Response:
    shown = refusal_shown(opened, refused, _SHOWN_AGAIN)
    backends: Backends = request.app.state.backends
    rendering: Rendering = request.app.state.rendering
    try:
        told = (await backends.get(opened.caller, "notifications", f"/v1/alerts/{alert_id}")).body
    except BackendTrouble:
        if refused is not None:
            raise refused from None  # what was refused matters more than that the page cannot be shown beside it
        raise
    typed = {} if form is None else {name: text(form, name) for name in form if name != "form_token"}
    return rendering.page(
        request,
        opened,
        "case.html",
        told=told,
        alert=told["alert"],
        happened=[{**each, "sentence": sentence(each, opened.texts)} for each in told["happened"]],
        open_case=told["alert"]["state"] in ("open", "seen", "dropped_out"),
        of_child=bool(told["alert"]["student_id"] or told["alert"]["entry_id"]),
        may_act=opened.viewer.has(Right.ALERTS_WORK),
        roles_of_team=ROLES,
        step=step,
        typed=typed,
        ticked=[] if form is None else form.getlist("by"),
        **shown,
        revealed=revealed,
    )


def sentence(happened: Mapping[str, Any], texts: Texts) -> str:
    """What a fact of a case says, in words."""
    details, parts = happened["details"], [happened["text"]] if happened["text"] else []
    for name in _DETAILS:
        value = details.get(name)
        if value is None or (name == "times" and value < 2):
            continue
        if name == "by":
            shown = "、".join(texts.label("case_role", each) for each in value)
        elif name == "reason":
            shown = texts.label(_REASONS[happened["what"]], value)
        else:
            shown = texts.label(_VOCABULARIES[name], value) if name in _VOCABULARIES else str(value)
        plain = name in ("way", "outcome", "to", "agency", "action")
        parts.append(shown if plain else texts(f"case_detail.{name}", value=shown))
    return " · ".join(parts)


def _told(form: FormData, *names: str) -> dict[str, Any]:
    return {name: text(form, name) or None for name in names}


def _note(form: FormData) -> dict[str, str | None]:
    return {"note": long_text(form, "note", _NOTE_CHARACTERS) or None}
