"""An edited export whose student was changed meanwhile, settled field by field as a single correction is.

What the clerk edited and nobody else touched is taken; what others changed and the clerk left alone stays theirs. Only
a field that both changed is a conflict: told with what the sheet says, what it said when it was exported, what stands
now, and by whom. The clerk keeps one: what stands now by typing it, what the sheet says by a mark before it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from shared.eventsourcing.store import Stored
from shared.kernel.refusals import Conflict

INSIST = ("!", "\uff01")  # before a cell's text: what the sheet says is meant, whatever stands now
Values = Mapping[str, Any]


class FieldConflict(NamedTuple):
    """One field, as it is shown: masked where it is personal. ``hidden``: the masks hide what differs."""

    title: str
    sheet: str
    exported: str
    now: str
    hidden: bool
    changed_by: str
    effective_on: date

    @property
    def zh(self) -> str:
        """The sentence for a clerk."""
        return (
            f"“{self.title}”:表中“{self.sheet}”,导出时“{self.exported}”,现为“{self.now}”"
            f"{'(遮盖部分不同)' if self.hidden else ''}({self.changed_by} 更正,{self.effective_on} 起)。"
            "要保留现值,请填入现值;要以表中为准,请在内容前加“!”"
        )

    @property
    def en(self) -> str:
        """The same."""
        return (
            f"“{self.title}”: the sheet says “{self.sheet}”, it was “{self.exported}” when exported, now “{self.now}”"
            f"{' (the masks hide what differs)' if self.hidden else ''}, corrected by {self.changed_by} from"
            f" {self.effective_on} on. Type what stands now to keep it, or a ! before the text to keep the sheet's."
        )


class FieldsChangedSince(Conflict):
    """Somebody changed the same fields of the student after the export."""

    code = "changed_since_export"

    def __init__(self, fields: Sequence[FieldConflict]) -> None:
        super().__init__("导出后这些栏目已被他人更正", "others changed these fields since the export")
        self.fields = fields


def insisted(text: str) -> tuple[str, bool]:
    """(the text that is meant, whether the clerk insists on it)."""
    return (text[1:].strip(), True) if text.startswith(INSIST) else (text, False)


def last_change(
    stored: Sequence[Stored], version: int, field: str, values_at: Callable[[int], Values | None]
) -> Stored:
    """The last event beyond ``version`` with which the field got another value. ``values_at``: all values after so many
    events."""
    before = values_at(version)
    value = None if before is None else before[field]
    found = stored[-1]
    for number in range(version + 1, len(stored) + 1):
        now = values_at(number)
        if now is not None and now[field] != value:
            value, found = now[field], stored[number - 1]
    return found
