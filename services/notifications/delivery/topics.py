"""Whose message it is: what a topic is about has a right that shows it, and who does not hold it is not told."""

from __future__ import annotations

from collections.abc import Mapping, Set

from services.notifications.delivery_events import Topic
from shared.standards.rights import Right

NEEDS: Mapping[Topic, Right] = {
    "alerts_raised": Right.ALERTS_READ,
    "alerts_ended": Right.ALERTS_READ,
    "cases_escalated": Right.ALERTS_READ,
    "channel_failing": Right.MESSAGES_READ,
    "contacts_due": Right.ALERTS_READ,
    "reports_issued": Right.REPORTS_READ,
    "agencies_silent": Right.FRESHNESS_READ,
    "emergencies_taken": Right.EMERGENCY_REVIEW,
    "emergencies_overdue": Right.EMERGENCY_REVIEW,
}


def topics_of(rights: Set[Right]) -> list[Topic]:
    """The topics that concern who holds these rights."""
    return [topic for topic, needed in NEEDS.items() if needed in rights]
