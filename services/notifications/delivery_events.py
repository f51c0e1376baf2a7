"""What happened in delivery: who is reached by what, what they were told and have read, which systems listen.

A message says counts and kinds, never a name: it leaves the signed-in page. Addresses of people, and addresses and
secrets of receiving systems, stand in sealed blocks under a key of their own stream.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from shared.kernel.facts import Fact, Personal, fact

Topic = Literal[
    "alerts_raised",
    "alerts_ended",
    "cases_escalated",
    "channel_failing",
    "contacts_due",
    "reports_issued",
    "agencies_silent",
    "emergencies_taken",
    "emergencies_overdue",
]
Channel = Literal["email", "sms"]
Digest = Literal["at_once", "daily", "weekly"]
Decision = Literal["resend", "give_up"]


class ContactPersonal(Personal, frozen=True, kw_only=True):
    """Where a person is reached. ``person_id`` is the contact's stream."""

    email: str | None = None
    phone: str | None = None


@fact("notifications")
class ContactSet(Fact, frozen=True, kw_only=True):
    """How the event's principal wants to be reached about the school or the division they answer for. The inbox of the
    page always is; ``channels`` come besides. Hours are Shanghai's, ``quiet_from`` to ``quiet_to`` (half-open, over
    midnight when from > to; both None = never quiet). ``digest_hour`` and, for weekly, ``digest_weekday`` (0 = Monday)
    say when messages come together. ``urgent_breaks_quiet``: an escalation does not wait for the quiet hours' end."""

    division_code: str
    school_code: str | None
    channels: tuple[Channel, ...]
    digest: Digest
    digest_hour: int
    digest_weekday: int
    quiet_from: int | None
    quiet_to: int | None
    urgent_breaks_quiet: bool
    language: Literal["zh", "en"]
    personal: ContactPersonal | None


@fact("notifications")
class ContactEnded(Fact, frozen=True, kw_only=True):
    """Whose contact this is handed the post over by which they answered for its place: nothing is sent to them any
    more until they say anew how they want to be reached. ``handover_id``: of access."""

    division_code: str
    school_code: str | None
    handover_id: UUID


@fact("notifications")
class MessageComposed(Fact, frozen=True, kw_only=True):
    """A message to everyone at one place was fixed: what it tells no longer grows. ``counts``: of alerts by kind (for
    ``alerts_ended`` by reason, for escalations by level, for
    ``agencies_silent`` by list, for emergency access by kind of post); ``total`` their sum. ``opened_at`` and
    ``grew_at`` are when the first and the last of its causes were recorded. ``grade`` and ``class_name``: it is to one
    class of the school."""

    topic: Topic
    division_code: str
    school_code: str | None
    counts: dict[str, int]
    total: int
    opened_at: datetime
    grew_at: datetime
    first_cause: UUID
    last_cause: UUID
    stage: str | None = None
    grade: str | None = None
    class_name: str | None = None


@fact("notifications")
class MessageRead(Fact, frozen=True, kw_only=True):
    """The event's principal has read it: the receipt."""


@fact("notifications")
class ChatLinkOpened(Fact, frozen=True, kw_only=True):
    """The event's principal followed the link of a text for a chat group, after signing in."""

    link_id: UUID


class WebhookPersonal(Personal, frozen=True, kw_only=True):
    """Where a system listens and the secret it was given: both sealed, an address may carry a token."""

    url: str
    secret: str


@fact("notifications")
class WebhookRegistered(Fact, frozen=True, kw_only=True):
    """A system is told the messages to one place from now on. ``host`` is shown; ``topics`` empty = all."""

    division_code: str
    school_code: str | None
    host: str
    topics: tuple[Topic, ...]
    personal: WebhookPersonal | None


@fact("notifications")
class WebhookSecretRotated(Fact, frozen=True, kw_only=True):
    """It got a new secret; the one before stays valid until ``former_valid_until``."""

    former_valid_until: datetime
    personal: WebhookPersonal | None


@fact("notifications")
class WebhookDisabled(Fact, frozen=True, kw_only=True):
    """Nothing is sent there any more: it failed for days (``failing``), said it is gone, or a person decided so."""

    reason: Literal["failing", "gone", "by_person"]


@fact("notifications")
class WebhookEnabled(Fact, frozen=True, kw_only=True):
    """A person let it receive again."""


@fact("notifications")
class DeliveryDecided(Fact, frozen=True, kw_only=True):
    """A person looked at a delivery that could not be made and had it sent again, or gave it up."""

    delivery_id: UUID
    channel: Literal["email", "sms", "webhook"]
    decision: Decision
