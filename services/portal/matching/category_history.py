"""A student's hardship categories over time, on her page: as they are true, or as they were known at a moment.

What is true now comes from matching; what was known then from a replay of audit, whose rows are the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from services.portal.auditing.audit import moment_of
from services.portal.backends import Backends, BackendTrouble
from services.portal.session import Opening
from services.portal.tables.columns import evidence_text, period_text
from services.portal.tables.table_reading import items_of
from services.portal.texts import Texts
from shared.kernel.clock import today
from shared.kernel.refusals import Malformed
from shared.standards.rights import Right

MOMENT_CHARACTERS = 32


@dataclass(frozen=True)
class SpanShown:
    """One span of days; ``tone`` is the category's code, ``on_day``: it holds on the day asked for."""

    days: str
    category: str
    tone: str
    kind: str
    evidence: str
    on_day: bool


@dataclass(frozen=True)
class HistoryShown:
    """``spans`` newest first, None when they cannot be read, then ``complaint`` may say why. ``known_at`` as typed."""

    spans: list[SpanShown] | None
    known_at: str
    complaint: str
    may_replay: bool

    @property
    def on_roster(self) -> bool:
        """Whether she is in one of the categories on the day asked for."""
        return any(span.on_day and span.tone for span in self.spans or ())


async def read_history(opened: Opening, backends: Backends, student_id: UUID, known_at: str) -> HistoryShown:
    """The history, as known at ``known_at`` (Shanghai time, as typed; empty = as it is true now)."""
    may_replay = opened.viewer.has(Right.LOGS_READ)
    typed = known_at.strip()[:MOMENT_CHARACTERS] if may_replay else ""
    try:
        if typed:
            body = {"student_id": str(student_id), "known_at": moment_of(typed), "true_on": today().isoformat()}
            answer = await backends.post(opened.caller, "audit", "/v1/replay/categories", body)
        else:
            answer = await backends.get(opened.caller, "matching", f"/v1/students/{student_id}/categories")
    except BackendTrouble as trouble:
        return HistoryShown(None, typed, trouble.detail, may_replay)
    except Malformed as wrong:
        return HistoryShown(None, typed, wrong.zh if opened.texts.language == "zh" else wrong.en, may_replay)
    told: Mapping[str, Any] = answer.body if isinstance(answer.body, Mapping) else {}
    items, _ = items_of({"items": told.get("items"), "next": None})
    return HistoryShown([_shown(item, opened.texts) for item in reversed(items)], typed, "", may_replay)


def _shown(item: Mapping[str, Any], texts: Texts) -> SpanShown:
    code = str(item.get("category") or "")
    return SpanShown(
        days=period_text(item.get("valid_from"), item.get("valid_to"), texts),
        category=texts.label("category", code) or texts("student.no_class"),
        tone=code,
        kind=str(item.get("kind") or ""),
        evidence=evidence_text(item.get("evidence"), texts),
        on_day=bool(item.get("on_day")),
    )
