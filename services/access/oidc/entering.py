"""A callback becomes a session, on the same path as a password: the same counting, codes, closings and events.

An identity that belongs to no account opens nothing, whatever name or e-mail address it shows, unless an administrator
told it of one account beforehand.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import structlog
from sqlalchemy import Connection

from services.access.desk import Desk, Raw, day_of, lock_account
from services.access.domain import Account
from services.access.errors import (
    AccountIsClosed,
    CodeNeeded,
    FlowOver,
    IdentityUnlinked,
    IssuerRefused,
    SignInFailed,
    TooManyAttempts,
    WrongCode,
)
from services.access.events import IdentityLinked, IdentityPersonal
from services.access.oidc import flows, identities
from services.access.oidc.id_token import Identity
from services.access.oidc.identities import Linked
from services.access.oidc.office import Begun, Callback, Office
from services.access.second_factors import second_factor
from services.access.sessions import lockout
from services.access.sessions.lockout import Subjects
from services.access.sessions.session_desk import own_command
from services.access.sessions.sessions import ISSUER_FACTOR, ONE_TIME_CODE
from services.access.sessions.sign_in import (
    OIDC,
    PRINCIPAL,
    Known,
    Origin,
    SignedInAs,
    Way,
    enter,
    known_by,
    refuse,
)
from shared.database.database import driver
from shared.eventsourcing.store import Proposed

log = structlog.get_logger(__name__)


def begin(office: Office, origin: Origin, now: datetime, account_id: UUID | None = None) -> Begun:
    """Send a browser to the issuer; ``account_id``: to link who comes back. Raises OidcOff, IssuerUnreachable, Busy."""
    party, desk = office.asked, office.desk
    party.check_ready()
    with desk.database.writing() as connection:
        secret = flows.begun(driver(connection), desk.streams.address(origin.address), account_id, now)
    promise = flows.promise_of(desk.streams, secret)
    return Begun(party.address(state=promise.state, nonce=promise.nonce, challenge=promise.challenge), secret)


def finish(office: Office, secret: str, callback: Callback, origin: Origin, now: datetime) -> SignedInAs:
    """Open a session. Raises OidcOff, FlowOver, IssuerRefused, IssuerUnreachable, IdentityUnlinked, AccountIsClosed,
    CodeNeeded (then a code is awaited), TooManyAttempts."""
    desk = office.desk
    identity = shown(office, secret, callback, origin, now)
    linked = _linked(desk, identity, now)
    if linked is None:
        _turn_away(desk, identity, origin, now)
        raise IdentityUnlinked(identity.subject)
    subjects, known = _looked_at(desk, linked, origin, now)
    factor = bool(identity.shown & office.asked.configuration.second_factors)
    if not factor and _awaits_code(desk, linked, subjects, secret):
        raise CodeNeeded
    means = (OIDC, ISSUER_FACTOR) if factor else (OIDC,)
    return enter(desk, known, subjects, Way(means, origin, lambda raw: _check_linked(raw, linked)), now)


def finish_with_code(office: Office, secret: str, code: str, origin: Origin, now: datetime) -> SignedInAs:
    """Open the session that waits for a code in this browser. Raises OidcOff, FlowOver, WrongCode, AccountIsClosed,
    TooManyAttempts."""
    desk = office.desk
    _ = office.asked
    with desk.database.writing() as connection:
        raw = driver(connection)
        linked = identities.by_id(raw, flows.waiting(raw, secret, now))
    if linked is None:
        raise FlowOver
    subjects, known = _looked_at(desk, linked, origin, now)
    with desk.database.writing() as connection:
        raw = driver(connection)
        refused = lockout.refused_before(raw, subjects)
        right = second_factor.taken(raw, desk.streams, linked.account_id, code, now)
    if not right:
        refuse(desk, known, "wrong_code", origin, refused, now)
        raise WrongCode("验证码不正确", "The code is wrong")

    def still(raw: Raw) -> None:
        flows.code_came(raw, secret)
        _check_linked(raw, linked)

    return enter(desk, known, subjects, Way((OIDC, ONE_TIME_CODE), origin, still), now)


def shown(
    office: Office, secret: str, callback: Callback, origin: Origin, now: datetime, account_id: UUID | None = None
) -> Identity:
    """Who came back to the browser that holds ``secret``; ``account_id``: where it was begun to link an identity to
    this account. Raises OidcOff, FlowOver, IssuerRefused, IssuerUnreachable."""
    party, desk = office.asked, office.desk
    with desk.database.writing() as connection:
        owner = flows.taken(driver(connection), desk.streams, secret, callback.state, now)
    if owner != account_id:
        raise FlowOver
    promise = flows.promise_of(desk.streams, secret)
    try:
        party.check_issuer(callback.issuer)
        if callback.error is None and callback.code:
            return party.identity(callback.code, verifier=promise.verifier, nonce=promise.nonce, now=now)
    except IssuerRefused as refused:
        log.warning("oidc_refused", reason=refused.reason)
        _record_refusal(desk, origin, now)
        raise
    raise IssuerRefused("answered_no")  # somebody thought better of it: nothing was looked at


def _linked(desk: Desk, identity: Identity, now: datetime) -> Linked | None:
    """The account's identity, linked now if an administrator told it beforehand."""
    subject = desk.streams.identity(identity.issuer, identity.subject)
    with desk.database.writing() as connection:
        raw = driver(connection)
        found = identities.of_subject(raw, subject)
        awaited = identities.announced(raw, desk.streams, identity, now) if found is None else None
    if awaited is None:
        return found

    def decide(connection: Connection) -> Sequence[Proposed]:
        raw = driver(connection)
        lock_account(raw, awaited.account_id, alone=True)
        account = desk.account(connection, awaited.account_id)
        if account.closed or not identities.link_announced(raw, awaited.identity_id, subject, now):
            raise FlowOver  # taken back, or somebody came at this very moment
        return [Proposed(awaited.account_id, account.version, linked_fact(account, awaited, identity), day_of(now))]

    desk.store.run(desk.database, own_command(), decide)
    return awaited


