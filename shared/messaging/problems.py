"""What stands in a processor's way right now, for health checks and the status page."""

from __future__ import annotations

from typing import NamedTuple

import structlog

log = structlog.get_logger(__name__)


class Problem(NamedTuple):
    """Something a person may have to look at. ``kind``: gap, halted, database, failing, kafka or silent."""

    kind: str
    where: str
    detail: str


class Problems:
    """The present problems; each is logged when it appears and when it is gone."""

    def __init__(self) -> None:
        self._present: dict[tuple[str, str], Problem] = {}

    def note(self, kind: str, where: str, detail: str) -> None:
        """It is there."""
        if (kind, where) not in self._present:
            log.warning("processor problem", kind=kind, where=where, detail=detail)
        self._present[kind, where] = Problem(kind, where, detail)

    def clear(self, kind: str, where: str) -> None:
        """It is gone, if it was there."""
        if self._present.pop((kind, where), None) is not None:
            log.info("processor problem is over", kind=kind, where=where)

    def set(self, kind: str, where: str, detail: str | None) -> None:
        """There with a detail, gone with None."""
        if detail is None:
            self.clear(kind, where)
        else:
            self.note(kind, where, detail)

    def has(self, kind: str, where: str) -> bool:
        return (kind, where) in self._present

    def present(self) -> list[Problem]:
        """All of them, sorted."""
        return sorted(self._present.values())
