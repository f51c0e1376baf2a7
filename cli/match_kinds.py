"""Which list a file is, when the clerk does not say: by its name, else by its titles, else by its columns."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

from services.registry.sheets.lists import ListName
from services.registry.sheets.sheet_files import InputFile
from shared.tabular.errors import TabularError

_WORDS: Mapping[ListName, re.Pattern[str]] = {
    "poverty": re.compile("建档立卡|脱贫|扶贫|乡村振兴|返贫|监测对象|poverty", re.IGNORECASE),
    "civil": re.compile("低保|特困|民政|最低生活|civil|hardship", re.IGNORECASE),
    "disability": re.compile("残疾|残联|disab", re.IGNORECASE),
}
_COLUMNS: Mapping[ListName, frozenset[str]] = {  # an agency's own columns (services/registry/sheets/columns.py)
    "poverty": frozenset(("household_type", "lifted_on", "cause")),
    "civil": frozenset(("allowance_number", "support_type", "area_type", "coverage")),
    "disability": frozenset(("certificate_number", "disability_kind", "disability_grade")),
}


class ListUnknown(TabularError):
    """Neither name, titles nor columns tell whose list it is."""

    code = "list_unknown"


def kind_of(file: InputFile) -> ListName:
    """The list of an opened file. What a person wrote weighs more than columns, which agencies copy from each other.

    Raises ListUnknown when nothing, or more than one thing, is said.
    """
    tables = [sheet.table for sheet in file.sheets if sheet.table is not None]
    by_name, by_title = _named(file.path.stem), _named(" ".join(table.title for table in tables))
    for named in (by_name, by_title):
        if len(named) == 1:
            return named[0]
    columns = {name for table in tables for name in table.header.columns}
    counts = Counter({kind: len(own & columns) for kind, own in _COLUMNS.items()}).most_common(2)
    (kind, most), (_, second) = counts
    if most > second:
        return kind
    raise ListUnknown(
        f"{file.path.name}: 看不出是哪个部门的名单,请在文件名中写明“建档立卡”“低保”“特困”或“残疾人”后再试",
        f"{file.path.name}: it does not say whose list it is; name it poverty, civil, hardship or disability.",
        file=file.path.name,
    )


def _named(text: str) -> list[ListName]:
    return [kind for kind, words in _WORDS.items() if words.search(text)]
