"""The identity number of a row: from its own cell, its certificate or its student number; checked, never repaired."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from services.registry.sheets import cells
from shared.standards import disability, identity_number, student_number
from shared.standards.cell_text import is_scientific, number_text
from shared.standards.disability import DisabilityCertificateError
from shared.standards.identity_number import IdentityNumberError
from shared.standards.student_number import StudentNumberError

LOST_DIGITS = frozenset(("numeric_cell", "scientific_notation"))
_IDENTITY_CARD_KINDS = ("", "身份证", "居民身份证", "户口簿", "户口本", "中华人民共和国居民身份证", "1", "01")


@dataclass(frozen=True, slots=True)
class NumberFound:
    """`number` is valid or None; `problem` is a code of identity_number.MESSAGES or other_document.

    `suggested_birth_date` is what an unusable number says (15 digits, or a slip elsewhere in it): good for looking,
    not for linking.
    `contradicted`: two valid numbers in one row disagree.
    """

    number: str | None
    birth_date: date | None = None
    problem: str | None = None
    suggested_birth_date: date | None = None
    contradicted: bool = False


NO_NUMBER = NumberFound(None)


def from_cell(cell: object, id_kind: str = "") -> NumberFound:
    """The number of one cell; an empty cell has neither number nor problem."""
    cell = _plain(cell)
    if id_kind not in _IDENTITY_CARD_KINDS and not identity_number.is_valid(cell):
        return NumberFound(None, problem="other_document" if cell not in ("", None) else None)
    try:
        parsed = identity_number.parse(number_part(cell) if isinstance(cell, str) else cell)
    except IdentityNumberError as error:
        if error.code == "empty":
            return NO_NUMBER
        return NumberFound(None, problem=error.code, suggested_birth_date=_suggested_birth_date(cell, error.code))
    return NumberFound(parsed.text, parsed.birth_date)


def with_certificate(own: NumberFound, certificate: object) -> NumberFound:
    """`own`, completed or contradicted by a disability certificate, whose first 18 characters are the number; offices
    write these alone, too."""
    try:
        owner = disability.parse(_plain(certificate)).identity_number
    except DisabilityCertificateError:
        alone = from_cell(certificate)
        if alone.number is not None and alone.birth_date is not None:
            return _with_copy(own, alone.number, alone.birth_date)
        return alone if own == NO_NUMBER else own
    return _with_copy(own, owner.text, owner.birth_date)


def with_student_number(own: NumberFound, cell: object) -> NumberFound:
    """`own`, completed or contradicted by a G student number; J and L are never read as identity numbers."""
    if own.number is not None and isinstance(cell, str) and cell[1:] == own.number and cell[0] == "G":
        return own  # nearly always: nothing new to check
    try:
        copy = student_number.parse(_plain(cell)).identity_number
    except StudentNumberError:
        return own
    return own if copy is None else _with_copy(own, copy.text, copy.birth_date)


def _plain(cell: object) -> object:
    """A text without what a spreadsheet puts around it; a number stays one, for it has lost digits."""
    return cells.text(cell) if isinstance(cell, str) else cell


def _with_copy(own: NumberFound, number: str, birth_date: date) -> NumberFound:
    if own.number is None:
        return NumberFound(number, birth_date)
    if own.number == number:
        return own
    return NumberFound(own.number, own.birth_date, contradicted=True)


def number_part(cell: object) -> str:
    """Plain characters of a number cell; of a certificate (20–22 characters) the first 18, valid or not."""
    text = number_text(cell)
    certificate = 20 <= len(text) <= 22 and text[18:20].isdigit() and not is_scientific(text)
    return text[:18] if certificate else text


def _suggested_birth_date(cell: object, code: str) -> date | None:
    if code in LOST_DIGITS:
        return None
    digits = number_part(cell)
    eight = "19" + digits[6:12] if code == "fifteen_digit" else digits[6:14]
    if len(digits) not in (15, 18) or len(eight) != 8 or not (eight.isascii() and eight.isdigit()):
        return None
    try:
        return date(int(eight[:4]), int(eight[4:6]), int(eight[6:]))
    except ValueError:
        return None
