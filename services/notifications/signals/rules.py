"""The alert rules: thresholds as configuration with versions, per county and stage. Pure."""

from __future__ import annotations

import hashlib
from functools import lru_cache

import msgspec

from services.notifications.errors import BadRules
from shared.standards.division import area

LONGEST_WAIT_DAYS = 180
LONGEST_DOCUMENT_DAYS = 1_100  # three school years
VARIATIONS_MOST = 200  # a province's counties, some of them by stage
REASONS = ("sick", "leave", "unexplained", "suspended", "other")
STAGES = ("preschool", "primary", "junior", "senior", "vocational", "special")
# name → least, most. Runs and windows beyond a term mean nothing; attendance is kept in reach for at least a term,
# because whether a child came at its start is asked until she comes.
_BOUNDS: dict[str, tuple[float, float]] = {
    "acceptance_days": (1, LONGEST_WAIT_DAYS),
    "contact_days": (7, 366),
    "absent_days_running": (1, 60),
    "excused_days_running": (1, 120),
    "absent_share": (0.01, 0.99),
    "share_window": (5, 120),
    "share_least": (1, 120),
    "term_start_days": (1, 30),
    "suspension_grace_days": (0, 60),
    "return_days": (1, 20),
    "silence_after_days": (1, 20),
    "attendance_reach_days": (150, 400),
    "home_teaching_visit_days": (1, 120),
}


