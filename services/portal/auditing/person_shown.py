"""A person's file as people read it: what each view says of her, her records in order, and what stands behind each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from services.portal.dropout.alert_pages import ALERTS
from services.portal.tables.columns import Column, Row, Shown, evidence_text, moment_text, money_text
from services.portal.tables.table_pages import ENTITLEMENTS, PAYMENTS, ROSTER, VISITS
from services.portal.tables.table_shape import TablePage
from services.portal.texts import Texts

PAGES: Mapping[str, TablePage] = {
    "roster": ROSTER,
    "entitlements": ENTITLEMENTS,
    "payments": PAYMENTS,
    "alerts": ALERTS,
    "visits": VISITS,
}
# What a row says for machines: ids, versions, what is told beside it anyway.
_UNSAID = frozenset(
    {"version", "history", "open", "problems", "facts", "on_day", "evidence_ids", "content", "fingerprint"}
)
_VOCABULARIES = {
    **{name: name for name in ("category", "list", "agency", "stage", "sex", "programme", "term")},
    "erasure": "erasure",
    "kind": "alert_kind",
    "outcome": "outcome",
}
_CODES = {
    "state": ("state", "student_state", "entitlement_state", "alert_state"),
    "reason": ("match_reason", "leaving_reason", "withdrawn_reason", "withdrawal_reason", "absence_reason"),
    "ended_reason": ("close_reason", "withdrawn_reason"),
    "withdrawn_reason": ("withdrawal_reason", "withdrawn_reason"),
}
_DEPTH_OPEN = 1  # branches of a tree that are open when it is first seen


@dataclass(frozen=True)
class Part:
    """A view's rows about her, each as (label, text)."""

    name: str
    rows: list[list[tuple[str, str]]]


@dataclass(frozen=True)
class RecordShown:
    """One record. ``said``: (label, text) of what it says; ``address``: of its proof; ``decides``: it decided something
    about her."""

    event_id: str
    what: str
    place: str
    by: str
    effective_on: str
    recorded_at: str
    said: list[tuple[str, str]]
    address: str
    decides: bool


@dataclass(frozen=True)
class Branch:
    """A record that another one rests on: ``tie`` says how. ``again``: it stands higher up already."""

    tie: str
    record: RecordShown
    branches: list[Branch]
    again: bool
    open: bool


def parts(views: Mapping[str, list[Row]], texts: Texts) -> list[Part]:
    """Every view that says something, with the views that have a page of their own first."""
    order = [name for name in PAGES if name in views] + [name for name in views if name not in PAGES]
    return [Part(name, [_row(name, row, texts) for row in views[name]]) for name in order]


def record_shown(event: Row, decisions: frozenset[str], texts: Texts) -> RecordShown:
    """A record as people read it."""
    service, index = str(event["service"]), int(event["log_index"])
    return RecordShown(
        str(event["event_id"]),
        texts.label("event", event["type"]),
        f"{texts.label('service_name', service)} {index:,}",
        str(event["principal"]),
        str(event["effective_on"]),
        moment_text(event["recorded_at"]),
        list(said(event["said"], texts)),
        f"/audit/proofs?service={service}&index={index}",
        str(event["event_id"]) in decisions,
    )


def tree(found: Row, texts: Texts) -> Branch:
    """What is behind a decision, branch by branch: each record once, where it was met first."""
    events = {str(each["event_id"]): each for each in [found["decision"], *found["events"]]}
    grounds: dict[str, list[tuple[str, str]]] = {}
    for ground in found["grounds"]:
        grounds.setdefault(str(ground["on"]), []).append((str(ground["tie"]), str(ground["by"])))
    seen: set[str] = set()

    def branch(tie: str, event_id: str, depth: int) -> Branch:
        again = event_id in seen
        seen.add(event_id)
        below = [] if again else [each for each in grounds.get(event_id, []) if each[1] in events]
        ties: dict[str, list[str]] = {}
        for name, by in below:
            ties.setdefault(by, []).append(texts.label("why_tie", name))
        return Branch(
            tie,
            record_shown(events[event_id], frozenset(), texts),
            [branch("、".join(dict.fromkeys(names)), by, depth + 1) for by, names in ties.items()],
            again,
            depth < _DEPTH_OPEN,
        )

    return branch("", str(found["decision"]["event_id"]), 0)


def said(fields: Mapping[str, Any], texts: Texts) -> Iterator[tuple[str, str]]:
    """What a record or a row says, one level deep: personal blocks as their fields, ids left out."""
    for name, value in fields.items():
        if isinstance(value, Mapping):
            yield from said(value, texts)
            continue
        if name in _UNSAID or name.endswith(("_id", "_ids", "hash")):
            continue
        text = _text(name, value, texts)
        if text:
            yield _label(name, texts), text


def _row(view: str, row: Row, texts: Texts) -> list[tuple[str, str]]:
    page = PAGES.get(view)
    if page is None:
        return list(said(row, texts))
    shown: list[tuple[Column, Shown]] = [(column, column.shown(row, texts)) for column in page.columns]
    return [(texts(f"column.{column.label}"), each.text) for column, each in shown if each.text]


def _label(name: str, texts: Texts) -> str:
    for vocabulary in ("file_field", "column", "field"):
        found = texts.label(vocabulary, name)
        if found != name:
            return found
    return name


def _text(name: str, value: Any, texts: Texts) -> str:
    if value is None or value in ("", [], ()):
        return ""
    if isinstance(value, bool):
        return texts.label("yes_no", value)
    if name.endswith("_fen"):
        return money_text(value)
    if name.endswith("_at"):
        return moment_text(value)
    if name == "evidence":
        return evidence_text([each for each in value if isinstance(each, Mapping)], texts)
    if isinstance(value, list):
        return "、".join(_text(name, each, texts) for each in value if not isinstance(each, Mapping | list))
    if isinstance(value, str) and len(value) == 36 and value.count("-") == 4:
        return ""
    if isinstance(value, str) and value.startswith("9999-"):
        return ""
    if name in _CODES:
        return _known(str(value), _CODES[name], texts)
    return texts.label(_VOCABULARIES[name], value) if name in _VOCABULARIES else str(value)


def _known(code: str, vocabularies: tuple[str, ...], texts: Texts) -> str:
    """Each view has its own states and reasons; a code is in one vocabulary or the other."""
    for vocabulary in vocabularies:
        found = texts.label(vocabulary, code)
        if found != code:
            return found
    return code
