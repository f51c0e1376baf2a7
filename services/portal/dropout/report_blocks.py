"""A regular report laid out as blocks of rows, the same for the page, its print and the sheet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.portal.texts import Texts

LEDGERS = ("school_age", "suspected", "dropped_out")
CIRCUMSTANCES = ("poor", "disabled", "left_behind")
Value = str | int
Figures = Mapping[str, int]


@dataclass(frozen=True)
class Block:
    """One table: its name in the address of the page, its title, the heads of its columns, its rows; the first cell of
    a row names it. ``note`` says what stands in no cell."""

    name: str
    title: str
    heads: list[str]
    rows: list[list[Value]]
    note: str = ""


def period_text(report: Mapping[str, Any], texts: Texts) -> str:
    """A period as people call it: 2026年11月, 2026年第4季度, 2026年秋季学期, 2026学年."""
    kind, name = report["period"], str(report["period_name"])
    if kind == "term":
        return texts.term(name)
    year, _, part = name.partition("-")
    return texts(f"report_period.{kind}", year=year, part=part.removeprefix("Q").lstrip("0"))


def report_title(report: Mapping[str, Any], texts: Texts) -> str:
    """The report's own title, with who reports."""
    place = report["school_name"] or report["school_code"] or report["division_code"]
    return texts(f"report_title.{report['level']}", place=place, period=period_text(report, texts))


def blocks(report: Mapping[str, Any], texts: Texts) -> list[Block]:
    """Everything a report says, in the order it is read."""
    figures: Figures = report["figures"]
    made = [
        _ledgers(figures, texts),
        _signals(figures, texts),
        _deadlines(figures, texts),
        _attempts(figures, texts),
        _confirmed(report["confirmed"], texts),
        _circumstances(figures, texts),
    ]
    if report["level"] != "school":
        made.append(_places(report["rows"], texts))
    return made


def figure_text(figure: str, texts: Texts) -> str:
    """What a figure is called where it stands alone."""
    group, _, rest = figure.partition(".")
    part, _, code = rest.partition(".")
    if group in LEDGERS:
        word = texts.label("circumstance", part) if part in CIRCUMSTANCES else texts(f"dropout_reports.{part}")
        return " ".join(filter(None, (texts.label("ledger", group), word, texts.label("report_way", code))))
    if group == "signals":
        return f"{texts.label('alert_kind', code)} {texts(f'dropout_reports.{part}')}"
    if group == "deadlines":
        return f"{texts.label('case_wait', code)} {texts(f'dropout_reports.{part}')}"
    if group == "attempts":
        return f"{texts('dropout_reports.attempts')} {texts.label('case_outcome', part)}"
    if group == "cases":
        return texts("dropout_reports.cases_at_end", cases=texts.label("alert_state", part))
    counted = texts("dropout_reports.due_count" if part == "due" else "dropout_reports.issued_count")
    return f"{texts('dropout_reports.classes')} {counted}"


def coverage(figures: Figures, texts: Texts) -> str:
    """How many of the class days that were due were reported."""
    due, reported = figures.get("classes.due", 0), figures.get("classes.reported", 0)
    return texts("dropout_reports.coverage", reported=reported, due=due, share=_share(reported, due))


def _ledgers(figures: Figures, texts: Texts) -> Block:
    rows: list[list[Value]] = []
    for ledger in LEDGERS:
        new, ended = _ways(figures, f"{ledger}.new."), _ways(figures, f"{ledger}.ended.")
        rows.append(
            [
                texts.label("ledger", ledger),
                figures.get(f"{ledger}.begin", 0),
                sum(new.values()),
                _told(new, "report_way", texts),
                sum(ended.values()),
                _told(ended, "report_way", texts),
                figures.get(f"{ledger}.end", 0),
            ]
        )
    heads = _heads(texts, "ledger", "begin", "new", "of_new", "ended", "of_ended", "end")
    return Block("ledgers", texts("dropout_reports.ledgers"), heads, rows, coverage(figures, texts))


