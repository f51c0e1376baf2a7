"""Names of adults beside a child's; how any name is made comparable stands in :mod:`shared.standards.person_name`."""

from __future__ import annotations

from shared.standards.person_name import MIDDLE_DOT, comparable

__all__ = ["MIDDLE_DOT", "NOBODYS_NAMES", "adult_name", "comparable"]

NOBODYS_NAMES = frozenset(("无", "无人", "没有", "暂无", "不详", "未知", "不明", "-", "--", "—", "——", "/", "\\"))


def adult_name(name: str) -> str:
    """A guardian's or head's comparable name; empty for the words that stand for none."""
    plain = comparable(name)
    return "" if plain in NOBODYS_NAMES else plain
