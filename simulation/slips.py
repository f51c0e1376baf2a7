"""Single slips of a clerk's hand: each changes the cells of one row, or says that there was nothing to get wrong.

A slip returns True when it happened. What it does to the ending of the row is written into `states`: most slips change
nothing, because a careful person with the register at hand still knows who is meant.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from simulation import confusions
from simulation.names import MIDDLE_DOT, given_name
from simulation.office_sheets import WideRow


@dataclass(slots=True)
class Desk:
    """What lies on the clerk's desk: the row and the one written before it."""

    row: WideRow
    above: WideRow | None


Slip = Callable[[Random, Desk], bool]


# --- the number ---------------------------------------------------------------------------------------------------


def _replace_number(desk: Desk, text: str) -> bool:
    if text == desk.row.number:
        return False
    desk.row.write_number(text)
    return True


def one_digit(rng: Random, desk: Desk) -> bool:
    """A neighbouring key, anywhere in the first seventeen digits; the check digit then never fits."""
    text = desk.row.number
    if len(text) != 18:
        return False
    at = rng.randrange(17)
    if not text[at].isdigit():
        return False
    return _replace_number(desk, text[:at] + rng.choice(confusions.DIGIT_NEIGHBOURS[text[at]]) + text[at + 1 :])


def two_digits(rng: Random, desk: Desk) -> bool:
    return one_digit(rng, desk) and one_digit(rng, desk)


def swapped(rng: Random, desk: Desk) -> bool:
    """Two neighbours change places."""
    text = desk.row.number
    places = [i for i in range(6, len(text) - 2) if text[i] != text[i + 1]]
    if len(text) != 18 or not places:
        return False
    at = rng.choice(places)
    return _replace_number(desk, text[:at] + text[at + 1] + text[at] + text[at + 2 :])


def lost_digit(rng: Random, desk: Desk) -> bool:
    text = desk.row.number
    at = rng.randrange(6, 18)
    return len(text) == 18 and _replace_number(desk, text[:at] + text[at + 1 :])


def doubled_digit(rng: Random, desk: Desk) -> bool:
    text = desk.row.number
    at = rng.randrange(6, 18)
    # A certificate's number with one digit more cannot be told from one with another kind: offices see it at once.
    if len(text) != 18 or desk.row.row.list_name == "disability":
        return False
    return _replace_number(desk, text[:at] + text[at] + text[at:])


def dropped_x(_: Random, desk: Desk) -> bool:
    """On a number pad there is no X."""
    text = desk.row.number
    if not text.endswith("X") or desk.row.row.list_name == "disability":
        return False
    return _replace_number(desk, text[:-1])


def other_x(rng: Random, desk: Desk) -> bool:
    """A star, a multiplication sign or a Cyrillic letter for the X."""
    text = desk.row.number
    return text.endswith("X") and _replace_number(desk, text[:-1] + rng.choice(("*", "×", "Х", "0", "ⅹ")))


def fifteen_digits(_: Random, desk: Desk) -> bool:
    """The number as it would have been before 1999."""
    text = desk.row.number
    if len(text) != 18 or desk.row.row.list_name == "disability":
        return False
    return _replace_number(desk, text[:6] + text[8:17])


def masked(rng: Random, desk: Desk) -> bool:
    """Printed from a system that hides digits; which ones depends on the system."""
    text = desk.row.number
    if len(text) != 18:
        return False
    start, end = rng.choice(((6, 14), (10, 14), (12, 16), (14, 18), (8, 14)))
    return _replace_number(desk, text[:start] + rng.choice(confusions.MASKS) * (end - start) + text[end:])


def numeric_cell(_: Random, desk: Desk) -> bool:
    """A spreadsheet kept fifteen digits: by rule the row goes back to its office, whoever else could be guessed."""
    text = desk.row.number
    if len(text) != 18 or not text.isdigit() or desk.row.row.list_name == "disability":
        return False
    desk.row.cells["id_number"] = float(text[:15] + "000")
    if desk.row.row.student_row is not None:
        desk.row.state, desk.row.states = "rejected", ("rejected", "review", "linked")
    else:
        desk.row.states = (*desk.row.states, "rejected")
    return True


def missing(_: Random, desk: Desk) -> bool:
    return _replace_number(desk, "")