def _signals(figures: Figures, texts: Texts) -> Block:
    steps = ("raised", "withdrawn", "closed")
    rows: list[list[Value]] = [
        [word, *(figures.get(f"signals.{step}.{kind}", 0) for step in steps)]
        for kind, word in texts.codes("alert_kind")
    ]
    return Block("signals", texts("dropout_reports.signals"), _heads(texts, "kind", *steps), _some(rows))


def _deadlines(figures: Figures, texts: Texts) -> Block:
    rows: list[list[Value]] = [
        [word, figures.get(f"deadlines.kept.{reason}", 0), figures.get(f"deadlines.missed.{reason}", 0)]
        for reason, word in texts.codes("case_wait")
    ]
    standing = {state: figures.get(f"cases.{state}", 0) for state in ("open", "seen", "dropped_out")}
    note = texts("dropout_reports.cases_at_end", cases=_told(standing, "alert_state", texts) or "0")
    return Block("deadlines", texts("dropout_reports.deadlines"), _heads(texts, "step", "kept", "missed"), rows, note)


def _attempts(figures: Figures, texts: Texts) -> Block:
    rows: list[list[Value]] = [
        [word, figures.get(f"attempts.{outcome}", 0)] for outcome, word in texts.codes("case_outcome")
    ]
    return Block("attempts", texts("dropout_reports.attempts"), _heads(texts, "outcome", "times"), _some(rows))


def _confirmed(told: Sequence[Mapping[str, Any]], texts: Texts) -> Block:
    rows: list[list[Value]] = [
        [
            each["township"],
            each["school_name"] or each["school_code"] or texts("board.no_school"),
            each["grade"] or "—",
            each["children"],
        ]
        for each in told
    ]
    heads = _heads(texts, "township", "school", "grade", "children")
    return Block("confirmed", texts("dropout_reports.confirmed"), heads, rows)


def _circumstances(figures: Figures, texts: Texts) -> Block:
    rows: list[list[Value]] = []
    for ledger in ("suspected", "dropped_out"):
        total = figures.get(f"{ledger}.end", 0)
        counts = [figures.get(f"{ledger}.{name}", 0) for name in CIRCUMSTANCES]
        shares = [f"{count}({_share(count, total)})" if total else "0" for count in counts]
        rows.append([texts.label("ledger", ledger), total, *shares])
    heads = [*_heads(texts, "ledger", "end"), *(texts.label("circumstance", name) for name in CIRCUMSTANCES)]
    return Block("circumstances", texts("dropout_reports.circumstances"), heads, rows)


def _places(told: Sequence[Mapping[str, Any]], texts: Texts) -> Block:
    rows: list[list[Value]] = []
    for each in told:
        figures: Figures = each["figures"]
        row: list[Value] = [each["name"] or each["place"] or texts("board.no_school")]
        for ledger in LEDGERS:
            row += [
                figures.get(f"{ledger}.begin", 0),
                sum(_ways(figures, f"{ledger}.new.").values()),
                sum(_ways(figures, f"{ledger}.ended.").values()),
                figures.get(f"{ledger}.end", 0),
            ]
        rows.append([*row, _share(figures.get("classes.reported", 0), figures.get("classes.due", 0))])
    columns = [
        f"{texts.label('ledger', ledger)} {texts(f'dropout_reports.{part}')}"
        for ledger in LEDGERS
        for part in ("begin", "new", "ended", "end")
    ]
    heads = [*_heads(texts, "place"), *columns, *_heads(texts, "reported")]
    return Block("places", texts("dropout_reports.places"), heads, rows)


def _heads(texts: Texts, *names: str) -> list[str]:
    return [texts(f"dropout_reports.{name}") for name in names]


def _ways(figures: Figures, beginning: str) -> dict[str, int]:
    return {name.removeprefix(beginning): count for name, count in figures.items() if name.startswith(beginning)}


def _told(counts: Mapping[str, int], vocabulary: str, texts: Texts) -> str:
    words = (f"{texts.label(vocabulary, way)} {count}" for way, count in counts.items() if count)
    return texts("dropout_reports.and").join(words)


def _some(rows: Iterable[list[Value]]) -> list[list[Value]]:
    """Rows that say anything."""
    return [row for row in rows if any(row[1:])]


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f}%" if whole else "—"
