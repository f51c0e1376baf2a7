"""The parts of delivery that notifications' wiring puts into the service."""

from __future__ import annotations

import os
from collections.abc import Mapping

from fastapi import APIRouter

from services.notifications.delivery import (
    chat_api,
    contact_api,
    delivery_api,
    delivery_store,
    message_api,
    message_store,
    receivers,
)
from services.notifications.delivery.desk import Desk
from services.notifications.delivery.sending import Sender, Ways
from shared.hosting.service import Worker
from shared.outgoing.addresses import Gate
from shared.outgoing.mail import MailServer
from shared.outgoing.sms import SmsGateway

STEPS = (*message_store.STEPS, *receivers.STEPS, *delivery_store.STEPS)


def ways_from(environ: Mapping[str, str] | None = None) -> Ways:
    """How things leave this installation, from its environment (docs/operate.md). Raises ValueError."""
    env = os.environ if environ is None else environ
    allowed = frozenset(each.strip() for each in env.get("ROLLCALL_OUTGOING_ALLOWED", "").split(",") if each.strip())
    page = env.get("ROLLCALL_PAGE_URL") or f"http://127.0.0.1:{env.get('ROLLCALL_PORT', '8000')}"
    return Ways(Gate(allowed), MailServer.from_environment(env), page.rstrip("/"), SmsGateway.from_environment(env))


def routers(desk: Desk, ways: Ways) -> tuple[APIRouter, ...]:
    """Every route of delivery."""
    return (
        message_api.router(desk),
        contact_api.router(desk, sms=ways.sms is not None),
        delivery_api.router(desk, ways.gate),
        chat_api.router(desk, ways.page),
    )


def workers(desk: Desk, ways: Ways) -> tuple[Worker, ...]:
    """The loop that sends."""
    return (Worker("delivery", Sender(desk, ways).run),)
