"""R4: the number is no valid one, but readable but for one slip or a mask, and one registered number fits.

Linked only when name, birth date and sex agree and nobody else's number fits; where the numbers of others fit as well,
the score (R6) weighs what else speaks for the one student of the row's name. What the number itself still says of
birth date and sex counts, a part of it that cannot be read does not. Beside a number that is not whole a single Tibetan
name is too little.
"""

from __future__ import annotations

from rapidfuzz.distance import OSA

from services.matching import tibetan_names
from services.matching.candidates import Candidates
from services.matching.evidence import in_order, linked, review, student_sex
from services.matching.name_relation import COMPATIBLE, SAME_NAME, relation
from services.matching.outcome import Outcome
from services.matching.records import EntryRecord, StudentRecord
from shared.standards.cell_text import number_text

NUMBER_LENGTH = 18
MASKS = frozenset("*X")  # what written_numbers makes of every mark over a digit, and the X that is one too
READABLE_OF_TAIL_LEAST = 3  # of sequence and check digit: a mask that hides them hides the person
_BIRTH, _TAIL, _CHECK = slice(6, 14), slice(14, 18), 17


def slipped(entry: EntryRecord, candidates: Candidates) -> Outcome | None:
    """R4; None when no registered number fits, or a number fits and nothing else does."""
    if entry.id_number is not None or not entry.id_text:
        return None
    text = number_text(entry.id_text)
    mask = _mask(text)
    fits = _masked_fits if mask else _one_edit
    found = [s for s in candidates.others if s.id_number and fits(text, s.id_number)]
    named = [s for s in found if relation(entry, s) in COMPATIBLE]
    if not named:
        return None
    student = named[0]
    if len(named) > 1:
        return review("R4", "number_fits_several", in_order(found))
    if len(found) > 1:
        return None  # not by its number alone: what else speaks for the one of the row's name is weighed
    if relation(entry, student) not in SAME_NAME:
        return review("R4", "slip_and_name_differ", [student])
    if mask and not _tells_people_apart(entry, text):
        return None  # what is left to read is weighed with everything else
    if not _agrees(entry, student):
        return review("R4", "slip_and_birth_or_sex_differ", [student])
    if tibetan_names.single(entry.name):
        return review("R4", "single_name", [student])
    return linked("R4", "number_masked" if mask else "number_one_slip", student)


def _one_edit(text: str, number: str) -> bool:
    return abs(len(text) - len(number)) <= 1 and OSA.distance(text, number, score_cutoff=1) <= 1


def _masked_fits(text: str, number: str) -> bool:
    return all(a == b or a in MASKS for a, b in zip(text, number, strict=True))


def _mask(text: str) -> bool:
    """Whether the text is a number with characters hidden; an X at the very end is a check digit."""
    if len(text) != NUMBER_LENGTH:
        return False
    hidden = [place for place, character in enumerate(text) if character in MASKS]
    return bool(hidden) and hidden != [_CHECK] and all(c in MASKS or c.isdigit() for c in text)


def _tells_people_apart(entry: EntryRecord, text: str) -> bool:
    """Enough of the masked number can be read: nearly all of sequence and check digit, and the birth date or a stated
    one."""
    readable = sum(character not in MASKS for character in text[_TAIL])
    return readable >= READABLE_OF_TAIL_LEAST and (entry.birth_date is not None or text[_BIRTH].isdigit())


def _agrees(entry: EntryRecord, student: StudentRecord) -> bool:
    """Birth date and sex, where stated or readable, are the student's. The number at one edit says them already."""
    if entry.birth_date is not None and entry.birth_date != student.birth_date:
        return False
    stated, sex = entry.sex, student_sex(student)
    return not (stated and sex and stated != sex)
