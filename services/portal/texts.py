"""The page's texts in both languages, from ``texts.toml``."""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from shared.web.languages import Language

_TERM = re.compile(r"(\d{4})-(autumn|spring)")
_CALLED = re.compile(r"(\d{4})\s*年?\s*(秋|春)(?:季)?(?:学期)?|(Autumn|Spring)\s+(\d{4})", re.IGNORECASE)
_SEASONS = {"秋": "autumn", "春": "spring"}
_FILE = Path(__file__).with_name("texts.toml")


@functools.cache
def _all() -> Mapping[str, Mapping[str, tuple[str, str]]]:
    tables = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    return {table: {key: (zh, en) for key, (zh, en) in texts.items()} for table, texts in tables.items()}


def term_code(typed: str) -> str:
    """The code of a term as it is shown (2026年秋季学期, 2026秋, Autumn 2026); what is none stays as typed."""
    found = _CALLED.fullmatch(typed.strip())
    if found is None:
        return typed
    return f"{found[1]}-{_SEASONS[found[2]]}" if found[1] else f"{found[4]}-{found[3].lower()}"


class Texts:
    """The texts of one language."""

    def __init__(self, language: Language) -> None:
        self.language = language
        self._place = 1 if language == "en" else 0

    def __call__(self, key: str, **values: Any) -> str:
        """The text of ``table.key``, filled in. Raises KeyError for a text nobody wrote."""
        table, _, name = key.partition(".")
        return _all()[table][name][self._place].format(**values)

    def label(self, vocabulary: str, code: Any) -> str:
        """The word for a code; the code itself when this page knows none (a newer service)."""
        if code is None or code == "":
            return ""
        if vocabulary == "term":
            return self.term(str(code))
        if isinstance(code, bool):
            code = "true" if code else "false"
        known = _all().get(vocabulary, {}).get(str(code))
        return str(code) if known is None else known[self._place]

    def term(self, code: str) -> str:
        """A term as people call it: 2026-autumn is 2026年秋季学期; any other name as the calendar has it."""
        found = _TERM.fullmatch(code)
        return self(f"terms.{found[2]}", year=found[1]) if found else code

    def codes(self, vocabulary: str) -> list[tuple[str, str]]:
        """Every code of a vocabulary with its word, for a drop-down; each word once."""
        seen: dict[str, str] = {}
        for code, words in _all()[vocabulary].items():
            seen.setdefault(words[self._place], code)
        return [(code, word) for word, code in seen.items()]
