"""How long somebody waits after wrong passwords: longer with each, per login name and per address, never for ever.

Names that no account has are counted like others, so waiting tells nothing. While one waits nothing is looked at, so a
flood costs neither hashing nor events.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, NamedTuple

import psycopg

FREE_BY_LOGIN = 4  # mistakes nobody waits for
FREE_BY_ADDRESS = 30  # a school's computers share one address
FIRST_WAIT_SECONDS = 5
LONGEST_WAIT_SECONDS = 15 * 60
FORGOTTEN_AFTER = timedelta(hours=24)

_READ = """
SELECT subject, failures, last_at FROM access_attempts WHERE subject = ANY(%s) ORDER BY subject FOR UPDATE
"""
_COUNTED = """
INSERT INTO access_attempts AS a (subject, failures, last_at)
SELECT subject, 1, %(now)s FROM unnest(%(subjects)s::bytea[]) AS subject ORDER BY subject
ON CONFLICT (subject) DO UPDATE
SET failures = CASE WHEN a.last_at < %(forgotten)s THEN 1 ELSE a.failures + 1 END, last_at = %(now)s
"""
_UNLOOKED = "UPDATE access_attempts SET unlooked = unlooked + 1 WHERE subject = %s"
_REFUSED = "SELECT failures + unlooked FROM access_attempts WHERE subject = %s"
_CLEAR = "DELETE FROM access_attempts WHERE subject = %s RETURNING failures + unlooked"
_UNCOUNT = "UPDATE access_attempts SET failures = greatest(failures - 1, 0) WHERE subject = %s"


class Subjects(NamedTuple):
    """Whose attempts are counted, as keyed digests."""

    login: bytes
    address: bytes


def wait_seconds(failures: int, free: int) -> int:
    """How long one waits after so many failures."""
    over = failures - free
    return 0 if over <= 0 else int(min(FIRST_WAIT_SECONDS * 2.0 ** min(over - 1, 20), LONGEST_WAIT_SECONDS))


def taken(raw: psycopg.Connection[Any], subjects: Subjects, now: datetime) -> int:
    """Take an attempt: 0, and it is counted before it is looked at, so that many at once are no more than one after the
    other; or the seconds until one is looked at again."""
    left = 0.0
    for subject, failures, last_at in raw.execute(_READ, (list(subjects),)).fetchall():
        if now - last_at > FORGOTTEN_AFTER:
            continue
        free = FREE_BY_LOGIN if bytes(subject) == subjects.login else FREE_BY_ADDRESS
        left = max(left, wait_seconds(failures, free) - (now - last_at).total_seconds())
    if left > 0:
        raw.execute(_UNLOOKED, (subjects.login,))
        return int(left) + 1
    raw.execute(_COUNTED, {"subjects": list(subjects), "now": now, "forgotten": now - FORGOTTEN_AFTER})
    return 0


def refused_before(raw: psycopg.Connection[Any], subjects: Subjects) -> int:
    """How many attempts at this login were refused before the one under way."""
    row = raw.execute(_REFUSED, (subjects.login,)).fetchone()
    return 0 if row is None else max(0, int(row[0]) - 1)


def uncounted(raw: psycopg.Connection[Any], subjects: Subjects) -> None:
    """The attempt was no mistake, only not complete: somebody is asked for more."""
    for subject in sorted(subjects):
        raw.execute(_UNCOUNT, (subject,))


def succeeded(raw: psycopg.Connection[Any], subjects: Subjects) -> int:
    """The right password was given: the login starts anew, and the address keeps what it had, because who knows one
    password may be guessing others. How many attempts at this login were refused before."""
    row = raw.execute(_CLEAR, (subjects.login,)).fetchone()
    raw.execute(_UNCOUNT, (subjects.address,))
    return 0 if row is None else max(0, int(row[0]) - 1)
