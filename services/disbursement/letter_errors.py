"""Refusals about letters to other counties; part of errors.py, through which they are imported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID

from shared.kernel.refusals import Conflict, Malformed, NotFound, Refusal


class UnknownLetter(NotFound):
    """No such letter, or not one of the caller's."""

    code = "unknown_letter"

    def __init__(self) -> None:
        super().__init__("没有这份公函", "there is no such letter")


class NotOurChild(NotFound):
    """A child of an incoming letter is none of the caller's."""

    code = "not_our_child"

    def __init__(self) -> None:
        super().__init__("来函所列学生不在您的范围内", "a child of the letter is none of yours")


class UnknownInquiry(NotFound):
    """The letter does not ask about this child."""

    code = "unknown_inquiry"

    def __init__(self) -> None:
        super().__init__("这份公函没有询问这名学生", "the letter does not ask about this child")


class NothingToAsk(Conflict):
    """Nobody registered there is left to be asked about in this term."""

    code = "nothing_to_ask"

    def __init__(self, place: str, term: str) -> None:
        super().__init__(
            "该属地本学期没有待发函的学生(或已列入公函)",
            "nobody registered there is left to be asked about this term",
            place=place,
            term=term,
        )


class LetterNotThere(Conflict):
    """The letter does not stand where this step begins. ``state``: where it stands."""

    code = "letter_state"

    def __init__(self, state: str) -> None:
        super().__init__("公函当前状态不能办理这一步,请刷新后查看", "the letter does not stand there", state=state)


class LetterChanged(Conflict):
    """What was read is not what would be approved."""

    code = "letter_changed"

    def __init__(self) -> None:
        super().__init__("公函内容与您看到的不一致,请刷新", "the letter is not the one that was read; reload")


class NothingToDecide(Conflict):
    """The answer itself says whether the child is aided there."""

    code = "nothing_to_decide"

    def __init__(self) -> None:
        super().__init__("对方已明确答复,无需另行认定", "the answer is clear: there is nothing to decide")


class NoSuchPlace(Malformed):
    """A place of registration is a division in force, and another one than the writer's. ``place``: the code, empty
    for a name, which may hold anything that was typed."""

    code = "no_such_place"

    def __init__(self, place: str) -> None:
        super().__init__(
            f"{f'{place} ' if place else '所填内容'}不是现行外地行政区划的代码或全称",
            f"{place or 'This'} is neither code nor full name of a division in force outside this division",
            field="place",
            place=place,
        )


class AmbiguousPlace(Malformed):
    """Several divisions in force are called so. ``candidates``: like 460080(海南省东岸区)."""

    code = "ambiguous_place"

    def __init__(self, candidates: Sequence[str]) -> None:
        super().__init__(
            f"有 {len(candidates)} 个同名区划,请填代码:{'、'.join(candidates)}",
            f"{len(candidates)} divisions are called so; give the code: {', '.join(candidates)}",
            field="place",
            candidates=list(candidates),
        )


class PlaceWithdrawn(Malformed):
    """The division is no more. ``candidates``: what its area belongs to now."""

    code = "place_withdrawn"

    def __init__(self, candidates: Sequence[str]) -> None:
        super().__init__(
            f"该区划已撤销,现为:{'、'.join(candidates)}",
            f"This division was withdrawn; now: {', '.join(candidates)}",
            field="place",
            candidates=list(candidates),
        )


class NoDivisionsKnown(Malformed):
    """No division outside the writer's is on record, so that no code and no name can be right."""

    code = "no_divisions"

    def __init__(self) -> None:
        super().__init__(
            "行政区划表里还没有外地区划,填什么都对不上:请资助中心经办在“基础资料 → 行政区划”上传区划表",
            "the table of divisions holds none outside this division, so nothing can be right: "
            "the aid clerk uploads one at Reference data → Divisions",
            field="place",
        )


class PlacesRefused(Malformed):
    """Some of several places cannot be, so none was taken. ``reasons``: by the child's or the school's id."""

    code = "places_refused"

    def __init__(self, reasons: Mapping[UUID, Refusal]) -> None:
        super().__init__(
            f"{len(reasons)} 处属地有误,全部未保存;改正后再保存一次",
            f"{len(reasons)} places are wrong, so nothing was saved; put them right and save again",
            wrong=[
                {"id": str(each), "code": refusal.code, "zh": refusal.zh, "en": refusal.en}
                for each, refusal in reasons.items()
            ],
        )
        self.reasons = reasons


class StageUnknown(Malformed):
    """Without a stage nothing can be due to the child here, and nobody would notice."""

    code = "stage_unknown"

    def __init__(self) -> None:
        super().__init__(
            "该生学段不明,请在登记答复时填写学段,否则本地无法资助",
            "the child's stage is not known: say it with the answer, or she cannot be aided here",
            field="stage",
        )


class SentBeforeDrafted(Malformed):
    """A day that cannot be: before the letter, or after today."""

    code = "letter_day"

    def __init__(self, field: str) -> None:
        super().__init__(
            "日期不合理:不能早于公函或晚于今天", "the day lies before the letter or after today", field=field
        )


class NoSuchTerm(Malformed):
    """A term is named like 2026-autumn."""

    code = "letter_term"

    def __init__(self) -> None:
        super().__init__("没有这个学期", "there is no such term", field="term")


class AidedElsewhere(Conflict):
    """The child is aided at the place of school registration in this term: not also here."""

    code = "aided_elsewhere"

    def __init__(self) -> None:
        super().__init__("学籍地已资助该学生,本地不再发放", "the child is aided where she is registered, not also here")
