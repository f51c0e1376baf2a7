"""Matters that take two people: who prepared one does not decide it. Every such rule stands here and is asked here.

People are compared (account ids), never posts: who holds both posts, or decides as somebody's delegate, is still who
prepared it. What is refused is told beforehand as well: the answers that show a matter carry ``why_not``.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from shared.kernel.refusals import Conflict


class SecondPersonNeeded(Conflict):
    """``rule`` names the separation."""

    code = "second_person_needed"


@dataclass(frozen=True)
class Separation:
    """One rule. ``zh`` and ``en`` are said to who prepared the matter."""

    rule: str
    zh: str
    en: str

    def forbids(self, prepared_by: str | Collection[str] | None, acting: str) -> bool:
        """Whether ``acting`` is who prepared it, or one of those who did. Nobody's doing forbids nobody."""
        people = (prepared_by,) if isinstance(prepared_by, str) else prepared_by or ()
        return acting in people

    def check(self, prepared_by: str | Collection[str] | None, acting: str, **facts: Any) -> None:
        """Raises SecondPersonNeeded with ``facts``."""
        if self.forbids(prepared_by, acting):
            raise self.refusal(**facts)

    def refusal(self, **facts: Any) -> SecondPersonNeeded:
        """What the rule says to who may not."""
        return SecondPersonNeeded(self.zh, self.en, rule=self.rule, **facts)

    def why_not(self, prepared_by: str | Collection[str] | None, acting: str, language: str) -> str | None:
        """The sentence that a page shows in place of the button, None where the rule does not stand in the way."""
        if not self.forbids(prepared_by, acting):
            return None
        return self.zh if language == "zh" else self.en


CHANGES_APPROVE = Separation(
    "changes.approve", "提出人不能审批,须由另一人审批", "Who proposed it does not approve it: another person must."
)
HOUSEHOLDS_APPROVE = Separation(
    "households.approve", "提出人不能审批,须由另一人审批", "Who proposed it does not approve it: another person must."
)
PAPERS_CHECK = Separation(
    "papers.check", "录入人不能自己复核,须由另一人复核", "Who typed it does not check it: another person must."
)
REVIEWS_DECIDE = Separation(
    "reviews.decide",
    "您已请他人复核这一行,须由另一人确认",
    "You asked for a second opinion on this row: another person must rule.",
)
MODELS_ACTIVATE = Separation(
    "models.activate", "模型由您提交,须由另一人启用", "You proposed the model: another person must activate it."
)
ALERTS_MISTAKEN = Separation(
    "alerts.mistaken",
    "预警有误须由两人办理:一人说明,另一人销号",
    "A mistake takes two people: one states it, another closes the case.",
)
ERASURES_APPROVE = Separation(
    "erasures.approve", "申请人与审批人不能是同一人", "Who asked for it does not approve it: another person must."
)
HOLDS_APPROVE = Separation(
    "holds.approve", "申请人与审批人不能是同一人", "Who asked for it does not approve it: another person must."
)
EMERGENCY_REVIEW = Separation(
    "emergency.review",
    "本人的应急访问须由他人事后复核",
    "Who used an emergency access does not review it: another person must.",
)
LETTERS_APPROVE = Separation(
    "letters.approve",
    "拟稿人不能签批,须由另一人签批",
    "Who drafted the letter does not sign it off: another person must.",
)
INQUIRIES_DECIDE = Separation(
    "inquiries.decide",
    "登记答复的人不能认定,须由另一人认定",
    "Who recorded the answer does not decide what it means: another person must.",
)

SEPARATIONS: tuple[Separation, ...] = (
    *(CHANGES_APPROVE, HOUSEHOLDS_APPROVE, PAPERS_CHECK, REVIEWS_DECIDE, MODELS_ACTIVATE, ALERTS_MISTAKEN),
    *(ERASURES_APPROVE, HOLDS_APPROVE, EMERGENCY_REVIEW),
    *(LETTERS_APPROVE, INQUIRIES_DECIDE),
)
