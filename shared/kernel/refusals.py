"""Refusals: the errors of the business, as nouns that carry facts and know their HTTP status.

Refusal
├── NotFound        404  also for what the caller may not know of
├── Forbidden       403
├── Conflict        409  the state of the world says no (kept with the command: same command, same answer)
│   └── VersionConflict   the stream moved on
├── CommandReused   422  the command id was used before with another body
└── Malformed       422  the request itself makes no sense (not kept)
"""

from __future__ import annotations

from typing import Any, ClassVar


class Refusal(Exception):
    """A refusal with a stable ``code``, a sentence in both languages and the facts behind it (never personal data)."""

    status: ClassVar[int] = 409
    code: ClassVar[str] = "refused"
    has_own_event: ClassVar[bool] = False  # whoever raises it has recorded it already, or means nothing by it

    def __init__(self, zh: str, en: str, **facts: Any) -> None:
        super().__init__(en)
        self.zh, self.en, self.facts = zh, en, facts


class NotFound(Refusal):
    status = 404
    code = "not_found"


class Forbidden(Refusal):
    status = 403
    code = "forbidden"


class Conflict(Refusal):
    status = 409
    code = "conflict"


class VersionConflict(Conflict):
    code = "version_conflict"


class CommandReused(Refusal):
    status = 422
    code = "command_reused"


class Malformed(Refusal):
    status = 422
    code = "malformed"
