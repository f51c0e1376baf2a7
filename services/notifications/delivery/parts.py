"""The parts of delivery that notifications' wiring puts into the service."""

from __future__ import annotations

from fastapi import APIRouter

from services.notifications.delivery import contact_api, message_api, message_store, receivers
from services.notifications.delivery.desk import Desk

STEPS = (*message_store.STEPS, *receivers.STEPS)


def routers(desk: Desk) -> tuple[APIRouter, ...]:
    """Every route of delivery."""
    return message_api.router(desk), contact_api.router(desk)
