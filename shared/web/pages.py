"""Long lists a page at a time, by key and not by offset, so that a page costs the same at the end as at the start.

@router.get("/students")
def students(turn: Annotated[PageTurn, Depends(page_turn)], ...) -> Page[StudentRow]:
    statement = select(t).order_by(t.c.school_code, t.c.entity).limit(turn.fetch)
    if turn.after:
        statement = statement.where(turn.beyond(t.c.school_code, t.c.entity))
    return page_of(rows, turn, key=lambda row: (row.school_code, row.entity))
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

import msgspec
from fastapi import Query
from pydantic import BaseModel
from sqlalchemy import ColumnElement, literal, tuple_

from shared.kernel.refusals import Malformed

PAGE_ROWS = 200
DEFAULT_ROWS = 50
CURSOR_CHARACTERS = 512

Key = tuple[Any, ...]
Row = TypeVar("Row")
_TAGS: dict[type, str] = {date: "d", datetime: "t", UUID: "u", int: "i", str: "s"}


class Page(BaseModel, Generic[Row]):
    """``next`` is the cursor of the following page, null on the last one."""

    items: list[Row]
    next: str | None = None


@dataclass(frozen=True)
class PageTurn:
    """Which page is asked for: rows beyond the key ``after`` (None = from the start), ``limit`` of them."""

    after: Key | None
    limit: int

    @property
    def fetch(self) -> int:
        """Rows to read: one more than shown tells whether another page follows."""
        return self.limit + 1

    def beyond(self, *columns: ColumnElement[Any]) -> ColumnElement[bool]:
        """``(columns) > (after)``, in the order the rows are sorted. Raises Malformed for another list's cursor."""
        if self.after is None or len(self.after) != len(columns):
            raise _bad_cursor()
        for column, value in zip(columns, self.after, strict=True):
            if not isinstance(value, column.type.python_type):
                raise _bad_cursor()
        bound = [literal(value, column.type) for column, value in zip(columns, self.after, strict=True)]
        return tuple_(*columns) > tuple_(*bound)


# A whole list at once, for a replay: its caller bounds the events behind it.
WHOLE_LIST = PageTurn(None, 2**31)


def page_turn(
    after: Annotated[str | None, Query(max_length=CURSOR_CHARACTERS, description="cursor of the page before")] = None,
    limit: Annotated[int, Query(ge=1, le=PAGE_ROWS)] = DEFAULT_ROWS,
) -> PageTurn:
    """FastAPI dependency: the page asked for in the address. Raises Malformed."""
    return PageTurn(decode_cursor(after) if after else None, limit)


def page_of(rows: Sequence[Row], turn: PageTurn, key: Callable[[Row], Key]) -> Page[Row]:
    """The page of ``turn.fetch`` (or fewer) rows. ``key`` must hold nothing personal: cursors stand in addresses."""
    shown = list(rows[: turn.limit])
    more = len(rows) > turn.limit
    return Page(items=shown, next=encode_cursor(key(shown[-1])) if more else None)


def encode_cursor(key: Key) -> str:
    """A key as an opaque text. Values are text, whole numbers, UUIDs, dates or times."""
    tagged = [[_TAGS[type(value)], str(value) if not isinstance(value, date) else value.isoformat()] for value in key]
    return base64.urlsafe_b64encode(msgspec.json.encode(tagged)).decode().rstrip("=")


def decode_cursor(cursor: str) -> Key:
    """The inverse of :func:`encode_cursor`. Raises Malformed."""
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        tagged = msgspec.json.decode(raw, type=list[tuple[str, str]])
        return tuple(_read(tag, text) for tag, text in tagged)
    except (binascii.Error, msgspec.MsgspecError, ValueError, KeyError):
        raise _bad_cursor() from None


def _read(tag: str, text: str) -> Any:
    readers: dict[str, Callable[[str], Any]] = {
        "d": date.fromisoformat,
        "t": datetime.fromisoformat,
        "u": UUID,
        "i": int,
        "s": str,
    }
    return readers[tag](text)


def _bad_cursor() -> Malformed:
    return Malformed("翻页标记无效,请从第一页开始", "The page cursor is not valid; start from the first page")
