"""How a person is reached: set by that person alone, for the place their own token covers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from uuid import UUID

from msgspec.structs import asdict
from sqlalchemy import Connection

from services.notifications.delivery import receivers
from services.notifications.delivery.desk import Desk
from services.notifications.delivery.places import Place
from services.notifications.delivery.timing import Habits
from services.notifications.delivery_errors import AddressUnfit
from services.notifications.delivery_events import ContactSet
from shared.eventsourcing.store import Command, Proposed, Result, Stored
from shared.kernel.clock import utc_now
from shared.kernel.masking import mask_phone
from shared.web.entity_tags import Stale

EMAIL = re.compile(r"[A-Za-z0-9._%+\-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.\-]{0,200}[A-Za-z0-9])?\.[A-Za-z]{2,24}")

PHONE = re.compile(r"1[3-9][0-9]{9}|\+[1-9][0-9]{7,14}")


def set_contact(desk: Desk, place: Place, fact: ContactSet, command: Command, version: int | None, now: date) -> Result:
    """Keep how the command's principal is reached. ``version``: the one they changed, None = any. Raises AddressUnfit,
    Stale, CommandReused."""
    check(fact)
    stream = desk.streams.contact(command.principal)

    def decide(_connection: Connection, stored: Sequence[Stored]) -> Sequence[Proposed]:
        _must_be(version, len(stored))
        return [Proposed(stream, len(stored), fact, now)]

    def then(raw: receivers.Raw) -> None:
        receivers.keep(
            raw,
            stream,
            "contact",
            place,
            command.principal,
            fact.channels,
            set_at=utc_now(),
            habits=habits_of(fact),
            language=fact.language,
            shown=_masked(fact),
        )

    return desk.settle(stream, command, decide, then)


def check(fact: ContactSet) -> None:
    """Raises AddressUnfit for an address nothing can be sent to, or a channel without one."""
    email = fact.personal.email if fact.personal else None
    if email and EMAIL.fullmatch(email) is None:
        raise AddressUnfit("email", "邮箱地址格式不正确", "This is no e-mail address")
    if "email" in fact.channels and not email:
        raise AddressUnfit("email", "选择了邮件,请填写邮箱", "E-mail is chosen: give an address")
    phone = fact.personal.phone if fact.personal else None
    if phone and PHONE.fullmatch(phone) is None:
        raise AddressUnfit("phone", "手机号格式不正确", "This is no mobile number")
    if "sms" in fact.channels and not phone:
        raise AddressUnfit("phone", "选择了短信,请填写手机号", "SMS is chosen: give a mobile number")


def contact_of(desk: Desk, connection: Connection, contact_id: UUID) -> tuple[ContactSet | None, int]:
    """How this person is reached, addresses opened, and the version that says so."""
    stored = desk.store.load(connection, contact_id, personal=True)
    fact = stored[-1].fact if stored else None
    return (fact if isinstance(fact, ContactSet) else None), len(stored)


def habits_of(fact: ContactSet) -> Habits:
    """When this person may be sent something."""
    told = asdict(fact)
    return Habits(**{name: told[name] for name in Habits.__dataclass_fields__})


def mask_email(email: str) -> str:
    """The first character and the host stay."""
    name, _, host = email.partition("@")
    return f"{name[:1]}***@{host}"


def _masked(fact: ContactSet) -> dict[str, str]:
    shown = {}
    if fact.personal is not None and fact.personal.email:
        shown["email"] = mask_email(fact.personal.email)
    if fact.personal is not None and fact.personal.phone:
        shown["phone"] = mask_phone(fact.personal.phone)
    return shown


def _must_be(expected: int | None, actual: int) -> None:
    if expected is not None and expected != actual:
        raise Stale(expected, actual)