def linked_fact(account: Account, linked: Linked, identity: Identity) -> IdentityLinked:
    """That who was announced has come."""
    return IdentityLinked(
        account_id=linked.account_id,
        identity_id=linked.identity_id,
        issuer=identity.issuer,
        division_code=account.division_code,
        school_code=account.school_code,
        by=PRINCIPAL,
        personal=IdentityPersonal(person_id=linked.account_id, told=identity.subject),
    )


def _looked_at(desk: Desk, linked: Linked, origin: Origin, now: datetime) -> tuple[Subjects, Known]:
    """Count the attempt and look at the account. Raises TooManyAttempts, AccountIsClosed, FlowOver."""
    subjects = Subjects(linked.login, desk.streams.address(origin.address))
    with desk.database.writing() as connection:
        raw = driver(connection)
        wait = lockout.taken(raw, subjects, now)
        known, refused = known_by(raw, subjects.login), lockout.refused_before(raw, subjects)
    if wait:
        raise TooManyAttempts(wait)
    if known is None:
        raise FlowOver
    if known.closed:
        refuse(desk, known, "closed", origin, refused, now)
        raise AccountIsClosed("账号已停用,请联系账号管理员", "The account is closed; ask the account administrator")
    return subjects, known


def _awaits_code(desk: Desk, linked: Linked, subjects: Subjects, secret: str) -> bool:
    """Whether the account signs in with a code as well; then one is awaited, and the attempt was no mistake."""
    with desk.database.writing() as connection:
        raw = driver(connection)
        if not second_factor.needed(raw, linked.account_id):
            return False
        flows.wait_for_code(raw, secret, linked.identity_id)
        lockout.uncounted(raw, subjects)
        return True


def _turn_away(desk: Desk, identity: Identity, origin: Origin, now: datetime) -> None:
    """Record somebody without an account; counted, so that trying again and again costs no events, and apart from
    passwords, because on the first day a whole school presses the button from one address. Raises TooManyAttempts."""
    who = desk.streams.identity(identity.issuer, identity.subject)
    subjects = Subjects(who, desk.streams.address(f"unlinked {origin.address}"))
    with desk.database.writing() as connection:
        raw = driver(connection)
        wait, refused = lockout.taken(raw, subjects, now), lockout.refused_before(raw, subjects)
    if wait:
        raise TooManyAttempts(wait)
    refuse(desk, None, "identity_unlinked", origin, refused, now)


def _record_refusal(desk: Desk, origin: Origin, now: datetime) -> None:
    """Record what the issuer or we refused: the first times, then less and less often, and apart from passwords, which
    are what people fall back on when the issuer's clock is wrong."""
    subjects = Subjects(*(desk.streams.address(f"{counted} {origin.address}") for counted in ("refused", "issuer")))
    with desk.database.writing() as connection:
        raw = driver(connection)
        wait, refused = lockout.taken(raw, subjects, now), lockout.refused_before(raw, subjects)
    if not wait:
        refuse(desk, None, "issuer_refused", origin, refused, now)


def _check_linked(raw: Raw, linked: Linked) -> None:
    """Raises SignInFailed when it was unlinked at this very moment."""
    if identities.by_id(raw, linked.identity_id) is None:
        raise SignInFailed
