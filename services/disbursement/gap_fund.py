"""The gap fund (补天窗): children of ours registered elsewhere whom the place of registration does not aid.

What it pays is for each county to decide (domain.md §6, §7): the first configuration repeats the living subsidy's rates
and says so, and a local one is a later version of the event.
"""

from __future__ import annotations

import msgspec

from services.disbursement.living_subsidy import LIVING_SUBSIDY

_SOURCE = "按生活补助标准预设,启用前须以本地文件核定"
GAP_FUND = msgspec.structs.replace(
    LIVING_SUBSIDY,
    programme="gap_fund",
    title_zh="学籍在外地学生补助(补天窗)",
    title_en="Gap fund, children registered elsewhere",
    rates=tuple(msgspec.structs.replace(rate, source=_SOURCE) for rate in LIVING_SUBSIDY.rates),
    registered="elsewhere",
)
