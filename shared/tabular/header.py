"""Find the header of a sheet by the labels people really use.

Offices put titles above it, spread it over two rows with merged group names (户主 over 姓名 and 身份证号), and add
columns of their own. So every row near the top is read both as a one-row header and as the upper half of a two-row
header; the reading that names the most fields wins, the simpler one when equal.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from shared.tabular.sheets import Cell, MergedRange

_REMARK = re.compile(r"[(\[【].*?[)\]】]")
_NOISE = re.compile(r"[\s*::、。_\-]+")
_GROUP_TAIL = re.compile(r"(基本)?(信息|情况|资料)$")


def label(cell: Cell) -> str:
    """A header cell reduced to its words: half-width, without blanks, stars, colons and bracketed remarks."""
    if not isinstance(cell, str) or not cell:
        return ""
    return _NOISE.sub("", _REMARK.sub("", unicodedata.normalize("NFKC", cell)))


@dataclass(frozen=True, slots=True)
class AliasTable:
    """Field names by label. Under a label of `foreign_groups` a plain 姓名 is somebody else's and is not read."""

    fields: Mapping[str, str]
    key_fields: frozenset[str]
    foreign_groups: frozenset[str] = frozenset()

    @classmethod
    def of(
        cls, aliases: Mapping[str, Iterable[str]], key_fields: Iterable[str], foreign_groups: Iterable[str] = ()
    ) -> AliasTable:
        fields: dict[str, str] = {}
        for field, names in aliases.items():
            for name in names:
                taken = fields.setdefault(label(name), field)
                if taken != field:
                    raise ValueError(f"the label {name} names both {taken} and {field}")
        return cls(fields, frozenset(key_fields), frozenset(label(group) for group in foreign_groups))

    def field(self, group: str, own: str) -> str | None:
        """The field of a column with this group label above (may be empty) and this label of its own."""
        if not own:
            return self.fields.get(group)
        if not group or group == own:
            return self.fields.get(own)
        group = _GROUP_TAIL.sub("", group)
        joined = self.fields.get(group + own)
        if joined is not None or group in self.foreign_groups:
            return joined
        return self.fields.get(own)


@dataclass(frozen=True, slots=True)
class Header:
    """Rows `first_row` to `last_row` (from 0) and the column of each field found.

    `labels` are the cells of the last header row (or the group above an empty one), `titles` with the group before.
    """

    first_row: int
    last_row: int
    columns: Mapping[str, int]
    labels: tuple[str, ...]
    titles: tuple[str, ...]


def find_header(rows: Sequence[list[Cell]], merged: Sequence[MergedRange], table: AliasTable) -> Header | None:
    """The best header among `rows` (the top of a sheet), or None: at least two fields, one of them a key field."""
    readings: list[tuple[int, int, Header]] = []
    for index, row in enumerate(rows):
        if not any(isinstance(cell, str) and cell for cell in row):
            continue
        single = _reading(index, index, [""] * len(row), [label(cell) for cell in row], table)
        readings.append((len(single.columns), 1, single))
        if index + 1 < len(rows):
            below = [label(cell) for cell in rows[index + 1]]
            groups = _groups(index, row, merged, len(below))
            double = _reading(index, index + 1, groups, below, table)
            readings.append((len(double.columns), 0, double))
    good = [found for found in readings if found[0] >= 2 and table.key_fields & found[2].columns.keys()]
    if not good:
        return None
    return max(good, key=lambda found: (found[0], found[1], -found[2].first_row))[2]


def _reading(first: int, last: int, groups: list[str], own: list[str], table: AliasTable) -> Header:
    columns: dict[str, int] = {}
    for column, (group, name) in enumerate(zip(groups, own, strict=True)):
        field = table.field(group, name)
        if field is not None:
            columns.setdefault(field, column)  # the first of two equal columns is the one people fill
    labels = tuple(name or group for group, name in zip(groups, own, strict=True))
    titles = tuple(group + name if group != name else name for group, name in zip(groups, own, strict=True))
    return Header(first, last, columns, labels, titles)


def _groups(index: int, row: list[Cell], merged: Sequence[MergedRange], width: int) -> list[str]:
    """The label above each column: spread over merged cells where these are known, else to the right."""
    groups = [label(cell) for cell in row][:width]
    groups += [""] * (width - len(groups))
    if merged:
        for (top, left), (bottom, right) in merged:
            if top <= index <= bottom and left < width:
                groups[left : right + 1] = [groups[left]] * (min(right, width - 1) - left + 1)
        return groups
    for column in range(1, width):
        groups[column] = groups[column] or groups[column - 1]
    return groups
