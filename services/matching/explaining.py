"""The sentence behind a decision's reason code, in the reader's language."""

from __future__ import annotations

from services.matching.ladder import DEFAULT_RULES
from services.matching.outcome import REASONS
from shared.web.languages import Language


class _Facts(dict[str, object]):
    def __missing__(self, name: str) -> str:
        return "…"  # a decision keeps its code, not every figure behind it


def explanation(reason: str, language: Language, count: int = 0) -> str:
    """The sentence; the code itself where a former version of the rules gave a reason that is not known any more."""
    zh, en = REASONS.get(reason, (reason, reason))
    ages = {"lowest": DEFAULT_RULES.lowest_age_years, "highest": DEFAULT_RULES.highest_age_years}
    return (en if language == "en" else zh).format_map(_Facts(ages, count=count))
