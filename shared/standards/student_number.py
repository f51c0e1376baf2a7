"""National student numbers 学籍号: nineteen characters, a letter and eighteen more.

G + identity number; J (no identity number yet) and L (temporary) + synthetic digits, which are never read as an
identity number even when they happen to look like one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, cast

from shared.standards import identity_number
from shared.standards.cell_text import is_scientific, number_text
from shared.standards.identity_number import IdentityNumber, IdentityNumberError

Kind = Literal["G", "J", "L"]

MESSAGES: dict[str, tuple[str, str]] = {
    "empty": ("学籍号为空", "The student number is empty."),
    "numeric_cell": (
        "学籍号单元格是数值格式,已丢失位数",
        "The student number came from a numeric cell: digits are lost.",
    ),
    "length": ("学籍号不是19位", "The student number does not have 19 characters."),
    "kind": ("学籍号应以 G、J 或 L 开头", "A student number starts with G, J or L."),
    "characters": (
        "学籍号含有不允许的字符",
        "The student number holds characters that are not allowed.",
    ),
    "identity_number": (
        "学籍号(G)后面的身份证号不正确",
        "The identity number inside the student number (G) is not valid.",
    ),
}


class StudentNumberError(ValueError):
    """A cell that is not a student number. `code` is a key of MESSAGES."""

    def __init__(self, code: str, message_zh: str, message_en: str) -> None:
        super().__init__(message_en)
        self.code = code
        self.message_zh = message_zh
        self.message_en = message_en

    def __reduce__(self) -> tuple[type[StudentNumberError], tuple[str, str, str]]:
        return type(self), (self.code, self.message_zh, self.message_en)


@dataclass(frozen=True, slots=True)
class StudentNumber:
    """`text` has 19 characters; `identity_number` is None for kinds J and L."""

    kind: Kind
    text: str
    identity_number: IdentityNumber | None

    def __repr__(self) -> str:
        return f"StudentNumber({self.kind}…)"

    def __str__(self) -> str:
        return self.text


def parse(raw: object) -> StudentNumber:
    """The student number in a cell. Raises StudentNumberError with one of the codes in MESSAGES."""
    if raw is not None and not isinstance(raw, str):
        raise _error("numeric_cell")
    text = number_text(raw)
    if not text:
        raise _error("empty")
    if is_scientific(text):
        raise _error("numeric_cell")
    if len(text) != 19:
        raise _error("length")
    if text[0] not in "GJL":
        raise _error("kind")
    kind = cast(Kind, text[0])
    if kind == "G":
        try:
            return StudentNumber(kind, text, identity_number.parse(text[1:]))
        except IdentityNumberError as cause:
            raise _error("identity_number") from cause
    rest = text[1:]
    if not (rest.isascii() and rest[:17].isdigit() and (rest[17].isdigit() or rest[17] == "X")):
        raise _error("characters")
    return StudentNumber(kind, text, None)


def _error(code: str) -> StudentNumberError:
    return StudentNumberError(code, *MESSAGES[code])
