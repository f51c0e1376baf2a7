"""What changed between two moments, as people read it: whose row, which fields, and the records behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from services.portal.tables.columns import Column, Row, Shown
from services.portal.tables.table_shape import NAME, TablePage
from services.portal.texts import Texts

SHOWN_CHANGES = 200
SHOWN_CAUSES = 8


@dataclass(frozen=True)
class CauseShown:
    """A record behind a change: what it says, where it stands, by whom, and where it is proved."""

    what: str
    place: str
    by: str
    recorded_at: str
    address: str


@dataclass(frozen=True)
class ChangeShown:
    """``title``: whose row. ``fields``: (field, before, after) of a row that changed; ``said``: (field, value) of one
    that came or went."""

    kind: str
    title: Shown
    fields: list[tuple[str, str, str]]
    said: list[tuple[str, str]]
    causes: list[CauseShown]
    more_causes: int


def changes_shown(page: TablePage, items: list[Row], rows: Mapping[str, Row], texts: Texts) -> list[ChangeShown]:
    """The first changes. ``rows``: the later rows by id, which say who a changed row is about."""
    return [_shown(page, item, rows, texts) for item in items[:SHOWN_CHANGES]]


def cause_shown(cause: Row, texts: Texts) -> CauseShown:
    """A record as people read it, with the address of its proof."""
    service, index = str(cause["service"]), int(cause["log_index"])
    return CauseShown(
        texts.label("event", cause["type"]),
        f"{texts.label('service_name', service)} {index:,}",
        str(cause["principal"]),
        str(cause["recorded_at"]),
        f"/audit/proofs?service={quote(service)}&index={index}",
    )


def _shown(page: TablePage, item: Row, rows: Mapping[str, Row], texts: Texts) -> ChangeShown:
    fields, kind = item["fields"], item["kind"]
    before: dict[str, Any] = {each["field"]: each["before"] for each in fields}
    after: dict[str, Any] = {each["field"]: each["after"] for each in fields}
    row = {**item["key"], **rows.get(str(item["key"].get(page.row_id)), {}), **(before if kind == "removed" else after)}
    causes = item["causes"]
    return ChangeShown(
        kind,
        NAME.shown(row, texts),
        _fields(page, row, before, after, texts) if kind == "changed" else [],
        [] if kind == "changed" else _said(page, row, texts),
        [cause_shown(cause, texts) for cause in causes[:SHOWN_CAUSES]],
        max(0, len(causes) - SHOWN_CAUSES),
    )


def _fields(page: TablePage, row: Row, before: Row, after: Row, texts: Texts) -> list[tuple[str, str, str]]:
    """The page's columns first, as the page shows them; what it has no column for, by its own name."""
    found, told = [], set[str]()
    for column in page.columns:
        names = [name for name in column.keys if name in after]
        if names:
            told.update(names)
            was, now = (_text(column, {**row, **side}, texts) for side in (before, after))
            if was != now:
                found.append((texts(f"column.{column.label}"), was, now))
    others = [name for name in after if name not in told and not name.endswith("_id")]
    if found:
        return found
    return [(texts.label("column", name), str(before[name] or ""), str(after[name] or "")) for name in others]


def _said(page: TablePage, row: Row, texts: Texts) -> list[tuple[str, str]]:
    shown = [
        (texts(f"column.{column.label}"), _text(column, row, texts)) for column in page.columns if column is not NAME
    ]
    return [(label, text) for label, text in shown if text]


def _text(column: Column, row: Row, texts: Texts) -> str:
    return column.shown(row, texts).text