def guardian_number(_: Random, desk: Desk) -> bool:
    """The parent's card was at hand, the child's was not."""
    person, guardian = desk.row.row.person, desk.row.row.household.guardian
    if person is guardian or len(guardian.number) != 18 or person.standing == "adult":
        return False
    return _replace_number(desk, guardian.number)


def sibling_number(rng: Random, desk: Desk) -> bool:
    """One line higher or lower in the household book."""
    person = desk.row.row.person
    others = [child for child in desk.row.row.household.children if child is not person]
    return bool(others) and person.standing != "adult" and _replace_number(desk, rng.choice(others).number)


def number_above(_: Random, desk: Desk) -> bool:
    """Filled down with the mouse."""
    if desk.above is None or desk.above.row.list_name != desk.row.row.list_name or len(desk.above.number) != 18:
        return False
    return _replace_number(desk, desk.above.number)


def full_width(_: Random, desk: Desk) -> bool:
    text = desk.row.number
    return _replace_number(desk, "".join(chr(ord(c) + 0xFEE0) if c.isascii() else c for c in text))


def blanks_inside(rng: Random, desk: Desk) -> bool:
    text = desk.row.number
    blank = rng.choice((" ", "\u3000", "\u00a0"))
    return len(text) == 18 and _replace_number(desk, f"{text[:6]}{blank}{text[6:14]}{blank}{text[14:]}")


def apostrophe(rng: Random, desk: Desk) -> bool:
    return bool(desk.row.number) and _replace_number(desk, rng.choice("'‘`") + desk.row.number)


# --- the name -----------------------------------------------------------------------------------------------------


def _replace_name(desk: Desk, name: str) -> bool:
    if not name or name == desk.row.cells["name"]:
        return False
    desk.row.cells["name"] = name
    return True


def _one_character(rng: Random, desk: Desk, table: dict[str, str]) -> bool:
    name = str(desk.row.cells["name"])
    places = [i for i, character in enumerate(name) if table.get(character)]
    if not places:
        return False
    at = rng.choice(places)
    return _replace_name(desk, name[:at] + rng.choice(table[name[at]]) + name[at + 1 :])


def homophone(rng: Random, desk: Desk) -> bool:
    return _one_character(rng, desk, confusions.SAME_SOUND)


def dialect(rng: Random, desk: Desk) -> bool:
    return _one_character(rng, desk, confusions.NEAR_SOUND)


def similar_shape(rng: Random, desk: Desk) -> bool:
    return _one_character(rng, desk, confusions.SAME_LOOK)


def traditional(_: Random, desk: Desk) -> bool:
    name = str(desk.row.cells["name"])
    return _replace_name(desk, "".join(confusions.TRADITIONAL.get(character, character) for character in name))


def variant(rng: Random, desk: Desk) -> bool:
    return _one_character(rng, desk, confusions.VARIANTS)


def unreadable(rng: Random, desk: Desk) -> bool:
    """A character that the program could not show."""
    name = str(desk.row.cells["name"])
    at = rng.randrange(len(name))
    return len(name) > 1 and _replace_name(desk, name[:at] + rng.choice(confusions.UNREADABLE) + name[at + 1 :])


def other_dot(rng: Random, desk: Desk) -> bool:
    name = str(desk.row.cells["name"])
    return _replace_name(desk, name.replace(MIDDLE_DOT, rng.choice(confusions.DOTS)))


def other_spelling(_: Random, desk: Desk) -> bool:
    parts = str(desk.row.cells["name"]).split(MIDDLE_DOT)
    if len(parts) < 2:
        return False
    return _replace_name(desk, MIDDLE_DOT.join(confusions.SPELLINGS.get(part, part) for part in parts))


def truncated(_: Random, desk: Desk) -> bool:
    """The column of the old program held four characters; a father's name is left out."""
    name = str(desk.row.cells["name"])
    return MIDDLE_DOT in name and _replace_name(desk, name.split(MIDDLE_DOT)[0])


def former_name(_: Random, desk: Desk) -> bool:
    student = desk.row.row.person.student
    if student is None or not student.former_name or MIDDLE_DOT in desk.row.row.name:
        return False
    return _replace_name(desk, desk.row.row.name[0] + student.former_name)


def called_name(rng: Random, desk: Desk) -> bool:
    """The name the village uses: same surname, nothing else."""
    name = desk.row.row.name
    if MIDDLE_DOT in name or desk.row.row.person.standing == "adult":
        return False
    return _replace_name(desk, name[0] + given_name(rng, desk.row.row.person.sex))


