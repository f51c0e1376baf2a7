"""All cases, theme by theme."""

from __future__ import annotations

from tests.services.matching.cases import (
    ages_and_places,
    certificates,
    guards,
    number_cells,
    r0_rulings,
    r1_equal,
    r2_names,
    r3_other_name,
    r4_slips,
    r5_two_numbers,
    r6_score,
    r7_households,
    student_numbers,
)
from tests.services.matching.cases.form import Case

THEMES = (
    *(r0_rulings, r1_equal, r2_names, r3_other_name, r4_slips, r5_two_numbers, r6_score, r7_households, guards),
    *(number_cells, student_numbers, certificates, ages_and_places),
)
CASES: tuple[Case, ...] = tuple(case for theme in THEMES for case in theme.CASES)
