"""How one value of a row is shown, on the page and in a sheet alike."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal
from urllib.parse import quote

from services.portal.texts import Texts
from shared.kernel.clock import SHANGHAI

Kind = Literal[
    "text",
    "code",
    "student",
    "school",
    "date",
    "moment",
    "money",
    "number",
    "score",
    "evidence",
    "candidates",
    "link",
    "words",
]
Row = Mapping[str, Any]
_NAMED = re.compile(r"{(\w+)}")


@dataclass(frozen=True)
class Shown:
    """A cell: its text, where it leads, what it is for style and sheets; ``parts`` are several links in one cell."""

    text: str
    kind: str = "text"
    href: str | None = None
    tone: str = ""
    value: Any = None
    parts: tuple[tuple[str, str | None], ...] = ()


@dataclass(frozen=True)
class Column:
    """A column. ``label``: key in the texts' ``column`` table; ``keys``: the row's fields, the first one present
    counts; ``vocabulary`` of a code; ``href``: address with {field} of the row."""

    label: str
    keys: tuple[str, ...]
    kind: Kind = "text"
    vocabulary: str = ""
    href: str | None = None

    def value(self, row: Row) -> Any:
        """The raw value, None when the row says nothing."""
        return next((row[key] for key in self.keys if row.get(key) not in (None, "")), None)

    def shown(self, row: Row, texts: Texts) -> Shown:
        """The cell of ``row``."""
        value = self.value(row)
        href = self._address(row)
        match self.kind:
            case "code":
                return Shown(texts.label(self.vocabulary, value), "code", href, tone=str(value or ""), value=None)
            case "student":
                student = row.get("student_id")
                return Shown(str(value or "—"), "name", f"/students/{student}" if student else href)
            case "school":
                return Shown(str(value or ""), "text", None)
            case "date":
                return Shown(day_text(value), "date", href, value=as_date(value))
            case "moment":
                return Shown(moment_text(value), "date", href)
            case "money":
                return Shown(money_text(value), "number", href, value=None if value is None else int(value) / 100)
            case "number" | "score":
                return Shown(_number_text(value, self.kind), "number", href, value=value)
            case "evidence":
                return Shown(evidence_text(value, texts))
            case "candidates":
                parts = candidate_parts(value, texts)
                return Shown("; ".join(text for text, _ in parts), parts=parts)
            case "words":
                words = value if isinstance(value, list) else []
                return Shown("、".join(texts.label(self.vocabulary, word) for word in words), "text", href)
            case "link":
                return Shown(texts("table.xlsx") if href and value else "", "link", href if value else None)
            case _:
                return Shown("" if value is None else str(value), "text", href)

    def _address(self, row: Row) -> str | None:
        if self.href is None:
            return None
        if any(row.get(name) is None for name in _NAMED.findall(self.href)):
            return None
        try:
            return self.href.format_map({key: quote(str(value), safe="") for key, value in row.items()})
        except KeyError:
            return None


def as_date(value: Any) -> date | None:
    """An ISO date's date; None for anything else, and for a period's open end."""
    try:
        found = date.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        return None
    return found if isinstance(found, date) and found.year < 9000 else None


def day_text(value: Any) -> str:
    """2024-09-01, empty for nothing and for an open end."""
    found = as_date(value)
    return found.isoformat() if found else ""


def moment_text(value: Any) -> str:
    """A moment in Shanghai time to the second."""
    if not isinstance(value, str):
        return ""
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return value
    if moment.tzinfo is None:
        return value
    return f"{moment.astimezone(SHANGHAI):%Y-%m-%d %H:%M:%S}"


def money_text(fen: Any) -> str:
    """Integer fen as yuan with two places."""
    if fen is None:
        return ""
    whole, rest = divmod(abs(int(fen)), 100)
    return f"{'-' if int(fen) < 0 else ''}{whole:,}.{rest:02d}"


def period_text(start: Any, end: Any, texts: Texts) -> str:
    """A half-open period [from, to) as people write it: its last day is the day before ``to``; open ends stay out."""
    first, after = as_date(start), as_date(end)
    last = after - timedelta(days=1) if after else None
    if first and last:
        return texts("period.both", first=first, last=last)
    if first:
        return texts("period.first", first=first)
    return texts("period.last", last=last) if last else ""


def evidence_text(value: Any, texts: Texts) -> str:
    """The lists behind a category, each with its period and how old the list was when it was decided on."""
    if not isinstance(value, list):
        return "" if value is None else str(value)
    parts = []
    for item in value:
        if not isinstance(item, Mapping):
            parts.append(str(item))
            continue
        kind = next((str(item[k]) for k in ("kind", "household_type", "support_type") if item.get(k)), "")
        period = period_text(item.get("valid_from"), item.get("valid_to"), texts)
        said = " ".join(filter(None, (texts.label("list", item.get("list")), kind, period)))
        parts.append(said + _list_age(item, texts))
    return "; ".join(parts)


def _list_age(item: Mapping[str, Any], texts: Texts) -> str:
    dated, days = day_text(item.get("list_dated")), item.get("list_age_days")
    return texts("period.list_age", dated=dated, days=days) if dated and isinstance(days, int) else ""


def candidate_parts(value: Any, texts: Texts) -> tuple[tuple[str, str | None], ...]:
    """The students a list row may be about, each a link."""
    found: list[tuple[str, str | None]] = []
    for item in value if isinstance(value, list) else []:
        if isinstance(item, Mapping):
            said = (item.get("name"), item.get("school_name") or item.get("school_code"), item.get("grade"))
            student = item.get("student_id")
            found.append(
                (" ".join(str(word) for word in said if word) or "—", f"/students/{student}" if student else None)
            )
        else:
            found.append((texts("student.title") + f" {len(found) + 1}", f"/students/{item}"))
    return tuple(found)


def _number_text(value: Any, kind: str) -> str:
    if value is None:
        return ""
    if kind == "score":
        return f"{float(value):.2f}"
    return f"{value:,}" if isinstance(value, int) else str(value)
