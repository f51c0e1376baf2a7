"""The time slider: one step for each moment at which something changed, and the days people jump to.

A step is an address, so it also works by form: the slider's number counts among the moments up to ``marks_until``,
which never change again once they are complete.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any
from urllib.parse import urlencode

from services.portal.backends import Backends, BackendTrouble
from services.portal.session import Opening
from services.portal.tables.columns import moment_text
from services.portal.tables.table_reading import items_of
from shared.kernel.clock import SHANGHAI

PAYMENT_JUMPS = 6
# Tasks of the term that audits come back to; a disclosure is looked at on its first day.
JUMPS = {"reference_date": "due_on", "list_cut_off": "due_on", "disclosure": "opens_on", "payment": "due_on"}


@dataclass(frozen=True)
class Step:
    """``local``: the moment in Shanghai as a field takes it; ``events``: recorded since the step before."""

    at: datetime
    local: str
    text: str
    events: int


@dataclass(frozen=True)
class Jump:
    """A day that has a name, as an address."""

    title: str
    day: str
    address: str


@dataclass(frozen=True)
class Slider:
    """``place``: the step that counts at the moment asked for, 0 before the first. ``until``: as far as everything is
    complete, as a field takes it. ``narrowed``: the marks of one part only."""

    steps: Sequence[Step]
    place: int
    unit: str
    until: str
    since: str
    narrowed: bool
    jumps: Sequence[Jump]

    @property
    def marks_until(self) -> str:
        """Up to where the slider's numbers count."""
        return self.steps[-1].local if self.steps else self.until


def local_text(moment: datetime) -> str:
    """A moment as the browser's field takes it: Shanghai, to the second."""
    return f"{moment.astimezone(SHANGHAI):%Y-%m-%dT%H:%M:%S}"


async def read_slider(
    backends: Backends, opened: Opening, view: str, known_at: datetime | None, part: Mapping[str, str]
) -> Slider | None:
    """The slider of a view at ``known_at`` (None: the latest); ``part``: since and until, ISO or empty. None when the
    moments cannot be read: then the fields beside it still work."""
    params = {name: value or None for name, value in part.items()}
    try:
        body = (await backends.get(opened.caller, "audit", f"/v1/replay/{view}/moments", params)).body
        jumps = await _term_days(backends, opened)
    except BackendTrouble:
        return None
    complete = _moment(body.get("until"))
    if complete is None:
        return None
    steps = [_step(item) for item in body["items"]]
    at = min(known_at, complete) if known_at else complete
    named = [*jumps, *((opened.texts("audit.paid_on"), day) for day in body["paid_on"][:PAYMENT_JUMPS])]
    return Slider(
        steps=steps,
        place=sum(step.at <= at for step in steps),
        unit=body["unit"],
        until=local_text(complete),
        since=local_text(datetime.fromisoformat(part["since"])) if part.get("since") else "",
        narrowed=bool(part.get("since")),
        jumps=_jumps(view, named, complete),
    )


def _step(item: Mapping[str, Any]) -> Step:
    at = datetime.fromisoformat(item["at"])
    return Step(at, local_text(at), moment_text(item["at"]), item["events"])


def _jumps(view: str, named: Sequence[tuple[str, str]], complete: datetime) -> list[Jump]:
    """Each day that has come, once, latest first: known at its end, true on it."""
    found: dict[tuple[str, str], Jump] = {}
    for title, day in named:
        began = datetime.combine(date.fromisoformat(day), time(), SHANGHAI)
        if began > complete:
            continue
        at = min(began.replace(hour=23, minute=59, second=59), complete)
        query = urlencode({"view": view, "known_at": local_text(at), "true_on": day})
        found.setdefault((title, day), Jump(title, day, f"/audit?{query}"))
    return sorted(found.values(), key=lambda jump: jump.day, reverse=True)


async def _term_days(backends: Backends, opened: Opening) -> list[tuple[str, str]]:
    """Reference date, cut-off, disclosure and payment of the term that began last; nothing when the registry is
    away."""
    try:
        body = (await backends.get(opened.caller, "registry", "/v1/term-tasks")).body
    except BackendTrouble:
        return []
    items, _ = items_of(body)
    return [(str(item["title"]), str(item[JUMPS[item["task"]]])) for item in items if item.get("task") in JUMPS]


def _moment(told: Any) -> datetime | None:
    return datetime.fromisoformat(told) if isinstance(told, str) else None
