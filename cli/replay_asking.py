"""What the replay commands share: moments as typed, patience with an archive that is a moment behind, and reasons."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from cli.session import Refused, Session

WAIT_SECONDS = 10.0  # for the archive to follow what was just written; it is behind by about a second
PAUSE_SECONDS = 0.25
_SOON = frozenset({"not_yet_closed", "not_yet_signed"})  # true in a moment, unless a later moment was asked for


def moment(typed: str | None, option: str = "--known-at") -> str | None:
    """A moment as typed, Shanghai unless a zone is given, in ISO 8601. Raises typer.BadParameter."""
    from shared.kernel.clock import SHANGHAI

    if typed is None:
        return None
    try:
        found = datetime.fromisoformat(typed)
    except ValueError:
        raise typer.BadParameter(f"{option} {typed!r} is no date and time") from None
    return (found if found.tzinfo else found.replace(tzinfo=SHANGHAI)).isoformat()


def day(typed: str | None, option: str = "--true-on") -> str | None:
    """A day as typed, in ISO 8601. Raises typer.BadParameter."""
    if typed is None:
        return None
    try:
        return date.fromisoformat(typed).isoformat()
    except ValueError:
        raise typer.BadParameter(f"{option} {typed!r} is no date") from None


def given(**values: Any) -> dict[str, Any]:
    """A body without what was not given."""
    return {name: value for name, value in values.items() if value is not None}


def ask(session: Session, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """The answer of audit."""
    return dict(patiently(body, lambda: session.post("audit", path, body, uuid.uuid4())))


def patiently(body: Mapping[str, Any], asked: Callable[[], Any]) -> Any:
    """The answer. Asked for no moment of its own, audit is given a little time to have complete logs at all; and a
    moment that is complete, a little time to be signed."""
    from cli.session import Refused

    own_moment = "known_at" in body or "log_index" in body
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            return asked()
        except Refused as refused:
            soon = refused.code in (_SOON - {"not_yet_closed"} if own_moment else _SOON)
            if not soon or time.monotonic() > deadline:
                raise
        time.sleep(PAUSE_SECONDS)


def explained(refused: Refused) -> str:
    """The reason in one line, with the facts that tell what to ask instead."""
    facts = [f"{name}: {_listed(value)}" for name, value in refused.facts.items() if value is not None]
    return f"{refused} ({'; '.join(facts)})" if facts else str(refused)


def check_folder(out: Path) -> None:
    """Raises typer.BadParameter when there is nowhere to write."""
    if not out.parent.is_dir():
        raise typer.BadParameter(f"there is no folder {out.parent}")


def _listed(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
