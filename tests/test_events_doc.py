"""docs/events.md says exactly what is declared."""

from __future__ import annotations

from cli.events_doc import PAGE, declared, page


def test_the_page_of_events_is_what_the_declarations_say() -> None:
    assert PAGE.read_text("utf-8") == page(), "docs/events.md is stale: run python -m cli.events_doc"


def test_every_fact_is_explained() -> None:
    assert [known.name for known in declared() if not (known.cls.__doc__ or "").strip()] == []
