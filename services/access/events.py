"""What happened in access. Names, login names and addresses stand in personal blocks, under the account's own key.

``account_id`` is the account's stream, ``post_id`` the post's, ``session_id`` the session's; ``by`` is the account that
did it, or ``system:…``. ``division_code`` and ``school_code`` say who may see a fact: the place an account is managed
at, or the place of a post.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Literal
from uuid import UUID

from services.access.handover_events import HandoverClosed as HandoverClosed
from services.access.handover_events import HandoverItemsListed as HandoverItemsListed
from services.access.handover_events import HandoverOpened as HandoverOpened
from services.access.handover_events import HandoverSigned as HandoverSigned
from shared.kernel.acts import ExportedFields, RefusedFields
from shared.kernel.facts import Fact, Personal, fact

SignInFailure = Literal[
    "unknown_login", "wrong_password", "wrong_code", "closed", "identity_unlinked", "issuer_refused",
]  # fmt: skip
SessionEnd = Literal[
    "signed_out", "signed_out_everywhere", "password_changed", "password_reset", "account_closed", "post_changed",
    "post_lost", "identity_unlinked",
]  # fmt: skip

REVIEW_WITHIN = timedelta(days=3)  # of an emergency access: a weekend may lie between; later nobody remembers the hurry


class AccountPersonal(Personal, frozen=True, kw_only=True):
    """Whose account it is. ``login``: what is typed at sign-in, lower case."""

    login: str
    name: str


class IdentityPersonal(Personal, frozen=True, kw_only=True):
    """As an issuer knows somebody: the subject, or the e-mail address that was told beforehand."""

    told: str


class Whereabouts(Personal, frozen=True, kw_only=True):
    """From which network address somebody came. ``agent``: what the browser calls itself, cut at 200 characters."""

    address: str
    agent: str | None = None


@fact("access")
class DayOpened(Fact, frozen=True, kw_only=True):
    """A day began in Asia/Shanghai: delegations that end on it have ended."""

    day: date


@fact("access")
class AccountOpened(Fact, frozen=True, kw_only=True):
    """Somebody has an account, managed at a division or at a school of it."""

    account_id: UUID
    division_code: str
    school_code: str | None = None
    by: str
    personal: AccountPersonal | None


@fact("access")
class AccountClosed(Fact, frozen=True, kw_only=True):
    """The account signs in no more."""

    account_id: UUID
    by: str
    reason: str


@fact("access")
class PasswordReset(Fact, frozen=True, kw_only=True):
    """The next level up gave a password that is good once and must be changed. Every session ended."""

    account_id: UUID
    by: str


@fact("access")
class PasswordChanged(Fact, frozen=True, kw_only=True):
    """The holder chose another password. Every other session ended."""

    account_id: UUID


@fact("access")
class SecondFactorSet(Fact, frozen=True, kw_only=True):
    """From now on the account signs in with a code beside the password."""

    account_id: UUID


@fact("access")
class SecondFactorRemoved(Fact, frozen=True, kw_only=True):
    """With the password alone again: by the holder, or with a reset."""

    account_id: UUID
    by: str


@fact("access")
class IdentityAnnounced(Fact, frozen=True, kw_only=True):
    """Who comes from the issuer with this ``sub`` or verified ``email`` before the moment ``until`` is the account's
    holder: an administrator said so."""

    account_id: UUID
    identity_id: UUID
    issuer: str
    claim: Literal["sub", "email"]
    until: datetime
    division_code: str
    school_code: str | None = None
    by: str
    personal: IdentityPersonal | None


@fact("access")
class IdentityLinked(Fact, frozen=True, kw_only=True):
    """Who signs in at the issuer as this subject signs in here as the account. ``by``: its holder, with the password,
    or ``system:sign-in`` when the identity was announced and came."""

    account_id: UUID
    identity_id: UUID
    issuer: str
    division_code: str
    school_code: str | None = None
    by: str
    personal: IdentityPersonal | None


@fact("access")
class IdentityUnlinked(Fact, frozen=True, kw_only=True):
    """The identity, linked or only announced, opens the account no more; sessions it opened have ended."""

    account_id: UUID
    identity_id: UUID
    by: str


@fact("access")
class PostEstablished(Fact, frozen=True, kw_only=True):
    """There is a post: what it may do follows from ``kind``, where from the rest. ``school_class``: stage/grade/class
    as in ``primary/5/1``."""

    post_id: UUID
    kind: str
    division_code: str
    school_code: str | None = None
    school_class: str | None = None
    agency: str | None = None
    by: str


@fact("access")
class PostFilled(Fact, frozen=True, kw_only=True):
    """An account holds the post from now on, alone; not before the day ``begins_on``, and until the day ``until``
    begins, where these are told."""

    post_id: UUID
    account_id: UUID
    by: str
    begins_on: date | None = None
    until: date | None = None


@fact("access")
class PostTenureChanged(Fact, frozen=True, kw_only=True):
    """Its holder holds the post from and until other days than told before."""

    post_id: UUID
    account_id: UUID
    begins_on: date | None
    until: date | None
    by: str


@fact("access")
class PostVacated(Fact, frozen=True, kw_only=True):
    """Its holder holds it no more; what was delegated of it has ended before."""

    post_id: UUID
    account_id: UUID
    by: str
    reason: str


@fact("access")
class PostClosed(Fact, frozen=True, kw_only=True):
    """Nobody will hold the post again."""

    post_id: UUID
    by: str


@fact("access")
class PostDelegated(Fact, frozen=True, kw_only=True):
    """Another account acts in the post beside its holder, until the day ``until`` begins."""

    post_id: UUID
    delegation_id: UUID
    account_id: UUID
    until: date
    division_code: str
    school_code: str | None = None
    by: str


@fact("access")
class DelegationEnded(Fact, frozen=True, kw_only=True):
    """It ended before its day."""

    post_id: UUID
    delegation_id: UUID
    account_id: UUID
    by: str


@fact("access")
class StaffListImported(Fact, frozen=True, kw_only=True):
    """A list of people and their posts was taken in whole. ``opened``: accounts; the others count rows."""

    import_id: UUID
    rows: int
    opened: int
    added: int
    changed: int
    unchanged: int
    rejected: int
    division_code: str
    school_code: str | None = None
    by: str


@fact("access")
class StartPasswordsHandedOut(Fact, frozen=True, kw_only=True):
    """So many people of an import got a password that is good once; those given to them before are good no more."""

    import_id: UUID
    accounts: int
    division_code: str
    school_code: str | None = None
    by: str


@fact("access")
class SignedIn(Fact, frozen=True, kw_only=True):
    """``means``: password, oidc, one_time_code, issuer_second_factor. ``new_address``, ``new_device``: the account was
    never seen there, or with such a browser, before; ``at_night``: outside the county's working hours;
    ``refused_before``: attempts refused since the one before; ``addresses_at_once``: from how many addresses it is
    signed in now."""

    account_id: UUID
    session_id: UUID
    means: tuple[str, ...]
    new_address: bool
    at_night: bool
    refused_before: int
    division_code: str
    school_code: str | None = None
    new_device: bool = False
    addresses_at_once: int = 1
    personal: Whereabouts | None


@fact("access")
class SignInRefused(Fact, frozen=True, kw_only=True):
    """A password, or who came from the issuer, was looked at and refused. ``account_id`` None: no account has that
    login name or identity. Attempts that came
    while others were still to be waited for were not looked at; ``refused_before`` counts them."""

    account_id: UUID | None
    reason: SignInFailure
    refused_before: int
    division_code: str | None = None
    school_code: str | None = None
    personal: Whereabouts | None


@fact("access")
class PostChosen(Fact, frozen=True, kw_only=True):
    """A session acts in this post from now on."""

    account_id: UUID
    session_id: UUID
    post_id: UUID
    delegation_id: UUID | None = None


@fact("access")
class SessionEnded(Fact, frozen=True, kw_only=True):
    """The session's tokens are refused everywhere."""

    account_id: UUID
    session_id: UUID
    reason: SessionEnd


