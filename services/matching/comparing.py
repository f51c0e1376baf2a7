"""Two records side by side: each field of a list row beside the student's, differing characters marked, numbers
decoded. Pure. Marks are found in the full texts and stay where they are in the masked ones, for a mask hides characters
one by one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from datetime import date
from typing import Any, Literal

from pydantic import BaseModel
from rapidfuzz.distance import Levenshtein

from shared.kernel.masking import mask_name, mask_number
from shared.standards import identity_number
from shared.standards.cell_text import number_text
from shared.standards.identity_number import IdentityNumberError

Span = tuple[int, int]  # from, to (exclusive), in characters


def mask_birth_date(text: str) -> str:
    """The year stays: 2015-**-**."""
    return text[:4] + "".join("*" if character.isdigit() else character for character in text[4:])


FIELDS = (
    *("name", "former_name", "id_number", "student_number", "birth_date", "sex", "guardian_name", "guardian_id"),
    *("head_name", "school", "grade", "class_name"),
)
MASKS: Mapping[str, Callable[[str], str]] = {
    "name": mask_name,
    "former_name": mask_name,
    "id_number": mask_number,
    "student_number": mask_number,
    "birth_date": mask_birth_date,
    "guardian_name": mask_name,
    "guardian_id": mask_number,
    "head_name": mask_name,
}
REVEALABLE = tuple(MASKS)


class Side(BaseModel):
    """One record's value of a field; ``spans`` are the characters that differ from the other record."""

    text: str
    spans: tuple[Span, ...] = ()


class ComparedField(BaseModel):
    """A field of both records. ``agrees`` is None where one of them says nothing."""

    field: str
    row: Side
    student: Side
    agrees: bool | None


class DecodedNumber(BaseModel):
    """What an identity number says by itself. ``check``: whether its last character agrees, None when it has too few
    characters to tell. ``problem`` is a code of identity_number, with its sentence, or None."""

    text: str
    division_code: str | None = None
    birth_date: str | None = None
    sex: Literal["male", "female"] | None = None
    check: bool | None = None
    problem: str | None = None
    explanation: str | None = None


def shown_text(field: str, value: Any, revealed: Collection[str]) -> str:
    """A value as text, masked unless its field is revealed."""
    text = "" if value is None else value.isoformat() if isinstance(value, date) else str(value)
    mask = MASKS.get(field)
    return text if mask is None or field in revealed else mask(text)


def compared(row: Mapping[str, Any], student: Mapping[str, Any], revealed: Collection[str]) -> list[ComparedField]:
    """The fields that at least one of the two records fills, in the order of FIELDS. Values are text, dates or None."""
    found = []
    for field in FIELDS:
        ours, theirs = (_plain(record.get(field)) for record in (row, student))
        if not ours and not theirs:
            continue
        row_spans, student_spans = differences(ours, theirs) if ours and theirs else ((), ())
        found.append(
            ComparedField(
                field=field,
                row=Side(text=shown_text(field, row.get(field), revealed), spans=row_spans),
                student=Side(text=shown_text(field, student.get(field), revealed), spans=student_spans),
                agrees=ours == theirs if ours and theirs else None,
            )
        )
    return found


def differences(first: str, second: str) -> tuple[tuple[Span, ...], tuple[Span, ...]]:
    """The characters of each text that the other one has otherwise or not at all, by the fewest edits."""
    changed = [step for step in Levenshtein.opcodes(first, second) if step.tag != "equal"]
    return (
        tuple((step.src_start, step.src_end) for step in changed if step.src_end > step.src_start),
        tuple((step.dest_start, step.dest_end) for step in changed if step.dest_end > step.dest_start),
    )


def decoded(raw: str | None, language: str, *, plain: bool) -> DecodedNumber | None:
    """What a number, also an unusable one, says; None for an empty cell. ``plain``: without masks."""
    text = number_text(raw or "")
    if not text:
        return None
    problem: IdentityNumberError | None = None
    try:
        identity_number.parse(text)
    except IdentityNumberError as error:
        problem = error
    born, sex_digit = _birth_and_sex(text)
    division = text[:6] if len(text) >= 15 and _digits(text[:6]) else None
    birth_date = born.isoformat() if born else None
    check = None
    if len(text) == 18 and _digits(text[:17]):
        check = identity_number.check_digit(text[:17]) == text[17]
    return DecodedNumber(
        text=text if plain else mask_number(text),
        division_code=division if plain or division is None else division[:4] + "**",
        birth_date=birth_date if plain or birth_date is None else mask_birth_date(birth_date),
        sex=None if not sex_digit else "male" if int(sex_digit) % 2 else "female",
        check=check,
        problem=problem.code if problem else None,
        explanation=(problem.message_zh if language == "zh" else problem.message_en) if problem else None,
    )


def _birth_and_sex(text: str) -> tuple[date | None, str]:
    if len(text) == 18 and _digits(text[6:14]):
        eight, sex = text[6:14], text[16]
    elif len(text) == 15 and _digits(text):
        eight, sex = "19" + text[6:12], text[14]
    else:
        return None, ""
    try:
        born = date(int(eight[:4]), int(eight[4:6]), int(eight[6:]))
    except ValueError:
        born = None
    return born, sex if _digits(sex) else ""


def _plain(value: Any) -> str:
    return "" if value is None else value.isoformat() if isinstance(value, date) else str(value)


def _digits(text: str) -> bool:
    return text.isascii() and text.isdigit()
