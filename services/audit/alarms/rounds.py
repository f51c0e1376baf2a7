"""Keeping how a round of comparing a whole log ended."""

from __future__ import annotations

from typing import Any, Literal

import psycopg

Compared = Literal["store", "topic"]


def note_round(
    raw: psycopg.Connection[Any], service: str, compared: Compared, size: int, first_wrong: int | None
) -> None:
    """A round over ``size`` events ended now, green when nothing was wrong; else with its first wrong index."""
    green = int(first_wrong is None)
    raw.execute(
        "INSERT INTO comparison_days AS kept"
        " (service, compared, day, rounds, green, size, ended_at, green_at, first_wrong)"
        " VALUES (%(service)s, %(compared)s, (now() AT TIME ZONE 'Asia/Shanghai')::date, 1, %(green)s, %(size)s, now(),"
        " CASE WHEN %(green)s = 1 THEN now() END, %(wrong)s)"
        " ON CONFLICT (service, compared, day) DO UPDATE SET rounds = kept.rounds + 1,"
        " green = kept.green + excluded.green, size = excluded.size, ended_at = excluded.ended_at,"
        " green_at = coalesce(excluded.green_at, kept.green_at),"
        " first_wrong = least(kept.first_wrong, excluded.first_wrong)",
        {"service": service, "compared": compared, "green": green, "size": size, "wrong": first_wrong},
    )