@fact("access")
class AgencyKeyIssued(Fact, frozen=True, kw_only=True):
    """A machine of an agency has a key until the day ``until`` begins. ``label``: which machine."""

    key_id: UUID
    agency: str
    label: str
    until: date
    division_code: str
    by: str


@fact("access")
class AgencyKeyRotated(Fact, frozen=True, kw_only=True):
    """Another key takes its place: this one is good until the moment ``valid_until``, for its machine to change."""

    key_id: UUID
    replaced_by: UUID
    agency: str
    valid_until: datetime
    division_code: str
    by: str


@fact("access")
class AgencyKeyRevoked(Fact, frozen=True, kw_only=True):
    """The key and what it was exchanged for are refused from now on."""

    key_id: UUID
    agency: str
    division_code: str
    by: str


@fact("access")
class EmergencyAccessTaken(Fact, frozen=True, kw_only=True):
    """Somebody acts in a post that is not theirs until the moment ``until``, and says why. ``post_id``: the post they
    hold; the rest tells the one they act in."""

    emergency_id: UUID
    account_id: UUID
    session_id: UUID
    post_id: UUID
    kind: str
    division_code: str
    school_code: str | None = None
    school_class: str | None = None
    until: datetime
    reason: str


@fact("access")
class EmergencyAccessEnded(Fact, frozen=True, kw_only=True):
    """It ended before its time: given back, or with the session or the post beneath it."""

    emergency_id: UUID
    account_id: UUID
    session_id: UUID
    division_code: str
    school_code: str | None = None


@fact("access")
class EmergencyAccessReviewed(Fact, frozen=True, kw_only=True):
    """Another person has looked at it."""

    emergency_id: UUID
    account_id: UUID
    justified: bool
    note: str
    by: str


@fact("access")
class AccessRefused(RefusedFields, frozen=True, kw_only=True):
    """Somebody was refused something here, as often as it happened within one minute."""


@fact("access")
class DataExported(ExportedFields, frozen=True, kw_only=True):
    """Somebody takes a file away."""
