"""The names of notifications' streams, keyed so that the same thing always has the same one (invariant 4)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection, text

from services.notifications.events import AlertKind
from shared.kernel.identifiers import keyed_id

CASE_PLAN, ALERT_RULES = "case-plan", "alert-rules"
# Streams share so many locks: a storm that ends or escalates 100,000 alerts in one transaction would need more than the
# server's table of locks holds (6,400 as it comes). Two streams that share one only wait for each other.
LOCKS = 2_048
_LOCK_CLASS = 0x63617365 << 16
_LOCK_STREAMS = text("SELECT pg_advisory_xact_lock(k) FROM unnest(CAST(:keys AS bigint[])) AS k ORDER BY k")


@dataclass(frozen=True)
class Streams:
    """``key`` is the service's HMAC key."""

    key: bytes

    def alert(self, kind: AlertKind, child: UUID) -> UUID:
        """One stream per (kind, child): a second open alert has nowhere to be. ``child`` is a student of the register,
        or the person a list row is about."""
        return keyed_id(self.key, "alert", kind, str(child))

    def silent_class(self, school_code: str, subject: str) -> UUID:
        """The alert about a class that is silent."""
        return self.alert("class_silent", keyed_id(self.key, "class", school_code, subject))

    def document(self, principal: str, command_id: UUID) -> UUID:
        """A document of absence is named by the command that told it: papers carry no number of their own."""
        return keyed_id(self.key, "absence document", principal, str(command_id))

    @property
    def alert_rules(self) -> UUID:
        """The stream of the alert rules' versions, the one its seed is planted in."""
        return keyed_id(self.key, "configuration", ALERT_RULES)

    @property
    def case_plan(self) -> UUID:
        """The stream of the case plan's versions, the one its seed is planted in."""
        return keyed_id(self.key, "configuration", CASE_PLAN)

    def reads(self, viewer: str) -> UUID:
        """A reader's access record: the notes of cases and the names of teams they opened."""
        return keyed_id(self.key, "case-reads", viewer)

    def report(self, level: str, place: str, period: str, period_name: str) -> UUID:
        """The report of a place and a period; its editions follow each other in it."""
        return keyed_id(self.key, "report", level, place, period, period_name)

    def contact(self, principal: str) -> UUID:
        """How one person is reached."""
        return keyed_id(self.key, "contact", principal)

    def message(self, topic: str, place: str, first_cause: UUID) -> UUID:
        """A message to one place, named by what opened it."""
        return keyed_id(self.key, "message", topic, place, str(first_cause))

    def chat_link(self, link_id: UUID, principal: str) -> UUID:
        """One person's way through one link of a chat group."""
        return keyed_id(self.key, "chat-link", str(link_id), principal)

    def webhook(self, principal: str, command_id: UUID) -> UUID:
        """A receiving system, named by the command that registered it."""
        return keyed_id(self.key, "webhook", principal, str(command_id))

    def delivery(self, *parts: str) -> UUID:
        """One delivery: the id its receiver sees again when it is repeated."""
        return keyed_id(self.key, "delivery", *parts)

    def lock(self, connection: Connection, stream_ids: Iterable[UUID]) -> None:
        """Hold these streams until the transaction ends. The policy and a person who closes an alert both take it, so
        that neither has to be tried again."""
        keys = sorted({_LOCK_CLASS + stream_id.int % LOCKS for stream_id in stream_ids})
        if keys:
            connection.execute(_LOCK_STREAMS, {"keys": keys})
