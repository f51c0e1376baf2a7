"""The page's texts in both languages, from ``texts.toml``."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from shared.web.languages import Language

_FILE = Path(__file__).with_name("texts.toml")


@functools.cache
def _all() -> Mapping[str, Mapping[str, tuple[str, str]]]:
    tables = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    return {table: {key: (zh, en) for key, (zh, en) in texts.items()} for table, texts in tables.items()}


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
        if isinstance(code, bool):
            code = "true" if code else "false"
        known = _all().get(vocabulary, {}).get(str(code))
        return str(code) if known is None else known[self._place]

    def codes(self, vocabulary: str) -> list[tuple[str, str]]:
        """Every code of a vocabulary with its word, for a drop-down; each word once."""
        seen: dict[str, str] = {}
        for code, words in _all()[vocabulary].items():
            seen.setdefault(words[self._place], code)
        return [(code, word) for word, code in seen.items()]
