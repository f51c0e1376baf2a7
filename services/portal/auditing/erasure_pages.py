"""The tables of the audit area: who saw whom, who is to be erased or kept, and who is due by the rule of retention."""

from __future__ import annotations

from services.portal.tables.columns import Column
from services.portal.tables.table_shape import Filter, TablePage
from shared.standards.rights import Right

_STUDENT = Column("student_id", ("student_id",), href="/students/{student_id}")
READS = TablePage(
    "reads", "/reads", "audit", "/v1/reads",
    (
        Column("read_at", ("read_at",), "moment"),
        Column("viewer", ("viewer",)),
        Column("read_kind", ("kind",), "code", "read_kind"),
        _STUDENT,
        Column("purpose", ("purpose",)),
        Column("route", ("route",)),
        Column("refused_for", ("reason",), "code", "refused_for"),
        Column("refused_times", ("times",), "number"),
        Column("rows", ("rows",), "number"),
        Column("scope", ("school_code", "agency", "division_code")),
    ),
    (Right.READS_READ,), "read_id",
    (
        Filter("act", "code", "read_act", tabs=True),
        *(Filter("reader", "text"), Filter("post", "text"), Filter("student", "text")),
        *(Filter("since", "date"), Filter("until", "date")),
    ),
)  # fmt: skip

ERASURES = TablePage(
    "erasures", "/erasures", "audit", "/v1/erasures",
    (
        _STUDENT,
        Column("erasure", ("erasure",), "code", "erasure"),
        Column("ground", ("ground",), "code", "erasure_ground"),
        Column("asked_by", ("asked_by",)),
        Column("hold", ("hold",), "code", "legal_hold"),
        Column("procedure", ("reference",)),
        Column("proposed_by", ("proposed_by",)),
    ),
    (Right.ERASURES_READ,), "student_id",
    actions=True,
)  # fmt: skip

ERASURES_DUE = TablePage(
    "erasures_due", "/erasures/due", "audit", "/v1/erasures/due",
    (
        _STUDENT,
        Column("left_on", ("left_on",), "date"),
        Column("due_on", ("due_on",), "date"),
        Column("school", ("school_code",)),
    ),
    (Right.ERASURES_READ,), "student_id",
    (Filter("on", "date"),),
    actions=True,
)  # fmt: skip