def blank_in_name(rng: Random, desk: Desk) -> bool:
    name = str(desk.row.cells["name"])
    return _replace_name(desk, name[0] + rng.choice((" ", "  ", "\u3000")) + name[1:])


# --- everything else ----------------------------------------------------------------------------------------------


def wrong_sex(_: Random, desk: Desk) -> bool:
    desk.row.cells["sex"] = "女" if desk.row.cells["sex"] == "男" else "男"
    return True


def day_and_month(_: Random, desk: Desk) -> bool:
    born = desk.row.row.person.birth
    if born.day > 12 or born.day == born.month or not desk.row.cells["birth_date"]:
        return False
    desk.row.cells["birth_date"] = f"{born.year}-{born.day:02}-{born.month:02}"
    return True


def lunar_birth_date(_: Random, desk: Desk) -> bool:
    """The day by the farmers' calendar, with months of 29.53 days after the lunar new year."""
    born = desk.row.row.person.birth
    if not desk.row.cells["birth_date"]:
        return False
    year = born.year
    if year in confusions.LUNAR_NEW_YEARS and born < date(year, *confusions.LUNAR_NEW_YEARS[year]):
        year -= 1
    if year not in confusions.LUNAR_NEW_YEARS:
        return False
    month, day = divmod((born - date(year, *confusions.LUNAR_NEW_YEARS[year])).days, 29.53)
    desk.row.cells["birth_date"] = f"{year}-{min(int(month) + 1, 12):02}-{min(int(day) + 1, 28):02}"
    return True


def birth_slip(rng: Random, desk: Desk) -> bool:
    if not desk.row.cells["birth_date"]:
        return False
    born = desk.row.row.person.birth + timedelta(days=rng.choice((-10, -1, 1, 10, 30, 365)))
    desk.row.cells["birth_date"] = f"{born:%Y-%m-%d}"
    return True


def month_only(_: Random, desk: Desk) -> bool:
    desk.row.cells["birth_date"] = f"{desk.row.row.person.birth:%Y.%m}"
    return True


def no_birth_date(_: Random, desk: Desk) -> bool:
    desk.row.cells["birth_date"] = ""
    return True


def old_school_name(_: Random, desk: Desk) -> bool:
    student = desk.row.row.person.student
    if student is None or not student.school.former_name or not desk.row.cells["school"]:
        return False
    desk.row.cells["school"] = student.school.former_name
    return True


def short_school_name(_: Random, desk: Desk) -> bool:
    school = str(desk.row.cells["school"])
    if desk.row.row.person.student is None or len(school) < 6:
        return False
    desk.row.cells["school"] = school[3:].replace("初级中学", "初中").replace("高级中学", "高中")
    return True


def no_school(_: Random, desk: Desk) -> bool:
    """Left empty; who is in school elsewhere can then not be told from who is in none."""
    desk.row.cells["school"] = desk.row.cells["grade"] = desk.row.cells["class"] = ""
    if desk.row.state == "registered_elsewhere":
        desk.row.state = "not_in_register"
    return True


def grade_of_last_year(_: Random, desk: Desk) -> bool:
    grade = str(desk.row.cells["grade"])
    order = "一二三四五六七八九"
    if not grade or grade[0] not in order[1:]:
        return False
    desk.row.cells["grade"] = order[order.index(grade[0]) - 1] + grade[1:]
    return True


def careless_ditto(_: Random, desk: Desk) -> bool:
    """同上 below a row of another family."""
    if desk.above is None or desk.above.row.household is desk.row.row.household:
        return False
    fields = [name for name in ("head_name", "guardian_name", "school") if desk.row.cells.get(name)]
    for name in fields:
        desk.row.cells[name] = "同上"
    return bool(fields)


def ditto(_: Random, desk: Desk) -> bool:
    """同上 where the row above says the same: right, if the reader follows it."""
    if desk.above is None or desk.above.row.household is not desk.row.row.household:
        return False
    written = [
        name
        for name in ("head_name", "head_id", "address", "household_type")
        if desk.row.cells.get(name) and desk.above.cells.get(name) in (desk.row.cells[name], "同上")
    ]
    for name in written:
        desk.row.cells[name] = "同上"
    return bool(written)
