"""The rule of retention: how long after a student left her personal data may still be kept. Pure."""

from __future__ import annotations

import hashlib
from datetime import date
from functools import lru_cache

import msgspec

from shared.kernel.refusals import Malformed

STILL_A_STUDENT = "suspended"  # the one reason of leaving after which the school expects her back
YEARS_LEAST, YEARS_MOST = 1, 100


class BadRetentionRule(Malformed):
    code = "bad_retention_rule"


class RetentionRule(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``years_after_leaving``: full years from the day she left the register."""

    years_after_leaving: int


_decoder = msgspec.json.Decoder(RetentionRule)
FIRST_RULE = RetentionRule(years_after_leaving=10)


def canonical(rule: RetentionRule) -> str:
    """The one JSON text of the rule."""
    return msgspec.json.encode(rule).decode()


def content_hash(content: str) -> str:
    """Hex SHA-256 of the content's UTF-8."""
    return hashlib.sha256(content.encode()).hexdigest()


@lru_cache(maxsize=16)
def parse(content: str) -> RetentionRule:
    """The rule in ``content``. Raises BadRetentionRule."""
    try:
        rule = _decoder.decode(content)
    except msgspec.DecodeError as error:
        raise BadRetentionRule("保存期限规则格式不正确", f"bad rule of retention: {error}") from error
    if not YEARS_LEAST <= rule.years_after_leaving <= YEARS_MOST:
        raise BadRetentionRule(
            f"保存年限应在 {YEARS_LEAST} 至 {YEARS_MOST} 之间",
            f"years_after_leaving must be {YEARS_LEAST} to {YEARS_MOST}",
            field="years_after_leaving",
        )
    return rule


def due_on(rule: RetentionRule, left_on: date) -> date:
    """The day from which on her data may be erased; who left on a 29th of February, from a 1st of March."""
    year = left_on.year + rule.years_after_leaving
    try:
        return left_on.replace(year=year)
    except ValueError:
        return date(year, 3, 1)


def left_until(rule: RetentionRule, day: date) -> date:
    """Who left on this day or before is due on ``day``."""
    year = max(1, day.year - rule.years_after_leaving)
    try:
        return day.replace(year=year)
    except ValueError:
        return date(year, 2, 28)
