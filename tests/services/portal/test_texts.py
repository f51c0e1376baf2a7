from __future__ import annotations

import re
import string
import tomllib
from pathlib import Path

import services.portal
from services.portal.navigation import AREAS
from services.portal.tables.menu import NAVIGATION
from services.portal.tables.table_pages import TABLES
from services.portal.texts import Texts, term_code

HOME = Path(services.portal.__file__).parent
TABLES_OF_TEXTS = tomllib.loads((HOME / "texts.toml").read_text(encoding="utf-8"))


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_every_text_stands_in_both_languages_with_the_same_gaps() -> None:
    for table, texts in TABLES_OF_TEXTS.items():
        for key, pair in texts.items():
            assert len(pair) == 2 and all(pair), f"{table}.{key}"
            assert fields(pair[0]) == fields(pair[1]), f"{table}.{key}"


def test_every_text_a_template_or_module_names_is_written() -> None:
    used: set[str] = set()
    for path in [*HOME.glob("templates/*.html"), *HOME.rglob("*.py")]:
        source = path.read_text(encoding="utf-8")
        used |= set(re.findall(r'\bt(?:exts)?\(\s*["\']([a-z_]+\.[a-z_0-9]+)["\']', source))
        used |= set(re.findall(r'"([a-z_]+\.[a-z_]+)" (?:if|else)', source))
    assert len(used) > 80
    for key in sorted(key for key in used if not key.endswith((".html", "_"))):
        table, _, name = key.partition(".")
        assert name in TABLES_OF_TEXTS.get(table, {}), key


def test_every_column_filter_and_page_has_its_words() -> None:
    texts = Texts("zh")
    for page in TABLES.values():
        assert texts(f"{page.name}.title")
        for column in page.columns:
            assert texts(f"column.{column.label}")
        for filter_ in page.filters:
            assert texts(f"filter.{filter_.name}")
            assert not filter_.vocabulary or texts.codes(filter_.vocabulary)
    for name, _, _ in NAVIGATION:
        assert texts(f"nav.{name}")
    for area, _ in AREAS:
        assert texts(f"area.{area}")


def test_every_page_of_the_menu_is_in_one_area() -> None:
    assert sorted(name for _, names in AREAS for name in names) == sorted(name for name, _, _ in NAVIGATION)


def test_no_word_of_the_machinery_stands_on_a_page() -> None:
    words = " ".join(text for table in TABLES_OF_TEXTS.values() for pair in table.values() for text in pair).lower()
    for machinery in ("stream", "watermark", "sse", "kafka", "未入学", "offset", "projection"):
        assert machinery not in words.replace("assessed", "").replace("addresses", "").replace("classes", "").replace(
            "witnesses", ""
        ), machinery


def test_an_unknown_code_is_shown_as_it_is() -> None:
    assert Texts("zh").label("category", "orphan") == "orphan"
    assert Texts("zh").label("category", None) == "" and Texts("en").label("yes_no", True) == "Yes"


def test_a_term_is_called_as_people_call_it_and_understood_when_typed_so() -> None:
    assert Texts("zh").label("term", "2026-autumn") == "2026年秋季学期"
    assert Texts("en").label("term", "2027-spring") == "Spring 2027"
    assert Texts("zh").label("term", "第一学期") == "第一学期"  # a calendar's own name
    for typed in ("2026年秋季学期", "2026年秋季", "2026秋", "Autumn 2026", " autumn 2026", "2026-autumn"):
        assert term_code(typed).strip() == "2026-autumn", typed
    assert term_code("第一学期") == "第一学期"