class Thresholds(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When absence becomes a signal; days are school days unless said otherwise.

    ``absent_days_running`` 3: unexplained absence without a day at school in between; a cold is over by then or the
    school has been told. ``excused_days_running`` 10: absence of any reason told by word only; after two school weeks a
    paper is due. ``unexplained_reasons``: those that explain nothing.
    ``absent_share`` 0.3: above this share of the last ``share_window`` 20 school days (four
    weeks), of which at least ``share_least`` 10 must have been reported; half a day counts half, excused days count.
    ``term_start_days`` 2: absent unexplained on every reported day since the term's first; the opening day alone still
    has late travellers. ``suspension_grace_days`` 3: after the day a suspended student was due back.
    ``return_days`` 3: whole days at school until she counts as back.
    ``silence_after_days`` 1: ended days without a report of a class. ``attendance_reach_days`` 200: calendar days
    before the last report beyond which attendance counts no more, longer than a term.
    ``home_teaching_visit_days`` 31: calendar days that one visit at home covers, one a month."""

    absent_days_running: int = 3
    excused_days_running: int = 10
    unexplained_reasons: tuple[str, ...] = ("unexplained", "other")
    absent_share: float = 0.3
    share_window: int = 20
    share_least: int = 10
    term_start_days: int = 2
    suspension_grace_days: int = 3
    return_days: int = 3
    silence_after_days: int = 1
    attendance_reach_days: int = 200
    home_teaching_visit_days: int = 31


class Variation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Other thresholds for a place, a stage, or both: ``division`` is a division's code (469000 = all of 4690) or the
    beginning of codes. What is not said stays as it is around it."""

    division: str | None = None
    stage: str | None = None
    absent_days_running: int | None = None
    excused_days_running: int | None = None
    unexplained_reasons: tuple[str, ...] | None = None
    absent_share: float | None = None
    share_window: int | None = None
    share_least: int | None = None
    term_start_days: int | None = None
    suspension_grace_days: int | None = None
    return_days: int | None = None
    silence_after_days: int | None = None
    attendance_reach_days: int | None = None
    home_teaching_visit_days: int | None = None

    def holds_in(self, division: str, stage: str | None) -> bool:
        """Whether it is meant for a school's place and a student's stage."""
        return division.startswith(area(self.division or "")) and self.stage in (None, stage)


class DocumentDays(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The most calendar days one document of absence may cover, by its kind: a school year with its vacations for what
    is decided by the year, half of one for an illness; longer than that, somebody looks again."""

    sick: int = 180
    suspended: int = 366
    delayed_entry: int = 366
    home_teaching: int = 366
    sports_school: int = 366
    abroad: int = 366

    def most(self, kind: str) -> int:
        """Of a document of ``kind``."""
        days: int = getattr(self, kind)
        return days


class AlertRules(Thresholds, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``acceptance_days``: how long another school may take to accept a child who left one; days of vacation, when no
    school accepts anybody, do not count. ``contact_days``: how long a left-behind child may go unheard of before its
    school is reminded, about half a term. ``compulsory_stages`` stand in where a birth date is not known. Among
    ``variations`` the narrower place counts before the wider, and within a place a stage before all stages."""

    acceptance_days: int = 15
    contact_days: int = 60
    compulsory_stages: tuple[str, ...] = ("primary", "junior")
    variations: tuple[Variation, ...] = ()
    document_days: DocumentDays = DocumentDays()

    @property
    def everywhere(self) -> frozenset[Thresholds]:
        """The thresholds of every place and stage."""
        return _everywhere(self)

    def at(self, division: str, stage: str | None) -> Thresholds:
        """The thresholds for a student of ``stage`` at a school in ``division``."""
        return _at(self, division, stage)


@lru_cache(maxsize=4_096)
def _at(rules: AlertRules, division: str, stage: str | None) -> Thresholds:
    values = {name: getattr(rules, name) for name in Thresholds.__struct_fields__}
    fitting = [each for each in rules.variations if each.holds_in(division, stage)]
    for each in sorted(fitting, key=lambda each: (len(area(each.division or "")), each.stage is not None)):
        told = ((name, getattr(each, name)) for name in values)
        values |= {name: value for name, value in told if value is not None}
    return Thresholds(**values)


@lru_cache(maxsize=64)
def _everywhere(rules: AlertRules) -> frozenset[Thresholds]:
    divisions = {"", *(each.division or "" for each in rules.variations)}
    return frozenset(_at(rules, division, stage) for division in divisions for stage in (None, *STAGES))


_decoder = msgspec.json.Decoder(AlertRules)


def canonical(rules: AlertRules) -> str:
    """The one JSON text of the rules."""
    return msgspec.json.encode(rules).decode()


def content_hash(content: str) -> str:
    """Hex SHA-256 of the content's UTF-8."""
    return hashlib.sha256(content.encode()).hexdigest()


@lru_cache(maxsize=16)
def parse(content: str) -> AlertRules:
    """The rules in ``content``; what an earlier version did not know yet has its default. Raises BadRules."""
    try:
        rules = _decoder.decode(content)
    except msgspec.DecodeError as error:
        raise BadRules("预警规则格式不正确", f"bad alert rules: {error}") from error
    _check(rules)
    for kind in DocumentDays.__struct_fields__:
        if not 1 <= rules.document_days.most(kind) <= LONGEST_DOCUMENT_DAYS:
            raise BadRules(
                f"证明天数上限应在 1 至 {LONGEST_DOCUMENT_DAYS} 之间",
                f"document_days must be 1 to {LONGEST_DOCUMENT_DAYS}",
                field=f"document_days.{kind}",
            )
    if len(rules.variations) > VARIATIONS_MOST:
        raise BadRules(f"地方规则最多 {VARIATIONS_MOST} 条", f"at most {VARIATIONS_MOST} variations")
    places = [(each.division, each.stage) for each in rules.variations]
    if len(set(places)) != len(places):
        raise BadRules("同一地区和学段只能有一条地方规则", "one variation for each place and stage")
    for each in rules.variations:
        if (each.division is None and each.stage is None) or each.stage not in (None, *STAGES):
            raise BadRules("地方规则应写明地区或学段", "a variation names a place or a stage")
        if each.division is not None and not (each.division.isdigit() and 2 <= len(each.division) <= 12):
            raise BadRules("地区代码应为 2 至 12 位数字", "a division is 2 to 12 digits")
    for thresholds in rules.everywhere:
        _check(thresholds)
    return rules


def _check(thresholds: Thresholds) -> None:
    for name, (least, most) in _BOUNDS.items():
        value = getattr(thresholds, name, least)
        if not least <= value <= most:
            raise BadRules(f"{name} 应在 {least} 至 {most} 之间", f"{name} must be {least} to {most}", field=name)
    if thresholds.share_least > thresholds.share_window:
        raise BadRules("最少上报天数不能多于统计天数", "share_least must not exceed share_window", field="share_least")
    if thresholds.excused_days_running < thresholds.absent_days_running:
        raise BadRules(
            "请假天数上限不能少于无故缺勤天数",
            "excused_days_running must not be below absent_days_running",
            field="excused_days_running",
        )
    if not set(thresholds.unexplained_reasons) <= set(REASONS):
        raise BadRules("缺勤原因不正确", "unexplained_reasons holds no reason", field="unexplained_reasons")
