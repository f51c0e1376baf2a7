"""What each question is told besides the moment and the day. Every bound is checked before anything is folded."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

BANK_LINES_MOST = 20_000  # of one statement; larger ones are asked about in parts
STAFF_MOST = 20_000


class Parameters(BaseModel):
    """Nothing is told."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class PaidManyTimes(Parameters):
    """``within``: count per term, per calendar year of payment, or over all time."""

    times: int = Field(2, ge=2, le=1_000, title="次数 times")
    within: Literal["term", "calendar_year", "ever"] = Field("calendar_year", title="范围 within")


class BankLine(BaseModel):
    """One line of the bank's statement: to whom the payment under ``reference`` really went."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    reference: str = Field(min_length=1, max_length=64)
    card: str = Field(min_length=4, max_length=32)
    holder_number: str = Field("", max_length=32)
    holder_name: str = Field("", max_length=64)


class AnothersCard(Parameters):
    """``staff_numbers``: identity numbers of teachers and staff, whose cards may carry no pupil's money."""

    bank_lines: tuple[BankLine, ...] = Field(max_length=BANK_LINES_MOST, title="银行回单 bank lines")
    staff_numbers: tuple[str, ...] = Field((), max_length=STAFF_MOST, title="教职工证件号 staff numbers")


class OfTerm(Parameters):
    """``term`` as programmes name it: ``2026-autumn``."""

    term: str = Field(pattern=r"^\d{4}-[a-z]{3,16}$", title="学期 term")


class Late(Parameters):
    """``days``: at least so many days after the last day for paying."""

    days: int = Field(1, ge=1, le=3_660, title="逾期天数 days")


class Membership(Parameters):
    """None: every list, every student."""

    list: Literal["poverty", "civil", "disability"] | None = Field(None, title="名单 list")
    student_id: UUID | None = Field(None, title="学生 student")


class Sample(Parameters):
    """``seed`` is any text; it is recorded with the answer, so that the sample can be drawn again."""

    seed: str = Field(min_length=1, max_length=128, title="种子 seed")
    size: int = Field(50, ge=1, le=10_000, title="样本量 size")
    population: Literal["payments", "entitlements"] = Field("payments", title="总体 population")


class SplitAmounts(Parameters):
    """``limit_fen``: what one payment may be; ``days``: counted as one occasion."""

    limit_fen: int = Field(ge=1, le=10**12, title="单笔限额(分) limit in fen")
    days: int = Field(7, ge=1, le=366, title="天数 days")
