"""What could not be delivered, and receiving systems: why, send again or give up; register, switch, renew a secret."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from services.portal.backends import Backends, Refused
from services.portal.forms import Sent, command_id, refusal_shown, text
from services.portal.rendering import Rendering
from services.portal.session import Opening, opening, permit
from shared.kernel.refusals import NotFound
from shared.standards.rights import Right

router = APIRouter(include_in_schema=False)
Opened = Annotated[Opening, Depends(opening)]
TOPICS = (
    *("alerts_raised", "alerts_ended", "cases_escalated", "channel_failing"),
    *("contacts_due", "reports_issued", "agencies_silent"),
    *("emergencies_taken", "emergencies_overdue"),
)
_SHOWN_AGAIN = (409, 422)  # refusals after which the person goes on on the same page


@router.get("/deliveries", dependencies=[permit(Right.DELIVERIES_KEEP)])
async def deliveries(request: Request, opened: Opened) -> Response:
    """What waits for a decision, and who listens."""
    return await _page(request, opened)


@router.post("/deliveries/{delivery_id}/decide", dependencies=[permit(Right.DELIVERIES_KEEP)])
async def decide(request: Request, delivery_id: UUID, opened: Opened, form: Sent) -> Response:
    """Send it again, or give it up."""
    path, body = f"/v1/deliveries/{delivery_id}/decide", {"decision": text(form, "decision")}
    return await _done(request, opened, path, body, command_id(form))


@router.get("/deliveries/webhooks")
@router.get("/deliveries/webhooks/{rest:path}")
async def webhooks_address() -> Response:
    """Where a reload after a registration or a test comes to: the secret is not shown again."""
    return RedirectResponse("/deliveries", 303)


@router.post("/deliveries/webhooks", dependencies=[permit(Right.DELIVERIES_KEEP)])
async def register(request: Request, opened: Opened, form: Sent) -> Response:
    """Register a receiving system; its secret is shown in this answer and never again."""
    chosen = [topic for topic in TOPICS if topic in form.getlist("topics")]
    if not chosen:
        return await _page(request, opened, complaint=opened.texts("deliveries.no_topic"))
    body = {"url": text(form, "url"), "topics": [] if len(chosen) == len(TOPICS) else chosen}
    return await _done(request, opened, "/v1/webhooks", body, command_id(form), shows=True)


@router.post("/deliveries/webhooks/{webhook_id}/ping", dependencies=[permit(Right.DELIVERIES_KEEP)])
async def ping(request: Request, webhook_id: UUID, opened: Opened, form: Sent) -> Response:
    """Send it a test event and say how that went."""
    backends: Backends = request.app.state.backends
    path = f"/v1/webhooks/{webhook_id}/ping"
    answer = await backends.post(opened.caller, "notifications", path, command_id=command_id(form))
    problem = answer.body["problem"]
    said = opened.texts.label("delivery_problem", problem) if problem else ""
    return await _page(request, opened, pinged=opened.texts("deliveries.ping_failed", why=said) if problem else "ok")


@router.post("/deliveries/webhooks/{webhook_id}/{act}", dependencies=[permit(Right.DELIVERIES_KEEP)])
async def change(request: Request, webhook_id: UUID, act: str, opened: Opened, form: Sent) -> Response:
    """Renew its secret, let it receive again, or no longer."""
    if act not in ("rotate", "enable", "disable"):
        raise NotFound("没有这个页面", "No such page")
    path = f"/v1/webhooks/{webhook_id}/{'rotate' if act == 'rotate' else 'switch'}"
    body = None if act == "rotate" else {"active": act == "enable"}
    return await _done(request, opened, path, body, command_id(form), shows=act == "rotate")


async def _done(
    request: Request, opened: Opening, path: str, body: Any, command: str, *, shows: bool = False
) -> Response:
    backends: Backends = request.app.state.backends
    try:
        answer = await backends.post(opened.caller, "notifications", path, body, command_id=command)
    except Refused as refused:
        return await _page(request, opened, refused=refused)
    if shows:
        return await _page(request, opened, secret=answer.body["secret"])
    return RedirectResponse("/deliveries", 303)


async def _page(
    request: Request,
    opened: Opening,
    *,
    secret: str = "",
    refused: Refused | None = None,
    complaint: str = "",
    pinged: str = "",
) -> Response:
    shown = refusal_shown(opened, refused, _SHOWN_AGAIN)
    backends: Backends = request.app.state.backends
    rendering: Rendering = request.app.state.rendering
    failed = await backends.get(opened.caller, "notifications", "/v1/deliveries/failed")
    webhooks = await backends.get(opened.caller, "notifications", "/v1/webhooks")
    return rendering.page(
        request,
        opened,
        "deliveries.html",
        failed=failed.body,
        webhooks=webhooks.body,
        secret=secret,
        pinged=pinged,
        topics=TOPICS,
        **(shown | {"complaint": shown["complaint"] or complaint}),
    )
