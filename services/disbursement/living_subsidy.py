"""The programme every installation starts with: the living subsidy of compulsory education (生活补助).

Rates and dates from the finance ministry's notices as reposted (domain.md §6): boarders 1000/1250 yuan a year, from
spring 2024 on 1250/1500; non-boarders half of it since autumn 2019. A local variation is a later version of the event.
"""

from __future__ import annotations

from datetime import date

from services.disbursement.events import ProgrammeActivated
from services.disbursement.schedule import Programme, Rate, TermRule, canonical, content_hash

AUTUMN_2019, SPRING_2024 = date(2019, 9, 1), date(2024, 2, 1)
_EARLIER = "财政部通知(转载),自2019年秋季学期"
_CURRENT = "财政部通知(转载),自2024年春季学期"


def _rate(valid_from: date, stage: str, boarder: bool, yearly_yuan: int, source: str) -> Rate:
    return Rate(
        valid_from=valid_from,
        region="",
        stage=stage,
        boarder=boarder,
        yearly_fen=yearly_yuan * 100,
        source=source,
    )


LIVING_SUBSIDY = Programme(
    programme="living_subsidy",
    title_zh="义务教育家庭经济困难学生生活补助",
    title_en="Living subsidy, compulsory education",
    categories=("registered_poor", "disabled", "subsistence_rural", "extreme_hardship"),
    stages=("primary", "junior"),
    terms=(TermRule(name="spring", month=2, day=1), TermRule(name="autumn", month=9, day=1)),
    rates=(
        _rate(AUTUMN_2019, "primary", True, 1000, _EARLIER),
        _rate(AUTUMN_2019, "primary", False, 500, _EARLIER),
        _rate(AUTUMN_2019, "junior", True, 1250, _EARLIER),
        _rate(AUTUMN_2019, "junior", False, 625, _EARLIER),
        _rate(SPRING_2024, "primary", True, 1250, _CURRENT),
        _rate(SPRING_2024, "primary", False, 625, _CURRENT),
        _rate(SPRING_2024, "junior", True, 1500, _CURRENT),
        _rate(SPRING_2024, "junior", False, 750, _CURRENT),
    ),
)


def activation(programme: Programme = LIVING_SUBSIDY) -> ProgrammeActivated:
    """The event that puts a configuration into force."""
    content = canonical(programme)
    return ProgrammeActivated(programme=programme.programme, content=content, content_hash=content_hash(content))
