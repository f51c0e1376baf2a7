"""Disability certificates 残疾人证: identity number, kind 1–7, grade 1–4, and a suffix after a re-issue."""

from __future__ import annotations

from dataclasses import dataclass

from shared.standards import identity_number
from shared.standards.cell_text import is_scientific, number_text
from shared.standards.identity_number import IdentityNumber, IdentityNumberError

KINDS_ZH = {1: "视力", 2: "听力", 3: "言语", 4: "肢体", 5: "智力", 6: "精神", 7: "多重"}
KINDS_EN = {
    1: "visual",
    2: "hearing",
    3: "speech",
    4: "physical",
    5: "intellectual",
    6: "mental",
    7: "multiple",
}
GRADES_ZH = {1: "一级", 2: "二级", 3: "三级", 4: "四级"}
LONGEST_SUFFIX = 2  # unverified in a published source: observed re-issues add B1, B2 …

MESSAGES: dict[str, tuple[str, str]] = {
    "empty": ("残疾人证号为空", "The certificate number is empty."),
    "numeric_cell": (
        "残疾人证号单元格是数值格式,已丢失位数",
        "The certificate number came from a numeric cell: digits are lost.",
    ),
    "length": (
        "残疾人证号应为20至22位",
        "A certificate number has 20 to 22 characters.",
    ),
    "identity_number": (
        "残疾人证号前18位不是正确的身份证号",
        "The first 18 characters of the certificate number are not a valid identity number.",
    ),
    "kind": ("残疾类别代码应为1至7", "The kind of disability is a digit from 1 to 7."),
    "grade": (
        "残疾等级代码应为1至4",
        "The grade of disability is a digit from 1 to 4.",
    ),
    "suffix": (
        "残疾人证号换证后缀不正确",
        "The re-issue suffix may hold only letters and digits.",
    ),
}


class DisabilityCertificateError(ValueError):
    """A cell that is not a certificate number. `code` is a key of MESSAGES."""

    def __init__(self, code: str, message_zh: str, message_en: str) -> None:
        super().__init__(message_en)
        self.code = code
        self.message_zh = message_zh
        self.message_en = message_en

    def __reduce__(
        self,
    ) -> tuple[type[DisabilityCertificateError], tuple[str, str, str]]:
        return type(self), (self.code, self.message_zh, self.message_en)


@dataclass(frozen=True, slots=True)
class DisabilityCertificate:
    """`number` is the whole text, 20–22 characters; kind 1–7; grade 1 (severest) to 4; suffix often empty."""

    number: str
    identity_number: IdentityNumber
    kind: int
    grade: int
    suffix: str

    @property
    def kind_zh(self) -> str:
        return KINDS_ZH[self.kind]

    @property
    def grade_zh(self) -> str:
        return GRADES_ZH[self.grade]

    def __repr__(self) -> str:
        return f"DisabilityCertificate(kind={self.kind}, grade={self.grade})"


def parse(raw: object) -> DisabilityCertificate:
    """The certificate number in a cell. Raises DisabilityCertificateError with one of the codes in MESSAGES."""
    if raw is not None and not isinstance(raw, str):
        raise _error("numeric_cell")
    text = number_text(raw)
    if not text:
        raise _error("empty")
    if is_scientific(text):
        raise _error("numeric_cell")
    if not 20 <= len(text) <= 20 + LONGEST_SUFFIX:
        raise _error("length")
    try:
        owner = identity_number.parse(text[:18])
    except IdentityNumberError as cause:
        raise _error("identity_number") from cause
    if text[18] not in "1234567":
        raise _error("kind")
    if text[19] not in "1234":
        raise _error("grade")
    suffix = text[20:]
    if suffix and not (suffix.isascii() and suffix.isalnum()):
        raise _error("suffix")
    return DisabilityCertificate(text, owner, int(text[18]), int(text[19]), suffix)


def kind_of(raw: object) -> int | None:
    """Kind 1–7 from a cell such as 视力残疾, 视力 or 1; None when it names no kind."""
    text = number_text(raw).removesuffix("残疾")
    if text in ("1", "2", "3", "4", "5", "6", "7"):
        return int(text)
    return next((kind for kind, name in KINDS_ZH.items() if text == name), None)


def grade_of(raw: object) -> int | None:
    """Grade 1–4 from a cell such as 二级, 2级, 贰级 or 2; None when it names no grade."""
    text = number_text(raw).removesuffix("级")
    return next(
        (i + 1 for i, names in enumerate(("1一壹", "2二贰", "3三叁", "4四肆")) if len(text) == 1 and text in names),
        None,
    )


def _error(code: str) -> DisabilityCertificateError:
    return DisabilityCertificateError(code, *MESSAGES[code])
